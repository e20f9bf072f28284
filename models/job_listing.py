"""Lists jobs, with their purpose and their attempts, for people who look after the service."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.rules.lifecycle import JobState
from models.tables import AttemptRecord, Job, Mosaic, PhaseRecord, Rendition, TileSet


@dataclass(frozen=True)
class Entry:
    """A job, and the mosaic or tile set that it is for; None if that has a newer job."""

    job: Job
    purpose: Mosaic | TileSet | None


@dataclass(frozen=True)
class AttemptEntry:
    """An attempt, and the seconds of each of its phases, in the order in which they were recorded."""

    record: AttemptRecord
    phases: Mapping[str, float]


def find_job(session: Session, job_id: int) -> Job:
    """Return a job.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Job, job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id}.")
    return found


def find_entry(session: Session, job_id: int) -> Entry:
    """Return a job and what it is for.

    Raises:
        NotFound: there is no such job.
    """
    of_job = select(Mosaic).join(Rendition, Rendition.mosaic_id == Mosaic.id).where(Rendition.job_id == job_id)
    mosaic = session.scalars(of_job).one_or_none()
    tile_set = session.scalars(select(TileSet).where(TileSet.job_id == job_id)).one_or_none()
    return Entry(find_job(session, job_id), mosaic or tile_set)


def newest(session: Session, states: Collection[JobState], most: int) -> list[Entry]:
    """Return the newest jobs in some states; in any state if none is given."""
    query = (
        select(Job, Mosaic, TileSet)
        .outerjoin(Rendition, Rendition.job_id == Job.id)
        .outerjoin(Mosaic, Mosaic.id == Rendition.mosaic_id)
        .outerjoin(TileSet, TileSet.job_id == Job.id)
        .order_by(Job.id.desc())
        .limit(most)
    )
    if states:
        query = query.where(Job.state.in_(states))
    return [Entry(job, mosaic or tile_set) for job, mosaic, tile_set in session.execute(query)]


def attempts(session: Session, job_id: int) -> list[AttemptEntry]:
    """Return the attempts at a job, the first one first."""
    of_job = AttemptRecord.job_id == job_id
    records = session.scalars(select(AttemptRecord).where(of_job).order_by(AttemptRecord.number)).all()
    query = select(PhaseRecord).join(AttemptRecord, PhaseRecord.attempt_id == AttemptRecord.id).where(of_job)
    phases = session.scalars(query.order_by(PhaseRecord.id)).all()
    return [
        AttemptEntry(record, {phase.phase: phase.seconds for phase in phases if phase.attempt_id == record.id})
        for record in records
    ]
