"""How a command ends that a signal stops: at once, with nothing half-made left behind.

Nothing is raised. What a signal's handler raises is lost where C calls Python, as libvips and ctypes do, and it can
come between two lines that belong together. So the handler itself clears away what is unfinished, and ends the
process.

The quickest answer needs this, so it imports next to nothing.
"""

import _signal  # type: ignore[import-not-found]  # Python's signal loads enum, which takes as long as the answer
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

ENDING = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM)
NAMES = {_signal.SIGHUP: "SIGHUP", _signal.SIGINT: "SIGINT", _signal.SIGQUIT: "SIGQUIT", _signal.SIGTERM: "SIGTERM"}
SHELL = 128
"""A shell says this much more than the number of the signal that ended a command. Source: POSIX.1-2024, 2.8.2."""

_clearing: list[Callable[[], object]] = []
_begun: list[int] = []


def watch() -> None:
    """From now on a signal ends this process; one that whoever started it ignores, as nohup does, stays ignored."""
    for number in ENDING:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _end)


@contextmanager
def clearing(act: Callable[[], object]) -> Iterator[None]:
    """Do this too if a signal ends the process meanwhile; acts are done in the order in which they were added."""
    _clearing.append(act)
    try:
        yield
    finally:
        _clearing.remove(act)


@contextmanager
def put_off() -> Iterator[None]:
    """Let signals wait a moment: what is done here is not to be cut in two."""
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)


def _end(number: int, _frame: object) -> None:
    """Clear away, and end; a second signal does not wait for what takes a while."""
    code = SHELL + number
    if _begun:
        os._exit(code)
    _begun.append(number)
    for act in _clearing:
        with suppress(Exception):
            act()
    with suppress(Exception):
        os.write(sys.stderr.fileno(), f"tessera: Stopped by {NAMES[number]}.\n".encode())
    os._exit(code)
