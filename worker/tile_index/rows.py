"""What an index keeps of a photo, and how a photo is measured on the command line: without numpy.

`worker.tile_index.index` says the same in arrays.
"""

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import IO, TYPE_CHECKING

from models.errors import NoUsableTiles
from worker.decoding import plain_jpeg
from worker.tile_index import array_file
from worker.tile_index.array_file import Mapped, Stream

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
"""Rows that are in memory at once while an index is made of others: 6 MiB."""
NOTHING_USABLE = "Not one of the files is a usable photo; the report says why for each."

Part = Mapping[str, memoryview]
"""Some rows: the bytes of each of the `COLUMNS`."""


class Rows:
    """Rows of an index as they come."""

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
        """Return the arrays, to be saved; the rows in the order of their contents, as in an index."""
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


def contents(part: Part) -> Iterator[bytes]:
    """Yield what the photos of some rows are known by."""
    column = part["content"]
    return (column[first : first + CONTENT_BYTES].tobytes() for first in range(0, len(column), CONTENT_BYTES))


def merged(parts: Sequence[Part], file: IO[bytes], leave_out: Container[bytes] = frozenset()) -> None:
    """Write one index of several, a few rows at a time; a photo that several have counts once.

    Args:
        parts: Rows in any order, mapped into memory or whole.
        file: Empty, and can seek.
        leave_out: Contents that are not wanted.

    Raises:
        NoUsableTiles: nothing is left.
    """
    places = {content: (part, row) for part, of in enumerate(parts) for row, content in enumerate(contents(of))}
    order = [places[content] for content in sorted(places) if content not in leave_out]
    if not order:
        raise NoUsableTiles(NOTHING_USABLE)
    streams = {
        name: Stream(dtype, (len(order), *row), _gathered([part[name] for part in parts], _row_bytes(name), order))
        for name, (dtype, row) in COLUMNS.items()
    }
    array_file.save(file, KIND, VERSION, streams)


def opened(path: "str | Path") -> dict[str, memoryview]:
    """Verify an index, and map its columns into memory.

    Raises:
        DamagedIndex: the file is no index of this version, or one byte of it is not as it was.
    """
    part = part_of(array_file.opened(path, KIND, VERSION))
    if not part or not part["content"]:
        raise array_file.damaged(path, "it is no index of photos")
    return part


def part_of(columns: Mapping[str, Mapped]) -> dict[str, memoryview]:
    """Return the bytes of rows as they were stored; nothing if they are none."""
    shapes = {name: (column.dtype, column.shape[1:]) for name, column in columns.items()}
    counts = {column.shape[0] for column in columns.values() if column.shape}
    return {name: columns[name].data for name in COLUMNS} if shapes == COLUMNS and len(counts) == 1 else {}


def _row_bytes(name: str) -> int:
    """Return the bytes of a row of a column.

    Example:
        >>> _row_bytes("thumb")
        3072
    """
    dtype, shape = COLUMNS[name]
    return math.prod(shape) * array_file.width(dtype)


def _gathered(columns: Sequence[memoryview], width: int, order: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """Yield rows of several columns as if they were one, in blocks; what was read of a mapped file is let go.

    The rows of a sorted part come in their order, so it is read once, from its beginning to its end.
    """
    for first in range(0, len(order), BLOCK_ROWS):
        block = order[first : first + BLOCK_ROWS]
        yield b"".join([columns[part][row * width : (row + 1) * width] for part, row in block])
        for column in columns:
            array_file.let_go(column)


def content_of(data: bytes) -> bytes:
    """Return what a photo is known by."""
    return sha256(data).digest()


def _by_images(data: bytes) -> tuple[bytes, tuple[int, int]]:
    from worker.decoding import images  # noqa: PLC0415 - a folder of plain JPEGs never needs it

    thumb, size = images.thumb(data, SIDE)
    return thumb.tobytes(), size
