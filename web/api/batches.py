"""/api/v1/batches."""

import uuid
from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import UUID, Boolean, Dict, Float, Integer, List, Nested, String
from flask import Response

from models import database, jobs, keeping, listing, queries
from models.errors import NotFound, NotReady, NotRetryable
from models.listing import Wanted
from models.tables import Batch
from web import downloads, forms, intake, manifests, second_tries
from web.api import kept_targets, polling, present
from web.api.document import fails, sends
from web.api.fields import COUNT, SHARE, Address, Files, Shown, a_name, said
from web.api.mosaic_schemas import MosaicOut, OrderIn
from web.api.paging import OrdersIn, PageIn, following, listed
from web.api.schemas import NameIn
from web.context import reading, sessions

TAG = {"name": "Batches", "description": "One order for many targets."}

bp = APIBlueprint("batches", __name__, url_prefix="/batches", tag=TAG)


class BatchIn(OrderIn):
    """Many targets, at least one, and one order for all."""

    name = a_name(load_default="Untitled")
    targets = Files("Pictures to rebuild, one part each.")
    archive = Files("Zips of pictures to rebuild, one part each.")
    target_ids = List(
        String(metadata={"format": "uuid"}), load_default=list, metadata=said("Ids of kept targets, one part each.")
    )


class BatchOut(Shown):
    """A batch as a whole."""

    id = UUID()
    name = String(metadata=said("For people.", examples=["Guests"]))
    url = Address("Of the batch.")
    tile_set = UUID(metadata=said("Id of the tile set that its mosaics are made of."))
    tile_set_version = Integer(metadata=said("The version that they are made from."))
    total = Integer(metadata=said("How many mosaics there are.", **COUNT))
    states = Dict(
        keys=String(),
        values=Integer(),
        metadata=said("How many mosaics are in each state that has any.", examples=[{"queued": 3}]),
    )
    progress = Float(metadata=said("Share of all work that is done.", **SHARE))
    final = Boolean(metadata=said("Whether nothing will change any more."))
    mosaics = Address("Of its mosaics.")
    manifest = Address("What became of each of its mosaics, as JSON.")
    archive = Address("Of one zip of what succeeded, once all are final and one has.", allow_none=True)


class BatchMosaicsOut(Shown):
    """Mosaics of a batch, in the order of its targets."""

    items = List(Nested(MosaicOut))
    next = Address("Of those after these; null after the last.", allow_none=True)


class BatchesOut(Shown):
    """Batches, the newest first."""

    items = List(Nested(BatchOut))
    next = Address("Of those after these; null after the last.", allow_none=True)


@bp.post("")
@bp.input(BatchIn, location="form_and_files", arg_name="body")
@bp.output(BatchOut, status_code=202)
@fails(NotFound, NotReady)
def create(body: dict[str, Any]) -> polling.Answer:
    """Order a mosaic of each of many targets, on a queue of its own that never delays a single order."""
    order = forms.mosaic_order(body)
    tile_set_id = forms.identity(body["tile_set"], "tile set")
    kept = kept_targets.of_batch(body["target_ids"], tile_set_id, order)
    identity = intake.receive_batch(body["name"], tile_set_id, body["targets"], body["archive"], order, kept)
    return polling.accepted(_shown(identity))


@bp.get("")
@bp.input(OrdersIn, location="query", arg_name="page")
@bp.output(BatchesOut)
def index(page: dict[str, Any]) -> dict[str, Any]:
    """List batches, the newest first; a state is that of some of their mosaics."""
    with reading() as session:
        found = listing.batches(session, Wanted(**page))
        return listed(found, [present.batch(row, queries.batch_progress(session, row.id)) for row in found.rows])


@bp.get("/<uuid:batch_id>")
@bp.output(BatchOut)
def show(batch_id: uuid.UUID) -> polling.Answer:
    """Show a batch as a whole: how far it is, and where its mosaics are.

    Send the ETag back as If-None-Match to get 304 when nothing has changed.
    """
    whole = _shown(batch_id)
    return whole, 200, polling.retry_after(final=whole["final"])


