"""Sizes of cells in documents and in kept placements: where a larger cell lies, and where it stands in the arrays.

A larger cell covers 2 x 2 or 4 x 4 of the finest cells. Documents say its column and row by its top left; arrays have
it at its seat, as `worker.core.sizes` describes it.
"""

from collections.abc import Iterable, Iterator
from math import sqrt

SLACK = sqrt(1 / 2)
"""By how much the centres of two cells may lie nearer to each other than their seats, in the finest cells."""
SPANS = (1, 2, 4)
"""How many of the finest cells a cell may cover, across and down."""


def seat(corner: int, span: int) -> int:
    """Return the column, or the row, of a cell's seat, given that of its top left.

    Example:
        >>> [seat(8, span) for span in SPANS]
        [8, 8, 9]
    """
    return corner + (span - 1) // 2


def corner(seat: int, span: int) -> int:
    """Return the column, or the row, of the top left of a cell, given that of its seat."""
    return seat - (span - 1) // 2


def covered(column: int, row: int, span: int) -> Iterator[tuple[int, int]]:
    """Yield the columns and rows that a cell covers, given its top left."""
    return ((across, down) for down in range(row, row + span) for across in range(column, column + span))


def seat_of(spans: bytes | memoryview, columns: int, column: int, row: int) -> tuple[int, int] | None:
    """Return the column and row of the seat of the cell that covers a place; None where none does.

    Args:
        spans: As in `models.rules.grid.Grid`.
        columns: How many places a row has.
        column: Of the place.
        row: Of the place.
    """
    for span in SPANS:
        found = seat(column - column % span, span), seat(row - row % span, span)
        number = found[1] * columns + found[0]
        if found[0] < columns and number < len(spans) and spans[number] == span:
            return found
    return None


def covering(spans: bytes | memoryview, columns: int) -> bytes:
    """Return a byte for each place, 1 where a cell covers it; `spans` as in `models.rules.grid.Grid`."""
    found = bytearray(len(spans))
    for number, span in enumerate(spans):
        row, column = divmod(number, columns)
        for across, down in covered(corner(column, span), corner(row, span), span):
            found[down * columns + across] = 1
    return bytes(found)


def laid_out(cells: Iterable[tuple[int, int, int]], columns: int, rows: int) -> bytes:
    """Return the sizes of cells, as `Grid` has them, given the top left and the span of each.

    Raises:
        ValueError: a cell lies outside, over another, or where no cell of its size can lie; it is the first argument.
    """
    spans, taken = bytearray(columns * rows), bytearray(columns * rows)
    for cell in cells:
        column, row, span = cell
        aligned = column % span == row % span == 0 and column + span <= columns and row + span <= rows
        places = [down * columns + across for across, down in covered(*cell)]
        if not aligned or any(taken[place] for place in places):
            raise ValueError(cell)
        for place in places:
            taken[place] = 1
        spans[seat(row, span) * columns + seat(column, span)] = span
    return bytes(spans)
