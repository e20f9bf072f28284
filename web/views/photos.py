"""Pages of a tile set's photos: look through them, and ban, allow or remove one."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from models import database, queries, tile_set_versions, undo
from models.errors import NotFound, TesseraError
from models.queries import Shown
from web import downloads, forms
from web.context import reading, sessions
from web.views.redisplay import or_again

PAGE_LENGTH = 48
MOST_REMOVED = 5
"""Removed photos that a page offers to take back; all of them are in the trash."""
CHANGES: dict[str, Callable[[Session, UUID, str, datetime], None]] = {
    "ban": tile_set_versions.ban,
    "allow": tile_set_versions.allow,
    "remove": tile_set_versions.remove,
}

bp = Blueprint("photos", __name__, url_prefix="/tile-sets/<uuid:tile_set_id>/photos")


@bp.get("")
def index(tile_set_id: UUID) -> ResponseReturnValue:
    """Show a page of photos."""
    after = forms.row_id(request.args, "after", 0)
    with reading() as session:
        tile_set = queries.find_tile_set(session, tile_set_id)
        found = queries.tiles(session, tile_set_id, after, PAGE_LENGTH)
        removed = undo.photos_of(session, tile_set_id, database.now(session) - undo.LATELY, MOST_REMOVED)
    following = found[-1].tile.id if len(found) == PAGE_LENGTH else None
    return render_template(
        "photos/index.html", tile_set=tile_set, found=found, after=after, following=following, removed=removed
    )


def _page(error: TesseraError | None) -> ResponseReturnValue:
    """Show the photo that the address names, with the error if there is one."""
    place = request.view_args or {}
    with reading() as session:
        tile_set = queries.find_tile_set(session, place["tile_set_id"])
        shown = queries.find_tile(session, place["tile_set_id"], place["content"])
    return render_template("photos/show.html", error=error, tile_set=tile_set, shown=shown)


@bp.get("/<sha256:content>")
def show(tile_set_id: UUID, content: str) -> ResponseReturnValue:  # noqa: ARG001 - `_page` takes them from the address
    """Show one photo."""
    return _page(None)


@bp.post("/<sha256:content>/<any(ban, allow, remove):change>")
@or_again(_page)
def change(tile_set_id: UUID, content: str, change: str) -> ResponseReturnValue:
    """Ban, allow or remove a photo; then show the page that it was on."""
    before = 0
    try:
        with sessions().begin() as session:
            before = queries.find_tile(session, tile_set_id, content).tile.id - 1
            CHANGES[change](session, tile_set_id, content, database.now(session))
    except NotFound:
        # After a double click, the second request finds the photo in the trash.
        if change != "remove":
            raise
        with reading() as session:
            undo.find_photo(session, tile_set_id, content)
    if "alone" in request.form and change != "remove":
        return redirect(url_for("photos.show", tile_set_id=tile_set_id, content=content), code=303)
    after = forms.row_id(request.form, "after", before)
    return redirect(url_for("photos.index", tile_set_id=tile_set_id, after=after or None), code=303)


@bp.get("/<sha256:content>/preview")
def preview(tile_set_id: UUID, content: str) -> ResponseReturnValue:
    """Send the photo's preview."""
    return downloads.photo_in_small(_shown(tile_set_id, content).tile)


@bp.get("/<sha256:content>/picture")
def picture(tile_set_id: UUID, content: str) -> ResponseReturnValue:
    """Send the photo as it is stored."""
    return downloads.photo(_shown(tile_set_id, content).tile)


@bp.get("/<sha256:content>/original")
def original(tile_set_id: UUID, content: str) -> ResponseReturnValue:
    """Send the photo's original file."""
    with reading() as session:
        kept = queries.find_tile_set(session, tile_set_id).keep_originals
    return downloads.original(_shown(tile_set_id, content).tile, kept=kept)


def _shown(tile_set_id: UUID, content: str) -> Shown:
    with reading() as session:
        return queries.find_tile(session, tile_set_id, content)
