"""Records how each attempt at a job went, for people who watch the service; decisions are made in `jobs`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from models.rules.lifecycle import AttemptEnd
from models.tables import AttemptRecord, PhaseRecord


def begin(session: Session, job_id: int, number: int, now: datetime, queued_at: datetime) -> None:
    """Record that an attempt has begun, and how long the job waited for it."""
    waited = max(0.0, (now - queued_at).total_seconds())
    session.add(AttemptRecord(job_id=job_id, number=number, waited_seconds=waited, started_at=now))


def end(session: Session, job_ids: Sequence[int], now: datetime, outcome: AttemptEnd) -> None:
    """Record the end of the running attempts of some jobs; a job has at most one."""
    session.execute(
        update(AttemptRecord)
        .where(AttemptRecord.job_id.in_(job_ids), AttemptRecord.outcome.is_(None))
        .values(outcome=outcome, ended_at=now)
    )


def note_phases(session: Session, job_id: int, number: int, seconds: Mapping[str, float]) -> None:
    """Record how long each phase of an attempt took."""
    if not seconds:
        return
    attempt_id = session.scalars(
        select(AttemptRecord.id).where(AttemptRecord.job_id == job_id, AttemptRecord.number == number)
    ).one()
    rows = [{"attempt_id": attempt_id, "phase": phase, "seconds": spent} for phase, spent in seconds.items()]
    session.execute(insert(PhaseRecord), rows)


def forget(session: Session, job_ids: Iterable[int]) -> None:
    """Delete the records of all attempts at some jobs."""
    mine = AttemptRecord.job_id.in_(list(job_ids))
    session.execute(delete(PhaseRecord).where(PhaseRecord.attempt_id.in_(select(AttemptRecord.id).where(mine))))
    session.execute(delete(AttemptRecord).where(mine))
