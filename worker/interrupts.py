"""How a command ends that a signal stops: at once, with nothing half-made left behind.

Nothing is raised. What a signal's handler raises is lost where C calls Python, as libvips and ctypes do, and it can
come between two lines that belong together. So the handler itself clears away what is unfinished, and ends the
process.

The quickest answer needs this, so it imports next to nothing.
"""

import _signal  # type: ignore[import-not-found]  # Python's signal loads enum, which takes as long as the answer
import os
import sys

TYPE_CHECKING = False  # typing's own takes as long to load as to look at a thousand files
if TYPE_CHECKING:
    from collections.abc import Callable

ENDING = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM)
NAMES = {_signal.SIGHUP: "SIGHUP", _signal.SIGINT: "SIGINT", _signal.SIGQUIT: "SIGQUIT", _signal.SIGTERM: "SIGTERM"}
SHELL = 128
"""A shell says this much more than the number of the signal that ended a command. Source: POSIX.1-2024, 2.8.2."""

_clearing: "list[Callable[[], object]]" = []


def watch() -> None:
    """From now on a signal ends this process; one that whoever started it ignores, as nohup does, stays ignored."""
    for number in ENDING:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _end)


class clearing:  # noqa: N801 - read as a sentence; contextlib would take as long to load as the whole answer
    """While this is entered, a signal that ends the process does this first, in the order of entry."""

    def __init__(self, act: "Callable[[], object]") -> None:
        self._act = act

    def __enter__(self) -> None:
        _clearing.append(self._act)

    def __exit__(self, *_: object) -> None:
        _clearing.remove(self._act)


class put_off:  # noqa: N801 - the same
    """While this is entered, signals wait: what is done meanwhile is not to be cut in two."""

    def __enter__(self) -> None:
        self._before = _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)

    def __exit__(self, *_: object) -> None:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._before)


def _end(number: int, _frame: object) -> None:
    """Clear away, and end. A second signal changes nothing."""
    for other in ENDING:
        _signal.signal(other, _signal.SIG_IGN)
    for act in _clearing:
        try:
            act()
        except Exception:  # noqa: BLE001, S112 - the others have their turn, and nobody is left to tell
            continue
    try:
        # Not through Python's file: the signal may have come while that was written to.
        os.write(sys.stderr.fileno(), f"tessera: Stopped by {NAMES[number]}.\n".encode())
    finally:
        os._exit(SHELL + number)
