"""The only writer of a job's state: every transition is one UPDATE, guarded by the state it expects.

A read followed by a write is a race; a guarded UPDATE has one winner. `now` is the database's time
(`database.now`), handed in so that every caller of one transaction sees the same moment.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from models.errors import LeaseLost, TesseraError
from models.lifecycle import Doorbell, JobKind, JobState, Lane, before
from models.tables import Job

RING_AGAIN_MOST = timedelta(hours=1)


@dataclass(frozen=True)
class Lease:
    """The right to work on a job until its span ends without a beat."""

    job_id: int
    attempt: int
    token: str


def add(session: Session, kind: JobKind, lane: Lane, now: datetime, ring_again: timedelta) -> Job:
    """Add a queued job, to be rung for by the caller once its transaction has committed."""
    job = Job(kind=kind, lane=lane, state=JobState.QUEUED, created_at=now, queued_at=now, ring_at=now + ring_again)
    session.add(job)
    session.flush()
    return job


def claim(session: Session, job_id: int, now: datetime, span: timedelta) -> Lease | None:
    """Take a queued job; None when it is not there to be taken."""
    token = token_hex(16)
    attempt = session.scalar(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.QUEUED)
        .values(
            state=JobState.RUNNING,
            attempt=Job.attempt + 1,
            lease_token=token,
            lease_until=now + span,
            started_at=now,
            phase="",
            progress=0.0,
        )
        .returning(Job.attempt)
    )
    return None if attempt is None else Lease(job_id, attempt, token)


def beat(session: Session, lease: Lease, now: datetime, span: timedelta, phase: str, progress: float) -> None:
    """Renew a lease and write how far the work is.

    Raises:
        LeaseLost: the job was cancelled, swept or finished.
    """
    _guarded(session, lease, [JobState.RUNNING], lease_until=now + span, phase=phase, progress=progress)


def succeed(session: Session, lease: Lease, now: datetime) -> None:
    """Close a job whose result is written in the same transaction.

    Raises:
        LeaseLost: the attempt no longer holds the job; the transaction must be rolled back.
    """
    _close(session, lease, JobState.SUCCEEDED, now, progress=1.0)


def fail(session: Session, lease: Lease, now: datetime, error: TesseraError) -> None:
    """Close a job with the code and the sentence of what went wrong.

    Raises:
        LeaseLost: the attempt no longer holds the job.
    """
    _close(session, lease, JobState.FAILED, now, error_code=error.code, error_sentence=str(error))


def cancel(session: Session, job_ids: Iterable[int], now: datetime) -> int:
    """Cancel every one of these jobs that is not final; return how many were cancelled."""
    cancelled = session.scalars(
        update(Job)
        .where(Job.id.in_(list(job_ids)), Job.state.in_(before(JobState.CANCELLED)))
        .values(state=JobState.CANCELLED, lease_token=None, lease_until=None, finished_at=now)
        .returning(Job.id)
    )
    return len(cancelled.all())


def release_stale(session: Session, now: datetime, max_attempts: int, ring_again: timedelta) -> list[Doorbell]:
    """Queue again the jobs whose lease ran out, and fail those that had all their attempts.

    Returns:
        Whom to ring for, once the transaction has committed.
    """
    stale = (Job.state == JobState.RUNNING) & (Job.lease_until < now)
    session.execute(
        update(Job)
        .where(stale, Job.attempt >= max_attempts)
        .values(
            state=JobState.FAILED,
            lease_token=None,
            lease_until=None,
            finished_at=now,
            error_code="crashed",
            error_sentence=f"The worker stopped in the middle of this job {max_attempts} times; it is given up.",
        )
    )
    return _doorbells(
        session,
        stale & (Job.attempt < max_attempts),
        state=JobState.QUEUED,
        lease_token=None,
        lease_until=None,
        queued_at=now,
        ring_at=now + ring_again,
    )


def ring_again(session: Session, now: datetime, most: int = 500) -> list[Doorbell]:
    """Pick the queued jobs whose doorbell may have been lost; each sweep gets different ones.

    A job that has waited long is rung for ever less often: next after as long as it has waited, an hour at most.
    """
    due = session.execute(
        select(Job.id, Job.queued_at, Job.ring_at)
        .where(Job.state == JobState.QUEUED, Job.ring_at < now)
        .order_by(Job.ring_at)
        .limit(most)
    ).all()
    rung: list[Doorbell] = []
    for job_id, queued_at, ring_at in due:
        guard = (Job.id == job_id) & (Job.state == JobState.QUEUED) & (Job.ring_at == ring_at)
        rung += _doorbells(session, guard, ring_at=now + min(now - queued_at, RING_AGAIN_MOST))
    return rung


def _doorbells(session: Session, guard: ColumnElement[bool], **values: object) -> list[Doorbell]:
    rows = session.execute(update(Job).where(guard).values(**values).returning(Job.kind, Job.id, Job.lane))
    return [Doorbell(kind, job_id, lane) for kind, job_id, lane in rows]


def _close(session: Session, lease: Lease, state: JobState, now: datetime, **result: object) -> None:
    _guarded(
        session,
        lease,
        before(state),
        state=state,
        lease_token=None,
        lease_until=None,
        finished_at=now,
        **result,
    )


def _guarded(session: Session, lease: Lease, states: list[JobState], **values: object) -> None:
    written = session.scalar(
        update(Job)
        .where(Job.id == lease.job_id, Job.state.in_(states), Job.lease_token == lease.token)
        .values(**values)
        .returning(Job.id)
    )
    if written is None:
        raise LeaseLost(f"Attempt {lease.attempt} no longer holds job {lease.job_id}.")
