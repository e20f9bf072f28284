"""How far unfinished jobs are, for those who wait: of many jobs at once, by the same few queries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import database, parts
from models.rules.lifecycle import JobKind, JobState
from models.tables import Job, TileSet

KNOWN_SHARE, KNOWN_SECONDS = 0.05, 2.0
"""From which share of a phase, and after what time in it, it can be told how long the rest of it takes."""


@dataclass(frozen=True)
class Waited:
    """How far a job is.

    Attributes:
        job: The job.
        before: While it is queued, how many jobs of its lane are before it.
        done: How much of its phase is done; None where nothing is counted.
        total: And of how much.
        rate: How many of them are done in a second; None where it is not measured.
        seconds_left: How long the phase will go on at the same pace; None while that cannot be told.
    """

    job: Job
    before: int | None = None
    done: int | None = None
    total: int | None = None
    rate: float | None = None
    seconds_left: float | None = None


def look(session: Session, job_ids: Collection[int]) -> dict[int, Waited]:
    """Return how far each of some jobs is; those that there are not are left out."""
    found = session.scalars(select(Job).where(Job.id.in_(job_ids))).all()
    now = database.now(session)
    queued = [job.id for job in found if job.state is JobState.QUEUED]
    places = _places(session, queued) if queued else {}
    return {job.id: _waited(session, job, places.get(job.id), now) for job in found}


def _places(session: Session, queued: Collection[int]) -> dict[int, int]:
    """Return how many queued jobs are before each of some, in its lane."""
    place = func.row_number().over(partition_by=Job.lane, order_by=(Job.queued_at, Job.id))
    every = select(Job.id, place.label("place")).where(Job.state == JobState.QUEUED).subquery()
    rows = session.execute(select(every.c.id, every.c.place).where(every.c.id.in_(queued)))
    return {job_id: place - 1 for job_id, place in rows}


def _waited(session: Session, job: Job, before: int | None, now: datetime) -> Waited:
    if job.state is not JobState.RUNNING:
        return Waited(job, before)
    if job.kind is JobKind.INDEX:
        # Several workers index a set; each knows of its own photos only.
        tile_set_id = session.scalars(select(TileSet.id).where(TileSet.job_id == job.id)).one()
        far = parts.progress(session, tile_set_id, job.started_at, now)
        return (
            Waited(job) if far is None else Waited(job, None, far.done, far.total, far.rate or None, far.seconds_left)
        )
    return Waited(job, None, job.done_count, job.total_count, seconds_left=_left(job, now))


def _left(job: Job, now: datetime) -> float | None:
    if not job.done_count or not job.total_count or job.phase_at is None:
        return None
    taken = (now - job.phase_at).total_seconds()
    if taken < KNOWN_SECONDS or job.done_count < KNOWN_SHARE * job.total_count:
        return None
    return taken * (job.total_count - job.done_count) / job.done_count
