"""From a target and an index to a mosaic: fit, match, fetch the tiles, lay them band by band."""

import math
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import grid
from models.errors import DamagedIndex, StorageFull, UnusablePicture
from models.grid import Grid
from models.orders import MosaicOrder
from worker import images, parallel, pictures
from worker.core.compose import band
from worker.core.grid import cell_means
from worker.core.match import nearest_tiles
from worker.index import Progress

BAND_BYTES = 4 << 20
RESIDENT_BYTES = 64 << 20
TILES_BETWEEN = 64

ReadPhoto = Callable[[bytes], bytes]
"""Given a content hash, returns that photo's bytes."""


@dataclass(frozen=True)
class Rendered:
    """What was made.

    Attributes:
        grid: How the target was cut.
        placement: (rows, columns) tile numbers.
        distinct_tiles: How many different tiles lie in the mosaic.
    """

    grid: Grid
    placement: NDArray[np.intp]
    distinct_tiles: int


def render(
    target: bytes,
    order: MosaicOrder,
    index: NDArray[np.void],
    read: ReadPhoto,
    out: Path,
    *,
    threads: int,
    progress: Progress,
) -> Rendered:
    """Write the mosaic that `order` asks for to `out`.

    Args:
        target: The file of the picture to imitate.
        order: How to cut and set it.
        index: The tiles, as `worker.index` describes them.
        read: Gives a photo's bytes.
        out: A file that nobody reads yet; on an error it may be left half-written.
        threads: How many photos to decode at once.
        progress: Told how far the work is; what it raises stops it.

    Raises:
        InvalidOrder: the order does not fit the target.
        UnusablePicture: the target is no usable picture.
        DamagedIndex: a photo is no longer what the index says.
        StorageFull: the disk is full.
    """
    progress("reading", 0, 1)
    pixels = images.decode(target)
    cells = grid.cut(pixels.shape[1], pixels.shape[0], order)
    progress("matching", 0, 1)
    means = cell_means(images.fitted(pixels, cells, order.fit), cells.columns, cells.rows)
    placement = nearest_tiles(means, index["mean"]).reshape(cells.rows, cells.columns)
    del pixels
    numbers, slots = np.unique(placement, return_inverse=True)
    with _scratch((len(numbers), cells.tile_height, cells.tile_width, 3)) as tiles:
        _fetch(tiles, index["content"][numbers], read, threads, progress)
        bands = _bands(tiles, slots.reshape(placement.shape), progress)
        pictures.write(bands, cells.mosaic_size, out, order.format, progress)
    return Rendered(cells, placement, len(numbers))


@contextmanager
def _scratch(shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    """Lend an array that lies in a temporary file, so that many large tiles need little memory."""
    with tempfile.TemporaryFile() as file:
        try:
            # Room is taken first: a full disk met through a mapped page would kill the process.
            file.truncate(math.prod(shape))
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, math.prod(shape))
        except OSError as error:
            raise StorageFull("There is no room left to lay out the tiles; free some space and try again.") from error
        yield np.memmap(file, np.uint8, "r+", shape=shape)


def _fetch(
    tiles: NDArray[np.uint8], contents: NDArray[np.uint8], read: ReadPhoto, threads: int, progress: Progress
) -> None:
    """Fill `tiles`, the scratch, with the photos of these content hashes; each photo is opened once."""
    height, width = tiles.shape[1:3]

    def one(slot: int) -> None:
        try:
            tiles[slot] = images.tile(read(contents[slot].tobytes()), width, height)
        except UnusablePicture as error:
            raise DamagedIndex(f"A photo that was indexed can no longer be used: {error}") from error

    for done, _ in enumerate(parallel.spread(one, range(len(tiles)), threads), start=1):
        progress("fetching tiles", done, len(tiles))
        if not done % TILES_BETWEEN:
            _let_go(tiles)


def _bands(tiles: NDArray[np.uint8], slots: NDArray[np.intp], progress: Progress) -> Iterator[NDArray[np.uint8]]:
    """Yield the mosaic from the top down, a few lines of pixels at a time."""
    height = tiles.shape[1]
    lines = max(1, BAND_BYTES // (slots.shape[1] * tiles[0, 0].nbytes))
    for done, row in enumerate(slots, start=1):
        for top in range(0, height, lines):
            yield band(tiles[:, top : top + lines], row)
        _let_go(tiles)
        progress("composing", done, len(slots))


def _let_go(tiles: NDArray[np.uint8]) -> None:
    """Give the scratch's pages back to the system, which keeps them in its cache as long as it has room."""
    if isinstance(tiles, np.memmap) and tiles.nbytes > RESIDENT_BYTES and hasattr(mmap, "MADV_DONTNEED"):
        tiles._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # noqa: SLF001 - numpy has no other way
