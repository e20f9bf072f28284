"""Cells of several sizes on one grid: a cell covers one of the finest cells, or a block of 2 x 2 or of 4 x 4 of them.

The arrays stay rows and columns of places, one for each of the finest cells. What is known of a larger cell stands at
one place, its seat: the one at its middle, or else the one left of and above its middle. Where the cells of
all seats are of one size, or both are larger than the finest, their centres are as far apart as the seats; else up to
`models.rules.spans.SLACK` farther or nearer.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

LARGER = (2, 4)
"""How many of the finest cells a larger one spans, across and down."""
NOBODY = -1


def before(span: int) -> int:
    """Return how many columns and rows of a cell lie left of and above its seat."""
    return (span - 1) // 2


@dataclass(frozen=True)
class Sizes:
    """The sizes of the cells of a grid.

    Attributes:
        spans: (rows, columns) how many places the cell whose seat this is spans, across and down: 1, 2 or 4; 0 where
            no cell has its seat.
    """

    spans: NDArray[np.uint8]

    @property
    def areas(self) -> Array:
        """(N,) how many places each cell covers, by its seat; 1 where none has its seat, so that it can divide."""
        return np.maximum(self.spans.ravel().astype(np.float64) ** 2, 1)

    @cached_property
    def owners(self) -> Numbers:
        """(N,) the number of the seat of the cell that covers each place; `NOBODY` where none does."""
        owners = np.full(self.spans.size, NOBODY)
        for span in (1, *LARGER):
            seats = self.of_span(span)
            owners[self.covered(seats, span)] = seats[:, None]
        return owners

    def of_span(self, span: int) -> Numbers:
        """Return the (n,) numbers of the seats of the cells that span so many places."""
        return np.flatnonzero(self.spans == span)

    def covered(self, seats: Numbers, span: int) -> Numbers:
        """Return the (n, span * span) numbers of the places that cells of a span cover, row by row."""
        steps, columns = np.arange(span) - before(span), self.spans.shape[1]
        places: Numbers = seats[:, None] + (steps[:, None] * columns + steps).ravel()
        return places

    def blocks(self, seats: Numbers, span: int) -> Numbers:
        """Return the (n,) numbers of the blocks that cells are, on the grid of whole blocks of their span."""
        rows, columns = np.divmod(seats, self.spans.shape[1])
        numbers: Numbers = rows // span * (self.spans.shape[1] // span) + columns // span
        return numbers

    @property
    def inner_pairs(self) -> int:
        """How many pairs of places side by side, or one above the other, belong to one cell."""
        return sum(2 * span * (span - 1) * len(self.of_span(span)) for span in LARGER)

    def spread(self, tiles: Numbers) -> Numbers:
        """Return the tile of the cell that covers each place, given those at the seats, both (rows, columns)."""
        covered: Numbers = np.where(self.owners == NOBODY, NOBODY, tiles.ravel()[self.owners]).reshape(tiles.shape)
        return covered

    def centred(self, tiles: Numbers) -> Numbers:
        """Return (rows, columns) tiles at the centres of their cells, (2 * rows, 2 * columns); else `NOBODY`."""
        rows, columns = np.nonzero(self.spans)
        half = self.spans[rows, columns] > 1
        centred = np.full((2 * tiles.shape[0], 2 * tiles.shape[1]), NOBODY)
        centred[2 * rows + half, 2 * columns + half] = tiles[rows, columns]
        return centred
