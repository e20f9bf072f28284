"""The form on a mosaic's page that orders an edit: a new mosaic with other photos in some cells."""

import re
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from models.errors import InvalidOrder
from models.rules.changes import Pin
from web import forms, intake
from web.views import mosaics
from web.views.redisplay import or_again

CELL = re.compile(r"([0-9]{1,9})[,;\s]\s*([0-9]{1,9})")
PIN = re.compile(r"([0-9]{1,9}) ([0-9]{1,9}) (.+)")
Form = MultiDict[str, str]

bp = Blueprint("edits", __name__, url_prefix="/mosaics/<uuid:mosaic_id>/edits")


@bp.post("")
@or_again(mosaics.page)
def create(mosaic_id: UUID) -> ResponseReturnValue:
    """Order the edit, and show the new mosaic."""
    identity = intake.receive_edit(mosaic_id, _changes(request.form))
    return redirect(url_for("mosaics.show", mosaic_id=identity), code=303)


def _changes(form: Form) -> dict[str, list[Any]]:
    """Read what is to be changed: what was typed, and what was chosen in the viewer.

    Raises:
        InvalidOrder: something is no cell, or a pin is not whole.
    """
    return {
        "ban": _lines(form, "ban") + form.getlist("bans"),
        "must_use": _lines(form, "must_use"),
        "lock": [_cell(line) for line in _lines(form, "lock") + form.getlist("locks")],
        "pins": _pins(form) + [_pin(given) for given in form.getlist("pins")],
    }


def _pins(form: Form) -> list[Pin]:
    column, row = (forms.whole_number(form, name, name) for name in ("column", "row"))
    photo = form.get("photo", "").strip()
    if column is None and row is None and not photo:
        return []
    if column is None or row is None or not photo:
        raise InvalidOrder("pins", "Say the column, the row and the photo that is to lie there.")
    return [Pin(column, row, photo)]


def _pin(given: str) -> Pin:
    found = PIN.fullmatch(given)
    if found is None:
        raise InvalidOrder("pins", f"{given[:40]!r} is no column, row and photo; write such as 30 12 beach.jpg.")
    return Pin(int(found[1]), int(found[2]), found[3])


def _cell(line: str) -> tuple[int, int]:
    found = CELL.fullmatch(line)
    if found is None:
        raise InvalidOrder("lock", f"{line[:40]!r} is no cell; write its column and its row, such as 30, 12.")
    return int(found[1]), int(found[2])


def _lines(form: Form, name: str) -> list[str]:
    return [line.strip() for line in form.get(name, "").splitlines() if line.strip()]
