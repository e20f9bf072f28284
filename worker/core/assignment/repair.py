"""Makes a placement keep the rules, where some cells keep what they have, and changes as few of the others as it can.

How it works: a cell that breaks a rule beside the cells that keep theirs loses its tile. Empty cells are filled one
after another, each by the cheapest tile that the rules leave. Where they leave none, the cell takes a tile from other
cells, which are then empty; a cell that was emptied before is emptied again last, so that the search does not go in
circles. It is given up after a number of steps: whether such rules can be kept at all is a question that no quick
search can always answer.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.shortlist import Costs, Numbers
from worker.core.assignment.spacing import NOBODY, Spacing, uses_of

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_STEPS = 2_000
STEPS_EACH = 4
"""Steps for each cell that is empty at first, beside `LEAST_STEPS`."""


class NoRoom(ValueError):
    """No tile was found that the rules allow in a cell.

    Attributes:
        cell: Its number; None if there are too few cells for what must lie somewhere.
    """

    def __init__(self, cell: int | None) -> None:
        super().__init__("the rules leave no tile beside the cells that keep theirs")
        self.cell = cell


@dataclass(frozen=True)
class Start:
    """A placement to begin with.

    Attributes:
        tiles: (N,) the tile of every cell, or `NOBODY`.
        kept: (N,) which cells keep their tiles, or stay empty; they break no rule among each other.
        costs: (N,) what the tiles cost.
    """

    tiles: Numbers
    kept: Mask
    costs: Array

    @classmethod
    def empty(cls, cell_count: int) -> "Start":
        """Return a start with nothing in any cell."""
        return cls(np.full(cell_count, NOBODY), np.zeros(cell_count, np.bool_), np.zeros(cell_count))

    @property
    def kept_tiles(self) -> Numbers:
        """(N,) the tiles that stay, and `NOBODY` in all other cells."""
        return np.where(self.kept, self.tiles, NOBODY)

    @property
    def empty_cells(self) -> Mask:
        """(N,) which cells stay empty."""
        empty: Mask = self.kept & (self.tiles == NOBODY)
        return empty


def repaired(costs: Costs, start: Start, spacing: Spacing, uses: int, tile_count: int) -> Numbers:
    """Return (N,) tiles, one for every cell, that keep the rules.

    Args:
        costs: From (n,) cell numbers to the (n, tile_count) costs of every tile in these cells.
        start: What lies where at first. Of cells that break a rule together, the dearest lose their tiles.
        spacing: How far apart equal tiles must lie.
        uses: Cells that a tile may fill at most.
        tile_count: How many tiles there are.

    Raises:
        NoRoom: no tile was found for a cell.
    """
    return _Repair(costs, start, spacing, uses, tile_count).run()


class _Repair:
    def __init__(self, costs: Costs, start: Start, spacing: Spacing, uses: int, tile_count: int) -> None:
        self._costs, self._start, self._spacing, self._tile_count = costs, start, spacing, tile_count
        self._everyone = np.arange(len(start.tiles))
        self._held = start.tiles.copy()
        self._room = uses - uses_of(self._held, tile_count)
        self._emptied = np.ones(len(start.tiles))

    def run(self) -> Numbers:
        for cell in self._breaking():
            tile = self._start.tiles[cell]
            if self._room[tile] > 0 and tile not in self._held[self._near(cell)]:
                self._put(cell, tile)
        waiting = deque(np.flatnonzero((self._held == NOBODY) & ~self._start.kept).tolist())
        for _ in range(LEAST_STEPS + STEPS_EACH * len(waiting)):
            if not waiting:
                return self._held
            waiting.extend(self._fill(waiting.popleft()))
        if waiting:
            raise NoRoom(waiting[0])
        return self._held

    def _breaking(self) -> list[int]:
        """Take the tiles out of all cells that break a rule with another; return these cells, the cheapest first."""
        there = np.flatnonzero((self._held != NOBODY) & ~self._start.kept)
        tiles = self._held[there]
        bad = self._room[tiles] < 0
        if self._spacing.binds:
            bad |= self._spacing.clashes(self._held, there, tiles[:, None])[:, 0]
        cells = there[bad]
        np.add.at(self._room, self._held[cells], 1)
        self._held[cells] = NOBODY
        cheapest: list[int] = cells[np.argsort(self._start.costs[cells], kind="stable")].tolist()
        return cheapest

    def _near(self, cell: int) -> Numbers:
        """Return the cells that are too near a cell to have the same tile."""
        return self._spacing.around(self._everyone, cell) if self._spacing.binds else self._everyone[:0]

    def _put(self, cell: int, tile: int) -> None:
        self._held[cell] = tile
        self._room[tile] -= 1

    def _fill(self, cell: int) -> list[int]:
        """Put the cheapest tile into a cell for which the fewest others are emptied; return those."""
        near = self._near(cell)
        near = near[self._held[near] != NOBODY]
        tiles = self._held[near]
        weights = np.bincount(tiles, self._emptied[near], self._tile_count).astype(np.float64)
        full = (self._room <= 0) & (weights == 0)
        if full.any():
            weights[full] = self._lightest()[full]
        weights[tiles[self._start.kept[near]]] = np.inf
        least = weights.min()
        if np.isinf(least):
            raise NoRoom(cell)
        bids = np.where(weights == least, self._costs(np.array([cell]))[0], np.inf)
        best = int(bids.argmin())
        out = near[tiles == best]
        if full[best]:
            held = np.flatnonzero((self._held == best) & ~self._start.kept)
            out = held[[self._emptied[held].argmin()]]
        self._held[out] = NOBODY
        self._room[best] += len(out)
        self._emptied[out] += 1
        self._put(cell, best)
        emptied: list[int] = out.tolist()
        return emptied

    def _lightest(self) -> Array:
        """Return for each tile the least weight of a cell that could lose it; infinite where none can."""
        weights = np.full(self._tile_count, np.inf)
        losing = np.flatnonzero((self._held != NOBODY) & ~self._start.kept)
        np.minimum.at(weights, self._held[losing], self._emptied[losing])
        return weights
