"""Chooses a tile for every cell under rules on how often, and how near to itself, a tile may be used.

How it works: the problem is an assignment of cells to tiles, too large to be solved whole, so it is solved in four
stages. (1) Where uses are scarce, every tile gets a price, learnt from small samples that are solved exactly
(`prices`); under these prices about as many cells want a tile as it has uses. (2) Where a distance binds, the grid is
filled by a pattern of colours that keeps the rules, so that from here on they are never broken. (3) Every cell in
turn lists its cheapest tiles, prices included (`shortlist`), and takes the cheapest that the rules leave. (4) Batches
of cells give their tiles back and choose again together, among their lists and what they had (`local_search`). That
never raises the cost and never breaks a rule. Memory grows with the cells, not with cells x tiles: the costs of all
tiles are asked for a block of cells at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.local_search import Candidates, settle
from worker.core.assignment.lower_bound import apart_bound
from worker.core.assignment.prices import SAMPLES, learn_prices
from worker.core.assignment.shortlist import TOGETHER, Costs, Numbers, blocks, lowest, whole_groups
from worker.core.assignment.solvers import best_columns
from worker.core.assignment.spacing import NOBODY, Spacing
from worker.core.progress import Progress

SHORTLIST = 48
"""Tiles in each cell's list, at least; where a distance binds, as many as there are cells too near the cell."""
LONGEST = 640
"""Tiles in each cell's list, at most."""
LISTED = 1 << 24
"""Entries of all lists together, at 8 bytes each; more only if `SHORTLIST` alone makes more."""
SETTLED = 96
"""Tiles that each cell chooses from when it chooses again: the cheapest that the rules leave of its list."""
PLENTY = 8
"""Where there are so many uses for each cell, nobody competes for a tile, and none needs a price."""
PASSES = 4
MANY_USES = 32
"""The more uses a tile has, the fewer cells are settled at once, since each use is an edge: half at this number."""
FEW = 1 << 22
"""The best tiles for a pattern are looked for among at most so many pairs of a colour and a tile."""
PRICES, TAKING, SETTLING, STAGES = range(4)
"""The stages that progress reports; each counts for a third."""


@dataclass(frozen=True)
class Rules:
    """The rules that an assignment keeps.

    Attributes:
        max_uses: Cells that a tile may fill at most; None for any number.
        min_distance: Smallest Euclidean distance between equal tiles, in cells; up to 1 it excludes nothing.
        pattern: (count, step) such that giving each colour (x + step * y) mod count one tile keeps both rules;
            needed where a distance binds.
        min_uses: Cells that every tile must fill; `least_uses` sees to it. It goes with no distance that binds.
    """

    max_uses: int | None = None
    min_distance: float = 0.0
    pattern: tuple[int, int] | None = None
    min_uses: int = 0

    @property
    def none(self) -> bool:
        """Whether there are no rules to keep."""
        return self.bounds_nothing and self.min_uses == 0

    @property
    def bounds_nothing(self) -> bool:
        """Whether a tile may lie in any number of cells, however near."""
        return self.max_uses is None and self.min_distance <= 1


@dataclass(frozen=True)
class Assignment:
    """The tile of every cell.

    Attributes:
        tiles: (N,) tile numbers, row by row from the top left.
        cost: The sum of the costs.
        lower_bound: No choice within the rules has a smaller sum of costs than this.
    """

    tiles: Numbers
    cost: float
    lower_bound: float


def assign(costs: Costs, columns: int, rows: int, tile_count: int, rules: Rules, progress: Progress) -> Assignment:
    """Return an assignment that keeps the rules at nearly the least cost. Equal input gives equal output.

    Args:
        costs: From (n,) cell numbers, counted row by row from the top left, to the (n, tile_count) float32 costs of
            every tile in these cells, at least 0.
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        tile_count: Tiles to choose from.
        rules: The rules to keep; the caller has checked that they can be kept.
        progress: Called with how far the search is.

    Returns:
        An assignment of rows * columns cells.

    Raises:
        ValueError: the rules cannot be kept, or a distance binds and there is no pattern.
    """
    spacing = Spacing.of(columns, rows, rules.min_distance)
    uses = min(rules.max_uses or columns * rows, spacing.most_uses)
    if uses * tile_count < columns * rows:
        raise ValueError(f"{columns * rows} cells do not fit {tile_count} tiles of {uses} uses")
    if uses == 1:
        spacing = Spacing.of(columns, rows, 0)
    return _Search(costs, tile_count, uses, spacing, progress).run(rules.pattern)


