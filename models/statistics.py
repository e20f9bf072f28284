"""The service's statistics, counted from the tables by a few queries with GROUP BY."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models.rules.lifecycle import AttemptEnd, JobKind, JobState, Lane
from models.tables import AttemptRecord, Installation, Job, Part, PhaseRecord, TileSet

WAIT_BOUNDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds of the histogram's buckets, in seconds: from a wait that nobody notices to one that nobody accepts."""


@dataclass(frozen=True)
class Waits:
    """How long jobs of a lane waited for their attempts.

    Attributes:
        counts: For each of `WAIT_BOUNDS`, how many waited at most so long.
        count: How many attempts there are.
        seconds: The sum of their waits.
    """

    counts: tuple[int, ...]
    count: int
    seconds: float


@dataclass(frozen=True)
class PhaseTime:
    """How often jobs of a kind went through a phase, and how long that took in total."""

    kind: JobKind
    phase: str
    count: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """All counts, including those that are zero.

    Attributes:
        jobs: Jobs by kind, lane and state.
        oldest: How long the oldest queued job of each lane has waited.
        waits: Waits of all attempts, by the lane of their job.
        phases: Phases that occurred.
        ended: Attempts that ended, by the kind of their job and how they ended.
        going_on: Attempts that have not ended, by the kind of their job.
        failed_rings: Messages that did not reach the queue.
        photos_left: Photos that unfinished jobs still have to index, as far as they are listed.
        store: What the last survey of the store found.
    """

    jobs: Mapping[tuple[JobKind, Lane, JobState], int]
    oldest: Mapping[Lane, timedelta]
    waits: Mapping[Lane, Waits]
    phases: Sequence[PhaseTime]
    ended: Mapping[tuple[JobKind, AttemptEnd], int]
    going_on: Mapping[JobKind, int]
    failed_rings: int
    photos_left: int
    store: Installation


def count(session: Session, now: datetime) -> Figures:
    """Count everything."""
    attempts = _attempts(session)
    return Figures(
        jobs=_jobs(session),
        oldest=_oldest(session, now),
        waits=_waits(session),
        phases=_phases(session),
        ended={(kind, end): attempts.get((kind, end), 0) for kind, end in product(JobKind, AttemptEnd)},
        going_on={kind: attempts.get((kind, None), 0) for kind in JobKind},
        failed_rings=session.scalars(select(func.coalesce(func.sum(Job.failed_rings), 0))).one(),
        photos_left=_photos_left(session),
        store=session.scalars(select(Installation)).one(),
    )


def _jobs(session: Session) -> dict[tuple[JobKind, Lane, JobState], int]:
    columns = (Job.kind, Job.lane, Job.state)
    rows = session.execute(select(*columns, func.count()).group_by(*columns))
    found = {(kind, lane, state): number for kind, lane, state, number in rows}
    return {key: found.get(key, 0) for key in product(JobKind, Lane, JobState)}


def _oldest(session: Session, now: datetime) -> dict[Lane, timedelta]:
    query = select(Job.lane, func.min(Job.queued_at)).where(Job.state == JobState.QUEUED).group_by(Job.lane)
    since = dict(session.execute(query).all())
    return {lane: max(timedelta(), now - since.get(lane, now)) for lane in Lane}


def _waits(session: Session) -> dict[Lane, Waits]:
    waited = AttemptRecord.waited_seconds
    within = [func.sum(case((waited <= bound, 1), else_=0)) for bound in WAIT_BOUNDS]
    query = select(Job.lane, func.count(), func.sum(waited), *within).join_from(AttemptRecord, Job).group_by(Job.lane)
    found = {lane: Waits(tuple(counts), number, total) for lane, number, total, *counts in session.execute(query)}
    nothing = Waits((0,) * len(WAIT_BOUNDS), 0, 0.0)
    return {lane: found.get(lane, nothing) for lane in Lane}


def _phases(session: Session) -> list[PhaseTime]:
    columns = (Job.kind, PhaseRecord.phase)
    query = select(*columns, func.count(), func.sum(PhaseRecord.seconds)).group_by(*columns).order_by(*columns)
    rows = session.execute(query.join_from(PhaseRecord, AttemptRecord).join(Job))
    return [PhaseTime(kind, phase, number, seconds) for kind, phase, number, seconds in rows]


def _attempts(session: Session) -> dict[tuple[JobKind, AttemptEnd | None], int]:
    columns = (Job.kind, AttemptRecord.outcome)
    rows = session.execute(select(*columns, func.count()).join_from(AttemptRecord, Job).group_by(*columns))
    return {(kind, outcome): number for kind, outcome, number in rows}


def _photos_left(session: Session) -> int:
    left = select(func.coalesce(func.sum(Part.photo_count - Part.done_count), 0))
    going_on = Job.state.in_([JobState.QUEUED, JobState.RUNNING])
    of_jobs = left.join_from(Part, TileSet, TileSet.id == Part.tile_set_id).join(Job, Job.id == TileSet.job_id)
    return session.scalars(of_jobs.where(going_on)).one()
