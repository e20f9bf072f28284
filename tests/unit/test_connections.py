"""Who waits for a slow client lets another work meanwhile, and never are more at work than there are places."""

import itertools
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from gunicorn.config import Config

from web.connections import MOST_WAITING, Paced, Waiting, Worker


@pytest.fixture
def pair():
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def is_free(places):
    """Whether somebody could begin to work now."""
    free = places.acquire(blocking=False)
    if free:
        places.release()
    return free


def test_who_waits_for_a_client_lends_its_place_and_has_it_again_when_the_client_comes(pair, wait_for):
    here, there = pair
    places = threading.Semaphore(1)
    client = Paced(here, Waiting(), places)
    client.begin()
    assert not is_free(places)
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(client.recv, 1)
        wait_for(lambda: is_free(places))
        there.send(b"a")
        assert reading.result(timeout=60) == b"a"
    assert not is_free(places)
    client.finish()
    assert is_free(places)


def test_who_comes_back_from_a_client_waits_until_a_place_is_free(pair, wait_for):
    here, there = pair
    places = threading.Semaphore(1)
    client = Paced(here, Waiting(), places)
    client.begin()
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(client.recv, 1)
        wait_for(lambda: places.acquire(blocking=False))  # another works
        there.send(b"a")
        with pytest.raises(TimeoutError):
            reading.result(timeout=0.3)
        places.release()
        assert reading.result(timeout=60) == b"a"


def test_when_one_too_many_is_waited_for_the_one_with_the_least_patience_left_is_ended(has_ended):
    waiting, pairs = Waiting(2), [socket.socketpair() for _ in range(3)]
    for (here, _), patience in zip(pairs, [5.0, 2.0, 9.0], strict=True):
        client = Paced(here, waiting, threading.Semaphore(3))
        client.patience = patience
        waiting.enter(client)
    assert [has_ended(there) for _, there in pairs] == [False, True, False]
    for one in itertools.chain(*pairs):
        one.close()


@pytest.mark.parametrize("threads", [1, 8])
def test_as_many_work_at_once_as_there_are_threads_and_those_who_wait_take_none_of_them(threads):
    config = Config()
    config.set("threads", threads)
    worker = Worker(0, 0, [], None, 0, config, None)
    taken = [worker._places.acquire(blocking=False) for _ in range(threads + 1)]
    assert taken == [True] * threads + [False]
    with worker.get_thread_pool() as pool:
        assert pool._max_workers == threads + MOST_WAITING
