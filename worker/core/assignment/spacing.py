"""How far apart equal tiles must lie: which cells are too near each other, and which can choose together.

How it works: two cells are too near each other when their squared distance, a whole number, is less than `square`.
The steps from a cell to all that are too near it form a disc, one mask for the whole grid; where every other row is
moved by half a cell, one for even rows and one for odd ones. Whether a tile may go into
a cell is asked in one of two ways, whichever compares less: shift the grid by every step of the disc and compare, or
look up all cells that hold the tile and compute their distances. Cells choose again together in two kinds of batches.
`blocks` cuts squares so small that all their cells are too near each other, and so far apart that cells of different
squares never are: then "no tile twice in a square" is all that a solver must know. `sparse` takes cells that are far
from each other, which may even choose the same tile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil, floor, isqrt, sqrt

import numpy as np
from numpy.typing import NDArray

from worker.core.lattice import RECTANGLES, Lattice

Numbers = NDArray[np.intp]
Mask = NDArray[np.bool_]

NOBODY = -1
"""In place of a tile number: the cell has no tile yet, or is about to choose again."""
PAIRS = 4_000_000
BLOCK_SIDE = 48
QUICK = 900
"""Up to this squared distance it takes less than a tenth of a second to try every lattice."""


def uses_of(tiles: Numbers, tile_count: int) -> Numbers:
    """Return in how many cells each tile lies: (tile_count,), given (N,) tiles or `NOBODY`."""
    return np.bincount(tiles[tiles != NOBODY], minlength=tile_count)


@dataclass(frozen=True)
class Spacing:
    """The rule that equal tiles in a grid lie at least as far apart as `square` says.

    Attributes:
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        square: The smallest squared distance, in the unit of the lattice, a whole number like all squared distances.
        lattice: Where the cells lie.
    """

    columns: int
    rows: int
    square: int
    lattice: Lattice = RECTANGLES

    @classmethod
    def of(cls, columns: int, rows: int, distance: float, lattice: Lattice = RECTANGLES) -> "Spacing":
        """Return the spacing for a smallest distance in cells; one of up to a cell excludes nothing."""
        return cls(columns, rows, lattice.square(distance) if distance > 1 else 1, lattice)

    @property
    def binds(self) -> bool:
        """Whether any two cells are too near each other."""
        return self.square > 1 and self.columns * self.rows > 1

    @property
    def crowd(self) -> int:
        """How many cells are too near a cell in the middle of the grid: the most for any cell."""
        return int(np.count_nonzero(self._discs[0])) if self.binds else 0

    @property
    def most_uses(self) -> int:
        """An upper bound on the cells that one tile can fill.

        Source:
            N. Oler, "An inequality in the geometry of numbers", Acta Mathematica 105, 1961.
        """
        scale, down = self.lattice.scale, self.lattice.down
        wide, high = (scale * self.columns - 1) / scale, (self.rows - 1) * sqrt(down) / scale
        if (scale * self.columns - 1) ** 2 + down * (self.rows - 1) ** 2 < self.square:
            return 1
        near = sqrt(max(self.square, 1)) / scale
        return floor(2 / sqrt(3) * wide * high / near**2 + (wide + high) / near + 1 + 1e-9)

    @cached_property
    def _discs(self) -> list[Mask]:
        """(2 * down + 1, 2 * across + 1): which steps from the middle lead too near; the middle itself is False.

        One for the cells of even rows, and one for those of odd rows where these lie elsewhere.
        """
        found = [self.lattice.squares(*self._reach, row) for row in range(self.lattice.scale)]
        return [(squares < self.square) & (squares > 0) for squares in found]

    @property
    def _reach(self) -> tuple[int, int]:
        reach = self.lattice.clear(self.square)
        return min(reach, self.rows - 1), min(reach, self.columns - 1)

    @property
    def block_side(self) -> int:
        """Side of a square of cells that are all too near each other."""
        return min(self.lattice.block_side(self.square), BLOCK_SIDE)

    def around(self, held: Numbers, cell: int) -> Numbers:
        """Return the tiles that lie too near a cell to be put into it as well.

        Args:
            held: (N,) the tile of every cell, or `NOBODY`.
            cell: Number of the cell.

        Returns:
            (n,) tile numbers, with repeats and perhaps `NOBODY`.
        """
        y, x = divmod(cell, self.columns)
        down, across = self._reach
        top, left = max(0, y - down), max(0, x - across)
        window = held.reshape(self.rows, self.columns)[top : y + down + 1, left : x + across + 1]
        disc = self._discs[y % self.lattice.scale]
        return window[disc[top - y + down :, left - x + across :][: window.shape[0], : window.shape[1]]]

    def clashes(self, held: Numbers, cells: Numbers, tiles: Numbers) -> Mask:
        """Return which tiles lie too near the cells that might take them.

        Args:
            held: (N,) the tile of every cell, or `NOBODY`.
            cells: (n,) numbers of the cells.
            tiles: (n, k) tiles that each of them might take.

        Returns:
            (n, k) True where the tile lies too near.
        """
        by_uses = tiles.size * np.count_nonzero(held != NOBODY) / len(np.unique(held))
        if by_uses < tiles.size * np.count_nonzero(self._discs[0]):
            return self._clashes_by_uses(held, cells, tiles)
        return self._clashes_by_steps(held, cells, tiles)

    def _clashes_by_steps(self, held: Numbers, cells: Numbers, tiles: Numbers) -> Mask:
        down, across = self._reach
        padded = np.pad(
            held.reshape(self.rows, self.columns), ((down, down), (across, across)), constant_values=NOBODY
        )
        width = padded.shape[1]
        y, x = np.divmod(cells, self.columns)
        middle, flat = (y + down) * width + x + across, padded.ravel()
        found = np.zeros(tiles.shape, np.bool_)
        for parity, disc in enumerate(self._discs):
            some = slice(None) if len(self._discs) == 1 else np.flatnonzero(y % 2 == parity)
            for step_down, step_across in np.argwhere(disc) - (down, across):
                found[some] |= flat[middle[some] + step_down * width + step_across][:, None] == tiles[some]
        return found

    def _clashes_by_uses(self, held: Numbers, cells: Numbers, tiles: Numbers) -> Mask:
        order = np.argsort(held, kind="stable")
        asked = tiles.ravel()
        first, last = (np.searchsorted(held[order], asked, side=side) for side in ("left", "right"))
        counts = last - first
        found = np.zeros(len(asked), np.bool_)
        cuts = np.flatnonzero(np.diff(np.cumsum(counts) // PAIRS, prepend=0))
        for some in np.split(np.arange(len(asked)), cuts):
            edges = np.repeat(some, counts[some])
            nth = np.arange(len(edges)) - np.repeat(np.cumsum(counts[some]) - counts[some], counts[some])
            others = order[first[edges] + nth]
            found[edges[self._near(cells[edges // tiles.shape[1]], others)]] = True
        return found.reshape(tiles.shape)

    def _near(self, a: Numbers, b: Numbers) -> Mask:
        down, across = a // self.columns - b // self.columns, self.lattice.across(a, b, self.columns)
        squares = self.lattice.down * down * down + across * across
        near: Mask = (squares < self.square) & (squares > 0)
        return near

    def blocks(self, number: int) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield cells in blocks: in a block all are too near each other, and cells of different blocks never are.

        All yields together contain every cell at least once.

        Args:
            number: Of the pass; each pass cuts the grid elsewhere.

        Yields:
            (n,) cell numbers, and the (n,) number of the block of each.
        """
        side = self.block_side
        period = side + self.lattice.clear(self.square)
        y, x = np.divmod(np.arange(self.columns * self.rows), self.columns)
        shifts = [shift + number * (side // 2) for shift in range(0, period, side)]
        for down in shifts:
            for across in shifts:
                v, u = y + down, x + across
                cells = np.flatnonzero((v % period < side) & (u % period < side))
                if len(cells):
                    yield cells, (v // period * (self.columns + period) + u // period)[cells]

    def sparse(self) -> Iterator[Numbers]:
        """Yield (n,) numbers of cells that are all far enough from each other; every cell is yielded once."""
        count, step = _lattice(self.lattice.straight(self.square))
        y, x = np.divmod(np.arange(self.columns * self.rows), self.columns)
        colours = (x + step * y) % count
        order = np.argsort(colours, kind="stable")
        yield from np.split(order, np.flatnonzero(np.diff(colours[order])) + 1)


@cache
def _lattice(square: int) -> tuple[int, int]:
    """Return a count and a step with which cells of one colour, (x + step * y) mod count, are far enough apart.

    The count is the least that there is, where it is quick to find.

    Args:
        square: The smallest squared distance.

    Source:
        No lattice has fewer colours than sqrt(3) / 2 * square: J.-L. Lagrange, "Recherches d'arithmétique", 1773.

    Example:
        >>> _lattice(25)
        (23, 5)
    """
    reach = isqrt(max(square - 1, 0))
    if square > QUICK:
        return (reach + 1) ** 2, reach + 1
    down, across = (each.ravel() for each in np.mgrid[: reach + 1, -reach : reach + 1])
    squares = down**2 + across**2
    near = (squares < square) & (squares > 0)
    count = max(1, ceil(sqrt(3) / 2 * square))
    while (clashing := ((across + np.arange(count)[:, None] * down) % count == 0)[:, near].any(axis=1)).all():
        count += 1
    return count, int(clashing.argmin())
