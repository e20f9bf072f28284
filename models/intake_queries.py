"""Queries of intakes and their uploads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models import database
from models.errors import IntakeClosed, NotFound
from models.tables import Intake, Source, Tile, TileSet, Upload


@dataclass(frozen=True)
class State:
    """How far an intake is.

    Attributes:
        intake: The intake.
        files: How many files have arrived whole.
        bytes: How many bytes they have.
        open: How many files have not.
        waiting: How many of those that have arrived are not their tile set's yet.
        tile_set: The set, if it is there, and not deleted.
    """

    intake: Intake
    files: int
    bytes: int
    open: int
    waiting: int
    tile_set: TileSet | None


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
    tile_set = session.get(TileSet, found.tile_set_id, options=[joinedload(TileSet.job)])
    there = tile_set if tile_set is not None and tile_set.deleted_at is None else None
    if found.ended_at is not None:
        return State(found, found.file_count, found.byte_count, 0, 0, there)
    sent = counts(session, intake_id)
    files, size = found.file_count - sent.open, found.byte_count - sent.open_bytes
    return State(found, files, size, sent.open, sent.done, there)


class Counts(NamedTuple):
    """How many uploads of an intake are finished, how many are not, and how many bytes these will have."""

    done: int
    open: int
    open_bytes: int


def counts(session: Session, intake_id: UUID) -> Counts:
    """Count the uploads that are not their tile set's yet."""
    done, open_bytes = Upload.key.is_not(None), func.sum(Upload.length_bytes).filter(Upload.key.is_(None))
    query = select(func.count().filter(done), func.count().filter(~done), func.coalesce(open_bytes, 0))
    finished, unfinished, size = session.execute(query.where(Upload.intake_id == intake_id)).one()
    return Counts(finished, unfinished, int(size))


def known(session: Session, intake_id: UUID, contents: Sequence[str]) -> list[str]:
    """Return which of these files, by their SHA-256, the tile set or the intake has, or which are being indexed."""
    tile_set = find(session, intake_id).tile_set_id
    tiles = select(Tile.content).where(
        Tile.tile_set_id == tile_set, Tile.since.is_not(None), Tile.content.in_(contents)
    )
    sent = select(Upload.content).where(Upload.intake_id == intake_id, Upload.content.in_(contents))
    between = select(Source.content).where(Source.tile_set_id == tile_set, Source.content.in_(contents))
    found = {*session.scalars(tiles), *session.scalars(sent), *session.scalars(between)}
    return [content for content in dict.fromkeys(contents) if content in found]


def taken(session: Session, now: datetime) -> tuple[int, int]:
    """Return how many intakes are open, and how many bytes they have or await."""
    of_open = Intake.ended_at.is_(None), Intake.expires_at > now
    count, size = session.execute(
        select(func.count(), func.coalesce(func.sum(Intake.byte_count), 0)).where(*of_open)
    ).one()
    return count, int(size)
