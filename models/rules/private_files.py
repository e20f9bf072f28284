"""Files and folders that nobody but their user may open."""

import os
import stat
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077


def from_now_on() -> None:
    """Make what this process and its children write private."""
    os.umask(OTHERS)


def make(folder: Path) -> None:
    """Make a folder that is private; one that is there may be somebody's own, and stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def shut(path: Path) -> None:
    """Take a file or a folder from the others; what is not there, not ours, or everybody's stays as it is."""
    with suppress(OSError):
        found = path.lstat()
        plain = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
        # A folder like /tmp is everybody's, and says so by its sticky bit.
        if plain and found.st_mode & OTHERS and not found.st_mode & stat.S_ISVTX:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
