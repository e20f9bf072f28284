"""`tessera index DIR` without options, and without click."""

import os
import sys

from cli import seal, shelf
from cli.names import readable
from worker.folder import walk
from worker.sieve import Sieve


def index(folder: str) -> int:
    """Index a folder, and say what is new; return the exit code."""
    try:
        code = _indexed(folder)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("Aborted!\n")
        return 1
    except BrokenPipeError:
        # Nobody reads any further, and Python would say at its end that it could not write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _indexed(folder: str) -> int:
    sieve = Sieve()
    files = list(walk(folder, sieve)) if os.path.isdir(folder) else []
    answer = seal.unbroken(shelf.cabinet_of(folder), files, sieve) if files else None
    if answer is not None:
        sys.stderr.write(answer[1])
        sys.stdout.write(f"{readable(folder)}: {answer[0]}\n")
        return 0
    from cli import indexing  # noqa: PLC0415 - for an unchanged folder it would take most of the time
    from models.errors import TesseraError  # noqa: PLC0415 - the same

    try:
        indexing.run(folder, sieve, files or None)
    except TesseraError as error:
        sys.stderr.write(f"tessera: {error}\n")
        return 2
    return 0
