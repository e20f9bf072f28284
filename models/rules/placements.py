"""A placement as a document: which window of which photo lies in which cell, and how it is turned."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from math import inf, isclose, sqrt
from typing import Any, NamedTuple

from models.errors import InvalidOrder
from models.rules import spans
from models.rules.grid import Grid
from models.rules.names import readable
from models.rules.orders import FIELDS, MosaicOrder

VERSION = 1
STEPS = 2_048
"""A window is counted in so many steps of the photo's width and of its height."""
TURNS = 8
DIGITS = 6
"""Significant digits of a distance in a document: more would not be the same on every machine."""
MOST_PLACE = 1_000_000
"""A column or a row is a smaller number than this."""
CONTENT = re.compile("[0-9a-f]{64}")
CELL_KEYS = ("column", "row", "photo", "content", "window", "turn", "distance", "span")

Window = tuple[int, int, int, int]
WHOLE: Window = 0, 0, STEPS, STEPS


class Placed(NamedTuple):
    """What lies in a cell.

    Attributes:
        column: From 0, from the left.
        row: From 0, from the top.
        photo: Name of the photo, as its owner gave it: its path below the folder.
        content: SHA-256 of the photo's file, in hexadecimal; empty if only the name is known.
        window: Left, top, width and height of the part that is shown, in steps; None if any part will do.
        turn: The orientation, 0 to 7; the window is cut out first.
        distance: The loss; for people alone.
        span: How many of the finest cells it covers, across and down; column and row are those of its top left.
    """

    column: int
    row: int
    photo: str
    content: str
    window: Window | None
    turn: int
    distance: float | None
    span: int = 1

    def number(self, columns: int) -> int:
        """Return the number of the place where it stands in the arrays of a grid with so many columns."""
        return spans.seat(self.row, self.span) * columns + spans.seat(self.column, self.span)

    @property
    def where(self) -> str:
        """The cell, for a sentence."""
        return f"column {self.column:,}, row {self.row:,}"


OF_GRID = [field.name for field in fields(Grid) if field.name not in {"exact_size", "filled", "shape", "spans"}]
"""What a document has of a grid; the size of a print and the shape are in its order, empty cells are not there."""


@dataclass(frozen=True)
class Placement:
    """A placement, or a part of one.

    Attributes:
        cells: What is placed; no cell twice.
        grid: How the target was cut, by the names of `Grid`; empty if that is not known.
        order: The fields of the order, but for the format of a file; empty if they are not known.
        lower_bound: No placement by the same rules costs less.
        source: Where it comes from, for a sentence.
        sized: Whether some of its cells are larger than others, so that it says the span of each.
    """

    cells: list[Placed]
    grid: Mapping[str, float]
    order: Mapping[str, Any]
    lower_bound: float = 0.0
    source: str = "The placement"
    sized: bool = False

    def refused(self, what: str) -> InvalidOrder:
        """Return the refusal of this placement, for a reason."""
        return InvalidOrder("placement", f"{self.source}: {what}.")


def distance(cost: float) -> float:
    """Return the distance that a document has, from a squared loss.

    Example:
        >>> distance(2.0)
        1.41421
    """
    return float(f"{sqrt(cost):.{DIGITS}g}")


def grid_of(grid: Grid) -> dict[str, float]:
    """Return a grid as a document has it."""
    values = asdict(grid)
    return {name: values[name] if isinstance(values[name], int) else float(values[name]) for name in OF_GRID}


def order_of(order: MosaicOrder) -> dict[str, Any]:
    """Return the fields of an order as a document has them: without the format, which belongs to a file."""
    return {name: value for name, value in asdict(order).items() if name != "format"}


def checked_order(given: object) -> dict[str, Any]:
    """Return the fields of an order that a document holds.

    Raises:
        InvalidOrder: a field is unknown, or its value of another kind.
    """
    found = _mapping("order", given)
    known = {field.name for field in fields(MosaicOrder)} - {"format"}
    for name, value in found.items():
        if name not in known:
            raise _wrong(f"its order has {readable(name)!r}, which this version of Tessera does not know")
        kind = FIELDS[name].kind
        fits = (
            value in FIELDS[name].words
            if FIELDS[name].words
            else _is(value, kind) or (kind is float and _whole(value))
        )
        if value is not None and not fits:
            raise _wrong(f"{name} in its order is {str(value)[:40]!r}")
    return {name: value if value is None else FIELDS[name].kind(value) for name, value in found.items()}


def checked_grid(given: object) -> dict[str, float]:
    """Return the grid that a document holds.

    Raises:
        InvalidOrder: something is missing, or is no number.
    """
    found = _mapping("grid", given)
    if any(not (_is(found.get(name), float) or _whole(found.get(name))) for name in OF_GRID):
        raise _wrong(f"its grid must have the numbers {', '.join(OF_GRID)}")
    return {name: found[name] for name in OF_GRID}


