"""The similarity of two pictures, in figures."""

from collections.abc import Iterator
from math import inf, log10

import numpy as np
from numpy.typing import NDArray

from worker.core.colour import LUMA, ciede2000, lab_of_light, linear

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Numbers = NDArray[np.intp]
Mask = NDArray[np.bool_]

CELL_SIDE = 4
"""Pixels a side of a cell in the two pictures that are compared."""
PEAK = 255.0
WINDOW = 7
K1, K2 = 0.01, 0.03
"""Wang, Bovik, Sheikh, Simoncelli 2004, section III.C."""
REACH = 3 * CELL_SIDE
"""Pixels after which the Gaussian of one cell is cut off: 3 standard deviations."""
FAR_CELLS = 1.5
"""Standard deviation, in cells, of the Gaussian that stands for the view from afar."""
FAR_DEVIATION = FAR_CELLS * CELL_SIDE
"""The same in pixels."""
FAR_REACH = 18
"""Pixels after which it is cut off: 3 standard deviations."""
BLUR_BLOCK = 64
"""Pixels along a side that are blurred by one product of matrices."""
BAND, ACROSS = 64, 1 << 14
"""Rows and columns of pixels that are processed at once; beyond them, memory holds only the two pictures."""


def psnr(one: Floats, other: Floats) -> float:
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


def enlarged(shown: Mask) -> Mask:
    """Return which pixels of the two pictures are looked at, (h, w), given which cells are."""
    return shown.repeat(CELL_SIDE, axis=0).repeat(CELL_SIDE, axis=1)


def psnr_blur(one: Floats, other: Floats, seen: Mask | None = None) -> float:
    """Return the PSNR in dB of the two pictures as seen from afar: both blurred by one cell.

    The blur is a Gaussian of standard deviation 4 pixels, which is one cell, sampled at whole pixels, cut off after
    12 and scaled to the sum 1. Beyond an edge the picture is mirrored, the outermost pixel twice: c b a | a b c.

    Args:
        one: (h, w, 3) sRGB, 0 to 255, 4 pixels a cell.
        other: (h, w, 3) likewise.
        seen: (h, w) which pixels count; None for all.
    """
    weights = _gaussian(CELL_SIDE, REACH)
    height, width = one.shape[:2]
    rows, columns = _mirrored(height, REACH), _mirrored(width, REACH)
    total = 0.0
    for down, across in _parts(height, width):
        near, beside = rows[down.start : down.stop + 2 * REACH], columns[across.start : across.stop + 2 * REACH]
        left, right = beside.min(), beside.max() + 1
        # A blur is linear: the difference of the blurred pictures is the blurred difference.
        difference = one[near, left:right] - other[near, left:right]
        squares = np.square(_blurred_twice(difference, weights, beside - left))
        total += float((squares if seen is None else squares[seen[down, across].T]).sum())
    return _psnr_of(total / (one.size if seen is None else np.count_nonzero(seen) * one.shape[2]))


def far_difference(one: Floats, other: Floats, seen: Mask | None = None) -> float:
    """Return the mean dE00 of the two pictures as an eye sees them from across a room: by the light that mixes there.

    Both are blurred in linear light by a Gaussian of standard deviation 6 pixels, which is 1.5 cells, sampled at
    whole pixels, cut off after 18 and scaled to the sum 1; edges are mirrored as in `psnr_blur`.

    Args:
        one: (h, w, 3) sRGB, 0 to 255, 4 pixels a cell.
        other: (h, w, 3) likewise.
        seen: (h, w) which pixels count; None for all.

    Source:
        X. Zhang, B. A. Wandell, "A spatial extension of CIELAB for digital color-image reproduction", Journal of the
        Society for Information Display 5(1), 1997: a blur of light, then a difference of colours, here by CIEDE2000
        and with one Gaussian for all three channels. Linear light: IEC 61966-2-1:1999.

    Example:
        >>> far_difference(np.zeros((4, 4, 3)), np.full((4, 4, 3), 255.0))
        100.0
    """
    height, width = one.shape[:2]
    rows, columns = _mirrored(height, FAR_REACH), _mirrored(width, FAR_REACH)
    total = 0.0
    for down, across in _parts(height, width):
        near = rows[down.start : down.stop + 2 * FAR_REACH]
        beside = columns[across.start : across.stop + 2 * FAR_REACH]
        seen_1, seen_2 = (lab_of_light(_seen_from_afar(picture, near, beside)) for picture in (one, other))
        differences = ciede2000(seen_1, seen_2)
        total += float((differences if seen is None else differences[seen[down, across].T]).sum())
    mean: float = total / (height * width if seen is None else np.count_nonzero(seen))
    return mean


