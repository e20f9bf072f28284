"""A mosaic's pixels as a file that is on no disk: libvips reads them as a plain TIFF while they are being made.

One thread makes bands and another, in which libvips encodes, reads them. The build of libvips in the wheel has no
loader for a stream of plain pixels. Its loader for TIFF wants a file in which it can seek, but then reads a plain one
from its start to its end. Both threads wait in queues written in C, which a signal cannot leave in an unsafe state.
"""

from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from worker.rendering.tiff_header import header

AHEAD = 2
"""How many bands may be made before they are read."""
FROM_HERE, FROM_END = 1, 2
"""Source: POSIX.1-2024, lseek: SEEK_CUR and SEEK_END as Linux and macOS number them."""


class PixelStream:
    """The file: `put` and `end` are for the thread that makes the bands, the rest is for the one that reads them."""

    def __init__(self, width: int, height: int, channels: int) -> None:
        self._header = memoryview(header(width, height, channels))
        self._size = len(self._header) + width * height * channels
        self._bands: SimpleQueue[memoryview] = SimpleQueue()
        self._places: SimpleQueue[bool] = SimpleQueue()
        for _ in range(AHEAD):
            self._places.put(True)
        self._band = memoryview(b"")
        self._at, self._reached = 0, len(self._header)

    def put(self, band: NDArray[np.uint8]) -> bool:
        """Add the next (h, W, channels) lines, once there is room for them; return whether anybody still reads."""
        if wanted := self._places.get():
            self._bands.put(np.ascontiguousarray(band).data.cast("B"))
        return wanted

    def end(self) -> None:
        """Say that no more bands will come. If some are lacking, the reader finds the file cut off."""
        self._bands.put(memoryview(b""))

    def close(self) -> None:
        """Say that nothing more will be read."""
        self._places.put(False)

    def read(self, count: int) -> memoryview:
        """Return at most so many bytes from the current position; none at the end, or where nothing is any more."""
        if self._at < len(self._header):
            found = self._header[self._at : self._at + count]
        elif self._at == self._reached:
            found = self._next(count)
            self._reached += len(found)
        else:
            found = memoryview(b"")
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int) -> int:
        """Move to a position, counted as in `io.IOBase.seek`, and return it."""
        origin = {FROM_HERE: self._at, FROM_END: self._size}.get(whence, 0)
        self._at = origin + offset
        return self._at

    def _next(self, count: int) -> memoryview:
        """Return at most so many bytes of the bands."""
        if not self._band and self._reached < self._size:
            self._band = self._bands.get()
            self._places.put(True)
            if not self._band:
                self._size = self._reached
        found, self._band = self._band[:count], self._band[count:]
        return found
