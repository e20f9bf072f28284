"""/api/v1/targets/ID/sketches: small previews of an order, before it is placed."""

import uuid
from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import UUID, Integer, Nested
from flask import Response

from models import sketches
from models.errors import NotReady
from web import downloads, drafting, forms
from web.api import polling, present
from web.api.document import fails, sends
from web.api.fields import Address, Shown, said
from web.api.mosaic_schemas import OrderIn
from web.api.schemas import JobOut
from web.context import reading

TAG = {"name": "Sketches", "description": "Small previews of what an order would make of a kept target."}

bp = APIBlueprint("sketches", __name__, url_prefix="/targets/<uuid:target_id>/sketches", tag=TAG)


class SketchOut(Shown):
    """A small preview of an order; what is null of it comes once its job has succeeded."""

    id = UUID()
    url = Address("Of the sketch.")
    target = UUID(metadata=said("Id of the kept target."))
    job = Nested(JobOut)
    columns = Integer(
        allow_none=True, metadata=said("Cells from left to right; fewer than ordered where rules count.")
    )
    rows = Integer(allow_none=True, metadata=said("Cells from top to bottom."))
    picture = Address("Where to download it, a WebP, once it is ready.", allow_none=True)


@bp.post("")
@bp.input(OrderIn, location="form_and_files", arg_name="body")
@bp.output(SketchOut, status_code=202)
@fails(NotReady)
def create(target_id: uuid.UUID, body: dict[str, Any]) -> polling.Answer:
    """Have a small preview made of an order, within about a second; the one before it of the target is cancelled.

    It shows no mask, and is gone after an hour. Poll the address in Location until `job.final` is true.
    """
    order, tile_set_id = forms.mosaic_order(body), forms.identity(body["tile_set"], "tile set")
    identity = drafting.sketch(drafting.kept(target_id), tile_set_id, order, look="")
    return polling.accepted(_shown(target_id, identity))


@bp.get("/<uuid:sketch_id>")
@bp.output(SketchOut)
def show(target_id: uuid.UUID, sketch_id: uuid.UUID) -> polling.Answer:
    """Show a sketch and how far its job is."""
    shown = _shown(target_id, sketch_id)
    return shown, 200, polling.retry_after(final=shown["job"]["final"])


@bp.get("/<uuid:sketch_id>/picture")
@fails(NotReady)
@sends("image/webp")
def picture(target_id: uuid.UUID, sketch_id: uuid.UUID) -> Response:
    """Download the picture of a sketch."""
    with reading() as session:
        found = sketches.find(session, target_id, sketch_id)
    return downloads.sketch(found)


def _shown(target_id: uuid.UUID, sketch_id: uuid.UUID) -> dict[str, Any]:
    with reading() as session:
        return present.sketch(sketches.find(session, target_id, sketch_id))
