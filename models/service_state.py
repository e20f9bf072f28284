"""What the service does right now, by the rows: who works, what waits, what failed lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import job_listing
from models.job_listing import Entry
from models.rules.lifecycle import JobState, Lane
from models.tables import Installation, Job

LATELY = timedelta(days=1)
MOST_RUNNING = 50
"""Running jobs that are listed; there are no more of them than worker processes."""


@dataclass(frozen=True)
class Queue:
    """The jobs of a lane that nobody works on yet; `oldest` is how long the first of them has waited.

    `ended` is when a job of the lane was last through; None if none was.
    """

    lane: Lane
    count: int
    oldest: timedelta | None
    ended: datetime | None


@dataclass(frozen=True)
class Working:
    """A running job, and how long its worker has said nothing beyond the time of one beat; None if it is in time."""

    entry: Entry
    silent: timedelta | None


@dataclass(frozen=True)
class Failures:
    """Jobs that failed of late for one reason, and what the last of them said."""

    code: str
    count: int
    sentence: str


@dataclass(frozen=True)
class ServiceState:
    """All of it; `store` is what the last survey of the store found."""

    queues: Sequence[Queue]
    working: Sequence[Working]
    failures: Sequence[Failures]
    store: Installation


def look(session: Session, now: datetime, span: timedelta, beat: timedelta) -> ServiceState:
    """Return what the service does.

    Args:
        session: A session that reads.
        now: The time on the database's clock.
        span: How long a lease holds.
        beat: How often a worker renews it.
    """
    return ServiceState(_queues(session, now), _working(session, now, span, beat), _failures(session, now),
                        session.scalars(select(Installation)).one())  # fmt: skip


def _queues(session: Session, now: datetime) -> list[Queue]:
    query = select(Job.lane, func.count(), func.min(Job.queued_at)).where(Job.state == JobState.QUEUED)
    found = {lane: (count, oldest) for lane, count, oldest in session.execute(query.group_by(Job.lane))}
    # Lane by lane, the index tells the last one; grouped, all jobs would be read.
    ended = {lane: session.scalar(select(func.max(Job.finished_at)).where(Job.lane == lane)) for lane in Lane}
    return [_queue(lane, found.get(lane, (0, None)), ended[lane], now) for lane in Lane]


def _queue(lane: Lane, waits: tuple[int, datetime | None], ended: datetime | None, now: datetime) -> Queue:
    count, oldest = waits
    return Queue(lane, count, max(timedelta(), now - oldest) if oldest else None, ended)


def _working(session: Session, now: datetime, span: timedelta, beat: timedelta) -> list[Working]:
    running = job_listing.newest(session, [JobState.RUNNING], MOST_RUNNING)
    return [Working(entry, _silent(entry.job, now, span, beat)) for entry in running]


def _silent(job: Job, now: datetime, span: timedelta, beat: timedelta) -> timedelta | None:
    if job.lease_until is None:
        return None
    silent = now - (job.lease_until - span)
    return silent if silent > 3 * beat else None


def _failures(session: Session, now: datetime) -> list[Failures]:
    lately = Job.state == JobState.FAILED, Job.finished_at >= now - LATELY
    query = select(Job.error_code, func.count(), func.max(Job.id)).where(*lately).group_by(Job.error_code)
    rows = session.execute(query.order_by(func.count().desc(), Job.error_code)).all()
    last = select(Job.id, Job.error_sentence).where(Job.id.in_([newest for *_, newest in rows]))
    sentences = {row.id: row.error_sentence for row in session.execute(last)}
    return [Failures(code or "", count, sentences[newest] or "") for code, count, newest in rows]