def ssim(one: Floats, other: Floats, seen: Mask | None = None) -> float:
    """Return the mean structural similarity of the luma of two pictures, 1 for equal ones.

    With uniform windows of 7 x 7 pixels, sample covariance, K1 = 0.01, K2 = 0.03 and L = 255; the mean is over all
    windows that lie wholly inside. A picture smaller than 7 x 7 gets the largest odd window that fits.

    Args:
        one: (h, w, 3) sRGB, 0 to 255.
        other: (h, w, 3) likewise.
        seen: (h, w) in which pixels the middle of a window counts; None for all. If it is nowhere, all count.

    Source:
        Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to
        structural similarity", IEEE Transactions on Image Processing 13(4), 2004. Luma: ITU-R BT.709-6.
    """
    height, width, _ = one.shape
    window = widest_window((height, width))
    last, across = height - window + 1, width - window + 1
    middles = None if seen is None else seen[window // 2 :][:last, window // 2 :][:, :across]
    middles = None if middles is None or not middles.any() else middles
    total = 0.0
    for down, right in _parts(last, across):
        part = slice(down.start, down.stop + window - 1), slice(right.start, right.stop + window - 1)
        found = similarities(one[part] @ LUMA, other[part] @ LUMA, window)
        total += float((found if middles is None else found[middles[down, right]]).sum())
    mean: float = total / (last * across if middles is None else np.count_nonzero(middles))
    return mean


def _parts(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of parts of a picture of at most BAND x ACROSS pixels that cover it."""
    for top in range(0, height, BAND):
        for left in range(0, width, ACROSS):
            yield slice(top, min(top + BAND, height)), slice(left, min(left + ACROSS, width))


def _psnr_of(squared_error: float) -> float:
    return 10 * log10(PEAK**2 / squared_error) if squared_error else inf


def _seen_from_afar(picture: Floats, rows: Numbers, columns: Numbers) -> Array:
    """Return the blurred linear light of some pixels of a picture, with its axes exchanged: (w, r, 3).

    Args:
        picture: (h, w, 3) sRGB, 0 to 255.
        rows: (r + 2 * FAR_REACH,) numbers of the rows to blur and of those around them, mirrored at the edges.
        columns: (w + 2 * FAR_REACH,) likewise.
    """
    first, left = rows.min(), columns.min()
    light = linear(picture[first : rows.max() + 1, left : columns.max() + 1])[rows - first]
    return _blurred_twice(light, _gaussian(FAR_DEVIATION, FAR_REACH), columns - left)


def _gaussian(deviation: float, reach: int) -> Array:
    """Return a Gaussian at the pixels from -reach to reach, of the sum 1."""
    weights: Array = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights /= weights.sum()
    return weights


def _blurred_twice(picture: Floats, weights: Array, columns: Numbers) -> Array:
    """Return a picture blurred along both axes, and with them exchanged: (w, r, 3).

    Args:
        picture: (r + 2 * reach, w, 3).
        weights: (2 * reach + 1,) the weights of a pixel and of those on either side.
        columns: (w + 2 * reach,) numbers of the columns and of those around them, mirrored at the edges.
    """
    down = _blurred(picture, weights)[:, columns]
    return _blurred(np.ascontiguousarray(down.swapaxes(0, 1)), weights)


def _blurred(picture: Floats, weights: Array) -> Array:
    """Return (n + 2 * reach, m, 3) values blurred along the first axis: (n, m, 3)."""
    around = len(weights) - 1
    matrix = np.zeros((BLUR_BLOCK, BLUR_BLOCK + around))
    for place in range(BLUR_BLOCK):
        matrix[place, place : place + len(weights)] = weights
    count = len(picture) - around
    flat, blurred = picture.reshape(len(picture), -1), np.empty((count, picture[0].size))
    for start in range(0, count, BLUR_BLOCK):
        some = min(BLUR_BLOCK, count - start)
        reached = some + around
        np.matmul(matrix[:some, :reached], flat[start : start + reached], out=blurred[start : start + some])
    return blurred.reshape(count, *picture.shape[1:])


def _mirrored(length: int, reach: int) -> Numbers:
    """Return the numbers of the pixels that mirroring puts at -reach to length + reach - 1."""
    position = np.arange(-reach, length + reach) % (2 * length)
    return np.where(position < length, position, 2 * length - 1 - position)


def _weighted(picture: Array, weights: Array, axis: int) -> Array:
    """Return the weighted sums of pixels along an axis, at each place where every weight has a pixel."""
    count = picture.shape[axis] - len(weights) + 1
    moved = picture.swapaxes(0, axis)
    total = np.zeros((count, *moved.shape[1:]))
    for offset, weight in enumerate(weights):
        total += weight * moved[offset : offset + count]
    return total.swapaxes(0, axis)


def widest_window(shape: tuple[int, ...]) -> int:
    """Return the side of a window of a picture of this shape: `WINDOW`, or the largest odd one that fits."""
    least = min(shape)
    return min(WINDOW, least - 1 + least % 2)


def window_means(values: Array, window: int) -> Array:
    """Return the mean in every whole window of (h, w) values."""
    even = np.full(window, 1 / window)
    return _weighted(_weighted(values, even, 0), even, 1)


def similarities(one: Array, other: Array, window: int) -> Array:
    """Return the similarity in every whole window of two (h, w) pictures."""
    sample = window**2 / max(window**2 - 1, 1)  # a single pixel has no variance
    mean_1, mean_2 = window_means(one, window), window_means(other, window)
    variances = sample * (window_means(one * one + other * other, window) - mean_1**2 - mean_2**2)
    covariance = sample * (window_means(one * other, window) - mean_1 * mean_2)
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    return ((2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)) / ((mean_1**2 + mean_2**2 + c1) * (variances + c2))
