"""Files that are sent one by one, each in one request or in several: they are stored as they arrive.

A piece is spooled to disk, so that memory does not grow with it, and its hash is known before it is stored. A file
that comes in one piece is that piece's blob. The pieces of another are joined when the last one has arrived.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import IO
from uuid import UUID, uuid4

from flask import request
from werkzeug.exceptions import ClientDisconnected

from models import intake_queries, intakes
from models.errors import ChecksumMismatch, EmptyFile, TooLarge, WrongOffset
from models.intakes import Bounds, Finished, Piece
from models.notifying import ring_all
from models.rules import blob_keys
from models.rules.names import readable
from models.tables import Intake, Upload
from web.context import reading, services, sessions, settings, store

CHUNK_BYTES = 64 << 10
LEAST_BYTES = 64 << 10
"""Of a request that is cut off, fewer bytes are not kept, so that a bad line does not make thousands of blobs."""


@dataclass(frozen=True)
class NewFile:
    """What the sender of a file says about it: name, length in bytes, and perhaps its SHA-256 in hexadecimal."""

    name: str
    length: int
    claimed: str | None


@dataclass(frozen=True)
class Arrived:
    """The body of a request in a temporary file: its size, its SHA-256, and whether it was cut off."""

    file: IO[bytes]
    size: int
    digest: bytes
    cut: bool


def bounds() -> Bounds:
    """Return how much may be sent at a time."""
    chosen = settings()
    return Bounds(chosen.max_intakes, chosen.max_photos, chosen.max_intake_bytes, chosen.intake_span)


def begin(tile_set_id: UUID | None) -> tuple[Intake, int]:
    """Open an intake; see `models.intakes.begin`."""
    with sessions().begin() as session:
        return intakes.begin(session, tile_set_id, bounds())


def create(intake_id: UUID, new: NewFile, checksum: bytes | None, *, has_body: bool) -> Upload:
    """Take a new file, or its beginning, or only its name and length.

    Raises:
        EmptyFile: it has no bytes.
        TooLarge: it has more than a photo may have, or the body has more than were said.
        ChecksumMismatch: the body is not what its checksum says.
        ClientDisconnected: the body was cut off; nothing is kept, since the client knows no address to go on at.
        NotFound: there is no such intake.
        IntakeClosed: it takes no more files.
        TooManyIntakes: too much is being sent at the moment.
    """
    _check_length(new)
    with reading() as session:
        tile_set_id = intakes.check_room(session, intake_id, new.length, bounds()).tile_set_id
    row = {"name": readable(new.name), "length_bytes": new.length, "claimed": new.claimed}
    piece, upload = None, Upload(received_bytes=0, parts=[], **row)
    if has_body:
        with _arrived(new.length) as body:
            if body.cut:
                raise ClientDisconnected
            _verify(body, checksum)
            piece = _stored(body, upload, tile_set_id) if body.size else None
    with sessions().begin() as session:
        return intakes.add(session, intake_id, row, piece, bounds())


def append(upload: Upload, offset: int, checksum: bytes | None) -> tuple[int, datetime]:
    """Take the next piece of a file; return how much of it is there now, and until when the next may come.

    What arrived of a piece before its connection was cut is kept, unless it is little or has a checksum.

    Raises:
        WrongOffset: it is not the next one.
        TooLarge: the file would have more bytes than were said.
        ChecksumMismatch: the piece, or the whole file, is not what its checksum says.
        ClientDisconnected: the connection was cut.
        IntakeClosed: its intake takes no more files.
    """
    if offset != upload.received_bytes:
        raise WrongOffset(f"The next byte of this file is number {upload.received_bytes}, not {offset}.")
    with _arrived(upload.length_bytes - offset) as body:
        if body.cut and (body.size < LEAST_BYTES or checksum):
            raise ClientDisconnected
        _verify(body, checksum)
        if not body.size:
            return offset, upload.intake.expires_at
        piece = _stored(body, upload, upload.intake.tile_set_id)
        cut = body.cut
    with sessions().begin() as session:
        until = intakes.advance(session, upload, piece, settings().intake_span)
    if cut:
        raise ClientDisconnected
    return offset + piece.size, until


def find(intake_id: UUID, upload_id: UUID) -> Upload:
    """Return an upload; see `models.intake_queries.find_upload`."""
    with reading() as session:
        return intake_queries.find_upload(session, intake_id, upload_id)


def remove(intake_id: UUID, upload_id: UUID) -> None:
    """Give an upload up; its blobs are garbage."""
    with sessions().begin() as session:
        intakes.remove(session, intake_id, upload_id, settings().intake_span)


def finish(intake_id: UUID, name: str, **options: bool) -> Finished:
    """Make a tile set of what has arrived, and ring; see `models.intakes.finish`."""
    with sessions().begin() as session:
        done = intakes.finish(session, intake_id, name, services().ring_again, **options)
    ring_all(sessions(), [done.bell] if done.bell else [])
    return done


def give_up(intake_id: UUID) -> None:
    """Delete an intake; see `models.intakes.give_up`."""
    with sessions().begin() as session:
        intakes.give_up(session, intake_id)


def _check_length(new: NewFile) -> None:
    most, name = settings().max_picture_bytes, readable(new.name)
    if new.length == 0:
        raise EmptyFile(f"{name} is empty: it has no bytes.")
    if new.length > most:
        raise TooLarge(f"{name} has {new.length:,} bytes, more than the limit of {most:,}.")


@contextmanager
def _arrived(most: int) -> Iterator[Arrived]:
    """Spool the body of this request.

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


def _verify(body: Arrived, checksum: bytes | None) -> None:
    if checksum is not None and checksum != body.digest:
        raise ChecksumMismatch("What arrived is not what its checksum says; send this piece again.")


def _stored(body: Arrived, upload: Upload, tile_set_id: UUID) -> Piece:
    """Store a piece; if it is the last one, store the whole file."""
    key = blob_keys.upload(tile_set_id, uuid4().hex)
    if upload.received_bytes + body.size < upload.length_bytes:
        if len(upload.parts) >= intakes.MOST_PARTS:
            raise TooLarge(f"A file may come in {intakes.MOST_PARTS:,} pieces; send larger ones.")
        store().put(key, body.file)
        return Piece(key, body.size, None)
    if not upload.parts:
        _check_content(upload, body.digest.hex())
        store().put(key, body.file)
        return Piece(key, body.size, body.digest.hex())
    with _joined(upload.parts, body.file) as (file, content):
        _check_content(upload, content)
        store().put(key, file)
    return Piece(key, body.size, content)


@contextmanager
def _joined(parts: Sequence[str], last: IO[bytes]) -> Iterator[tuple[IO[bytes], str]]:
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


def _check_content(upload: Upload, content: str) -> None:
    """Compare a whole file with what its sender said; if several pieces made another, the file begins anew.

    Raises:
        ChecksumMismatch: it is another.
    """
    if upload.claimed in (None, content):
        return
    if upload.parts:
        with sessions().begin() as session:
            intakes.restart(session, upload, settings().intake_span)
    raise ChecksumMismatch(
        f"{upload.name} is not the file whose SHA-256 was given; send it again from its beginning."
    )
