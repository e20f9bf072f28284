"""The tiles of a mosaic as pixels, each photo opened once."""

import math
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
from worker.core.measures.similarity import CELL_SIDE
from worker.core.orientations import lies_across, oriented
from worker.core.progress import PhaseProgress
from worker.decoding import images
from worker.decoding.images import Decoder
from worker.tile_index import array_file
from worker.tile_index.index import ReadPhoto

RESIDENT_BYTES = 64 << 20
TILES_BETWEEN = 64
ORIENTATIONS = 8


@dataclass(frozen=True)
class Laid:
    """The tiles that a mosaic needs.

    Attributes:
        pixels: (D, h, w, 3) different tiles, in their orientations; mapped from a scratch file.
        small: (D, CELL_SIDE, CELL_SIDE, 3) area averages of each.
        slots: (rows, columns) which of them lies in each cell.
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
    progress: PhaseProgress,
    decoder: Decoder = images,
) -> Iterator[Laid]:
    """Lend the pixels of every tile that a mosaic uses; they are gone after the `with` block.

    Args:
        choice: The tile of every cell, and its orientation.
        contents: (M, 32) content hashes by tile number.
        grid: The size of a tile in the mosaic.
        read: Gives a photo's bytes.
        threads: How many photos to decode at once.
        progress: Called with how many photos are loaded.
        decoder: Decodes a photo to a tile.

    Raises:
        DamagedIndex: a photo no longer matches the index.
        StorageFull: the disk is full.
    """
    different, slots = np.unique(choice.tiles * ORIENTATIONS + choice.orientations, return_inverse=True)
    numbers, first = np.unique(different // ORIENTATIONS, return_index=True)
    ends = np.append(first[1:], len(different))
    width, height = grid.tile_width, grid.tile_height
    small = np.empty((len(different), CELL_SIDE, CELL_SIDE, 3))
    with _scratch((len(different), height, width, 3)) as pixels:

        def one(number: int) -> None:
            try:
                data = read(contents[numbers[number]].tobytes())
                for slot in range(first[number], ends[number]):
                    tile = _tile(decoder, data, (width, height), int(different[slot] % ORIENTATIONS))
                    pixels[slot], small[slot] = tile, of_pictures(tile[None], CELL_SIDE)[0]
            except UnusablePicture as error:
                raise DamagedIndex(f"A photo that was indexed can no longer be used: {error}") from error

        for done, _ in enumerate(parallel.spread(one, range(len(numbers)), threads), start=1):
            progress("fetching tiles", done, len(numbers))
            if not done % TILES_BETWEEN:
                let_go(pixels)
        yield Laid(pixels, small, slots.reshape(choice.tiles.shape))


def let_go(pixels: NDArray[np.uint8]) -> None:
    """Return the pages of a scratch file to the system if there are many; see `array_file.let_go`.

    Args:
        pixels: (D, h, w, 3) mapped from the scratch file.
    """
    if pixels.nbytes > RESIDENT_BYTES:
        array_file.let_go(pixels)


def _tile(decoder: Decoder, data: bytes, size: tuple[int, int], orientation: int) -> NDArray[np.uint8]:
    return oriented(decoder.tile(data, *(size[::-1] if lies_across(orientation) else size)), orientation)


@contextmanager
def _scratch(shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    """Lend an array that is mapped from a temporary file, so that many large tiles need little memory."""
    with tempfile.TemporaryFile() as file:
        try:
            # Disk space is reserved first: writing a mapped page to a full disk would kill the process.
            file.truncate(math.prod(shape))
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, math.prod(shape))
        except OSError as error:
            raise StorageFull("There is no room left to lay out the tiles; free some space and try again.") from error
        yield np.memmap(file, np.uint8, "r+", shape=shape)
