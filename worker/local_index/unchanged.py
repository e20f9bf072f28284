"""The stored answer of `tessera index` for a folder in which nothing has changed, so that it is printed at once.

It is stored with the index that it was written for, every file of the folder with its size and time, and how many
files were passed over. While all of these are the same, the answer is valid; otherwise
`worker.local_index.folder_index` does the work.
"""

import os
from collections.abc import Iterable

from worker.file_filter import Sieve
from worker.folder_scan import File

NAME = "answer-v4"
_MARK = b"\0\n"
"""No file name contains a zero byte."""


def answer(entry: str, files: Iterable[File], sieve: Sieve) -> tuple[str, str] | None:
    """Return what to print on standard output and standard error if nothing has changed; None otherwise.

    Args:
        entry: Path of the folder's cache entry.
        files: The folder's files.
        sieve: What has listed them.
    """
    try:
        with open(os.path.join(entry, NAME), "rb") as file:
            index, listed, out, err = file.read().split(_MARK)
    except (OSError, ValueError):
        return None
    name = os.fsdecode(index.partition(b"\0")[0])
    if index != _stamp(entry, name) or listed != _listed(files, sieve):
        return None
    return out.decode(), err.decode()


def put(entry: str, index: str, files: Iterable[File], sieve: Sieve, said: tuple[str, str]) -> None:
    """Store an answer. If it cannot be stored, the next one just takes a little longer.

    Args:
        entry: Path of the folder's cache entry.
        index: Name of the index's file in it.
        files: The folder's files.
        sieve: What has listed them.
        said: What was printed on standard output and standard error.
    """
    fields = (_stamp(entry, index), _listed(files, sieve), *(text.encode() for text in said))
    unfinished = os.path.join(entry, f"{NAME}-{os.urandom(8).hex()}")
    try:
        with open(unfinished, "wb") as file:
            file.write(_MARK.join(fields))
        os.replace(unfinished, os.path.join(entry, NAME))
    except OSError:
        return


def _stamp(entry: str, index: str) -> bytes:
    try:
        status = os.stat(os.path.join(entry, index))
    except OSError:
        return b""
    return b"%s\0%d %d" % (os.fsencode(index), status.st_size, status.st_mtime_ns)


def _listed(files: Iterable[File], sieve: Sieve) -> bytes:
    passed_over = f"{sieve.passed_over}\n"
    return os.fsencode(passed_over + "".join([f"{file.name}\0{file.size} {file.changed}\n" for file in files]))
