"""A lower bound on the cost of an assignment whose equal tiles must lie apart."""

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.shortlist import lowest, whole_groups
from worker.core.assignment.solvers import GRAIN, cheapest
from worker.core.assignment.spacing import Spacing

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]


def apart_bound(spacing: Spacing, tiles: NDArray[np.int32], bids: NDArray[np.float32], tile_count: int) -> float:
    """Return a lower bound on the sum of bids, given that no two cells of a block may take the same tile.

    The grid is cut into blocks of cells that are all too near each other, and each block is solved by itself. A tile
    that a cell does not list is assumed to cost as much as the dearest that it lists.

    Args:
        spacing: How far apart equal tiles must lie.
        tiles: (N, k) the k tiles of lowest bid of each cell.
        bids: (N, k) their costs, prices included.
        tile_count: How many tiles there are, k or more.
    """
    y, x = np.divmod(np.arange(len(tiles)), spacing.columns)
    side = spacing.block_side
    if tiles.shape[1] > side * side:  # So many cells never need more tiles each to be given different ones.
        best = lowest(bids, side * side)
        tiles, bids = np.take_along_axis(tiles, best, axis=1), np.take_along_axis(bids, best, axis=1)
    blocks = y // side * spacing.columns + x // side
    return sum(
        _distinct(blocks[cells], tiles[cells].astype(np.intp), bids[cells].astype(np.float64), tile_count)
        for cells in whole_groups(blocks)
    )


def _distinct(blocks: Numbers, tiles: Numbers, bids: Array, tile_count: int) -> float:
    names, columns = np.unique(blocks[:, None] * tile_count + tiles, return_inverse=True)
    columns, costs, count = columns.reshape(tiles.shape), bids, len(names)
    if tiles.shape[1] < tile_count:
        columns = np.column_stack([columns, count + np.arange(len(tiles))])
        costs, count = np.column_stack([bids, bids.max(axis=1)]), count + len(tiles)
    rows = np.repeat(np.arange(len(tiles)), columns.shape[1])
    chosen = cheapest(rows, columns.ravel(), costs.ravel(), np.ones(count, np.intp))
    return float(costs.ravel()[chosen].sum() - GRAIN * costs.mean() * len(tiles))
