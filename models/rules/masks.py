"""Masks: what may say which cells of a mosaic stay empty."""

from models.errors import InvalidOrder

ALPHA = "alpha"
"""In place of a picture: the target's own transparent pixels."""
SHAPE_TOLERANCE = 0.02
"""By how much, as a share, a mask may be wider or higher than the target's shape: scaled copies are rounded."""


def check_shape(mask: tuple[int, int], target: tuple[int, int]) -> None:
    """Refuse a mask that is of another shape than its target, by the width and height of both.

    Raises:
        InvalidOrder: it is.
    """
    if abs(mask[0] * target[1] / (mask[1] * target[0]) - 1) > SHAPE_TOLERANCE:
        raise InvalidOrder(
            "mask",
            f"The mask has {mask[0]:,} x {mask[1]:,} pixels, which is another shape than the target's "
            f"{target[0]:,} x {target[1]:,}; cut it to the same shape.",
        )
