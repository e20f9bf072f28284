"""From what a form or an API call holds to a checked wish."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from models.errors import InvalidOrder, NotFound
from models.orders import DEFAULT_CELLS_ACROSS, DEFAULT_TILE_SIZE, Fit, Format, MosaicOrder

Word = TypeVar("Word", bound=StrEnum)


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
        format=_word(form, "format", Format, Format.PNG),
    )


def page_order(form: Mapping[str, str]) -> MosaicOrder:
    """Read an order from a page, where the cells across are filled in beforehand: a cell's size wins over them.

    Raises:
        InvalidOrder: as `mosaic_order`.
    """
    if form.get("cell_width", "").strip() or form.get("cell_height", "").strip():
        form = {**form, "cells_across": ""}
    return mosaic_order(form)


def identity(text: str, kind: str) -> UUID:
    """Read an id.

    Raises:
        NotFound: it is no id at all.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"There is no such {kind}.") from error


def _number(form: Mapping[str, str], field: str, name: str) -> int | None:
    text = form.get(field, "").strip()
    if not text:
        return None
    if not text.removeprefix("-").isdecimal() or len(text) > 12:  # noqa: PLR2004 - far beyond every limit
        raise InvalidOrder(field, f"The {name} must be a whole number, not {text[:40]!r}.")
    return int(text)


def _word(form: Mapping[str, str], field: str, words: type[Word], default: Word) -> Word:
    text = form.get(field, "").strip().lower()
    if not text:
        return default
    try:
        return words(text)
    except ValueError as error:
        raise InvalidOrder(field, f"The {field} must be one of {', '.join(words)}, not {text[:40]!r}.") from error
