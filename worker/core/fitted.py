"""A target, and which part of it the mosaic shows."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fitted:
    """The part of a target that the mosaic shows; of the last column and the last line it may be a fraction.

    Attributes:
        pixels: (H, W, 3) sRGB, 0 to 255.
        width: Pixels shown from left to right, more than W - 1 and at most W.
        height: Pixels shown from top to bottom, more than H - 1 and at most H.
    """

    pixels: NDArray[np.uint8]
    width: Fraction
    height: Fraction

    @classmethod
    def whole(cls, pixels: NDArray[np.uint8]) -> "Fitted":
        """Return a target of which all (H, W, 3) pixels are shown whole."""
        return cls(pixels, Fraction(pixels.shape[1]), Fraction(pixels.shape[0]))
