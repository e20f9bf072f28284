"""Which tile lies in which cell where rules say how often, and how far from itself, a tile may lie."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.local_search import Wishes, settle
from worker.core.assignment.lower_bound import apart_bound
from worker.core.assignment.prices import SAMPLES, learn_prices
from worker.core.assignment.shortlist import TOGETHER, Costs, Numbers, blocks, lowest, whole_groups
from worker.core.assignment.solvers import best_columns
from worker.core.assignment.spacing import NOBODY, Spacing
from worker.core.progress import Progress

SHORTLIST = 48
"""Tiles in each cell's list; as many as there are cells too near it where a distance keeps more of them away."""
LISTED = 1 << 24
"""Entries in all lists together, unless `SHORTLIST` alone makes more: 8 bytes each."""
PASSES = 4
MANY_USES = 32
"""Every so many uses more, fewer cells are settled at once: each use of a tile is an edge."""
FEW = 1 << 22
"""Pairs of a colour and a tile of which the best are looked for; among more tiles cells soon leave their pattern."""
PRICES, TAKING, SETTLING, PARTS = range(4)
"""What progress is made of: as if each part took as long."""


@dataclass(frozen=True)
class Rules:
    """What a mosaic keeps.

    Attributes:
        max_uses: Cells that a tile fills at most; None for any number.
        min_distance: Euclidean distance between equal tiles, in cells; up to 1 it rules nothing out.
        pattern: (count, step) such that one tile for each colour (x + step * y) mod count keeps both rules; needed
            where a distance binds.
    """

    max_uses: int | None = None
    min_distance: float = 0.0
    pattern: tuple[int, int] | None = None

    @property
    def none(self) -> bool:
        """Whether nothing is asked for."""
        return self.max_uses is None and self.min_distance <= 1


@dataclass(frozen=True)
class Assignment:
    """What lies where.

    Attributes:
        tiles: (N,) tile numbers.
        cost: The sum of the costs there.
        lower_bound: What that sum is at least, whatever is chosen within the rules.
    """

    tiles: Numbers
    cost: float
    lower_bound: float


def assign(costs: Costs, columns: int, rows: int, tile_count: int, rules: Rules, progress: Progress) -> Assignment:
    """Return an assignment that keeps the rules at nearly the least cost.

    Prices of scarce tiles are learnt from samples. Under them every cell lists its best tiles and takes one that the
    rules leave it; then many cells at a time choose again together, which never costs more and never breaks a rule.
    Equal input gives an equal answer.

    Args:
        costs: The costs of some cells, numbered row by row.
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        tile_count: Tiles to choose from.
        rules: What to keep; that it can be kept has been checked.
        progress: Told how far it is.

    Raises:
        ValueError: the rules can not be kept, or lack their pattern.
    """
    spacing = Spacing.of(columns, rows, rules.min_distance)
    uses = min(rules.max_uses or columns * rows, spacing.most_uses)
    if uses * tile_count < columns * rows:
        raise ValueError(f"{columns * rows} cells do not fit {tile_count} tiles of {uses} uses")
    if uses == 1:
        spacing = Spacing.of(columns, rows, 0)
    return _Search(costs, tile_count, uses, spacing, progress).run(rules.pattern)


