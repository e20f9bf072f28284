"""One attempt at a job, with work of the tests' own, on each database."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from models import candidates, database, jobs, placing, renditions, retrying
from models.errors import InvalidOrder, LeaseLost
from models.placing import NewSource, StoredFile
from models.queue import SoftTimeLimitExceeded
from models.rules.formats import Format
from models.rules.lifecycle import JobKind, JobState, Lane
from models.rules.orders import MosaicOrder
from models.rules.tile_set_words import SourceKind
from models.services import Services
from models.tables import AttemptRecord, Job, Mosaic, PhaseRecord, TileSet
from web.app import assemble
from worker.indexing.job import index_tile_set
from worker.jobs import attempt, sweep
from worker.jobs.attempt import Attempt, Outcome
from worker.rendering.candidates import find_candidates
from worker.rendering.job import make_rendition, render_mosaic


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


def _succeed(session: Session, mosaic_id: UUID, job_id: int) -> None:
    """Close the job of a mosaic whose placement is kept."""
    now = database.now(session)
    lease = jobs.claim(session, job_id, now, timedelta(minutes=1))
    assert lease is not None
    mosaic = session.get_one(Mosaic, mosaic_id)
    mosaic.placement_key, mosaic.width, mosaic.height = "k", 50, 50
    jobs.succeed(session, lease, now)


@pytest.mark.parametrize("kind", [kind for kind in JobKind if kind is not JobKind.SKETCH])
def test_a_job_that_is_tried_again_just_after_its_claim_stops_without_a_word_of_trouble(
    services: Services, indexed: Callable[..., TileSet], kind: JobKind
) -> None:
    tile_set, target = indexed(services).id, StoredFile("t", "k")
    with services.sessions.begin() as session:
        if kind is JobKind.INDEX:
            source = NewSource(SourceKind.PHOTO, "p", "k")
            bell = placing.place_photos(session, tile_set, [source], services.ring_again)
        else:
            order = MosaicOrder(cells_across=1)
            mosaic = uuid4()
            bell = placing.place_mosaic(session, mosaic, tile_set, target, order, services.ring_again)
        if kind is JobKind.RENDITION:
            _succeed(session, mosaic, bell.job_id)
            bell = renditions.place(session, mosaic, {"format": Format.JPEG}, services.ring_again).bell
        if kind is JobKind.CANDIDATES:
            _succeed(session, mosaic, bell.job_id)
            made = session.get_one(Mosaic, mosaic)
            bell = candidates.ask(session, made, (0, 0), services.ring_again, again=True).bell
    assert bell is not None

    def overtaken(attempt: Attempt) -> Outcome:
        with services.sessions.begin() as session:
            jobs.cancel(session, [bell.job_id], database.now(session))
            retrying.place_again(session, bell.job_id)
        works = {
            JobKind.INDEX: index_tile_set, JobKind.RENDER: render_mosaic, JobKind.RENDITION: make_rendition,
            JobKind.CANDIDATES: find_candidates,
        }  # fmt: skip
        return works[kind](attempt)

    with structlog.testing.capture_logs() as lines:
        attempt.run(services, bell.job_id, overtaken)
    # A beat may notice before the work does.
    assert [line["event"] for line in lines] in (["began", "stopped"], ["began", "the lease is lost", "stopped"])
    assert look(services, bell.job_id).state is JobState.CANCELLED


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
            jobs.release_stale(session, now + 2 * services.settings.lease_span, services.retry_policy)
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

    assert attempt.run(services, job_id, work)
    assert attempt.run(services, job_id, work) is False
    assert made == [1]


def phases(services: Services) -> dict[tuple[int, str], float]:
    """Return the seconds of every attempt's phases, as rows have them."""
    with services.sessions() as session:
        rows = session.execute(
            select(AttemptRecord.number, PhaseRecord.phase, PhaseRecord.seconds).join(
                PhaseRecord, PhaseRecord.attempt_id == AttemptRecord.id
            )
        )
        return {(number, phase): seconds for number, phase, seconds in rows}


