"""Files that are sent one by one, each in one request or in several: they are stored as they arrive.

A file that comes in one piece is that piece's blob. The pieces of another are joined when the last one has arrived.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import IO
from uuid import UUID, uuid4

from werkzeug.exceptions import ClientDisconnected

from models import intake_queries, intakes, rounds
from models.errors import BadArchive, ChecksumMismatch, EmptyFile, TooLarge, WrongOffset
from models.intakes import Bounds, Piece
from models.notifying import ring_all
from models.rounds import NewSet, Taken
from models.rules import blob_keys, zip_files
from models.rules.names import readable
from models.tables import Intake, Upload
from web import pieces
from web.context import reading, services, sessions, settings, store
from web.pieces import Arrived

LEAST_BYTES = 64 << 10
"""Of a request that is cut off, fewer bytes are not kept, so that a bad line does not make thousands of blobs."""


@dataclass(frozen=True)
class NewFile:
    """What the sender of a file says about it: name, length in bytes, perhaps its SHA-256, whether it is a zip."""

    name: str
    length: int
    claimed: str | None
    is_archive: bool


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
        TooLarge: it has more than a photo, or a zip, may have, or the body has more than were said.
        BadArchive: it is called a zip, and is none that can be used.
        ChecksumMismatch: the body is not what its checksum says.
        ClientDisconnected: the body was cut off; nothing is kept, since the client knows no address to go on at.
        NotFound: there is no such intake.
        IntakeClosed: it takes no more files.
        TooManyIntakes: too much is being sent at the moment.
    """
    _check_length(new)
    with reading() as session:
        tile_set_id = intakes.check_room(session, intake_id, new.length, bounds()).tile_set_id
    row = {"name": readable(new.name), "length_bytes": new.length}
    row |= {"claimed": new.claimed, "is_archive": new.is_archive}
    piece, upload = None, Upload(received_bytes=0, parts=[], **row)
    if has_body:
        with pieces.arrived(new.length) as body:
            if body.cut:
                raise ClientDisconnected
            pieces.verify(body, checksum)
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
        BadArchive: the file is called a zip, and is none that can be used; it is given up.
        ClientDisconnected: the connection was cut.
        IntakeClosed: its intake takes no more files.
    """
    if offset != upload.received_bytes:
        raise WrongOffset(f"The next byte of this file is number {upload.received_bytes}, not {offset}.")
    with pieces.arrived(upload.length_bytes - offset) as body:
        if body.cut and (body.size < LEAST_BYTES or checksum):
            raise ClientDisconnected
        pieces.verify(body, checksum)
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


def index(intake_id: UUID, new: NewSet) -> Taken:
    """Have what has arrived indexed while more is being sent, and ring; see `models.rounds.index`."""
    span, ring_again = settings().intake_span, services().ring_again
    with sessions().begin() as session:
        taken = rounds.index(session, intake_id, new, span, ring_again)
    ring_all(sessions(), [taken.bell] if taken.bell else [])
    return taken


def finish(intake_id: UUID, new: NewSet) -> Taken:
    """Make a tile set of what has arrived, and ring; see `models.rounds.finish`."""
    with sessions().begin() as session:
        taken = rounds.finish(session, intake_id, new, services().ring_again)
    ring_all(sessions(), [taken.bell] if taken.bell else [])
    return taken


def give_up(intake_id: UUID) -> None:
    """Delete an intake; see `models.intakes.give_up`."""
    with sessions().begin() as session:
        intakes.give_up(session, intake_id)


def _check_length(new: NewFile) -> None:
    name = readable(new.name)
    most = settings().max_upload_bytes if new.is_archive else settings().max_picture_bytes
    if new.length == 0:
        raise EmptyFile(f"{name} is empty: it has no bytes.")
    if new.length > most:
        raise TooLarge(f"{name} has {new.length:,} bytes, more than the limit of {most:,}.")


def _stored(body: Arrived, upload: Upload, tile_set_id: UUID) -> Piece:
    """Store a piece; if it is the last one, store the whole file."""
    key = blob_keys.upload(tile_set_id, uuid4().hex)
    if upload.received_bytes + body.size < upload.length_bytes:
        if len(upload.parts) >= intakes.MOST_PARTS:
            raise TooLarge(f"A file may come in {intakes.MOST_PARTS:,} pieces; send larger ones.")
        store().put(key, body.file)
        return Piece(key, body.size, None)
    if not upload.parts:
        content = body.digest.hex()
        _check_whole(upload, body.file, content)
        store().put(key, body.file)
        return Piece(key, body.size, content)
    with pieces.joined(upload.parts, body.file) as (file, content):
        _check_whole(upload, file, content)
        store().put(key, file)
    return Piece(key, body.size, content)


def _check_whole(upload: Upload, file: IO[bytes], content: str) -> None:
    """Refuse a file that has arrived whole, if it is not what its sender said, or a zip that cannot be used."""
    _check_content(upload, content)
    if not upload.is_archive:
        return
    try:
        with zip_files.opened(file) as archive:
            archive.check(settings().max_photos, settings().max_upload_bytes)
    except (BadArchive, TooLarge):
        if upload.id:  # it has a row already
            remove(upload.intake_id, upload.id)
        raise
    file.seek(0)


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
