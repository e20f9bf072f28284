"""The nearest tile to each cell, by any loss."""

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree

from worker.core.losses import Metric
from worker.core.progress import Progress, quiet
from worker.core.search.ciede2000 import nearest_by_ciede2000
from worker.core.search.pruned import nearest_by_bounds

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]
Features = NDArray[np.floating]

COLOUR = 3
PROPOSALS = (2, 16, 128)
"""How many tiles the tree proposes: more only for cells that fewer proposals left undecided."""
EQUAL = 8
"""Up to so many tiles of one colour do not slow the tree down."""
MIXED = np.array([1.0, 2**0.5, 3**0.5])
"""Weights with which different colours nearly always have different sums."""
BLOCK_BYTES = 64 << 20
ROUNDING = 1e-9
"""Relative tolerance for the tree's own rounding when looking for ties; a double rounds by 1.1e-16 (IEEE 754)."""


def nearest(cells: Features, tiles: Features, metric: Metric, *, threads: int, progress: Progress = quiet) -> Numbers:
    """Return, for every cell, the tile of smallest loss. Exact; ties go to the lower number.

    Args:
        cells: (N, D) features. More than three are compared in single precision.
        tiles: (M, D) features in the same space, M >= 1.
        metric: How they are compared; Manhattan and CIEDE2000 need D = 3.
        threads: How many cores to use in a long search.
        progress: Called with how far a long search is; what it raises stops it.

    Returns:
        (N,) indices into `tiles`.

    Raises:
        ValueError: `tiles` is empty, or the shapes do not fit.

    Example:
        >>> nearest(np.array([[9.0, 0, 0]]), np.array([[0.0, 0, 0], [8, 0, 0]]), Metric.MANHATTAN, threads=1).tolist()
        [1]
    """
    if metric is Metric.EUCLIDEAN and cells.shape[1:] != (COLOUR,):
        single = cells.astype(np.float32, copy=False), tiles.astype(np.float32, copy=False)
        return nearest_by_bounds(*single, threads=threads, progress=progress)
    for name, array in (("cells", cells), ("tiles", tiles)):
        if array.shape[1:] != (COLOUR,):
            raise ValueError(f"{name} must be (*, {COLOUR}), not {array.shape}")
    if not len(tiles):
        raise ValueError("tiles is empty")
    if not len(cells):
        return np.empty(0, np.intp)
    double = cells.astype(np.float64, copy=False), tiles.astype(np.float64, copy=False)
    if metric is Metric.CIEDE2000:
        return nearest_by_ciede2000(*double, progress)
    return _nearest_colours(*double, metric)


def _nearest_colours(cells: Array, tiles: Array, metric: Metric) -> Numbers:
    """Let a k-d tree propose tiles, and decide among them by distances computed here.

    Source:
        J. L. Bentley, "Multidimensional binary search trees used for associative searching", CACM 18(9), 1975.
    """
    colours, first = _different(tiles)
    tree = KDTree(colours)
    chosen = np.empty(len(cells), np.intp)
    unsure = np.arange(len(cells))
    for count in PROPOSALS:
        reach, found = tree.query(np.ascontiguousarray(cells[unsure]), k=min(count, len(colours)))
        found = found.reshape(len(unsure), -1).astype(np.intp)
        distances = _distances(cells[unsure, None, :], colours[found], metric)
        chosen[unsure], smallest = _lowest(distances, first[found])
        if count >= len(colours):
            return chosen
        # A tile that was not proposed is at least as far as the farthest proposal, by the Manhattan distance too,
        # since that is never shorter than the Euclidean one. But it may be exactly as near as the best proposal.
        least = reach.reshape(len(unsure), -1)[:, -1] ** (2 if metric is Metric.EUCLIDEAN else 1)
        unsure = unsure[least <= smallest * (1 + ROUNDING)]
        if not len(unsure):
            return chosen
    _search_whole(cells, colours, first, metric, unsure, chosen)
    return chosen


def _different(tiles: Array) -> tuple[Array, Numbers]:
    """Return the different colours, and the lowest tile number of each: a tree is slow with many equal points.

    Where there are only a few equal ones, all tiles are returned as they are, which is cheap.
    """
    sums = np.sort(tiles @ MIXED)
    if not np.any(sums[EQUAL:] == sums[:-EQUAL]):
        return np.ascontiguousarray(tiles), np.arange(len(tiles))
    return np.unique(tiles, axis=0, return_index=True)


def _search_whole(
    cells: Array, colours: Array, first: Numbers, metric: Metric, unsure: Numbers, chosen: Numbers
) -> None:
    """Compare the undecided cells with every colour, and write the answers into `chosen`."""
    block = max(1, BLOCK_BYTES // colours.nbytes)
    for start in range(0, len(unsure), block):
        some = unsure[start : start + block]
        distances = _distances(cells[some, None, :], colours[None, :, :], metric)
        chosen[some] = _lowest(distances, np.broadcast_to(first, distances.shape))[0]


def _distances(a: Array, b: Array, metric: Metric) -> Array:
    """Return squared Euclidean, or Manhattan, distances of (..., 3) colours, always added in the same order."""
    delta = a - b
    if metric is Metric.MANHATTAN:
        np.abs(delta, out=delta)
    else:
        delta *= delta
    total: Array = delta[..., 0] + delta[..., 1] + delta[..., 2]
    return total


def _lowest(distances: Array, numbers: Numbers) -> tuple[Numbers, Array]:
    """Return, for each row, the lowest number among those at the smallest distance, and that distance."""
    smallest = distances.min(axis=1)
    beyond = np.iinfo(np.intp).max
    return np.where(distances == smallest[:, None], numbers, beyond).min(axis=1), smallest
