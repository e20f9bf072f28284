"""The only writer of a job's state: every transition is one UPDATE, guarded by the state it expects.

A read followed by a write is a race; a guarded UPDATE has exactly one winner. `now` is the database's time
(`database.now`); it is an argument, so that everything in one transaction has the same time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import cast

from sqlalchemy import ColumnElement, case, delete, select, update
from sqlalchemy.orm import Session

from models import attempts, logs
from models.errors import LeaseLost, TesseraError
from models.rules.lifecycle import AttemptEnd, Doorbell, JobKind, JobState, Lane, before
from models.rules.retry_policy import RetryPolicy
from models.tables import Job

RING_AGAIN_MOST = timedelta(hours=1)


@dataclass(frozen=True)
class Lease:
    """The right to work on a job; it ends when it was not renewed in time."""

    job_id: int
    attempt: int
    token: str
    request_id: str | None = None

    @property
    def name(self) -> str:
        """A name that no other attempt has; it is in the keys of all blobs that this attempt writes."""
        return f"{self.job_id}-{self.attempt}"


@dataclass(frozen=True)
class Counted:
    """What pages show of a phase: how many of how many are done, and the blob of the result so far."""

    done: int | None = None
    total: int | None = None
    partial_key: str | None = None


def add(session: Session, kind: JobKind, lane: Lane, now: datetime, ring_again: timedelta) -> Job:
    """Add a queued job; the caller rings for it once the transaction has committed."""
    job = Job(
        kind=kind,
        lane=lane,
        state=JobState.QUEUED,
        request_id=logs.request_id(),
        created_at=now,
        queued_at=now,
        ring_at=now + ring_again,
    )
    session.add(job)
    session.flush()
    return job


def claim(session: Session, job_id: int, now: datetime, span: timedelta) -> Lease | None:
    """Take a queued job; None if it is not queued any more."""
    token = token_hex(16)
    claimed = session.execute(
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
            phase_at=now,
            **_counts(Counted()),
        )
        .returning(Job.attempt, Job.queued_at, Job.request_id)
    ).one_or_none()
    if claimed is None:
        return None
    number, queued_at, request_id = claimed
    attempts.begin(session, job_id, number, now, queued_at)
    return Lease(job_id, number, token, request_id)


def beat(
    session: Session, lease: Lease, now: datetime, span: timedelta, phase: str, progress: float,
    counted: Counted = Counted(),
) -> None:  # fmt: skip
    """Renew a lease and write how far the work is.

    Raises:
        LeaseLost: the job was cancelled, swept or finished.
    """
    values = {"phase": phase, "progress": progress, **_counts(counted)}
    since = case((Job.phase == phase, Job.phase_at), else_=now)
    _guarded(session, lease, [JobState.RUNNING], lease_until=now + span, phase_at=since, **values)


def succeed(session: Session, lease: Lease, now: datetime) -> None:
    """Close a job whose result is written in the same transaction.

    Raises:
        LeaseLost: the attempt no longer holds the job; the transaction must be rolled back.
    """
    _close(session, lease, JobState.SUCCEEDED, now, progress=1.0)


def fail(session: Session, lease: Lease, now: datetime, error: TesseraError) -> None:
    """Close a job with the code and the sentence of an error.

    Raises:
        LeaseLost: the attempt no longer holds the job.
    """
    _close(session, lease, JobState.FAILED, now, error_code=error.code, error_sentence=str(error))


def give_back(session: Session, lease: Lease, now: datetime) -> None:
    """Queue a job again because its worker was asked to end; the attempt does not count, and the next sweep rings.

    Raises:
        LeaseLost: the attempt no longer holds the job.
    """
    _guarded(
        session,
        lease,
        before(JobState.QUEUED),
        state=JobState.QUEUED,
        given_back=Job.given_back + 1,
        lease_token=None,
        lease_until=None,
        queued_at=now,
        ring_at=now,
    )
    attempts.end(session, [lease.job_id], now, AttemptEnd.GIVEN_BACK)


def note_failed_ring(session: Session, job_id: int) -> None:
    """Count a message that did not reach the queue."""
    session.execute(update(Job).where(Job.id == job_id).values(failed_rings=Job.failed_rings + 1))


def cancel(session: Session, job_ids: Iterable[int], now: datetime) -> int:
    """Cancel those of some jobs that are not final; return how many were cancelled."""
    cancelled = session.scalars(
        update(Job)
        .where(Job.id.in_(list(job_ids)), Job.state.in_(before(JobState.CANCELLED)))
        .values(state=JobState.CANCELLED, lease_token=None, lease_until=None, finished_at=now, partial_key=None)
        .returning(Job.id)
    ).all()
    attempts.end(session, cancelled, now, AttemptEnd.CANCELLED)
    return len(cancelled)


def forget(session: Session, job_ids: Iterable[int]) -> None:
    """Delete the rows of some jobs that are final and that no other row names any more."""
    session.execute(delete(Job).where(Job.id.in_(list(job_ids)), Job.finished_at.is_not(None)))


def release_stale(session: Session, now: datetime, policy: RetryPolicy) -> list[Doorbell]:
    """Queue again the jobs whose lease ran out; fail those that have used up their attempts or their time.

    Rows that another sweep or a frozen worker has locked are left to the next sweep.

    Returns:
        The doorbells to ring once the transaction has committed.
    """
    stale = (Job.state == JobState.RUNNING) & (Job.lease_until < now)
    query = select(Job.id, Job.attempt - Job.given_back, Job.started_at, Job.lease_until).where(stale)
    # A constraint of the table makes sure that neither time is NULL while a job runs.
    found = cast(
        "Sequence[tuple[int, int, datetime, datetime]]",
        session.execute(query.with_for_update(skip_locked=True)).all(),
    )
    if not found:
        return []
    again = []
    for job_id, number, started_at, lease_until in found:
        error = policy.verdict(number, lease_until - started_at)
        if error is None:
            again.append(job_id)
        else:
            result = {"error_code": error.code, "error_sentence": str(error), "finished_at": now}
            values = result | {"state": JobState.FAILED, "lease_token": None, "lease_until": None}
            session.execute(update(Job).where(stale, Job.id == job_id).values(values))
    attempts.end(session, [job_id for job_id, *_ in found], now, AttemptEnd.EXPIRED)
    return _doorbells(
        session,
        stale & Job.id.in_(again),
        state=JobState.QUEUED,
        lease_token=None,
        lease_until=None,
        queued_at=now,
        ring_at=now + policy.ring_again,
    )


def ring_again(
    session: Session,
    now: datetime,
    empty: Iterable[Lane] = (),
    waited: timedelta = RING_AGAIN_MOST,
    most: int = 500,
) -> list[Doorbell]:
    """Pick the queued jobs whose message may have been lost; sweeps that run at once pick different ones.

    The longer a job has waited, the longer it is until the next ring: as long as it has waited, but at most an hour.
    In a lane where jobs wait but no message does, messages were lost, for instance because Redis was restarted; there
    all jobs are picked.

    Args:
        session: A transaction.
        now: The time on the database's clock.
        empty: Lanes whose queue has no message.
        waited: How long a job in such a lane must have waited; a shorter one may be on its way to a worker.
        most: How many to pick at once.
    """
    lost = Job.lane.in_(list(empty)) & (Job.queued_at < now - waited)
    due = session.execute(
        select(Job.id, Job.queued_at, Job.ring_at)
        .where(Job.state == JobState.QUEUED, (Job.ring_at < now) | lost)
        .order_by(Job.ring_at)
        .limit(most)
        .with_for_update(skip_locked=True)
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
        partial_key=None,
        **result,
    )
    attempts.end(session, [lease.job_id], now, AttemptEnd(state.value))


def _counts(counted: Counted) -> dict[str, object]:
    return {"done_count": counted.done, "total_count": counted.total, "partial_key": counted.partial_key}


def _guarded(session: Session, lease: Lease, states: list[JobState], **values: object) -> None:
    written = session.scalar(
        update(Job)
        .where(Job.id == lease.job_id, Job.state.in_(states), Job.lease_token == lease.token)
        .values(**values)
        .returning(Job.id)
    )
    if written is None:
        raise LeaseLost(f"Attempt {lease.attempt} no longer holds job {lease.job_id}.")
