"""A mosaic to zoom into: the tiles of its pyramid, and what describes them, as viewers of Deep Zoom ask for them."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from flask import Blueprint, Response, current_app, render_template

from models import renditions
from models.errors import NotReady
from models.rules.formats import Format
from models.tables import Rendition
from web import pyramids
from web.context import reading, store

bp = Blueprint("zoom", __name__, url_prefix="/mosaics")

VIEWER = "vendor/openseadragon/openseadragon.min.js"
"""`make setup` brings it from npm, which not every machine reaches."""
CACHED = "private, max-age=86400, immutable"


@bp.get("/<uuid:mosaic_id>/zoom.dzi")
def description(mosaic_id: UUID) -> Response:
    """Say how large the picture and its tiles are."""
    pyramid = pyramids.opened(store(), _key(mosaic_id))
    response = Response(render_template("mosaics/zoom.dzi", pyramid=pyramid), mimetype="application/xml")
    response.headers["Cache-Control"] = CACHED
    return response


@bp.get("/<uuid:mosaic_id>/zoom_files/<int:level>/<int:column>_<int:row>.jpg")
def tile(mosaic_id: UUID, level: int, column: int, row: int) -> Response:
    """Send a tile."""
    response = Response(pyramids.tile(store(), _key(mosaic_id), (level, column, row)), mimetype="image/jpeg")
    response.headers["Cache-Control"] = CACHED
    return response


def is_shown(files: Sequence[Rendition]) -> bool:
    """Whether the page of a mosaic has the viewer, by all its files."""
    return _pyramid(files) is not None and (Path(current_app.static_folder or "") / VIEWER).exists()


def _pyramid(files: Sequence[Rendition]) -> Rendition | None:
    return next((file for file in files if file.format is Format.PYRAMID and file.key), None)


def _key(mosaic_id: UUID) -> str:
    """Return the key of a mosaic's pyramid."""
    with reading() as session:
        file = _pyramid(renditions.of_mosaic(session, mosaic_id))
    if file is None or file.key is None:
        raise NotReady("This mosaic has no zoom pyramid; order one.")
    return file.key
