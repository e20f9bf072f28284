"""Pages of tile sets: make one, watch it being indexed, read its report, add to it, rename it, delete it."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models import database, jobs, listing, queries, tile_set_versions, undo, waiting
from models.errors import NotFound, TesseraError
from web import downloads, forms, intake
from web.context import reading, sessions, settings
from web.views import listed, sheet
from web.views.redisplay import or_again

bp = Blueprint("tile_sets", __name__, url_prefix="/tile-sets")


def _form(error: TesseraError | None) -> ResponseReturnValue:
    return render_template("tile_sets/new.html", error=error, form=request.form)


def _page(error: TesseraError | None) -> ResponseReturnValue:
    """Show the set that the address names, with the error if there is one."""
    tile_set_id: UUID = (request.view_args or {})["tile_set_id"]
    with reading() as session:
        tile_set = queries.find_tile_set(session, tile_set_id)
        return render_template(
            "tile_sets/show.html",
            sheet=sheet.read(session, tile_set, {}),
            missing=forms.row_id(request.args, "missing", 0),
            error=error,
            tile_set=tile_set,
            seen=waiting.look(session, [tile_set.job_id]).get(tile_set.job_id),
            versions=queries.versions(session, tile_set_id, most=10),
            skipped=queries.skipped_photos(session, tile_set_id),
        )


@bp.get("")
def index() -> ResponseReturnValue:
    """Show tile sets, the newest first."""
    return listed.page("tile_sets/index.html", listing.tile_sets)


@bp.get("/new")
def new() -> ResponseReturnValue:
    """Show the form."""
    return _form(None)


@bp.post("")
@or_again(_form)
def create() -> ResponseReturnValue:
    """Store the photos, and order them to be indexed."""
    form, files = request.form, request.files
    identity = intake.receive_tile_set(
        form.get("name", ""),
        files.getlist("photos"),
        files.getlist("archive"),
        dedupe=forms.truth(form, "dedupe"),
        keep_originals=forms.truth(form, "keep_originals"),
    )
    return _back(identity)


@bp.get("/<uuid:tile_set_id>")
def show(tile_set_id: UUID) -> ResponseReturnValue:  # noqa: ARG001 - `_page` takes it from the address
    """Show how far the indexing is, and its results."""
    return _page(None)


@bp.post("/<uuid:tile_set_id>/add")
@or_again(_page)
def add(tile_set_id: UUID) -> ResponseReturnValue:
    """Store more photos, and order them to be indexed."""
    intake.receive_photos(tile_set_id, request.files.getlist("photos"), request.files.getlist("archive"))
    return _back(tile_set_id)


@bp.post("/<uuid:tile_set_id>/rename")
@or_again(_page)
def rename(tile_set_id: UUID) -> ResponseReturnValue:
    """Give the set another name."""
    with sessions().begin() as session:
        tile_set_versions.rename(session, tile_set_id, request.form.get("name", ""))
    return _back(tile_set_id)


@bp.post("/<uuid:tile_set_id>/cancel")
def cancel(tile_set_id: UUID) -> ResponseReturnValue:
    """Cancel the indexing."""
    with sessions().begin() as session:
        jobs.cancel(session, [queries.find_tile_set(session, tile_set_id).job_id], database.now(session))
    return _back(tile_set_id)


@bp.post("/<uuid:tile_set_id>/resume")
@or_again(_page)
def resume(tile_set_id: UUID) -> ResponseReturnValue:
    """Continue the indexing where it stopped."""
    intake.resume_tile_set(tile_set_id)
    return _back(tile_set_id)


@bp.get("/<uuid:tile_set_id>/delete")
def ask(tile_set_id: UUID) -> ResponseReturnValue:
    """Ask for confirmation that the set is to be deleted."""
    with reading() as session:
        tile_set = queries.find_tile_set(session, tile_set_id)
        count = queries.mosaic_count(session, tile_set_id)
    days = settings().undo_days
    return render_template("tile_sets/delete.html", tile_set=tile_set, mosaic_count=count, days=days)


@bp.post("/<uuid:tile_set_id>/delete")
def delete(tile_set_id: UUID) -> ResponseReturnValue:
    """Move the set to the trash; after a double click, it is there already."""
    try:
        with sessions().begin() as session:
            tile_set_versions.drop(session, tile_set_id, database.now(session))
    except NotFound:
        with reading() as session:
            undo.find_set(session, tile_set_id)
    return redirect(url_for("home.show"), code=303)


@bp.get("/<uuid:tile_set_id>/plot")
def plot(tile_set_id: UUID) -> ResponseReturnValue:
    """Send the plot of the set's colours."""
    return downloads.plot(tile_set_id)


@bp.get("/<uuid:tile_set_id>/palette")
def palette(tile_set_id: UUID) -> ResponseReturnValue:
    """Send the strip of the set's commonest colours."""
    return downloads.palette(tile_set_id)


def _back(tile_set_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("tile_sets.show", tile_set_id=tile_set_id), code=303)
