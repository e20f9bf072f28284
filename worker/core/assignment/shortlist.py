"""The few tiles per cell that an assignment considers, so that its memory grows with the number of cells alone."""

from collections.abc import Callable
from math import isqrt

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.intp]
Floats = NDArray[np.floating]
Costs = Callable[[Numbers], NDArray[np.float32]]
"""From (n,) cell numbers to the (n, M) costs of every tile in these cells, each at least 0."""

BLOCK_BYTES = 16 << 20
MANY = 4
"""Where more than one in so many values is as low as the bound, many are equal, and to sort is quicker."""
TOGETHER = 6_000
"""Cells that choose again at once: more of them would take more time than the lower cost is worth."""


def blocks(cells: Numbers, tile_count: int) -> list[Numbers]:
    """Return cells in pieces whose costs take at most `BLOCK_BYTES`, or hold a single cell.

    Args:
        cells: (N,) cell numbers.
        tile_count: Costs of each cell.

    Returns:
        Arrays (n,) of cell numbers that together are `cells`, in order.
    """
    step = max(1, BLOCK_BYTES // (4 * tile_count))
    return [cells[first : first + step] for first in range(0, len(cells), step)]


def whole_groups(groups: Numbers) -> list[Numbers]:
    """Return cells in pieces of about `TOGETHER` that split no group.

    Args:
        groups: (N,) the group of each cell, a number of at least 0.

    Returns:
        Arrays (n,) of places in `groups`, each place once; a group's places are all in one array.
    """
    order = np.argsort(groups, kind="stable")
    first = np.flatnonzero(np.diff(groups[order], prepend=-1))
    return np.split(order, first[np.flatnonzero(np.diff(first // TOGETHER)) + 1])


def lowest(values: NDArray[np.float32], count: int) -> Numbers:
    """Return the places of the `count` lowest values of each row, in rising order.

    The `count` lowest minima of groups of values are themselves `count` values, so none of those wanted exceeds them.
    Few others are as low, and to compare is quicker than to sort.

    Args:
        values: (n, M).
        count: How many are wanted.

    Returns:
        (n, min(count, M)) places, rising in each row.

    Example:
        >>> lowest(np.array([[3, 1, 2, 0]], np.float32), 2).tolist()
        [[1, 3]]
    """
    rows, width = values.shape
    size = isqrt(width // max(1, count))
    groups = width // max(1, size)
    if size <= 1 or count >= groups:
        return _lowest(values, count)
    minima = values[:, : size * groups].reshape(rows, size, groups).min(axis=1)
    bound = np.partition(minima, count - 1, axis=1)[:, count - 1]
    low = np.flatnonzero(values <= bound[:, None])
    if len(low) > values.size // MANY:  # many are equal
        return _lowest(values, count)
    row, place = np.divmod(low, width)
    counts = np.bincount(row, minlength=rows)
    column = np.arange(len(low)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.zeros((rows, counts.max()), np.intp)
    few = np.full(places.shape, np.nan, np.float32)  # what is no number counts as highest
    places[row, column], few[row, column] = place, values[row, place]
    found = np.argpartition(few, count - 1, axis=1)[:, :count]
    return np.sort(np.take_along_axis(places, found, axis=1), axis=1)


def _lowest(values: NDArray[np.float32], count: int) -> Numbers:
    if count >= values.shape[1]:
        return np.broadcast_to(np.arange(values.shape[1]), values.shape)
    return np.sort(np.argpartition(values, count - 1, axis=1)[:, :count], axis=1)
