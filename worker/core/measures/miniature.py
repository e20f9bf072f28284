"""A mosaic in small, for measuring: a few pixels a cell, gathered while its lines pass by."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from worker.core.descriptors import CHANNELS, LATTICE, area_weights
from worker.core.measures.similarity import PARTS

Array = NDArray[np.float64]
Value = TypeVar("Value", bound=np.generic)


def assembled(means: NDArray[Value], columns: int) -> NDArray[Value]:
    """Return (rows * parts, columns * parts, 3) pixels of the (N, parts, parts, 3) means of the cells' sub-cells."""
    parts = means.shape[1]
    by_row = means.reshape(-1, columns, parts, parts, CHANNELS).swapaxes(1, 2)
    return by_row.reshape(-1, columns * parts, CHANNELS)


class Miniature:
    """Area averages of a mosaic, `PARTS` pixels a cell.

    Attributes:
        pixels: (PARTS * rows, PARTS * columns, 3) sRGB, 0 to 255; whole when every line has passed.
    """

    def __init__(self, columns: int, rows: int, tile_width: int, tile_height: int) -> None:
        self._width, self._height = tile_width, tile_height
        self._across = area_weights(tile_width, 0, LATTICE * tile_width, PARTS) / LATTICE
        self._down = (area_weights(tile_height, 0, LATTICE * tile_height, PARTS) / LATTICE).astype(np.float32)
        self._sums = np.zeros((PARTS, columns * tile_width * CHANNELS))
        self.pixels = np.zeros((PARTS * rows, PARTS * columns, CHANNELS))

    def add(self, row: int, top: int, strip: NDArray[np.uint8]) -> None:
        """Take in some lines of a row of cells: (h, columns * tile_width, 3), `top` lines below the row's first."""
        weights = np.ascontiguousarray(self._down[:, top : top + len(strip)])
        # Whole numbers, exact in single precision: 255 times the lines of a tile times PARTS is below 2**24.
        self._sums += weights @ strip.reshape(len(strip), -1).astype(np.float32)
        if top + len(strip) == self._height:
            by_channel = self._sums.reshape(-1, self._width, CHANNELS).swapaxes(1, 2).reshape(-1, self._width)
            means = (by_channel @ self._across.T).reshape(-1, CHANNELS, PARTS).swapaxes(1, 2)
            self.pixels[PARTS * row : PARTS * (row + 1)] = means.reshape(PARTS, -1, CHANNELS) / (
                self._width * self._height
            )
            self._sums[:] = 0
