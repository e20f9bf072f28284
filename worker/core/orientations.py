"""The ways in which one photo can lie in a cell: as it is, mirrored, turned by quarters."""

import numpy as np
from numpy.typing import NDArray

AS_IT_IS = 0
MIRRORED = 4
"""A turn is a number from 0 to 7: quarter turns counter-clockwise, and 4 more when the photo is mirrored first."""


def allowed(*, flips: bool, turns: bool) -> list[int]:
    """Return the turns to choose from, the photo as it is first.

    Example:
        >>> allowed(flips=True, turns=False)
        [0, 4]
    """
    quarters = range(4) if turns else range(1)
    return [side + quarter for side in ((AS_IT_IS, MIRRORED) if flips else (AS_IT_IS,)) for quarter in quarters]


def turned(pictures: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Return pictures (..., H, W, 3) turned; a view where numpy has one.

    Example:
        >>> turned(np.uint8([[[1, 1, 1], [2, 2, 2]]]), MIRRORED)[0, :, 0].tolist()
        [2, 1]
    """
    mirrored = pictures[..., ::-1, :] if turn >= MIRRORED else pictures
    return np.rot90(mirrored, turn % MIRRORED, axes=(-3, -2))


def lies_across(turn: int) -> bool:
    """Whether width and height change places."""
    return turn % 2 == 1
