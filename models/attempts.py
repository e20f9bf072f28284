"""What became of each attempt, for people who watch the service. Nothing here decides anything: `jobs` does."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from models.rules.lifecycle import AttemptEnd
from models.tables import AttemptRecord, PhaseRecord


def begin(session: Session, job_id: int, number: int, now: datetime, queued_at: datetime) -> None:
    """Write that an attempt has begun, and how long the job had waited for it."""
    waited = max(0.0, (now - queued_at).total_seconds())
    session.add(AttemptRecord(job_id=job_id, number=number, waited_seconds=waited, started_at=now))


def end(session: Session, job_ids: Sequence[int], now: datetime, outcome: AttemptEnd) -> None:
    """Write the end of whatever attempts these jobs have going on; a job has one at most."""
    session.execute(
        update(AttemptRecord)
        .where(AttemptRecord.job_id.in_(job_ids), AttemptRecord.outcome.is_(None))
        .values(outcome=outcome, ended_at=now)
    )


def note_phases(session: Session, job_id: int, number: int, seconds: Mapping[str, float]) -> None:
    """Write how long each phase of an attempt took."""
    if not seconds:
        return
    attempt_id = session.scalars(
        select(AttemptRecord.id).where(AttemptRecord.job_id == job_id, AttemptRecord.number == number)
    ).one()
    rows = [{"attempt_id": attempt_id, "phase": phase, "seconds": spent} for phase, spent in seconds.items()]
    session.execute(insert(PhaseRecord), rows)
