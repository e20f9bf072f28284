"""Pages of batches: one order for many targets."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from models import batch_pages, database, jobs, listing, queries
from models.errors import TesseraError
from models.listing import Page, Wanted
from models.queries import BatchProgress
from models.tables import Batch
from web import downloads, forms, intake, manifests
from web.context import reading, sessions
from web.views import lately, listed
from web.views.redisplay import or_again, order_form

bp = Blueprint("batches", __name__, url_prefix="/batches")
PAGE_LENGTH, FEW = 48, 24
"""How many mosaics a page shows, and how many that failed."""


_page = order_form("batches/new.html")


@bp.get("")
def index() -> ResponseReturnValue:
    """Show batches, the newest first."""
    return listed.page("batches/index.html", _with_progress)


def _with_progress(session: Session, wanted: Wanted) -> Page[tuple[Batch, BatchProgress]]:
    found = listing.batches(session, wanted)
    return Page([(row, queries.batch_progress(session, row.id)) for row in found.rows], found.following)


@bp.get("/new")
def new() -> ResponseReturnValue:
    """Show the form."""
    return _page(None)


@bp.post("")
@or_again(_page)
def create() -> ResponseReturnValue:
    """Store the targets, and order a mosaic of each."""
    order = forms.page_order(request.form.to_dict())
    tile_set_id = forms.identity(request.form.get("tile_set", ""), "tile set")
    files = request.files
    name = request.form.get("name", "")
    identity = intake.receive_batch(name, tile_set_id, files.getlist("targets"), files.getlist("archive"), order)
    return redirect(url_for("batches.show", batch_id=identity), code=303)


@bp.get("/<uuid:batch_id>")
def show(batch_id: UUID) -> ResponseReturnValue:
    """Show how far the batch is, as a whole and mosaic by mosaic, a page at a time."""
    return _shown("batches/show.html", batch_id)


def page(error: TesseraError | None) -> ResponseReturnValue:
    """Show the batch that the address names, with what was wrong in a form."""
    return _shown("batches/show.html", (request.view_args or {})["batch_id"], error)


@bp.get("/<uuid:batch_id>/state")
def state(batch_id: UUID) -> ResponseReturnValue:
    """Send the part of the page that changes while mosaics are made."""
    return _shown("batches/state.html", batch_id)


def _shown(template: str, batch_id: UUID, error: TesseraError | None = None) -> ResponseReturnValue:
    place = {name: forms.row_id(request.args, name, 0) for name in ("failed", "after")}
    with reading() as session:
        return render_template(
            template,
            error=error,
            batch=queries.find_batch(session, batch_id),
            progress=queries.batch_progress(session, batch_id),
            failed=batch_pages.failed(session, batch_id, place["failed"], FEW),
            others=batch_pages.others(session, batch_id, place["after"], PAGE_LENGTH),
            place=place,
            deleted=lately.deleted(session),
        )


@bp.post("/<uuid:batch_id>/cancel")
def cancel(batch_id: UUID) -> ResponseReturnValue:
    """Cancel the jobs of the batch that are not final."""
    with sessions().begin() as session:
        queries.find_batch(session, batch_id)
        jobs.cancel(session, [row.job_id for row in queries.batch_mosaics(session, batch_id)], database.now(session))
    return redirect(url_for("batches.show", batch_id=batch_id), code=303)


@bp.get("/<uuid:batch_id>/archive")
def archive(batch_id: UUID) -> ResponseReturnValue:
    """Download one zip of the mosaics that succeeded."""
    with reading() as session:
        queries.find_batch(session, batch_id)
        mosaics = queries.batch_mosaics(session, batch_id)
    return downloads.archive(f"mosaics-{batch_id.hex[:8]}.zip", mosaics)


@bp.get("/<uuid:batch_id>/manifest.<any(json, csv):kind>")
def manifest(batch_id: UUID, kind: str) -> ResponseReturnValue:
    """Download what became of each mosaic."""
    return manifests.as_json(batch_id) if kind == "json" else manifests.as_csv(batch_id)
