"""Pages of tile sets: make one, watch it being indexed, read its report."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models import database, finding, jobs
from models.errors import TesseraError
from web import intake
from web.context import reading, sessions
from web.views.again import or_again

bp = Blueprint("tile_sets", __name__, url_prefix="/tile-sets")


def _page(error: TesseraError | None) -> ResponseReturnValue:
    return render_template("tile_sets/new.html", error=error, form=request.form)


@bp.get("/new")
def new() -> ResponseReturnValue:
    """Show the form."""
    return _page(None)


@bp.post("")
@or_again(_page)
def create() -> ResponseReturnValue:
    """Take the photos in, and order them to be indexed."""
    files = request.files
    identity = intake.receive_tile_set(
        request.form.get("name", ""), files.getlist("photos"), files.getlist("archive")
    )
    return redirect(url_for("tile_sets.show", tile_set_id=identity), code=303)


@bp.get("/<uuid:tile_set_id>")
def show(tile_set_id: UUID) -> ResponseReturnValue:
    """Show how far the indexing is, then what came of it."""
    with reading()() as session:
        tile_set = finding.find_tile_set(session, tile_set_id)
        skipped = finding.skipped_photos(session, tile_set_id)
    return render_template("tile_sets/show.html", tile_set=tile_set, skipped=skipped)


@bp.post("/<uuid:tile_set_id>/cancel")
def cancel(tile_set_id: UUID) -> ResponseReturnValue:
    """Cancel the indexing."""
    with sessions().begin() as session:
        jobs.cancel(session, [finding.find_tile_set(session, tile_set_id).job_id], database.now(session))
    return redirect(url_for("tile_sets.show", tile_set_id=tile_set_id), code=303)
