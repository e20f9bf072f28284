"""/api/v1/mosaics."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from models import database, jobs, listing, queries
from models.errors import NoPlacement, NotFound, NotReady
from models.listing import Wanted
from models.rules.changes import Pin
from models.rules.formats import Format
from web import downloads, forms, intake
from web.api import polling, present
from web.api.document import fails, sends
from web.api.paging import OrdersIn, listed
from web.api.schemas import EditIn, MosaicIn, MosaicOut, MosaicsOut
from web.context import reading, sessions

Answer = tuple[dict[str, Any], int, dict[str, str]]

TAG = {"name": "Mosaics", "description": "A target, an order, and, once its job has succeeded, the picture."}

bp = APIBlueprint("mosaics", __name__, url_prefix="/mosaics", tag=TAG)


@bp.post("")
@bp.input(MosaicIn, location="form_and_files", arg_name="body")
@bp.output(MosaicOut, status_code=202)
@fails(NotFound, NotReady)
def create(body: dict[str, Any]) -> Answer:
    """Order a mosaic of one target.

    The answer comes at once; poll the address in Location until `job.final` is true.
    """
    order = forms.mosaic_order(body)
    tile_set_id, alpha = forms.identity(body["tile_set"], "tile set"), forms.truth(body, "mask_alpha")
    identity = intake.receive_mosaic(tile_set_id, body["target"], order, body.get("mask"), alpha=alpha)
    with reading() as session:
        shown = present.mosaic(queries.find_mosaic(session, identity))
    return shown, 202, {"Location": shown["url"], **polling.retry_after(final=False)}


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
def show(mosaic_id: UUID) -> Answer:
    """Show a mosaic and how far its job is.

    Send the ETag back as If-None-Match to get 304 when nothing has changed.
    """
    with reading() as session:
        row = queries.find_mosaic(session, mosaic_id)
    return present.mosaic(row), 200, polling.retry_after(final=row.job.state.final)


@bp.post("/<uuid:mosaic_id>/cancel")
@bp.output(MosaicOut)
def cancel(mosaic_id: UUID) -> dict[str, Any]:
    """Cancel a mosaic; one in a final state stays as it is."""
    with sessions().begin() as session:
        jobs.cancel(session, [queries.find_mosaic(session, mosaic_id).job_id], database.now(session))
    with reading() as session:
        return present.mosaic(queries.find_mosaic(session, mosaic_id))


@bp.post("/<uuid:mosaic_id>/edits")
@bp.input(EditIn, location="json", arg_name="body")
@bp.output(MosaicOut, status_code=202)
@fails(NotFound, NotReady, NoPlacement)
def edit(mosaic_id: UUID, body: dict[str, Any]) -> Answer:
    """Order an edit: a new mosaic that is this one with other photos in some cells.

    Only the cells that have to change choose again, by the same rules. Poll the address in Location until `job.final`
    is true.
    """
    lock = [(cell["column"], cell["row"]) for cell in body["lock"]]
    pins = [Pin(**pin) for pin in body["pins"]]
    identity = intake.receive_edit(mosaic_id, body | {"lock": lock, "pins": pins})
    with reading() as session:
        shown = present.mosaic(queries.find_mosaic(session, identity))
    return shown, 202, {"Location": shown["url"], **polling.retry_after(final=False)}


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
