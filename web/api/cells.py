"""/api/v1/mosaics/ID/cells: which photo lies in a cell, and which would come nearest to it."""

import uuid
from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import UUID, Integer, List, Nested, String

from models.errors import NoPlacement, NotReady
from web import looking
from web.api import polling, present
from web.api.document import fails
from web.api.fields import COUNT, SHA256, Address, Shown, said
from web.api.schemas import JobOut
from web.context import reading

TAG = {"name": "Cells", "description": "What lies in a cell of a mosaic, and what could."}

bp = APIBlueprint("cells", __name__, url_prefix="/mosaics/<uuid:mosaic_id>/cells/<int:column>/<int:row>", tag=TAG)


class PlaceOut(Shown):
    """Where a cell is: the column and row of its top left, counted from 0, and how many of them it spans."""

    column = Integer(metadata=COUNT)
    row = Integer(metadata=COUNT)
    span = Integer(metadata=said("1 but in adaptive mosaics.", minimum=1))


class PhotoOut(Shown):
    """A photo of the mosaic's tile set."""

    content = String(metadata=said("SHA-256 of its file, in hexadecimal.", **SHA256))
    name = String(allow_none=True, metadata=said("Of its file; null once it is deleted."))
    preview = Address("Of the photo in small, a JPEG; null once it is deleted.", allow_none=True)


class CellOut(PlaceOut):
    """A cell, and the photo in it; what is null of it, nothing lies there."""

    mosaic = UUID(metadata=said("Id of the mosaic."))
    photo = Nested(PhotoOut, allow_none=True, metadata=said("Null where the cell stays empty."))
    window = List(
        Integer(),
        allow_none=True,
        metadata=said("Left, top, width and height of the part that is shown, in 2,048ths of the photo."),
    )
    turn = Integer(allow_none=True, metadata=said("How the photo is turned: as in a placement, 0 to 7.", **COUNT))
    uses = Integer(metadata=said("In how many cells of this mosaic the photo lies.", **COUNT))
    places = List(Nested(PlaceOut), metadata=said("The first 500 of them, row by row."))
    candidates = Address("POST: have the photos looked for that come nearest.")


class CandidatesOut(Shown):
    """The photos that come nearest to a cell."""

    url = Address("Of this.")
    job = Nested(JobOut)
    photos = List(
        Nested(PhotoOut),
        allow_none=True,
        metadata=said("At most ten that may be used, the nearest first; null until the job has succeeded."),
    )


@bp.get("")
@bp.output(CellOut)
@fails(NotReady, NoPlacement)
def show(mosaic_id: uuid.UUID, column: int, row: int) -> dict[str, Any]:
    """Show which part of which photo lies in a cell, and where else that photo lies."""
    mosaic, kept = looking.kept_of(mosaic_id)
    cell = looking.cell_at(kept, column, row)
    with reading() as session:
        photo = cell and looking.photo(session, mosaic, kept, cell.content)
    return present.cell(mosaic, (column, row), cell, photo)


@bp.post("/candidates")
@bp.output(CandidatesOut, status_code=202)
@fails(NotReady, NoPlacement)
def find_candidates(mosaic_id: uuid.UUID, column: int, row: int) -> polling.Answer:
    """Have the ten photos looked for that come nearest to a cell; what is known or being looked for stays as it is.

    Poll the address in Location until `job.final` is true.
    """
    found = looking.look_for_nearest(mosaic_id, column, row, again=True)
    shown = present.candidates(found)
    return polling.accepted(shown, final=found.job.state.final)


@bp.get("/candidates")
@bp.output(CandidatesOut)
@fails(NotReady, NoPlacement)
def get_candidates(mosaic_id: uuid.UUID, column: int, row: int) -> polling.Answer:
    """Show the photos that come nearest to a cell, or how far the search for them is."""
    found = looking.nearest(mosaic_id, column, row)
    return present.candidates(found), 200, polling.retry_after(final=found.job.state.final)
