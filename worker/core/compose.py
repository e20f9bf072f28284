"""Tiles laid side by side, their colours moved towards the target's, and cells left empty."""

import numpy as np
from numpy.typing import NDArray

MOST = 255
"""The highest level of a channel."""
COLOURS = 3
"""Channels without alpha."""


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


def tinted(strip: NDArray[np.uint8], shifts: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return lines of a row of cells with a colour added to each cell, clipped to 0 and 255.

    Args:
        strip: (h, C * w, 3) pixels of the row.
        shifts: (C, 3) what is added to each cell, in levels.

    Returns:
        (h, C * w, 3) pixels.

    Example:
        >>> tinted(np.uint8([[[1, 2, 3], [250, 250, 250]]]), np.array([[1.0, 0, -9], [9, 0, 0]])).tolist()
        [[[2, 2, 0], [255, 250, 250]]]
    """
    height, width, _ = strip.shape
    whole = np.clip(np.rint(shifts), -MOST, MOST)
    up, down = (
        np.repeat(np.maximum(each, 0).astype(np.uint8), width // len(shifts), axis=0).ravel()
        for each in (whole, -whole)
    )
    # Each pixel is held back from the end that it would pass, so that bytes are enough: three times as quick.
    moved: NDArray[np.uint8] = np.minimum(strip.reshape(height, -1), MOST - up)
    moved += up
    np.maximum(moved, down, out=moved)
    moved -= down
    return moved.reshape(strip.shape)


def blended(strip: NDArray[np.uint8], overlay: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Return pixels mixed with an overlay.

    Args:
        strip: (h, w, 3) pixels, 0 to 255.
        overlay: (h, w, 3) pixels, 0 to 255.
        share: Weight of the overlay, 0 to 1.

    Returns:
        (h, w, 3) pixels, rounded.

    Example:
        >>> blended(np.uint8([[[0, 100, 200]]]), np.uint8([[[100, 100, 100]]]), 0.25).tolist()
        [[[25, 100, 175]]]
    """
    mixed = strip + np.float32(share) * (overlay.astype(np.float32) - strip)
    rounded: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return rounded


def mixed(upper: NDArray[np.uint8], lower: NDArray[np.uint8], share: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return lines in which two rows of cells lie beside each other.

    Where a pixel is transparent, its colour counts for nothing.

    Args:
        upper: (h, w, 3) pixels of the upper row, or (h, w, 4) with alpha, which is 0 or 255.
        lower: (h, w, 3) or (h, w, 4) of the lower row.
        share: (h, w) how much of each pixel is the upper row's, 0 to 255; the rest is the lower one's.

    Returns:
        (h, w, 3) or (h, w, 4) pixels, rounded.

    Example:
        >>> mixed(np.uint8([[[255, 9, 0]]]), np.uint8([[[0, 9, 255]]]), np.array([[51]])).tolist()
        [[[51, 9, 204]]]
    """
    above = share.astype(np.uint16)[:, :, None]
    below = MOST - above
    if upper.shape[2] == COLOURS:
        return ((above * upper + below * lower + MOST // 2) // MOST).astype(np.uint8)
    above, below = above * (upper[:, :, COLOURS:] > 0), below * (lower[:, :, COLOURS:] > 0)
    alpha = above + below
    sums = above * upper[:, :, :COLOURS] + below * lower[:, :, :COLOURS]
    colours = np.where(alpha > 0, (sums + alpha // 2) // np.maximum(alpha, 1), MOST)
    return np.concatenate([colours, alpha], axis=2).astype(np.uint8)


def with_alpha(strip: NDArray[np.uint8], there: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return (h, w, 3) pixels with alpha, (h, w, 4): opaque in the columns that are `there`, (w,), and else clear.

    Example:
        >>> with_alpha(np.uint8([[[1, 2, 3], [4, 5, 6]]]), np.array([True, False])).tolist()
        [[[1, 2, 3, 255], [4, 5, 6, 0]]]
    """
    alpha = np.broadcast_to((MOST * there).astype(np.uint8)[None, :, None], (*strip.shape[:2], 1))
    return np.concatenate([strip, alpha], axis=2)
