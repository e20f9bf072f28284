"""Pages of a tile set's photos: look through them; ban, remove or restore some or one; undo that."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from models import database, photo_changes, photo_listing, queries, tile_set_versions, undo
from models.errors import InvalidOrder, NotFound, TesseraError
from models.photo_changes import Changed, PhotoChange
from models.queries import Shown
from web import downloads, forms
from web.context import reading, sessions
from web.views import sheet
from web.views.redisplay import or_again

CHANGES: dict[str, Callable[[Session, UUID, str, datetime], None]] = {
    "ban": tile_set_versions.ban,
    "allow": tile_set_versions.allow,
    "remove": tile_set_versions.remove,
}
KEPT = ("sort", "show", "name", "after")
"""What a form says of the page that it is on."""

bp = Blueprint("photos", __name__, url_prefix="/tile-sets/<uuid:tile_set_id>/photos")


def _sheet(error: TesseraError | None) -> ResponseReturnValue:
    """Show the page of photos that is asked for, with the error if there is one; to a script, the photos alone."""
    with reading() as session:
        tile_set = queries.find_tile_set(session, (request.view_args or {})["tile_set_id"])
        shown = sheet.read(session, tile_set, request.values)
    template = "photos/more.html" if "HX-Request" in request.headers else "photos/index.html"
    chosen = frozenset(request.form.getlist("content"))
    missing = forms.row_id(request.args, "missing", 0)
    return render_template(template, error=error, tile_set=tile_set, sheet=shown, chosen=chosen, missing=missing)


@bp.get("")
def index(tile_set_id: UUID) -> ResponseReturnValue:  # noqa: ARG001 - `_sheet` takes it from the address
    """Show a page of photos."""
    return _sheet(None)


@bp.post("")
@or_again(_sheet)
def change_some(tile_set_id: UUID) -> ResponseReturnValue:
    """Ban, allow, remove or restore the chosen photos; then show the page that they were on."""
    asked = request.form.get("change", "")
    if asked not in [*PhotoChange]:
        raise InvalidOrder("change", f"Photos can be changed by {', '.join(PhotoChange)}, not by {asked[:40]!r}.")
    with sessions().begin() as session:
        contents = request.form.getlist("content")
        done = photo_changes.make(session, tile_set_id, PhotoChange(asked), contents, database.now(session))
    return _back(tile_set_id, done)


@bp.post("/undo")
@or_again(_sheet)
def take_back(tile_set_id: UUID) -> ResponseReturnValue:
    """Undo what a version changed of photos; then show the page where that was asked for."""
    with sessions().begin() as session:
        version = forms.row_id(request.form, "version", 0)
        done = photo_changes.undo(session, tile_set_id, version, database.now(session))
    return _back(tile_set_id, done)


def _back(tile_set_id: UUID, done: Changed) -> ResponseReturnValue:
    """Show the page again that a form was on."""
    kept: dict[str, Any] = {name: request.form[name] for name in KEPT if request.form.get(name)}
    page = "tile_sets.show" if request.form.get("page") == "set" and not kept else "photos.index"
    return redirect(url_for(page, tile_set_id=tile_set_id, **kept, missing=len(done.missing) or None), code=303)


def _page(error: TesseraError | None) -> ResponseReturnValue:
    """Show the photo that the address names, with the error if there is one."""
    place = request.view_args or {}
    with reading() as session:
        tile_set = queries.find_tile_set(session, place["tile_set_id"])
        shown = queries.find_tile(session, place["tile_set_id"], place["content"])
        around = sheet.read(session, tile_set, request.values)
        beside = photo_listing.beside(session, tile_set.id, around.wanted, place["content"])
    return render_template(
        "photos/show.html", error=error, tile_set=tile_set, shown=shown, around=around, beside=beside
    )


@bp.get("/<sha256:content>")
def show(tile_set_id: UUID, content: str) -> ResponseReturnValue:  # noqa: ARG001 - `_page` takes them from the address
    """Show one photo."""
    return _page(None)


@bp.post("/<sha256:content>/<any(ban, allow, remove):change>")
@or_again(_page)
def change(tile_set_id: UUID, content: str, change: str) -> ResponseReturnValue:
    """Ban, allow or remove a photo; then show it again, or those around it."""
    try:
        with sessions().begin() as session:
            CHANGES[change](session, tile_set_id, content, database.now(session))
    except NotFound:
        # After a double click, the second request finds the photo in the trash.
        if change != "remove":
            raise
        with reading() as session:
            undo.find_photo(session, tile_set_id, content)
    kept: dict[str, Any] = {name: request.form[name] for name in KEPT if request.form.get(name)}
    if change != "remove":
        return redirect(url_for("photos.show", tile_set_id=tile_set_id, content=content, **kept), code=303)
    return redirect(url_for("photos.index", tile_set_id=tile_set_id, **kept), code=303)


@bp.get("/<sha256:content>/preview")
def preview(tile_set_id: UUID, content: str) -> ResponseReturnValue:
    """Send the photo's preview, also while it is being indexed or in the trash."""
    with reading() as session:
        queries.find_tile_set(session, tile_set_id)
        found = photo_listing.find(session, tile_set_id, content)
    return downloads.photo_in_small(found)


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
