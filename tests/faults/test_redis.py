"""Redis that dies, forgets, or falls silent."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from models.queue import ring
from models.rules.lifecycle import Lane

ALL_SUCCEED = dict.fromkeys(Lane, "succeeded")


class Proxy:
    """Hands bytes on between its port and whatever `connect` opens, until it swallows them and closes nothing."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._silent: set[int] = set()
        self._generation = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def swallow(self) -> None:
        """Hand on nothing more of the connections that are open now; new ones work."""
        self._silent.add(self._generation)
        self._generation += 1

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server, generation = self._connect(), self._generation
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(*pair, generation), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, generation: int) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if generation not in self._silent:
                    sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def proxy(service: Any) -> Iterator[Proxy]:
    opened = Proxy(service.installed.redis.connection)
    yield opened
    opened.close()


@pytest.mark.fault("3.1 Redis kill -9 and restart, a task running", "it goes on; new jobs start; no worker is deaf")
def test_a_running_job_outlives_redis_and_every_worker_hears_again(service: Any, seen: Any) -> None:
    ordered = service.long()
    ordered.at_work()
    _restart_redis(service, seen)
    assert _a_new_job_in_each_lane(service) == ALL_SUCCEED
    seen.recovered("the running job: attempt 1; a new one in each lane", within=60)
    assert ordered.state() == ("succeeded", None, 1)


@pytest.mark.fault("3.2 Redis kill -9 and restart, idle", "new jobs start; no worker is deaf")
def test_idle_workers_hear_again_after_redis_was_killed(service: Any, seen: Any) -> None:
    _restart_redis(service, seen)
    assert _a_new_job_in_each_lane(service) == ALL_SUCCEED
    seen.recovered("a new job in each lane", within=60)


@pytest.mark.fault("3.3 Redis frozen for ten seconds, then killed and restarted", "no worker is deaf")
def test_workers_hear_again_after_redis_was_frozen_and_killed(service: Any, seen: Any) -> None:
    service.installed.redis.process.send_signal(signal.SIGSTOP)
    time.sleep(10)
    _restart_redis(service, seen)
    assert _a_new_job_in_each_lane(service) == ALL_SUCCEED
    seen.recovered("a new job in each lane")


def _restart_redis(service: Any, seen: Any) -> None:
    service.installed.redis.stop(signal.SIGKILL)
    time.sleep(1)
    seen.struck()
    service.installed.redis.start()


