"""Pages of the trash: what was deleted or removed, how long it stays, how to restore it or delete it for good."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models import database, undo
from web import downloads, forms
from web.context import reading, sessions, settings

PAGE_LENGTH = 48

bp = Blueprint("trash", __name__, url_prefix="/trash")


@bp.get("")
def show() -> ResponseReturnValue:
    """Show what is in the trash."""
    before = forms.row_id(request.args, "before", database.LAST_ID)
    with reading() as session:
        now, span = database.now(session), settings().undo_span
        tile_sets = [(row, undo.days_left(row.deleted_at or now, now, span)) for row in undo.tile_sets(session)]
        photos = [
            (row, undo.days_left(row.removed_at, now, span)) for row in undo.photos(session, before, PAGE_LENGTH)
        ]
    following = photos[-1][0].id if len(photos) == PAGE_LENGTH else None
    return render_template(
        "trash/show.html", tile_sets=tile_sets, photos=photos, older=before < database.LAST_ID, following=following
    )


@bp.post("/tile-sets/<uuid:tile_set_id>/restore")
def restore_set(tile_set_id: UUID) -> ResponseReturnValue:
    """Take a tile set back."""
    with sessions().begin() as session:
        undo.restore_set(session, tile_set_id)
    return redirect(url_for("tile_sets.show", tile_set_id=tile_set_id), code=303)


@bp.post("/photos/<uuid:tile_set_id>/<sha256:content>/restore")
def restore_photo(tile_set_id: UUID, content: str) -> ResponseReturnValue:
    """Take a photo back."""
    with sessions().begin() as session:
        undo.restore_photo(session, tile_set_id, content, database.now(session))
    return _back()


@bp.get("/photos/<uuid:tile_set_id>/<sha256:content>/preview")
def preview(tile_set_id: UUID, content: str) -> ResponseReturnValue:
    """Send the preview of a photo in the trash."""
    with reading() as session:
        removed = undo.find_photo(session, tile_set_id, content)
    return downloads.photo_in_small(removed)


@bp.get("/tile-sets/<uuid:tile_set_id>/delete")
def ask_for_set(tile_set_id: UUID) -> ResponseReturnValue:
    """Ask for confirmation that a tile set is to be deleted for good."""
    with reading() as session:
        return _ask(f"“{undo.find_set(session, tile_set_id).name}” with all its photos")


@bp.post("/tile-sets/<uuid:tile_set_id>/delete")
def purge_set(tile_set_id: UUID) -> ResponseReturnValue:
    """Delete a tile set for good."""
    with sessions().begin() as session:
        undo.purge_set(session, tile_set_id, database.now(session))
    return _back()


@bp.get("/photos/<uuid:tile_set_id>/<sha256:content>/delete")
def ask_for_photo(tile_set_id: UUID, content: str) -> ResponseReturnValue:
    """Ask for confirmation that a photo is to be deleted for good."""
    with reading() as session:
        return _ask(f"“{undo.find_photo(session, tile_set_id, content).name}”")


@bp.post("/photos/<uuid:tile_set_id>/<sha256:content>/delete")
def purge_photo(tile_set_id: UUID, content: str) -> ResponseReturnValue:
    """Delete a photo for good."""
    with sessions().begin() as session:
        undo.purge_photo(session, tile_set_id, content)
    return _back()


@bp.get("/empty")
def ask_for_all() -> ResponseReturnValue:
    """Ask for confirmation that everything is to be deleted for good."""
    return _ask("everything that is in the trash")


@bp.post("/empty")
def empty() -> ResponseReturnValue:
    """Delete everything in the trash for good."""
    with sessions().begin() as session:
        undo.empty(session, database.now(session))
    return _back()


def _ask(what: str) -> ResponseReturnValue:
    """Show the question whose answer is sent to the same address."""
    return render_template("trash/delete.html", what=what)


def _back() -> ResponseReturnValue:
    return redirect(url_for("trash.show"), code=303)
