"""Does the same work on many things in threads, on every core: Pillow and hashlib release the interpreter's lock."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TypeVar

from worker import cpu

CHUNK = 32
"""Things handed to a thread at once, since handing over costs a tenth of the time that a small photo takes."""
CHUNKS_AHEAD = 4

core_count = cpu.core_count

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def one_thread_each() -> AbstractContextManager[object]:
    """Let a matrix product run in the thread that asks for it, within the `with` block.

    Several of our threads ask at once, and when BLAS used threads of its own, each small product took up to ten times
    as long.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":  # as on the command line, which `cli.start` starts so
        return nullcontext()
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - takes a fiftieth of a quick render

    limited: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limited


def spread(
    function: Callable[[Thing], Result], things: Iterable[Thing], threads: int, chunk_size: int = CHUNK
) -> Iterator[Result]:
    """Yield `function(thing)` for every thing, in order; at most a few chunks are in memory.

    If the caller stops early, things that were not begun are dropped.
    """
    stopped = threading.Event()

    def work(chunk: list[Thing]) -> list[Result]:
        return [function(thing) for thing in chunk if not stopped.is_set()]

    waiting = iter(things)
    begun = 0
    running: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                while len(running) < threads * CHUNKS_AHEAD and (
                    # The first chunks are small, so that even a few things are spread over all threads.
                    chunk := list(islice(waiting, min(chunk_size, 1 + begun // (2 * threads))))
                ):
                    begun += len(chunk)
                    running.append(pool.submit(work, chunk))
                if not running:
                    return
                yield from running.popleft().result()
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
