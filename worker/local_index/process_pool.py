"""Processes that measure photos beside each other, for as long as one run takes.

Threads would share one interpreter, and Python's part of opening a small photo is as large as the decoder's. So the
crew is forked, before anything has a thread; where forking is not safe, it is threads after all.
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
from worker.folder_scan import File
from worker.local_index.checkpoints import Segment

FORKS = sys.platform.startswith("linux")
"""Elsewhere system libraries may have threads of their own, which no fork survives.

Source: https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""
CHUNK = 16
"""Photos that a member takes at once: few, so that all are done at about the same time."""
MOST_CHUNKS = 8_192
"""The numbers of so many fit into a pipe."""
NUMBER_BYTES = 4
SAVE_SECONDS = 1.0
THREAD_CHUNK = 256
FAILED, FULL = 1, 2
"""How a member ends that could not go on."""

Progress = Callable[[str, int, int], None]


def measure(files: Sequence[File], known: set[bytes], folder: str, progress: Progress, hands: int) -> None:
    """Leave what files are in segments below a folder.

    When `progress` raises, what is not begun is dropped, and what was measured is kept. So it is when this process is
    killed. A member that dies, perhaps by a photo that breaks the decoder, takes with it what it had not saved.

    Args:
        files: What to measure.
        known: Contents that need no measuring.
        folder: Where segments go.
        progress: Told how many are done.
        hands: How many members the crew may have.

    Raises:
        StorageFull: there is no room for the segments.
    """
    (_forked if FORKS else _threaded)(files, known, folder, progress, hands)


def _forked(files: Sequence[File], known: set[bytes], folder: str, progress: Progress, hands: int) -> None:
    step = max(CHUNK, -(-len(files) // MOST_CHUNKS))
    starts = range(0, len(files), step)
    # The files are dealt out through a pipe; for each that is done a byte comes back through another.
    todo, deal = os.pipe()
    told, tell = os.pipe()
    os.write(deal, b"".join(start.to_bytes(NUMBER_BYTES, "little") for start in starts))

    def work() -> None:
        os.close(deal)
        os.close(told)
        segment, saved = Segment(folder), time.monotonic()
        # Nobody hears of it any more when the command was killed.
        with suppress(BrokenPipeError):
            while number := os.read(todo, NUMBER_BYTES):
                start = int.from_bytes(number, "little")
                for file in files[start : start + step]:
                    segment.add(file, known)
                if time.monotonic() - saved >= SAVE_SECONDS:
                    segment.save()
                    saved = time.monotonic()
                os.write(tell, bytes(len(files[start : start + step])))
        segment.save()

    members: list[int] = []
    endings: list[int] = []

    recall = partial(_recall, todo, members, endings)
    try:
        with interrupts.clearing(recall):
            with interrupts.put_off():
                # A signal finds no member, or all of them.
                members += [_member(work) for _ in range(min(hands, len(starts)))]
                os.close(deal)
                os.close(tell)
            done = 0
            while news := os.read(told, 1 << 16):
                done += len(news)
                progress("indexing", done, len(files))
    finally:
        recall()
        os.close(todo)
        os.close(told)
    if FULL in endings:
        raise StorageFull(f"There is no room for the index in {os.path.dirname(folder)}; free some space.")
    if FAILED in endings:
        raise RuntimeError("a member of the crew failed; what it said is above")


def _recall(todo: int, members: list[int], endings: list[int]) -> None:
    """Take back what no member has begun, and wait until what they have begun is kept."""
    while members and os.read(todo, 1 << 16):
        pass
    while members:
        endings.append(os.waitstatus_to_exitcode(os.waitpid(members.pop(), 0)[1]))


def _member(work: Callable[[], None]) -> int:
    """Fork a process that does its work and nothing else, and return its number."""
    member = os.fork()
    if member:
        return member
    code = 0
    try:
        # Ctrl-C and a terminal that goes reach the whole group; the command decides what becomes of it.
        for number in interrupts.ENDING:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, interrupts.ENDING)
        work()
    except BaseException as error:  # noqa: BLE001 - nothing may return from here into the command's own work
        code = FULL if is_full(error) else FAILED
        if code == FAILED:
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(code)


def _threaded(files: Sequence[File], known: set[bytes], folder: str, progress: Progress, hands: int) -> None:
    from worker import parallel  # noqa: PLC0415 - only where nothing is forked

    def work(start: int) -> int:
        segment = Segment(folder)
        for file in files[start : start + THREAD_CHUNK]:
            segment.add(file, known)
        segment.save()
        return len(files[start : start + THREAD_CHUNK])

    done = 0
    for count in parallel.spread(work, range(0, len(files), THREAD_CHUNK), hands):
        done += count
        progress("indexing", done, len(files))
