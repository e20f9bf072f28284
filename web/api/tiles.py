"""/api/v1/tile-sets/…/tiles."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint, Schema
from apiflask.fields import Enum, Field, List, String
from apiflask.validators import Length, Range, Regexp
from flask import Response
from sqlalchemy.orm import Session

from models import database, photo_changes, photo_listing, queries, tile_set_versions, undo
from models.errors import LastTile, NotReady
from models.photo_changes import MOST_AT_ONCE, PhotoChange
from models.photo_listing import Cursor, PhotoFilter, PhotoSort, Wanted
from models.tables import Tile
from web import downloads
from web.api import present
from web.api.document import fails, sends
from web.api.fields import SHA256, Strict, Whole, said
from web.api.paging import following, limit
from web.api.tile_set_schemas import ChangedOut, TileOut, TilesOut
from web.context import reading, sessions

TAG = {"name": "Tiles", "description": "The photos of a tile set, one by one."}

bp = APIBlueprint("tiles", __name__, url_prefix="/tile-sets/<uuid:tile_set_id>/tiles", tag=TAG)


class At(Field[Cursor]):
    """Where a page of photos begins."""

    def _deserialize(self, value: Any, *_: object, **__: object) -> Cursor:
        return Cursor.read(str(value))


class TilesIn(Schema):
    """Which photos to list, and in which order."""

    after = At(metadata=said("From the address in next.", type="string"))
    limit = limit()
    sort = Enum(PhotoSort, by_value=True, metadata=said("In which order; as they came if nothing is said."))
    show = Enum(PhotoFilter, by_value=True, metadata=said("Which; all that are not removed if nothing is said."))
    name = String(metadata=said("A part of the name."))


class ContentsIn(Strict):
    """Some photos of a tile set."""

    media_types = ("application/json",)

    contents = List(
        String(validate=Regexp(str(SHA256["pattern"]), error="Not a SHA-256 in hexadecimal.")),
        required=True,
        validate=Length(min=1, max=MOST_AT_ONCE),
        metadata=said("By content hash."),
    )


class VersionIn(Strict):
    """A version of a tile set."""

    media_types = ("application/json",)

    version = Whole(required=True, validate=Range(min=1, max=database.LAST_ID), metadata=said("That a change made."))


@bp.get("")
@bp.input(TilesIn, location="query", arg_name="wanted")
@bp.output(TilesOut)
def index(tile_set_id: UUID, wanted: dict[str, Any]) -> dict[str, Any]:
    """List the photos of a tile set: all or some, in one of several orders."""
    with reading() as session:
        tile_set = queries.find_tile_set(session, tile_set_id)
        found = photo_listing.page(session, tile_set_id, Wanted(**wanted))
    items = [present.tile(row, tile_set) for row in found.rows]
    return {"items": items, "next": None if found.following is None else following(found.following)}


@bp.post("/ban")
@bp.input(ContentsIn, location="json", arg_name="body")
@bp.output(ChangedOut)
@fails(NotReady, LastTile)
def ban_tiles(tile_set_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Use some photos in no mosaic that is ordered from now on: one new version for all of them."""
    return _all_changed(tile_set_id, PhotoChange.BAN, body)


@bp.post("/allow")
@bp.input(ContentsIn, location="json", arg_name="body")
@bp.output(ChangedOut)
@fails(NotReady)
def allow_tiles(tile_set_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Use some photos again that were banned: one new version for all of them."""
    return _all_changed(tile_set_id, PhotoChange.ALLOW, body)


@bp.post("/remove")
@bp.input(ContentsIn, location="json", arg_name="body")
@bp.output(ChangedOut)
@fails(NotReady, LastTile)
def remove_tiles(tile_set_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Put some photos into the trash: one new version for all of them."""
    return _all_changed(tile_set_id, PhotoChange.REMOVE, body)


@bp.post("/restore")
@bp.input(ContentsIn, location="json", arg_name="body")
@bp.output(ChangedOut)
@fails(NotReady)
def restore_tiles(tile_set_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Take some photos out of the trash: one new version for all of them."""
    return _all_changed(tile_set_id, PhotoChange.RESTORE, body)


@bp.post("/undo")
@bp.input(VersionIn, location="json", arg_name="body")
@bp.output(ChangedOut)
@fails(NotReady, LastTile)
def undo_tiles(tile_set_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Undo what a version banned, used again, removed or restored; photos that are otherwise since stay so."""
    with sessions().begin() as session:
        return present.changed(photo_changes.undo(session, tile_set_id, body["version"], database.now(session)))


@bp.post("/<sha256:content>/ban")
@bp.output(TileOut)
@fails(NotReady, LastTile)
def ban(tile_set_id: UUID, content: str) -> dict[str, Any]:
    """Use a photo in no mosaic that is ordered from now on."""
    return _changed(tile_set_versions.ban, tile_set_id, content)


@bp.post("/<sha256:content>/allow")
@bp.output(TileOut)
@fails(NotReady, LastTile)
def allow(tile_set_id: UUID, content: str) -> dict[str, Any]:
    """Use a photo again that was banned."""
    return _changed(tile_set_versions.allow, tile_set_id, content)


@bp.delete("/<sha256:content>")
@bp.output({}, status_code=204)
@fails(NotReady, LastTile)
def remove(tile_set_id: UUID, content: str) -> str:
    """Put a photo into the trash; mosaics that were ordered before are still made of it."""
    with sessions().begin() as session:
        tile_set_versions.remove(session, tile_set_id, content, database.now(session))
    return ""


@bp.post("/<sha256:content>/restore")
@bp.output(TileOut)
@fails(NotReady)
def restore(tile_set_id: UUID, content: str) -> dict[str, Any]:
    """Take a photo out of the trash; one that is not in it stays as it is."""
    return _changed(undo.restore_photo, tile_set_id, content)


@bp.get("/<sha256:content>/preview")
@sends("image/jpeg")
def preview(tile_set_id: UUID, content: str) -> Response:
    """Show a photo in small: a JPEG of at most 160 pixels a side."""
    with reading() as session:
        queries.find_tile_set(session, tile_set_id)
        found = photo_listing.find(session, tile_set_id, content)
    return downloads.photo_in_small(found)


@bp.get("/<sha256:content>/picture")
@sends("image/jpeg", "image/png")
def picture(tile_set_id: UUID, content: str) -> Response:
    """Show a photo as it is kept."""
    return downloads.photo(_tile(tile_set_id, content))


@bp.get("/<sha256:content>/original")
@sends("application/octet-stream")
def original(tile_set_id: UUID, content: str) -> Response:
    """Download a photo's file as it came."""
    with reading() as session:
        kept = queries.find_tile_set(session, tile_set_id).keep_originals
    return downloads.original(_tile(tile_set_id, content), kept=kept)


def _tile(tile_set_id: UUID, content: str) -> Tile:
    with reading() as session:
        return queries.find_tile(session, tile_set_id, content).tile


def _all_changed(tile_set_id: UUID, change: PhotoChange, body: dict[str, Any]) -> dict[str, Any]:
    with sessions().begin() as session:
        done = photo_changes.make(session, tile_set_id, change, body["contents"], database.now(session))
    return present.changed(done)


def _changed(
    change: Callable[[Session, UUID, str, datetime], None], tile_set_id: UUID, content: str
) -> dict[str, Any]:
    with sessions().begin() as session:
        change(session, tile_set_id, content, database.now(session))
    with reading() as session:
        tile_set = queries.find_tile_set(session, tile_set_id)
        return present.tile(queries.find_tile(session, tile_set_id, content), tile_set)
