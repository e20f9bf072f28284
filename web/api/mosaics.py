"""/api/v1/mosaics."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from models import database, jobs, keeping, listing, queries
from models.errors import NoPlacement, NotFound, NotReady, NotRetryable
from models.listing import Wanted
from models.rules.changes import Pin
from models.rules.formats import Format
from models.tables import Mosaic
from web import downloads, drafting, forms, intake, second_tries
from web.api import kept_targets, polling, present
from web.api.document import fails, sends
from web.api.mosaic_schemas import EditIn, MosaicIn, MosaicOut, MosaicsOut
from web.api.paging import OrdersIn, listed
from web.api.schemas import NameIn
from web.context import reading, sessions

TAG = {"name": "Mosaics", "description": "A target, an order, and, once its job has succeeded, the picture."}

bp = APIBlueprint("mosaics", __name__, url_prefix="/mosaics", tag=TAG)


@bp.post("")
@bp.input(MosaicIn, location="form_and_files", arg_name="body")
@bp.output(MosaicOut, status_code=202)
@fails(NotFound, NotReady)
def create(body: dict[str, Any]) -> polling.Answer:
    """Order a mosaic of one target: of a file, of a kept target, or of what another mosaic was made of.

    The answer comes at once; poll the address in Location until `job.final` is true.
    """
    order = forms.mosaic_order(body)
    tile_set_id, alpha = forms.identity(body["tile_set"], "tile set"), forms.truth(body, "mask_alpha")
    kept = kept_targets.of_mosaic(body)
    if kept is None:
        identity = intake.receive_mosaic(tile_set_id, body["target"], order, body.get("mask"), alpha=alpha)
    else:
        last_id = forms.identity(body["again"], "mosaic") if body.get("again") else None
        identity = drafting.order(kept, tile_set_id, order, alpha=alpha, last_id=last_id)
    return polling.accepted(_shown(identity))


@bp.get("")
@bp.input(OrdersIn, location="query", arg_name="page")
@bp.output(MosaicsOut)
def index(page: dict[str, Any]) -> dict[str, Any]:
    """List mosaics that were ordered singly, the newest first."""
    with reading() as session:
        found = listing.mosaics(session, Wanted(**page))
        return listed(found, [present.mosaic(row) for row in found.rows])


@bp.get("/<uuid:mosaic_id>")
@bp.output(MosaicOut)
def show(mosaic_id: UUID) -> polling.Answer:
    """Show a mosaic and how far its job is.

    Send the ETag back as If-None-Match to get 304 when nothing has changed.
    """
    with reading() as session:
        row = queries.find_mosaic(session, mosaic_id)
    return present.mosaic(row), 200, polling.retry_after(final=row.job.state.final)


@bp.patch("/<uuid:mosaic_id>")
@bp.input(NameIn, location="json_or_form", arg_name="body")
@bp.output(MosaicOut)
def rename(mosaic_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Give a mosaic another name: its target_name."""
    with sessions().begin() as session:
        keeping.rename(session, Mosaic, mosaic_id, body["name"])
    return _shown(mosaic_id)


@bp.delete("/<uuid:mosaic_id>")
@bp.output({}, status_code=204)
def delete(mosaic_id: UUID) -> str:
    """Put a mosaic into the trash, with its target and all its files; what is unfinished of it is cancelled."""
    with sessions().begin() as session:
        keeping.drop(session, Mosaic, mosaic_id, database.now(session))
    return ""


@bp.post("/<uuid:mosaic_id>/restore")
@bp.output(MosaicOut)
def restore(mosaic_id: UUID) -> dict[str, Any]:
    """Take a mosaic out of the trash; one that is not in it stays as it is."""
    with sessions().begin() as session:
        keeping.restore(session, Mosaic, mosaic_id)
    return _shown(mosaic_id)


@bp.post("/<uuid:mosaic_id>/cancel")
@bp.output(MosaicOut)
def cancel(mosaic_id: UUID) -> dict[str, Any]:
    """Cancel a mosaic; one in a final state stays as it is."""
    with sessions().begin() as session:
        jobs.cancel(session, [queries.find_mosaic(session, mosaic_id).job_id], database.now(session))
    return _shown(mosaic_id)


@bp.post("/<uuid:mosaic_id>/retry")
@bp.output(MosaicOut, status_code=202)
@fails(NotRetryable)
def retry(mosaic_id: UUID) -> polling.Answer:
    """Try a mosaic again that failed or was cancelled: the same order, as a new job."""
    second_tries.of_mosaic(mosaic_id)
    return polling.accepted(_shown(mosaic_id))


@bp.post("/<uuid:mosaic_id>/edits")
@bp.input(EditIn, location="json", arg_name="body")
@bp.output(MosaicOut, status_code=202)
@fails(NotFound, NotReady, NoPlacement)
def edit(mosaic_id: UUID, body: dict[str, Any]) -> polling.Answer:
    """Order an edit: a new mosaic that is this one with other photos in some cells.

    Only the cells that have to change choose again, by the same rules. Poll the address in Location until `job.final`
    is true.
    """
    lock = [(cell["column"], cell["row"]) for cell in body["lock"]]
    pins = [Pin(**pin) for pin in body["pins"]]
    identity = intake.receive_edit(mosaic_id, body | {"lock": lock, "pins": pins})
    return polling.accepted(_shown(identity))


@bp.get("/<uuid:mosaic_id>/picture")
@fails(NotReady)
@sends(*(each.facts.media_type for each in Format), ranges=True)
def picture(mosaic_id: UUID) -> Response:
    """Download the mosaic, as it was ordered first."""
    with reading() as session:
        row = queries.find_mosaic(session, mosaic_id)
    return downloads.rendition(row.first)


@bp.get("/<uuid:mosaic_id>/placement.json")
@fails(NotReady, NoPlacement)
@sends("application/json")
def get_placement_json(mosaic_id: UUID) -> Response:
    """Download which part of which photo lies in which cell, as JSON."""
    return downloads.placement(mosaic_id, ".json")


@bp.get("/<uuid:mosaic_id>/placement.csv")
@fails(NotReady, NoPlacement)
@sends("text/csv")
def get_placement_csv(mosaic_id: UUID) -> Response:
    """Download which part of which photo lies in which cell, as CSV, a line for each cell."""
    return downloads.placement(mosaic_id, ".csv")


def _shown(mosaic_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return present.mosaic(queries.find_mosaic(session, mosaic_id))
