"""One attempt at a job, with work of the tests' own, on each database."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models import database, jobs
from models.errors import InvalidOrder
from models.lifecycle import JobKind, JobState, Lane
from models.queue import SoftTimeLimitExceeded
from models.services import Services
from models.tables import Job
from worker import attempt, sweep
from worker.attempt import Attempt, Outcome


@pytest.fixture
def job_id(services: Services) -> int:
    with services.sessions.begin() as session:
        return jobs.add(session, JobKind.RENDER, Lane.INTERACTIVE, database.now(session), services.ring_again).id


def look(services: Services, job_id: int) -> Job:
    with services.sessions() as session:
        return session.get_one(Job, job_id)


def nothing(_session: Session) -> None:
    """Write nothing."""


def test_work_that_ends_well_succeeds_and_writes_its_rows(services: Services, job_id: int) -> None:
    def rename(session: Session) -> None:
        session.get_one(Job, job_id).phase = "written with the end"

    attempt.run(services, job_id, lambda _: Outcome(rename))
    job = look(services, job_id)
    assert (job.state, job.progress, job.phase) == (JobState.SUCCEEDED, 1.0, "written with the end")


def test_a_foreseen_error_fails_the_job_with_its_code(services: Services, job_id: int) -> None:
    def refuse(_: Attempt) -> Outcome:
        raise InvalidOrder("cells_across", "Too many cells.")

    attempt.run(services, job_id, refuse)
    job = look(services, job_id)
    assert (job.state, job.error_code, job.error_sentence) == (JobState.FAILED, "invalid_order", "Too many cells.")


def test_an_unforeseen_error_fails_the_job_without_showing_its_text(services: Services, job_id: int) -> None:
    def stumble(_: Attempt) -> Outcome:
        raise ZeroDivisionError("secret detail")

    attempt.run(services, job_id, stumble)
    job = look(services, job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "internal_error")
    assert "secret" not in str(job.error_sentence)


def test_the_soft_time_limit_fails_the_job_as_timeout(services: Services, job_id: int) -> None:
    def linger(_: Attempt) -> Outcome:
        raise SoftTimeLimitExceeded

    attempt.run(services, job_id, linger)
    assert look(services, job_id).error_code == "timeout"


def test_work_longer_than_a_lease_keeps_its_job_while_the_sweep_runs(services: Services, job_id: int) -> None:
    def work(_: Attempt) -> Outcome:
        for _ in range(5):
            time.sleep(services.settings.lease_seconds / 4)
            sweep.sweep(services)
        return Outcome(nothing)

    attempt.run(services, job_id, work)
    job = look(services, job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)


def test_progress_reaches_the_row_while_the_work_goes_on(
    services: Services, job_id: int, wait_for: Callable[..., Any]
) -> None:
    def work(made: Attempt) -> Outcome:
        made.report("composing", 0.5)
        wait_for(lambda: look(services, job_id).progress == 0.5)
        return Outcome(nothing)

    attempt.run(services, job_id, work)
    assert look(services, job_id).state is JobState.SUCCEEDED


def test_a_cancelled_job_stops_its_work_and_stays_cancelled(
    services: Services, job_id: int, wait_for: Callable[..., Any]
) -> None:
    reports = []

    def work(made: Attempt) -> Outcome:
        with services.sessions.begin() as session:
            jobs.cancel(session, [job_id], database.now(session))
        wait_for(lambda: reports.append(made.report("composing", 0.5)))
        return Outcome(nothing)

    attempt.run(services, job_id, work)
    assert reports
    assert look(services, job_id).state is JobState.CANCELLED


def test_a_job_that_another_attempt_took_over_is_left_to_it(services: Services, job_id: int) -> None:
    def work(_: Attempt) -> Outcome:
        with services.sessions.begin() as session:
            now = database.now(session)
            jobs.release_stale(session, now + 2 * services.settings.lease_span, services.patience)
            assert jobs.claim(session, job_id, now, services.settings.lease_span) is not None
        return Outcome(nothing)

    attempt.run(services, job_id, work)
    job = look(services, job_id)
    assert (job.state, job.attempt) == (JobState.RUNNING, 2)


def test_the_second_message_for_a_job_does_nothing(services: Services, job_id: int) -> None:
    made: list[int] = []

    def work(now: Attempt) -> Outcome:
        made.append(now.lease.attempt)
        return Outcome(nothing)

    attempt.run(services, job_id, work)
    attempt.run(services, job_id, work)
    assert made == [1]
