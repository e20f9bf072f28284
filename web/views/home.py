"""The first page: an overview, and where to begin."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from models import database, queries, undo
from web.context import reading

bp = Blueprint("home", __name__)


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show the newest mosaics, batches and tile sets."""
    with reading() as session:
        batches = [(batch, queries.batch_progress(session, batch.id)) for batch in queries.batches(session)]
        return render_template(
            "home.html",
            mosaics=queries.mosaics(session),
            batches=batches,
            tile_sets=queries.tile_sets(session),
            deleted=undo.tile_sets(session, since=database.now(session) - undo.LATELY),
        )
