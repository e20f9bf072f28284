"""Writes files that get their name only when they are complete."""

import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from models.errors import UnreadableFile
from worker import interrupts

STANDARD = "-"
"""In place of a file's name: standard input or standard output."""


@contextmanager
def written(out: Path) -> Iterator[Path]:
    """Lend a file to write, which replaces the one named only when it is complete.

    `-` is standard output. A pipe or a device is written to, not replaced. A link stays a link, and its file is
    replaced.

    Raises:
        UnreadableFile: it cannot be written.
        UnwritableOutput: standard output cannot be written.
    """
    try:
        if str(out) == STANDARD:
            with _passed_on() as unfinished:
                yield unfinished
        elif _takes_a_stream(out):
            with out.open("wb") as file, _passed_on(file.fileno()) as unfinished:
                yield unfinished
        else:
            with _replaced(Path(os.path.realpath(out))) as unfinished:
                yield unfinished
    except OSError as error:
        raise UnreadableFile(f"{out} cannot be written: {error.strerror}.") from error


@contextmanager
def report_if(out: Path | None, known: Mapping[str, object]) -> Iterator[None]:
    """Write a report as JSON at the end of the `with` block, if a file for it is given; open that file first.

    Raises:
        UnreadableFile: the file cannot be written, or is `-`.
    """
    if out is None:
        yield
        return
    if str(out) == STANDARD:
        raise UnreadableFile("- is not the name of a file; standard output is for people.")
    with written(out) as unfinished:
        yield
        unfinished.write_text(json.dumps(known, indent=2, default=float) + "\n")


def standard_input() -> bytes:
    """Return all bytes of standard input.

    Raises:
        UnreadableFile: it is closed, or a terminal.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise UnreadableFile("The target - is standard input, but no picture comes from there; use a pipe.")
    return sys.stdin.buffer.read()


def _takes_a_stream(out: Path) -> bool:
    try:
        mode = out.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def _replaced(out: Path) -> Iterator[Path]:
    if not os.path.isdir(out.parent):  # noqa: PTH112 - where it may not look, pathlib raises
        raise UnreadableFile(f"{out} cannot be written: there is no folder {out.parent}; make it first.")
    unfinished = out.with_name(f".tessera-{os.urandom(8).hex()}{out.suffix}")
    with interrupts.clearing(partial(unfinished.unlink, missing_ok=True)):
        try:
            unfinished.open("xb").close()
            yield unfinished
            unfinished.replace(out)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def _passed_on(descriptor: int | None = None) -> Iterator[Path]:
    """Lend a file without a name, and copy it to an open file, or to standard output, when it is complete."""
    with tempfile.TemporaryFile() as unfinished:
        yield Path(f"/dev/fd/{unfinished.fileno()}")
        unfinished.seek(0)
        if descriptor is None:
            shutil.copyfileobj(unfinished, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with open(descriptor, "wb", closefd=False) as out:
                shutil.copyfileobj(unfinished, out)
