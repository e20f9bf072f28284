"""Tries again what failed or was cancelled: as a new job, once, however many ask at once. The caller commits."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import database, job_listing, jobs, keeping, parts, queries, renditions
from models.errors import NotRetryable
from models.rules.lifecycle import RETRYABLE, Doorbell, JobKind
from models.tables import Batch, Candidates, Job, Mosaic, Rendition, TileSet


def place_again(session: Session, job_id: int) -> int:
    """Give the mosaic, rendition or tile set of a failed or cancelled job a new job, for which the next sweep rings.

    The old job stays as it is, as a record.

    Returns:
        The new job's id.

    Raises:
        NotFound: there is no such job, or its mosaic is in the trash.
        NotRetryable: the job did not fail and was not cancelled, or was tried again already.
    """
    mosaic_id = session.scalar(select(Rendition.mosaic_id).where(Rendition.job_id == job_id))
    if mosaic_id is not None:
        _check_tiles(keeping.hold(session, mosaic_id).tile_set)
    return _again(session, job_listing.find_job(session, job_id)).job_id


def mosaic(session: Session, mosaic_id: UUID) -> Doorbell:
    """Try a mosaic again; raises what `place_again` does."""
    held = keeping.hold(session, mosaic_id)
    _check_tiles(held.tile_set)
    return _again(session, held.job)


def rendition(session: Session, mosaic_id: UUID, rendition_id: UUID) -> Doorbell:
    """Try a rendition of a mosaic again; with the first one, its mosaic.

    Raises what `place_again` does, and what `renditions.check_count` does.
    """
    held = keeping.hold(session, mosaic_id)
    _check_tiles(held.tile_set)
    found = renditions.find(session, mosaic_id, rendition_id)
    if found.job_id != held.job_id and found.job.state in RETRYABLE:
        renditions.check_count(session, held)
    return _again(session, found.job)


def batch(session: Session, batch_id: UUID) -> list[Doorbell]:
    """Try all mosaics of a batch again that failed or were cancelled.

    Raises:
        NotFound: there is no such batch.
        NotRetryable: none failed or was cancelled.
    """
    session.execute(select(Batch.id).where(Batch.id == batch_id).with_for_update())
    _check_tiles(queries.find_batch(session, batch_id).tile_set)
    mine = select(Job).join(Mosaic, Mosaic.job_id == Job.id).where(Mosaic.batch_id == batch_id, queries.THERE)
    found = session.scalars(mine.where(Job.state.in_(RETRYABLE)).order_by(Mosaic.number)).all()
    if not found:
        raise NotRetryable("No mosaic of this batch failed or was cancelled.")
    return [_again(session, job) for job in found]


def _check_tiles(tile_set: TileSet) -> None:
    if tile_set.purged_at is not None:
        raise NotRetryable(f"The tile set “{tile_set.name}” was deleted for good, so nothing can be made of it.")


def _again(session: Session, old: Job) -> Doorbell:
    if old.state not in RETRYABLE:
        raise NotRetryable(f"Job {old.id} is {old.state}; only a failed or cancelled job can be tried again.")
    new = jobs.add(session, old.kind, old.lane, database.now(session), timedelta(0))
    if not _hand_over(session, old, new):
        raise NotRetryable(f"Job {old.id} was tried again already; what it was for has a newer job.")
    return Doorbell(new.kind, new.id, new.lane)


def _hand_over(session: Session, old: Job, new: Job) -> bool:
    """Move the rendition, cell or tile set of one job to another; return whether the old job still had one."""
    if old.kind is JobKind.CANDIDATES:
        asked = update(Candidates).where(Candidates.job_id == old.id).values(job_id=new.id).returning(Candidates.id)
        return session.scalar(asked) is not None
    if old.kind is not JobKind.INDEX:
        if old.kind is JobKind.RENDER:
            session.execute(update(Mosaic).where(Mosaic.job_id == old.id).values(job_id=new.id))
        handed = update(Rendition).where(Rendition.job_id == old.id).values(job_id=new.id).returning(Rendition.id)
        return session.scalar(handed) is not None
    # Parts that are done stay done, so the new job continues where the old one stopped.
    for tile_set_id in session.scalars(select(TileSet.id).where(TileSet.job_id == old.id)):
        parts.forgive(session, tile_set_id)
    mine = TileSet.job_id == old.id, TileSet.deleted_at.is_(None)
    return session.scalar(update(TileSet).where(*mine).values(job_id=new.id).returning(TileSet.id)) is not None
