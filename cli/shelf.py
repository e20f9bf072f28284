"""The files of a folder, what tells whether one changed, and where the folder's index is kept.

This is all that the quickest answer needs, so it imports next to nothing.
"""

import os
import sys
from collections.abc import Iterator
from hashlib import sha256


class File:
    """A file of the folder.

    Attributes:
        name: Its path below the folder.
        path: Where it is.
        size: In bytes.
        changed: Time of the last change, in nanoseconds.
        trouble: Why it cannot be read, where that is known already.
    """

    __slots__ = ("changed", "name", "path", "size", "trouble")

    def __init__(self, name: str, path: str, size: int, changed: int, trouble: str = "") -> None:
        self.name, self.path, self.size, self.changed, self.trouble = name, path, size, changed, trouble


def walk(folder: str, below: str = "") -> Iterator[File]:
    """Yield every file below a folder by name, without hidden ones; links to folders are not followed."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield File(below, folder, 0, 0, f"The folder cannot be opened: {error.strerror}.")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path, f"{below}{entry.name}{os.sep}")
        elif entry.is_file():
            status = entry.stat()
            yield File(below + entry.name, entry.path, status.st_size, status.st_mtime_ns)


def cabinet(folder: str, cache: str | None = None) -> str:
    """Return where the index of a folder is kept.

    Args:
        folder: The folder of photos.
        cache: Where all indexes are; None for the user's cache folder.
    """
    name = sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]
    return os.path.join(cache or _cache(), "folders", name)


def _cache() -> str:
    if sys.platform.startswith("linux"):
        # What platformdirs says, without loading it. Source: XDG Base Directory Specification 0.8.
        return os.path.join(os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache"), "tessera")
    import platformdirs  # noqa: PLC0415 - as above

    return platformdirs.user_cache_dir("tessera")
