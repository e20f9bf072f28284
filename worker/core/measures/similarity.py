"""The similarity of two pictures, in figures."""

from math import inf, log10

import numpy as np
from numpy.typing import NDArray

from worker.core.colour import LUMA

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

CELL_SIDE = 4
"""Pixels a side of a cell in the two pictures that are compared."""
PEAK = 255.0
WINDOW = 7
K1, K2 = 0.01, 0.03
"""Wang, Bovik, Sheikh, Simoncelli 2004, section III.C."""
REACH = 3 * CELL_SIDE
"""Pixels after which the Gaussian of one cell is cut off: 3 standard deviations."""
BAND = 256
"""Rows of pixels that are processed at once; beyond them, memory holds only the two pictures themselves."""


def psnr(one: Array, other: Array) -> float:
    """Return the peak signal-to-noise ratio in dB over all channels, peak 255; infinite for equal pictures.

    Args:
        one: (h, w, 3) sRGB, 0 to 255.
        other: (h, w, 3) likewise.

    Source:
        10 log10(255^2 / MSE), as in ITU-T J.340 but over R, G and B alike.

    Example:
        >>> psnr(np.zeros((1, 1, 3)), np.full((1, 1, 3), 25.5))
        20.0
    """
    return _psnr_of(float(np.square(one - other).mean()))


def psnr_blur(one: Array, other: Array) -> float:
    """Return the PSNR in dB of the two pictures as seen from afar: both blurred by one cell.

    The blur is a Gaussian of standard deviation 4 pixels, which is one cell, sampled at whole pixels, cut off after
    12 and scaled to the sum 1. Beyond an edge the picture is mirrored, the outermost pixel twice: c b a | a b c.

    Args:
        one: (h, w, 3) sRGB, 0 to 255, 4 pixels a cell.
        other: (h, w, 3) likewise.
    """
    offsets = np.arange(-REACH, REACH + 1)
    weights = np.exp(-0.5 * (offsets / CELL_SIDE) ** 2)
    weights /= weights.sum()
    height, width = one.shape[:2]
    rows, columns = _mirrored(height), _mirrored(width)
    total = 0.0
    for start in range(0, height, BAND):
        stop = min(start + BAND, height)
        near = rows[start : stop + 2 * REACH]
        # A blur is linear: the difference of the blurred pictures is the blurred difference.
        difference = one[near] - other[near]
        down = _weighted(difference, weights, 0)
        total += float(np.square(_weighted(down[:, columns], weights, 1)).sum())
    return _psnr_of(total / one.size)


def ssim(one: Array, other: Array) -> float:
    """Return the mean structural similarity of the luma of two pictures, 1 for equal ones.

    With uniform windows of 7 x 7 pixels, sample covariance, K1 = 0.01, K2 = 0.03 and L = 255; the mean is over all
    windows that lie wholly inside. A picture smaller than 7 x 7 gets the largest odd window that fits.

    Args:
        one: (h, w, 3) sRGB, 0 to 255.
        other: (h, w, 3) likewise.

    Source:
        Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to
        structural similarity", IEEE Transactions on Image Processing 13(4), 2004. Luma: ITU-R BT.709-6.
    """
    height, width, _ = one.shape
    least = min(height, width)
    window = min(WINDOW, least - 1 + least % 2)
    last = height - window + 1
    total = 0.0
    for start in range(0, last, BAND):
        band = slice(start, min(start + BAND, last) + window - 1)
        total += float(_similarities(one[band] @ LUMA, other[band] @ LUMA, window).sum())
    mean: float = total / (last * (width - window + 1))
    return mean


def _psnr_of(squared_error: float) -> float:
    return 10 * log10(PEAK**2 / squared_error) if squared_error else inf


def _mirrored(length: int) -> Numbers:
    """Return the numbers of the pixels that mirroring puts at -REACH to length + REACH - 1."""
    position = np.arange(-REACH, length + REACH) % (2 * length)
    return np.where(position < length, position, 2 * length - 1 - position)


def _weighted(picture: Array, weights: Array, axis: int) -> Array:
    """Return the weighted sums of pixels along an axis, at each place where every weight has a pixel."""
    count = picture.shape[axis] - len(weights) + 1
    moved = picture.swapaxes(0, axis)
    total = np.zeros((count, *moved.shape[1:]))
    for offset, weight in enumerate(weights):
        total += weight * moved[offset : offset + count]
    return total.swapaxes(0, axis)


def _similarities(one: Array, other: Array, window: int) -> Array:
    """Return the similarity in every whole window of two (h, w) pictures."""
    even = np.full(window, 1 / window)

    def mean(values: Array) -> Array:
        return _weighted(_weighted(values, even, 0), even, 1)

    sample = window**2 / (window**2 - 1)
    mean_1, mean_2 = mean(one), mean(other)
    variances = sample * (mean(one * one + other * other) - mean_1**2 - mean_2**2)
    covariance = sample * (mean(one * other) - mean_1 * mean_2)
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    return ((2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)) / ((mean_1**2 + mean_2**2 + c1) * (variances + c2))
