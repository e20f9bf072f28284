"""Work on slices of many things, on several threads: numpy releases the interpreter's lock in long operations."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from worker.core.progress import Progress, quiet


def spread(work: Callable[[slice], None], count: int, step: int, threads: int, progress: Progress = quiet) -> None:
    """Call `work` with consecutive slices of `count` things, on several threads; what it raises is raised here.

    Args:
        work: Called with each slice; it writes its results where they belong, so threads change nothing.
        count: How many things there are.
        step: Things in a slice.
        threads: How many slices to work on at once.
        progress: Called with how many things are done; what it raises stops the work.
    """
    slices = [slice(first, min(first + step, count)) for first in range(0, count, step)]
    with ThreadPoolExecutor(threads) as pool:
        try:
            for some, _ in zip(slices, pool.map(work, slices), strict=True):
                progress(some.stop, count)
        finally:
            pool.shutdown(cancel_futures=True)
