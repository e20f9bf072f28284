"""Workers that are killed, frozen, asked to end, or out of time."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from models.rules.lifecycle import Lane
from worker.jobs import sweep

SOFT_LIMIT = signal.SIGUSR1
"""What Celery sends to a child whose time is over. Source: billiard.compat, SIG_SOFT_TIMEOUT."""
DONE_BY_THE_SECOND = ("succeeded", None, 2)


@pytest.mark.fault("1.1 kill -9 of the worker's child, mid-render", "done once, by another attempt")
def test_a_job_whose_child_is_killed_is_done_once_by_another_attempt(service: Any, seen: Any) -> None:
    ordered = service.long()
    ordered.at_work(share=0.3)
    seen.struck()
    service.kill_children()
    assert ordered.state() == DONE_BY_THE_SECOND
    assert ordered.outcomes() == ["expired", "succeeded"]
    assert len(ordered.pictures()) == 1
    seen.recovered(ordered.began_again(seen, within=20))


@pytest.mark.fault("1.2 kill -9 of the worker's main process, mid-render", "done once")
def test_a_job_whose_workers_main_process_is_killed_is_done_once(service: Any, seen: Any, send: Any) -> None:
    ordered = service.long()
    ordered.at_work(share=0.3)
    main = service.worker()
    seen.struck()
    send(main, signal.SIGKILL)
    main.wait()
    service.start_worker()
    state, error, attempts = ordered.state()
    assert (state, error) == ("succeeded", None)
    assert ordered.outcomes().count("succeeded") == 1
    seen.recovered(f"succeeded with attempt {attempts}")


@pytest.mark.fault("1.3 kill -9 of main process and children, mid-render", "done once, by another worker")
def test_a_job_whose_whole_worker_is_killed_is_done_by_another(service: Any, seen: Any) -> None:
    ordered = service.long()
    ordered.at_work(share=0.3)
    seen.struck()
    service.restart()
    assert ordered.state() == DONE_BY_THE_SECOND
    seen.recovered(ordered.began_again(seen, within=40))


@pytest.mark.fault("1.4 kill -9 of both, the message fetched and not acknowledged", "done by another worker")
def test_a_job_whose_message_was_never_acknowledged_is_done(service: Any, seen: Any, send: Any) -> None:
    client = service.installed.redis.client
    before = client.hlen("unacked")
    for child in service.children():
        send(child, signal.SIGSTOP)
    ordered = service.short()
    service.wait_for(lambda: client.hlen("unacked") > before)
    seen.struck()
    service.restart()
    assert ordered.state() == ("succeeded", None, 1)
    seen.recovered("attempt 1 succeeded")


@pytest.mark.fault("1.5 kill -9 of the child that lays another file of a mosaic", "made once, by another attempt")
def test_a_file_of_a_mosaic_whose_child_is_killed_is_made_once_by_another_attempt(service: Any, seen: Any) -> None:
    mosaic = service.large()
    assert mosaic.state()[0] == "succeeded"
    file = mosaic.other_file("tiff")
    file.at_work(phase="composing")
    seen.struck()
    service.kill_children()
    shown = service.installed.get(file.url).json()
    assert (shown["file"], shown["bytes"], mosaic.pictures(".tif")) == (None, None, [])
    assert file.state() == DONE_BY_THE_SECOND
    assert (len(mosaic.pictures(".tif")), len(mosaic.pictures())) == (1, 1)
    seen.recovered("attempt 2 published one file")


@pytest.mark.fault("2 SIGSTOP of the worker, publish, kill -9", "the message is gone; the job completes")
def test_a_message_that_went_down_with_its_worker_costs_time_alone(service: Any, seen: Any, send: Any) -> None:
    client = service.installed.redis.client

    def swallowed() -> Any:
        main = service.worker()
        send(main, signal.SIGSTOP)
        ordered = service.short()
        if client.llen(Lane.INTERACTIVE.value) == 0:
            return ordered
        # Its question to Redis had just ended; let it work, and try again.
        send(main, signal.SIGCONT)
        ordered.final()
        return None

    ordered = service.wait_for(swallowed)
    assert ordered.job()["state"] == "queued"
    seen.struck()
    service.restart()
    assert ordered.state() == ("succeeded", None, 1)
    seen.recovered("no message in Redis; attempt 1 succeeded")


@pytest.mark.fault(
    "7 a worker frozen past its lease, another finishes, the first goes on",
    "its write is refused, the result unchanged, its blob collected",
)
def test_a_worker_that_wakes_up_too_late_changes_nothing(service: Any, seen: Any, send: Any) -> None:
    ordered = frozen = None
    for _ in range(10):
        ordered, frozen = _frozen_before_its_commit(service, send)
        if frozen:
            break
    assert ordered is not None
    assert frozen, "the window between the blob and the commit was never hit"
    orphan = ordered.pictures()
    seen.struck()
    service.start_worker(name="another-worker")
    try:
        done = ordered.final()
        assert (done["job"]["state"], done["job"]["error"]) == ("succeeded", None)
        before = service.installed.get(done["picture"]).content
    finally:
        for child in frozen:
            send(child, signal.SIGCONT)
        service.stop("another-worker")
    # Two jobs at once: each child takes one, so the one that was frozen has come to the end of its own.
    assert [one.state() for one in (service.long(), service.long())] == [("succeeded", None, 1)] * 2
    assert ordered.final() == done
    assert service.installed.get(done["picture"]).content == before
    assert ordered.outcomes()[0] == "expired"
    assert ordered.outcomes().count("succeeded") == 1
    sweep.collect(service.services(litter_grace_seconds=0))
    assert len(ordered.pictures()) == 1
    assert ordered.pictures() != orphan
    seen.recovered(f"attempt {done['job']['attempt']} published; 1 refused, its blob deleted")


def _frozen_before_its_commit(service: Any, send: Any) -> tuple[Any, list[Any]]:
    """Freeze a worker's children when the picture is stored and the row does not say so yet; none if we were late."""
    ordered = service.long()
    children = service.freeze_at_its_end(ordered)
    # On SQLite one that is frozen in its transaction keeps everybody out; that is too late as well.
    if service.can_write() and ordered.job()["state"] == "running":
        return ordered, children
    for child in children:
        send(child, signal.SIGCONT)
    return ordered, []


