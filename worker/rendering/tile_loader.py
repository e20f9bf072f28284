"""The tiles of a mosaic as pixels, each photo opened once."""

import math
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedIndex, StorageFull, UnusablePicture
from models.rules import array_file
from models.rules.grid import Grid
from worker import parallel
from worker.core import lattice, outline
from worker.core.assignment.spacing import NOBODY
from worker.core.descriptors import of_pictures
from worker.core.matcher import Choice
from worker.core.measures.similarity import CELL_SIDE
from worker.core.orientations import lies_across, oriented
from worker.core.progress import PhaseProgress
from worker.core.windows import Window
from worker.decoding import images
from worker.decoding.images import Decoder
from worker.tile_index.index import ReadPhoto

if TYPE_CHECKING:
    from worker.local_index.kept_tiles import KeptTiles

RESIDENT_BYTES = 64 << 20
TILES_BETWEEN = 64
KEY = struct.Struct("!32s 4H B 2I 2I")
"""All that a kept tile depends on: the photo's content hash, the window, the orientation, the width and height of the
tile, and those that the whole photo was decoded to, at least."""


@dataclass(frozen=True)
class Laid:
    """The tiles that a mosaic needs.

    Attributes:
        pixels: (D, h, w, 3) different tiles: windows of photos in orientations; mapped from a scratch file.
        small: (D, samples, samples, 3) area averages of what a cell shows of each.
        slots: (rows, columns) which of them lies in each cell; `NOBODY` where none does.
        span: How many places a tile covers, across and down.
    """

    pixels: NDArray[np.uint8]
    small: NDArray[np.float64]
    slots: NDArray[np.intp]
    span: int = 1


@contextmanager
def fetched(  # noqa: PLR0913 - what is laid, and for each front door how
    choice: Choice,
    contents: NDArray[np.uint8],
    grid: Grid,
    read: ReadPhoto,
    *,
    threads: int,
    progress: PhaseProgress,
    decoder: Decoder = images,
    kept: "KeptTiles | None" = None,
    samples: int = CELL_SIDE,
) -> Iterator[Laid]:
    """Lend the pixels of every tile that a mosaic uses; they are gone after the `with` block.

    Args:
        choice: The tile of every cell, its window and its orientation.
        contents: (M, 32) content hashes by tile number.
        grid: The size of a tile in the mosaic.
        read: Gives a photo's bytes.
        threads: How many photos to decode at once.
        progress: Called with how many photos are loaded.
        decoder: Decodes a photo to tiles.
        kept: Tiles of earlier mosaics; a photo all of whose tiles are kept is not read. None to read every photo.
        samples: Area averages across and down a tile.

    Raises:
        DamagedIndex: a photo no longer matches the index.
        StorageFull: the disk is full.
    """
    shown = choice.tiles.ravel() != NOBODY
    views, places = np.unique(_views(choice)[shown], axis=0, return_inverse=True)
    slots = np.full(len(shown), NOBODY)
    slots[shown] = places
    numbers, first = np.unique(views[:, 0], return_index=True)
    of_photos = [slice(*ends) for ends in pairwise([*first.tolist(), len(views)])]
    size = grid.tile_width, grid.tile_height
    small, places_of_cells = np.empty((len(views), samples, samples, 3)), lattice.of(grid.shape)
    with _scratch((len(views), grid.tile_height, grid.tile_width, 3)) as pixels:
        keeping = _Keeping(kept, contents, views, pixels)
        there = [keeping.recalled(some) for some in of_photos]

        def one(number: int) -> None:
            some = of_photos[number]
            if not there[number]:
                try:
                    data = read(contents[numbers[number]].tobytes())
                    pixels[some] = _laid(decoder, data, size, views[some, 1:])
                except UnusablePicture as error:
                    raise DamagedIndex(f"A photo that was indexed can no longer be used: {error}") from error

        measured = 0
        for done, _ in enumerate(parallel.spread(one, range(len(numbers)), threads), start=1):
            laid = of_photos[done - 1].stop
            if not there[done - 1]:
                keeping.put(of_photos[done - 1])
            progress("fetching tiles", done, len(numbers))
            if laid - measured >= TILES_BETWEEN or done == len(numbers):
                # Many at once: for one small tile, the calls take longer than the sums.
                means = of_pictures(pixels[measured:laid], outline.finer(places_of_cells, samples))
                small[measured:laid] = outline.gathered(places_of_cells, means, samples)
                measured = laid
                let_go(pixels)
        yield Laid(pixels, small, slots.reshape(choice.tiles.shape))


