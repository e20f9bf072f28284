"""The photos that come nearest to a cell, for the viewer: looked for by a worker, and kept."""

from functools import partial
from uuid import UUID

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from models import candidates
from models.errors import NotFound, TesseraError
from models.notifying import ring_all
from web import forms
from web.context import services, sessions
from web.problems import status_of
from web.views import zoom

bp = Blueprint("candidates", __name__, url_prefix="/mosaics/<uuid:mosaic_id>/cells")


@bp.post("/<int:column>/<int:row>/candidates")
def ask(mosaic_id: UUID, column: int, row: int) -> ResponseReturnValue:
    """Tell the nearest photos, once they are found; asking again tells how far that is."""
    with sessions().begin() as session:
        mosaic, kept = zoom.kept_of(session, mosaic_id)
        if column >= kept.columns or row >= kept.rows:
            raise NotFound("There is no such cell.")
        cell = kept.cell(column, row, {})
        if cell is None:
            raise NotFound("This cell stays empty.")
        place, again = (cell.column, cell.row), forms.truth(request.form, "again")
        asked = candidates.ask(session, mosaic, place, services().ring_again, again=again)
        found = candidates.usable(session, mosaic, asked.row) if asked.row.photos is not None else None
        failed = asked.row.job.error_sentence
    ring_all(sessions(), [asked.bell] if asked.bell else [])
    if found is None:
        return {"sentence": failed, "photos": None}
    address = partial(url_for, "photos.preview", tile_set_id=mosaic.tile_set_id)
    photos = [
        {"name": name, "content": content, "preview": address(content=content)} for content, name in found.items()
    ]
    return {"sentence": None, "photos": photos}


@bp.errorhandler(TesseraError)
def _refused(error: TesseraError) -> ResponseReturnValue:
    return {"sentence": str(error), "photos": None}, status_of(error)
