"""How far apart equal tiles lie: who is near whom, and which cells can be settled together."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, isqrt, sqrt

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.intp]
Mask = NDArray[np.bool_]

NOBODY = -1
"""Stands for no tile where a cell has none yet, or is about to choose again."""
PAIRS = 4_000_000
BLOCK_SIDE = 48


@dataclass(frozen=True)
class Spacing:
    """Equal tiles in a grid lie at least the root of `square` apart: a whole number, as squared distances are."""

    columns: int
    rows: int
    square: int

    @classmethod
    def of(cls, columns: int, rows: int, distance: float) -> "Spacing":
        """Return the spacing for a distance in cells."""
        return cls(columns, rows, ceil(distance * distance))

    @property
    def binds(self) -> bool:
        """Whether any two cells are too near each other."""
        return self.square > 1 and self.columns * self.rows > 1

    @property
    def crowd(self) -> int:
        """The most cells that are too near another."""
        return int(np.count_nonzero(self._disc)) if self.binds else 0

    @property
    def most_uses(self) -> int:
        """A number of cells that no tile can exceed.

        Source:
            N. Oler, "An inequality in the geometry of numbers", Acta Mathematica 105, 1961.
        """
        wide, high = self.columns - 1, self.rows - 1
        if wide * wide + high * high < self.square:
            return 1
        near = sqrt(max(self.square, 1))
        return floor(2 / sqrt(3) * wide * high / near**2 + (wide + high) / near + 1 + 1e-9)

    @cached_property
    def _disc(self) -> Mask:
        """Which steps, down and sideways from the middle, are too near; no step at all is not among them."""
        down, across = (np.arange(-reach, reach + 1) for reach in self._reach)
        squares = down[:, None] ** 2 + across**2
        return (squares < self.square) & (squares > 0)

    @property
    def _reach(self) -> tuple[int, int]:
        reach = isqrt(max(self.square - 1, 0))
        return min(reach, self.rows - 1), min(reach, self.columns - 1)

    @property
    def block_side(self) -> int:
        """Side of a square of cells that are all too near each other."""
        return min(isqrt(max(self.square - 1, 0) // 2) + 1, BLOCK_SIDE)

    def around(self, held: Numbers, cell: int) -> Numbers:
        """Return what lies too near a cell to lie in it as well; `held` has the tile of every cell."""
        y, x = divmod(cell, self.columns)
        down, across = self._reach
        top, left = max(0, y - down), max(0, x - across)
        window = held.reshape(self.rows, self.columns)[top : y + down + 1, left : x + across + 1]
        disc = self._disc[top - y + down :, left - x + across :][: window.shape[0], : window.shape[1]]
        return window[disc]

    def clashes(self, held: Numbers, cells: Numbers, tiles: Numbers) -> Mask:
        """Return which of the (n, k) tiles lie too near the n cells that might take them."""
        by_uses = tiles.size * np.count_nonzero(held != NOBODY) / len(np.unique(held))
        if by_uses < tiles.size * np.count_nonzero(self._disc):
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
        for step_down, step_across in np.argwhere(self._disc) - (down, across):
            found |= flat[middle + step_down * width + step_across][:, None] == tiles
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
        down, across = a // self.columns - b // self.columns, a % self.columns - b % self.columns
        squares = down * down + across * across
        near: Mask = (squares < self.square) & (squares > 0)
        return near

    def blocks(self, turn: int) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield (cells, block of each): in a block all are too near each other, and no two blocks are.

        Every cell comes at least once. Another turn cuts elsewhere.
        """
        side = self.block_side
        period = side + isqrt(self.square - 1)
        y, x = np.divmod(np.arange(self.columns * self.rows), self.columns)
        shifts = [shift + turn * (side // 2) for shift in range(0, period, side)]
        for down in shifts:
            for across in shifts:
                v, u = y + down, x + across
                cells = np.flatnonzero((v % period < side) & (u % period < side))
                if len(cells):
                    yield cells, (v // period * (self.columns + period) + u // period)[cells]

    def sparse(self) -> Iterator[Numbers]:
        """Yield cells that are all far enough from each other; all cells come once."""
        step = isqrt(self.square - 1) + 1 if self.square else 1
        grid = np.arange(self.columns * self.rows).reshape(self.rows, self.columns)
        for top in range(min(step, self.rows)):
            for left in range(min(step, self.columns)):
                yield grid[top::step, left::step].ravel()
