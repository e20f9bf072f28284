"""Checks which files a command may write, so that a badly chosen name destroys nothing.

Files are compared by device and inode, so links, other spellings of a path, and names that differ only in case are
recognised. An existing output is replaced only if Tessera made it, if it is empty, or with `--force`; the target and
the photos are never replaced.
"""

import json
import os
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

import click

from cli.local.atomic_files import STANDARD
from models.errors import InvalidOrder, UnreadableFile, WouldOverwrite
from models.rules import file_types, placement_files
from models.rules.order_words import LossName
from worker.file_filter import Sieve
from worker.folder_scan import walk

_REPORTS = (
    {"target", "order", "grid", "tile_count", "quality"},
    {"folder", "photos", "opened", "changes", "skipped"},
    placement_files.KEYS,
)
"""The keys of a report on a mosaic, of one on a folder, and of a placement; a report on losses has losses alone."""
MOST_REPORT_BYTES = 64 << 20
STANDARD_OUTPUT = Path("/dev/stdout")
"""Resolves to the file that the shell opened for standard output, if it did."""

force = click.option(
    "--force", is_flag=True, help="Replace files that are there already, even those that Tessera did not make."
)

Identity = tuple[object, ...]


class Output(NamedTuple):
    """A file to be written, with a description for people."""

    what: str
    path: Path


def check(
    outputs: Sequence[Output], targets: Sequence[Path], photos: str, *, force: bool, read: Sequence[Path] = ()
) -> None:
    """Refuse, before any work, outputs that would destroy something.

    Args:
        outputs: All files to be written.
        targets: The pictures to imitate.
        photos: The folder of photos.
        force: Whether to replace files that Tessera did not make.
        read: Other files that are read.

    Raises:
        WouldOverwrite: two outputs are the same file, or one is a target, a file that is read, a photo, or a file
        that Tessera did not make. InvalidOrder: a picture would be written to a terminal. UnreadableFile: an output
        is a folder.
    """
    seen: dict[Identity, Output] = {}
    inputs = [(path, "the target ") for path in targets] + [(path, "read from ") for path in read]
    held = {identity: f"{what}{path}" for path, what in inputs if (identity := _of_file(path)) is not None}
    for output in outputs:
        piped = str(output.path) == STANDARD
        if piped and sys.stdout.isatty():
            raise InvalidOrder("out", "A picture is not for a terminal; send it into a file or a pipe.")
        path, name = (STANDARD_OUTPUT, "Standard output") if piped else (output.path, str(output.path))
        identity = _identity(path)
        if identity is None:
            continue
        if (other := seen.setdefault(identity, output)) is not output:
            raise WouldOverwrite(
                f"{name}: {other.what} and {output.what} would be the same file; give each a name of its own."
            )
        if identity in held:
            raise WouldOverwrite(f"{name} is {held[identity]}; choose another name for {output.what}.")
        if os.path.exists(path) and not _ours(path):  # noqa: PTH110 - where it may not look, pathlib raises
            _refuse_photo(name, output.what, identity, photos)
            if not force and not piped:
                raise WouldOverwrite(
                    f"{name} is there already, and Tessera did not make it; "
                    f"choose another name for {output.what}, or replace it with --force."
                )


def _identity(path: Path) -> Identity | None:
    """Return what identifies a file, existing or not; None for a pipe or a device.

    Raises:
        UnreadableFile: it is a folder.
    """
    try:
        status = path.stat()
    except OSError:
        whole = Path(os.path.realpath(path))
        name = unicodedata.normalize("NFC", whole.name).casefold()
        return (*(_of_file(whole.parent) or (str(whole.parent),)), name)
    if S_ISDIR(status.st_mode):
        raise UnreadableFile(f"{path} cannot be written: Is a directory.")
    return (status.st_dev, status.st_ino) if S_ISREG(status.st_mode) else None


def _of_file(path: str | Path) -> Identity | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - for a hundred thousand photos Path would take longer
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _ours(path: Path) -> bool:
    """Whether a file may be replaced: Tessera made it, or it is empty."""
    try:
        with path.open("rb") as file:
            head = file.read(file_types.MARK_BYTES)
            size = os.fstat(file.fileno()).st_size
            file.seek(max(len(head), size - file_types.MARK_BYTES))
            tail = file.read()
        if not head or file_types.made_here(head + tail) or head.startswith(placement_files.HEADER):
            return True
        return head.startswith(b"{") and size <= MOST_REPORT_BYTES and _is_report(path.read_bytes())
    except OSError:
        return False


def _is_report(data: bytes) -> bool:
    """Whether a file is a report of ours, by its keys."""
    try:
        held = set(json.loads(data))
    except (ValueError, TypeError, RecursionError):
        return False
    return any(keys <= held for keys in _REPORTS) or (bool(held) and held <= set(LossName))


def _refuse_photo(name: str, what: str, identity: Identity, photos: str) -> None:
    for file in walk(photos, Sieve(follow_links=True)):
        if _of_file(file.path) == identity:
            raise WouldOverwrite(f"{name} is the photo {file.name} of {photos}; choose another name for {what}.")
