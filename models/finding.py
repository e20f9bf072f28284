"""Questions to the tables, for pages, the API and the workers."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models.errors import NotFound, NotReady
from models.lifecycle import JobState
from models.orders import MosaicOrder
from models.tables import Batch, Job, Mosaic, SkippedPhoto, TileSet

PAGE_LENGTH = 50


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
        NotFound: there is none.
    """
    found = session.get(TileSet, tile_set_id, options=[joinedload(TileSet.job)])
    if found is None:
        raise NotFound("There is no such tile set.")
    return found


def find_indexed(session: Session, tile_set_id: UUID) -> TileSet:
    """Return a tile set that mosaics can be made of.

    Raises:
        NotFound: there is none.
        NotReady: its job has not succeeded.
    """
    found = find_tile_set(session, tile_set_id)
    if found.job.state is not JobState.SUCCEEDED:
        raise NotReady(f"The tile set “{found.name}” is {found.job.state}; order once it is indexed.")
    return found


def find_mosaic(session: Session, mosaic_id: UUID) -> Mosaic:
    """Return a mosaic with its job and its tile set.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Mosaic, mosaic_id, options=[joinedload(Mosaic.job), joinedload(Mosaic.tile_set)])
    if found is None:
        raise NotFound("There is no such mosaic.")
    return found


def find_batch(session: Session, batch_id: UUID) -> Batch:
    """Return a batch with its tile set.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Batch, batch_id, options=[joinedload(Batch.tile_set)])
    if found is None:
        raise NotFound("There is no such batch.")
    return found


def tile_sets(session: Session, *, indexed_only: bool = False) -> Sequence[TileSet]:
    """Return the newest tile sets with their jobs; every indexed one when orders may be placed on them."""
    query = select(TileSet).join(TileSet.job).options(joinedload(TileSet.job)).order_by(TileSet.created_at.desc())
    query = query.where(Job.state == JobState.SUCCEEDED) if indexed_only else query.limit(PAGE_LENGTH)
    return session.scalars(query).all()


def mosaics(session: Session) -> Sequence[Mosaic]:
    """Return the newest mosaics that were ordered singly, with their jobs."""
    query = select(Mosaic).where(Mosaic.batch_id.is_(None)).order_by(Mosaic.created_at.desc()).limit(PAGE_LENGTH)
    return session.scalars(query.options(joinedload(Mosaic.job), joinedload(Mosaic.tile_set))).all()


def batches(session: Session) -> Sequence[Batch]:
    """Return the newest batches."""
    query = select(Batch).options(joinedload(Batch.tile_set)).order_by(Batch.created_at.desc())
    return session.scalars(query.limit(PAGE_LENGTH)).all()


def batch_mosaics(session: Session, batch_id: UUID) -> Sequence[Mosaic]:
    """Return the mosaics of a batch in the order of its targets, with their jobs."""
    query = select(Mosaic).where(Mosaic.batch_id == batch_id).order_by(Mosaic.number)
    return session.scalars(query.options(joinedload(Mosaic.job))).all()


def batch_progress(session: Session, batch_id: UUID) -> BatchProgress:
    """Count a batch's jobs by state; a job in a final state counts as done."""
    rows = session.execute(
        select(Job.state, func.count(), func.sum(Job.progress))
        .join(Mosaic, Mosaic.job_id == Job.id)
        .where(Mosaic.batch_id == batch_id)
        .group_by(Job.state)
    ).all()
    counts = {state: count for state, count, _ in rows}
    done = sum(count if state.final else progress for state, count, progress in rows)
    return BatchProgress(counts, done / max(1, sum(counts.values())))


def skipped_photos(session: Session, tile_set_id: UUID, most: int = 1_000) -> Sequence[SkippedPhoto]:
    """Return the report of a tile set: which files became no tile, and why."""
    query = select(SkippedPhoto).where(SkippedPhoto.tile_set_id == tile_set_id).order_by(SkippedPhoto.id)
    return session.scalars(query.limit(most)).all()


def order_of(mosaic: Mosaic) -> MosaicOrder:
    """Return the order that a mosaic's row holds."""
    return MosaicOrder(**{field.name: getattr(mosaic, field.name) for field in fields(MosaicOrder)})
