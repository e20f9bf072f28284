"""Pages of mosaics: order one, watch it, look at it, download it."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from models import (
    again,
    database,
    jobs,
    listing,
    placement_documents,
    prints,
    queries,
    renditions,
    waiting,
)
from models.errors import TesseraError
from models.rules import print_card, report
from models.rules.formats import Format
from models.rules.kept_placements import Kept
from models.tables import Mosaic
from web import downloads, forms, intake, vendored
from web.context import reading, sessions, settings, store
from web.views import finding, listed, ordering, unfinished, zoom
from web.views.redisplay import or_again

bp = Blueprint("mosaics", __name__, url_prefix="/mosaics")
SUGGESTED = 30
"""Photos that the form for an edit proposes."""


@bp.get("")
def index() -> ResponseReturnValue:
    """Show mosaics that were ordered singly, the newest first."""
    return listed.page("mosaics/index.html", listing.mosaics)


@bp.get("/new")
def new() -> ResponseReturnValue:
    """Show the form."""
    return ordering.page(None)


@bp.post("")
@or_again(ordering.page)
def create() -> ResponseReturnValue:
    """Order a mosaic."""
    return redirect(url_for("mosaics.show", mosaic_id=ordering.create()), code=303)


@bp.get("/<uuid:mosaic_id>")
def show(mosaic_id: UUID) -> ResponseReturnValue:  # noqa: ARG001 - `page` takes it from the address
    """Show how far the mosaic is, or the finished mosaic."""
    return page(None)


def page(error: TesseraError | None, shared: tuple[str, datetime] | None = None) -> ResponseReturnValue:
    """Show the mosaic that the address names, with what was wrong in a form, or a link that shares it, if any."""
    mosaic_id = (request.view_args or {})["mosaic_id"]
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    part = request.args.get("find", "").strip()
    kept = _kept(mosaic, needed=bool(part))  # of the store, which may take its time, so in no session
    with reading() as session:
        files = renditions.of_mosaic(session, mosaic_id)
        suggested = _suggested(session, mosaic, kept) if kept else []
        found = finding.search(session, mosaic, kept) if kept and part else None
        parent = queries.find_mosaic(session, mosaic.parent_id) if mosaic.parent_id else None
        last = again.last_of(session, mosaic)
        seen = waiting.look(session, [mosaic.job_id]).get(mosaic.job_id)
    order, plan = queries.order_of(mosaic), prints.plan_of(mosaic)
    return render_template(
        "mosaics/show.html",
        mosaic=mosaic,
        error=error,
        form=request.form,
        suggested=suggested,
        found=found,
        shared=shared,
        embedded=settings().mode == "embedded",
        parent=parent if parent and parent.preview_key else None,
        last=last if last and last.preview_key else None,
        report=report.sentence(mosaic.quality) if mosaic.quality else "",
        paper=print_card.card((mosaic.width, mosaic.height)) if mosaic.width and mosaic.height else [],
        plan=plan,
        split=order.split(plan.pixels) if plan else None,
        notes=prints.notes_on(mosaic, plan) if plan else [],
        renditions=files,
        formats=Format,
        seen=seen,
        size=None if mosaic.job.state.final else unfinished.shape(mosaic, plan),
        final=error is not None or all(file.job.state.final for file in files),
        pyramid=zoom.pyramid_of(files) if vendored.there(vendored.VIEWER) else None,
    )


def _kept(mosaic: Mosaic, *, needed: bool) -> Kept | None:
    """Return the placement as it is kept; None if that cannot be had, which is an error where it is needed."""
    try:
        return placement_documents.kept_of(store(), mosaic)
    except TesseraError:
        if needed:
            raise
        return None


def _suggested(session: Session, mosaic: Mosaic, kept: Kept) -> list[tuple[str, int]]:
    """Return the names of the photos that lie in most cells, and in how many."""
    used = kept.most_used(SUGGESTED)
    names = placement_documents.names_of(session, mosaic.tile_set_id, [content for content, _ in used])
    return [(names[content], uses) for content, uses in used if content in names]


@bp.post("/<uuid:mosaic_id>/cancel")
def cancel(mosaic_id: UUID) -> ResponseReturnValue:
    """Cancel the mosaic."""
    with sessions().begin() as session:
        jobs.cancel(session, [queries.find_mosaic(session, mosaic_id).job_id], database.now(session))
    return redirect(url_for("mosaics.show", mosaic_id=mosaic_id), code=303)


@bp.get("/<uuid:mosaic_id>/picture")
def picture(mosaic_id: UUID) -> ResponseReturnValue:
    """Download the mosaic."""
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    return downloads.rendition(mosaic.first)


@bp.get("/<uuid:mosaic_id>/preview")
def preview(mosaic_id: UUID) -> ResponseReturnValue:
    """Send the picture that the pages show."""
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    return downloads.preview(mosaic)


@bp.get("/<uuid:mosaic_id>/thumbnail", defaults={"large": False})
@bp.get("/<uuid:mosaic_id>/thumbnail/large", defaults={"large": True})
def thumbnail(mosaic_id: UUID, *, large: bool) -> ResponseReturnValue:
    """Send the picture that lists show."""
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    return downloads.thumbnail(mosaic, large=large)


@bp.get("/<uuid:mosaic_id>/target-preview")
def target_preview(mosaic_id: UUID) -> ResponseReturnValue:
    """Send the picture that was rebuilt, as it was matched."""
    with reading() as session:
        mosaic = queries.find_mosaic(session, mosaic_id)
    return downloads.target_preview(mosaic)


@bp.get("/<uuid:mosaic_id>/placement.<any(json, csv):kind>")
def placement(mosaic_id: UUID, kind: str) -> ResponseReturnValue:
    """Download the placement."""
    return downloads.placement(mosaic_id, f".{kind}")


@bp.post("/<uuid:mosaic_id>/renditions")
@or_again(page)
def order_rendition(mosaic_id: UUID) -> ResponseReturnValue:
    """Order another file."""
    intake.receive_rendition(mosaic_id, forms.page_file(request.form))
    return redirect(url_for("mosaics.show", mosaic_id=mosaic_id, _anchor="files"), code=303)


@bp.get("/<uuid:mosaic_id>/renditions/<uuid:rendition_id>/file")
def rendition(mosaic_id: UUID, rendition_id: UUID) -> ResponseReturnValue:
    """Download a file."""
    with reading() as session:
        row = renditions.find(session, mosaic_id, rendition_id)
    return downloads.rendition(row)


@bp.post("/<uuid:mosaic_id>/renditions/<uuid:rendition_id>/cancel")
def cancel_rendition(mosaic_id: UUID, rendition_id: UUID) -> ResponseReturnValue:
    """Cancel a file."""
    with sessions().begin() as session:
        jobs.cancel(session, [renditions.find(session, mosaic_id, rendition_id).job_id], database.now(session))
    return redirect(url_for("mosaics.show", mosaic_id=mosaic_id, _anchor="files"), code=303)