def checked_cells(given: Iterable[Mapping[str, object]]) -> list[Placed]:
    """Return the cells that a document holds.

    Raises:
        InvalidOrder: a value is missing or impossible, or a cell stands twice.
    """
    cells = [_cell(number, one) for number, one in enumerate(given, 1)]
    if not cells:
        raise _wrong("it holds no cell")
    seen = set[tuple[int, int]]()
    for cell in cells:
        if (cell.column, cell.row) in seen:
            raise _wrong(f"{cell.where} stands twice")
        seen.add((cell.column, cell.row))
    return cells


def check_grid(placement: Placement, grid: Grid) -> None:
    """Refuse a placement that was made for another grid.

    Raises:
        InvalidOrder: it was.
    """
    for cell in placement.cells:
        if cell.column + cell.span > grid.columns or cell.row + cell.span > grid.rows:
            raise placement.refused(
                f"it is of another grid; {cell.where} is outside {grid.columns:,} x {grid.rows:,} cells"
            )
        number = cell.number(grid.columns)
        if cell.span != 1 if grid.spans is None else cell.span != grid.spans[number]:
            raise placement.refused(
                f"it has a cell of {cell.span} x {cell.span} in {cell.where}, where there is none; "
                "the sizes of cells, or the mask, are others"
            )
        if grid.filled is not None and not grid.filled[number]:
            raise placement.refused(f"it has a photo in {cell.where}, which the mask leaves empty")
    check_head(placement, grid)


def check_head(placement: Placement, grid: Grid) -> None:
    """Refuse a placement that says itself that it was made for another grid.

    Raises:
        InvalidOrder: it does.
    """
    if not placement.grid:
        return
    then = placement.grid
    if (then["columns"], then["rows"]) != (grid.columns, grid.rows):
        has = f"{then['columns']:,} x {then['rows']:,} cells"
        raise placement.refused(f"it is of another grid: {has}, not {grid.columns:,} x {grid.rows:,}")
    shape = float(grid.cell_width / grid.cell_height)
    if not isclose(then["cell_width"], shape * then["cell_height"], rel_tol=1e-6):
        raise placement.refused("it is of another grid: its cells are of another shape")


def check_whole(placement: Placement, grid: Grid) -> None:
    """Refuse a placement that leaves a cell empty, or does not say which part of a photo is shown.

    Raises:
        InvalidOrder: it does.
    """
    check_grid(placement, grid)
    if len(placement.cells) < grid.filled_count:
        raise placement.refused(
            f"it has {len(placement.cells):,} of {grid.filled_count:,} cells; "
            "the file may be cut off, or of another grid; --lock takes a part"
        )
    for cell in placement.cells:
        if cell.window is None:
            raise placement.refused(f"{cell.where} has no window")


def _cell(number: int, given: Mapping[str, object]) -> Placed:
    if not isinstance(given, Mapping):
        raise _wrong(f"cell {number:,} in it is no object")
    strange = next((name for name in given if name not in CELL_KEYS), None)
    if strange is not None:
        raise _wrong(f"a cell has {readable(str(strange))!r}, which this version of Tessera does not know")
    column, row, turn = given.get("column"), given.get("row"), given.get("turn", 0)
    photo, content, distance = given.get("photo"), given.get("content", ""), given.get("distance")
    for name, place in (("column", column), ("row", row)):
        if not _whole(place) or not 0 <= place < MOST_PLACE:  # type: ignore[operator]  # `_whole` says that it is an int
            raise _wrong(f"cell {number:,} in it has no {name}")
    where = f"column {column:,}, row {row:,}"
    if not isinstance(photo, str) or not photo:
        raise _wrong(f"{where} names no photo")
    if not isinstance(content, str) or (content and not CONTENT.fullmatch(content)):
        raise _wrong(f"{where} has no content hash of 64 digits and letters a to f")
    if not _whole(turn) or not 0 <= turn < TURNS:  # type: ignore[operator]  # the same
        raise _wrong(f"{where} has a turn that is not 0 to {TURNS - 1}")
    if isinstance(distance, float) and not 0 <= distance < inf:
        raise _wrong(f"{where} has a distance that is no number from 0 on")
    found, span = distance if isinstance(distance, float) else None, given.get("span", 1)
    if not _whole(span) or span not in spans.SPANS:
        raise _wrong(f"{where} has a span that is not 1, 2 or 4")
    return Placed(column, row, photo, content, _window(where, given.get("window")), turn, found, span)  # type: ignore[arg-type]  # the same


def _window(where: str, given: object) -> Window | None:
    if given is None:
        return None
    if isinstance(given, list) and len(given) == len(WHOLE) and all(map(_whole, given)):
        left, top, width, height = given
        if left >= 0 and top >= 0 and width > 0 and height > 0 and max(left + width, top + height) <= STEPS:
            return left, top, width, height
    raise _wrong(f"{where} has a window that does not lie within {STEPS:,} x {STEPS:,} steps")


def _mapping(name: str, given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise _wrong(f"its {name} is no object")
    return given


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is(value: object, kind: type) -> bool:
    return type(value) is kind


def _wrong(what: str) -> InvalidOrder:
    return InvalidOrder("placement", f"This is no placement that can be used: {what}.")
