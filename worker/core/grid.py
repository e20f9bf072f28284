"""Mean colours: of the cells of a target, and of one photo."""

import numpy as np
from numpy.typing import NDArray

CHANNELS = 3


def cell_means(target: NDArray[np.uint8], columns: int, rows: int) -> NDArray[np.float64]:
    """Return the mean colour of every cell, row by row from the top left.

    Args:
        target: (H, W, 3) sRGB, 0 to 255; H a multiple of `rows`, W of `columns`.
        columns: Cells from left to right.
        rows: Cells from top to bottom.

    Returns:
        (rows * columns, 3) means of the encoded values, 0 to 255.

    Raises:
        ValueError: the target is not a whole number of cells.

    Example:
        >>> cell_means(np.array([[[0, 0, 0], [2, 4, 6]]], np.uint8), 1, 1).tolist()
        [[1.0, 2.0, 3.0]]
    """
    height, width, channels = target.shape
    if channels != CHANNELS or height % rows or width % columns:
        raise ValueError(f"{width} x {height} x {channels} is not a whole number of {columns} x {rows} cells")
    cell_height, cell_width = height // rows, width // columns
    # As in `mean_colour`, 32 bits are enough for every sum down a column.
    down = target.reshape(rows, cell_height, width, CHANNELS).sum(axis=1, dtype=np.uint32)
    sums = down.reshape(rows, columns, cell_width, CHANNELS).sum(axis=2, dtype=np.int64)
    means: NDArray[np.float64] = sums.reshape(rows * columns, 3) / float(cell_height * cell_width)
    return means


def mean_colour(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the (3,) mean colour of an (H, W, 3) picture, in the picture's own values.

    Example:
        >>> mean_colour(np.array([[[0, 0, 0], [2, 4, 7]]], np.uint8)).tolist()
        [1.0, 2.0, 3.5]
    """
    height, width, _ = pixels.shape
    # 32 bits hold the sum of 16,843,009 values of 255: more lines than any picture has.
    down = pixels.reshape(height, width * CHANNELS).sum(axis=0, dtype=np.uint32)
    mean: NDArray[np.float64] = down.reshape(width, CHANNELS).sum(axis=0, dtype=np.int64) / float(height * width)
    return mean