@pytest.mark.fault(
    "3.4 a proxy before Redis swallows everything and closes nothing", "the worker is not deaf for long"
)
def test_a_worker_behind_a_silent_proxy_asks_on_a_new_connection(service: Any, seen: Any, proxy: Any) -> None:
    service.restart(REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0")
    assert service.short().state() == ("succeeded", None, 1)
    proxy.swallow()
    seen.struck()
    ordered = service.short()
    assert ordered.state() == ("succeeded", None, 1)
    seen.recovered("heard again, on a new connection", within=60)
    service.restart()


def _a_new_job_in_each_lane(service: Any) -> dict[Lane, str]:
    """Order something in each lane and wait for its end, and until every message was heard."""
    mosaic = service.short()
    batch = service.installed.post(
        "/api/v1/batches", data={"tile_set": service.tile_set["id"], "cells_across": "12", "tile_size": "8"},
        files=[("targets", ("t.png", service.target))],
    ).json()  # fmt: skip
    photos = service.installed.post("/api/v1/tile-sets", files=[("photos", ("p.png", service.target))]).json()
    done = service.wait_for(lambda: (shown := service.installed.get(batch["url"]).json())["final"] and shown)
    ends = {
        Lane.INTERACTIVE: mosaic.state()[0],
        Lane.BULK: service.installed.get(done["mosaics"]).json()["items"][0]["job"]["state"],
        Lane.INDEXING: service.installed.final(photos["url"])["job"]["state"],
    }
    client = service.installed.redis.client
    service.wait_for(lambda: not any(client.llen(lane.value) for lane in Lane))
    return ends


@pytest.mark.fault("4 Redis flushed with 100 jobs queued", "all 100 finish")
def test_a_hundred_jobs_whose_messages_are_gone_all_finish(service: Any, seen: Any) -> None:
    service.kill_worker(Lane.BULK)
    files = [("targets", (f"{number}.png", service.target)) for number in range(100)]
    batch = service.installed.post(
        "/api/v1/batches", data={"tile_set": service.tile_set["id"], "cells_across": "12", "tile_size": "8"},
        files=files,
    ).json()  # fmt: skip
    assert batch["total"] == 100
    client = service.installed.redis.client
    client.flushall()
    assert client.llen(Lane.BULK.value) == 0
    seen.struck()
    service.start_worker(Lane.BULK)
    service.wait_for(lambda: not service.unfinished())
    done = service.installed.get(batch["url"]).json()
    assert done["states"] == {"succeeded": 100}
    seen.recovered("100 succeeded")
    made = service.installed.get(f"{done['mosaics']}?limit=200").json()["items"]
    assert [item["job"]["attempt"] for item in made] == 100 * [1]


@pytest.mark.fault("5.1 Redis down at submit", "202 at once; polling goes on; the job runs when it returns")
def test_an_order_without_redis_is_taken_and_done_when_it_returns(service: Any, seen: Any) -> None:
    redis = service.installed.redis
    redis.stop(signal.SIGKILL)
    try:
        began = time.monotonic()
        ordered = service.short()
        answered = time.monotonic() - began
        assert answered <= 10
        assert ordered.job()["state"] == "queued"
        assert service.installed.get("/readyz").json()["redis"] == "degraded"
    finally:
        seen.struck()
        redis.start()
    assert ordered.state() == ("succeeded", None, 1)
    seen.recovered(f"answered in {answered:.1f} s, then succeeded")


@pytest.mark.fault(
    "5.2 Redis accepts and never answers, at submit", "202 within seconds; polling goes on; the job runs"
)
def test_an_order_while_redis_is_frozen_is_taken_and_done_when_it_wakes(service: Any, seen: Any) -> None:
    process = service.installed.redis.process
    process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        ordered = service.short()
        answered = time.monotonic() - began
        assert answered <= 15
        assert ordered.job()["state"] == "queued"
    finally:
        process.send_signal(signal.SIGCONT)
        seen.struck()
    assert ordered.state()[:2] == ("succeeded", None)
    seen.recovered(f"answered in {answered:.1f} s, then succeeded")


@pytest.mark.fault("6.1 the web process dies between commit and publish", "the sweep rings; the job is done")
def test_a_job_whose_web_process_died_before_it_rang_is_done(service: Any, seen: Any, send: Any) -> None:
    redis = service.installed.redis.process
    redis.send_signal(signal.SIGSTOP)
    try:
        known = {item["id"] for item in service.installed.get("/api/v1/mosaics").json()["items"]}
        victims = service.children_of("web")
        # It commits, and then waits for Redis; nobody will hear its answer.
        sender = threading.Thread(target=_ordered_in_vain, args=(service,))
        sender.start()
        ordered = service.wait_for(lambda: service.newest_beside(known))
        for victim in victims:
            send(victim, signal.SIGKILL)
        sender.join()
    finally:
        redis.send_signal(signal.SIGCONT)
        seen.struck()
    service.wait_for(service.alive)
    assert ordered.state() == ("succeeded", None, 1)
    seen.recovered("no answer was given; the job succeeded")


def _ordered_in_vain(service: Any) -> None:
    try:
        service.short()
    except OSError:
        return


@pytest.mark.fault("6.2 the same message ten times", "done once")
def test_ten_messages_for_one_job_give_one_result(service: Any, seen: Any) -> None:
    service.kill_worker()
    ordered = service.short()
    for _ in range(9):
        ring(ordered.bell())
    assert service.installed.redis.client.llen(Lane.INTERACTIVE.value) >= 10
    service.start_worker()
    assert ordered.state() == ("succeeded", None, 1)
    service.wait_for(lambda: service.installed.redis.client.llen(Lane.INTERACTIVE.value) == 0)
    assert service.short().state() == ("succeeded", None, 1)
    assert ordered.outcomes() == ["succeeded"]
    assert len(ordered.pictures()) == 1
    seen.noted("one attempt, one picture")


@pytest.mark.fault(
    "6.3 three sweeps at once, and workers, with clocks ten minutes off", "each job done once, none taken away"
)
def test_clocks_that_are_wrong_take_no_job_away(service: Any, seen: Any) -> None:
    service.kill_worker()
    service.start_shifted("interactive-worker", ["worker.app", "--lane=interactive", "--concurrency=2"], 600)
    service.start_shifted("sweeper-ahead", ["worker.jobs.sweep"], 600)
    service.start_shifted("sweeper-behind", ["worker.jobs.sweep"], -600)
    try:
        long = service.long()
        long.at_work()
        many = [service.short() for _ in range(20)]
        service.installed.redis.client.flushall()
        assert [one.state() for one in many] == [("succeeded", None, 1)] * 20
        assert long.state() == ("succeeded", None, 1)
    finally:
        for name in ("sweeper-ahead", "sweeper-behind"):
            service.stop(name)
        service.kill_worker()
        service.start_worker()
    seen.noted("21 jobs, each with one attempt")
