"""Does the same work on many things in threads, on every core: Pillow and hashlib release the interpreter's lock."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TypeVar

from threadpoolctl import threadpool_limits

from worker import cpu

CHUNK = 32
"""Things handed to a thread at once, since handing over costs a tenth of the time that a small photo takes."""
CHUNKS_AHEAD = 4

one_thread_each = partial(threadpool_limits, limits=1, user_api="blas")
"""Within the `with` block, a matrix product runs in the thread that asks for it. Several of our threads ask at once,
and when BLAS used threads of its own, each small product took up to ten times as long."""

core_count = cpu.core_count

Thing = TypeVar("Thing")
Result = TypeVar("Result")


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
