"""Makes files and folders private: only their user may open them."""

import os
import stat
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077


def from_now_on() -> None:
    """Make all files private that this process and its children create from now on."""
    os.umask(OTHERS)


def make(folder: Path) -> None:
    """Create a private folder; an existing one may be somebody's own, and stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def shut(path: Path) -> None:
    """Take the rights of others from a file or a folder; one that is not there, not ours, or everybody's stays."""
    with suppress(OSError):
        found = path.lstat()
        plain = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
        # A folder like /tmp is everybody's, which its sticky bit shows.
        if plain and found.st_mode & OTHERS and not found.st_mode & stat.S_ISVTX:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
