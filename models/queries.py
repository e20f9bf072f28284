"""Queries of the tables, for pages, the API and the workers."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from models.errors import InvalidOrder, NotAPicture, NotFound, NotReady
from models.exclusions import left_out
from models.rules.lifecycle import JobState
from models.rules.names import readable
from models.rules.orders import MosaicOrder
from models.rules.skip_reasons import DUPLICATE
from models.rules.tile_set_words import ExclusionReason
from models.tables import Batch, Job, Mosaic, Rendition, SkippedPhoto, Tile, TileSet, Version

PAGE_LENGTH = 50
REPORT_LENGTH = 1_000
OF_MOSAIC = (
    joinedload(Mosaic.job),
    joinedload(Mosaic.first).joinedload(Rendition.job),
    joinedload(Mosaic.tile_set),
    joinedload(Mosaic.made_from),
    joinedload(Mosaic.batch),
)
"""What is shown with a mosaic."""
THERE = Mosaic.deleted_at.is_(None)
"""Whether a mosaic is not in the trash; the batch of one may be."""


@dataclass(frozen=True)
class Shown:
    """A photo of a tile set, and whether it is banned from mosaics."""

    tile: Tile
    banned: bool


@dataclass(frozen=True)
class BatchProgress:
    """A batch as a whole: how many of its mosaics are in each state, and the share of all work that is done."""

    counts: dict[JobState, int]
    progress: float

    @property
    def total(self) -> int:
        """Number of mosaics."""
        return sum(self.counts.values())

    @property
    def final(self) -> bool:
        """Whether every mosaic is in a final state."""
        return all(state.final for state, count in self.counts.items() if count)


def find_tile_set(session: Session, tile_set_id: UUID) -> TileSet:
    """Return a tile set with its job.

    Raises:
        NotFound: there is none, or it is in the trash.
    """
    found = session.get(TileSet, tile_set_id, options=[joinedload(TileSet.job)])
    if found is None or found.purged_at is not None:
        raise NotFound("There is no such tile set.")
    if found.deleted_at is not None:
        raise NotFound(f"The tile set “{found.name}” is in the trash; take it back first.")
    return found


def find_indexed(session: Session, tile_set_id: UUID) -> TileSet:
    """Return a tile set that mosaics can be made from.

    Raises:
        NotFound: there is none.
        NotReady: it has no version yet.
    """
    found = find_tile_set(session, tile_set_id)
    if found.current is None:
        raise NotReady(f"The tile set “{found.name}” is {found.job.state}; order once it is indexed.")
    return found


def find_named(session: Session, name: str) -> TileSet:
    """Return the tile set with an id, or with a name.

    Raises:
        NotFound: there is none.
        InvalidOrder: several have this name.
    """
    with suppress(ValueError, NotFound):
        return find_tile_set(session, UUID(name))
    query = select(TileSet).where(TileSet.name == readable(name), TileSet.deleted_at.is_(None))
    found = session.scalars(query.options(joinedload(TileSet.job))).all()
    if not found:
        raise NotFound(f"There is no tile set called “{name}”.")
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise InvalidOrder("name", f"{len(found)} tile sets are called “{name}”; say which by its id: {ids}.")
    return found[0]


def find_idle(session: Session, tile_set_id: UUID) -> TileSet:
    """Return a tile set to which photos can be added.

    Raises:
        NotFound: there is none.
        NotReady: it is being indexed.
    """
    found = find_tile_set(session, tile_set_id)
    if not found.job.state.final:
        raise NotReady(f"The tile set “{found.name}” is being indexed; add photos once that is done, or cancel it.")
    return found


def find_version(session: Session, tile_set_id: UUID, number: int) -> Version:
    """Return a tile set as it was at a version, deleted or not.

    Raises:
        NotFound: there is none.
    """
    found = session.scalars(
        select(Version).where(Version.tile_set_id == tile_set_id, Version.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("The tile set is not there in the version that was ordered from.")
    return found


def find_tile(session: Session, tile_set_id: UUID, content: str) -> Shown:
    """Return a photo of a tile set.

    Raises:
        NotFound: there is none.
    """
    find_tile_set(session, tile_set_id)
    found = session.execute(_shown(tile_set_id).where(Tile.content == content)).one_or_none()
    if found is None:
        raise NotFound("There is no such photo in this tile set.")
    return Shown(*found)


def _shown(tile_set_id: UUID) -> Select[Tile, bool]:
    query = select(Tile, left_out(ExclusionReason.BANNED)).where(Tile.tile_set_id == tile_set_id)
    return query.where(Tile.since.is_not(None), ~left_out(ExclusionReason.NEAR_DUPLICATE))


def mosaic_count(session: Session, tile_set_id: UUID) -> int:
    """Return how many mosaics there are that were ordered from a tile set."""
    return session.scalars(select(func.count()).where(Mosaic.tile_set_id == tile_set_id, THERE)).one()


def versions(session: Session, tile_set_id: UUID, most: int = PAGE_LENGTH) -> Sequence[Version]:
    """Return the newest versions of a tile set, the newest first."""
    query = select(Version).where(Version.tile_set_id == tile_set_id).order_by(Version.number.desc())
    return session.scalars(query.limit(most)).all()


def find_mosaic(session: Session, mosaic_id: UUID) -> Mosaic:
    """Return a mosaic with its job, its tile set and its version.

    Raises:
        NotFound: there is none, or it is in the trash, by itself or with its batch.
    """
    found = session.get(Mosaic, mosaic_id, options=OF_MOSAIC)
    batch = found.batch if found is not None else None
    if found is None or found.purged_at is not None or (batch is not None and batch.purged_at is not None):
        raise NotFound("There is no such mosaic.")
    if found.deleted_at is not None:
        raise NotFound(f"The mosaic “{found.target_name}” is in the trash; take it back first.")
    if batch is not None:
        find_batch(session, batch.id)
    return found


def purged_mosaics() -> Select[UUID]:
    """Select the ids of the mosaics that are deleted for good, by themselves or with their batch."""
    purged = or_(Mosaic.purged_at.is_not(None), Batch.purged_at.is_not(None))
    return select(Mosaic.id).outerjoin(Mosaic.batch).where(purged)


def find_batch(session: Session, batch_id: UUID) -> Batch:
    """Return a batch with its tile set.

    Raises:
        NotFound: there is none, or it is in the trash.
    """
    found = session.get(Batch, batch_id, options=[joinedload(Batch.tile_set)])
    if found is None or found.purged_at is not None:
        raise NotFound("There is no such batch.")
    if found.deleted_at is not None:
        raise NotFound(f"The batch “{found.name}” is in the trash; take it back first.")
    return found


def indexed_tile_sets(session: Session) -> Sequence[TileSet]:
    """Return every tile set that mosaics can be made of, the newest first."""
    query = select(TileSet).where(TileSet.deleted_at.is_(None), TileSet.version.is_not(None))
    return session.scalars(query.options(joinedload(TileSet.job)).order_by(TileSet.created_at.desc())).all()


def batch_mosaics(session: Session, batch_id: UUID, first: int = 0, most: int | None = None) -> Sequence[Mosaic]:
    """Return the mosaics of a batch, with their jobs, in the order of its targets, from a number on."""
    query = select(Mosaic).where(Mosaic.batch_id == batch_id, Mosaic.number >= first, THERE)
    return session.scalars(query.order_by(Mosaic.number).limit(most).options(*OF_MOSAIC)).all()


def batch_progress(session: Session, batch_id: UUID) -> BatchProgress:
    """Count a batch's jobs by state; a job in a final state counts as done."""
    rows = session.execute(
        select(Job.state, func.count(), func.sum(Job.progress))
        .join(Mosaic, Mosaic.job_id == Job.id)
        .where(Mosaic.batch_id == batch_id, THERE)
        .group_by(Job.state)
    ).all()
    counts = {state: count for state, count, _ in rows}
    done = sum(count if state.final else progress for state, count, progress in rows)
    return BatchProgress(counts, done / max(1, sum(counts.values())))


def skipped_photos(
    session: Session, tile_set_id: UUID, most: int | None = REPORT_LENGTH, after: int = 0
) -> Sequence[SkippedPhoto]:
    """Return lines of a tile set's report after a line's id: the files that are no tiles, faults first."""
    no_fault = SkippedPhoto.code.in_([NotAPicture.code, DUPLICATE, ExclusionReason.REMOVED.value])
    query = select(SkippedPhoto).where(SkippedPhoto.tile_set_id == tile_set_id, SkippedPhoto.id > after)
    return session.scalars(query.order_by(no_fault, SkippedPhoto.id).limit(most)).all()


def last_line(session: Session, tile_set_id: UUID) -> int:
    """Return the id of the last line of a tile set's report; 0 if there is none."""
    newest = select(func.max(SkippedPhoto.id)).where(SkippedPhoto.tile_set_id == tile_set_id)
    return session.scalars(newest).one() or 0


def order_of(mosaic: Mosaic) -> MosaicOrder:
    """Return the order that a mosaic's row holds."""
    return MosaicOrder(**{field.name: getattr(mosaic, field.name) for field in fields(MosaicOrder)})
