"""Lists the files of a folder, with size and time, which show whether a file has changed.

`fast_index` needs it, so it imports next to nothing.
"""

import os
from collections.abc import Iterator

from worker.file_filter import Sieve


class File:
    """A file of the folder.

    Attributes:
        name: Its path below the folder.
        path: Where it is.
        size: In bytes.
        changed: Time of the last change, in nanoseconds.
        trouble: Why it cannot be read, if that is known already.
    """

    __slots__ = ("changed", "name", "path", "size", "trouble")

    def __init__(self, name: str, path: str, size: int, changed: int, trouble: str = "") -> None:
        self.name, self.path, self.size, self.changed, self.trouble = name, path, size, changed, trouble


def walk(top: str, sieve: Sieve) -> Iterator[File]:
    """Yield, ordered by name, every file of a folder and its sub-folders that a sieve accepts.

    A folder that cannot be opened is yielded as a file with trouble. There is no recursion, so folders may be nested
    as deeply as the system allows.
    """
    begun = [iter(_inside(top, "", sieve))]
    while begun:
        for found in begun[-1]:
            if isinstance(found, File):
                yield found
            else:
                begun.append(iter(_inside(*found, sieve)))
                break
        else:
            begun.pop()


def _inside(path: str, below: str, sieve: Sieve) -> list[File | tuple[str, str]]:
    """Return what a folder holds, by name: files, and for each sub-folder its path and its path below the top."""
    try:
        # Files are looked up relative to the open folder, so that its path is not resolved for each.
        held = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not sieve.enters(held):
                return []
            with os.scandir(held) as entries:
                ordered = sorted(entries, key=_name)
            return [found for entry in ordered if (found := _looked_at(entry, path, below, sieve)) is not None]
        finally:
            os.close(held)
    except OSError as error:
        return [File(below or path, path, 0, 0, f"The folder cannot be opened: {error.strerror}.")]


def _looked_at(entry: os.DirEntry[str], folder: str, below: str, sieve: Sieve) -> File | tuple[str, str] | None:
    name = entry.name
    path, known = f"{folder}/{name}", f"{below}{name}"
    try:
        if entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and entry.is_dir()):
            return (path, f"{known}/") if _goes_into(entry, known, sieve) else None
        if not entry.is_file():
            return None
        if not sieve.takes(known, name):
            return None
        status = entry.stat()
    except OSError as error:
        # A circular link, one that may not be followed, or a file that was removed meanwhile.
        return _unreadable(known, path, error) if sieve.takes(known, name) else None
    return File(known, path, status.st_size, status.st_mtime_ns)


def _goes_into(entry: os.DirEntry[str], known: str, sieve: Sieve) -> bool:
    if not sieve.takes(known, entry.name, folder=True):
        return False
    if entry.is_symlink() and not sieve.follow_links:
        sieve.links += 1
        return False
    return True


def look(name: str, path: str) -> File:
    """Return a file with its present size and time."""
    try:
        status = os.stat(path)
    except OSError as error:
        return _unreadable(name, path, error)
    return File(name, path, status.st_size, status.st_mtime_ns)


def _unreadable(name: str, path: str, error: OSError) -> File:
    from models.rules import skip_reasons  # noqa: PLC0415 - rarely needed, and `fast_index` must start fast

    return File(name, path, 0, 0, skip_reasons.unreadable(error.strerror))


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
