"""Gives tiles that have to appear a cell each, where they cost least more than what lies there: an assignment.

How it works: of n tiles each needs to list only its n cheapest cells: if it lay elsewhere, one of these would be left
by the other n - 1, and cost no more. Among the lists the assignment is solved whole.
"""

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.shortlist import Costs, Numbers, blocks
from worker.core.assignment.solvers import cheapest
from worker.core.assignment.spacing import NOBODY

Array = NDArray[np.float64]


def best_places(costs: Costs, tiles: Numbers, cells: Numbers, held: Numbers, tile_count: int) -> Numbers:
    """Return (n,) different cells, one for each tile, so that the sum of all costs rises least.

    Args:
        costs: From (m,) cell numbers to the (m, tile_count) costs of every tile in these cells.
        tiles: (n,) different tiles, none of which lies anywhere yet.
        cells: (m,) the cells to choose from, m >= n.
        held: (N,) the tile of every cell; for `NOBODY`, the cheapest is counted.
        tile_count: How many tiles there are.
    """
    best, prices = np.empty((len(tiles), 0), np.intp), np.empty((len(tiles), 0))
    for some in blocks(cells, tile_count):
        table = costs(some)
        there = table[np.arange(len(some)), held[some]]
        own = np.where(held[some] == NOBODY, table.min(axis=1), there)
        more = (table[:, tiles] - own[:, None]).T.astype(np.float64)
        best, prices = _cheapest_of(
            np.concatenate([best, np.broadcast_to(some, more.shape)], axis=1), np.concatenate([prices, more], axis=1)
        )
    rows = np.repeat(np.arange(len(tiles)), best.shape[1])
    names, columns = np.unique(best.ravel(), return_inverse=True)
    edges = prices.ravel() - prices.min()
    return names[columns[cheapest(rows, columns, edges, np.ones(len(names), np.intp))]]


def _cheapest_of(cells: Numbers, prices: Array) -> tuple[Numbers, Array]:
    """Return the n cheapest cells of each of n lists, by rising number, and their prices."""
    count = len(cells)
    if cells.shape[1] <= count:
        return cells, prices
    kept = np.sort(np.argpartition(prices, count - 1, axis=1)[:, :count], axis=1)
    return np.take_along_axis(cells, kept, axis=1), np.take_along_axis(prices, kept, axis=1)
