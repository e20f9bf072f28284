"""The rows of an index as bytes, and how the command line measures a photo: all of it without numpy.

`worker.tile_index.index` has the same rows as arrays.
"""

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import IO, TYPE_CHECKING

from models.errors import NoUsableTiles
from models.rules import array_file
from models.rules.array_file import Mapped, Stream
from worker.decoding import plain_jpeg

if TYPE_CHECKING:
    from pathlib import Path

KIND = "tessera index"
VERSION = 3
SIDE = 32
"""Width and height in pixels of a thumb."""
CONTENT_BYTES = 32
COLUMNS = {"content": ("U8", (CONTENT_BYTES,)), "size": ("U32", (2,)), "thumb": ("U8", (SIDE, SIDE, 3))}
"""The stored arrays: the type of their numbers, and the shape of one row."""
BLOCK_ROWS = 2_048
"""Rows that are in memory at once while indexes are merged: 6 MiB."""
NOTHING_USABLE = "Not one of the files is a usable photo; the report says why for each."

RowBlock = Mapping[str, memoryview]
"""Some rows of an index: for each of the `COLUMNS`, its bytes."""


class Rows:
    """Rows of an index that are added one by one."""

    def __init__(self) -> None:
        self._rows: dict[bytes, tuple[bytes, bytes]] = {}

    def add(self, content: bytes, data: bytes) -> None:
        """Measure a photo by its file's bytes, and add its row.

        Raises:
            UnusablePicture: the bytes cannot be used as a picture.
        """
        thumb, size = plain_jpeg.thumb(data, SIDE) or _by_images(data)
        self._rows[content] = b"".join([side.to_bytes(4, "little") for side in size]), thumb

    def streams(self) -> dict[str, Stream]:
        """Return the arrays to save, the rows ordered by content hash as in an index."""
        order = sorted(self._rows)
        columns = {
            "content": order,
            "size": [self._rows[content][0] for content in order],
            "thumb": [self._rows[content][1] for content in order],
        }
        return {
            name: Stream(dtype, (len(order), *row), [b"".join(columns[name])])
            for name, (dtype, row) in COLUMNS.items()
        }


def contents(block: RowBlock) -> Iterator[bytes]:
    """Yield the content hashes of the photos of some rows."""
    column = block["content"]
    return (column[first : first + CONTENT_BYTES].tobytes() for first in range(0, len(column), CONTENT_BYTES))


def merged(blocks: Sequence[RowBlock], file: IO[bytes], leave_out: Container[bytes] = frozenset()) -> None:
    """Merge rows into one index, a few at a time; a photo that several blocks have counts once.

    Args:
        blocks: The rows, in any order.
        file: An empty, seekable file.
        leave_out: Content hashes to leave out.

    Raises:
        NoUsableTiles: nothing is left.
    """
    places = {content: (block, row) for block, of in enumerate(blocks) for row, content in enumerate(contents(of))}
    order = [places[content] for content in sorted(places) if content not in leave_out]
    if not order:
        raise NoUsableTiles(NOTHING_USABLE)
    streams = {
        name: Stream(dtype, (len(order), *row), _gathered([block[name] for block in blocks], _row_bytes(name), order))
        for name, (dtype, row) in COLUMNS.items()
    }
    array_file.save(file, KIND, VERSION, streams)


def opened(path: "str | Path") -> dict[str, memoryview]:
    """Verify an index, and map its columns into memory.

    Raises:
        DamagedIndex: the file is no index of this version, or any byte of it has changed.
    """
    block = block_of(array_file.opened(path, KIND, VERSION))
    if not block or not block["content"]:
        raise array_file.damaged(path, "it is no index of photos")
    return block


def block_of(columns: Mapping[str, Mapped]) -> dict[str, memoryview]:
    """Return arrays of a file as a block of rows; empty if they are something else."""
    shapes = {name: (column.dtype, column.shape[1:]) for name, column in columns.items()}
    counts = {column.shape[0] for column in columns.values() if column.shape}
    return {name: columns[name].data for name in COLUMNS} if shapes == COLUMNS and len(counts) == 1 else {}


def _row_bytes(name: str) -> int:
    """Return how many bytes one row of a column has.

    Example:
        >>> _row_bytes("thumb")
        3072
    """
    dtype, shape = COLUMNS[name]
    return math.prod(shape) * array_file.width(dtype)


def _gathered(columns: Sequence[memoryview], width: int, order: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """Yield rows from one column of several blocks, `BLOCK_ROWS` at a time, and release the mapped pages after each.

    Rows of a sorted block come in its own order, so each is read once, from beginning to end.

    Args:
        columns: The column in each block.
        width: Bytes of a row.
        order: The rows to yield: number of the block, and of the row in it.
    """
    for first in range(0, len(order), BLOCK_ROWS):
        some = order[first : first + BLOCK_ROWS]
        yield b"".join([columns[block][row * width : (row + 1) * width] for block, row in some])
        for column in columns:
            array_file.let_go(column)


def content_of(data: bytes) -> bytes:
    """Return the content hash by which a photo is known."""
    return sha256(data).digest()


def _by_images(data: bytes) -> tuple[bytes, tuple[int, int]]:
    from worker.decoding import images  # noqa: PLC0415 - a folder of plain JPEGs never needs it

    thumb, size = images.thumb(data, SIDE)
    return thumb.tobytes(), size
