"""The same work on many things."""

import contextlib
import os
import threading

import numpy as np
import pytest
import threadpoolctl

from worker import parallel


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_things(threads):
    assert list(parallel.spread(lambda n: n * n, range(500), threads)) == [n * n for n in range(500)]


def test_nothing_to_do_gives_nothing():
    assert list(parallel.spread(str, [], 2)) == []


def test_the_error_of_one_thing_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(parallel.spread(lambda n: 1 // (n - 70), range(100), 2))


def test_things_are_taken_only_a_few_chunks_ahead():
    taken = []
    things = (taken.append(n) or n for n in range(10_000))
    results = parallel.spread(lambda n: n, things, 2)
    next(results)
    results.close()
    assert len(taken) <= parallel.CHUNK * (2 * parallel.CHUNKS_AHEAD)


def test_what_has_not_begun_is_dropped_when_the_caller_stops():
    done, gate = [], threading.Event()

    def wait(number: int) -> int:
        if number >= parallel.CHUNK:
            gate.wait(10)
        done.append(number)
        return number

    results = parallel.spread(wait, range(10_000), 1)
    next(results)
    threading.Timer(0.05, gate.set).start()
    results.close()
    # The first chunk, and at most the one that was being worked on.
    assert len(done) <= 2 * parallel.CHUNK


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux binds a process to cores")
def test_the_cores_that_count_are_those_this_process_may_use():
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert parallel.core_count() == 1
    finally:
        os.sched_setaffinity(0, cores)


def test_blas_has_one_thread_where_several_of_ours_ask_it():
    a = np.ones((4, 4))
    assert (a @ a).sum() == 64  # BLAS is loaded
    with parallel.one_thread_each():
        assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"} == {1}


def test_nothing_is_limited_again_where_blas_was_started_with_one_thread(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert isinstance(parallel.one_thread_each(), contextlib.nullcontext)
