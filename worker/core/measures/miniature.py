"""A small version of a mosaic to measure: a few pixels a cell, averaged while the mosaic's lines are written."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from worker.core.descriptors import CHANNELS, LATTICE, area_weights
from worker.core.lattice import Lattice
from worker.core.measures.similarity import CELL_SIDE

Array = NDArray[np.float64]
Value = TypeVar("Value", bound=np.generic)

PIECE_VALUES = 1 << 20
"""Of single precision, that are made of pixels at once."""


def assembled(means: NDArray[Value], columns: int) -> NDArray[Value]:
    """Return the means of the cells' sub-cells as one picture.

    Args:
        means: (N, subcells, subcells, 3), N = rows * columns, row by row from the top left.
        columns: Cells from left to right.

    Returns:
        (rows * subcells, columns * subcells, 3) pixels of the same type.
    """
    subcells = means.shape[1]
    by_row = means.reshape(-1, columns, subcells, subcells, CHANNELS).swapaxes(1, 2)
    return by_row.reshape(-1, columns * subcells, CHANNELS)


def as_it_lies(picture: NDArray[Value], side: int, lattice: Lattice) -> NDArray[Value]:
    """Return what is seen of a picture of all cells in rows and columns: every other row moved by half a cell.

    Args:
        picture: (rows * side, columns * side, ...) pixels.
        side: Pixels a side of a cell, at least 2.
        lattice: Where the cells lie.

    Returns:
        (rows * side, columns * side - side // 2, ...) pixels; the same picture where no row is moved.
    """
    if not lattice.shifted:
        return picture
    half, rows = side // 2, picture.reshape(-1, side, *picture.shape[1:])
    seen = np.empty((len(rows), side, picture.shape[1] - half, *picture.shape[2:]), picture.dtype)
    seen[::2], seen[1::2] = rows[::2, :, half:], rows[1::2, :, :-half]
    return seen.reshape(-1, *seen.shape[2:])


class Miniature:
    """Area averages of a mosaic, `CELL_SIDE` pixels a cell.

    Attributes:
        pixels: (CELL_SIDE * rows, CELL_SIDE * columns, 3) sRGB, 0 to 255; complete once every line was added.
    """

    def __init__(self, columns: int, rows: int, tile_width: int, tile_height: int) -> None:
        self._width, self._height = tile_width, tile_height
        self._across = area_weights(tile_width, 0, LATTICE * tile_width, CELL_SIDE) / LATTICE
        self._down = (area_weights(tile_height, 0, LATTICE * tile_height, CELL_SIDE) / LATTICE).astype(np.float32)
        self._sums = np.zeros((CELL_SIDE, columns * tile_width * CHANNELS), np.float32)
        self.pixels: NDArray[np.float32] = np.zeros((CELL_SIDE * rows, CELL_SIDE * columns, CHANNELS), np.float32)

    def add(self, row: int, top: int, strip: NDArray[np.uint8]) -> None:
        """Add some lines of a row of cells.

        Args:
            row: Number of the row of cells.
            top: How many lines below the row's first one these begin.
            strip: (h, columns * tile_width, 3) pixels.
        """
        weights, flat = np.ascontiguousarray(self._down[:, top : top + len(strip)]), strip.reshape(len(strip), -1)
        # Whole numbers, exact in single precision: 255 times the lines of a tile times CELL_SIDE is below 2**24.
        for some in _pieces(flat.shape[1], len(strip)):
            self._sums[:, some] += weights @ flat[:, some].astype(np.float32)
        if top + len(strip) == self._height:
            self._finish(self.pixels[CELL_SIDE * row : CELL_SIDE * (row + 1)])
            self._sums[:] = 0

    def _finish(self, lines: NDArray[np.float32]) -> None:
        """Set the lines of a row of cells, all of whose pixels were added."""
        cell = self._width * CHANNELS
        for some in _pieces(self._sums.shape[1] // cell, CELL_SIDE * cell):
            sums = self._sums[:, some.start * cell : some.stop * cell]
            by_channel = sums.reshape(-1, self._width, CHANNELS).swapaxes(1, 2).reshape(-1, self._width)
            means = (by_channel @ self._across.T).reshape(-1, CHANNELS, CELL_SIDE).swapaxes(1, 2)
            lines[:, CELL_SIDE * some.start : CELL_SIDE * some.stop] = means.reshape(CELL_SIDE, -1, CHANNELS) / (
                self._width * self._height
            )


def _pieces(count: int, values_each: int) -> Iterator[slice]:
    """Yield consecutive pieces of so many things that have at most `PIECE_VALUES` values each, or are one thing."""
    step = max(1, PIECE_VALUES // values_each)
    return (slice(first, min(first + step, count)) for first in range(0, count, step))
