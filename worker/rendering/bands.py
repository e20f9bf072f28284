"""The mosaic's pixels, band by band: tiles laid in rows, tinted and blended if so ordered, and measured meanwhile."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.rules.grid import Grid
from models.rules.orders import MosaicOrder
from worker.core import lattice, outline
from worker.core.assignment.spacing import NOBODY
from worker.core.cells import of_cells
from worker.core.compose import MOST, blended, mixed, tinted, with_alpha
from worker.core.descriptors import CHANNELS
from worker.core.fitted import Fitted
from worker.core.measures.miniature import Miniature, as_it_lies, assembled
from worker.core.measures.similarity import CELL_SIDE
from worker.core.progress import PhaseProgress
from worker.decoding import images
from worker.rendering import layers
from worker.rendering.tile_loader import Laid, let_go

BAND_BYTES = 4 << 20


class Bands:
    """A mosaic from the top down, a few lines of pixels at a time.

    Where a mask leaves a cell empty it is transparent, if the format can be, and white.

    Attributes:
        plain: (CELL_SIDE * rows, CELL_SIDE * columns, 3) the mosaic in small, without tint and blend.
        channels: 3; 4 where the last is alpha.
    """

    def __init__(self, laid: Sequence[Laid], target: Fitted, grid: Grid, order: MosaicOrder) -> None:
        self._laid, self._grid, self._order = laid, grid, order
        self._target = target if order.blend else None
        self._empty = np.logical_and.reduce([each.slots == NOBODY for each in laid])
        self._lattice = lattice.of(grid.shape)
        self.channels = CHANNELS + bool(self._empty.any() and order.format.facts.alpha)
        self._seen: Miniature | None = None
        if order.tint or order.blend:
            self._seen = Miniature(grid.columns, grid.rows, grid.tile_width, grid.tile_height, self._lattice)
        self.plain = assembled(layers.in_small(laid), grid.columns)
        if order.tint:
            cell_means = of_cells(target, grid.columns, grid.rows, 1).reshape(grid.rows, grid.columns, 3)
            self._shifts = order.tint * layers.shifts(laid, cell_means, self._lattice)

    @property
    def small(self) -> NDArray[np.float32]:
        """The mosaic in small, with tint and blend, shaped like `plain`; complete once the last band was yielded."""
        return self.plain if self._seen is None else self._seen.pixels

    def so_far(self, cells: int) -> NDArray[np.float32]:
        """Return what the rows of the first `cells` cells look like in small, once they were yielded.

        Where rows overlap it is a row less, since the last one is only complete together with the next.
        """
        rows = max(1, cells // self._grid.columns - bool(self._grid.overlap))
        return as_it_lies(self.small[: CELL_SIDE * rows], CELL_SIDE, self._lattice)

    def all(self, progress: PhaseProgress) -> Iterator[NDArray[np.uint8]]:
        """Yield every band, from the top down: (h, W, channels) pixels."""
        rows, overlap, pitch = self._grid.rows, self._grid.overlap, self._grid.pitch
        for row in range(rows):
            for top, end in self._pieces(0, overlap):
                lower = self._strip(row, top, end)
                if row:
                    upper = self._strip(row - 1, pitch + top, pitch + end)
                    yield mixed(upper, lower, self._upper(row - 1, top, end))
            for top, end in self._pieces(overlap, pitch):
                yield self._strip(row, top, end)
            for laid in self._laid:
                let_go(laid.pixels)
            progress("composing", (row + 1) * self._grid.columns, rows * self._grid.columns)
        for top, end in self._pieces(pitch, self._grid.tile_height):
            self._strip(rows - 1, top, end)  # which is only measured

    def _pieces(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield from which line and up to which the lines of a row are made at once."""
        lines = max(1, BAND_BYTES // (self._grid.columns * self._grid.tile_width * CHANNELS))
        for top in range(first, last, lines):
            yield top, min(top + lines, last)

    def _strip(self, row: int, top: int, end: int) -> NDArray[np.uint8]:
        """Return what is shown of some lines of a row: (end - top, W, channels) pixels."""
        strip = self._adjusted(layers.strip(self._laid, row, slice(top, end)), row, top)
        there = np.repeat(~self._empty[row], self._grid.tile_width)
        if not there.all():
            strip[:, ~there] = MOST
        if self._seen is not None:
            self._seen.add(row, top, strip)
        whole = strip if self.channels == CHANNELS else with_alpha(strip, there)
        return whole[:, slice(*self._shown(row))]

    def _upper(self, row: int, top: int, end: int) -> NDArray[np.uint8]:
        """Return how much of some lines that a row shares with the next is the row's, (end - top, W), 0 to 255."""
        return np.tile(self._seams[row % 2][top:end], self._grid.columns)[:, slice(*self._shown(row))]

    @cached_property
    def _seams(self) -> list[NDArray[np.uint8]]:
        """How much of its last lines belongs to a cell of an even row, and of an odd one: (overlap, w), 0 to 255."""
        width, moved = self._grid.tile_width, self._grid.outside
        # Cells have their lower corners at the sides of the cells of the next row.
        shares = [outline.seam(width, self._grid.overlap, corner) for corner in (moved, width - moved)]
        return [np.rint(MOST * each).astype(np.uint8) for each in shares]

    def _adjusted(self, strip: NDArray[np.uint8], row: int, top: int) -> NDArray[np.uint8]:
        if self._order.tint:
            strip = tinted(strip, self._shifts[row])
        if self._target is not None:
            first_shown, end = self._shown(row)
            overlay, above, below = self._overlay(self._target, row, top, (end - first_shown, len(strip)))
            around = (above, below), (first_shown, strip.shape[1] - end), (0, 0)
            strip = blended(strip, np.pad(overlay, around, "edge"), self._order.blend)
        return strip

    def _overlay(
        self, target: Fitted, row: int, top: int, size: tuple[int, int]
    ) -> tuple[NDArray[np.uint8], int, int]:
        """Return the target in some lines of a row, and how many of these lie above what is shown, and below."""
        (width, count), height = size, self._grid.tiled_size[1]
        begin = row * self._grid.pitch - self._grid.overlap + top
        first = min(max(begin, 0), height - 1)
        last = max(min(begin + count, height), first + 1)
        scale = self._grid.target_size[1] / height
        overlay = images.stretched(target, width, last - first, (first * scale, last * scale))
        above = min(first - begin, count - (last - first)) if begin < 0 else 0
        return overlay, above, count - (last - first) - above

    def _shown(self, row: int) -> tuple[int, int]:
        """Return from which pixel of a row of cells, and up to which, the mosaic shows it."""
        width, moved = self._grid.tiled_size[0], self._grid.outside
        return (moved, moved + width) if row % 2 == 0 else (0, width)


def without_surplus(bands: Iterator[NDArray[np.uint8]], grid: Grid) -> Iterator[NDArray[np.uint8]]:
    """Leave out the pixels by which the tiles together are larger than the mosaic: of some tiles the last line.

    Args:
        bands: (h, W, C) of all tiles side by side, from the top down, in pieces of any height.
        grid: The cells, and the size of the mosaic.

    Yields:
        The bands of the mosaic; some may have no lines.
    """
    if grid.mosaic_size == grid.tiled_size:
        yield from bands
        return
    width, height = grid.mosaic_size
    across = np.flatnonzero(_kept(grid.columns, grid.tile_width, width))
    if grid.shape.shifted:  # no column of pixels is the edge of a tile in all rows
        across = np.arange(width) * grid.tiled_size[0] // width
    down, top = _kept(grid.rows, grid.tile_height, height), 0
    if grid.overlap:
        down = np.zeros(grid.tiled_size[1], np.bool_)
        down[np.arange(height) * grid.tiled_size[1] // height] = True
    for strip in bands:
        lines = down[top : top + len(strip)]
        yield (strip if lines.all() else strip[lines]).take(across, axis=1)
        top += len(strip)


def _kept(count: int, side: int, total: int) -> NDArray[np.bool_]:
    """Return, for each pixel of `count` tiles of `side` pixels in a row, whether it is among the `total` that stay.

    Tile i gets the pixels between i and i + 1 times total / count, both rounded down, so none loses more than one.

    Example:
        >>> _kept(2, 3, 5).tolist()
        [True, True, False, True, True, True]
    """
    edges = np.arange(count + 1) * total // count
    return (np.arange(side) < np.diff(edges)[:, None]).ravel()
