"""The index of tiles as arrays: one row for each different photo, ordered by content hash.

Because of the order, a tile's number does not depend on file names, folders or machines.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from models.errors import NoUsableTiles
from models.rules import array_file
from worker import parallel
from worker.core import near_duplicates as core
from worker.tile_index import rows

KIND, VERSION, SIDE, COLUMNS = rows.KIND, rows.VERSION, rows.SIDE, rows.COLUMNS
MOST_OPEN = 200
"""Files that are merged at once; each of them is mapped into memory."""

ReadPhoto = Callable[[bytes], bytes]
"""Takes a content hash, and returns that photo's bytes."""


@dataclass(frozen=True)
class Tile:
    """What the index holds about one photo: content hash, width and height, and (SIDE, SIDE, 3) thumb."""

    content: bytes
    size: tuple[int, int]
    thumb: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Index:
    """Different photos, one row each in every array.

    Attributes:
        content: (M, 32) SHA-256 of the photo's file; the rows are in rising order of it.
        size: (M, 2) width and height in pixels of the photo in its file, upright.
        thumb: (M, SIDE, SIDE, 3) the whole photo squeezed to a square of area averages, sRGB, 0 to 255: enough for
            every shape of cell, every loss and every orientation.
    """

    content: NDArray[np.uint8]
    size: NDArray[np.uint32]
    thumb: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.content)

    def selected(self, numbers: NDArray[np.intp]) -> "Index":
        """Return an index of these tiles alone; `numbers`, (n,), must rise."""
        return Index(self.content[numbers], self.size[numbers], self.thumb[numbers])


@dataclass(frozen=True)
class Skipped:
    """A file that is no tile, and why."""

    name: str
    code: str
    sentence: str


def without(index: Index, content: bytes) -> Index:
    """Return an index without the photo with this content hash; the index itself if it does not have it."""
    same = (index.content == np.frombuffer(content, np.uint8)).all(axis=1)
    return index.selected(np.flatnonzero(~same)) if same.any() else index


def smaller_count(index: Index, size: tuple[int, int]) -> int:
    """Return how many photos have fewer pixels than a tile of a size, so that they are enlarged for it."""
    return int(np.count_nonzero((index.size < size).any(axis=1)))


def of_tiles(tiles: Iterable[Tile]) -> Index:
    """Return the index of photos given in any order; duplicates count once.

    Raises:
        NoUsableTiles: there is no photo at all.
    """
    different = {tile.content: tile for tile in tiles}
    if not different:
        raise NoUsableTiles(rows.NOTHING_USABLE)
    ordered = [different[content] for content in sorted(different)]
    return Index(
        np.frombuffer(b"".join(tile.content for tile in ordered), np.uint8).reshape(-1, 32),
        np.array([tile.size for tile in ordered], np.uint32),
        np.stack([tile.thumb for tile in ordered]),
    )


def merged(files: Sequence[Path], out: Path, leave_out: Container[bytes] = frozenset()) -> None:
    """Merge the indexes in several files into one, as `rows.merged`.

    Raises:
        DamagedIndex: one of the files is no index.
        NoUsableTiles: nothing is left.
    """
    files = list(files)
    while len(files) > MOST_OPEN:
        some = out.with_name(f"{out.name}-{len(files)}")
        merged(files[:MOST_OPEN], some)
        files = [*files[MOST_OPEN:], some]
    with out.open("w+b") as file:
        rows.merged([rows.opened(path) for path in files], file, leave_out)


def near_duplicates(index: Index, unused: Container[str] = frozenset()) -> dict[str, str]:
    """Return the near-duplicates, each with the photo that stands for it; see `worker.core.near_duplicates`.

    The thumbs are read block by block, and the mapped pages are released after each.

    Args:
        index: The photos.
        unused: Content hashes, in hexadecimal, of photos to ignore.

    Returns:
        Content hashes in hexadecimal.
    """
    contents = [row.tobytes().hex() for row in index.content]
    used = np.array([number for number, content in enumerate(contents) if content not in unused], np.intp)

    def look(numbers: NDArray[np.intp]) -> NDArray[np.uint8]:
        thumbs = index.thumb[used[numbers]]
        array_file.let_go(index.thumb)
        return thumbs

    blocks = (
        look(np.arange(len(used))[first : first + rows.BLOCK_ROWS]) for first in range(0, len(used), rows.BLOCK_ROWS)
    )
    with parallel.one_thread_each():
        stand_ins = core.stand_ins(blocks, index.size[used], look)
    return {contents[used[one]]: contents[used[other]] for one, other in enumerate(stand_ins) if one != other}


def save(index: Index, file: IO[bytes]) -> None:
    """Write an index to an empty, seekable file."""
    array_file.save(file, KIND, VERSION, {name: getattr(index, name) for name in COLUMNS})


def load(path: Path) -> Index:
    """Verify an index, and map it into memory.

    Raises:
        DamagedIndex: the file is no index of this version, or any byte of it has changed.
    """
    return mapped(rows.opened(path))


def mapped(block: rows.RowBlock) -> Index:
    """Return rows as arrays."""
    return Index(
        **{
            name: np.frombuffer(block[name], array_file.DTYPES[dtype]).reshape(-1, *shape)
            for name, (dtype, shape) in COLUMNS.items()
        }
    )
