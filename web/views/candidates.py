"""The photos that come nearest to a cell, for the viewer: looked for by a worker, and kept."""

from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from models.errors import TesseraError
from web import forms, looking
from web.problems import status_of

bp = Blueprint("candidates", __name__, url_prefix="/mosaics/<uuid:mosaic_id>/cells")


@bp.post("/<int:column>/<int:row>/candidates")
def ask(mosaic_id: UUID, column: int, row: int) -> ResponseReturnValue:
    """Tell the nearest photos, once they are found; asking again tells how far that is."""
    found = looking.look_for_nearest(mosaic_id, column, row, again=forms.truth(request.form, "again"))
    if found.names is None:
        return {"sentence": found.job.error_sentence, "photos": None}
    named = found.names.items()
    photos = [looking.photo_as_json(found.mosaic, content, name, looking.PAGES) for content, name in named]
    return {"sentence": None, "photos": photos}


@bp.errorhandler(TesseraError)
def _refused(error: TesseraError) -> ResponseReturnValue:
    return {"sentence": str(error), "photos": None}, status_of(error)