class _Search:
    """One assignment on its way: who holds what, what it costs, and how often each tile may still be taken."""

    def __init__(self, costs: Costs, tile_count: int, uses: int, spacing: Spacing, progress: Progress) -> None:
        self._costs, self._tile_count, self._uses, self._spacing = costs, tile_count, uses, spacing
        self._progress, self._priced_count = progress, 0
        self._cell_count = spacing.columns * spacing.rows
        self._scarce = uses < min(self._cell_count, spacing.most_uses)
        self._held = np.full(self._cell_count, NOBODY)
        self._own = np.empty(self._cell_count)
        self._room = np.full(tile_count, uses)
        self._prices = np.zeros(tile_count, np.float32)
        k = min(tile_count, max(SHORTLIST, min(spacing.crowd, LISTED // self._cell_count)))
        self._tiles = np.empty((self._cell_count, k), np.int32)
        self._listed = np.empty((self._cell_count, k), np.float32)

    def run(self, pattern: tuple[int, int] | None) -> Assignment:
        """Learn prices, let every cell take what there is, then let them choose again."""
        if self._uses < self._cell_count:
            self._prices = learn_prices(self._costs, self._cell_count, self._tile_count, self._uses, self._priced)
        if self._spacing.binds:
            self._start(pattern)
        nearest, priced = self._take()
        if self._spacing.binds:
            priced = apart_bound(
                self._spacing, self._tiles, self._listed + self._prices[self._tiles], self._tile_count
            )
        bound = max(nearest, priced - self._uses * float(self._prices.sum(dtype=np.float64)))
        batches = list(self._batches())
        for done, (cells, groups) in enumerate(batches, 1):
            self._settle(cells, groups)
            self._tell(SETTLING, done, len(batches))
        cost = float(self._own.sum())
        self._tell(SETTLING, 1, 1)
        return Assignment(self._held, cost, min(bound, cost))

    def _priced(self) -> None:
        self._priced_count += 1
        self._tell(PRICES, min(self._priced_count, SAMPLES), SAMPLES)

    def _tell(self, part: int, done: int, total: int) -> None:
        self._progress(part * self._cell_count + self._cell_count * done // total, PARTS * self._cell_count)

    def _start(self, pattern: tuple[int, int] | None) -> None:
        """Give every cell its colour's tile, so that from here on the rules are kept."""
        if pattern is None or pattern[0] > self._tile_count:
            raise ValueError(f"a distance needs a pattern of at most {self._tile_count} colours, not {pattern}")
        count, step = pattern
        y, x = np.divmod(np.arange(self._cell_count), self._spacing.columns)
        colours = (x + step * y) % count
        self._held = self._tiles_of(colours, count)[colours]
        self._room -= np.bincount(self._held, minlength=self._tile_count)
        if self._room.min() < 0:
            raise ValueError(f"the pattern {pattern} has a colour in more than {self._uses} cells")

    def _tiles_of(self, colours: Numbers, count: int) -> Numbers:
        """Return a tile for each colour: those least in demand, or the best where there are few to choose from."""
        if 2 * count <= self._tile_count or count * self._tile_count > FEW:
            return np.argsort(self._prices, kind="stable")
        sums = np.zeros((count, self._tile_count))
        for cells in blocks(np.arange(self._cell_count), self._tile_count):
            np.add.at(sums, colours[cells], self._costs(cells))
        return best_columns(sums)

    def _take(self) -> tuple[float, float]:
        """List the best tiles of every cell and let it take the best that the rules leave.

        Returns:
            What all cells cost and bid at least, if each had what it likes best.
        """
        nearest = priced = 0.0
        for cells in blocks(np.arange(self._cell_count), self._tile_count):
            costs = self._costs(cells)
            bids = costs + self._prices
            best = lowest(bids, self._tiles.shape[1])
            self._tiles[cells], self._listed[cells] = best, np.take_along_axis(costs, best, axis=1)
            nearest += float(costs.min(axis=1).sum(dtype=np.float64))
            priced += float(bids.min(axis=1).sum(dtype=np.float64))
            for cell, bid in zip(cells, bids, strict=True):
                self._take_one(cell, bid)
            self._own[cells] = costs[np.arange(len(cells)), self._held[cells]]
            self._tell(TAKING, int(cells[-1]) + 1, self._cell_count)
        return nearest, priced

    def _take_one(self, cell: np.intp, bid: NDArray[np.float32]) -> None:
        if self._held[cell] != NOBODY:
            self._room[self._held[cell]] += 1
        left = np.where(self._room > 0, bid, np.inf) if self._scarce else bid.copy()
        if self._spacing.binds:
            left[self._spacing.around(self._held, int(cell))] = np.inf
        self._held[cell] = left.argmin()
        self._room[self._held[cell]] -= 1

    def _batches(self) -> Iterator[tuple[Numbers, Numbers | None]]:
        """Yield the cells that choose together, and their groups."""
        if self._spacing.binds:
            for turn in range(PASSES):
                for cells, groups in self._spacing.blocks(turn):
                    yield from ((cells[some], groups[some]) for some in whole_groups(groups))
                if self._scarce:
                    yield from ((cells, None) for cells in self._spacing.sparse())
        elif self._scarce:
            parts = -(-self._cell_count * (1 + self._uses // MANY_USES) // TOGETHER)
            for turn in range(2 if parts > 1 else 1):
                # Every so many cells; in the next turn others meet.
                order = np.argsort(np.arange(self._cell_count) % (parts + turn), kind="stable")
                yield from ((cells, None) for cells in np.array_split(order, parts))

    def _settle(self, cells: Numbers, groups: Numbers | None) -> None:
        """Let some cells choose again, among the tiles that the rules leave them beside all the others."""
        own, tiles = self._held[cells], self._tiles[cells].astype(np.intp)
        self._held[cells] = NOBODY
        np.add.at(self._room, own, 1)
        allowed = self._room[tiles] > 0
        if self._spacing.binds:
            allowed &= ~self._spacing.clashes(self._held, cells, tiles)
        wishes = Wishes(tiles, self._listed[cells].astype(np.float64), allowed, own, self._own[cells], groups)
        chosen = settle(wishes, self._room)[:, None]
        self._held[cells] = np.take_along_axis(np.column_stack([tiles, own]), chosen, axis=1)[:, 0]
        self._own[cells] = np.take_along_axis(np.column_stack([wishes.costs, wishes.own_costs]), chosen, axis=1)[:, 0]
        np.subtract.at(self._room, self._held[cells], 1)
