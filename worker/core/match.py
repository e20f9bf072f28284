"""Which tile is nearest to a cell."""

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree

CANDIDATES = 8
BLOCK_BYTES = 64 << 20
ROUNDING = 1e-9
"""Relative room for the tree's own rounding when we look for ties; a double carries 1.1e-16 a step (IEEE 754)."""


def nearest_tiles(cells: NDArray[np.float64], tiles: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return, for every cell, the tile of nearest mean colour.

    Exact: a k-d tree proposes, distances computed here decide. Ties go to the lower index, so equal input gives an
    equal mosaic.

    Args:
        cells: (N, 3) mean colours.
        tiles: (M, 3) mean colours in the same space, M >= 1.

    Returns:
        (N,) indices into `tiles`.

    Raises:
        ValueError: `tiles` is empty, or an array is not (*, 3).

    Source:
        J. L. Bentley, "Multidimensional binary search trees used for associative searching", CACM 18(9), 1975.

    Example:
        >>> nearest_tiles(np.array([[9.0, 0, 0]]), np.array([[0.0, 0, 0], [8, 0, 0], [10, 0, 0]])).tolist()
        [1]
    """
    for name, array in (("cells", cells), ("tiles", tiles)):
        if array.shape[1:] != (3,):
            raise ValueError(f"{name} must be (*, 3), not {array.shape}")
    if not len(tiles):
        raise ValueError("tiles is empty")
    if not len(cells):
        return np.empty(0, np.intp)
    colours, first = np.unique(tiles, axis=0, return_index=True)
    count = min(CANDIDATES, len(colours))
    reach, found = KDTree(colours).query(np.ascontiguousarray(cells), k=count)
    reach, found = reach.reshape(len(cells), count), found.reshape(len(cells), count).astype(np.intp)
    distances = _squared(cells[:, None, :], colours[found])
    chosen, smallest = _lowest(distances, first[found])
    if count < len(colours):
        # As many equally near colours as candidates: there may be more of them, so these cells are searched whole.
        unsure = np.flatnonzero(reach[:, -1] ** 2 <= smallest * (1 + ROUNDING))
        _search_whole(cells, colours, first, unsure, chosen)
    return chosen


def _search_whole(
    cells: NDArray[np.float64],
    colours: NDArray[np.float64],
    first: NDArray[np.intp],
    unsure: NDArray[np.intp],
    chosen: NDArray[np.intp],
) -> None:
    """Decide the unsure cells against every colour, and write the answers into `chosen`, which is our own."""
    block = max(1, BLOCK_BYTES // colours.nbytes)
    for start in range(0, len(unsure), block):
        some = unsure[start : start + block]
        distances = _squared(cells[some, None, :], colours[None, :, :])
        chosen[some] = _lowest(distances, np.broadcast_to(first, distances.shape))[0]


def _squared(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared Euclidean distances over the last axis, added in one fixed order."""
    delta = a - b
    delta *= delta
    total: NDArray[np.float64] = delta[..., 0] + delta[..., 1] + delta[..., 2]
    return total


def _lowest(
    distances: NDArray[np.float64], numbers: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return, in each row, the lowest number among those at the smallest distance, and that distance."""
    smallest = distances.min(axis=1)
    beyond = np.iinfo(np.intp).max
    return np.where(distances == smallest[:, None], numbers, beyond).min(axis=1), smallest
