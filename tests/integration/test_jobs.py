"""The life of a job, on SQLite and on PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from models import database, jobs
from models.errors import InvalidOrder, LeaseLost
from models.jobs import Lease
from models.rules.lifecycle import NEXT, AttemptEnd, JobKind, JobState, Lane
from models.rules.retry_policy import RetryPolicy
from models.services import Services
from models.tables import AttemptRecord, Job

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPAN = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)
POLICY = RetryPolicy(max_attempts=3, longest=timedelta(hours=1), span=SPAN, ring_again=MINUTE)


def add(services: Services, now: datetime = NOON) -> int:
    with services.sessions.begin() as session:
        return jobs.add(session, JobKind.RENDER, Lane.INTERACTIVE, now, MINUTE).id


def claim(services: Services, job_id: int, now: datetime = NOON) -> Lease | None:
    with services.sessions.begin() as session:
        return jobs.claim(session, job_id, now, SPAN)


def sweep(services: Services, now: datetime) -> list[int]:
    with services.sessions.begin() as session:
        return [bell.job_id for bell in jobs.release_stale(session, now, POLICY)]


def look(services: Services, job_id: int) -> Job:
    with services.sessions() as session:
        return session.get_one(Job, job_id)


def held(services: Services, job_id: int) -> Lease:
    lease = claim(services, job_id)
    assert lease is not None
    return lease


def test_a_claimed_job_is_running_with_a_lease_and_its_first_attempt(services: Services) -> None:
    lease = held(services, add(services))
    job = look(services, lease.job_id)
    assert (job.state, job.attempt, job.lease_token) == (JobState.RUNNING, 1, lease.token)
    assert job.lease_until == NOON + SPAN


def test_a_job_that_somebody_holds_cannot_be_claimed(services: Services) -> None:
    lease = held(services, add(services))
    assert claim(services, lease.job_id) is None


def test_a_job_that_does_not_exist_cannot_be_claimed(services: Services) -> None:
    assert claim(services, 404) is None


def test_of_sixteen_claims_at_once_exactly_one_wins_every_time(services: Services) -> None:
    with ThreadPoolExecutor(16) as pool:
        for _ in range(20):
            job_id = add(services)
            leases = list(pool.map(lambda _, job_id=job_id: claim(services, job_id), range(16)))
            assert sum(lease is not None for lease in leases) == 1
            assert look(services, job_id).attempt == 1


def test_a_beat_renews_the_lease_and_writes_progress(services: Services) -> None:
    lease = held(services, add(services))
    with services.sessions.begin() as session:
        jobs.beat(session, lease, NOON + MINUTE, SPAN, "composing", 0.25)
    job = look(services, lease.job_id)
    assert (job.lease_until, job.phase, job.progress) == (NOON + MINUTE + SPAN, "composing", 0.25)


def test_an_expired_lease_is_queued_again_without_losing_its_count_of_attempts(services: Services) -> None:
    lease = held(services, add(services))
    assert sweep(services, NOON + SPAN + timedelta(seconds=1)) == [lease.job_id]
    job = look(services, lease.job_id)
    assert (job.state, job.attempt, job.lease_token) == (JobState.QUEUED, 1, None)


def test_a_lease_that_holds_is_left_alone(services: Services) -> None:
    lease = held(services, add(services))
    assert sweep(services, NOON + SPAN - timedelta(seconds=1)) == []
    assert look(services, lease.job_id).state is JobState.RUNNING


def test_a_lease_that_ends_at_this_very_moment_holds(services: Services) -> None:
    lease = held(services, add(services))
    assert sweep(services, NOON + SPAN) == []
    assert look(services, lease.job_id).state is JobState.RUNNING


def test_the_third_expired_lease_ends_the_job_as_crashed(services: Services) -> None:
    job_id = add(services)
    for _ in range(3):
        held(services, job_id)
        sweep(services, NOON + MINUTE)
    job = look(services, job_id)
    assert (job.state, job.attempt, job.error_code) == (JobState.FAILED, 3, "crashed")
    assert job.finished_at == NOON + MINUTE


def test_of_three_sweeps_at_once_one_rings_for_each_job(services: Services) -> None:
    ids = [add(services) for _ in range(30)]
    for job_id in ids:
        held(services, job_id)
    with ThreadPoolExecutor(3) as pool:
        rung = list(pool.map(lambda _: sweep(services, NOON + MINUTE), range(3)))
    assert sorted(chain.from_iterable(rung)) == ids


def test_an_old_attempt_cannot_close_a_new_one(services: Services) -> None:
    first = held(services, add(services))
    sweep(services, NOON + MINUTE)
    held(services, first.job_id)
    with pytest.raises(LeaseLost), services.sessions.begin() as session:
        jobs.succeed(session, first, NOON + MINUTE)
    assert look(services, first.job_id).state is JobState.RUNNING


def test_an_old_attempt_cannot_beat_for_a_new_one(services: Services) -> None:
    first = held(services, add(services))
    sweep(services, NOON + MINUTE)
    held(services, first.job_id)
    with pytest.raises(LeaseLost), services.sessions.begin() as session:
        jobs.beat(session, first, NOON + MINUTE, SPAN, "composing", 0.5)


def test_a_cancelled_job_stays_cancelled_when_its_worker_finishes(services: Services) -> None:
    lease = held(services, add(services))
    with services.sessions.begin() as session:
        assert jobs.cancel(session, [lease.job_id], NOON) == 1
    with pytest.raises(LeaseLost), services.sessions.begin() as session:
        jobs.succeed(session, lease, NOON)
    assert look(services, lease.job_id).state is JobState.CANCELLED


def test_cancelling_a_finished_job_changes_nothing(services: Services) -> None:
    lease = held(services, add(services))
    with services.sessions.begin() as session:
        jobs.succeed(session, lease, NOON)
    with services.sessions.begin() as session:
        assert jobs.cancel(session, [lease.job_id], NOON) == 0
    assert look(services, lease.job_id).state is JobState.SUCCEEDED


def test_a_failure_keeps_its_code_and_its_sentence(services: Services) -> None:
    lease = held(services, add(services))
    with services.sessions.begin() as session:
        jobs.fail(session, lease, NOON, InvalidOrder("cells_across", "Too many."))
    job = look(services, lease.job_id)
    assert (job.state, job.error_code, job.error_sentence) == (JobState.FAILED, "invalid_order", "Too many.")


def _put(session: Session, job_id: int, state: JobState) -> None:
    """Place a job in a state, by the back door."""
    running, failed = state is JobState.RUNNING, state is JobState.FAILED
    session.execute(
        update(Job).where(Job.id == job_id).values(
            state=state, attempt=1, lease_token="t" if running else None, lease_until=NOON if running else None,
            started_at=NOON - SPAN,
            finished_at=NOON if state.final else None, error_code="crashed" if failed else None,
        )
    )  # fmt: skip


@pytest.mark.parametrize("state", list(JobState))
def test_each_operation_moves_a_job_only_where_the_table_allows(services: Services, state: JobState) -> None:
    later = NOON + MINUTE
    operations = {
        JobState.RUNNING: lambda session, job_id: jobs.claim(session, job_id, NOON, SPAN),
        JobState.SUCCEEDED: lambda session, job_id: jobs.succeed(session, Lease(job_id, 1, "t"), NOON),
        JobState.FAILED: lambda session, job_id: jobs.fail(
            session, Lease(job_id, 1, "t"), NOON, InvalidOrder("", "")
        ),
        JobState.CANCELLED: lambda session, job_id: jobs.cancel(session, [job_id], NOON),
        JobState.QUEUED: lambda session, _: jobs.release_stale(session, later, POLICY),
    }
    for goal, operation in operations.items():
        job_id = add(services)
        with services.sessions.begin() as session:
            _put(session, job_id, state)
        try:
            with services.sessions.begin() as session:
                operation(session, job_id)
        except LeaseLost:
            pass
        expected = goal if goal in NEXT[state] else state
        assert look(services, job_id).state is expected, f"{state} to {goal}"
        with services.sessions.begin() as session:
            _put(session, job_id, JobState.CANCELLED)


def test_a_job_that_waits_too_long_is_rung_for_again_and_then_less_often(services: Services) -> None:
    job_id = add(services)

    def rung(minutes: float) -> list[int]:
        with services.sessions.begin() as session:
            return [bell.job_id for bell in jobs.ring_again(session, NOON + minutes * MINUTE)]

    assert rung(0.9) == []
    assert rung(1.1) == [job_id]
    assert rung(1.2) == []
    assert rung(2.3) == [job_id]
    assert rung(4.5) == []
    assert rung(4.7) == [job_id]


def test_a_job_that_has_waited_for_hours_is_rung_for_every_hour(services: Services) -> None:
    job_id = add(services)

    def rung(hours: float) -> list[int]:
        with services.sessions.begin() as session:
            return [bell.job_id for bell in jobs.ring_again(session, NOON + hours * timedelta(hours=1))]

    assert [hours for hours in (10, 10.9, 11.1, 12, 12.2, 30, 30.9, 31.1) if rung(hours) == [job_id]] == [
        10, 11.1, 12.2, 30, 31.1,
    ]  # fmt: skip


def test_of_many_jobs_that_wait_those_due_longest_are_rung_for_first(services: Services) -> None:
    ids = [add(services, NOON - number * MINUTE) for number in range(3)]
    with services.sessions.begin() as session:
        rung = [bell.job_id for bell in jobs.ring_again(session, NOON + 2 * MINUTE, most=2)]
    assert rung == [ids[2], ids[1]]


def test_a_lane_without_a_message_is_rung_for_at_once_however_long_its_jobs_have_waited(services: Services) -> None:
    job_id = add(services)

    def rung(now: datetime, *empty: Lane) -> list[int]:
        with services.sessions.begin() as session:
            return [bell.job_id for bell in jobs.ring_again(session, now, empty, MINUTE)]

    hour_later = NOON + 60 * MINUTE
    assert rung(hour_later) == [job_id]
    assert rung(hour_later + MINUTE) == []
    assert rung(hour_later + MINUTE, Lane.BULK) == []
    assert rung(hour_later + MINUTE, Lane.INTERACTIVE) == [job_id]


def test_a_job_on_its_way_to_a_worker_is_not_taken_for_lost(services: Services) -> None:
    add(services)
    with services.sessions.begin() as session:
        assert jobs.ring_again(session, NOON + MINUTE / 2, [Lane.INTERACTIVE], MINUTE) == []
        assert jobs.ring_again(session, NOON + MINUTE, [Lane.INTERACTIVE], MINUTE) == []


def test_of_jobs_placed_at_one_moment_each_that_waits_is_rung_for_once(services: Services) -> None:
    ids = [add(services) for _ in range(3)]
    held(services, ids[1])
    with services.sessions.begin() as session:
        rung = [bell.job_id for bell in jobs.ring_again(session, NOON + 2 * MINUTE)]
    assert sorted(rung) == [ids[0], ids[2]]


def test_the_bell_names_the_lane_that_the_job_was_placed_in(services: Services) -> None:
    with services.sessions.begin() as session:
        job = jobs.add(session, JobKind.INDEX, Lane.BULK, NOON, MINUTE)
    with services.sessions.begin() as session:
        (bell,) = jobs.ring_again(session, NOON + 2 * MINUTE)
    assert (bell.kind, bell.job_id, bell.lane) == (JobKind.INDEX, job.id, Lane.BULK)


def test_the_database_tells_the_time_in_utc(services: Services) -> None:
    with services.sessions() as session:
        reported = database.now(session)
    assert reported.utcoffset() == timedelta(0)
    assert abs(reported - datetime.now(UTC)) < MINUTE


def records(services: Services, job_id: int) -> list[tuple[int, float, AttemptEnd | None]]:
    with services.sessions() as session:
        rows = session.scalars(
            select(AttemptRecord).where(AttemptRecord.job_id == job_id).order_by(AttemptRecord.number)
        )
        return [(row.number, row.waited_seconds, row.outcome) for row in rows]


def test_every_attempt_is_remembered_with_its_wait_and_its_end(services: Services) -> None:
    job_id = add(services)
    claim(services, job_id, NOON + SPAN / 2)
    assert records(services, job_id) == [(1, 15.0, None)]
    sweep(services, NOON + 2 * SPAN)
    lease = claim(services, job_id, NOON + 3 * SPAN)
    assert lease is not None
    with services.sessions.begin() as session:
        jobs.succeed(session, lease, NOON + 4 * SPAN)
    assert records(services, job_id) == [(1, 15.0, AttemptEnd.EXPIRED), (2, 30.0, AttemptEnd.SUCCEEDED)]


def test_a_job_given_back_is_queued_at_once_and_its_attempt_does_not_count(services: Services) -> None:
    job_id = add(services)
    for _ in range(5):
        lease = held(services, job_id)
        with services.sessions.begin() as session:
            jobs.give_back(session, lease, NOON)
    job = look(services, job_id)
    assert (job.state, job.attempt, job.given_back, job.ring_at) == (JobState.QUEUED, 5, 5, NOON)
    assert {outcome for *_, outcome in records(services, job_id)} == {AttemptEnd.GIVEN_BACK}
    for _ in range(2):
        held(services, job_id)
        assert sweep(services, NOON + MINUTE) == [job_id]
    held(services, job_id)
    assert sweep(services, NOON + MINUTE) == []
    assert look(services, job_id).error_code == "crashed"


def test_an_attempt_begins_anew_whatever_the_one_before_it_had_reached(services: Services) -> None:
    job_id = add(services)
    lease = held(services, job_id)
    with services.sessions.begin() as session:
        jobs.beat(session, lease, NOON, SPAN, "matching", 0.5)
    sweep(services, NOON + MINUTE)
    again = claim(services, job_id, NOON + 2 * MINUTE)
    assert again is not None
    assert again.name != lease.name
    job = look(services, job_id)
    assert (job.phase, job.progress, job.started_at) == ("", 0.0, NOON + 2 * MINUTE)


def test_the_wait_of_a_job_given_back_begins_when_it_was(services: Services) -> None:
    job_id = add(services)
    lease = held(services, job_id)
    with services.sessions.begin() as session:
        jobs.give_back(session, lease, NOON + MINUTE)
    claim(services, job_id, NOON + MINUTE + SPAN)
    assert records(services, job_id)[1] == (2, 30.0, None)


def test_a_job_that_the_sweep_queued_is_not_rung_for_twice_at_once(services: Services) -> None:
    job_id = add(services)
    held(services, job_id)
    assert sweep(services, NOON + 10 * MINUTE) == [job_id]
    for minutes, rung in ((10.9, []), (11.1, [job_id])):
        with services.sessions.begin() as session:
            assert [bell.job_id for bell in jobs.ring_again(session, NOON + minutes * MINUTE)] == rung


def test_the_end_of_a_job_has_its_time_whatever_ends_it(services: Services) -> None:
    done, refused, unwanted, crashed = (held(services, add(services)) for _ in range(4))
    with services.sessions.begin() as session:
        jobs.succeed(session, done, NOON + MINUTE)
        jobs.fail(session, refused, NOON + MINUTE, InvalidOrder("width", "Too wide."))
        assert jobs.cancel(session, [unwanted.job_id, done.job_id], NOON + MINUTE) == 1
    with services.sessions.begin() as session:
        once = RetryPolicy(max_attempts=1, longest=timedelta(hours=1), span=SPAN, ring_again=MINUTE)
        assert jobs.release_stale(session, NOON + MINUTE, once) == []
    for lease in (done, refused, unwanted, crashed):
        assert look(services, lease.job_id).finished_at == NOON + MINUTE


def test_what_is_another_attempts_cannot_be_given_back(services: Services) -> None:
    job_id = add(services)
    old = held(services, job_id)
    sweep(services, NOON + MINUTE)
    held(services, job_id)
    with pytest.raises(LeaseLost), services.sessions.begin() as session:
        jobs.give_back(session, old, NOON)
    assert look(services, job_id).state is JobState.RUNNING


def test_a_job_that_had_all_its_time_and_fell_silent_fails_as_timeout(services: Services) -> None:
    job_id = add(services)
    lease = held(services, job_id)
    with services.sessions.begin() as session:
        jobs.beat(session, lease, NOON + POLICY.longest, SPAN, "matching", 0.5)
    assert sweep(services, NOON + 2 * POLICY.longest) == []
    assert (look(services, job_id).state, look(services, job_id).error_code) == (JobState.FAILED, "timeout")


def test_a_job_that_fell_silent_just_before_its_time_was_up_is_tried_again(services: Services) -> None:
    job_id = add(services)
    lease = held(services, job_id)
    with services.sessions.begin() as session:
        jobs.beat(session, lease, NOON + POLICY.longest - timedelta(seconds=1), SPAN, "matching", 0.5)
    assert sweep(services, NOON + 2 * POLICY.longest) == [job_id]


def test_a_row_that_somebody_holds_locked_does_not_stop_the_sweep(postgresql_services: Services) -> None:
    services = postgresql_services
    stuck, free = add(services), add(services)
    held(services, stuck)
    held(services, free)
    with services.sessions() as frozen:
        frozen.execute(update(Job).where(Job.id == stuck).values(phase="held"))
        assert sweep(services, NOON + MINUTE) == [free]
        frozen.rollback()
    assert sweep(services, NOON + MINUTE) == [stuck]


def test_a_row_that_somebody_holds_locked_does_not_stop_the_bells(postgresql_services: Services) -> None:
    services = postgresql_services
    stuck, free = add(services), add(services)
    with services.sessions() as frozen:
        frozen.execute(update(Job).where(Job.id == stuck).values(phase="held"))
        with services.sessions.begin() as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert [bell.job_id for bell in jobs.ring_again(session, NOON + 2 * MINUTE)] == [free]


def test_a_failed_ring_is_counted(services: Services) -> None:
    job_id = add(services)
    with services.sessions.begin() as session:
        jobs.note_failed_ring(session, job_id)
        jobs.note_failed_ring(session, job_id)
    assert look(services, job_id).failed_rings == 2


def test_whoever_reads_delays_nobody_who_writes_and_sees_what_was(services: Services) -> None:
    job_id = add(services)
    with services.reading() as reader:
        before = reader.get_one(Job, job_id)
        held(services, job_id)
        assert (before.state, look(services, job_id).state) == (JobState.QUEUED, JobState.RUNNING)


def test_a_session_that_was_ended_while_we_were_frozen_is_a_database_out_of_reach_once(
    postgresql_services: Services,
) -> None:
    services = postgresql_services

    def freeze() -> None:
        with services.sessions.begin() as session:
            session.execute(text("SET idle_in_transaction_session_timeout = '50ms'"))
            time.sleep(0.5)
            session.execute(text("SELECT 1"))

    with pytest.raises(database.Unreachable):
        freeze()
    for _ in range(2):
        add(services)
