"""Renditions: which files of a mosaic may be ordered."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from models.errors import InvalidOrder
from models.rules.formats import Format, any_of
from models.rules.orders import MosaicOrder, foreign_to

MOST_RENDITIONS = 20
"""Of a mosaic."""
FIELDS = ("format", "file_quality", "dpi")
"""The fields of an order that say which file is made, and nothing of what it shows."""


class File(NamedTuple):
    """A file as it is ordered; its quality is 0 in a format that loses nothing."""

    format: Format
    file_quality: int
    dpi: int


def file_of(order: MosaicOrder) -> File:
    """Return the file that an order asks for, with the format's own quality if it asks for none.

    Example:
        >>> file_of(MosaicOrder(cells_across=80, format=Format.JPEG)).file_quality
        90
    """
    return File(order.format, order.file_quality or order.format.facts.quality or 0, order.dpi)


def given_by(file: File) -> dict[str, Any]:
    """Return the fields of an order that ask for a file; see `ordered`."""
    return file._asdict() | {"file_quality": file.file_quality or None}


def ordered(order: MosaicOrder, given: Mapping[str, Any]) -> MosaicOrder:
    """Return the order of a mosaic with another file: with the fields that are given, and the mosaic's own dpi.

    What means nothing to the format is left out.

    Raises:
        InvalidOrder: no format is given, or a value is outside its range, or the format has no quality.
    """
    if given.get("format") is None:
        raise InvalidOrder("format", "Say the format of the file.")
    usual: dict[str, Any] = dict.fromkeys(foreign_to(given["format"]) | {"file_quality"}) | {"dpi": order.dpi}
    return replace(order, **usual | {name: given[name] for name in FIELDS if given.get(name) is not None})


def check_size(file: File, size: tuple[int, int]) -> None:
    """Refuse a file that cannot hold a mosaic of a width and a height.

    Raises:
        InvalidOrder: it cannot; the sentence says which could.
    """
    if limit := file.format.facts.limit(size, file.dpi):
        others = [each.facts.title for each in Format if not each.facts.limit(size, file.dpi)]
        raise InvalidOrder(
            "format",
            f"The mosaic has {size[0]:,} x {size[1]:,} pixels; {file.format.facts.title} ends at {limit}. "
            f"Take {any_of(others)}.",
        )
