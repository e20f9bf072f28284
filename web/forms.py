"""Reads orders and other values from the fields of a form or an API call, and checks them."""

from collections.abc import Mapping
from dataclasses import asdict
from re import fullmatch
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from models import database
from models.errors import InvalidOrder, NotFound
from models.rules import looks, paper
from models.rules.formats import DEFAULT_DPI, DEFAULT_FORMAT
from models.rules.looks import DEFAULT_LOOK, SET_BY_LOOKS
from models.rules.order_fields import OrderField
from models.rules.order_words import DEFAULT_CELLS_ACROSS, LossName, Shape
from models.rules.orders import FIELDS, MosaicOrder, foreign_to, goes_with
from models.rules.print_planning import Print, plan
from models.rules.renditions import FIELDS as FILE_FIELDS

TRUE = frozenset({"yes", "true", "1", "on"})
FALSE = frozenset({"", "no", "false", "0", "off"})
"""What a checkbox, or a program, may send."""
AGAINST_PRINT = ("cell_width", "cell_height", "tile_size", "mosaic_width", "mosaic_height")
"""Fields of an order that a print has no use for."""


def mosaic_order(form: Mapping[str, str]) -> MosaicOrder:
    """Read an order; an empty field means what the look says, or its default.

    Raises:
        InvalidOrder: a value is no number, outside its range, or no known word.
    """
    read = {name: _read(form, name, about) for name, about in FIELDS.items()}
    given = looks.fields_of(_look(form), {name: value for name, value in read.items() if value is not None})
    given |= _of_print(form, given)
    if not given.keys() & {"cells_across", "cell_width", "cell_height"}:
        given["cells_across"] = DEFAULT_CELLS_ACROSS
    return MosaicOrder(**given)


def _of_print(form: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an order that a size on paper says; none without one."""
    size, tile = (form.get(name, "").strip() for name in ("print", "tile"))
    if not size:
        if tile:
            raise InvalidOrder("print", "The tile belongs to a print; give its size on paper, too.")
        return {}
    for name in AGAINST_PRINT:
        if name in given:
            raise InvalidOrder(
                "print", f"A print and a {FIELDS[name].title} contradict each other; give one of the two."
            )
    if tile and "cells_across" in given:
        raise InvalidOrder(
            "tile", "A tile and the cells across both say how many cells there are; give one of the two."
        )
    asked = Print(
        size, given.get("dpi", DEFAULT_DPI), tile or None, given.get("bleed", 0), given.get("cells_across"),
        given.get("shape", Shape.RECTANGLE),
    )  # fmt: skip
    return plan(asked, given.get("format", DEFAULT_FORMAT)).order_fields


def page_order(form: Mapping[str, str]) -> MosaicOrder:
    """Read an order from a page, where some fields are filled in beforehand.

    A print wins over all other sizes, a cell's size over the cells across; a field that belongs to some losses or
    formats counts only for them.

    Raises:
        InvalidOrder: as `mosaic_order`.
    """
    form = dict(form)
    if form.get("cell_width", "").strip() or form.get("cell_height", "").strip():
        form["cells_across"] = ""
    if form.get("print", "").strip():
        form |= dict.fromkeys(("cells_across", *AGAINST_PRINT), "")
    form |= dict.fromkeys(foreign_to(form.get("format", "").strip().lower()), "")
    if not form.get("pages", "").strip():
        form["overlap"] = ""
    loss = form.get("loss", "").strip().lower() or looks.fields_of(_look(form), {}).get("loss", LossName.BALANCED)
    return mosaic_order({name: text for name, text in form.items() if name not in FIELDS or goes_with(name, loss)})


def page_file(form: Mapping[str, str]) -> dict[str, Any]:
    """Read which file of a mosaic is ordered from a page; a quality counts only in a format that has one.

    Raises:
        InvalidOrder: a value is no number, or no known word.
    """
    given = {name: _read(form, name, FIELDS[name]) for name in FILE_FIELDS}
    return given | dict.fromkeys(foreign_to(given["format"] or "") & given.keys())


def fields_of(order: MosaicOrder) -> dict[str, str]:
    """Return what a page's form is filled in with to order the same again.

    What looks set and is as by default is left empty, so that another look can be chosen there.
    """
    values = asdict(order) | {"max_uses": order.uses, "no_repeats": False}
    usual = {name for name in SET_BY_LOOKS if values[name] == getattr(MosaicOrder, name)}
    given = {
        name: value
        for name, value in values.items()
        if value is not None and value is not False and name not in usual
    }
    return {name: "yes" if value is True else _written(name, value) for name, value in given.items()}


def _written(name: str, value: object) -> str:
    """Return a value as people write it, and whole numbers without a point."""
    return f"{value}".removesuffix(".0") + ("mm" if FIELDS[name].length else "")


def identity(text: str, kind: str) -> UUID:
    """Read an id.

    Raises:
        NotFound: it is no id at all.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"There is no such {kind}.") from error


def row_id(values: MultiDict[str, str], field: str, otherwise: int) -> int:
    """Read the id of the row where a page of a list begins; out of range, it becomes the nearest possible one."""
    return min(max(values.get(field, otherwise, type=int), 0), database.LAST_ID)


def _look(form: Mapping[str, str]) -> str:
    return form.get("look", "").strip().lower() or DEFAULT_LOOK


def _read(form: Mapping[str, str], name: str, about: OrderField) -> Any:
    """Return what a form says of a field of an order; None if nothing."""
    if about.kind is bool:
        return truth(form, name) if form.get(name, "").strip() else None
    if about.length:
        text = form.get(name, "").strip()
        return paper.millimetres(text, name, about.title) if text else None
    if about.kind is int:
        return whole_number(form, name, about.title)
    if about.kind is float:
        return _decimal(form, name, about.title)
    return _word(form, name, about)


def whole_number(form: Mapping[str, str], field: str, name: str) -> int | None:
    """Read a whole number; None if nothing is said.

    Raises:
        InvalidOrder: it is none.
    """
    text = form.get(field, "").strip()
    if not text:
        return None
    if not fullmatch("-?[0-9]{1,40}", text):
        raise InvalidOrder(field, f"The {name} must be a whole number, not {text[:40]!r}.")
    return int(text)


def _decimal(form: Mapping[str, str], field: str, name: str) -> float | None:
    text = form.get(field, "").strip()
    if not text:
        return None
    if not fullmatch(r"-?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})(e[-+]?[0-9]{1,3})?", text):
        raise InvalidOrder(field, f"The {name} must be a number such as 0.5, not {text[:40]!r}.")
    return float(text) + 0.0  # which makes -0 a plain nought


def truth(form: Mapping[str, str], field: str) -> bool:
    """Read a checkbox; an empty or missing field means no.

    Raises:
        InvalidOrder: the field says neither yes nor no.
    """
    text = form.get(field, "").strip().lower()
    if text not in TRUE | FALSE:
        raise InvalidOrder(field, f"The field {field} must be yes or no, not {text[:40]!r}.")
    return text in TRUE


def _word(form: Mapping[str, str], field: str, about: OrderField) -> Any:
    text = form.get(field, "").strip().lower()
    if not text:
        return None
    if text not in about.words:
        raise InvalidOrder(field, f"The {field} must be one of {', '.join(about.words)}, not {text[:40]!r}.")
    return about.kind(text)
