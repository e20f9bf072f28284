"""Which cells of a mosaic stay empty: a mask over the target, or the target's own alpha."""

from dataclasses import replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidOrder
from models.rules.grid import Grid
from worker.core import lattice
from worker.core.cells import coverage
from worker.core.fitted import Fitted
from worker.decoding import images

OPAQUE = 255
HALF = OPAQUE / 2
"""A cell stays empty if the mask is darker than this in the mean."""
SHAPE_TOLERANCE = 0.02
"""By how much, as a share, a mask may be wider or higher than the target's shape: scaled copies are rounded."""

Mask = NDArray[np.uint8]


def of_file(data: bytes, size: tuple[int, int]) -> Mask:
    """Return the mask in a picture, stretched over a target: white keeps, black and transparent leave empty.

    Args:
        data: The picture.
        size: Width and height of the target.

    Returns:
        (H, W), 0 to 255.

    Raises:
        UnusablePicture: it is no usable picture.
        InvalidOrder: it is of another shape than the target.
    """
    found = images.mask(data)
    height, width = found.shape
    if abs(width * size[1] / (height * size[0]) - 1) > SHAPE_TOLERANCE:
        raise InvalidOrder(
            "mask",
            f"The mask has {width:,} x {height:,} pixels, which is another shape than the target's "
            f"{size[0]:,} x {size[1]:,}; cut it to the same shape.",
        )
    return images.averaged(found, size)


def of_target(data: bytes) -> Mask:
    """Return the alpha of a target, (H, W), 0 to 255.

    Raises:
        UnusablePicture: it is no usable picture.
        InvalidOrder: all of it is opaque.
    """
    found = images.alpha(data)
    if found.min() == OPAQUE:
        raise InvalidOrder("mask", "The target has no transparent pixel, so its alpha is no mask; give a picture.")
    return found


def masked(grid: Grid, mask: Mask | None) -> Grid:
    """Return a grid whose cells stay empty where less than half of a mask, laid over the target, is white.

    Raises:
        InvalidOrder: nothing is left.
    """
    if mask is None:
        return grid
    width, height = grid.target_size
    seen = mask[grid.top : grid.top + ceil(height), grid.left : grid.left + ceil(width)]
    there = coverage(Fitted(seen, width, height, lattice.of(grid.shape)), grid.columns, grid.rows) >= HALF
    if not there.any():
        raise InvalidOrder("mask", "The mask leaves every cell empty; white is what is kept, and black what is not.")
    return grid if there.all() else replace(grid, filled=there.astype(np.uint8).tobytes())


def filled(grid: Grid) -> NDArray[np.bool_]:
    """Return the (rows, columns) cells in which a photo lies."""
    if grid.filled is None:
        return np.ones((grid.rows, grid.columns), np.bool_)
    return np.frombuffer(grid.filled, np.bool_).reshape(grid.rows, grid.columns)
