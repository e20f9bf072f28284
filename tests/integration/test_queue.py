"""The doorbell, on a real Redis, and on none."""

import json
import socket
import threading
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu import Consumer

from models import queue
from models.errors import QueueUnavailable
from models.rules.lifecycle import Doorbell, JobKind, Lane
from models.services import Services
from models.settings import Settings

BELL = Doorbell(JobKind.RENDER, 42, Lane.BULK)
LONGEST = 8.0
"""Seconds until a publish must have given up: 2 are promised, the rest is for a busy machine."""


def messages(running: Any, lane: Lane) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in running.client.lrange(lane.value, 0, -1)]


@pytest.fixture
def client(sqlite_services: Services, redis_running: Any) -> Any:
    """A Redis whose queues are empty, and an app that publishes to it."""
    return redis_running


def test_a_message_carries_a_job_id_and_nothing_else(client: Any) -> None:
    queue.ring(BELL)
    (message,) = messages(client, Lane.BULK)
    arguments, keywords, _ = json.loads(b64decode(message["body"]))
    assert (message["headers"]["task"], arguments, keywords) == ("tessera.render", [42], {})


@pytest.mark.parametrize("lane", list(Lane))
def test_a_bell_rings_in_its_own_lane_alone(client: Any, lane: Lane) -> None:
    queue.ring(Doorbell(JobKind.INDEX, 1, lane))
    assert {each: len(messages(client, each)) for each in Lane} == {each: int(each is lane) for each in Lane}


def publisher(url: str, folder: Path) -> None:
    settings = Settings(
        mode="embedded", database_url="sqlite://", redis_url=url, store=f"file://{folder}", secret_key="x" * 16
    )
    _forget_connections()
    queue.connect(settings, "publisher")


def _forget_connections() -> None:
    """A process publishes to one Redis for life; this one tries several."""
    queue.app._pool = None
    queue.app.amqp._producer_pool = None


@pytest.fixture(autouse=True)
def _clean_end() -> Iterator[None]:
    yield
    _forget_connections()


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a server that accepts, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def rung(bells: int = 1) -> list[BaseException | None]:
    """Ring in a thread, so that a publish that hangs fails this test instead of hanging it."""
    seen: list[BaseException | None] = []

    def ring() -> None:
        for _ in range(bells):
            try:
                queue.ring(BELL)
                seen.append(None)
            except QueueUnavailable as error:
                seen.append(error)

    thread = threading.Thread(target=ring, daemon=True)
    thread.start()
    thread.join(bells * LONGEST)
    assert not thread.is_alive(), "the publish hangs"
    return seen


def test_a_redis_that_is_down_is_said_to_be_unavailable(tmp_path: Path) -> None:
    publisher("redis://127.0.0.1:1/0", tmp_path)
    assert isinstance(rung()[0], QueueUnavailable)


def test_a_redis_that_never_answers_does_not_hold_the_caller(black_hole: str, tmp_path: Path) -> None:
    publisher(black_hole, tmp_path)
    assert all(isinstance(error, QueueUnavailable) for error in rung(2))


def test_ringing_for_many_gives_up_at_the_first_failure(black_hole: str, tmp_path: Path) -> None:
    publisher(black_hole, tmp_path)
    thread = threading.Thread(target=queue.ring_all, args=([BELL] * 1_000,), daemon=True)
    thread.start()
    thread.join(LONGEST)
    assert not thread.is_alive()


def test_a_channel_with_a_message_in_hand_is_closed_though_its_connection_is_lost(client: Any) -> None:
    queue.ring(BELL)
    connection, fetched = queue.app.connection_for_read(), list[object]()
    channel = connection.default_channel
    lane = next(each for each in queue.app.conf.task_queues if each.name == BELL.lane)
    Consumer(channel, [lane], callbacks=[lambda _, message: fetched.append(message)]).consume()
    connection.drain_events(timeout=60)
    assert len(fetched) == 1
    # kombu's collect() does this, and leaves the channel open when Redis dies in the middle; Celery then closes it.
    connection.transport.client = None
    channel.close()


def test_a_lane_is_empty_until_a_message_waits_in_it(client: Any) -> None:
    assert queue.empty_lanes() == set(Lane)
    queue.ring(BELL)
    assert queue.empty_lanes() == set(Lane) - {BELL.lane}


def test_a_redis_that_is_away_says_nothing_of_its_lanes(black_hole: str, tmp_path: Path) -> None:
    publisher(black_hole, tmp_path)
    assert queue.empty_lanes() == set()


def test_workers_that_cannot_be_asked_are_not_said_to_be_none(black_hole: str, tmp_path: Path) -> None:
    publisher(black_hole, tmp_path)
    with pytest.raises(QueueUnavailable, match="Redis does not answer"):
        queue.workers()


def test_where_no_worker_answers_there_is_none(client: Any) -> None:
    assert queue.workers() == []


def test_a_worker_of_another_program_on_the_same_redis_is_none_of_ours(client: Any) -> None:
    address = queue.app.conf.broker_url
    with start_worker(Celery("another", broker=address), perform_ping_check=False, pool="solo"):
        with queue.app.connection_for_write() as connection:
            assert queue.app.control.inspect(timeout=5, limit=1, connection=connection).ping()
        assert queue.workers() == []