@pytest.mark.fault(
    "8.1 a job that kills its worker each time", "failed and readable after three attempts; others go on"
)
def test_a_job_that_kills_every_worker_is_given_up_and_the_others_go_on(service: Any, seen: Any) -> None:
    poison = service.long()
    seen.struck()
    for attempt in (1, 2, 3):
        service.wait_for(lambda a=attempt: (job := poison.job())["state"] == "running" and job["attempt"] == a)
        service.kill_children()
    job = poison.final()["job"]
    assert (job["state"], job["error"]["code"], job["attempt"]) == ("failed", "crashed", 3)
    assert "3 times" in job["error"]["detail"]
    seen.recovered("failed: crashed, after 3 attempts")
    assert service.short().state() == ("succeeded", None, 1)


@pytest.mark.fault("8.2 a photo that no decoder can bear", "one line in the report; the worker lives")
def test_a_photo_that_bursts_its_decoder_is_one_line_in_the_report(
    service: Any, seen: Any, photos: dict[str, bytes], bursting_png: bytes
) -> None:
    good = dict(list(photos.items())[:20])
    before = {child.pid for child in service.children(Lane.INDEXING)}
    made = service.installed.tile_set(good | {"bomb.png": bursting_png})
    assert (made["job"]["state"], made["tile_count"], made["job"]["attempt"]) == ("succeeded", 20, 1)
    assert [line["name"] for line in made["skipped"]] == ["bomb.png"]
    assert made["skipped"][0]["code"] in {"too_many_pixels", "damaged_picture"}
    assert {child.pid for child in service.children(Lane.INDEXING)} == before
    seen.noted(f"20 of 21 indexed; bomb.png: {made['skipped'][0]['code']}")


def busy(children: list[psutil.Process]) -> psutil.Process:
    """Return the child that works just now."""
    before = [sum(child.cpu_times()[:2]) for child in children]
    time.sleep(0.2)
    return max(zip(children, before, strict=True), key=lambda each: sum(each[0].cpu_times()[:2]) - each[1])[0]


