"""How far unfinished work is, and the service at a glance, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from models import database, jobs, service_state, waiting
from models.errors import OutOfTime, StorageFull
from models.jobs import Counted, Lease
from models.rules import blob_keys
from models.rules.lifecycle import JobKind, JobState, Lane
from models.services import Services
from models.tables import Job, Mosaic
from web.app import assemble
from worker.jobs import attempt, garbage
from worker.jobs.attempt import Attempt, Outcome
from worker.rendering import job as rendering_job
from worker.rendering.partial import Partial

SPAN = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)


def add(services: Services, lane: Lane = Lane.INTERACTIVE, ago: timedelta = timedelta()) -> int:
    with services.sessions.begin() as session:
        return jobs.add(session, JobKind.RENDER, lane, database.now(session) - ago, MINUTE).id


def claimed(services: Services, job_id: int, ago: timedelta = timedelta()) -> Lease:
    with services.sessions.begin() as session:
        lease = jobs.claim(session, job_id, database.now(session) - ago, SPAN)
    assert lease is not None
    return lease


def beat(services: Services, lease: Lease, ago: float, phase: str, done: int | None, total: int | None) -> None:
    with services.sessions.begin() as session:
        now = database.now(session) - timedelta(seconds=ago)
        jobs.beat(session, lease, now, SPAN, phase, 0.5, Counted(done, total))


def seen(services: Services, *job_ids: int) -> list[waiting.Waited]:
    with services.reading() as session:
        found = waiting.look(session, job_ids)
    return [found[job_id] for job_id in job_ids]


def state(services: Services) -> service_state.ServiceState:
    with services.reading() as session:
        return service_state.look(session, database.now(session), SPAN, timedelta(seconds=1))


def test_a_queued_job_knows_how_many_of_its_lane_are_before_it(services: Services) -> None:
    first, second, third = (add(services, ago=timedelta(minutes=age)) for age in (2, 3, 1))
    elsewhere = add(services, Lane.BULK, MINUTE)
    assert [each.before for each in seen(services, first, second, third, elsewhere)] == [1, 0, 2, 0]
    claimed(services, second)
    assert [each.before for each in seen(services, first, second, third)] == [0, None, 1]


def test_the_time_left_is_told_by_the_pace_of_the_phase(services: Services) -> None:
    lease = claimed(services, add(services))
    beat(services, lease, 60, "matching", 100, 100)
    beat(services, lease, 30, "composing", 0, 4_000)
    beat(services, lease, 0, "composing", 3_000, 4_000)
    (far,) = seen(services, lease.job_id)
    assert (far.done, far.total) == (3_000, 4_000)
    assert far.seconds_left == pytest.approx(10, abs=1)  # 3,000 took 30 s


@pytest.mark.parametrize(
    ("ago", "done", "total"), [(30, None, None), (30, 0, 100), (30, 4, 100), (1, 50, 100)], ids=str
)
def test_no_time_is_told_while_it_is_a_guess(
    services: Services, ago: float, done: int | None, total: int | None
) -> None:
    lease = claimed(services, add(services))
    beat(services, lease, ago, "composing", done, total)
    assert seen(services, lease.job_id)[0].seconds_left is None


def test_a_new_attempt_begins_with_nothing(services: Services) -> None:
    lease = claimed(services, add(services))
    beat(services, lease, 0, "composing", 5, 10)
    with services.sessions.begin() as session:
        jobs.give_back(session, lease, database.now(session))
    claimed(services, lease.job_id)
    job = seen(services, lease.job_id)[0].job
    assert (job.phase, job.done_count, job.total_count, job.partial_key) == ("", None, None, None)


def test_however_many_jobs_are_looked_at_the_queries_are_as_many(services: Services) -> None:
    every = [add(services) for _ in range(30)]
    for job_id in every[:10]:
        claimed(services, job_id)
    counts = []
    for some in (every[9:11], every):
        asked: list[str] = []
        with services.reading() as session:
            engine = session.get_bind()
            listen = lambda *arguments, asked=asked: asked.append(arguments[2])  # noqa: E731
            event.listen(engine, "before_cursor_execute", listen)
            waiting.look(session, some)
            event.remove(engine, "before_cursor_execute", listen)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 4


def test_what_is_laid_so_far_is_a_blob_that_the_row_names_and_the_sweep_clears_away(
    services: Services, noisy_set: Callable[[int], UUID], mosaic_of: Callable[..., UUID],
    monkeypatch: pytest.MonkeyPatch, wait_for: Callable[..., object],
) -> None:  # fmt: skip
    monkeypatch.setattr("worker.rendering.partial.PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("worker.rendering.partial.COST", float("inf"))
    identity = mosaic_of(noisy_set(6), made=False, cells_across=6)
    client = assemble(services).test_client()
    looks = []

    class Watched(Partial):
        def __call__(self, so_far: Callable[..., object], done: int, total: int) -> None:
            super().__call__(so_far, done, total)
            if done == total // 2:
                key = blob_keys.partial(identity, self._attempt.lease.name, 500)
                wait_for(lambda: job_of(services, identity).partial_key == key)
                looks.append((client.get(f"/mosaics/{identity}/partial"), client.get(f"/mosaics/{identity}").text))

    monkeypatch.setattr(rendering_job, "Partial", Watched)
    attempt.run(services, job_of(services, identity).id, rendering_job.render_mosaic)
    ((picture, page),) = looks
    assert (picture.status_code, picture.mimetype, picture.data[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    assert f'href="/mosaics/{identity}/partial?1-500"' in page
    job = job_of(services, identity)
    assert (job.state, job.partial_key) == (JobState.SUCCEEDED, None)
    assert client.get(f"/mosaics/{identity}/partial").status_code == 409
    assert len(partials(services)) == 2
    with services.sessions() as session:
        now = database.now(session)
    garbage.collect(services, now + timedelta(hours=2))
    assert partials(services) == []


def partials(services: Services) -> list[str]:
    return [blob.key for blob in services.store.list("mosaics/") if "partial" in blob.key]


def job_of(services: Services, mosaic_id: UUID) -> Job:
    with services.reading() as session:
        return session.scalars(select(Job).join(Mosaic, Mosaic.job_id == Job.id).where(Mosaic.id == mosaic_id)).one()


def test_reports_reach_the_row_with_their_counts(services: Services, wait_for: Callable[..., object]) -> None:
    job_id = add(services)

    def work(made: Attempt) -> Outcome:
        made.report("composing", 0.5, 20, 40)
        wait_for(lambda: seen(services, job_id)[0].done == 20)
        return Outcome(lambda _session: None)

    attempt.run(services, job_id, work)
    assert seen(services, job_id)[0].job.state is JobState.SUCCEEDED


def test_the_service_at_a_glance(services: Services) -> None:
    add(services, Lane.BULK, MINUTE)
    add(services, Lane.BULK)
    well, ill = claimed(services, add(services)), claimed(services, add(services), ago=timedelta(seconds=20))
    for error in (StorageFull("There is no room."), OutOfTime("Too slow."), StorageFull("No room again.")):
        lease = claimed(services, add(services, Lane.INDEXING))
        with services.sessions.begin() as session:
            jobs.fail(session, lease, database.now(session), error)
    old = claimed(services, add(services))
    with services.sessions.begin() as session:
        jobs.fail(session, old, database.now(session) - timedelta(hours=25), OutOfTime("Long ago."))
    found = state(services)
    assert [(queue.lane, queue.count) for queue in found.queues] == [
        (Lane.INTERACTIVE, 0), (Lane.INDEXING, 0), (Lane.BULK, 2),
    ]  # fmt: skip
    assert found.queues[2].oldest is not None
    assert found.queues[2].oldest.total_seconds() == pytest.approx(60, abs=5)
    silent = {each.entry.job.id: each.silent for each in found.working}
    assert silent.keys() == {well.job_id, ill.job_id}
    assert silent[well.job_id] is None
    assert silent[ill.job_id] is not None
    assert [(each.code, each.count, each.sentence) for each in found.failures] == [
        ("storage_full", 2, "No room again."), ("timeout", 1, "Too slow."),
    ]  # fmt: skip
    page = assemble(services).test_client().get("/service").text
    assert page.count("Starting, 0 %") == 2
    assert "No worker answers for: single mosaics, photos of tile sets, batches." in page
    assert "No room again." in page


def test_the_service_at_a_glance_reads_only_rows_that_it_tells_of(sqlite_services: Services) -> None:
    """By the plans of SQLite: no statement goes through the jobs that are over, nor sorts those that wait."""
    asked: list[tuple[str, Any]] = []
    with sqlite_services.reading() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *what: asked.append(what[2:4]))
        service_state.look(session, database.now(session), SPAN, MINUTE)
        plans = [
            [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
            for text, values in asked.copy()
            if "FROM jobs" in text
        ]
    waits, *ended, running, failed, last = plans
    assert waits == ["SEARCH jobs USING COVERING INDEX ix_jobs_state_lane_queued_at (state=?)"]
    assert ended == [["SEARCH jobs USING COVERING INDEX ix_jobs_lane_finished_at (lane=?)"]] * len(Lane)
    assert "SEARCH jobs USING INDEX ix_jobs_state_finished_at (state=? AND finished_at>?)" in failed
    assert not [step for plan in (running, last) for step in plan if step.startswith("SCAN jobs")]
