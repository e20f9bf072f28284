"""Finds photos of a mosaic by name, and tells what each of its cells is like."""

from uuid import UUID

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from models import photo_search
from models.errors import InvalidOrder, NotFound
from models.rules import cell_maps
from models.rules.kept_placements import Kept
from models.tables import Mosaic
from web import looking
from web.context import reading
from web.views import zoom

bp = Blueprint("finding", __name__, url_prefix="/mosaics/<uuid:mosaic_id>")
SHORTEST, LONGEST = 1, 200
"""Of what is searched for."""


@bp.get("/photos")
def photos(mosaic_id: UUID) -> ResponseReturnValue:
    """Tell which photos of the mosaic have a name with some part in it."""
    mosaic, kept = looking.kept_of(mosaic_id)
    with reading() as session:
        found = search(session, mosaic, kept)
    return {
        "photos": [
            {"name": each.name, "content": each.content, "uses": each.lying.uses, "places": each.lying.places[:1]}
            for each in found.photos
        ],
        "more": found.more,
    }


def search(session: Session, mosaic: Mosaic, kept: Kept) -> photo_search.Answer:
    """Find the photos that the address asks for by `find`.

    Raises:
        InvalidOrder: it asks for nothing, or for too much.
    """
    part = request.args.get("find", "").strip()
    if not SHORTEST <= len(part) <= LONGEST:
        raise InvalidOrder("find", f"Type a part of a photo's name, of at most {LONGEST} characters.")
    return photo_search.by_name(session, mosaic.tile_set_id, kept, part)


@bp.get("/maps/<any(errors, uses, changed):kind>")
def cell_map(mosaic_id: UUID, kind: str) -> Response:
    """Send a byte for each of the finest cells, row by row; see `models.rules.cell_maps`."""
    mosaic, kept = looking.kept_of(mosaic_id)
    if kind != "changed":
        data = cell_maps.errors(kept) if kind == "errors" else cell_maps.uses(kept)
    elif mosaic.parent_id is None:
        raise NotFound("This mosaic is no edit of another.")
    else:
        data = cell_maps.changed(kept, looking.kept_of(mosaic.parent_id)[1])
    return zoom.kept_by_browsers(data, "application/octet-stream")
