"""Lets some cells choose their tiles again, together and at the least cost, while all others keep theirs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.solvers import cheapest

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Candidates:
    """The tiles that n cells may choose: each has k candidates, and the tile that it has.

    Attributes:
        tiles: (n, k) the candidates' tile numbers, different in each row.
        costs: (n, k) what each costs in its cell.
        allowed: (n, k) which of them may be chosen.
        own: (n,) the tile that each cell has, which it may always keep.
        own_costs: (n,) what that costs.
        groups: (n,) a number for each cell: cells of one group never share a tile. None if all cells may.
    """

    tiles: Numbers
    costs: Array
    allowed: Mask
    own: Numbers
    own_costs: Array
    groups: Numbers | None


def settle(candidates: Candidates, room: Numbers) -> Numbers:
    """Return which candidate each cell gets. The cost of all is never higher than before.

    Args:
        candidates: What the n cells may choose from.
        room: (M,) how many of these cells each tile may fill, at least as many as have it now.

    Returns:
        (n,) numbers from 0 to k; k stands for the tile that the cell had.
    """
    as_it_was = candidates.tiles.shape[1]
    allowed = candidates.allowed & (candidates.tiles != candidates.own[:, None])
    rows, places = np.nonzero(np.column_stack([allowed, np.ones(len(allowed), np.bool_)]))
    tiles = np.column_stack([candidates.tiles, candidates.own])[rows, places]
    costs = np.column_stack([candidates.costs, candidates.own_costs])[rows, places]
    if candidates.groups is None:
        names, columns = np.unique(tiles, return_inverse=True)
        return places[cheapest(rows, columns, costs, room[names])]
    names, columns = np.unique(candidates.groups[rows] * len(room) + tiles, return_inverse=True)
    gains = np.where(places == as_it_was, np.inf, candidates.own_costs[rows] - costs)
    return places[cheapest(rows, columns, costs, _grants(names % len(room), columns, gains, room))]


def _grants(tiles: Numbers, columns: Numbers, gains: Array, room: Numbers) -> Numbers:
    """Return 1 or 0 for each column, which stands for a tile in a group: whether that group may use the tile.

    Where more groups want a tile than it has room for, those that have it keep it; the rest goes by largest gain.

    Args:
        tiles: (C,) the tile of each column.
        columns: (E,) the column of each edge.
        gains: (E,) what the cell of each edge would gain by it; infinite where it has the tile.
        room: (M,) as in `settle`.
    """
    best = np.full(len(tiles), -np.inf)
    np.maximum.at(best, columns, gains)
    order = np.lexsort((-best, tiles))
    ordered = tiles[order]
    granted = np.empty(len(tiles), np.intp)
    granted[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered) < room[ordered]
    return granted
