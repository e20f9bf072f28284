"""The tiles of a mosaic as pixels, each photo opened once."""

import math
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedIndex, StorageFull, UnusablePicture
from models.rules.grid import Grid
from worker import parallel
from worker.core.descriptors import of_pictures
from worker.core.matcher import Choice
from worker.core.measures.similarity import PARTS
from worker.core.orientations import lies_across, turned
from worker.decoding import images
from worker.decoding.images import Decoder
from worker.tile_index.index import Progress, ReadPhoto

RESIDENT_BYTES = 64 << 20
TILES_BETWEEN = 64
TURNS = 8


@dataclass(frozen=True)
class Laid:
    """The tiles that a mosaic needs.

    Attributes:
        pixels: (D, h, w, 3) different tiles, turned as they will lie; a scratch file where there are many.
        small: (D, PARTS, PARTS, 3) area averages of each.
        slots: (rows, columns) which of them lies where.
    """

    pixels: NDArray[np.uint8]
    small: NDArray[np.float64]
    slots: NDArray[np.intp]


@contextmanager
def fetched(
    choice: Choice,
    contents: NDArray[np.uint8],
    grid: Grid,
    read: ReadPhoto,
    *,
    threads: int,
    progress: Progress,
    decoder: Decoder = images,
) -> Iterator[Laid]:
    """Lend every tile that lies in a mosaic.

    Args:
        choice: What lies where, and how it is turned.
        contents: (M, 32) content hashes by tile number.
        grid: The size of a tile in the mosaic.
        read: Gives a photo's bytes.
        threads: How many photos to decode at once.
        progress: Told how many photos are there.
        decoder: Turns a photo into a tile.

    Raises:
        DamagedIndex: a photo is no longer what the index says.
        StorageFull: the disk is full.
    """
    different, slots = np.unique(choice.tiles * TURNS + choice.turns, return_inverse=True)
    numbers, first = np.unique(different // TURNS, return_index=True)
    ends = np.append(first[1:], len(different))
    width, height = grid.tile_width, grid.tile_height
    small = np.empty((len(different), PARTS, PARTS, 3))
    with _scratch((len(different), height, width, 3)) as pixels:

        def one(number: int) -> None:
            try:
                data = read(contents[numbers[number]].tobytes())
                for slot in range(first[number], ends[number]):
                    tile = _tile(decoder, data, (width, height), int(different[slot] % TURNS))
                    pixels[slot], small[slot] = tile, of_pictures(tile[None], PARTS)[0]
            except UnusablePicture as error:
                raise DamagedIndex(f"A photo that was indexed can no longer be used: {error}") from error

        for done, _ in enumerate(parallel.spread(one, range(len(numbers)), threads), start=1):
            progress("fetching tiles", done, len(numbers))
            if not done % TILES_BETWEEN:
                let_go(pixels)
        yield Laid(pixels, small, slots.reshape(choice.tiles.shape))


def let_go(pixels: NDArray[np.uint8]) -> None:
    """Give the scratch's pages back to the system, which keeps them in its cache as long as it has room."""
    if isinstance(pixels, np.memmap) and pixels.nbytes > RESIDENT_BYTES and hasattr(mmap, "MADV_DONTNEED"):
        pixels._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # noqa: SLF001 - numpy has no other way


def _tile(decoder: Decoder, data: bytes, size: tuple[int, int], turn: int) -> NDArray[np.uint8]:
    return turned(decoder.tile(data, *(size[::-1] if lies_across(turn) else size)), turn)


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