@bp.patch("/<uuid:batch_id>")
@bp.input(NameIn, location="json_or_form", arg_name="body")
@bp.output(BatchOut)
def rename(batch_id: uuid.UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Give a batch another name."""
    with sessions().begin() as session:
        keeping.rename(session, Batch, batch_id, body["name"])
    return _shown(batch_id)


@bp.delete("/<uuid:batch_id>")
@bp.output({}, status_code=204)
def delete(batch_id: uuid.UUID) -> str:
    """Put a batch into the trash, with its mosaics and their targets; what is unfinished of it is cancelled."""
    with sessions().begin() as session:
        keeping.drop(session, Batch, batch_id, database.now(session))
    return ""


@bp.post("/<uuid:batch_id>/restore")
@bp.output(BatchOut)
def restore(batch_id: uuid.UUID) -> dict[str, Any]:
    """Take a batch out of the trash, with its mosaics; one that is not in it stays as it is."""
    with sessions().begin() as session:
        keeping.restore(session, Batch, batch_id)
    return _shown(batch_id)


@bp.get("/<uuid:batch_id>/mosaics")
@bp.input(PageIn, location="query", arg_name="page")
@bp.output(BatchMosaicsOut)
def mosaics(batch_id: uuid.UUID, page: dict[str, int]) -> dict[str, Any]:
    """List the mosaics of a batch, in the order of its targets."""
    after, limit = page["after"], page["limit"]
    with reading() as session:
        queries.find_batch(session, batch_id)
        rows = queries.batch_mosaics(session, batch_id, after, limit)
    more = len(rows) == limit
    return {
        "items": [present.mosaic(row) for row in rows],
        "next": following(rows[-1].number + 1) if more else None,
    }


@bp.post("/<uuid:batch_id>/cancel")
@bp.output(BatchOut)
def cancel(batch_id: uuid.UUID) -> dict[str, Any]:
    """Cancel every mosaic of a batch that is not final."""
    with sessions().begin() as session:
        queries.find_batch(session, batch_id)
        job_ids = [row.job_id for row in queries.batch_mosaics(session, batch_id)]
        jobs.cancel(session, job_ids, database.now(session))
    return _shown(batch_id)


@bp.post("/<uuid:batch_id>/retry")
@bp.output(BatchOut, status_code=202)
@fails(NotRetryable)
def retry(batch_id: uuid.UUID) -> polling.Answer:
    """Try all mosaics of a batch again that failed or were cancelled."""
    second_tries.of_batch(batch_id)
    return polling.accepted(_shown(batch_id))


@bp.get("/<uuid:batch_id>/manifest.json")
@sends("application/json")
def get_manifest_json(batch_id: uuid.UUID) -> Response:
    """Download what became of each mosaic of a batch, as JSON."""
    return manifests.as_json(batch_id)


@bp.get("/<uuid:batch_id>/manifest.csv")
@sends("text/csv")
def get_manifest_csv(batch_id: uuid.UUID) -> Response:
    """Download what became of each mosaic of a batch, as CSV, a line for each."""
    return manifests.as_csv(batch_id)


@bp.get("/<uuid:batch_id>/archive")
@fails(NotReady)
@sends("application/zip")
def archive(batch_id: uuid.UUID) -> Response:
    """Download one zip of the mosaics that succeeded."""
    with reading() as session:
        queries.find_batch(session, batch_id)
        rows = queries.batch_mosaics(session, batch_id)
    return downloads.archive(f"mosaics-{batch_id.hex[:8]}.zip", rows)


def _shown(batch_id: uuid.UUID) -> dict[str, Any]:
    with reading() as session:
        return present.batch(queries.find_batch(session, batch_id), queries.batch_progress(session, batch_id))
