"""The page that shows two mosaics of the same target side by side."""

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from models import again, renditions
from models.rules import report
from models.rules.lifecycle import not_made
from models.rules.orders import FIELDS
from web import vendored
from web.context import reading
from web.views import differing, zoom

bp = Blueprint("beside", __name__, url_prefix="/mosaics/<uuid:mosaic_id>/beside")


@bp.get("/<uuid:other_id>")
def show(mosaic_id: UUID, other_id: UUID) -> ResponseReturnValue:
    """Show the other mosaic and this one, what was ordered differently, and what came of it.

    Raises:
        NotFound: one of them is not there.
        NotComparable: they are of two targets.
        NotReady: one of them is not made.
    """
    with reading() as session:
        mosaic, other = again.side_by_side(session, mosaic_id, other_id)
        sides = [(each, renditions.of_mosaic(session, each.id)) for each in (other, mosaic)]
    for each, _ in sides:
        if each.preview_key is None:
            raise not_made(each.job.state, "look at it beside another")
    pyramids = [zoom.pyramid_of(files) if vendored.there(vendored.VIEWER) else None for _, files in sides]
    return render_template(
        "mosaics/beside.html",
        mosaic=mosaic,
        is_last=mosaic.again_id == other.id,
        sides=list(zip((other, mosaic), pyramids, strict=True)),
        reports=[report.sentence(each.quality) if each.quality else "" for each in (other, mosaic)],
        differences=differing.of_mosaics(other, mosaic),
        fields=FIELDS,
    )
