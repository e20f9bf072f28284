"""/api/v1/tile-sets/…/tiles."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from models import database, queries, tile_set_versions, undo
from models.errors import LastTile, NotReady
from models.tables import Tile
from web import downloads
from web.api import present
from web.api.document import fails, sends
from web.api.paging import PageIn, following
from web.api.schemas import TileOut, TilesOut
from web.context import reading, sessions

TAG = {"name": "Tiles", "description": "The photos of a tile set, one by one."}

bp = APIBlueprint("tiles", __name__, url_prefix="/tile-sets/<uuid:tile_set_id>/tiles", tag=TAG)


@bp.get("")
@bp.input(PageIn, location="query", arg_name="page")
@bp.output(TilesOut)
def index(tile_set_id: UUID, page: dict[str, int]) -> dict[str, Any]:
    """List the photos of a tile set, in the order in which they came."""
    with reading() as session:
        tile_set = queries.find_tile_set(session, tile_set_id)
        found = queries.tiles(session, tile_set_id, page["after"], page["limit"])
    more = len(found) == page["limit"]
    items = [present.tile(shown, tile_set) for shown in found]
    return {"items": items, "next": following(found[-1].tile.id) if more else None}


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
    return downloads.photo_in_small(_tile(tile_set_id, content))


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


def _changed(
    change: Callable[[Session, UUID, str, datetime], None], tile_set_id: UUID, content: str
) -> dict[str, Any]:
    with sessions().begin() as session:
        change(session, tile_set_id, content, database.now(session))
    with reading() as session:
        tile_set = queries.find_tile_set(session, tile_set_id)
        return present.tile(queries.find_tile(session, tile_set_id, content), tile_set)
