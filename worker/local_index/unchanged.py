"""The answer of `tessera index` for a folder in which nothing changed, kept so that it is given at once.

A seal names the index that it was written for, every file of the folder with its size and time, and how many were
passed over. As long as all
are as it says, it is the answer; anything else is looked into by `worker.local_index.folder_index`.
"""

import os
from collections.abc import Iterable

from worker.file_filter import Sieve
from worker.folder_scan import File

NAME = "answer-v4"
_MARK = b"\0\n"
"""No name of a file has a zero byte in it."""


def unbroken(cabinet: str, files: Iterable[File], sieve: Sieve) -> tuple[str, str] | None:
    """Return what to say on standard output and standard error if nothing changed; None otherwise."""
    try:
        with open(os.path.join(cabinet, NAME), "rb") as file:
            index, listed, out, err = file.read().split(_MARK)
    except (OSError, ValueError):
        return None
    name = os.fsdecode(index.partition(b"\0")[0])
    if index != _stamp(cabinet, name) or listed != _listed(files, sieve):
        return None
    return out.decode(), err.decode()


def put(cabinet: str, index: str, files: Iterable[File], sieve: Sieve, answer: tuple[str, str]) -> None:
    """Keep an answer. Where it cannot be kept, the next one takes a little longer."""
    parts = (_stamp(cabinet, index), _listed(files, sieve), *(said.encode() for said in answer))
    unfinished = os.path.join(cabinet, f"{NAME}-{os.urandom(8).hex()}")
    try:
        with open(unfinished, "wb") as file:
            file.write(_MARK.join(parts))
        os.replace(unfinished, os.path.join(cabinet, NAME))
    except OSError:
        return


def _stamp(cabinet: str, index: str) -> bytes:
    try:
        status = os.stat(os.path.join(cabinet, index))
    except OSError:
        return b""
    return b"%s\0%d %d" % (os.fsencode(index), status.st_size, status.st_mtime_ns)


def _listed(files: Iterable[File], sieve: Sieve) -> bytes:
    passed_over = f"{sieve.passed_over}\n"
    return os.fsencode(passed_over + "".join([f"{file.name}\0{file.size} {file.changed}\n" for file in files]))
