"""The first page: an overview, and where to begin."""

from pathlib import Path

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from models import listing, queries
from models.listing import Wanted
from models.rules.names import DEMO
from web import intake
from web.context import reading, settings
from web.views import lately
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
            demo=Path(settings().demo_archive).is_file(),
            deleted=lately.deleted(session),
        )


@bp.post("/demo")
def demo() -> ResponseReturnValue:
    """Make a tile set of the photographs that come with this installation, to play with."""
    return redirect(url_for("tile_sets.show", tile_set_id=intake.receive_demo(DEMO)), code=303)
