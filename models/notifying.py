"""Rings doorbells once the rows are committed, and counts messages that did not reach the queue."""

from collections.abc import Iterable

import structlog
from sqlalchemy.orm import Session, sessionmaker

from models import database, jobs, queue
from models.rules.lifecycle import Doorbell

log = structlog.get_logger(__name__)


def ring_all(sessions: sessionmaker[Session], bells: Iterable[Doorbell]) -> None:
    """Ring until one fails, which is counted. Call this after the commit; it never raises."""
    left = queue.ring_all(bells)
    if not left:
        return
    try:
        with sessions.begin() as session:
            jobs.note_failed_ring(session, left[0].job_id)
    except database.Unreachable:
        log.warning("a failed ring was not counted", job_id=left[0].job_id, exc_info=True)
