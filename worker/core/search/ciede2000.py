"""The nearest tile by CIEDE2000. It is not a metric, so no tree can search by it: windows of lightness prune instead.

How it works: a k-d tree over CIE76 proposes a few tiles, and the best of them gives an upper bound. A difference of
lightness alone bounds dE00 from below, so in a list of tiles sorted by lightness only a window around the cell can
hold anything nearer. In the window a cheap lower bound from all three coordinates removes most, and the formula
itself decides among the rest.
"""

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree

from worker.core.colour import ciede2000
from worker.core.progress import Progress, quiet

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

PROPOSALS = 8
PAIRS = 1 << 17
"""Pairs of a cell and a tile whose bounds are computed at once."""
LARGEST_S_L = 1 + 0.015 * 50**2 / np.sqrt(20 + 50**2)
"""S_L at L* = 0 and 100: the largest number by which the formula divides a difference of lightness."""
ROUNDING = 1 + 1e-9
VANISHING = 1e-150
"""Squares of differences smaller than this are rounded to 0 or nearly so, and cannot serve as bounds."""


def nearest_by_ciede2000(cells: Array, tiles: Array, progress: Progress = quiet) -> Numbers:
    """Return, for every cell, the tile of smallest dE00. Exact; ties go to the lower number.

    Args:
        cells: (N, 3) CIE L*a*b* under D65.
        tiles: (M, 3), same space, M >= 1.
        progress: Called with how many cells are decided; what it raises stops the search.

    Returns:
        (N,) indices into `tiles`.

    Source:
        The formula: G. Sharma, W. Wu, E. N. Dalal, Color Research and Application 30(1), 2005. The bounds follow from
        it: dE00 >= |dL*| / S_L, and the form of dC' / S_C and dH' / S_H is at least its smaller eigenvalue,
        1 - |R_T| / 2, times their squares, where S_H < S_C and dC'^2 + dH'^2 >= da*^2 + db*^2.

    Example:
        >>> nearest_by_ciede2000(np.array([[50.0, 0, 0]]), np.array([[53.0, 0, 0], [49, 0, 0]])).tolist()
        [1]
    """
    order = np.argsort(tiles[:, 0], kind="stable")
    by_lightness = np.ascontiguousarray(tiles[order])
    chosen, smallest = _proposed(cells, by_lightness)
    chosen = order[chosen]
    reach = smallest * LARGEST_S_L * ROUNDING + VANISHING
    first = np.searchsorted(by_lightness[:, 0], cells[:, 0] - reach, "left")
    counts = np.searchsorted(by_lightness[:, 0], cells[:, 0] + reach, "right") - first
    ends = np.cumsum(counts)
    start = 0
    while start < len(cells):
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] - counts[start] + PAIRS, "right")))
        some = np.arange(start, stop)
        rows = np.repeat(some, counts[some])
        places = np.arange(len(rows)) - np.repeat(
            ends[some] - counts[some] - ends[start] + counts[start], counts[some]
        )
        places += np.repeat(first[some], counts[some])
        likely = _bound(cells[rows], by_lightness[places]) <= smallest[rows] ** 2 * ROUNDING + VANISHING**2
        rows, places = rows[likely], places[likely]
        _take_nearest(chosen, rows, order[places], ciede2000(cells[rows], by_lightness[places]))
        start = stop
        progress(stop, len(cells))
    return chosen


def _proposed(cells: Array, tiles: Array) -> tuple[Numbers, Array]:
    """Return (N,) the best by dE00 of a few tiles that are nearest by CIE76, and (N,) its dE00."""
    count = min(PROPOSALS, len(tiles))
    _, near = KDTree(tiles).query(np.ascontiguousarray(cells), k=count)
    near = near.reshape(len(cells), count).astype(np.intp)
    differences = ciede2000(cells[:, None, :], tiles[near])
    best = np.arange(len(cells)), differences.argmin(axis=1)
    return near[best], differences[best]


def _bound(cells: Array, tiles: Array) -> Array:
    """Return (n,) lower bounds on the squared dE00 of n pairs of (n, 3) colours."""
    apart = (cells - tiles) ** 2
    # An upper bound on the mean chroma, since the formula stretches a* by at most half.
    chroma = 0.75 * (np.hypot(cells[:, 1], cells[:, 2]) + np.hypot(tiles[:, 1], tiles[:, 2]))
    seventh = chroma**7
    rotation = np.sqrt(3 * seventh / (seventh + 25.0**7))
    colour = (1 - rotation / 2) * (apart[:, 1] + apart[:, 2]) / (1 + 0.045 * chroma) ** 2
    bound: Array = apart[:, 0] / LARGEST_S_L**2 + colour
    return bound


def _take_nearest(chosen: Numbers, rows: Numbers, numbers: Numbers, differences: Array) -> None:
    """Write into `chosen`, for each row that occurs, the number of smallest difference; among equals the lowest."""
    order = np.lexsort((numbers, differences, rows))
    first = order[np.flatnonzero(np.diff(rows[order], prepend=-1))]
    chosen[rows[first]] = numbers[first]
