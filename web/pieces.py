"""Pieces of files, each the body of a request: spooled to disk, hashed on the way, and joined once all are there."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import IO

from flask import request
from werkzeug.exceptions import ClientDisconnected

from models.errors import ChecksumMismatch, TooLarge
from web.context import store

CHUNK_BYTES = 64 << 10


@dataclass(frozen=True)
class Arrived:
    """The body of a request in a temporary file: its size, its SHA-256, and whether it was cut off."""

    file: IO[bytes]
    size: int
    digest: bytes
    cut: bool


@contextmanager
def arrived(most: int) -> Iterator[Arrived]:
    """Lend the body of this request.

    Raises:
        TooLarge: it has more than `most` bytes.
    """
    too_large = TooLarge(f"There is more than the {most:,} bytes that are left of this file.")
    if (request.content_length or 0) > most:
        raise too_large
    found, size, cut = sha256(), 0, False
    with tempfile.TemporaryFile(prefix="tessera-upload-") as file:
        try:
            while data := request.stream.read(CHUNK_BYTES):
                size += len(data)
                if size > most:
                    raise too_large
                found.update(data)
                file.write(data)
        except ClientDisconnected:
            cut = True
        file.seek(0)
        # Under gunicorn, a body that ends too early ends without an error.
        yield Arrived(file, size, found.digest(), cut or size < (request.content_length or 0))


def verify(body: Arrived, checksum: bytes | None) -> None:
    """Compare a body with what its sender said.

    Raises:
        ChecksumMismatch: it is another.
    """
    if checksum is not None and checksum != body.digest:
        raise ChecksumMismatch("What arrived is not what its checksum says; send this piece again.")


@contextmanager
def joined(parts: Sequence[str], last: IO[bytes]) -> Iterator[tuple[IO[bytes], str]]:
    """Join pieces in a temporary file; yield it and its SHA-256."""
    found = sha256()
    with tempfile.TemporaryFile(prefix="tessera-upload-") as file:
        for data in _pieces(parts, last):
            found.update(data)
            file.write(data)
        file.seek(0)
        yield file, found.hexdigest()


def _pieces(parts: Sequence[str], last: IO[bytes]) -> Iterator[bytes]:
    for key in parts:
        yield from store().stream(key)[1]
    while data := last.read(CHUNK_BYTES):
        yield data
