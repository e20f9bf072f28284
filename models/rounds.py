"""What has arrived of an intake becomes its tile set's: in rounds, while more of it is being sent, and at its end.

A round is a job like any other that indexes added photos, so one goes on at a time. The files of a round are no
uploads of the intake any more. Each of the two changes holds the intake's row first, so no file is taken twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models import database, intakes, queries
from models.errors import InvalidOrder
from models.intake_queries import counts, find
from models.placing import NewSource, place_photos, place_tile_set
from models.rules.lifecycle import Doorbell
from models.rules.tile_set_words import SourceKind
from models.tables import Intake, Upload


@dataclass(frozen=True)
class NewSet:
    """What a new tile set is called, and how it is made; without effect for one that there is."""

    name: str
    dedupe: bool = False
    keep_originals: bool = False


@dataclass(frozen=True)
class Taken:
    """What became of an intake: its tile set, how many files have not arrived, and for what to ring, if at all."""

    tile_set_id: UUID
    left_out: int
    bell: Doorbell | None


def index(session: Session, intake_id: UUID, new: NewSet, span: timedelta, ring_again: timedelta) -> Taken:
    """Give what has arrived to the tile set, and have it indexed; the intake stays open for `span` from now.

    Nothing happens if nothing has arrived since the last round.

    Raises:
        NotFound: there is no such intake, or its tile set was deleted.
        NotReady: its tile set is being indexed; what has arrived waits.
        InvalidOrder: no file has arrived for a new tile set.
        IntakeClosed: the intake was finished or given up, or its time ran out.
    """
    held = intakes.hold(session, intake_id, database.now(session), span)
    sources = _arrived(session, intake_id)
    if held.adds:
        queries.find_tile_set(session, held.tile_set_id)
    elif not sources:
        raise _nothing()
    bell = _give(session, held, sources, new, ring_again) if sources else None
    return Taken(held.tile_set_id, counts(session, intake_id).open, bell)


def finish(session: Session, intake_id: UUID, new: NewSet, ring_again: timedelta) -> Taken:
    """Give what has arrived to the tile set, have it indexed, and end the intake; what is not whole is left out.

    An intake that was finished before is answered as it was then.

    Raises:
        NotFound: there is no such intake, or its tile set was deleted.
        NotReady: its tile set is being indexed; the intake stays as it is.
        InvalidOrder: no file has arrived.
        IntakeClosed: the intake was given up, or its time ran out.
    """
    now = database.now(session)
    mine = Intake.id == intake_id, Intake.ended_at.is_(None), Intake.expires_at > now
    ended = update(Intake).where(*mine).values(ended_at=now, left_out=0).returning(Intake.id)
    if session.scalar(ended) is None:
        found = find(session, intake_id)
        return Taken(found.tile_set_id, found.left_out or 0, None)
    found = session.get_one(Intake, intake_id, populate_existing=True)
    sources, left = _arrived(session, intake_id), counts(session, intake_id)
    if not sources and found.file_count == left.open:
        raise _nothing()
    bell = _give(session, found, sources, new, ring_again) if sources else None
    values = {
        "left_out": left.open,
        "file_count": Intake.file_count - left.open,
        "byte_count": Intake.byte_count - left.open_bytes,
    }
    session.execute(update(Intake).where(Intake.id == intake_id).values(values))
    session.execute(delete(Upload).where(Upload.intake_id == intake_id))
    return Taken(found.tile_set_id, left.open, bell)


def _nothing() -> InvalidOrder:
    return InvalidOrder("files", "No file has arrived yet; send a photo first.")


def _arrived(session: Session, intake_id: UUID) -> list[NewSource]:
    """Return the finished uploads as sources of a tile set, as they came."""
    columns = select(Upload.is_archive, Upload.name, Upload.key, Upload.content)
    done = columns.where(Upload.intake_id == intake_id, Upload.key.is_not(None))
    return [
        NewSource(SourceKind.ARCHIVE if is_archive else SourceKind.PHOTO, name, key or "", content)
        for is_archive, name, key, content in session.execute(done.order_by(Upload.created_at, Upload.id))
    ]


def _give(
    session: Session, intake: Intake, sources: Sequence[NewSource], new: NewSet, ring_again: timedelta
) -> Doorbell:
    """Make sources of the finished uploads of an intake that this transaction holds."""
    if intake.adds:
        bell = place_photos(session, intake.tile_set_id, sources, ring_again)
    else:
        options = {"dedupe": new.dedupe, "keep_originals": new.keep_originals}
        bell = place_tile_set(session, intake.tile_set_id, new.name or "Untitled", sources, ring_again, **options)
    session.execute(update(Intake).where(Intake.id == intake.id).values(adds=True))
    session.execute(delete(Upload).where(Upload.intake_id == intake.id, Upload.key.is_not(None)))
    return bell
