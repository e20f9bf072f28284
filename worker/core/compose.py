"""Tiles side by side."""

import numpy as np
from numpy.typing import NDArray


def band(tiles: NDArray[np.uint8], places: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return one row of cells as pixels.

    Args:
        tiles: (D, h, w, 3) pixels.
        places: (C,) which of them lie in the row, from left to right.

    Returns:
        (h, C * w, 3) pixels.

    Example:
        >>> band(np.array([[[[1, 1, 1]]], [[[2, 2, 2]]]], np.uint8), np.array([1, 0]))[:, :, 0].tolist()
        [[2, 1]]
    """
    _, height, width, channels = tiles.shape
    return tiles[places].swapaxes(0, 1).reshape(height, len(places) * width, channels)
