"""A small version of a mosaic to measure: a few pixels a cell, averaged while the mosaic's lines are written."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from worker.core import outline
from worker.core.descriptors import CHANNELS, LATTICE, area_weights
from worker.core.lattice import RECTANGLES, Lattice
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

    Where rows overlap, each shows as much of a pixel there as belongs to its cells.

    Args:
        picture: (rows * side, columns * side, ...) pixels.
        side: Pixels a side of a cell, at least 2; a multiple of 4 where rows overlap.
        lattice: Where the cells lie.

    Returns:
        (rows * side, columns * side - side // 2, ...) pixels; (3 * rows - 1) * side / 4 lines where rows overlap by a
        quarter; the same picture where no row is moved.
    """
    if not lattice.shifted:
        return picture
    half, rows = side // 2, picture.reshape(-1, side, *picture.shape[1:])
    seen = np.empty((len(rows), side, picture.shape[1] - half, *picture.shape[2:]), picture.dtype)
    seen[::2], seen[1::2] = rows[::2, :, half:], rows[1::2, :, :-half]
    return _overlapping(seen, lattice) if lattice.overlap else seen.reshape(-1, *seen.shape[2:])


def _overlapping(rows: NDArray[Value], lattice: Lattice) -> NDArray[Value]:
    """Return rows of cells, (rows, side, w, ...), one over the other, without what lies above and below."""
    count, side, width = rows.shape[:3]
    lines = int(side * lattice.overlap)
    pitch = side - lines
    cells = np.tile(outline.seam(side, lines, side // 2), (1, width // side + 2))
    upper = np.stack([cells[:, start : start + width] for start in (side // 2, 0)])[np.arange(count - 1) % 2]
    upper = upper.reshape(*upper.shape, *[1] * (rows.ndim - 3))
    mixed = upper * rows[:-1, pitch:] + (1 - upper) * rows[1:, :lines]
    laid = np.empty((count, pitch, *rows.shape[2:]), rows.dtype)
    laid[:, : pitch - lines] = rows[:, lines:pitch]
    laid[:-1, pitch - lines :] = mixed if rows.dtype.kind == "f" else np.rint(mixed)
    return laid.reshape(-1, *rows.shape[2:])[:-lines]


class Miniature:
    """Area averages of a mosaic, `CELL_SIDE` pixels a cell.

    Attributes:
        pixels: (CELL_SIDE * rows, CELL_SIDE * columns, 3) sRGB, 0 to 255; complete once every line was added.
    """

    def __init__(
        self, columns: int, rows: int, tile_width: int, tile_height: int, lattice: Lattice = RECTANGLES
    ) -> None:
        self._columns, self._width, self._height, self._lattice = columns, tile_width, tile_height, lattice
        self._parts = outline.finer(lattice, CELL_SIDE)
        self._across = area_weights(tile_width, 0, LATTICE * tile_width, self._parts) / LATTICE
        self._down = (area_weights(tile_height, 0, LATTICE * tile_height, self._parts) / LATTICE).astype(np.float32)
        self._sums: dict[int, NDArray[np.float32]] = {}
        self.pixels: NDArray[np.float32] = np.zeros((CELL_SIDE * rows, CELL_SIDE * columns, CHANNELS), np.float32)

    def add(self, row: int, top: int, strip: NDArray[np.uint8]) -> None:
        """Add some lines of a row of cells; the row's last ones come last.

        Args:
            row: Number of the row of cells.
            top: How many lines below the row's first one these begin.
            strip: (h, columns * tile_width, 3) pixels.
        """
        weights, flat = np.ascontiguousarray(self._down[:, top : top + len(strip)]), strip.reshape(len(strip), -1)
        if row not in self._sums:
            self._sums[row] = np.zeros((self._parts, flat.shape[1]), np.float32)
        sums = self._sums[row]
        # Whole numbers, exact in single precision: 255 times the lines of a tile times the parts is below 2**24.
        for some in _pieces(flat.shape[1], len(strip)):
            sums[:, some] += weights @ flat[:, some].astype(np.float32)
        if top + len(strip) == self._height:
            self._finish(self._sums.pop(row), self.pixels[CELL_SIDE * row : CELL_SIDE * (row + 1)])

    def _finish(self, sums: NDArray[np.float32], lines: NDArray[np.float32]) -> None:
        """Set the lines of a row of cells from the sums of all its pixels."""
        cell = self._width * CHANNELS
        for some in _pieces(self._columns, self._parts * cell):
            part = sums[:, some.start * cell : some.stop * cell]
            by_channel = part.reshape(-1, self._width, CHANNELS).swapaxes(1, 2).reshape(-1, self._width)
            means = (by_channel @ self._across.T).reshape(-1, CHANNELS, self._parts).swapaxes(1, 2)
            whole = means.reshape(self._parts, -1, self._parts, CHANNELS) / (self._width * self._height)
            cells = outline.gathered(self._lattice, whole.swapaxes(0, 1), CELL_SIDE).swapaxes(0, 1)
            lines[:, CELL_SIDE * some.start : CELL_SIDE * some.stop] = cells.reshape(CELL_SIDE, -1, CHANNELS)


def _pieces(count: int, values_each: int) -> Iterator[slice]:
    """Yield consecutive pieces of so many things that have at most `PIECE_VALUES` values each, or are one thing."""
    step = max(1, PIECE_VALUES // values_each)
    return (slice(first, min(first + step, count)) for first in range(0, count, step))
