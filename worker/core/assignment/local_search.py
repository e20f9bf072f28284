"""Some cells choose again, together and at best, while the others stay as they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.solvers import cheapest

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Wishes:
    """What n cells may choose, each among k tiles and the one that it has.

    Attributes:
        tiles: (n, k) tile numbers, different in each row.
        costs: (n, k).
        allowed: (n, k) which of them are free to be chosen.
        own: (n,) what each has; that always stays possible.
        own_costs: (n,).
        groups: (n,) cells of one group never share a tile; None if all may.
    """

    tiles: Numbers
    costs: Array
    allowed: Mask
    own: Numbers
    own_costs: Array
    groups: Numbers | None


def settle(wishes: Wishes, room: Numbers) -> Numbers:
    """Return which of its k tiles each cell gets, k standing for what it had: never dearer in all than before.

    Args:
        wishes: What they may choose.
        room: (M,) how many of these cells each tile may fill, at least as many as have it.
    """
    kept = wishes.tiles.shape[1]
    allowed = wishes.allowed & (wishes.tiles != wishes.own[:, None])
    rows, places = np.nonzero(np.column_stack([allowed, np.ones(len(allowed), np.bool_)]))
    tiles = np.column_stack([wishes.tiles, wishes.own])[rows, places]
    costs = np.column_stack([wishes.costs, wishes.own_costs])[rows, places]
    if wishes.groups is None:
        names, columns = np.unique(tiles, return_inverse=True)
        return places[cheapest(rows, columns, costs, room[names])]
    names, columns = np.unique(wishes.groups[rows] * len(room) + tiles, return_inverse=True)
    gains = np.where(places == kept, np.inf, wishes.own_costs[rows] - costs)
    return places[cheapest(rows, columns, costs, _grants(names % len(room), columns, gains, room))]


def _grants(tiles: Numbers, columns: Numbers, gains: Array, room: Numbers) -> Numbers:
    """Return for each column, a tile in a group, 1 or 0: whether that group may use the tile.

    Where more groups ask for a tile than it has room, those that have it keep it, and then most gain comes first.
    """
    best = np.full(len(tiles), -np.inf)
    np.maximum.at(best, columns, gains)
    order = np.lexsort((-best, tiles))
    ordered = tiles[order]
    granted = np.empty(len(tiles), np.intp)
    granted[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered) < room[ordered]
    return granted
