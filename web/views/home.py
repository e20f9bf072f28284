"""The first page: what there is, and where to begin."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from models import database, finding, undo
from web.context import reading

bp = Blueprint("home", __name__)


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show the newest mosaics, batches and tile sets."""
    with reading()() as session:
        batches = [(batch, finding.batch_progress(session, batch.id)) for batch in finding.batches(session)]
        return render_template(
            "home.html",
            mosaics=finding.mosaics(session),
            batches=batches,
            tile_sets=finding.tile_sets(session),
            deleted=undo.tile_sets(session, since=database.now(session) - undo.LATELY),
        )
