"""Zip files that strangers send: the directory is judged before a byte is inflated; inflated bytes are counted."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from models.errors import BadArchive, DamagedPicture, TooLarge

READ_BYTES = 1 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Deflate inflates in steps of our size; Python's bzip2 and LZMA hand over whatever a bomb makes of it at once."""
_ENCRYPTED = 0x1
"""Bit 0 of the general purpose flags. Source: PKWARE APPNOTE 4.4.4."""


class Archive:
    """The files of an open zip in its own order, without folders and the hidden files that systems add.

    Several threads may read at once.
    """

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._entries = [info for info in file.infolist() if not _ignorable(info)]

    @property
    def names(self) -> list[str]:
        """The files' names, by the sender's word."""
        return [info.filename for info in self._entries]

    def check(self, max_entries: int, max_bytes: int) -> None:
        """Judge the directory.

        Raises:
            BadArchive: empty, encrypted, or an entry is a link or points outside the archive.
            TooLarge: more files than `max_entries`, or more than `max_bytes` in all once inflated.
        """
        if not self._entries:
            raise BadArchive("The zip holds no files.")
        if len(self._entries) > max_entries:
            raise TooLarge(f"The zip holds {len(self._entries):,} files; the limit is {max_entries:,}.")
        for info in self._entries:
            _check(info)
        total = sum(info.file_size for info in self._entries)
        if total > max_bytes:
            raise TooLarge(f"The zip inflates to {total:,} bytes; the limit is {max_bytes:,}.")

    def read(self, number: int, max_bytes: int) -> bytes:
        """Return the bytes of one file. What really comes out is counted: sizes in the directory are only a word.

        Raises:
            BadArchive: there is no such file.
            DamagedPicture: the file does not inflate, or inflates to more than `max_bytes`.
        """
        if not 0 <= number < len(self._entries):
            raise BadArchive(f"The zip holds {len(self._entries):,} files, so there is no number {number:,}.")
        info = self._entries[number]
        if info.compress_type not in _METHODS:
            raise DamagedPicture("The file is compressed by a method that Tessera does not read; use deflate.")
        parts: list[bytes] = []
        total = 0
        try:
            with self._file.open(info) as entry:
                while chunk := entry.read(READ_BYTES):
                    total += len(chunk)
                    if total > max_bytes:
                        raise DamagedPicture(f"The file inflates to more than {max_bytes:,} bytes.")
                    parts.append(chunk)
        except _DAMAGE as error:
            raise DamagedPicture("The file does not inflate: the zip is damaged here.") from error
        return b"".join(parts)


@contextmanager
def opened(file: IO[bytes]) -> Iterator[Archive]:
    """Open a zip in a seekable file.

    Raises:
        BadArchive: the file is no zip, or its directory is damaged.
    """
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGE as error:
        raise BadArchive("The file is not a zip, or its directory is damaged.") from error
    with archive:
        yield Archive(archive)


def _ignorable(info: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(info.filename).name
    return (
        not name
        or info.is_dir()
        or info.filename.startswith("__MACOSX/")
        or name.startswith(".")
        or name == "Thumbs.db"
    )


def _check(info: zipfile.ZipInfo) -> None:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BadArchive(f"The zip names a file outside itself: {info.filename[:200]!r}.")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise BadArchive(f"The zip holds a link or a device: {info.filename[:200]!r}.")
    if info.flag_bits & _ENCRYPTED:
        raise BadArchive("The zip is encrypted; send it without a password.")
