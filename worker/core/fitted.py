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
        shifted: Whether every other row of cells, from the first on, begins half a cell left of what is shown. Then
            half a cell of each row lies outside: of its first cell, or else of its last.
    """

    pixels: NDArray[np.uint8]
    width: Fraction
    height: Fraction
    shifted: bool = False

    def cell_width(self, columns: int) -> Fraction:
        """Return the width of a cell where each row has so many."""
        return self.width / (columns - Fraction(self.shifted, 2))

    def starts(self, columns: int) -> list[Fraction]:
        """Return where the rows of cells begin: all of them, or those of even and those of odd numbers."""
        return [-self.cell_width(columns) / 2, Fraction(0)] if self.shifted else [Fraction(0)]

    @classmethod
    def whole(cls, pixels: NDArray[np.uint8]) -> "Fitted":
        """Return a target of which all (H, W, 3) pixels are shown whole."""
        return cls(pixels, Fraction(pixels.shape[1]), Fraction(pixels.shape[0]))
