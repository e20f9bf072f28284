"""The view from afar: an eye that no longer sees cells sees a blur of their light.

The error of a placement is its light minus the target's, in every cell, as a difference of L*a*b*: the light's error
times the slope of L*a*b* at the target's colour, so that a step of light counts more where it is dark. Blurred from
cell to cell, the squares of these errors sum up to e'Ce, where C is the autocorrelation of the blur. Errors of
neighbours that cancel out cost nothing, which is what halftoning does with dots.

Source: direct binary search, M. Analoui and J. P. Allebach, "Model-based halftoning using direct binary search", SPIE
1666, 1992, and D. J. Lieberman and J. P. Allebach, "A dual interpretation for direct binary search", IEEE TIP 9(11),
2000. That an eye compares blurred colours: X. Zhang and B. A. Wandell, "A spatial extension of CIELAB for digital
color-image reproduction", Journal of the SID 5(1), 1997.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.colour import slope_of_lab
from worker.core.lattice import RECTANGLES, Lattice
from worker.core.measures.similarity import FAR_CELLS

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Numbers = NDArray[np.intp]

REACH = 6
"""Cells beyond which the autocorrelation is taken to be 0: there it is below two hundredths of its peak."""


@dataclass(frozen=True)
class FarView:
    """How errors of cells add up for an eye far away.

    Attributes:
        slopes: (N, 3, 3) from light to L*a*b*, in hundredths, at the colour of each cell, row by row.
        light: (N, 3) linear light of the cells, 0 to 1.
        weight: What a squared error of 1, everywhere, costs in each cell.
    """

    slopes: Floats
    light: Floats
    weight: float

    @classmethod
    def of(cls, light: Array, weight: float) -> "FarView":
        """Return the far view of a target, given the (N, 3) linear light of its cells."""
        return cls((slope_of_lab(light) / 100).astype(np.float32), light.astype(np.float32), weight)

    def errors(self, cells: Numbers, light: Floats) -> Floats:
        """Return the (n, ..., 3) errors of light (n, ..., 3) in some cells (n,)."""
        shape = len(cells), -1, 3
        apart = light.reshape(shape) - self.light[cells, None, :]
        errors: Floats = (apart @ self.slopes[cells].swapaxes(1, 2)).reshape(light.shape)
        return errors


def autocorrelation(lattice: Lattice = RECTANGLES) -> Array:
    """Return the (13, 13) autocorrelation of the blur at steps of -6 to 6 cells; before it is cut off its sum is 1.

    The autocorrelation of a Gaussian is a Gaussian of sqrt(2) times its standard deviation. Steps are those from a
    cell of an even row.
    """
    across, down = lattice.steps(REACH)
    profiles = [
        np.exp(-(steps**2) / (4 * FAR_CELLS**2)) / (2 * FAR_CELLS * np.sqrt(np.pi)) for steps in (down, across)
    ]
    return np.where(across**2 + down**2 > REACH**2, 0.0, profiles[0] * profiles[1] * lattice.area)