@contextmanager
def hurried(service: Any, lane: Lane) -> Iterator[None]:
    """Give the jobs of a lane one second, and another until they are killed; the sweep judges by the same."""
    limits = {"JOB_SECONDS": "1", "KILL_SECONDS": "1"}
    service.restart(lane, **limits)
    service.restart_sweeper(**limits)
    try:
        yield
    finally:
        service.restart(lane)
        service.restart_sweeper()


@pytest.mark.fault("8.3 a picture that takes its decoder for ever", "one line in the report; the worker lives")
def test_a_photo_that_takes_too_long_is_one_line_in_the_report(
    service: Any, seen: Any, photos: dict[str, bytes], slow_jpeg: bytes
) -> None:
    service.restart(Lane.INDEXING, DECODE_SECONDS="1")
    good = dict(list(photos.items())[:20])
    made = service.installed.tile_set(good | {"slow.jpg": slow_jpeg})
    service.restart(Lane.INDEXING)
    assert (made["job"]["state"], made["tile_count"], made["job"]["attempt"]) == ("succeeded", 20, 1)
    assert [(line["name"], line["code"]) for line in made["skipped"]] == [("slow.jpg", "too_costly")]
    seen.noted("20 of 21 indexed; slow.jpg: too_costly")


@pytest.mark.fault("8.4 a job longer than its time: the soft limit", "failed: timeout; the worker lives")
def test_a_job_that_takes_too_long_fails_as_timeout(service: Any, seen: Any) -> None:
    with hurried(service, Lane.INTERACTIVE):
        before = {child.pid for child in service.children()}
        seen.struck()
        slow = service.endless()
        assert slow.state() == ("failed", "timeout", 1)
        seen.recovered("failed: timeout")
        assert slow.outcomes() == ["failed"]
        assert {child.pid for child in service.children()} == before


@pytest.mark.fault("8.6 the soft limit, while a picture is encoded", "failed: timeout; the worker lives")
def test_a_time_limit_that_strikes_while_a_picture_is_encoded_is_heard(service: Any, seen: Any, send: Any) -> None:
    before = {child.pid for child in service.children()}
    for _ in range(3):
        slow = service.large()
        slow.at_work(phase="encoding")
        seen.struck()
        send(busy(service.children()), SOFT_LIMIT)
        assert slow.state() == ("failed", "timeout", 1)
        assert slow.pictures() == []
    seen.recovered("failed: timeout")
    assert {child.pid for child in service.children()} == before


@pytest.mark.fault("8.5 a job that is deaf to the soft limit", "killed at the hard limit; failed: timeout")
def test_a_job_that_cannot_be_interrupted_is_killed_and_fails_as_timeout(
    service: Any, seen: Any, slow_jpeg: bytes
) -> None:
    with hurried(service, Lane.INDEXING):
        before = {child.pid for child in service.children(Lane.INDEXING)}
        seen.struck()
        made = service.installed.tile_set({"slow.jpg": slow_jpeg})
        job = made["job"]
        assert (job["state"], job["error"]["code"], job["attempt"]) == ("failed", "timeout", 1)
        seen.recovered("failed: timeout")
        service.wait_for(lambda: {child.pid for child in service.children(Lane.INDEXING)} != before)


@pytest.mark.fault("9 SIGTERM, mid-job", "ends within its grace; the job goes back without an attempt charged")
def test_a_worker_that_is_asked_to_end_gives_its_job_back(service: Any, seen: Any, send: Any) -> None:
    ordered = service.large()  # more than a quick machine can finish within the grace
    ordered.at_work(share=0.3)
    worker = service.installed.processes["interactive-worker"]
    seen.struck()
    worker.terminate()
    worker.wait(60)
    seen.recovered("given back; then done by another worker", within=15)
    assert ordered.outcomes() == ["given back"]
    assert ordered.job()["state"] == "queued"
    service.start_worker()
    assert ordered.state() == DONE_BY_THE_SECOND
    assert ordered.outcomes() == ["given back", "succeeded"]
