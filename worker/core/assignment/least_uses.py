"""Lets every tile lie in a few cells at least: tiles that lie in too few take over cells of tiles that have more.

How it works: each tile that lacks cells lists those in which it would cost least more than what lies there. A sparse
assignment gives every missing use a cell. Of these changes the cheapest are made, as long as the tile that gives a
cell away keeps enough itself. What is still missing after that is looked for again. In the end thousands of cells at
a time choose again together, among the tiles that cost least in them and those that list them. A use that a tile does
not need is made dearer, so that hardly ever a needed one is left empty; where one is, the cells keep what they had.
"""

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.shortlist import TOGETHER, Costs, Numbers, blocks, lowest
from worker.core.assignment.solvers import cheapest
from worker.core.assignment.spacing import uses_of
from worker.core.progress import Progress

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LISTED = 48
"""Cells that a tile lists, beside those that it lacks."""
TABLE = 1 << 24
"""Costs of the cells that choose again together, at most, at 4 bytes each."""
COSTS_AT_ONCE = 1 << 16
"""Tiles that the blocks of cells are cut for; with more of them a block takes more memory."""


def with_least_uses(
    costs: Costs, tiles: Numbers, tile_count: int, least: int, progress: Progress, *,
    kept: Mask | None = None, again: bool = True,
) -> Numbers:  # fmt: skip
    """Return the tile of every cell so that every tile lies in at least `least` cells. Equal input, equal output.

    No tile that lies in more cells than that gets another one, so a largest number of uses is kept, too.

    Args:
        costs: From (n,) cell numbers to the (n, tile_count) costs of every tile in these cells.
        tiles: (N,) the tile of every cell before; `NOBODY` only in cells that keep that.
        tile_count: How many tiles there are.
        least: Cells that every tile must have; least * tile_count <= N.
        progress: Called with how many of the missing uses are found.
        kept: (N,) which cells keep what they have; the others must do for what is missing. None for none.
        again: Whether all cells that need not keep theirs choose again in the end.
    """
    held = tiles.copy()
    free = np.ones(len(held), np.bool_) if kept is None else ~kept
    uses = uses_of(held, tile_count)
    before = uses.copy()
    missing = total = int(np.maximum(least - uses, 0).sum())
    while missing:
        slots = np.repeat(np.arange(tile_count), np.maximum(least - uses, 0))[:TOGETHER]
        found = _cells_for(costs, held, slots, np.flatnonzero((uses[held] > least) & free))
        for _, slot, cell in found:
            if uses[held[cell]] > least:
                uses[held[cell]] -= 1
                uses[slots[slot]] += 1
                held[cell] = slots[slot]
                missing -= 1
        progress(total - missing, total)
    if total and again:
        choosing = np.flatnonzero(free)
        batch_count = -(-len(choosing) // max(1, min(TOGETHER, TABLE // tile_count)))
        for batch in (choosing[number::batch_count] for number in range(batch_count)):
            held[batch] = _chosen_again(costs, held, batch, least, np.maximum(before, least))
    return held


def _chosen_again(costs: Costs, held: Numbers, batch: Numbers, least: int, most: Numbers) -> Numbers:
    """Return the tiles of some cells after these chose again, while all others keep theirs.

    Args:
        costs: As above.
        held: (N,) the tile of every cell, each in at least `least` of them.
        batch: (n,) the cells that choose.
        least: Cells that every tile must keep.
        most: (M,) cells that every tile may have.
    """
    outside = uses_of(np.delete(held, batch), len(most))
    needed = np.maximum(least - outside, 0)
    table = np.concatenate([costs(some) for some in blocks(batch, len(most))])
    listed = np.zeros(table.shape, np.bool_)
    np.put_along_axis(listed, lowest(table, LISTED), values=True, axis=1)
    np.put_along_axis(listed.T, lowest(np.ascontiguousarray(table.T), LISTED), values=True, axis=1)
    listed[np.arange(len(batch)), held[batch]] = True
    rows, tiles = np.nonzero(listed)
    edges = table[rows, tiles].astype(np.float64)
    dearer = 2 * edges.max()
    room = np.concatenate([needed, np.maximum(most - outside - needed, 0)])
    both = np.concatenate([tiles, len(most) + tiles])
    order = np.argsort(np.concatenate([rows, rows]), kind="stable")
    order = order[room[both[order]] > 0]
    names, columns = np.unique(both[order], return_inverse=True)
    prices = np.concatenate([edges, edges + dearer])[order]
    chosen = order[cheapest(np.concatenate([rows, rows])[order], columns, prices, room[names])]
    found: Numbers = both[chosen] % len(most)
    own = table[np.arange(len(batch)), held[batch]].sum()
    kept = (outside + np.bincount(found, minlength=len(most))).min() >= least
    return found if kept and table[np.arange(len(batch)), found].sum() < own else held[batch]


def _cells_for(costs: Costs, held: Numbers, slots: Numbers, giving: Numbers) -> list[tuple[float, int, int]]:
    """Return changes, the cheapest first: what each costs, the number of the slot, and the cell that it takes over.

    Args:
        costs: As above.
        held: (N,) the tile of every cell.
        slots: (n,) the tile of every missing use, in rising order.
        giving: (m,) cells whose tiles have more uses than they need, m >= 1.
    """
    wanting, places, lacking = np.unique(slots, return_inverse=True, return_counts=True)
    cells, prices = _lists(costs, held, wanting, giving, min(len(giving), LISTED + int(lacking.max())))
    length = cells.shape[1]
    rows = np.repeat(np.arange(len(slots)), length)
    names, columns = np.unique(cells[places].ravel(), return_inverse=True)
    edges = prices[places].ravel() - prices.min()
    chosen = cheapest(rows, columns, edges, np.ones(len(names), np.intp))
    real = np.flatnonzero(chosen < len(rows))  # For some there may be no cell this time.
    changes = zip(edges[chosen[real]].tolist(), real.tolist(), names[columns[chosen[real]]].tolist(), strict=True)
    return sorted(changes)


def _lists(costs: Costs, held: Numbers, wanting: Numbers, giving: Numbers, length: int) -> tuple[Numbers, Array]:
    """Return the (n, length) cells in which n tiles cost least more than what lies there, and by how much."""
    best = np.empty((len(wanting), 0), np.intp)
    prices = np.empty((len(wanting), 0))
    for some in blocks(giving, COSTS_AT_ONCE):
        all_costs = costs(some)
        own = all_costs[np.arange(len(some)), held[some]]
        more = (all_costs[:, wanting] - own[:, None]).T.astype(np.float64)
        best = np.concatenate([best, np.broadcast_to(some, more.shape)], axis=1)
        prices = np.concatenate([prices, more], axis=1)
        if best.shape[1] > length:
            kept = np.sort(np.argpartition(prices, length - 1, axis=1)[:, :length], axis=1)
            best = np.take_along_axis(best, kept, axis=1)
            prices = np.take_along_axis(prices, kept, axis=1)
    return best, prices