class _Search:
    """The state of one search: the tile that each cell holds, its cost, and how often each tile may still be used."""

    def __init__(self, costs: Costs, tile_count: int, uses: int, spacing: Spacing, progress: Progress) -> None:
        self._costs, self._tile_count, self._uses, self._spacing = costs, tile_count, uses, spacing
        self._progress, self._priced_count = progress, 0
        self._cell_count = spacing.columns * spacing.rows
        self._scarce = uses < min(self._cell_count, spacing.most_uses)
        self._held = np.full(self._cell_count, NOBODY)
        self._own = np.empty(self._cell_count)
        self._room = np.full(tile_count, uses)
        self._prices = np.zeros(tile_count, np.float32)
        k = min(tile_count, max(SHORTLIST, min(spacing.crowd, LONGEST, LISTED // self._cell_count)))
        self._tiles = np.empty((self._cell_count, k), np.int32)
        self._listed = np.empty((self._cell_count, k), np.float32)

    def run(self, pattern: tuple[int, int] | None) -> Assignment:
        """Go through the stages that the top of this module describes."""
        if self._uses < self._cell_count and self._uses * self._tile_count < PLENTY * self._cell_count:
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
            self._report(SETTLING, done, len(batches))
        cost = float(self._own.sum())
        self._report(SETTLING, 1, 1)
        return Assignment(self._held, cost, min(bound, cost))

    def _priced(self) -> None:
        self._priced_count += 1
        self._report(PRICES, min(self._priced_count, SAMPLES), SAMPLES)

    def _report(self, stage: int, done: int, total: int) -> None:
        self._progress(stage * self._cell_count + self._cell_count * done // total, STAGES * self._cell_count)

    def _start(self, pattern: tuple[int, int] | None) -> None:
        """Give every cell the tile of its colour in the pattern, so that the rules are kept from here on."""
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
        """Return (count,) different tiles, one for each colour: the cheapest ones, or those least in demand.

        The cheapest ones are computed only where tiles are few, since with many to choose from the cells soon leave
        the pattern.

        Args:
            colours: (N,) the colour of every cell.
            count: How many colours there are.
        """
        if 2 * count <= self._tile_count or count * self._tile_count > FEW:
            return np.argsort(self._prices, kind="stable")
        sums = np.zeros((count, self._tile_count))
        for cells in blocks(np.arange(self._cell_count), self._tile_count):
            np.add.at(sums, colours[cells], self._costs(cells))
        return best_columns(sums)

    def _take(self) -> tuple[float, float]:
        """List the best tiles of every cell, and let it take the best that the rules leave.

        Returns:
            Two sums over all cells, as if each had its favourite tile: of costs, and of costs plus prices.
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
            self._report(TAKING, int(cells[-1]) + 1, self._cell_count)
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
        """Yield (n,) cells that choose together, and the (n,) group of each; None if they may share tiles."""
        if self._spacing.binds:
            for number in range(PASSES):
                for cells, groups in self._spacing.blocks(number):
                    yield from ((cells[some], groups[some]) for some in whole_groups(groups))
                if self._scarce:
                    yield from ((cells, None) for cells in self._spacing.sparse())
        elif self._scarce:
            batch_count = -(-self._cell_count * (1 + self._uses // MANY_USES) // TOGETHER)
            for number in range(2 if batch_count > 1 else 1):
                # Cells of one batch lie far apart; in the second pass they are batched with others.
                order = np.argsort(np.arange(self._cell_count) % (batch_count + number), kind="stable")
                yield from ((cells, None) for cells in np.array_split(order, batch_count))

    def _settle(self, cells: Numbers, groups: Numbers | None) -> None:
        """Let some cells choose again, among the tiles that the rules allow while all other cells keep theirs."""
        own, tiles = self._held[cells], self._tiles[cells].astype(np.intp)
        self._held[cells] = NOBODY
        np.add.at(self._room, own, 1)
        allowed = self._room[tiles] > 0
        if self._spacing.binds:
            allowed &= ~self._spacing.clashes(self._held, cells, tiles)
        costs = self._listed[cells]
        if tiles.shape[1] > SETTLED:
            best = lowest(np.where(allowed, costs, np.float32(np.inf)), SETTLED)
            tiles, costs = np.take_along_axis(tiles, best, axis=1), np.take_along_axis(costs, best, axis=1)
            allowed = np.take_along_axis(allowed, best, axis=1)
        candidates = Candidates(tiles, costs.astype(np.float64), allowed, own, self._own[cells], groups)
        chosen = settle(candidates, self._room)[:, None]
        self._held[cells] = np.take_along_axis(np.column_stack([tiles, own]), chosen, axis=1)[:, 0]
        costs = np.column_stack([candidates.costs, candidates.own_costs])
        self._own[cells] = np.take_along_axis(costs, chosen, axis=1)[:, 0]
        np.subtract.at(self._room, self._held[cells], 1)
