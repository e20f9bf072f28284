"""The tiles of a mosaic, one layer for each size of cells; of equal cells there is one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.rules.grid import Grid
from worker.core import outline
from worker.core.assignment.spacing import NOBODY
from worker.core.compose import MOST, band
from worker.core.lattice import Lattice
from worker.core.matcher import Choice
from worker.core.measures.similarity import CELL_SIDE
from worker.core.progress import PhaseProgress
from worker.core.sizes import LARGER
from worker.decoding import images
from worker.decoding.images import Decoder
from worker.rendering import sizing, tile_loader
from worker.rendering.tile_loader import Laid
from worker.tile_index.index import ReadPhoto

if TYPE_CHECKING:
    from worker.local_index.kept_tiles import KeptTiles


@contextmanager
def fetched(  # noqa: PLR0913 - as `tile_loader.fetched`
    choice: Choice,
    contents: NDArray[np.uint8],
    grid: Grid,
    read: ReadPhoto,
    *,
    threads: int,
    progress: PhaseProgress,
    decoder: Decoder = images,
    kept: "KeptTiles | None" = None,
) -> Iterator[list[Laid]]:
    """Lend the pixels of every tile that a mosaic uses; see `tile_loader.fetched`.

    A photo is opened once for each size of cells that it lies in.
    """
    sizes = sizing.of(grid)
    spans = [1] if sizes is None else [span for span in (1, *LARGER) if len(sizes.of_span(span))]
    with ExitStack() as stack:
        layers = []
        for number, span in enumerate(spans):

            def within(phase: str, done: int, total: int, number: int = number) -> None:
                progress(phase, number * total + done, len(spans) * total)

            some, of_size = choice, grid
            if sizes is not None:
                some = replace(choice, tiles=np.where(sizes.spans == span, choice.tiles, NOBODY))
                of_size = replace(grid, tile_width=span * grid.tile_width, tile_height=span * grid.tile_height)
            fetching = tile_loader.fetched(
                some, contents, of_size, read,
                threads=threads, progress=within, decoder=decoder, kept=kept, samples=span * CELL_SIDE,
            )  # fmt: skip
            laid = stack.enter_context(fetching)
            layers.append(laid if sizes is None else replace(laid, slots=sizes.spread(laid.slots), span=span))
        yield layers


def strip(layers: Sequence[Laid], row: int, lines: slice) -> NDArray[np.uint8]:
    """Return some lines of a row of the finest cells, (h, columns * w, 3); anything where no tile lies."""
    if len(layers) == 1 and layers[0].span == 1:
        return band(layers[0].pixels[:, lines], layers[0].slots[row])
    columns, span, (_, high, wide, channels) = layers[0].slots.shape[1], layers[0].span, layers[0].pixels.shape
    height = len(range(*lines.indices(high // span)))
    pixels = np.zeros((height, columns, wide // span, channels), np.uint8)
    for laid in layers:
        some = np.flatnonzero(laid.slots[row] != NOBODY)
        pixels[:, some] = _pieces(laid, laid.pixels, (np.full(len(some), row), some), lines).swapaxes(0, 1)
    return pixels.reshape(height, -1, channels)


def in_small(layers: Sequence[Laid]) -> NDArray[np.float32]:
    """Return the (N, CELL_SIDE, CELL_SIDE, 3) area averages of the finest cells; white where no tile lies."""
    if len(layers) == 1 and layers[0].span == 1:
        small = layers[0].small.astype(np.float32)[layers[0].slots.ravel()]
        small[layers[0].slots.ravel() == NOBODY] = MOST
        return small
    small = np.full((*layers[0].slots.shape, CELL_SIDE, CELL_SIDE, 3), MOST, np.float32)
    for laid in layers:
        rows, columns = np.nonzero(laid.slots != NOBODY)
        small[rows, columns] = _pieces(laid, laid.small, (rows, columns), slice(None))
    return small.reshape(-1, CELL_SIDE, CELL_SIDE, 3)


def shifts(layers: Sequence[Laid], cells: NDArray[np.float64], lattice: Lattice) -> NDArray[np.float64]:
    """Return by how much the target is lighter than the tiles at every place; anything where no tile lies.

    Args:
        layers: The tiles.
        cells: (rows, columns, 3) means of the target in the finest cells.
        lattice: Where the cells lie.
    """
    found = cells.copy()
    for laid in layers:
        rows, columns = (length // laid.span for length in cells.shape[:2])
        whole = cells[: rows * laid.span, : columns * laid.span].reshape(rows, laid.span, columns, laid.span, 3)
        means, tiles = whole.mean(axis=(1, 3)), outline.whole(lattice, laid.small)
        down, across = np.nonzero(laid.slots != NOBODY)
        found[down, across] = means[down // laid.span, across // laid.span] - tiles[laid.slots[down, across]]
    return found


def _pieces(laid: Laid, tiles: NDArray[Any], places: tuple[Any, Any], lines: slice) -> NDArray[Any]:
    """Return the parts of (D, h, w, 3) tiles that lie at (n,) rows and columns, and of these parts some lines."""
    count, high, wide, channels = tiles.shape
    parts = tiles.reshape(count, laid.span, high // laid.span, laid.span, wide // laid.span, channels)
    rows, columns = places
    found: NDArray[Any] = parts[laid.slots[rows, columns], rows % laid.span, lines, columns % laid.span]
    return found
