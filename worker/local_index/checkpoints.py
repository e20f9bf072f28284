"""Checkpoints: a run saves what it measured about once a second, so that an interruption loses no more than that."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from models.errors import DamagedIndex, EmptyFile, UnreadableFile, UnusablePicture
from models.rules import array_file, file_types, skip_reasons
from models.rules.array_file import Stream
from worker.folder_scan import File
from worker.tile_index import rows
from worker.tile_index.rows import RowBlock

KIND = "tessera segment"
VERSION = 4
"""Version of what is kept about a folder's files. Since 4, a photo's size is its size in the file."""
SUFFIX = ".segment"
MAX_PHOTO_BYTES = 256 << 20


class Line(NamedTuple):
    """What is known about a file: the hash of its content, in hexadecimal, or why it is no tile."""

    name: str
    size: int
    changed: int
    content: str | None
    code: str | None = None
    sentence: str | None = None

    @property
    def may_change(self) -> bool:
        """Whether the same file may be a tile next time: it could not be read, for another reason than its size."""
        return self.code == UnreadableFile.code and self.size <= MAX_PHOTO_BYTES


class Segment:
    """The rows and lines that one process measured since it last saved."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._rows = rows.Rows()
        self._lines: list[Line] = []

    def add(self, file: File, known: set[bytes]) -> None:
        """Read a file, and measure it unless its content is in `known`; add it there."""
        try:
            data = _read(file)
            content = rows.content_of(data)
            file_types.refuse_ours(data)
            if content not in known:
                self._rows.add(content, data)
                known.add(content)
            self._lines.append(Line(file.name, file.size, file.changed, content.hex()))
        except UnusablePicture as error:
            self.refuse(file, error)

    def refuse(self, file: File, error: UnusablePicture) -> None:
        """Note why a file is no tile."""
        self._lines.append(Line(file.name, file.size, file.changed, None, error.code, str(error)))

    def save(self) -> None:
        """Write the segment to a file, which gets its name only when it is complete, and begin a new segment."""
        if not self._lines:
            return
        name = f"{self._folder}{os.sep}{os.urandom(8).hex()}"
        lines = json.dumps(self._lines).encode()
        columns = {**self._rows.streams(), "files": Stream("U8", (len(lines),), [lines])}
        try:
            with open(name, "w+b") as file:
                array_file.save(file, KIND, VERSION, columns)
            os.rename(name, name + SUFFIX)
        except OSError:
            with suppress(OSError):
                os.unlink(name)
            raise
        self._rows, self._lines = rows.Rows(), []


def read(folder: str) -> Iterator[tuple[RowBlock, list[Line]]]:
    """Yield the contents of the segments in a folder, by name. Damaged or incomplete ones are skipped."""
    for name in sorted(os.listdir(folder)):
        if not name.endswith(SUFFIX):
            continue
        try:
            columns = array_file.opened(os.path.join(folder, name), KIND, VERSION)
            lines = parsed(json.loads(columns.pop("files").data.tobytes()))
        except (DamagedIndex, ValueError, TypeError, LookupError):
            continue
        if block := rows.block_of(columns):
            yield block, lines


def parsed(items: Any) -> list[Line]:
    """Return the lines that JSON holds.

    Raises:
        ValueError: it holds something else.
        TypeError: it holds something else.
    """
    lines = [Line(*item) for item in items]
    for line in lines:
        named = isinstance(line.name, str) and type(line.size) is int and type(line.changed) is int
        usable = line.content is not None and len(bytes.fromhex(line.content)) == rows.CONTENT_BYTES
        refused = line.content is None and isinstance(line.code, str) and isinstance(line.sentence, str)
        if not named or not (usable or refused):
            raise ValueError(line)
    return lines


def _read(file: File) -> bytes:
    """Return a file's bytes; the error says why it cannot be read."""
    if file.trouble:
        raise UnreadableFile(file.trouble)
    if file.size > MAX_PHOTO_BYTES:
        raise UnreadableFile(skip_reasons.too_large(file.size, MAX_PHOTO_BYTES))
    if not file.size:
        raise EmptyFile(skip_reasons.EMPTY)
    try:
        with open(file.path, "rb", buffering=0) as opened:
            return opened.readall()
    except OSError as error:
        raise UnreadableFile(skip_reasons.unreadable(error.strerror)) from error
