"""Whether this worker was asked to end: told by its main process, seen by every child at its next beat."""

import mmap

_told = mmap.mmap(-1, 1)
"""One byte that survives the fork and needs no lock: a child that is killed while it looks blocks nobody."""


def begin(**_: object) -> None:
    """Tell the children; Celery calls this when the main process is asked to end."""
    _told[0] = 1


def begun() -> bool:
    """Whether somebody asked."""
    return _told[0] == 1
