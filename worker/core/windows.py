"""The parts of a photo that can become a tile: the largest of a cell's shape, the same moved along it, and zooms."""

from math import ceil, sqrt
from typing import NamedTuple

STEPS = 2_048
"""Steps that the width and the height of a photo are divided into; a window begins and ends at a step."""
MOST_SLIDES = 3
"""Windows along the long side of a photo on either side of the middle, at most: for panoramas."""


class Window(NamedTuple):
    """A rectangle of a photo that is upright, in steps of its width and of its height."""

    left: int
    top: int
    width: int
    height: int


WHOLE = Window(0, 0, STEPS, STEPS)


def largest(size: tuple[int, int], shape: tuple[int, int]) -> Window:
    """Return the largest centred window of a shape.

    Args:
        size: Width and height of the photo.
        shape: Width and height of the tile; only their ratio counts.

    Example:
        >>> largest((300, 200), (1, 1))
        Window(left=341, top=0, width=1366, height=2048)
    """
    (width, height), (across, down) = size, shape
    half_width = max(1, round(min(1.0, height * across / (width * down)) * STEPS / 2))
    half_height = max(1, round(min(1.0, width * down / (height * across)) * STEPS / 2))
    return Window(STEPS // 2 - half_width, STEPS // 2 - half_height, 2 * half_width, 2 * half_height)


def offered(size: tuple[int, int], shape: tuple[int, int], *, slide: bool, keep: float) -> list[Window]:
    """Return the windows of a shape that a photo offers, the largest centred one first; each once.

    Args:
        size: Width and height of the photo.
        shape: Width and height of the tile; only their ratio counts.
        slide: Whether windows of the largest size also lie elsewhere along the photo's long side.
        keep: The share of the largest window's area that each of five zooms has, one in the middle and one in each
            corner of the photo; 1 for no zoom.

    Example:
        >>> [window.left for window in offered((300, 200), (1, 1), slide=True, keep=1.0)]
        [341, 0, 682]
    """
    full = largest(size, shape)
    windows = [full]
    if slide:
        free = STEPS - full.width, STEPS - full.height
        # Rounded, since a window may end half a step off.
        count = min(MOST_SLIDES, ceil(round(max(free[0] / full.width, free[1] / full.height), 2)))
        # From the middle to both ends, in `count` steps either way; one of the two free lengths is 0.
        ends = [count + sign * number for number in range(1, count + 1) for sign in (-1, 1)]
        places = [(free[0] * end // (2 * count), free[1] * end // (2 * count)) for end in ends]
        windows += [Window(left, top, full.width, full.height) for left, top in places]
    if keep < 1:
        width, height = (max(1, round(side * sqrt(keep))) for side in (full.width, full.height))
        right, bottom = STEPS - width, STEPS - height
        corners = [(right // 2, bottom // 2), (0, 0), (right, 0), (0, bottom), (right, bottom)]
        windows += [Window(left, top, width, height) for left, top in corners]
    return list(dict.fromkeys(windows))
