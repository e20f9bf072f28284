"""/api/v1/targets: pictures that are kept for a day, so that one can be ordered from many times."""

import uuid
from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import UUID, Boolean, DateTime, Dict, Float, Integer, List, Nested, String

from models.errors import NotFound
from web import drafting, forms, intake, planning
from web.api import kept_targets, present
from web.api.document import fails
from web.api.fields import COUNT, Address, Shown, read_later, said
from web.api.mosaic_schemas import OrderIn, TargetIn

TAG = {
    "name": "Targets",
    "description": "Pictures to rebuild that are kept for a day: sent once, ordered from often.",
}

bp = APIBlueprint("targets", __name__, url_prefix="/targets", tag=TAG)


class TargetOut(Shown):
    """A target that is kept."""

    id = UUID(metadata=said("What orders name as target_id."))
    url = Address("Of the target.")
    name = String(metadata=said("Of its file.", examples=["portrait.jpg"]))
    width = Integer(allow_none=True, metadata=said("In pixels; null if the file's header does not tell."))
    height = Integer(allow_none=True, metadata=said("In pixels."))
    masked = Boolean(metadata=said("Whether a mask is kept with it."))
    expires_at = DateTime(format="iso", metadata=said("Until when it is kept, UTC."))
    plan = Address("What an order would make of it.")
    sketches = Address("POST: have a preview made of an order.")


class PlanIn(OrderIn):
    """An order that is not placed."""

    tile_set = read_later(
        "string", "Id of a tile set; without one, nothing is said of how many photos suffice", format="uuid"
    )


class PlannedOut(Shown):
    """What an order would make."""

    columns = Integer(metadata=said("Cells from left to right.", **COUNT))
    rows = Integer(metadata=said("Cells from top to bottom.", **COUNT))
    cells = Integer(metadata=said("That a photo lies in.", **COUNT))
    width = Integer(metadata=said("In pixels.", **COUNT))
    height = Integer(metadata=said("In pixels.", **COUNT))
    paper = String(metadata=said("Width and height on paper.", examples=["338.7 x 254.0 mm"]))
    dpi = Integer(metadata=COUNT)
    bytes = Integer(
        allow_none=True, metadata=said("About, of the file; null if there is nothing to tell by.", format="int64")
    )
    seconds = Float(allow_none=True, metadata=said("About, until it is made; null if there is nothing to tell by."))


class WayOut(Shown):
    """An order near to one that cannot be met."""

    sentence = String(metadata=said("For people."))
    fields_ = Dict(
        keys=String(), values=String(), data_key="fields", metadata=said("Fields of the order, and what they become.")
    )


class RefusalOut(Shown):
    """Why an order cannot be met."""

    detail = String(metadata=said("One sentence, for people."))
    field = String(metadata=said("The field that is to be changed."))
    ways = List(Nested(WayOut), metadata=said("The nearest orders that can be met."))


class PlanOut(Shown):
    """What an order would make of a target, or why it cannot be met; one of the two is null."""

    planned = Nested(PlannedOut, allow_none=True)
    refusal = Nested(RefusalOut, allow_none=True)
    photos = Integer(allow_none=True, metadata=said("Of the tile set; null if none was named.", **COUNT))
    assumed = Boolean(metadata=said("Whether the target's size is not known, and another one is planned with."))


@bp.post("")
@bp.input(TargetIn, location="form_and_files", arg_name="body")
@bp.output(TargetOut, status_code=201)
@fails(NotFound)
def create(body: dict[str, Any]) -> dict[str, Any]:
    """Keep a target for a day, to order from it with `target_id` as often as one likes.

    With very many, those that were kept first end earlier.
    """
    kept_targets.named_by(body)
    draft = drafting.with_target({"again": body.get("again", "")}, body["target"])
    return present.target(drafting.with_mask(draft, body["mask"]))


@bp.get("/<uuid:target_id>")
@bp.output(TargetOut)
def show(target_id: uuid.UUID) -> dict[str, Any]:
    """Show a target that is kept."""
    return present.target(drafting.kept(target_id))


@bp.get("/<uuid:target_id>/plan")
@bp.input(PlanIn, location="query", arg_name="asked")
@bp.output(PlanOut)
def plan(target_id: uuid.UUID, asked: dict[str, str]) -> dict[str, Any]:
    """Say what an order would make of a target: cells, pixels, paper and megabytes; nothing is ordered.

    Where it cannot be met, the answer says why, and what could be ordered instead.
    """
    size = drafting.size_of(drafting.kept(target_id))
    named = asked.get("tile_set")
    count = intake.tile_count_of(forms.identity(named, "tile set")) if named else None
    found = planning.answer(planning.Ask(asked, planning.shape_of(size), count, forms.mosaic_order))
    return present.plan(found) | {"assumed": not size.known}
