"""The files of a folder, and what tells whether one changed.

This is all that the quickest answer of the command line needs, so it imports next to nothing.
"""

import os
from collections.abc import Iterator


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


def walk(top: str) -> Iterator[File]:
    """Yield every file of a folder and its sub-folders by name.

    Hidden files and folders, and links to folders, are left out. A folder that cannot be opened is a file with its
    trouble. What is still to be looked at is a list, not a recursion, so folders may lie as deep as they like.
    """
    waiting = [(top, "")]
    while waiting:
        path, name = waiting.pop()
        if name and not name.endswith("/"):
            yield look(name, path)
            continue
        try:
            with os.scandir(path) as entries:
                inside = sorted(filter(None, (_wanted(entry, name) for entry in entries)), reverse=True)
        except OSError as error:
            yield File(name or path, path, 0, 0, f"The folder cannot be opened: {error.strerror}.")
            continue
        waiting += [(os.path.join(path, entry), below) for entry, below in inside]


def _wanted(entry: os.DirEntry[str], below: str) -> tuple[str, str] | None:
    """Return an entry and its name below the top, with a stroke at the end of a folder's; None to leave it out."""
    if entry.name.startswith("."):
        return None
    try:
        if entry.is_dir(follow_symlinks=False):
            return entry.name, f"{below}{entry.name}/"
        return (entry.name, below + entry.name) if entry.is_file() else None
    except OSError:
        # A link in a circle, or one that may not be followed.
        return entry.name, below + entry.name


def look(name: str, path: str) -> File:
    """Return a file as it is now."""
    try:
        status = os.stat(path)
    except OSError as error:
        return File(name, path, 0, 0, f"The file cannot be read: {error.strerror}.")
    return File(name, path, status.st_size, status.st_mtime_ns)
