"""How regular a placement is: what of it looks like wallpaper."""

import numpy as np
from numpy.typing import NDArray

Placement = NDArray[np.integer]

REACH = 12
"""Cells across and down that an offset goes at most."""


def equal_neighbours(placement: Placement) -> float:
    """Return the share of the pairs of cells side by side or one above the other that have the same photo.

    Example:
        >>> equal_neighbours(np.array([[1, 1], [2, 3]]))
        0.25
    """
    pairs = [placement[:, 1:] == placement[:, :-1], placement[1:] == placement[:-1]]
    return sum(int(each.sum()) for each in pairs) / sum(each.size for each in pairs)


def lattice(placement: Placement) -> float:
    """Return the largest share, over all offsets of up to 12 cells across and down, of cells that equal that one.

    For each offset, of the cells that have a cell there.

    Example:
        >>> lattice(np.array([[1, 2, 1, 2, 1, 3]]))  # two to the right: 1, 2, 1 of four
        0.75
    """
    rows, columns = placement.shape
    offsets = [
        (down, across)
        for down in range(min(REACH, rows - 1) + 1)
        for across in range(-min(REACH, columns - 1), min(REACH, columns - 1) + 1)
        if (down, across) > (0, 0)
    ]
    return max((_equal_at(placement, down, across) for down, across in offsets), default=0.0)


def _equal_at(placement: Placement, down: int, across: int) -> float:
    right, left = max(across, 0), max(-across, 0)
    columns = placement.shape[1]
    here = placement[: len(placement) - down, left : columns - right]
    there = placement[down:, right : columns - left]
    return float((here == there).mean())


def most_uses(placement: Placement, photo_count: int) -> float:
    """Return how often the most used photo lies in the mosaic, over cells / photos, which is what even use gives.

    Example:
        >>> most_uses(np.array([[1, 1], [1, 2]]), 8)
        6.0
    """
    return float(np.bincount(placement.ravel()).max() * photo_count / placement.size)
