"""Temporary folders of workers, and what becomes of those that killed workers left."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from models.storage import SCRATCH


@contextmanager
def folder() -> Iterator[Path]:
    """Lend a temporary folder, which no sweep on this machine removes while this process lives."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as name:
        held = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_SH)
            yield Path(name)
        finally:
            os.close(held)


def clear(older_than: timedelta) -> int:
    """Remove the temporary folders that killed workers left on this machine; return how many there were."""
    oldest = time.time() - older_than.total_seconds()
    return sum(_removed(each, oldest) for each in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"))


def _removed(path: Path, oldest: float) -> bool:
    """Remove a folder unless it is younger or a living process holds it; return whether it was removed."""
    try:
        held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if os.fstat(held).st_mtime >= oldest:
            return False
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        shutil.rmtree(path, ignore_errors=True)
        return True
    finally:
        os.close(held)
