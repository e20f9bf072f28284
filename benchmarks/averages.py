"""Area averages of a line of pixels, apart from those of the program that is measured."""

import numpy as np
from numpy.typing import NDArray


def weights(length: int, parts: int) -> NDArray[np.float32]:
    """Return (parts, length) weights that average a line of pixels to `parts` equal stretches.

    Example:
        >>> (3 * weights(3, 2)).tolist()
        [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
    """
    ends = np.linspace(0, length, parts + 1)
    pixels = np.arange(length)
    inside = np.minimum(pixels + 1, ends[1:, None]) - np.maximum(pixels, ends[:-1, None])
    shares: NDArray[np.float32] = (np.maximum(inside, 0) * (parts / length)).astype(np.float32)
    return shares
