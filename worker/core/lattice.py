"""Where the cells of a mosaic lie: in rows straight below each other, or with every other row moved by half a cell.

Cells are rectangles, or hexagons with a corner on top; `worker.core.outline` has which pixels belong to a hexagon.

All arithmetic is in whole numbers, half cells across: between cells (x, y) and (x', y') these are
X = scale * (x' - x) + (scale - 1) * (y' % 2 - y % 2), and the squared distance in cells is
(X * X + down * (y' - y) ** 2) / scale ** 2.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Lattice:
    """The places of cells.

    Attributes:
        scale: 1 where all rows begin at the same place; 2 where those with an odd number begin half a cell later.
        down: Squared distance of a row from the next, in the unit of `square`.
        overlap: Which part of the height of a cell, from its corner on top to its sides, lies beside the row above.
    """

    scale: int
    down: int
    overlap: Fraction = Fraction(0)

    @property
    def shifted(self) -> bool:
        """Whether every other row is moved by half a cell."""
        return self.scale > 1

    @property
    def area(self) -> float:
        """How much of the mosaic a cell takes, where a square as wide as a cell takes 1."""
        return sqrt(self.down) / self.scale

    def square(self, distance: float) -> int:
        """Return the smallest squared distance that is at least a distance in cells, in units of 1 / scale ** 2."""
        return ceil(distance * distance * self.scale**2)

    def across(self, one: Numbers, other: Numbers, columns: int) -> Numbers:
        """Return how far apart cells are across, in 1 / scale of a cell, given their numbers, row by row."""
        steps: Numbers = one % columns - other % columns
        if not self.shifted:
            return steps
        return self.scale * steps + (one // columns) % 2 - (other // columns) % 2

    def squares(self, down: int, across: int, row: int) -> Numbers:
        """Return squared distances, (2 * down + 1, 2 * across + 1), of steps from a cell in a row."""
        rows, columns = np.arange(-down, down + 1)[:, None], np.arange(-across, across + 1)
        right = self.scale * columns + (self.scale - 1) * ((row + rows) % 2 - row % 2)
        found: Numbers = right**2 + self.down * rows**2
        return found

    def steps(self, reach: int) -> tuple[Array, Array]:
        """Return how many cells across and down steps from a cell of an even row lead.

        Args:
            reach: Columns and rows that a step leads at most.

        Returns:
            (2 * reach + 1, 2 * reach + 1) and (2 * reach + 1, 1), in cells.
        """
        rows, columns = np.arange(-reach, reach + 1)[:, None], np.arange(-reach, reach + 1)
        across: Array = columns + (self.scale - 1) * (rows % 2) / 2
        return across, rows.astype(np.float64) * self.area

    def straight(self, square: int) -> int:
        """Return the squared distance by columns and rows alone at which cells are at least so far apart in truth.

        A row is moved by half a cell at most, so a distance d that is half a cell longer is enough, where rows are a
        cell apart. Where they are nearer, by a factor k, x^2 + y^2 is at most d^2 / k^2 + 1 / (4 - 4 k^2) for all x
        and y of (x - 1/2)^2 + k^2 y^2 = d^2.
        """
        if not self.shifted:
            return square
        unit = self.scale**2
        if self.down < unit:
            return ceil(Fraction(square, self.down) + Fraction(unit, 4 * (unit - self.down)))
        return ceil((sqrt(square / self.down) + 1 / 2) ** 2)

    def clear(self, square: int) -> int:
        """Return so many columns and rows that cells with as many between them are far enough apart."""
        near = isqrt(max(square - 1, 0))
        return (
            near
            if not self.shifted
            else max(-(-(near + 2) // self.scale) - 1, isqrt(max(square - 1, 0) // self.down))
        )

    def block_side(self, square: int) -> int:
        """Return the side of a square of cells that are all too near each other."""
        if not self.shifted:
            return isqrt(max(square - 1, 0) // 2) + 1
        side = 1
        while (self.scale * side + self.scale - 1) ** 2 + self.down * side**2 < square:
            side += 1
        return side


RECTANGLES = Lattice(1, 1)
BRICKS = Lattice(2, 4)
HEXAGONS = Lattice(2, 3, Fraction(1, 4))
"""All six neighbours of a cell are one cell away: (1/2)^2 + 3/4 = 1."""


def of(shape: str) -> Lattice:
    """Return the lattice of a shape of cells, by its public name.

    Raises:
        KeyError: there is no such shape.
    """
    return {"rectangle": RECTANGLES, "brick": BRICKS, "hexagon": HEXAGONS}[shape]
