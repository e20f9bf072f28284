"""Queries of intakes and their uploads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models import database
from models.errors import IntakeClosed, NotFound
from models.tables import Intake, Tile, Upload


@dataclass(frozen=True)
class State:
    """An intake, how many files it has and how many bytes they have, and how many files are not finished."""

    intake: Intake
    files: int
    bytes: int
    open: int


def find(session: Session, intake_id: UUID) -> Intake:
    """Return an intake that was not given up; it may be finished.

    Raises:
        NotFound: there is none.
        IntakeClosed: it was given up, or its time ran out.
    """
    found = session.get(Intake, intake_id)
    if found is None:
        raise NotFound("There is no such intake.")
    if found.left_out is None and (found.ended_at or found.expires_at <= database.now(session)):
        raise IntakeClosed("These files were given up, or not finished in time; begin again.")
    return found


def find_open(session: Session, intake_id: UUID) -> Intake:
    """Return an intake that takes files.

    Raises:
        NotFound: there is none.
        IntakeClosed: it was finished or given up, or its time ran out.
    """
    found = find(session, intake_id)
    if found.ended_at is not None:
        raise IntakeClosed("The files of this intake belong to a tile set already.")
    return found


def find_upload(session: Session, intake_id: UUID, upload_id: UUID) -> Upload:
    """Return an upload of an intake that is open.

    Raises:
        NotFound: there is none.
        IntakeClosed: the intake was finished or given up, or its time ran out.
    """
    find_open(session, intake_id)
    found = session.get(Upload, upload_id, options=[joinedload(Upload.intake)])
    if found is None or found.intake_id != intake_id:
        raise NotFound("There is no such upload.")
    return found


def state(session: Session, intake_id: UUID) -> State:
    """Return how far an intake is.

    Raises:
        NotFound: there is none.
        IntakeClosed: it was given up, or its time ran out.
    """
    found = find(session, intake_id)
    if found.ended_at is not None:
        return State(found, found.file_count, found.byte_count, 0)
    done = Upload.key.is_not(None)
    size = func.coalesce(func.sum(Upload.length_bytes).filter(done), 0)
    counts = select(func.count().filter(done), size, func.count()).where(Upload.intake_id == intake_id)
    files, size_bytes, total = session.execute(counts).one()
    return State(found, files, int(size_bytes), total - files)


def known(session: Session, intake_id: UUID, contents: Sequence[str]) -> list[str]:
    """Return which of these files, by their SHA-256, the tile set or the intake has already."""
    tile_set = find(session, intake_id).tile_set_id
    tiles = select(Tile.content).where(
        Tile.tile_set_id == tile_set, Tile.since.is_not(None), Tile.content.in_(contents)
    )
    sent = select(Upload.content).where(Upload.intake_id == intake_id, Upload.content.in_(contents))
    found = {*session.scalars(tiles), *session.scalars(sent)}
    return [content for content in dict.fromkeys(contents) if content in found]


def taken(session: Session, now: datetime) -> tuple[int, int]:
    """Return how many intakes are open, and how many bytes they have or await."""
    of_open = Intake.ended_at.is_(None), Intake.expires_at > now
    count, size = session.execute(
        select(func.count(), func.coalesce(func.sum(Intake.byte_count), 0)).where(*of_open)
    ).one()
    return count, int(size)
