"""A price for near repeats: equal photos that lie near each other cost something, the more the nearer they lie.

It is a price and no rule, so that photos spread wherever that is cheap, and repeat where nothing else comes near.
"""

import numpy as np
from numpy.typing import NDArray

from worker.core.lattice import RECTANGLES, Lattice

Array = NDArray[np.float64]

REACH = 6
"""Cells beyond which a repeat costs nothing."""
FADING = 3.0
"""Cells after which the price of a pair has fallen to 1 / e of its peak; it falls with the square of the distance."""
TOUCHING = 8.0
"""By how much dearer a pair is whose cells touch, side by side or corner to corner: it is seen at once."""


def prices(lattice: Lattice = RECTANGLES) -> Array:
    """Return the (13, 13) price of a pair of equal photos, by the step from one cell to the other; 0 for no step.

    Steps are those from a cell of an even row.

    Example:
        >>> prices()[6, 7:10].round(3).tolist()
        [7.159, 0.641, 0.368]
    """
    across, down = lattice.steps(REACH)
    square = across**2 + down**2
    price = np.exp(-square / FADING**2) * np.where(square <= 2, TOUCHING, 1.0)  # noqa: PLR2004 - (1, 1) squared
    return np.where((square == 0) | (square > REACH**2), 0.0, price)
