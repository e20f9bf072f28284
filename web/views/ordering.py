"""The page that orders a mosaic: what was typed and the target survive every error, and an order can be repeated."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from flask import current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from models import queries
from models.errors import FormExpired, InvalidOrder, NotFound, TesseraError
from models.rules.masks import ALPHA
from models.rules.orders import FIELDS
from models.tables import Draft, Mosaic
from web import drafting, forms
from web.context import reading
from web.views.redisplay import CHOICES, is_changed

EXPIRED = (
    "Your session has ended, your browser keeps no cookies, or this form did not come from this site, so nothing was "
    "ordered. "
    "What you typed is still here: order once more."
)


def page(error: TesseraError | None) -> ResponseReturnValue:
    """Show the form, filled in with what was typed, or as the mosaic was ordered that `again` names.

    Raises:
        NotFound: the mosaic that is to be ordered again is not there.
    """
    form: dict[str, Any] = request.values.to_dict()
    draft = g.get("draft") or drafting.found(form)
    target_name = draft.target_name if draft else ""
    last = _last(form, draft)
    if request.method != "POST" and last:
        form, target_name = _as_ordered(last) | form, target_name or last.target_name
    elif request.method != "POST" and form.get("draft") and draft is None:
        error = InvalidOrder("target", drafting.ENDED)
    with reading() as session:
        tile_sets = queries.indexed_tile_sets(session)
    changed = {about.group.value for name, about in FIELDS.items() if is_changed(form, name)}
    return render_template(
        "mosaics/new.html", error=error, form=form, draft=draft, draft_id=draft.id if draft else uuid4(),
        target_name=target_name, tile_sets=tile_sets, changed=changed, last=last, **CHOICES,
    )  # fmt: skip


def create() -> UUID:
    """Keep what was uploaded, order the mosaic, and return its id; the same form once more is the same mosaic.

    Raises:
        FormExpired: the form's token is missing or wrong; nothing is kept.
        InvalidOrder, UnusablePicture, NotFound, NotReady: as `web.drafting`.
    """
    try:
        current_app.extensions["csrf"].protect()
    except CSRFError as error:
        raise FormExpired(EXPIRED) from error
    form = request.form.to_dict()
    g.draft = drafting.with_target(form, request.files.get("target"))
    g.draft = drafting.with_mask(g.draft, request.files.get("mask"))
    asked = forms.page_order(form)
    tile_set_id = forms.identity(form.get("tile_set", ""), "tile set")
    last_id = forms.identity(form["again"], "mosaic") if form.get("again") else None
    return drafting.order(g.draft, tile_set_id, asked, alpha=forms.truth(form, "mask_alpha"), last_id=last_id)


def _last(form: Mapping[str, str], draft: Draft | None) -> Mosaic | None:
    """Return the mosaic that is ordered again; none where it is gone and something else is there to go on with."""
    if not form.get("again"):
        return None
    try:
        with reading() as session:
            return queries.find_mosaic(session, forms.identity(form["again"], "mosaic"))
    except NotFound:
        if draft is None and request.method != "POST":
            raise
        return None


def _as_ordered(mosaic: Mosaic) -> dict[str, str]:
    """Return the fields of the form by which a mosaic was ordered."""
    masked = {"mask_alpha": "yes"} if mosaic.mask == ALPHA else {}
    return forms.fields_of(queries.order_of(mosaic)) | {"tile_set": str(mosaic.tile_set_id)} | masked
