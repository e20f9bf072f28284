"""One attempt at a job: claim it, renew its lease during the work, then close it or give it back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from models import attempts, database, jobs
from models.errors import LeaseLost, OutOfTime, TesseraError
from models.jobs import Counted, Lease
from models.queue import SoftTimeLimitExceeded
from models.services import Services
from worker.jobs.heartbeat import Heartbeat

Row = TypeVar("Row")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What the work of a job results in: rows to write when it is closed, and the error if it failed."""

    write: Callable[[Session], None]
    error: TesseraError | None = None


class PhaseClock:
    """Measures how long the work spends in each phase; phases may alternate."""

    def __init__(self) -> None:
        self.phase = ""
        self._since = time.monotonic()
        self._seconds: dict[str, float] = {}

    def enter(self, phase: str) -> None:
        """Switch to a phase. Threads may call this at once; then the times are off by a moment."""
        if phase == self.phase:
            return
        now = time.monotonic()
        if self.phase:
            self._seconds[self.phase] = self._seconds.get(self.phase, 0.0) + now - self._since
        self.phase, self._since = phase, now

    def seconds(self) -> dict[str, float]:
        """Return how long each phase has taken so far, the present one included."""
        spent = dict(self._seconds)
        if self.phase:
            spent[self.phase] = spent.get(self.phase, 0.0) + time.monotonic() - self._since
        return spent


class Attempt:
    """A lease, and how far its work is. A heartbeat in a thread of its own renews the lease during the work.

    Attributes:
        partial_key: The blob of what can be seen of the result; the next beat writes it.
    """

    def __init__(self, services: Services, lease: Lease) -> None:
        self.services = services
        self.lease = lease
        self._clock = PhaseClock()
        self._share = 0.0
        self._counts: tuple[int | None, int | None] = None, None
        self.partial_key: str | None = None
        self.heartbeat = Heartbeat(services.settings, self._beat, self.give_back)

    def report(self, phase: str, share: float, done: int | None = None, total: int | None = None) -> None:
        """Report how far the work is; the next beat writes it.

        Args:
            phase: What is being done, for people.
            share: How much of the whole job is done, 0 to 1.
            done: How much of the phase is done, in whatever it counts; None if it counts nothing.
            total: And of how much.

        Raises:
            LeaseLost: the job is no longer this attempt's, so the work must stop.
        """
        if self.heartbeat.stopped:
            raise LeaseLost(f"Attempt {self.lease.attempt} no longer holds job {self.lease.job_id}.")
        self._clock.enter(phase)
        self._share = min(max(share, 0.0), 1.0)
        self._counts = done, total

    def whose(self, row: Row | None) -> Row:
        """Return the row that names this job: `row`, unless it is None.

        Raises:
            LeaseLost: there is none: the job was cancelled right after the claim, and tried again as a new job.
        """
        if row is None:
            raise LeaseLost(f"Job {self.lease.job_id} was tried again as another.")
        return row

    @property
    def phase_seconds(self) -> dict[str, float]:
        """How long each phase has taken so far."""
        return self._clock.seconds()

    def _beat(self) -> None:
        span = self.services.settings.lease_span
        with self.services.sessions.begin() as session:
            counted = Counted(*self._counts, self.partial_key)
            jobs.beat(session, self.lease, database.now(session), span, self._clock.phase, self._share, counted)

    def give_back(self) -> None:
        """Leave the rest of the job to the next attempt. This one does not count, and must stop.

        Raises:
            LeaseLost: the job is no longer this attempt's.
        """
        with self.services.sessions.begin() as session:
            jobs.give_back(session, self.lease, database.now(session))
            attempts.note_phases(session, self.lease.job_id, self.lease.attempt, self.phase_seconds)
        log.info("given back")


Work = Callable[[Attempt], Outcome]


def run(services: Services, job_id: int, work: Work) -> bool:
    """Make one attempt at a job; return whether it could be claimed.

    However the work ends, it is written into the row. Only if the database cannot be reached is that left to the
    sweep.
    """
    with structlog.contextvars.bound_contextvars(job_id=job_id):
        try:
            lease = _claim(services, job_id)
            if lease is None:
                log.info("nothing to claim")
                return False
            with structlog.contextvars.bound_contextvars(attempt=lease.attempt, request_id=lease.request_id):
                _make(services, lease, work)
        except LeaseLost as error:
            log.info("stopped", reason=str(error))
        except database.Unreachable:
            log.exception("the database cannot be reached; the sweep will take this job up again")
        return True


def _claim(services: Services, job_id: int) -> Lease | None:
    with services.sessions.begin() as session:
        return jobs.claim(session, job_id, database.now(session), services.settings.lease_span)


def _make(services: Services, lease: Lease, work: Work) -> None:
    began = time.monotonic()
    log.info("began")
    attempt = Attempt(services, lease)
    outcome = _worked(attempt, work)
    _close(attempt, outcome)
    code = outcome.error.code if outcome.error else None
    log.info("ended", error_code=code, seconds=round(time.monotonic() - began, 3))


def _close(attempt: Attempt, outcome: Outcome) -> None:
    """Write the end of the job; if the database is away, try again for as long as a lease. The first writer wins."""
    services, lease, phases = attempt.services, attempt.lease, attempt.phase_seconds
    until = time.monotonic() + services.settings.lease_seconds
    while True:
        try:
            with services.sessions.begin() as session:
                now = database.now(session)
                if outcome.error is None:
                    jobs.succeed(session, lease, now)
                else:
                    jobs.fail(session, lease, now, outcome.error)
                attempts.note_phases(session, lease.job_id, lease.attempt, phases)
                outcome.write(session)
        except database.Unreachable:
            if time.monotonic() >= until:
                raise
            log.warning("the end did not reach the database; trying again", exc_info=True)
            time.sleep(services.settings.beat_seconds)
        else:
            return


def _worked(attempt: Attempt, work: Work) -> Outcome:
    """Do the work; turn every failure into an outcome with a code, except those that `run` handles."""
    try:
        with attempt.heartbeat:
            return work(attempt)
    except (LeaseLost, *database.Unreachable):
        raise
    except TesseraError as error:
        log.info("failed", error_code=error.code, reason=str(error))
        return Outcome(_nothing, error)
    except SoftTimeLimitExceeded:
        limit = attempt.services.settings.job_seconds
        return Outcome(_nothing, OutOfTime(f"The job took longer than {limit:,} seconds and was stopped."))
    except Exception:
        log.exception("an error that nobody foresaw")
        return Outcome(_nothing, TesseraError("Something went wrong on our side; the worker's log says what."))


def _nothing(_session: Session) -> None:
    """Write no rows besides the job's end."""
