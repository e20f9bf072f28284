"""From photos to an index: one row of arrays for each different photo, ordered by the hash of its content.

The order makes a tile's number independent of file names, folders and machines.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedIndex, NoUsableTiles, UnusablePicture
from worker import images, parallel
from worker.images import Decoder

VERSION = 2
SIDE = 32
"""Width and height in pixels of a thumb."""
ROW = np.dtype([("content", "u1", (32,)), ("width", "<u4"), ("height", "<u4"), ("thumb", "u1", (SIDE, SIDE, 3))])
"""One photo: SHA-256 of its bytes, its size in pixels as it was decoded, and the whole of it squeezed to a square of
area averages (sRGB): enough for every shape of cell, every loss and every turn."""

Progress = Callable[[str, int, int], None]
"""Told the phase, how many are done, and of how many. What it raises stops the work."""


class Source(Protocol):
    """A photo to be: its name for the report, and its bytes."""

    @property
    def name(self) -> str:
        """Return the name."""
        ...

    def read(self) -> bytes:
        """Return the bytes; raise UnusablePicture when they cannot be had."""
        ...


@dataclass(frozen=True)
class Tile:
    """What the index keeps of one photo."""

    name: str
    content: bytes
    row: NDArray[np.void]


@dataclass(frozen=True)
class Skipped:
    """A file that became no tile, and why."""

    name: str
    code: str
    sentence: str


Keep = Callable[[bytes, bytes], None]
"""Told the content hash and the bytes of every usable photo, from the thread that read it."""


def describe(
    sources: Iterable[Source],
    total: int,
    progress: Progress,
    *,
    threads: int,
    keep: Keep | None = None,
    decoder: Decoder = images,
) -> Iterator[Tile | Skipped]:
    """Yield what each photo is, in the order given; a bad one is a Skipped and stops nothing."""

    def one(source: Source) -> Tile | Skipped:
        try:
            data = source.read()
            row = measure(data, decoder)
        except UnusablePicture as error:
            return Skipped(source.name, error.code, str(error))
        content = row["content"].tobytes()
        if keep is not None:
            keep(content, data)
        return Tile(source.name, content, row)

    for done, described in enumerate(parallel.spread(one, sources, threads), start=1):
        progress("indexing", done, total)
        yield described


def measure(data: bytes, decoder: Decoder = images) -> NDArray[np.void]:
    """Return the index's row for one photo.

    Raises:
        UnusablePicture: the bytes cannot be used as a picture.
    """
    thumb, (width, height) = decoder.thumb(data, SIDE)
    row = np.zeros((), ROW)
    row["content"] = np.frombuffer(sha256(data).digest(), np.uint8)
    row["width"], row["height"], row["thumb"] = width, height, thumb
    return row


def without_doubles(tiles: Iterable[Tile]) -> tuple[list[Tile], list[Skipped]]:
    """Return every different photo once, in the order of tile numbers, and a line for each that is there again."""
    unique: dict[bytes, Tile] = {}
    doubles: list[Skipped] = []
    for tile in tiles:
        kept = unique.setdefault(tile.content, tile)
        if kept is not tile:
            doubles.append(Skipped(tile.name, "duplicate", f"The same file as {kept.name}."))
    return [unique[content] for content in sorted(unique)], doubles


def assemble(tiles: Iterable[Tile]) -> tuple[NDArray[np.void], list[Skipped]]:
    """Return the index, and a line for every photo that is there again.

    Raises:
        NoUsableTiles: there is no photo at all.
    """
    different, doubles = without_doubles(tiles)
    if not different:
        raise NoUsableTiles("Not one of the files is a usable photo; the report says why for each.")
    return np.array([tile.row for tile in different], ROW), doubles


def save(index: NDArray[np.void], file: IO[bytes]) -> None:
    """Write an index as one .npy array. Source: NumPy Enhancement Proposal 1."""
    np.lib.format.write_array(file, index, version=(1, 0), allow_pickle=False)


def load(path: Path) -> NDArray[np.void]:
    """Map an index into memory.

    Raises:
        DamagedIndex: the file is no index of this version.
    """
    try:
        index: NDArray[np.void] = np.lib.format.open_memmap(path, mode="r")
    except (ValueError, EOFError, OSError) as error:
        raise DamagedIndex(f"The stored index {path.name} cannot be read; index the photos again.") from error
    if index.dtype != ROW or index.ndim != 1 or not len(index):
        raise DamagedIndex(f"The stored index {path.name} is of another version; index the photos again.")
    return index
