"""A price for repeats: every pair of equal photos costs something, and far more if they lie near each other.

It is a price and no rule, so that photos spread wherever that is cheap, and repeat where nothing else comes near.
Since every pair counts, each further use of a photo is dearer than the one before.
"""

import numpy as np
from numpy.typing import NDArray

from worker.core.lattice import RECTANGLES, Lattice

Array = NDArray[np.float64]

REACH = 6
"""Cells beyond which a repeat costs no more than any other."""
ANYWHERE = 0.05
"""Price of a pair wherever it lies, where there are no more cells than photos. With more cells it falls in
proportion, since each photo has to fill more of them."""
FADING = 3.0
"""Cells after which the price of a pair has fallen to 1 / e of its peak; it falls with the square of the distance."""
TOUCHING = 8.0
"""By how much dearer a pair is whose cells touch, side by side or corner to corner: it is seen at once."""


def prices(lattice: Lattice = RECTANGLES) -> Array:
    """Return the (13, 13) price of a pair for its nearness, by the step from one cell to the other; 0 for no step.

    Steps are those from a cell of an even row.

    Example:
        >>> prices()[6, 7:10].round(3).tolist()
        [7.159, 0.641, 0.368]
    """
    across, down = lattice.steps(REACH)
    square = across**2 + down**2
    price = np.exp(-square / FADING**2) * np.where(square <= 2, TOUCHING, 1.0)  # noqa: PLR2004 - (1, 1) squared
    return np.where((square == 0) | (square > REACH**2), 0.0, price)


def anywhere(cell_count: int, photo_count: int) -> float:
    """Return the price of a pair wherever it lies: n uses of a photo cost n (n - 1) / 2 of it.

    Example:
        >>> anywhere(2_400, 300)
        0.00625
    """
    return ANYWHERE * min(1.0, photo_count / max(cell_count, 1))
