"""The orientations that a photo can have in a cell: as it is, mirrored, rotated by quarter turns."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)

AS_IT_IS = 0
MIRRORED = 4
"""An orientation is a number from 0 to 7: quarter turns counter-clockwise, plus 4 if the photo is mirrored first."""


def allowed(*, flips: bool, turns: bool) -> list[int]:
    """Return the orientations to choose from, the photo as it is first.

    Args:
        flips: Whether photos may be mirrored.
        turns: Whether photos may be rotated by quarter turns.

    Example:
        >>> allowed(flips=True, turns=False)
        [0, 4]
    """
    quarters = range(4) if turns else range(1)
    return [side + quarter for side in ((AS_IT_IS, MIRRORED) if flips else (AS_IT_IS,)) for quarter in quarters]


def oriented(pictures: NDArray[Value], orientation: int) -> NDArray[Value]:
    """Return (..., H, W, 3) pictures in an orientation; (..., W, H, 3) after an odd number of quarter turns.

    No pixel is copied.

    Example:
        >>> oriented(np.uint8([[[1, 1, 1], [2, 2, 2]]]), MIRRORED)[0, :, 0].tolist()
        [2, 1]
    """
    mirrored = pictures[..., ::-1, :] if orientation >= MIRRORED else pictures
    return np.rot90(mirrored, orientation % MIRRORED, axes=(-3, -2))


def lies_across(orientation: int) -> bool:
    """Whether an orientation swaps width and height."""
    return orientation % 2 == 1
