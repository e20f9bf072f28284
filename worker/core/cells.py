"""What the cells of a target look like from afar: the mean colours of their g x g sub-cells.

The edge of a cell may cut through a pixel, which then counts on either side in proportion. All proportions are whole
numbers of one unit, so every mean is a sum of whole numbers and one division: the same picture gives the same bits on
every machine, and plain averages where no edge cuts a pixel. What of a cell lies outside the target looks like the
nearest pixels inside. Cells that are no rectangles are cut into finer parts, which count by how much of them belongs
to the cell.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil, lcm

import numpy as np
from numpy.typing import NDArray

from worker.core import outline
from worker.core.descriptors import CHANNELS, MOST
from worker.core.fitted import Fitted

Array = NDArray[np.float64]

BLOCK_BYTES = 4 << 20
WHERE_LINES_BEGIN = Fraction(0)


def of_cells(target: Fitted, columns: int, rows: int, subcells: int) -> Array:
    """Return the mean colours of the sub-cells of every cell, row by row from the top left.

    Args:
        target: The target that is cut into equal cells.
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        subcells: Sub-cells from left to right, and from top to bottom, of a cell.

    Returns:
        (rows * columns, subcells, subcells, 3) means of the encoded values, 0 to 255.

    Raises:
        ValueError: the target is not (H, W, 3).

    Example:
        >>> target = Fitted.whole(np.array([[[0, 0, 0], [2, 4, 6], [9, 9, 9]]], np.uint8))
        >>> of_cells(target, 2, 1, 1)[:, 0, 0].tolist()
        [[0.6666666666666666, 1.3333333333333333, 2.0], [6.666666666666667, 7.333333333333333, 8.0]]
    """
    return of_rows(target, columns, rows, subcells, range(rows))


def coverage(mask: Fitted, columns: int, rows: int) -> Array:
    """Return the (rows, columns) means of a mask in every cell, 0 to 255.

    Args:
        mask: As a target, but with (H, W) pixels.
        columns: Cells from left to right.
        rows: Cells from top to bottom.

    Example:
        >>> coverage(Fitted.whole(np.array([[0, 255, 255]], np.uint8)), 2, 1).tolist()
        [[85.0, 255.0]]
    """
    means = _means(replace(mask, pixels=mask.pixels[:, :, None]), columns, rows, 1, range(rows))
    return means.reshape(rows, columns)


def of_rows(
    target: Fitted, columns: int, rows: int, subcells: int, some: range, levels: NDArray[np.float32] | None = None
) -> Array:
    """Return the mean colours of the sub-cells of some rows of cells, as `of_cells`.

    Args:
        target: The target that is cut into equal cells.
        columns: Cells from left to right.
        rows: Cells from top to bottom, of the whole target.
        subcells: Sub-cells from left to right, and from top to bottom, of a cell.
        some: The rows of cells that are wanted.
        levels: (256,) whole numbers up to `descriptors.MOST` to average in place of the encoded values.

    Returns:
        (len(some) * columns, subcells, subcells, 3) means of the encoded values, 0 to 255, or of `levels`.

    Raises:
        ValueError: the target is not (H, W, 3).
    """
    if target.pixels.ndim != CHANNELS or target.pixels.shape[2] != CHANNELS:
        raise ValueError(f"a target must be (H, W, 3), not {target.pixels.shape}")
    means = _means(target, columns, rows, subcells, some, levels)
    return means.reshape(-1, subcells, subcells, CHANNELS)


def _means(
    target: Fitted, columns: int, rows: int, subcells: int, some: range, levels: NDArray[np.float32] | None = None
) -> Array:
    """Return the (len(some), columns, subcells, subcells, C) means of a target of (H, W, C) pixels, as `of_rows`."""
    height, width, channels = target.pixels.shape
    down, right, starts = target.cell_height(rows), target.cell_width(columns), target.starts(columns)
    overlap, parts = down * target.lattice.overlap, outline.finer(target.lattice, subcells)
    lines = target.pixels.reshape(height, width * channels)
    means = np.empty((len(some), columns, subcells, subcells, channels))
    for block in _blocks(
        some, max(parts * max(width, columns * parts), ceil(down) * width) * channels * means.itemsize
    ):
        summed = _sums(lines, down, block, parts, levels, -overlap, down - overlap)
        summed = summed.reshape(len(block), parts, width, channels)
        for number, start in enumerate(starts):
            first, step = (number - block.start) % len(starts), len(starts)
            taken = summed[first::step]
            by_pixel = taken.transpose(2, 0, 1, 3).reshape(width, -1)
            shape = columns, parts, len(taken), parts, channels
            sums = _sums(by_pixel, right, range(columns), parts, start=start).reshape(shape).transpose(2, 0, 3, 1, 4)
            area = _units(down / parts, -overlap, down - overlap)[0] * _units(right / parts, start, right)[0]
            at = slice(block.start - some.start + first, block.stop - some.start, step)
            if parts == subcells:
                np.divide(sums, area, out=means[at])
            else:
                means[at] = outline.gathered(target.lattice, sums / area, subcells)
    return means


def _sums(
    lines: NDArray[np.number],
    extent: Fraction,
    cells: range,
    subcells: int,
    levels: NDArray[np.float32] | None = None,
    start: Fraction = WHERE_LINES_BEGIN,
    pitch: Fraction | None = None,
) -> Array:
    """Return the weighted sums of the lines in each of the `subcells` equal stretches of some cells.

    Args:
        lines: (L, V) whole numbers.
        extent: How many lines a cell takes.
        cells: Numbers of the cells.
        subcells: Stretches of a cell.
        levels: What is summed in place of each whole number, if not the number itself.
        start: Where the first cell begins.
        pitch: How many lines after a cell the next one begins; None for as many as it takes.

    Returns:
        (len(cells), subcells, V). The weight of a line that lies wholly in one stretch is the second of `_units`.
    """
    pitch = extent if pitch is None else pitch
    length, unit = _units(extent / subcells, start, pitch)
    begin = np.arange(cells.start, cells.stop)[:, None, None] * int(pitch * unit)
    begin = begin + np.arange(subcells)[:, None] * length + int(start * unit)
    first = begin[:, :1, 0] // unit
    reach = int((-(-(begin[:, -1] + length) // unit) - first).max())
    # Whole numbers below 2**24 are exact in single precision too.
    most = 255 if levels is None else MOST
    enough = np.float32 if lines.dtype == np.uint8 and most * length < 2**24 else np.float64
    sums = np.zeros((len(cells), subcells, lines.shape[1]))
    for some in _blocks(range(reach), sums[:, 0].nbytes):
        line = first + np.arange(some.start, some.stop)
        begun = line[:, None] * unit
        shares = np.maximum(np.minimum(begun + unit, begin + length) - np.maximum(begun, begin), 0)
        taken = lines[np.clip(line, 0, len(lines) - 1)]
        taken = taken if levels is None else levels[taken]
        sums += shares.astype(enough) @ taken.astype(enough, copy=False)
    return sums


def _units(stretch: Fraction, start: Fraction, pitch: Fraction) -> tuple[int, int]:
    """Return the length of a stretch, and that of a line, in the largest unit that divides all these lengths."""
    unit = lcm(stretch.denominator, start.denominator, pitch.denominator)
    return int(stretch * unit), unit


def _blocks(whole: range, bytes_each: int) -> Iterator[range]:
    """Yield consecutive pieces of a range that need at most `BLOCK_BYTES` each, or are one number long."""
    step = max(1, BLOCK_BYTES // max(1, bytes_each))
    for first in range(whole.start, whole.stop, step):
        yield range(first, min(first + step, whole.stop))
