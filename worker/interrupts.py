"""Ends a command that a signal stops: at once, and without leaving unfinished files behind.

The handler raises nothing. What a signal handler raises is lost where C calls Python, as libvips and ctypes do, and
it may be raised between two lines that belong together. So the handler itself removes what is unfinished, and ends
the process.

`fast_index` needs this, so it imports next to nothing.
"""

import _signal  # type: ignore[import-not-found]  # Python's signal loads enum, which takes as long as all the rest
import os
import sys

TYPE_CHECKING = False  # loading typing takes as long as a look at a thousand files
if TYPE_CHECKING:
    from collections.abc import Callable

ENDING = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM)
NAMES = {_signal.SIGHUP: "SIGHUP", _signal.SIGINT: "SIGINT", _signal.SIGQUIT: "SIGQUIT", _signal.SIGTERM: "SIGTERM"}
SHELL = 128
"""A shell says this much more than the number of the signal that ended a command. Source: POSIX.1-2024, 2.8.2."""

_clearing: "list[Callable[[], object]]" = []


def watch() -> None:
    """From now on, let signals end this process as above. A signal that is ignored, as under nohup, stays ignored."""
    for number in ENDING:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _end)


class clearing:  # noqa: N801 - read as a sentence; contextlib would take as long to load as the whole answer
    """Within the `with` block, a signal that ends the process first calls `act`; outer blocks go first."""

    def __init__(self, act: "Callable[[], object]") -> None:
        self._act = act

    def __enter__(self) -> None:
        _clearing.append(self._act)

    def __exit__(self, *_: object) -> None:
        _clearing.remove(self._act)


class put_off:  # noqa: N801 - the same
    """Within the `with` block, signals are held back, so that it is done completely or not at all."""

    def __enter__(self) -> None:
        self._before = _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)

    def __exit__(self, *_: object) -> None:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._before)


def _end(number: int, _frame: object) -> None:
    """Remove what is unfinished, and end. A second signal is ignored."""
    for other in ENDING:
        _signal.signal(other, _signal.SIG_IGN)
    for act in _clearing:
        try:
            act()
        except Exception:  # noqa: BLE001, S112 - the others must run too, and nobody is left to report to
            continue
    try:
        # Not through Python's file object, which may have been in the middle of a write when the signal came.
        os.write(sys.stderr.fileno(), f"tessera: Stopped by {NAMES[number]}.\n".encode())
    finally:
        os._exit(SHELL + number)
