"""/api/v1/trash."""

import uuid
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import UUID, DateTime, Integer, List, Nested, String
from apiflask.validators import Range
from flask import url_for

from models import database, finding, undo
from web.api.fields import SHA256, Address, Shown
from web.api.schemas import MOST_OF_A_PAGE
from web.context import reading, sessions, settings

TAG = {"name": "Trash", "description": "What was deleted or removed and can still be taken back."}

bp = APIBlueprint("trash", __name__, url_prefix="/trash", tag=TAG)


class TrashPageIn(Schema):
    """Which photos to list."""

    before = Integer(
        load_default=database.LAST_ID,
        validate=Range(min=0, max=database.LAST_ID),
        metadata={"description": "From the address in next."},
    )
    limit = Integer(load_default=finding.PAGE_LENGTH, validate=Range(min=1, max=MOST_OF_A_PAGE))


class DeletedSetOut(Shown):
    """A tile set in the trash."""

    id = UUID()
    name = String()
    deleted_at = DateTime(format="iso")
    days_left = Integer(metadata={"description": "Until it is deleted for good."})
    restore = Address("POST: take it back.")
    purge = Address("DELETE: delete it for good.")


class RemovedTileOut(Shown):
    """A photo in the trash."""

    tile_set = UUID()
    content = String(
        metadata={"description": "SHA-256 of its file, in hexadecimal: its id within the set.", **SHA256}
    )
    name = String()
    removed_at = DateTime(format="iso")
    days_left = Integer(metadata={"description": "Until it is deleted for good."})
    restore = Address("POST: take it back.")
    purge = Address("DELETE: delete it for good.")


class TrashOut(Shown):
    """What is in the trash, the newest first."""

    tile_sets = List(Nested(DeletedSetOut))
    photos = List(Nested(RemovedTileOut), metadata={"description": "Of sets that are not in the trash themselves."})
    next = Address("Where older photos are; null after the last.", allow_none=True)


@bp.get("")
@bp.input(TrashPageIn, location="query", arg_name="page")
@bp.output(TrashOut)
def index(page: dict[str, int]) -> dict[str, Any]:
    """List what was deleted or removed and can still be taken back."""
    with reading()() as session:
        now, kept = database.now(session), settings().undo_span
        tile_sets = [
            {
                "id": row.id,
                "name": row.name,
                "deleted_at": row.deleted_at,
                "days_left": undo.days_left(row.deleted_at or now, now, kept),
                "restore": url_for("api.tile_sets.restore", tile_set_id=row.id),
                "purge": url_for("api.trash.purge_set", tile_set_id=row.id),
            }
            for row in undo.tile_sets(session)
        ]
        photos = undo.photos(session, page["before"], page["limit"])
    more = len(photos) == page["limit"]
    following = url_for("api.trash.index", before=photos[-1].id, limit=page["limit"]) if more else None
    shown = []
    for row in photos:
        place: dict[str, Any] = {"tile_set_id": row.tile_set_id, "content": row.content}
        shown.append(
            {
                "tile_set": row.tile_set_id,
                "content": row.content,
                "name": row.name,
                "removed_at": row.removed_at,
                "days_left": undo.days_left(row.removed_at, now, kept),
                "restore": url_for("api.tiles.restore", **place),
                "purge": url_for("api.trash.purge_photo", **place),
            }
        )
    return {"tile_sets": tile_sets, "photos": shown, "next": following}


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


@bp.delete("/photos/<uuid:tile_set_id>/<sha256:content>")
@bp.output({}, status_code=204)
def purge_photo(tile_set_id: uuid.UUID, content: str) -> str:
    """Delete a photo that is in the trash for good; there is no way back."""
    with sessions().begin() as session:
        undo.purge_photo(session, tile_set_id, content)
    return ""
