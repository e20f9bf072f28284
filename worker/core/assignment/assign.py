"""Chooses a tile for every cell under rules on how often, and how near to itself, a tile may be used.

How it works: the problem is an assignment of cells to tiles, too large to be solved whole, so it is solved in four
stages. (1) Where uses are scarce, every tile gets a price, learnt from small samples that are solved exactly
(`prices`); under these prices about as many cells want a tile as it has uses. (2) Where a distance binds, the grid is
filled by a pattern of colours that keeps the rules (`starting`); from here on they are never broken. (3) Every cell
in turn lists its cheapest tiles, prices included (`shortlist`), and takes the cheapest that the rules leave. (4)
Batches of cells give their tiles back and choose again together, among their lists and what they had
(`local_search`). That never raises the cost and never breaks a rule. Cells that keep what they have are a mask: they
are passed over, and what they rule out for the others is ruled out from the first. Memory grows with the cells, not
with cells x tiles: the costs of all tiles are asked for a block of cells at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.local_search import Candidates, settle
from worker.core.assignment.lower_bound import apart_bound
from worker.core.assignment.prices import SAMPLES, learn_prices
from worker.core.assignment.repair import Start
from worker.core.assignment.shortlist import TOGETHER, Costs, Numbers, blocks, lowest, whole_groups
from worker.core.assignment.spacing import NOBODY, Spacing, uses_of
from worker.core.assignment.starting import by_pattern
from worker.core.lattice import RECTANGLES, Lattice
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
        lattice: Where the cells lie between which distances are measured.
    """

    max_uses: int | None = None
    min_distance: float = 0.0
    pattern: tuple[int, int] | None = None
    min_uses: int = 0
    lattice: Lattice = RECTANGLES

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


def bounds(columns: int, rows: int, rules: Rules) -> tuple[int, Spacing]:
    """Return in how many cells a tile may lie at most, and how far apart, given how many cells there are."""
    spacing = Spacing.of(columns, rows, rules.min_distance, rules.lattice)
    uses = min(rules.max_uses or columns * rows, spacing.most_uses)
    return uses, Spacing.of(columns, rows, 0) if uses == 1 else spacing


def assign(
    costs: Costs, columns: int, rows: int, tile_count: int, rules: Rules, progress: Progress, *,
    start: Start | None = None,
) -> Assignment:  # fmt: skip
    """Return an assignment that keeps the rules at nearly the least cost. Equal input gives equal output.

    Args:
        costs: From (n,) cell numbers, counted row by row from the top left, to the (n, tile_count) float32 costs of
            every tile in these cells, at least 0.
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        tile_count: Tiles to choose from.
        rules: The rules to keep; the caller has checked that they can be kept.
        progress: Called with how far the search is.
        start: The cells that keep what they have. Where a distance binds, it has a tile that keeps the rules in every
            cell, or in none but these; None for none.

    Returns:
        An assignment of rows * columns cells; its cost and its bound are those of the cells that could choose.

    Raises:
        ValueError: the rules cannot be kept, or a distance binds and there is no pattern.
        NoRoom: they were not found to be kept around the cells that keep what they have.
    """
    uses, spacing = bounds(columns, rows, rules)
    start = start or Start.empty(columns * rows)
    cell_count = columns * rows - np.count_nonzero(start.empty_cells)
    if uses * tile_count < cell_count:
        raise ValueError(f"{cell_count} cells do not fit {tile_count} tiles of {uses} uses")
    return _Search(costs, tile_count, uses, spacing, progress, start).run(rules.pattern)


