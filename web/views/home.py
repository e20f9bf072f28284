"""The first page: an overview, and where to begin."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from models import database, listing, queries, undo
from models.listing import Wanted
from web.context import reading
from web.views.listed import A_FEW

bp = Blueprint("home", __name__)


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show the newest mosaics, batches and tile sets."""
    with reading() as session:
        few = Wanted(limit=A_FEW)
        found = listing.batches(session, few)
        return render_template(
            "home.html",
            mosaics=listing.mosaics(session, few),
            batches=[(batch, queries.batch_progress(session, batch.id)) for batch in found.rows],
            more_batches=found.following,
            tile_sets=listing.tile_sets(session, few),
            deleted=undo.tile_sets(session, since=database.now(session) - undo.LATELY),
        )
