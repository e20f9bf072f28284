"""A mosaic to zoom into: tiles of its pyramid, as viewers of Deep Zoom ask for them, and the photos of its cells."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from models import placement_documents, renditions
from models.errors import InvalidOrder, NotFound, NotReady
from models.rules.formats import Format
from models.rules.kept_placements import Kept
from models.rules.placements import Placed
from models.tables import Mosaic, Rendition
from web import looking, pyramids
from web.context import reading, store

bp = Blueprint("zoom", __name__, url_prefix="/mosaics")

MOST_CELLS = 100
"""What is told at once."""
CACHED = "private, max-age=86400, immutable"


@bp.get("/<uuid:mosaic_id>/zoom/<uuid:rendition_id>.dzi")
def description(mosaic_id: UUID, rendition_id: UUID) -> Response:
    """Say how large the picture and its tiles are."""
    key = _key(mosaic_id, rendition_id)
    return kept_by_browsers(pyramids.opened(store(), key).description, "application/xml")


@bp.get("/<uuid:mosaic_id>/zoom/<uuid:rendition_id>_files/<int:level>/<int:column>_<int:row>.jpg")
def tile(mosaic_id: UUID, rendition_id: UUID, level: int, column: int, row: int) -> Response:
    """Send a tile. Its address names the rendition, whose bytes never change, so that browsers may keep it."""
    key = _key(mosaic_id, rendition_id)
    return kept_by_browsers(pyramids.tile(store(), key, (level, column, row)), "image/jpeg")


def kept_by_browsers(data: bytes, media_type: str) -> Response:
    """Return an answer that never changes under its address."""
    response = Response(data, mimetype=media_type)
    response.headers["Cache-Control"] = CACHED
    return response


@bp.get("/<uuid:mosaic_id>/cells")
def cells(mosaic_id: UUID) -> ResponseReturnValue:
    """Tell which part of which photo lies in each of some cells."""
    left, top, right, bottom = (
        max(0, request.args.get(side, 0, type=int)) for side in ("left", "top", "right", "bottom")
    )
    mosaic, kept = looking.kept_of(mosaic_id)
    right, bottom = min(right, kept.columns - 1), min(bottom, kept.rows - 1)
    if max(0, right - left + 1) * max(0, bottom - top + 1) > MOST_CELLS:
        raise InvalidOrder("right", f"At most {MOST_CELLS} cells are told at once; ask for fewer.")
    places = [(column, row) for row in range(top, bottom + 1) for column in range(left, right + 1)]
    covering = (kept.cell(*place, {}) for place in places)
    found = list(dict.fromkeys(cell for cell in covering if cell is not None))
    with reading() as session:
        there = placement_documents.names_of(session, mosaic.tile_set_id, list({cell.content for cell in found}))
    return {"cells": [_laid(mosaic, cell, there.get(cell.content)) for cell in found]}


def _laid(mosaic: Mosaic, cell: Placed, name: str | None) -> dict[str, Any]:
    photo = looking.photo_as_json(mosaic, cell.content, name, looking.PAGES)
    picture = looking.address(mosaic, cell.content, name, "photos.picture")
    return looking.cell_as_json(cell) | {"picture": picture, "preview": photo["preview"]}


@bp.get("/<uuid:mosaic_id>/cells/<int:column>/<int:row>")
def cell(mosaic_id: UUID, column: int, row: int) -> ResponseReturnValue:
    """Tell which photo lies in a cell, and where else it does; none in a cell that stays empty."""
    mosaic, kept = looking.kept_of(mosaic_id)
    placed = looking.cell_at(kept, column, row)
    if placed is None:
        return {"name": None, "content": None, "page": None, "preview": None, "uses": 0, "places": []}
    return _where(mosaic, kept, placed.content)


@bp.get("/<uuid:mosaic_id>/photos/<sha256:content>")
def photo(mosaic_id: UUID, content: str) -> ResponseReturnValue:
    """Tell where a photo lies."""
    return _where(*looking.kept_of(mosaic_id), content)


def _where(mosaic: Mosaic, kept: Kept, content: str) -> dict[str, Any]:
    with reading() as session:
        found = looking.photo(session, mosaic, kept, content)
    return looking.photo_as_json(mosaic, content, found.name, looking.PAGES) | {
        "name": found.name or "a photo that is deleted",
        "page": looking.address(mosaic, content, found.name, "photos.show"),
        "uses": found.lying.uses,
        "places": found.lying.places,
    }


def pyramid_of(files: Sequence[Rendition]) -> Rendition | None:
    """Return the first of a mosaic's files that is a pyramid and can be shown; None if there is none."""
    return next((file for file in files if file.format is Format.PYRAMID and file.key), None)


def _key(mosaic_id: UUID, rendition_id: UUID) -> str:
    """Return the key of a pyramid."""
    with reading() as session:
        file = renditions.find(session, mosaic_id, rendition_id)
    if file.format is not Format.PYRAMID:
        raise NotFound("This file of the mosaic is no zoom pyramid.")
    if file.key is None:
        raise NotReady("This zoom pyramid is not made yet.")
    return file.key