class _Search:
    """The state of one search: the tile that each cell holds, its cost, and how often each tile may still be used."""

    def __init__(
        self, costs: Costs, tile_count: int, uses: int, spacing: Spacing, progress: Progress, start: Start
    ) -> None:
        self._costs, self._tile_count, self._uses, self._spacing = costs, tile_count, uses, spacing
        self._start, self._progress, self._priced_count = start, progress, 0
        self._cell_count = spacing.columns * spacing.rows
        self._scarce = uses < min(self._cell_count, spacing.most_uses)
        self._held = start.tiles.copy()
        self._own = np.zeros(self._cell_count)
        self._room = uses - uses_of(start.tiles, tile_count)
        self._left = uses - uses_of(start.kept_tiles, tile_count)
        self._gaps = bool(start.empty_cells.any())
        self._free = np.flatnonzero(~start.kept)
        self._prices = np.zeros(tile_count, np.float32)
        k = min(tile_count, max(SHORTLIST, min(spacing.crowd, LONGEST, LISTED // self._cell_count)))
        self._tiles = np.empty((self._cell_count, k), np.int32)
        self._listed = np.empty((self._cell_count, k), np.float32)

    def run(self, pattern: tuple[int, int] | None) -> Assignment:
        """Go through the stages that the top of this module describes."""
        if self._uses < self._cell_count and self._left.sum() < PLENTY * len(self._free):
            self._learn_prices()
        if self._spacing.binds and ((self._held == NOBODY) & ~self._start.kept).any():
            self._held = by_pattern(self._costs, self._start, self._spacing, self._uses, pattern, self._prices)
            self._room = self._uses - uses_of(self._held, self._tile_count)
        nearest, priced = self._take()
        if self._spacing.binds and len(self._free) == self._cell_count:
            priced = apart_bound(
                self._spacing, self._tiles, self._listed + self._prices[self._tiles], self._tile_count
            )
        bound = max(nearest, priced - float(self._left @ self._prices.astype(np.float64)))
        batches = list(self._batches())
        for done, (cells, groups) in enumerate(batches, 1):
            free = ~self._start.kept[cells]
            if free.any():
                self._settle(cells[free], None if groups is None else groups[free])
            self._report(SETTLING, done, len(batches))
        cost = float(self._own.sum())
        self._report(SETTLING, 1, 1)
        return Assignment(self._held, cost, min(bound, cost))

    def _learn_prices(self) -> None:
        """Learn what a use is worth, of the tiles that have any left, to the cells that may choose."""
        some = np.flatnonzero(self._left)
        if not len(self._free):
            return
        uses = -(-int(self._left.sum()) // len(some))
        self._prices[some] = learn_prices(
            lambda numbers: self._costs(self._free[numbers])[:, some], len(self._free), len(some), uses, self._priced
        )

    def _priced(self) -> None:
        self._priced_count += 1
        self._report(PRICES, min(self._priced_count, SAMPLES), SAMPLES)

    def _report(self, stage: int, done: int, total: int) -> None:
        self._progress(stage * self._cell_count + self._cell_count * done // total, STAGES * self._cell_count)

    def _take(self) -> tuple[float, float]:
        """List the best tiles of every cell that may choose, and let it take the best that the rules leave.

        Returns:
            Two sums over these cells, as if each had its favourite tile: of costs, and of costs plus prices.
        """
        nearest = priced = 0.0
        kept = self._start.kept_tiles
        for cells in blocks(self._free, self._tile_count):
            costs = self._costs(cells)
            if self._start.kept.any():
                self._rule_out(cells, costs, kept)
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

    def _rule_out(self, cells: Numbers, costs: NDArray[np.float32], kept: Numbers) -> None:
        """Write infinity for the tiles that cannot lie in a cell because of those that others keep."""
        costs[:, self._left <= 0] = np.inf
        if self._spacing.binds:
            for row, cell in enumerate(cells.tolist()):
                near = self._spacing.around(kept, cell)
                costs[row, near[near != NOBODY]] = np.inf

    def _take_one(self, cell: np.intp, bid: NDArray[np.float32]) -> None:
        if self._held[cell] != NOBODY:
            self._room[self._held[cell]] += 1
        left = np.where(self._room > 0, bid, np.inf) if self._scarce else bid.copy()
        if self._spacing.binds:
            near = self._spacing.around(self._held, int(cell))
            left[near[near != NOBODY] if self._gaps else near] = np.inf
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
