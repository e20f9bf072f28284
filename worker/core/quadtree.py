"""Larger cells where a target is calm: blocks of 4 x 4 of the finest cells, else of 2 x 2, else single cells."""

import numpy as np
from numpy.typing import NDArray

from worker.core.cells import of_rows
from worker.core.colour import oklab
from worker.core.fitted import Fitted
from worker.core.sizes import LARGER, before

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SAMPLES = 4
"""Samples across and down one of the finest cells: as many as the quality report compares."""
ROWS_AT_ONCE = 32


def spans_of(target: Fitted, filled: Mask, bound: float, largest: int) -> NDArray[np.uint8]:
    """Return the sizes of cells that a target asks for; see `worker.core.sizes.Sizes`.

    A block becomes one cell if all of its places are filled and the standard deviation of the target in it is at most
    `bound`. The largest blocks are looked at first.

    Args:
        target: The target, cut into rows x columns of the finest cells.
        filled: (rows, columns) which of them are filled.
        bound: A distance in Oklab, whose lightness goes from 0 to 1.
        largest: How many places a cell may span at most, across and down.
    """
    means, squares = _moments(target, *filled.shape)
    spans = filled.astype(np.uint8)
    free = filled.copy()
    for span in sorted((span for span in LARGER if span <= largest), reverse=True):
        middle = _of_blocks(means, span)
        variances = _of_blocks(squares, span) - np.einsum("ijc,ijc->ij", middle, middle)
        calm = (variances <= bound * bound) & (_of_blocks(free.astype(np.float64), span) == 1)
        covered = calm.repeat(span, axis=0).repeat(span, axis=1)
        within = slice(0, covered.shape[0]), slice(0, covered.shape[1])
        spans[within][covered], free[within][covered] = 0, False
        rows, columns = np.nonzero(calm)
        spans[rows * span + before(span), columns * span + before(span)] = span
    return spans


def _moments(target: Fitted, rows: int, columns: int) -> tuple[Array, Array]:
    """Return the means (rows, columns, 3) of the finest cells in Oklab, and of the squares, (rows, columns)."""
    means, squares = np.empty((rows, columns, 3)), np.empty((rows, columns))
    for first in range(0, rows, ROWS_AT_ONCE):
        some = range(first, min(first + ROWS_AT_ONCE, rows))
        samples = oklab(of_rows(target, columns, rows, SAMPLES, some)).reshape(len(some), columns, -1, 3)
        means[some.start : some.stop] = samples.mean(axis=2)
        squares[some.start : some.stop] = np.einsum("ijsc,ijsc->ij", samples, samples) / SAMPLES**2
    return means, squares


def _of_blocks(values: Array, span: int) -> Array:
    """Return the means of (rows, columns, ...) values in whole blocks of span x span places."""
    rows, columns = (length // span for length in values.shape[:2])
    whole = values[: rows * span, : columns * span]
    means: Array = whole.reshape(rows, span, columns, span, *values.shape[2:]).mean(axis=(1, 3))
    return means
