"""Means of sub-cells as the first edition made them, with its speed: what `frozen` computes features of."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from worker.core.fitted import Fitted

Array = NDArray[np.float64]

CHANNELS = 3
BLOCK_BYTES = 4 << 20
LATTICE = 64
"""Steps that a pixel of a thumb is divided into; a crop begins and ends at a step."""


def of_target(target: Fitted, columns: int, rows: int, subcells: int, some: range) -> Array:
    """Return the mean colours of the sub-cells of some rows of cells of a target: (n, subcells, subcells, 3)."""
    height, width, _ = target.pixels.shape
    down, right = target.height / rows, target.width / columns
    lines = target.pixels.reshape(height, width * CHANNELS)
    means = np.empty((len(some), columns, subcells, subcells, CHANNELS))
    for block in _blocks(some, max(subcells, ceil(down)) * width * CHANNELS * means.itemsize):
        summed = _sums(lines, down, block, subcells).reshape(-1, width, CHANNELS)
        by_pixel = summed.swapaxes(0, 1).reshape(width, -1)
        shape = columns, subcells, len(block), subcells, CHANNELS
        sums = _sums(by_pixel, right, range(columns), subcells).reshape(shape)
        area = (down / subcells).numerator * (right / subcells).numerator
        at = slice(block.start - some.start, block.stop - some.start)
        np.divide(sums.transpose(2, 0, 3, 1, 4), area, out=means[at])
    return means.reshape(-1, subcells, subcells, CHANNELS)


def _sums(lines: NDArray[np.number], extent: Fraction, cells: range, subcells: int) -> Array:
    """Return the (n, subcells, V) weighted sums of (L, V) lines in each of the equal stretches of some cells."""
    length, unit = (extent / subcells).as_integer_ratio()
    begin = np.arange(cells.start * subcells, cells.stop * subcells).reshape(-1, subcells, 1) * length
    first = begin[:, :1, 0] // unit
    reach = int((-(-(begin[:, -1] + length) // unit) - first).max())
    # Whole numbers below 2**24 are exact in single precision too.
    enough = np.float32 if lines.dtype == np.uint8 and 255 * length < 2**24 else np.float64
    sums = np.zeros((len(cells), subcells, lines.shape[1]))
    for some in _blocks(range(reach), sums[:, 0].nbytes):
        line = first + np.arange(some.start, some.stop)
        begun = line[:, None] * unit
        shares = np.maximum(np.minimum(begun + unit, begin + length) - np.maximum(begun, begin), 0)
        taken = lines[np.minimum(line, len(lines) - 1)]
        sums += shares.astype(enough) @ taken.astype(enough, copy=False)
    return sums


def _blocks(whole: range, bytes_each: int) -> Iterator[range]:
    """Yield consecutive pieces of a range that need at most `BLOCK_BYTES` each, or are one number long."""
    step = max(1, BLOCK_BYTES // bytes_each)
    for first in range(whole.start, whole.stop, step):
        yield range(first, min(first + step, whole.stop))


def of_photos(thumbs: NDArray[np.uint8], sizes: NDArray[np.integer], shape: tuple[int, int], subcells: int) -> Array:
    """Return the (M, subcells, subcells, 3) mean colours of the sub-cells of every photo's largest centred crop."""
    side = thumbs.shape[1]
    means = np.empty((len(thumbs), subcells, subcells, CHANNELS))
    different, kind = np.unique(sizes, axis=0, return_inverse=True)
    order = np.argsort(kind, kind="stable")
    bounds = np.searchsorted(kind[order], np.arange(len(different) + 1))
    for number, (width, height) in enumerate(different.tolist()):
        across = _centred(side, min(1.0, height * shape[0] / (width * shape[1])), subcells)
        down = _centred(side, min(1.0, width * shape[1] / (height * shape[0])), subcells)
        members = order[bounds[number] : bounds[number + 1]]
        for some in _slices(len(members), thumbs[0].size * means.itemsize):
            means[members[some]] = _averaged(thumbs[members[some]], down, across)
    return means


def _centred(side: int, seen: float, subcells: int) -> Array:
    """Return the weights of the middle of a thumb's line; `seen` is the share of it that the crop shows."""
    half = max(1, round(seen * side * LATTICE / 2))
    return _area_weights(side, side * LATTICE // 2 - half, 2 * half, subcells)


def _area_weights(length: int, start: int, extent: int, subcells: int) -> Array:
    """Return (subcells, length) how much of each pixel of a line lies in each of equal stretches of it."""
    pixel = np.arange(length) * (LATTICE * subcells)
    stretch = (start * subcells + np.arange(subcells) * extent)[:, None]
    overlap = np.minimum(pixel + LATTICE * subcells, stretch + extent) - np.maximum(pixel, stretch)
    weights: Array = np.maximum(overlap, 0).astype(np.float64)
    return weights


def _averaged(pictures: NDArray[np.uint8], down: Array, across: Array) -> Array:
    """Return the weighted means of (n, h, w, 3) pictures: (n, subcells, subcells, 3)."""
    count, height, width, _ = pictures.shape
    subcells = len(down)
    columns = np.zeros((count, subcells, width * CHANNELS))
    enough = np.float32 if 255 * down[0].sum() < 2**24 else np.float64
    weights = down.astype(enough)
    for lines in _slices(height, count * width * CHANNELS * columns.itemsize):
        strip = pictures[:, lines].reshape(count, -1, width * CHANNELS)
        columns += weights[:, lines] @ strip.astype(enough)
    sums: Array = across @ columns.reshape(count, subcells, width, CHANNELS)
    means: Array = sums / (down[0].sum() * across[0].sum())
    return means


def _slices(count: int, bytes_each: int) -> Iterator[slice]:
    """Yield slices over `count` things that need at most `BLOCK_BYTES` each, or hold one thing."""
    step = max(1, BLOCK_BYTES // max(1, bytes_each))
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))
