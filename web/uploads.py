"""Uploads of thousands of files: all files of one request are kept in one temporary file.

Werkzeug itself opens a file for every upload above 500 kB; a thousand photos would use up a process's descriptors.
"""

import io
import tempfile
from typing import IO, cast

from flask import Flask, Request, request
from typing_extensions import Buffer
from werkzeug.exceptions import RequestEntityTooLarge

from web.context import settings

ENDPOINTS = {
    f"{side}{name}"
    for side in ("", "api.")
    for name in ("tile_sets.create", "tile_sets.add", "mosaics.create", "batches.create")
} | {"drafts.keep", "api.targets.create"}
"""Endpoints that accept files."""
PIECES = {f"{side}uploads.{name}" for side in ("", "api.") for name in ("create", "append")}
"""Endpoints that accept files, or pieces of them, that are the whole body of a request."""
HASHES = {f"{side}intakes.find_known" for side in ("", "api.")}
HASHES_BYTES = 512 << 10
"""Room for 5,000 hashes as JSON."""
PLAIN_BYTES = 64 << 10
"""The most bytes of a request without files."""
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
TEXT_BYTES, HEADER_BYTES = 1 << 20, 256
"""The most bytes of a form outside its files, and how many more for each file; they are held in memory."""


def register(app: Flask) -> None:
    """Limit the size of requests."""
    app.before_request(_limit)


def _limit() -> None:
    """Allow only uploads to be large: they are spooled to disk, while any other body is read into memory at once."""
    if request.endpoint in PIECES:
        # How much of a file is left is known later, and then checked; a photo may have less.
        request.max_content_length = max(settings().max_picture_bytes, settings().max_upload_bytes)
    elif request.endpoint in HASHES:
        request.max_content_length = HASHES_BYTES
    elif request.endpoint not in ENDPOINTS or request.mimetype != "multipart/form-data":
        request.max_content_length = PLAIN_BYTES


class Slice(io.RawIOBase):
    """One upload, a slice of the shared file: written once from front to back, then read and sought as needed."""

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool
        self._start = spool.seek(0, io.SEEK_END)
        self._length = 0
        self._position = 0

    def write(self, data: Buffer, /) -> int:
        """Append to the slice; only the newest slice of a spool may grow."""
        self._spool.seek(self._start + self._length)
        written = self._spool.write(data)
        self._length += written
        self._position = self._length
        return written

    def readinto(self, buffer: Buffer, /) -> int:
        """Read from the position."""
        room = memoryview(buffer)
        self._spool.seek(self._start + self._position)
        data = self._spool.read(min(len(room), self._length - self._position))
        room[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = min(max(origin + offset, 0), self._length)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True


class SpoolingRequest(Request):
    """A request whose files share one temporary file, which is deleted with the request."""

    _spool: IO[bytes] | None = None
    _file_count = 0

    @property
    def file_bytes(self) -> int:
        """How many bytes of files have arrived."""
        return self._spool.seek(0, io.SEEK_END) if self._spool is not None else 0

    @property
    def most_text_bytes(self) -> int:
        """How many bytes outside the files may arrive."""
        return TEXT_BYTES + HEADER_BYTES * self._file_count

    def _get_stream_for_parsing(self) -> IO[bytes]:
        if self.mimetype not in FORMS:
            return super()._get_stream_for_parsing()
        return cast("IO[bytes]", _Form(super()._get_stream_for_parsing(), self))

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self._spool is None:
            self._spool = tempfile.TemporaryFile(prefix="tessera-upload-")  # noqa: SIM115 - close() below ends it
        self._file_count += 1
        return cast("IO[bytes]", Slice(self._spool))

    def close(self) -> None:
        """Close the uploads and their temporary file."""
        super().close()
        if self._spool is not None:
            self._spool.close()


class _Form:
    """The body of a form; how much of a piece belonged to files is known only when the next piece is read."""

    def __init__(self, body: IO[bytes], request: SpoolingRequest) -> None:
        self._body, self._request, self._bytes = body, request, 0

    def read(self, size: int = -1) -> bytes:
        """Read from the position.

        Raises:
            RequestEntityTooLarge: what is outside the files has more bytes than may be held in memory.
        """
        if self._bytes - self._request.file_bytes > self._request.most_text_bytes:
            raise RequestEntityTooLarge
        data = self._body.read(size)
        self._bytes += len(data)
        return data
