"""Which part of the rectangle around a cell belongs to the cell: all of it, or a hexagon.

The mask of a hexagon is complementary to those of its neighbours. Where two rows lie beside each other, `seam` says
which part of each pixel belongs to the upper one, and the lower one has the rest. A rectangle is the mask that is
all ones; nothing is computed for it.
"""

from math import ceil, lcm

import numpy as np
from numpy.typing import NDArray

from worker.core.lattice import Lattice

Array = NDArray[np.float64]
Floats = NDArray[np.floating]

FINE = 16
"""Parts of a side of a hexagon, at least, into which it is cut to weigh its colours."""


def seam(width: int, lines: int, corner: int) -> Array:
    """Return which part of each pixel belongs to a cell, in the lines in which the row below begins.

    The cell ends in a corner there, and the corners of the next row begin at its sides.

    Args:
        width: Pixels from side to side.
        lines: Lines from the first one that the other row shares to the corner.
        corner: Where the corner is, in pixels from the left.

    Returns:
        (lines, width) shares from 0 to 1.

    Example:
        >>> seam(4, 1, 2).tolist()
        [[0.25, 0.75, 0.75, 0.25]]
    """
    left, right = _right_of(corner / lines, width, lines), _right_of((width - corner) / lines, width, lines)
    shares: Array = left + right[:, ::-1] - 1
    return shares


def _right_of(slope: float, width: int, lines: int) -> Array:
    """Return (lines, width) which part of each pixel is right of a line that begins at the left, and goes right."""
    edges = np.arange(1, width + 1) - slope * np.arange(lines + 1)[:, None]
    if not slope:
        return np.ones((lines, width))
    areas = np.where(edges > 1, edges - 1 / 2, np.square(np.maximum(edges, 0)) / 2)  # below a height that stops at 1
    parts: Array = -np.diff(areas, axis=0) / slope
    return parts


def shares(lattice: Lattice, parts: int) -> Array:
    """Return which share of each part of the rectangle around a cell belongs to the cell.

    Args:
        lattice: Of which the cell is.
        parts: Equal parts from left to right, and from top to bottom.

    Returns:
        (parts, parts) from 0 to 1.
    """
    if not lattice.overlap:
        return np.ones((parts, parts))
    side = lcm(2 * parts, lattice.overlap.denominator)
    lines = int(side * lattice.overlap)
    below = seam(side, lines, side // 2)
    whole = np.concatenate([below[::-1], np.ones((side - 2 * lines, side)), below])
    found: Array = whole.reshape(parts, side // parts, parts, side // parts).mean(axis=(1, 3))
    return found


def finer(lattice: Lattice, parts: int) -> int:
    """Return into how many parts a side is cut to know the means of so many parts of a cell: see `gathered`."""
    return parts * ceil(FINE / parts) if lattice.overlap else parts


def gathered(lattice: Lattice, means: Array, parts: int) -> Array:
    """Return the means of larger parts of cells, in which what does not belong to the cell does not count.

    Args:
        lattice: Of which the cells are.
        means: (..., n, n, C) of small parts of the rectangles around them; n is a multiple of `parts`.
        parts: Parts from left to right, and from top to bottom.

    Returns:
        (..., parts, parts, C); the same array if the parts are those.
    """
    step = means.shape[-2] // parts
    if step == 1:
        return means
    weights = shares(lattice, means.shape[-2])[:, :, None]
    sums, total = np.zeros((*means.shape[:-3], parts, parts, means.shape[-1])), np.zeros((parts, parts, 1))
    for down, across in np.ndindex(step, step):  # one after the other, so that all machines round alike
        some = weights[down::step, across::step]
        if some.any():
            sums += some * means[..., down::step, across::step, :]
            total += some
    sums /= np.where(total > 0, total, 1)
    return sums


def whole(lattice: Lattice, means: Floats) -> Array:
    """Return the (..., C) means of cells, given the (..., n, n, C) means of their parts."""
    if not lattice.overlap:
        mean: Array = means.mean(axis=(-3, -2), dtype=np.float64)
        return mean
    return gathered(lattice, means.astype(np.float64), 1)[..., 0, 0, :]
