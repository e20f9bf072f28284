"""Checked wishes become rows. The caller commits, and only then rings."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models import database, jobs, ledger
from models.errors import NotRetryable
from models.finding import find_indexed
from models.lifecycle import Doorbell, JobKind, JobState, Lane
from models.orders import MosaicOrder
from models.tables import NAME_LENGTH, Batch, Job, Mosaic, SkippedPhoto, TileSet, Upload

RETRYABLE = frozenset({JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file that is in the store: its name for people, its key, and its place in the zip it came in."""

    name: str
    key: str
    entry: int | None = None


def place_tile_set(
    session: Session,
    tile_set_id: UUID,
    name: str,
    photos: Sequence[StoredFile],
    archives: Sequence[StoredFile],
    ring_again: timedelta,
) -> Doorbell:
    """Write a tile set, what was uploaded for it, and the job that will index it."""
    now = database.now(session)
    job = jobs.add(session, JobKind.INDEX, Lane.INDEXING, now, ring_again)
    session.add(TileSet(id=tile_set_id, name=readable(name), job_id=job.id, created_at=now))
    session.flush()
    files = [*((photo, False) for photo in photos), *((archive, True) for archive in archives)]
    session.add_all(
        Upload(
            tile_set_id=tile_set_id,
            number=number,
            name=readable(file.name),
            key=file.key,
            is_archive=is_archive,
        )
        for number, (file, is_archive) in enumerate(files)
    )
    return _doorbell(job)


def place_mosaic(
    session: Session,
    mosaic_id: UUID,
    tile_set_id: UUID,
    target: StoredFile,
    order: MosaicOrder,
    ring_again: timedelta,
) -> Doorbell:
    """Write a mosaic and the job that will render it, in the lane of people who wait.

    Raises:
        NotFound: there is no such tile set.
        NotReady: the tile set is not indexed.
    """
    find_indexed(session, tile_set_id)
    job = _add_mosaic(session, Lane.INTERACTIVE, ring_again, tile_set_id, target, order, id=mosaic_id)
    return _doorbell(job)


def place_batch(
    session: Session,
    batch_id: UUID,
    name: str,
    tile_set_id: UUID,
    targets: Sequence[StoredFile],
    order: MosaicOrder,
    ring_again: timedelta,
) -> list[Doorbell]:
    """Write one mosaic and one job for each target, in the lane that never delays a person.

    Raises:
        NotFound: there is no such tile set.
        NotReady: the tile set is not indexed.
    """
    find_indexed(session, tile_set_id)
    session.add(Batch(id=batch_id, name=readable(name), tile_set_id=tile_set_id, created_at=database.now(session)))
    session.flush()
    return [
        _doorbell(
            _add_mosaic(session, Lane.BULK, ring_again, tile_set_id, target, order, batch_id=batch_id, number=number)
        )
        for number, target in enumerate(targets)
    ]


def place_again(session: Session, job_id: int) -> int:
    """Give the mosaic or tile set of a job that came to nothing a new job, for which the next sweep rings.

    The old job stays as it is, for the record.

    Returns:
        The new job's id.

    Raises:
        NotFound: there is no such job.
        NotRetryable: the job did not fail and was not cancelled, or was tried again already.
    """
    old = ledger.find_job(session, job_id)
    if old.state not in RETRYABLE:
        raise NotRetryable(f"Job {job_id} is {old.state}; only a failed or cancelled job can be tried again.")
    new = jobs.add(session, old.kind, old.lane, database.now(session), timedelta(0))
    if not _hand_over(session, old, new):
        raise NotRetryable(f"Job {job_id} was tried again already; what it was for has a newer job.")
    return new.id


def _hand_over(session: Session, old: Job, new: Job) -> bool:
    """Let what one job was for be another's; whether it was still there to be handed over."""
    if old.kind is JobKind.RENDER:
        handed = update(Mosaic).where(Mosaic.job_id == old.id).values(job_id=new.id).returning(Mosaic.id)
        return session.scalar(handed) is not None
    tile_set_id = session.scalar(
        update(TileSet)
        .where(TileSet.job_id == old.id)
        .values(job_id=new.id, skipped_count=None)
        .returning(TileSet.id)
    )
    # The new job writes the whole report; the lines of the old one would stand in it twice.
    session.execute(delete(SkippedPhoto).where(SkippedPhoto.tile_set_id == tile_set_id))
    return tile_set_id is not None


def _add_mosaic(
    session: Session,
    lane: Lane,
    ring_again: timedelta,
    tile_set_id: UUID,
    target: StoredFile,
    order: MosaicOrder,
    **place: object,
) -> Job:
    now = database.now(session)
    job = jobs.add(session, JobKind.RENDER, lane, now, ring_again)
    mosaic = Mosaic(
        job_id=job.id,
        tile_set_id=tile_set_id,
        created_at=now,
        target_name=readable(target.name),
        target_key=target.key,
        target_entry=target.entry,
        **{field.name: getattr(order, field.name) for field in fields(order)},
        **place,
    )
    session.add(mosaic)
    return job


def _doorbell(job: Job) -> Doorbell:
    return Doorbell(job.kind, job.id, job.lane)


def readable(name: str) -> str:
    """Keep what a person can read: no control characters, no more than the column holds."""
    readable = "".join(character for character in name if character.isprintable()).strip()
    return readable[:NAME_LENGTH] or "unnamed"