def test_the_phases_of_an_attempt_reach_rows_and_metrics_and_those_that_alternate_add_up(
    services: Services, job_id: int
) -> None:
    def work(made: Attempt) -> Outcome:
        for phase, seconds in (("matching", 0.3), ("encoding", 0.05), ("matching", 0.3), ("encoding", 0.05)):
            made.report(phase, 0.5)
            time.sleep(seconds)
        return Outcome(nothing)

    began = time.monotonic()
    attempt.run(services, job_id, work)
    noted = phases(services)
    assert sorted(noted) == [(1, "encoding"), (1, "matching")]
    assert sum(noted.values()) <= time.monotonic() - began
    assert noted[1, "matching"] >= 0.6 > noted[1, "encoding"] >= 0.1
    families = text_string_to_metric_families(assemble(services).test_client().get("/metrics").text)
    sums = {
        sample.labels["phase"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "tessera_phase_seconds_sum"
    }
    assert sums == pytest.approx({"encoding": noted[1, "encoding"], "matching": noted[1, "matching"]})


def test_an_attempt_that_fails_and_one_that_is_given_back_note_their_phases_too(
    services: Services, job_id: int
) -> None:
    def give_back(made: Attempt) -> Outcome:
        made.report("reading", 0.1)
        made.give_back()
        raise LeaseLost("given back")

    def fail(made: Attempt) -> Outcome:
        made.report("matching", 0.1)
        raise InvalidOrder("cells_across", "Too many cells.")

    began = time.monotonic()
    attempt.run(services, job_id, give_back)
    attempt.run(services, job_id, fail)
    noted = phases(services)
    assert sorted(noted) == [(1, "reading"), (2, "matching")]
    assert 0 <= sum(noted.values()) <= time.monotonic() - began


def test_an_attempt_that_has_not_reported_is_at_the_beginning(
    services: Services, job_id: int, wait_for: Callable[..., Any]
) -> None:
    def work(_: Attempt) -> Outcome:
        claimed = look(services, job_id).lease_until
        wait_for(lambda: look(services, job_id).lease_until != claimed)
        job = look(services, job_id)
        assert (job.phase, job.progress) == ("", 0.0)
        return Outcome(nothing)

    attempt.run(services, job_id, work)
    assert look(services, job_id).state is JobState.SUCCEEDED


def test_a_share_beyond_the_whole_is_the_whole(services: Services, job_id: int, wait_for: Callable[..., Any]) -> None:
    def work(made: Attempt) -> Outcome:
        for share, written in ((7.0, 1.0), (-7.0, 0.0)):
            made.report("composing", share)
            wait_for(lambda written=written: look(services, job_id).progress == written)
        return Outcome(nothing)

    attempt.run(services, job_id, work)
    assert look(services, job_id).state is JobState.SUCCEEDED


NOT_REACHED = "the end did not reach the database; trying again"


class Door:
    """The door of a PostgreSQL database: while it is shut nobody comes in, and who was in is thrown out."""

    def __init__(self, services: Services) -> None:
        address = make_url(services.settings.database_url).set(drivername="postgresql")
        self._name = address.database
        self._admin = address.set(database="postgres").render_as_string(hide_password=False)

    def shut(self) -> None:
        self._do(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", self._name)

    def open(self) -> None:
        self._do(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def _do(self, statement: str, *values: object) -> None:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            connection.execute(statement, values)


@pytest.fixture
def on_postgresql(postgresql_services: Services) -> Services:
    """On PostgreSQL, with leases of a second."""
    settings = postgresql_services.settings.model_copy(update={"lease_seconds": 1.0, "beat_seconds": 0.1})
    return replace(postgresql_services, settings=settings)


def placed(services: Services) -> int:
    with services.sessions.begin() as session:
        return jobs.add(session, JobKind.RENDER, Lane.INTERACTIVE, database.now(session), services.ring_again).id


def test_the_end_of_an_attempt_is_written_once_the_database_is_back(
    on_postgresql: Services, wait_for: Callable[..., Any]
) -> None:
    job_id, door = placed(on_postgresql), Door(on_postgresql)
    patient = replace(on_postgresql, settings=on_postgresql.settings.model_copy(update={"lease_seconds": 60.0}))

    def work(_: Attempt) -> Outcome:
        door.shut()
        opener.start()
        return Outcome(nothing)

    def open_after_a_try() -> None:
        try:
            wait_for(lambda: NOT_REACHED in [line["event"] for line in lines])
        finally:
            door.open()

    opener = threading.Thread(target=open_after_a_try)
    with structlog.testing.capture_logs() as lines:
        assert attempt.run(patient, job_id, work)
        opener.join()
    job = look(on_postgresql, job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)


def test_an_end_that_finds_no_database_for_a_whole_lease_is_left_to_the_sweep(on_postgresql: Services) -> None:
    job_id, door = placed(on_postgresql), Door(on_postgresql)

    def work(_: Attempt) -> Outcome:
        door.shut()
        return Outcome(nothing)

    try:
        with structlog.testing.capture_logs() as lines:
            assert attempt.run(on_postgresql, job_id, work)
    finally:
        door.open()
    # A beat between two tries: ten of them in a lease, and the one that finds the lease over.
    tries = sum(line["event"] == NOT_REACHED for line in lines)
    assert 1 <= tries <= 11
    assert look(on_postgresql, job_id).state is JobState.RUNNING
    with on_postgresql.sessions.begin() as session:
        now = database.now(session) + timedelta(seconds=2)
        assert [bell.job_id for bell in jobs.release_stale(session, now, on_postgresql.retry_policy)] == [job_id]


def test_a_message_while_the_database_is_away_ends_nothing(on_postgresql: Services) -> None:
    job_id, door = placed(on_postgresql), Door(on_postgresql)
    door.shut()
    try:
        assert attempt.run(on_postgresql, job_id, lambda _: pytest.fail("nobody holds this job"))
    finally:
        door.open()
    assert look(on_postgresql, job_id).state is JobState.QUEUED
