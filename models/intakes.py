"""Files that are being sent, until they are a tile set's; `models.rounds` makes them so. Only they write intakes.

What a request writes about an upload, it writes after it has put off the end of its intake, by an UPDATE that only an
open intake passes. So nothing is written to an intake that another request is finishing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models import database, queries
from models.errors import IntakeClosed, NotFound, TooLarge, TooManyIntakes, WrongOffset
from models.intake_queries import find, find_open, find_upload, taken
from models.tables import Intake, Upload

MOST_PARTS = 1_000
"""Pieces in which one file may come, besides the last."""


@dataclass(frozen=True)
class Bounds:
    """How many intakes may be open, how many files one of them takes, and how many bytes all of them together."""

    intakes: int
    files: int
    bytes: int
    span: timedelta


@dataclass(frozen=True)
class Piece:
    """Bytes of an upload that are stored: their key, their number, and the SHA-256 of a file that is whole now."""

    key: str
    size: int
    content: str | None


def begin(session: Session, tile_set_id: UUID | None, bounds: Bounds) -> tuple[Intake, int]:
    """Open an intake, for a tile set or for a new one; return it, and how many bytes there is room for.

    Raises:
        NotFound: there is no such tile set.
        TooManyIntakes: too many are open.
    """
    if tile_set_id is not None:
        queries.find_tile_set(session, tile_set_id)
    now = database.now(session)
    count, bytes_taken = taken(session, now)
    if count >= bounds.intakes:
        sets = "1 tile set" if count == 1 else f"{count:,} tile sets"
        raise TooManyIntakes(f"Files are being sent to {sets} already; finish one, or try again later.")
    made = Intake(
        tile_set_id=tile_set_id or uuid4(), adds=tile_set_id is not None, created_at=now, expires_at=now + bounds.span
    )
    session.add(made)
    return made, max(0, bounds.bytes - bytes_taken)


def check_room(session: Session, intake_id: UUID, length: int, bounds: Bounds) -> Intake:
    """Return an open intake that has room for another file; `add` checks it again, when the file has arrived.

    Raises:
        NotFound: there is none.
        IntakeClosed: it was finished or given up, or its time ran out.
        TooLarge: it has as many files as it may.
        TooManyIntakes: too much is being sent at the moment.
    """
    found = find_open(session, intake_id)
    _check(session, found.file_count + 1, length, bounds)
    return found


def add(session: Session, intake_id: UUID, upload: dict[str, Any], piece: Piece | None, bounds: Bounds) -> Upload:
    """Add an upload, with what has arrived of it; raises what `check_room` raises."""
    now, length = database.now(session), upload["length_bytes"]
    more = {"file_count": Intake.file_count + 1, "byte_count": Intake.byte_count + length}
    held = hold(session, intake_id, now, bounds.span, more)
    _check(session, held.file_count, 0, bounds)
    made = Upload(intake=held, created_at=now, **upload, **_with(piece, 0, []))
    session.add(made)
    return made


def advance(session: Session, upload: Upload, piece: Piece, span: timedelta) -> datetime:
    """Add a piece to an upload, unless another came first; return until when the next may come.

    Raises:
        WrongOffset: the upload is not as it was read, or is gone.
        IntakeClosed: its intake was finished or given up, or its time ran out.
    """
    held = hold(session, upload.intake_id, database.now(session), span)
    _guarded(session, upload, _with(piece, upload.received_bytes, upload.parts))
    return held.expires_at


def restart(session: Session, upload: Upload, span: timedelta) -> None:
    """Forget what has arrived of an upload; raises what `advance` raises."""
    hold(session, upload.intake_id, database.now(session), span)
    _guarded(session, upload, {"received_bytes": 0, "parts": []})


def remove(session: Session, intake_id: UUID, upload_id: UUID, span: timedelta) -> None:
    """Give an upload up, finished or not; raises what `find_upload` raises."""
    length = find_upload(session, intake_id, upload_id).length_bytes
    less = {"file_count": Intake.file_count - 1, "byte_count": Intake.byte_count - length}
    hold(session, intake_id, database.now(session), span, less)
    gone = delete(Upload).where(Upload.id == upload_id).returning(Upload.id)
    if session.scalar(gone) is None:
        raise NotFound("There is no such upload.")


def hold(
    session: Session, intake_id: UUID, now: datetime, span: timedelta, more: dict[str, Any] | None = None
) -> Intake:
    """Put off the end of an open intake, and so keep others from changing or ending it before the commit.

    Raises:
        NotFound: there is none.
        IntakeClosed: it was finished or given up, or its time ran out.
    """
    mine = Intake.id == intake_id, Intake.ended_at.is_(None), Intake.expires_at > now
    put_off = update(Intake).where(*mine).values({"expires_at": now + span} | (more or {})).returning(Intake)
    held = session.scalars(put_off, execution_options={"populate_existing": True}).one_or_none()
    return held if held is not None else find_open(session, intake_id)


def give_up(session: Session, intake_id: UUID) -> None:
    """Delete an intake with all that was sent; nothing happens to one that has ended.

    Raises:
        NotFound: there is none.
        IntakeClosed: it was finished: its files are a tile set's.
    """
    if find(session, intake_id).left_out is not None:
        raise IntakeClosed("The files of this intake belong to a tile set already.")
    _end(session, database.now(session), Intake.id == intake_id)


def expire(session: Session, now: datetime) -> int:
    """End the intakes whose time is over; return how many."""
    return _end(session, now, Intake.expires_at <= now)


def _end(session: Session, now: datetime, which: Any) -> int:
    ended = update(Intake).where(Intake.ended_at.is_(None), which).values(ended_at=now).returning(Intake.id)
    gone = session.scalars(ended).all()
    session.execute(delete(Upload).where(Upload.intake_id.in_(gone)))
    return len(gone)


def _check(session: Session, file_count: int, more_bytes: int, bounds: Bounds) -> None:
    if file_count > bounds.files:
        raise TooLarge(f"More than {bounds.files:,} files do not go into one collection; finish this one first.")
    if taken(session, database.now(session))[1] + more_bytes > bounds.bytes:
        raise TooManyIntakes("There is no room for more files that are being sent; finish some, or try again later.")


def _with(piece: Piece | None, received: int, parts: Sequence[str]) -> dict[str, Any]:
    """Return what an upload's row says once a piece was added."""
    if piece is None:
        return {"received_bytes": received, "parts": list(parts)}
    whole: dict[str, Any] = {"key": piece.key, "content": piece.content, "parts": []}
    rest = whole if piece.content is not None else {"parts": [*parts, piece.key]}
    return {"received_bytes": received + piece.size} | rest


def _guarded(session: Session, upload: Upload, values: dict[str, Any]) -> None:
    as_read = Upload.id == upload.id, Upload.received_bytes == upload.received_bytes, Upload.key.is_(None)
    if session.scalar(update(Upload).where(*as_read).values(values).returning(Upload.id)) is None:
        raise WrongOffset("Another piece of this file came first; ask where to go on.")