class _Keeping:
    """The tiles of one mosaic among those that are kept.

    Args:
        kept: Those that are kept; None if none are.
        contents: (M, 32) content hashes by tile number.
        views: (D, 6) what each tile shows; see `_views`.
        pixels: (D, h, w, 3) where its pixels are laid.
    """

    def __init__(
        self,
        kept: "KeptTiles | None",
        contents: NDArray[np.uint8],
        views: NDArray[np.intp],
        pixels: NDArray[np.uint8],
    ) -> None:
        self._kept, self._contents, self._views, self._pixels = kept, contents, views, pixels

    def recalled(self, some: slice) -> bool:
        """Lay the tiles of one photo if all of them are kept."""
        if self._kept is None:
            return False
        found = self._kept.find(self._keys(some), self._pixels[0].nbytes)
        for slot, data in enumerate(found, start=some.start):
            if data is None:
                return False
            self._pixels[slot] = np.frombuffer(data, np.uint8).reshape(self._pixels.shape[1:])
        return True

    def put(self, some: slice) -> None:
        """Keep the tiles of one photo, which are laid."""
        if self._kept is not None:
            for key, tile in zip(self._keys(some), self._pixels[some], strict=True):
                self._kept.keep(key, tile.tobytes())

    def _keys(self, some: slice) -> list[bytes]:
        """Return a key for each tile of one photo, which tells in what size the photo is decoded for it, too."""
        content, views = self._contents[self._views[some.start, 0]].tobytes(), self._views[some, 1:]
        size = self._pixels.shape[2], self._pixels.shape[1]
        keys = [b""] * len(views)
        for asked in _asked(size, views):
            decoded = images.enough_for(*asked.size, asked.windows)
            for number in asked.numbers:
                keys[number] = KEY.pack(content, *views[number].tolist(), *size, *decoded)
        return keys


def let_go(pixels: NDArray[np.uint8]) -> None:
    """Return the pages of a scratch file to the system if there are many; see `array_file.let_go`.

    Args:
        pixels: (D, h, w, 3) mapped from the scratch file.
    """
    if pixels.nbytes > RESIDENT_BYTES:
        array_file.let_go(pixels)


def _views(choice: Choice) -> NDArray[np.intp]:
    """Return (N, 6) what each cell shows: the number of the photo, the window and the orientation."""
    return np.column_stack(
        [choice.tiles.ravel(), choice.windows.reshape(-1, 4).astype(np.intp), choice.orientations.ravel()]
    )


class _Asked(NamedTuple):
    """What is asked of a decoder at once: tiles of one size, and which of the photo's tiles they are."""

    size: tuple[int, int]
    windows: list[Window]
    numbers: list[int]


def _asked(size: tuple[int, int], views: NDArray[np.integer]) -> list[_Asked]:
    """Return what is asked for the tiles of one photo: those that lie upright at once, and those on their side.

    Args:
        size: Width and height of a tile in the mosaic.
        views: (n, 5) the window and the orientation of each.
    """
    asked = _Asked(size, [], []), _Asked(size[::-1], [], [])
    for number, (*window, orientation) in enumerate(views.tolist()):
        one = asked[lies_across(orientation)]
        one.windows.append(Window(*window))
        one.numbers.append(number)
    return [one for one in asked if one.numbers]


def _laid(decoder: Decoder, data: bytes, size: tuple[int, int], views: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the tiles of one photo, which is decoded once for each size of tiles that is asked for.

    Args:
        decoder: Decodes the photo.
        data: The photo's file.
        size: Width and height of a tile in the mosaic.
        views: (n, 5) the window and the orientation of each.

    Returns:
        (n, h, w, 3) pixels.
    """
    laid = np.empty((len(views), size[1], size[0], 3), np.uint8)
    for asked in _asked(size, views):
        for number, tile in zip(asked.numbers, decoder.tiles(data, *asked.size, asked.windows), strict=True):
            laid[number] = oriented(tile, int(views[number, 4]))
    return laid


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
