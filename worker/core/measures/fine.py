"""Whether the fine parts of a picture, such as eyes and edges, are still clear in its mosaic."""

import numpy as np
from numpy.typing import NDArray

from worker.core.colour import LUMA
from worker.core.measures.similarity import WINDOW, Floats, Mask, similarities, widest_window, window_means

Array = NDArray[np.float64]

SIDE = 96
"""About how many pixels the longer side has at which both pictures are seen: more is not seen at a glance, and with
fewer every mosaic is clear. docs/explanation/pictures.md has the measurement."""
SHARE = 0.1
"""Of all windows, those with the most detail in the target."""
LEAST_DETAIL = 1.0
"""Variance of luma below which there is nothing to see; rounding to whole levels alone makes 1/12."""


def fine(one: Floats, other: Floats, seen: Mask | None = None) -> float | None:
    """Return the structural similarity of two pictures where the first has the most detail; None if it has none.

    Both are averaged in square blocks until their longer side has about `SIDE` pixels. Of the windows of `ssim` that
    lie wholly inside, the tenth counts in which the luma of the first picture varies most.

    Args:
        one: (h, w, 3) sRGB of the target, 0 to 255.
        other: (h, w, 3) likewise of the mosaic.
        seen: (h, w) in which pixels the middle of a window counts; None for all. If it is nowhere, all count.

    Example:
        >>> flat = np.full((8, 8, 3), 7.0)
        >>> fine(flat, flat) is None
        True
    """
    height, width = one.shape[:2]
    side = max(1, min(round(max(height, width) / SIDE), min(height, width) // WINDOW))
    target, mosaic = (_averaged(picture @ LUMA, side) for picture in (one, other))
    window = widest_window(target.shape)
    detail = window_means(np.square(target - target.mean()), window)
    detail -= np.square(window_means(target - target.mean(), window))
    found = similarities(target, mosaic, window)
    if seen is not None:
        shown = _averaged(seen.astype(np.float64), side) >= 1 / 2
        middles = shown[window // 2 :, window // 2 :][: detail.shape[0], : detail.shape[1]]
        if middles.any():
            detail, found = detail[middles], found[middles]
    most = np.argsort(-detail, axis=None, kind="stable")[: max(1, round(SHARE * detail.size))]
    return None if detail.ravel()[most[0]] < LEAST_DETAIL else float(found.ravel()[most].mean())


def _averaged(values: Array, side: int) -> Array:
    """Return the means of square blocks of (h, w) values; what is left over at the right and below is left out."""
    height, width = (length // side for length in values.shape)
    blocks = values[: height * side, : width * side].reshape(height, side, width, side)
    means: Array = blocks.mean(axis=(1, 3))
    return means
