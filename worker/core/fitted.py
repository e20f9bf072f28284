"""What is seen of a target."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fitted:
    """What is seen of a target: all of its pixels, or of the last column and the last line only a part.

    Attributes:
        pixels: (H, W, 3) sRGB, 0 to 255.
        width: How many pixels are seen from left to right, above W - 1 and at most W.
        height: How many are seen from top to bottom, above H - 1 and at most H.
    """

    pixels: NDArray[np.uint8]
    width: Fraction
    height: Fraction

    @classmethod
    def whole(cls, pixels: NDArray[np.uint8]) -> "Fitted":
        """Return a target of which every pixel is seen."""
        return cls(pixels, Fraction(pixels.shape[1]), Fraction(pixels.shape[0]))
