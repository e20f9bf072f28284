"""Measures photos in several processes, which live as long as one run.

Threads would share one interpreter, and opening a small photo takes Python as long as the decoder. So processes are
forked, before any thread is started; where forking is not safe, threads are used after all.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from models.errors import StorageFull, is_full
from worker import interrupts
from worker.core.progress import PhaseProgress
from worker.folder_scan import File
from worker.local_index.checkpoints import Segment

FORKS = sys.platform.startswith("linux")
"""Elsewhere, system libraries may have threads of their own, which do not survive a fork.

Source: https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""
CHUNK = 16
"""Photos that a child takes at once: few, so that all children finish at about the same time."""
MOST_CHUNKS = 8_192
"""The numbers of so many chunks fit into a pipe."""
NUMBER_BYTES = 4
SAVE_SECONDS = 1.0
THREAD_CHUNK = 256
FAILED, FULL = 1, 2
"""Exit codes of a child that failed."""


def measure(
    files: Sequence[File], known: set[bytes], folder: str, progress: PhaseProgress, process_count: int
) -> None:
    """Measure files, and write the results as segments into a folder.

    If `progress` raises, or this process is killed, files that no child has begun are dropped, and what was measured
    is saved. A child that dies, perhaps from a photo that breaks the decoder, loses what it had not saved.

    Args:
        files: The files to measure.
        known: Content hashes that need not be measured.
        folder: Where to write the segments.
        progress: Called with how many files are done.
        process_count: How many processes to use.

    Raises:
        StorageFull: there is no room for the segments.
    """
    (_forked if FORKS else _threaded)(files, known, folder, progress, process_count)


def _forked(
    files: Sequence[File], known: set[bytes], folder: str, progress: PhaseProgress, process_count: int
) -> None:
    step = max(CHUNK, -(-len(files) // MOST_CHUNKS))
    starts = range(0, len(files), step)
    # Children read the numbers of files from one pipe, and write a byte for each file that is done into another.
    todo, deal = os.pipe()
    done_out, done_in = os.pipe()
    os.write(deal, b"".join(start.to_bytes(NUMBER_BYTES, "little") for start in starts))

    def work() -> None:
        os.close(deal)
        os.close(done_out)
        segment, saved = Segment(folder), time.monotonic()
        # If the command was killed, nobody reads the other end.
        with suppress(BrokenPipeError):
            while number := os.read(todo, NUMBER_BYTES):
                start = int.from_bytes(number, "little")
                for file in files[start : start + step]:
                    segment.add(file, known)
                if time.monotonic() - saved >= SAVE_SECONDS:
                    segment.save()
                    saved = time.monotonic()
                os.write(done_in, bytes(len(files[start : start + step])))
        segment.save()

    children: list[int] = []
    endings: list[int] = []

    recall = partial(_recall, todo, children, endings)
    try:
        with interrupts.clearing(recall):
            with interrupts.put_off():
                # A signal that comes meanwhile is handled when all children are known.
                children += [_child(work) for _ in range(min(process_count, len(starts)))]
                os.close(deal)
                os.close(done_in)
            done = 0
            while news := os.read(done_out, 1 << 16):
                done += len(news)
                progress("indexing", done, len(files))
    finally:
        recall()
        os.close(todo)
        os.close(done_out)
    if FULL in endings:
        raise StorageFull(f"There is no room for the index in {os.path.dirname(folder)}; free some space.")
    if FAILED in endings:
        raise RuntimeError("a process that measures photos failed; what it said is above")


def _recall(todo: int, children: list[int], endings: list[int]) -> None:
    """Take back the files that no child has begun, and wait until the children have saved the others."""
    while children and os.read(todo, 1 << 16):
        pass
    while children:
        endings.append(os.waitstatus_to_exitcode(os.waitpid(children.pop(), 0)[1]))


def _child(work: Callable[[], None]) -> int:
    """Fork a process that does the work and then exits; return its process id."""
    child = os.fork()
    if child:
        return child
    code = 0
    try:
        # Ctrl-C and the end of a terminal reach the whole process group; the parent decides what to do.
        for number in interrupts.ENDING:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, interrupts.ENDING)
        work()
    except BaseException as error:  # noqa: BLE001 - a child must never return into the parent's code
        code = FULL if is_full(error) else FAILED
        if code == FAILED:
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(code)


def _threaded(
    files: Sequence[File], known: set[bytes], folder: str, progress: PhaseProgress, process_count: int
) -> None:
    from worker import parallel  # noqa: PLC0415 - only where nothing is forked

    def work(start: int) -> int:
        segment = Segment(folder)
        for file in files[start : start + THREAD_CHUNK]:
            segment.add(file, known)
        segment.save()
        return len(files[start : start + THREAD_CHUNK])

    done = 0
    for count in parallel.spread(work, range(0, len(files), THREAD_CHUNK), process_count):
        done += count
        progress("indexing", done, len(files))
