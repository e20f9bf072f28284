"""A target, and which part of it the mosaic shows."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from worker.core.lattice import RECTANGLES, Lattice


@dataclass(frozen=True)
class Fitted:
    """The part of a target that the mosaic shows; of the last column and the last line it may be a fraction.

    Attributes:
        pixels: (H, W, 3) sRGB, 0 to 255.
        width: Pixels shown from left to right, more than W - 1 and at most W.
        height: Pixels shown from top to bottom, more than H - 1 and at most H.
        lattice: Where its cells lie. Where every other row is moved, those from the first on begin half a cell left
            of what is shown, so that half a cell of each row lies outside: of its first cell, or else of its last.
            Where rows overlap, as much of the first row lies above what is shown, and of the last row below.
    """

    pixels: NDArray[np.uint8]
    width: Fraction
    height: Fraction
    lattice: Lattice = RECTANGLES

    def cell_width(self, columns: int) -> Fraction:
        """Return the width of a cell where each row has so many."""
        return self.width / (columns - Fraction(self.lattice.shifted, 2))

    def starts(self, columns: int) -> list[Fraction]:
        """Return where the rows of cells begin: all of them, or those of even and those of odd numbers."""
        return [-self.cell_width(columns) / 2, Fraction(0)] if self.lattice.shifted else [Fraction(0)]

    def cell_height(self, rows: int) -> Fraction:
        """Return the height of a cell where there are so many rows."""
        return self.height / (rows - (rows + 1) * self.lattice.overlap)

    @classmethod
    def whole(cls, pixels: NDArray[np.uint8]) -> "Fitted":
        """Return a target of which all (H, W, 3) pixels are shown whole."""
        return cls(pixels, Fraction(pixels.shape[1]), Fraction(pixels.shape[0]))
