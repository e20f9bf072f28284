"""What a tile looks like from afar: the mean colours of its g x g sub-cells; `worker.core.cells` has those of cells.

Every mean is a sum of whole numbers and one division, so the same picture gives the same bits on every machine.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.core.windows import STEPS, Window, largest

Array = NDArray[np.float64]

CHANNELS = 3
BLOCK_BYTES = 1 << 20
"""Bytes that are worked on at a time: what stays in a core's cache, and is not new memory each time, is fastest."""
MOST = 4_095
"""The largest whole number that is averaged: its sums over a photo's length are exact in single precision."""
LATTICE = 64
"""Steps that a pixel is divided into where nothing else is said. Nobody sees a 64th of a pixel."""


def area_weights(length: int, start: int, extent: int, subcells: int, steps: int = LATTICE) -> Array:
    """Return how much of each pixel of a line lies in each of `subcells` equal stretches of it.

    Args:
        length: Pixels of the line, each `steps` long.
        start: Where the first stretch begins, in steps from the beginning of the line.
        extent: Length of all stretches together, in steps.
        subcells: How many stretches.
        steps: Steps that a pixel is divided into.

    Returns:
        (subcells, length) whole numbers, in units of a step / `subcells`; each row sums to `extent`.

    Example:
        >>> (area_weights(3, 0, 3 * LATTICE, 2) / LATTICE).tolist()
        [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
    """
    pixel = np.arange(length) * (steps * subcells)
    stretch = (start * subcells + np.arange(subcells) * extent)[:, None]
    overlap = np.minimum(pixel + steps * subcells, stretch + extent) - np.maximum(pixel, stretch)
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
    means = np.empty((len(thumbs), subcells, subcells, CHANNELS))
    different, kind = np.unique(sizes, axis=0, return_inverse=True)
    order = np.argsort(kind, kind="stable")
    bounds = np.searchsorted(kind[order], np.arange(len(different) + 1))
    for number, size in enumerate(different.tolist()):
        members = order[bounds[number] : bounds[number + 1]]
        means[members] = of_windows(thumbs[members], [largest(size, shape)], subcells)[:, 0]
    return means


def of_windows(
    thumbs: NDArray[np.uint8], windows: Sequence[Window], subcells: int, levels: NDArray[np.float32] | None = None
) -> Array:
    """Return the mean values of the sub-cells of some windows of whole photos.

    Args:
        thumbs: (M, S, S, C) whole photos squeezed to a square; S divides `STEPS`.
        windows: (W,) the parts of each photo that are looked at.
        subcells: Sub-cells from left to right, and from top to bottom, of each window.
        levels: (256,) whole numbers up to `MOST` to average in place of the encoded values.

    Returns:
        (M, W, subcells, subcells, C) means.
    """
    count, side, _, channels = thumbs.shape
    spans = [sorted({(window[axis], window[axis + 2]) for window in windows}) for axis in (0, 1)]
    across, down = (
        np.concatenate([area_weights(side, *span, subcells, STEPS // side) for span in some]) for some in spans
    )
    places = [(spans[0].index((left, wide)), spans[1].index((top, high))) for left, top, wide, high in windows]
    areas = [float(wide * high) for _, _, wide, high in windows]
    # Sums of whole numbers, and along a line exact in single precision. So the order of additions changes no bit.
    by_channel = np.kron(across.T, np.eye(channels)).astype(np.float32)
    means = np.empty((count, len(windows), subcells, subcells, channels))
    for some in _blocks(count, side * side * channels * means.itemsize):
        taken = thumbs[some].astype(np.float32) if levels is None else levels.take(thumbs[some])
        lines = taken.reshape(-1, side * channels) @ by_channel
        sums = down @ lines.reshape(-1, side, by_channel.shape[1]).astype(np.float64)
        by_span = sums.reshape(-1, len(spans[1]), subcells, len(spans[0]), subcells, channels)
        for number, ((x, y), area) in enumerate(zip(places, areas, strict=True)):
            np.divide(by_span[:, y, :, x], area, out=means[some, number])
    return means


def of_pictures(pictures: NDArray[np.uint8], subcells: int) -> Array:
    """Return the (n, subcells, subcells, 3) mean colours of the sub-cells of whole (n, h, w, 3) pictures."""
    weights = (area_weights(length, 0, LATTICE * length, subcells) / LATTICE for length in pictures.shape[1:3])
    return _averaged(pictures, *weights)


def _averaged(pictures: NDArray[np.uint8], down: Array, across: Array) -> Array:
    """Return the weighted means of (n, h, w, C) pictures: (n, subcells, subcells, C).

    The sums are whole numbers below 2**53, and down the columns mostly below 2**24, which single precision holds
    exactly. So the order of the additions changes no bit.
    """
    count, height, width, channels = pictures.shape
    subcells = len(down)
    columns = np.zeros((count, subcells, width * channels))
    enough = np.float32 if 255 * down[0].sum() < 2**24 else np.float64
    weights = down.astype(enough)
    for lines in _blocks(height, count * width * channels * columns.itemsize):
        strip = pictures[:, lines].reshape(count, -1, width * channels)
        columns += weights[:, lines] @ strip.astype(enough)
    sums: Array = across @ columns.reshape(count, subcells, width, channels)
    means: Array = sums / (down[0].sum() * across[0].sum())
    return means


def _blocks(count: int, bytes_each: int) -> Iterator[slice]:
    """Yield slices over `count` things that need at most `BLOCK_BYTES` each, or hold one thing."""
    step = max(1, BLOCK_BYTES // max(1, bytes_each))
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))
