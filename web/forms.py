"""From what a form or an API call holds to a checked wish."""

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from re import fullmatch
from typing import TypeVar
from uuid import UUID

from werkzeug.datastructures import MultiDict

from models import database
from models.errors import InvalidOrder, NotFound
from models.rules.formats import DEFAULT_FORMAT, Format
from models.rules.orders import (
    DEFAULT_CELLS_ACROSS,
    DEFAULT_TILE_SIZE,
    WITH_SUBCELLS,
    Fit,
    LossName,
    MosaicOrder,
)

Word = TypeVar("Word", bound=StrEnum)

TRUE = frozenset({"yes", "true", "1", "on"})
FALSE = frozenset({"", "no", "false", "0", "off"})
"""What a box to tick, or a program, may say."""


def mosaic_order(form: Mapping[str, str]) -> MosaicOrder:
    """Read an order; an empty field means its default.

    Raises:
        InvalidOrder: a value is no number, outside its range, or no known word.
    """
    cells = _number(form, "cells_across", "cells across")
    width, height = _number(form, "cell_width", "cell width"), _number(form, "cell_height", "cell height")
    if cells is None and width is None and height is None:
        cells = DEFAULT_CELLS_ACROSS
    tile_size = _number(form, "tile_size", "tile size")
    return MosaicOrder(
        cells_across=cells,
        cell_width=width,
        cell_height=height,
        tile_size=DEFAULT_TILE_SIZE if tile_size is None else tile_size,
        fit=_word(form, "fit", Fit, Fit.CROP),
        format=_word(form, "format", Format, DEFAULT_FORMAT),
        loss=_word(form, "loss", LossName, LossName.BALANCED),
        subcells=_number(form, "subcells", "sub-cells a side"),
        detail=_decimal(form, "detail"),
        flips=truth(form, "flips"),
        turns=truth(form, "turns"),
        max_uses=_number(form, "max_uses", "uses of a tile"),
        no_repeats=truth(form, "no_repeats"),
        min_distance=_decimal(form, "min_distance") or 0.0,
        tint=_decimal(form, "tint") or 0.0,
        blend=_decimal(form, "blend") or 0.0,
    )


def page_order(form: Mapping[str, str]) -> MosaicOrder:
    """Read an order from a page, where some fields are filled in beforehand.

    A cell's size wins over the cells across; detail and sub-cells count only for the losses that they belong to.

    Raises:
        InvalidOrder: as `mosaic_order`.
    """
    form = dict(form)
    if form.get("cell_width", "").strip() or form.get("cell_height", "").strip():
        form["cells_across"] = ""
    loss = form.get("loss", "").strip().lower() or LossName.BALANCED
    if loss != LossName.BALANCED:
        form["detail"] = ""
    if loss not in WITH_SUBCELLS:
        form["subcells"] = ""
    return mosaic_order(form)


def fields_of(order: MosaicOrder) -> dict[str, str]:
    """Return what a page's form is filled in with to order the same again."""
    values = asdict(order) | {"max_uses": order.uses, "no_repeats": False}
    return {name: "yes" if value is True else f"{value}" for name, value in values.items() if value}


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
    """Read behind or before which row a page goes on; what lies beyond every row leads to the nearest end."""
    return min(max(values.get(field, otherwise, type=int), 0), database.LAST_ID)


def _number(form: Mapping[str, str], field: str, name: str) -> int | None:
    text = form.get(field, "").strip()
    if not text:
        return None
    if not text.removeprefix("-").isdecimal() or len(text) > 12:  # noqa: PLR2004 - far beyond every limit
        raise InvalidOrder(field, f"The {name} must be a whole number, not {text[:40]!r}.")
    return int(text)


def _decimal(form: Mapping[str, str], field: str) -> float | None:
    text = form.get(field, "").strip()
    if not text:
        return None
    if not fullmatch(r"-?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})(e[-+]?[0-9]{1,3})?", text):
        raise InvalidOrder(field, f"The {field.replace('_', ' ')} must be a number such as 0.5, not {text[:40]!r}.")
    return float(text)


def truth(form: Mapping[str, str], field: str) -> bool:
    """Read a box to tick; an empty or missing field means no.

    Raises:
        InvalidOrder: the field says neither yes nor no.
    """
    text = form.get(field, "").strip().lower()
    if text not in TRUE | FALSE:
        raise InvalidOrder(field, f"The field {field} must be yes or no, not {text[:40]!r}.")
    return text in TRUE


def _word(form: Mapping[str, str], field: str, words: type[Word], default: Word) -> Word:
    text = form.get(field, "").strip().lower()
    if not text:
        return default
    try:
        return words(text)
    except ValueError as error:
        raise InvalidOrder(field, f"The {field} must be one of {', '.join(words)}, not {text[:40]!r}.") from error
