"""Files that appear under their name only when they are whole."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from models.errors import UnreadableFile


@contextmanager
def part(out: Path) -> Iterator[Path]:
    """Lend a file beside the place of the result, and move it there only when it is whole.

    Raises:
        UnreadableFile: it cannot be written, or `-` was meant to be standard output.
    """
    if str(out) == "-":
        raise UnreadableFile("- is not the name of a file; standard output is for people.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        descriptor, name = tempfile.mkstemp(dir=out.parent, prefix=".tessera-", suffix=out.suffix)
        os.close(descriptor)
    except OSError as error:
        raise UnreadableFile(f"{out} cannot be written: {error.strerror}.") from error
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(out)
    except OSError as error:
        raise UnreadableFile(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def part_if(out: Path | None) -> AbstractContextManager[Path | None]:
    """Lend the same where a file was asked for."""
    return nullcontext() if out is None else part(out)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
