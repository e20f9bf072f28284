"""Pages of the trash: what was deleted or removed, how long it stays, how to restore it or delete it for good."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from models import database, keeping, undo
from models.listing import Cursor
from models.rules.lifecycle import JobState
from models.tables import Batch, Mosaic
from web import downloads, forms
from web.context import reading, sessions, settings

PAGE_LENGTH = 48
EDITS_STAY = "Mosaics that are changes of it stay."
ORDERS: dict[str, Any] = {"mosaics": Mosaic, "batches": Batch}

bp = Blueprint("trash", __name__, url_prefix="/trash")


@bp.get("")
def show() -> ResponseReturnValue:
    """Show what is in the trash, and of each kind the newest."""
    before = forms.row_id(request.args, "before", database.LAST_ID)
    with reading() as session:
        now, span = database.now(session), settings().undo_span
        tile_sets = [(row, undo.days_left(row.deleted_at or now, now, span)) for row in undo.tile_sets(session)]
        photos = [
            (row, undo.days_left(row.removed_at, now, span)) for row in undo.photos(session, before, PAGE_LENGTH)
        ]
        older = before < database.LAST_ID
        orders = [] if older else [_orders(session, kind, None) for kind in ORDERS]
    following = photos[-1][0].id if len(photos) == PAGE_LENGTH else None
    return render_template(
        "trash/show.html", orders=orders, tile_sets=tile_sets, photos=photos, older=older, following=following
    )


@bp.get("/<any(mosaics, batches):kind>")
def show_orders(kind: str) -> ResponseReturnValue:
    """Show mosaics or batches in the trash, a page at a time."""
    after = request.args.get("after")
    with reading() as session:
        orders = [_orders(session, kind, Cursor.read(after) if after else None)]
    return render_template("trash/show.html", orders=orders, tile_sets=[], photos=[], older=bool(after))


def _orders(session: Session, kind: str, after: Cursor | None) -> dict[str, Any]:
    """Return what the page shows of the mosaics or the batches in the trash."""
    now, span = database.now(session), settings().undo_span
    page = keeping.in_trash(session, ORDERS[kind], after=after, limit=PAGE_LENGTH)
    rows = [_shown(row, undo.days_left(row.deleted_at or now, now, span)) for row in page.rows]
    following = url_for("trash.show_orders", kind=kind, after=str(page.following)) if page.following else None
    return {"kind": kind, "rows": rows, "following": following}


def _shown(row: Mosaic | Batch, days_left: int) -> dict[str, Any]:
    made = isinstance(row, Mosaic) and row.job.state is JobState.SUCCEEDED and row.preview_key is not None
    return {"id": row.id, "name": keeping.name(row), "when": row.deleted_at, "days_left": days_left, "picture": made}


@bp.post("/<any(mosaics, batches):kind>/<uuid:identity>/restore")
def restore(kind: str, identity: UUID) -> ResponseReturnValue:
    """Take a mosaic or a batch back."""
    with sessions().begin() as session:
        keeping.restore(session, ORDERS[kind], identity)
    place: dict[str, Any] = {"mosaic_id" if kind == "mosaics" else "batch_id": identity}
    return redirect(url_for(f"{kind}.show", **place), code=303)


@bp.get("/mosaics/<uuid:identity>/thumbnail")
def thumbnail(identity: UUID) -> ResponseReturnValue:
    """Send the small picture of a mosaic in the trash."""
    with reading() as session:
        mosaic = keeping.find_in_trash(session, Mosaic, identity)
    return downloads.thumbnail(mosaic)


@bp.get("/<any(mosaics, batches):kind>/<uuid:identity>/delete")
def ask_for_order(kind: str, identity: UUID) -> ResponseReturnValue:
    """Ask for confirmation that a mosaic or a batch is to be deleted for good."""
    with reading() as session:
        found = f"“{keeping.name(keeping.find_in_trash(session, ORDERS[kind], identity))}”"
    return _ask(found if kind == "mosaics" else f"{found} with all its mosaics", EDITS_STAY)


@bp.post("/<any(mosaics, batches):kind>/<uuid:identity>/delete")
def purge(kind: str, identity: UUID) -> ResponseReturnValue:
    """Delete a mosaic or a batch for good."""
    with sessions().begin() as session:
        keeping.purge(session, ORDERS[kind], identity, database.now(session))
    return _back()


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
    return _ask("everything that is in the trash", "Mosaics that are not in the trash stay.")


@bp.post("/empty")
def empty() -> ResponseReturnValue:
    """Delete everything in the trash for good."""
    with sessions().begin() as session:
        undo.empty(session, database.now(session))
    return _back()


def _ask(what: str, stays: str = "Mosaics that were made stay.") -> ResponseReturnValue:
    """Show the question whose answer is sent to the same address."""
    return render_template("trash/delete.html", what=what, stays=stays)


def _back() -> ResponseReturnValue:
    return redirect(url_for("trash.show"), code=303)
