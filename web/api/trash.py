"""/api/v1/trash."""

import uuid
from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import UUID, DateTime, Integer, List, Nested, String
from apiflask.validators import Range
from flask import url_for

from models import database, keeping, undo
from models.keeping import Kept
from models.tables import Batch, Mosaic
from web.api import present
from web.api.fields import SHA256, Address, Shown, Whole, said
from web.api.paging import After, following, limit, listed
from web.context import reading, sessions, settings

TAG = {"name": "Trash", "description": "What was deleted or removed and can still be taken back."}

bp = APIBlueprint("trash", __name__, url_prefix="/trash", tag=TAG)


class TrashPageIn(Schema):
    """Which photos to list."""

    before = Whole(
        load_default=database.LAST_ID,
        validate=Range(min=0, max=database.LAST_ID),
        metadata=said("From the address in next."),
    )
    limit = limit()


class InTrash(Shown):
    """What holds for all that is in the trash."""

    name = String()
    days_left = Integer(metadata=said("Until it is deleted for good."))
    restore = Address("POST: take it back.")
    purge = Address("DELETE: delete it for good.")


class DeletedOut(InTrash):
    """A tile set, a mosaic or a batch in the trash."""

    id = UUID()
    deleted_at = DateTime(format="iso")


class DeletedPageIn(Schema):
    """Which deleted mosaics or batches to list."""

    after = After(metadata=said("From the address in next.", type="string"))
    limit = limit()


class DeletedPageOut(Shown):
    """Mosaics or batches in the trash, the newest first."""

    items = List(Nested(DeletedOut))
    next = Address("Where older ones are; null after the last.", allow_none=True)


class RemovedTileOut(InTrash):
    """A photo in the trash."""

    tile_set = UUID()
    content = String(metadata=said("SHA-256 of its file, in hexadecimal: its id within the set.", **SHA256))
    removed_at = DateTime(format="iso")


class TrashOut(Shown):
    """What is in the trash, the newest first."""

    tile_sets = List(Nested(DeletedOut))
    photos = List(Nested(RemovedTileOut), metadata=said("Of sets that are not in the trash themselves."))
    next = Address("Where older photos are; null after the last.", allow_none=True)
    mosaics = Address("Where deleted mosaics are listed.")
    batches = Address("Where deleted batches are listed.")


@bp.get("")
@bp.input(TrashPageIn, location="query", arg_name="page")
@bp.output(TrashOut)
def index(page: dict[str, int]) -> dict[str, Any]:
    """List tile sets and photos that were deleted or removed and can still be taken back."""
    with reading() as session:
        now, span = database.now(session), settings().undo_span
        tile_sets, photos = undo.tile_sets(session), undo.photos(session, page["before"], page["limit"])
    more = len(photos) == page["limit"]
    return {
        "tile_sets": [
            present.deleted_set(row, undo.days_left(row.deleted_at or now, now, span)) for row in tile_sets
        ],
        "photos": [present.removed_tile(row, undo.days_left(row.removed_at, now, span)) for row in photos],
        "next": following(photos[-1].id, "before") if more else None,
        "mosaics": url_for("api.trash.mosaics"),
        "batches": url_for("api.trash.batches"),
    }


@bp.get("/mosaics")
@bp.input(DeletedPageIn, location="query", arg_name="page")
@bp.output(DeletedPageOut)
def mosaics(page: dict[str, Any]) -> dict[str, Any]:
    """List mosaics that were deleted and can still be taken back, without those of deleted batches."""
    return _deleted(Mosaic, page, present.deleted_mosaic)


@bp.get("/batches")
@bp.input(DeletedPageIn, location="query", arg_name="page")
@bp.output(DeletedPageOut)
def batches(page: dict[str, Any]) -> dict[str, Any]:
    """List batches that were deleted and can still be taken back."""
    return _deleted(Batch, page, present.deleted_batch)


def _deleted(table: type[Kept], page: dict[str, Any], shown: Callable[[Kept, int], dict[str, Any]]) -> dict[str, Any]:
    with reading() as session:
        now, span = database.now(session), settings().undo_span
        found = keeping.in_trash(session, table, **page)
        return listed(found, [shown(row, undo.days_left(row.deleted_at or now, now, span)) for row in found.rows])


@bp.delete("")
@bp.output({}, status_code=204)
def empty() -> str:
    """Delete everything in the trash for good; there is no way back."""
    with sessions().begin() as session:
        undo.empty(session, database.now(session))
    return ""


@bp.delete("/tile-sets/<uuid:tile_set_id>")
@bp.output({}, status_code=204)
def purge_set(tile_set_id: uuid.UUID) -> str:
    """Delete a tile set that is in the trash for good; there is no way back."""
    with sessions().begin() as session:
        undo.purge_set(session, tile_set_id, database.now(session))
    return ""


@bp.delete("/mosaics/<uuid:mosaic_id>")
@bp.output({}, status_code=204)
def purge_mosaic(mosaic_id: uuid.UUID) -> str:
    """Delete a mosaic that is in the trash for good; there is no way back."""
    with sessions().begin() as session:
        keeping.purge(session, Mosaic, mosaic_id, database.now(session))
    return ""


@bp.delete("/batches/<uuid:batch_id>")
@bp.output({}, status_code=204)
def purge_batch(batch_id: uuid.UUID) -> str:
    """Delete a batch that is in the trash, with its mosaics, for good; there is no way back."""
    with sessions().begin() as session:
        keeping.purge(session, Batch, batch_id, database.now(session))
    return ""


@bp.delete("/photos/<uuid:tile_set_id>/<sha256:content>")
@bp.output({}, status_code=204)
def purge_photo(tile_set_id: uuid.UUID, content: str) -> str:
    """Delete a photo that is in the trash for good; there is no way back."""
    with sessions().begin() as session:
        undo.purge_photo(session, tile_set_id, content)
    return ""
