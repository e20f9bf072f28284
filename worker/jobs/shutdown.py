"""Whether this worker was asked to end: its main process sets a flag, and every child sees it at its next beat.

What then becomes of a job in hand is decided in `worker.jobs.heartbeat`: it has `finish_seconds` more, and what does
not end in that time is given back to the queue.
"""

import mmap

_asked = mmap.mmap(-1, 1)
"""One byte that is shared across the fork and needs no lock: a child that is killed while it looks blocks nobody."""


def begin(**_: object) -> None:
    """Set the flag; Celery calls this when the main process is asked to end."""
    _asked[0] = 1


def begun() -> bool:
    """Whether this worker was asked to end."""
    return _asked[0] == 1
