"""Ring once the rows are written, and write down the message that did not reach the queue."""

from collections.abc import Iterable

import structlog
from sqlalchemy.orm import Session, sessionmaker

from models import database, jobs, queue
from models.rules.lifecycle import Doorbell

log = structlog.get_logger(__name__)


def ring_all(sessions: sessionmaker[Session], bells: Iterable[Doorbell]) -> None:
    """Ring until the first that fails, which is counted. Call it after the commit; it never fails its caller."""
    left = queue.ring_all(bells)
    if not left:
        return
    try:
        with sessions.begin() as session:
            jobs.note_failed_ring(session, left[0].job_id)
    except database.Unreachable:
        log.warning("a failed ring was not counted", job_id=left[0].job_id, exc_info=True)
