"""Zip files that strangers send: the directory is checked before anything is inflated; inflated bytes are counted."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from models.errors import BadArchive, DamagedPicture, TooLarge, UnreadCompression
from models.rules.clutter import lies_in_clutter

READ_BYTES = 1 << 20
DIRECTORY_BYTES = 32 << 20
"""The largest directory of a zip that is read: 100,000 files with names of 280 bytes each."""
DIRECTORY_ENTRIES = 250_000
"""The most entries that are read: photos, what systems add to them, and folders. Each takes half a kilobyte."""
SPLIT_SENTENCE = "The zip is one part of several; put them together to one zip, and send that."
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
"""Deflate can be inflated in steps; Python's bzip2 and LZMA return everything at once, however much a bomb holds."""
_OTHER_METHODS = {
    1: "Shrink", 2: "Reduce", 3: "Reduce", 4: "Reduce", 5: "Reduce", 6: "Implode", 9: "Deflate64", 12: "bzip2",
    14: "LZMA", 20: "Zstandard", 93: "Zstandard", 94: "MP3", 95: "XZ", 96: "JPEG", 97: "WavPack", 98: "PPMd",
}  # fmt: skip
"""Source: PKWARE APPNOTE 4.4.5."""
_OTHER_ARCHIVES = {
    b"Rar!\x1a\x07": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\0": "an XZ file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
}
_SPLIT, _FIRST_FILE = b"PK\x07\x08", b"PK\x03\x04"
"""How a split zip begins, and how a zip with a file in it begins. Source: the same, 8.5.3 and 4.3.7."""
_HERE = (0, 0xFFFF)
"""Disk numbers of a zip that is not split; the second means that the number is in ZIP64. Source: the same, 4.4.19."""
_ENCRYPTED = 0x1
"""Bit 0 of the general purpose flags. Source: PKWARE APPNOTE 4.4.4."""


class Archive:
    """The files of an open zip in its own order, without folders and clutter.

    Several threads may read at once.
    """

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._entries = [info for info in file.infolist() if not _ignorable(info)]
        self.passed_over = sum(not _is_folder(info) for info in file.infolist()) - len(self._entries)

    @property
    def names(self) -> list[str]:
        """The files' names as the sender wrote them."""
        return [info.filename for info in self._entries]

    def close(self) -> None:
        """Close the zip."""
        self._file.close()

    def check(self, max_entries: int, max_bytes: int) -> None:
        """Check the directory.

        Raises:
            BadArchive: empty, encrypted, or an entry is a link or points outside the archive.
            TooLarge: more files than `max_entries`, or more than `max_bytes` in all once inflated.
        """
        if not self._entries:
            clutter = " but hidden ones, or such as no photo is" if self.passed_over else ""
            raise BadArchive(f"The zip holds no files{clutter}.")
        if len(self._entries) > max_entries:
            raise TooLarge(f"The zip holds {len(self._entries):,} files; the limit is {max_entries:,}.")
        for info in self._entries:
            _check(info)
        total = sum(info.file_size for info in self._entries)
        if total > max_bytes:
            raise TooLarge(f"The zip inflates to {total:,} bytes; the limit is {max_bytes:,}.")

    def read(self, number: int, max_bytes: int) -> bytes:
        """Return the bytes of one file. They are counted while inflating, since sizes in the directory may be lies.

        Raises:
            BadArchive: there is no such file.
            UnreadCompression: the file is compressed by a method that is not read.
            DamagedPicture: the file does not inflate, or inflates to more than `max_bytes`.
        """
        if not 0 <= number < len(self._entries):
            raise BadArchive(f"The zip holds {len(self._entries):,} files, so there is no number {number:,}.")
        info = self._entries[number]
        if info.compress_type not in _METHODS:
            method = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
            raise UnreadCompression(
                f"The file is compressed by {method}, which Tessera does not read; make the zip anew with Deflate."
            )
        chunks: list[bytes] = []
        total = 0
        try:
            with self._file.open(info) as entry:
                while chunk := entry.read(READ_BYTES):
                    total += len(chunk)
                    if total > max_bytes:
                        raise DamagedPicture(f"The file inflates to more than {max_bytes:,} bytes.")
                    chunks.append(chunk)
        except _DAMAGE as error:
            raise DamagedPicture("The file does not inflate: the zip is damaged here.") from error
        return b"".join(chunks)


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
    """Return the zip in a seekable file; the caller must close both.

    Raises:
        BadArchive: the file is no zip, or its directory is damaged.
    """
    try:
        _check_directory(file)
        return Archive(zipfile.ZipFile(file))
    except _DAMAGE as error:
        raise BadArchive("The file is not a zip, or its directory is damaged.") from error


def _check_directory(file: IO[bytes]) -> None:
    """Refuse a directory that is too large to be read, by its stated length and by its entries.

    Source:
        PKWARE APPNOTE 4.3.14 to 4.3.16: the end record, the ZIP64 end record, and its locator.
    """
    start = max(0, file.seek(0, io.SEEK_END) - TAIL_BYTES)
    file.seek(start)
    tail = file.read(TAIL_BYTES)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise _no_zip(file)
    if not {*struct.unpack_from("<2H", tail, at + 4)} <= {*_HERE}:
        raise BadArchive(SPLIT_SENTENCE)
    end = start + at
    (length,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":  # noqa: PLR2004 - the locator's fixed length
        (where,) = struct.unpack_from("<Q", tail, at - 12)
        end -= 20 + 56
        # Some readers look where the locator points, others just before it: here the two must be the same.
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


def _no_zip(file: IO[bytes]) -> Exception:
    """Return the error for a file that does not end like a zip."""
    file.seek(0)
    head = file.read(8)
    if head.startswith(_SPLIT):
        return BadArchive(SPLIT_SENTENCE)
    if head.startswith(_FIRST_FILE):
        return BadArchive("The zip's end is missing: it was cut off on its way, or it is the first part of several.")
    known = next((name for mark, name in _OTHER_ARCHIVES.items() if head.startswith(mark)), None)
    return zipfile.BadZipFile() if known is None else BadArchive(f"The file is {known}, not a zip.")


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/")


def _ignorable(info: zipfile.ZipInfo) -> bool:
    return _is_folder(info) or lies_in_clutter(info.filename.replace("\\", "/"))


def _check(info: zipfile.ZipInfo) -> None:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BadArchive(f"The zip names a file outside itself: {info.filename[:200]!r}.")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise BadArchive(f"The zip holds a link or a device: {info.filename[:200]!r}.")
    if info.flag_bits & _ENCRYPTED:
        raise BadArchive("The zip is encrypted; send it without a password.")
