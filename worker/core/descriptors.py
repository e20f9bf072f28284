"""What a tile looks like from afar: the mean colours of its g x g sub-cells; `worker.core.cells` has those of cells.

Every mean is a sum of whole numbers and one division, so the same picture gives the same bits on every machine.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CHANNELS = 3
BLOCK_BYTES = 4 << 20
LATTICE = 64
"""Steps that a pixel of a thumb is divided into; a crop begins and ends at a step. Nobody sees a 64th of a pixel."""


def area_weights(length: int, start: int, extent: int, subcells: int) -> Array:
    """Return how much of each pixel of a line lies in each of `subcells` equal stretches of it.

    Args:
        length: Pixels of the line, each `LATTICE` steps long.
        start: Where the first stretch begins, in steps from the beginning of the line.
        extent: Length of all stretches together, in steps.
        subcells: How many stretches.

    Returns:
        (subcells, length) whole numbers, in units of a step / `subcells`; each row sums to `extent`.

    Example:
        >>> (area_weights(3, 0, 3 * LATTICE, 2) / LATTICE).tolist()
        [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
    """
    pixel = np.arange(length) * (LATTICE * subcells)
    stretch = (start * subcells + np.arange(subcells) * extent)[:, None]
    overlap = np.minimum(pixel + LATTICE * subcells, stretch + extent) - np.maximum(pixel, stretch)
    weights: Array = np.maximum(overlap, 0).astype(np.float64)
    return weights


def of_tiles(thumbs: NDArray[np.uint8], sizes: NDArray[np.integer], shape: tuple[int, int], subcells: int) -> Array:
    """Return the mean colours of the sub-cells of every tile, taken from the photo's largest centred crop.

    Args:
        thumbs: (M, S, S, 3) whole photos squeezed to a square, sRGB, 0 to 255.
        sizes: (M, 2) width and height of the photos, in pixels.
        shape: Width and height of the tiles; only their ratio counts.
        subcells: Sub-cells from left to right, and from top to bottom.

    Returns:
        (M, subcells, subcells, 3) means of the encoded values, 0 to 255.

    Example:
        >>> thumb = np.repeat([[[[9, 9, 9]], [[0, 0, 0]], [[0, 0, 0]], [[9, 9, 9]]]], 4, axis=2).astype(np.uint8)
        >>> of_tiles(thumb, np.array([[10, 20]]), (1, 1), 1).ravel().tolist()
        [0.0, 0.0, 0.0]
    """
    side = thumbs.shape[1]
    means = np.empty((len(thumbs), subcells, subcells, CHANNELS))
    different, kind = np.unique(sizes, axis=0, return_inverse=True)
    order = np.argsort(kind, kind="stable")
    bounds = np.searchsorted(kind[order], np.arange(len(different) + 1))
    for number, (width, height) in enumerate(different.tolist()):
        across = _centred(side, min(1.0, height * shape[0] / (width * shape[1])), subcells)
        down = _centred(side, min(1.0, width * shape[1] / (height * shape[0])), subcells)
        members = order[bounds[number] : bounds[number + 1]]
        for some in _blocks(len(members), thumbs[0].size * means.itemsize):
            means[members[some]] = _averaged(thumbs[members[some]], down, across)
    return means


def of_pictures(pictures: NDArray[np.uint8], subcells: int) -> Array:
    """Return the (n, subcells, subcells, 3) mean colours of the sub-cells of whole (n, h, w, 3) pictures."""
    weights = (area_weights(length, 0, LATTICE * length, subcells) / LATTICE for length in pictures.shape[1:3])
    return _averaged(pictures, *weights)


def _centred(side: int, seen: float, subcells: int) -> Array:
    """Return the weights of the middle of a thumb's line; `seen` is the share of it that the crop shows."""
    half = max(1, round(seen * side * LATTICE / 2))
    return area_weights(side, side * LATTICE // 2 - half, 2 * half, subcells)


def _averaged(pictures: NDArray[np.uint8], down: Array, across: Array) -> Array:
    """Return the weighted means of (n, h, w, 3) pictures: (n, subcells, subcells, 3).

    The sums are whole numbers below 2**53, and down the columns mostly below 2**24, which single precision holds
    exactly. So the order of the additions changes no bit.
    """
    count, height, width, _ = pictures.shape
    subcells = len(down)
    columns = np.zeros((count, subcells, width * CHANNELS))
    enough = np.float32 if 255 * down[0].sum() < 2**24 else np.float64
    weights = down.astype(enough)
    for lines in _blocks(height, count * width * CHANNELS * columns.itemsize):
        strip = pictures[:, lines].reshape(count, -1, width * CHANNELS)
        columns += weights[:, lines] @ strip.astype(enough)
    sums: Array = across @ columns.reshape(count, subcells, width, CHANNELS)
    means: Array = sums / (down[0].sum() * across[0].sum())
    return means


def _blocks(count: int, bytes_each: int) -> Iterator[slice]:
    """Yield slices over `count` things that need at most `BLOCK_BYTES` each, or hold one thing."""
    step = max(1, BLOCK_BYTES // max(1, bytes_each))
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))
