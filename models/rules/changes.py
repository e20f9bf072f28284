"""Changes: what an edit of a mosaic asks for, with photos by their content hashes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from models.errors import InvalidOrder
from models.rules.names import readable
from models.rules.order_words import Shape
from models.rules.orders import MosaicOrder

MOST = 150
"""Photos or cells in each list of an edit, at most: what is sent as JSON ends at 64 KiB."""
LISTS = ("ban", "must_use", "lock", "pins")


class Pin(NamedTuple):
    """A cell, counted from 0 from the top left, and the photo that is to lie in it."""

    column: int
    row: int
    photo: str


class Changes(NamedTuple):
    """What an edit asks for.

    Attributes:
        ban: Photos that lie nowhere.
        must_use: Photos that lie somewhere.
        lock: Cells, by column and row, that keep what they have.
        pins: Cells whose photo is given.
    """

    ban: list[str]
    must_use: list[str]
    lock: list[tuple[int, int]]
    pins: list[Pin]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return what a row of the database holds; see `as_json`."""
        lock = [(column, row) for column, row in given["lock"]]
        return cls(given["ban"], given["must_use"], lock, [Pin(*pin) for pin in given["pins"]])

    def as_json(self) -> dict[str, Any]:
        """Return what a row of the database holds."""
        return self._asdict()


def check_lengths(lists: Mapping[str, list[Any]]) -> None:
    """Refuse an edit that asks for nothing, or for too much at once.

    Raises:
        InvalidOrder: it does.
    """
    if not any(lists.values()):
        raise InvalidOrder("pins", "Say what to change: photos to ban or to use, or pins.")
    if not any(lists[name] for name in LISTS if name != "lock"):
        raise InvalidOrder("lock", "Locked cells alone change nothing; ban photos, or say which to use, or pins.")
    for name, given in lists.items():
        if len(given) > MOST:
            raise InvalidOrder(
                name,
                f"{len(given):,} are more than the limit of {MOST:,}; make several edits, one after the other.",
            )


def check_rules(pins: Sequence[Pin], order: MosaicOrder, shown: Sequence[str]) -> None:
    """Refuse pins that break a rule of the order beside each other, as far as this is seen without the placement.

    Where rows are moved, or cells are of several sizes, distances are left to the job.

    Args:
        pins: What is pinned, with photos by their content hashes.
        order: The order of the mosaic.
        shown: What each pinned photo is called, for a sentence.

    Raises:
        InvalidOrder: they do.
    """
    near = order.min_distance**2 if order.shape is Shape.RECTANGLE and not order.adaptive else 0
    for number, (pin, name) in enumerate(zip(pins, shown, strict=True)):
        same = [other for other in pins[:number] if other.photo == pin.photo]
        if order.uses is not None and len(same) >= order.uses:
            raise InvalidOrder(
                "pins",
                f"{readable(name)} is pinned in {len(same) + 1:,} cells, which breaks the order's rule of at most "
                f"{order.uses:,} for a photo; pin it in fewer.",
            )
        for other in same:
            if (other.column - pin.column) ** 2 + (other.row - pin.row) ** 2 < near:
                raise InvalidOrder(
                    "pins",
                    f"{readable(name)} is pinned in column {other.column:,}, row {other.row:,} and in column "
                    f"{pin.column:,}, row {pin.row:,}, which breaks the order's rule of {order.min_distance:g} cells "
                    "between equal photos; pin it farther away.",
                )


def check_cells(lock: Iterable[tuple[int, int]], pins: Iterable[Pin], columns: int, rows: int) -> None:
    """Refuse cells that are not in the mosaic, or that are named twice.

    Raises:
        InvalidOrder: a cell is.
    """
    seen = set[tuple[int, int]]()
    for field, cells in (("lock", lock), ("pins", [(pin.column, pin.row) for pin in pins])):
        for column, row in cells:
            if not (0 <= column < columns and 0 <= row < rows):
                raise InvalidOrder(
                    field,
                    f"Column {column:,}, row {row:,} is outside the {columns:,} x {rows:,} cells, which are counted "
                    "from 0.",
                )
            if (column, row) in seen:
                raise InvalidOrder(field, f"Column {column:,}, row {row:,} is named twice; pin or lock it once.")
            seen.add((column, row))
