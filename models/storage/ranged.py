"""A blob on S3 as a seekable file: blocks are fetched when they are read, and the last few are kept in memory."""

import io
from collections import OrderedDict
from collections.abc import Callable

from typing_extensions import Buffer

BLOCK_BYTES = 4 << 20
"""The first byte of a request takes about 50 ms; this is about as much as arrives in another 50 ms."""
BLOCKS_KEPT = 4
"""Enough for threads that read entries of one zip a few entries apart. Memory: 16 MiB for each open file."""


class RangedFile(io.RawIOBase):
    """Bytes that are fetched by range; one thread at a time."""

    def __init__(self, size_bytes: int, fetch: Callable[[int, int], bytes]) -> None:
        self._size_bytes, self._fetch = size_bytes, fetch
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readinto(self, buffer: Buffer, /) -> int:
        """Read from the present position, at most to the end of a block."""
        room = memoryview(buffer)
        if not room or self._position >= self._size_bytes:
            return 0
        number, offset = divmod(self._position, BLOCK_BYTES)
        data = self._block(number)[offset : offset + len(room)]
        room[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position.

        Raises:
            ValueError: the new position would be before the beginning.
        """
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        if start + offset < 0:
            raise ValueError(f"a position before the beginning: {start + offset}")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        start = number * BLOCK_BYTES
        self._blocks[number] = self._fetch(start, min(BLOCK_BYTES, self._size_bytes - start))
        if len(self._blocks) > BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return self._blocks[number]
