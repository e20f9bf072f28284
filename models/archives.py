"""Zip files that strangers send: the directory is judged before a byte is inflated; inflated bytes are counted."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from models.errors import BadArchive, DamagedPicture, TooLarge

READ_BYTES = 1 << 20
DIRECTORY_BYTES = 32 << 20
"""Most of a zip's directory that is read: 100,000 files with names of 280 bytes each."""
DIRECTORY_ENTRIES = 250_000
"""Most entries that are read: a photo, what a system adds to it, and folders. Each takes half a kilobyte."""
TAIL_BYTES = 65_535 + 22 + 20
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
    struct.error,
)
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

    def close(self) -> None:
        """Read no more from it."""
        self._file.close()

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
    """Lend the zip in a seekable file.

    Raises:
        BadArchive: the file is no zip, or its directory is damaged.
    """
    archive = kept_open(file)
    try:
        yield archive
    finally:
        archive.close()


def kept_open(file: IO[bytes]) -> Archive:
    """Return the zip in a seekable file; whoever reads it closes both.

    Raises:
        BadArchive: the file is no zip, or its directory is damaged.
    """
    try:
        _check_directory(file)
        return Archive(zipfile.ZipFile(file))
    except _DAMAGE as error:
        raise BadArchive("The file is not a zip, or its directory is damaged.") from error


def _check_directory(file: IO[bytes]) -> None:
    """Refuse a directory that is too large to be read, by its own word and by its entries.

    Source:
        PKWARE APPNOTE 4.3.14 to 4.3.16: the end record, its ZIP64 twin, and where that is told.
    """
    start = max(0, file.seek(0, io.SEEK_END) - TAIL_BYTES)
    file.seek(start)
    tail = file.read(TAIL_BYTES)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile
    end = start + at
    (length,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":  # noqa: PLR2004 - the locator's fixed length
        (where,) = struct.unpack_from("<Q", tail, at - 12)
        end -= 20 + 56
        # One reader looks where the locator says, another just before it: what is judged here is what both read.
        if where != end:
            raise zipfile.BadZipFile
        file.seek(end)
        record = file.read(56)
        if record[:4] != b"PK\x06\x06":
            raise zipfile.BadZipFile
        (length,) = struct.unpack_from("<Q", record, 40)
    if length > DIRECTORY_BYTES:
        raise TooLarge(f"The zip's directory has {length:,} bytes; the limit is {DIRECTORY_BYTES:,}.")
    file.seek(end - length)
    count = file.read(length).count(b"PK\x01\x02")
    if count > DIRECTORY_ENTRIES:
        raise TooLarge(f"The zip's directory has {count:,} entries; the limit is {DIRECTORY_ENTRIES:,}.")
    file.seek(0)


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
