"""What the cells of a target look like from afar: the mean colours of their g x g sub-cells.

The edges of a cell may lie within a pixel, which then counts for each side by its share. All shares are whole numbers
of one unit, so every mean is a sum of whole numbers and one division: the same picture gives the same bits on every
machine, and where no edge cuts a pixel, the same as plain averages.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from worker.core.descriptors import BLOCK_BYTES, CHANNELS
from worker.core.fitted import Fitted

Array = NDArray[np.float64]


def of_cells(target: Fitted, columns: int, rows: int, parts: int) -> Array:
    """Return the mean colours of the sub-cells of every cell, row by row from the top left.

    Args:
        target: The target that is cut into equal cells.
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        parts: Sub-cells from left to right, and from top to bottom, of a cell.

    Returns:
        (rows * columns, parts, parts, 3) means of the encoded values, 0 to 255.

    Raises:
        ValueError: the target is not (H, W, 3).

    Example:
        >>> target = Fitted.whole(np.array([[[0, 0, 0], [2, 4, 6], [9, 9, 9]]], np.uint8))
        >>> of_cells(target, 2, 1, 1)[:, 0, 0].tolist()
        [[0.6666666666666666, 1.3333333333333333, 2.0], [6.666666666666667, 7.333333333333333, 8.0]]
    """
    return of_rows(target, columns, rows, parts, range(rows))


def of_rows(target: Fitted, columns: int, rows: int, parts: int, some: range) -> Array:
    """Return the same as `of_cells` for some of the rows of cells: (len(some) * columns, parts, parts, 3)."""
    if target.pixels.ndim != CHANNELS or target.pixels.shape[2] != CHANNELS:
        raise ValueError(f"a target must be (H, W, 3), not {target.pixels.shape}")
    height, width, _ = target.pixels.shape
    down, right = target.height / rows, target.width / columns
    lines = target.pixels.reshape(height, width * CHANNELS)
    means = np.empty((len(some), columns, parts, parts, CHANNELS))
    for block in _blocks(some, max(parts, ceil(down)) * width * CHANNELS * means.itemsize):
        summed = _sums(lines, down, block, parts).reshape(-1, width, CHANNELS)
        by_pixel = summed.swapaxes(0, 1).reshape(width, -1)
        sums = _sums(by_pixel, right, range(columns), parts).reshape(columns, parts, len(block), parts, CHANNELS)
        area = (down / parts).numerator * (right / parts).numerator
        at = slice(block.start - some.start, block.stop - some.start)
        np.divide(sums.transpose(2, 0, 3, 1, 4), area, out=means[at])
    return means.reshape(-1, parts, parts, CHANNELS)


def _sums(lines: NDArray[np.number], extent: Fraction, cells: range, parts: int) -> Array:
    """Return the sums of the lines in each of `parts` stretches of some cells, in shares of a line.

    Args:
        lines: (L, V) whole numbers.
        extent: How many lines a cell takes; the first one begins with the first line.
        cells: Numbers of the cells.
        parts: Stretches of a cell.

    Returns:
        (len(cells), parts, V). A line that lies in one stretch counts `extent / parts`'s denominator.
    """
    length, unit = (extent / parts).as_integer_ratio()
    begin = np.arange(cells.start * parts, cells.stop * parts).reshape(-1, parts, 1) * length
    first = begin[:, :1, 0] // unit
    reach = int((-(-(begin[:, -1] + length) // unit) - first).max())
    # Whole numbers below 2**24 are exact in single precision too.
    enough = np.float32 if lines.dtype == np.uint8 and 255 * length < 2**24 else np.float64
    sums = np.zeros((len(cells), parts, lines.shape[1]))
    for some in _blocks(range(reach), sums[:, 0].nbytes):
        line = first + np.arange(some.start, some.stop)
        begun = line[:, None] * unit
        shares = np.maximum(np.minimum(begun + unit, begin + length) - np.maximum(begun, begin), 0)
        taken = lines[np.minimum(line, len(lines) - 1)]
        sums += shares.astype(enough) @ taken.astype(enough, copy=False)
    return sums


def _blocks(whole: range, bytes_each: int) -> Iterator[range]:
    """Yield stretches of a range that take no more than `BLOCK_BYTES`, or one number, at a time."""
    step = max(1, BLOCK_BYTES // bytes_each)
    for first in range(whole.start, whole.stop, step):
        yield range(first, min(first + step, whole.stop))
