"""The part of a target that its mosaic is made of, as shares of its width and of its height as it is seen."""

from math import floor
from typing import NamedTuple

from models.errors import InvalidOrder

ROUNDED = 1e-6
"""By how much a part may end beyond the edge: two shares that were rounded need not make a whole."""


class Box(NamedTuple):
    """A part of a picture in pixels: its first column and line, and its width and height."""

    left: int
    top: int
    width: int
    height: int


def check(side: str, start: float, share: float | None) -> None:
    """Refuse a part that is empty, or ends beyond the edge, by where it begins and how much it is.

    Raises:
        InvalidOrder: it is.
    """
    field, begins = f"crop_{side}", "left" if side == "width" else "top"
    if share is not None and share <= 0:
        raise InvalidOrder(field, f"The {side} of the crop must be more than 0, not {share:g}.")
    if start >= 1:
        raise InvalidOrder(f"crop_{begins}", f"The {begins} edge of the crop must be less than 1, not {start:g}.")
    if share is not None and start + share > 1 + ROUNDED:
        raise InvalidOrder(
            field,
            f"A crop that begins at {start:g} and is {share:g} of the {side} ends outside the picture; "
            f"take at most {1 - start:g}.",
        )


def box(size: tuple[int, int], start: tuple[float, float], shares: tuple[float | None, float | None]) -> Box:
    """Return the pixels of a part: its edges are those of the nearest pixels, and it has one at least.

    Args:
        size: Width and height of the whole in pixels.
        start: Where the part begins, as shares of these.
        shares: How much of these it is; None for all from there on.

    Example:
        >>> box((600, 401), (0.25, 0.5), (None, 0.25))
        Box(left=150, top=201, width=450, height=100)
    """
    (left, width), (top, height) = map(_span, size, start, shares)
    return Box(left, top, width, height)


def _span(pixels: int, start: float, share: float | None) -> tuple[int, int]:
    """Return the first pixel of a part and how many it has, from left to right or from top to bottom."""
    first = min(floor(start * pixels + 0.5), pixels - 1)
    end = pixels if share is None else min(floor((start + share) * pixels + 0.5), pixels)
    return first, max(1, end - first)
