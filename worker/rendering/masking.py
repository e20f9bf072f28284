"""Which cells of a mosaic stay empty: a mask over the target, or the target's own alpha."""

from dataclasses import replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidOrder, UnusablePicture
from models.rules import masks
from models.rules.grid import Grid
from worker.core import lattice
from worker.core.cells import coverage
from worker.core.fitted import Fitted
from worker.decoding import images
from worker.decoding.images import Decoder

OPAQUE = 255
HALF = OPAQUE / 2
"""A cell stays empty if the mask is darker than this in the mean."""

Mask = NDArray[np.uint8]


def of_file(data: bytes, decoder: Decoder = images) -> Mask:
    """Return the mask in a picture: white keeps, black and transparent leave empty.

    Returns:
        (H, W), 0 to 255.

    Raises:
        UnusablePicture: it is no usable picture.
    """
    try:
        return decoder.mask(data)
    except UnusablePicture as error:
        raise type(error)(f"The mask: {error}") from error


def over(mask: Mask, size: tuple[int, int]) -> Mask:
    """Return a mask stretched over a target of a width and a height.

    Raises:
        InvalidOrder: it is of another shape than the target.
    """
    height, width = mask.shape
    masks.check_shape((width, height), size)
    return images.averaged(mask, size)


def of_target(data: bytes, decoder: Decoder = images) -> Mask:
    """Return the alpha of a target, (H, W), 0 to 255.

    Raises:
        UnusablePicture: it is no usable picture.
        InvalidOrder: all of it is opaque.
    """
    found = decoder.alpha(data)
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
    return with_filled(grid, there)


def with_filled(grid: Grid, there: NDArray[np.bool_]) -> Grid:
    """Return a grid in which a photo lies in some of the cells, row by row."""
    return grid if there.all() else replace(grid, filled=there.astype(np.uint8).tobytes())


def filled(grid: Grid) -> NDArray[np.bool_]:
    """Return the (rows, columns) cells in which a photo lies."""
    if grid.filled is None:
        return np.ones((grid.rows, grid.columns), np.bool_)
    return np.frombuffer(grid.filled, np.bool_).reshape(grid.rows, grid.columns)
