"""The blob store, and the only importer of obstore. A blob is written whole or not at all."""

import io
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.exceptions import NotFoundError as BlobMissing
from obstore.store import LocalStore
from typing_extensions import Buffer

from models.errors import BadConfiguration, StorageFull, StorageUnreadable, TesseraError, is_full

if TYPE_CHECKING:
    from obstore import ReadableFile

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Blob:
    """A key, when it was written, and its size."""

    key: str
    written_at: datetime
    size_bytes: int


class Store:
    """Bytes under keys, in a folder."""

    def __init__(self, folder: Path) -> None:
        try:
            self._blobs = LocalStore(folder, mkdir=True, automatic_cleanup=True)
        except (BaseError, OSError) as error:
            raise BadConfiguration(f"The store's folder {folder} cannot be used: {error}") from error
        self._folder = folder

    def put(self, key: str, content: bytes | IO[bytes] | Path) -> None:
        """Store `content` under `key`, replacing what was there.

        Raises:
            StorageFull: no room left; nothing is published.
            StorageUnreadable: the store refused.
        """
        try:
            obstore.put(self._blobs, key, content)
        except (BaseError, OSError) as error:
            raise _translated(error, key) from error

    def get(self, key: str) -> bytes:
        """Return the bytes under `key`.

        Raises:
            StorageUnreadable: there are none, or the store refused.
        """
        try:
            return obstore.get(self._blobs, key).bytes().to_bytes()
        except (BaseError, OSError) as error:
            raise _translated(error, key) from error

    def size(self, key: str) -> int:
        """Return how many bytes lie under `key`."""
        try:
            return obstore.head(self._blobs, key)["size"]
        except (BaseError, OSError) as error:
            raise _translated(error, key) from error

    def stream(self, key: str) -> tuple[int, Iterator[bytes]]:
        """Return the size of a blob, and its bytes in chunks."""
        try:
            result = obstore.get(self._blobs, key)
        except (BaseError, OSError) as error:
            raise _translated(error, key) from error
        return result.meta["size"], (bytes(chunk) for chunk in result.stream(min_chunk_size=CHUNK_BYTES))

    def open(self, key: str) -> IO[bytes]:
        """Return a seekable reader of a blob."""
        try:
            return io.BufferedReader(_Reader(obstore.open_reader(self._blobs, key)), CHUNK_BYTES)
        except (BaseError, OSError) as error:
            raise _translated(error, key) from error

    def path(self, key: str) -> Path:
        """Return a local file with a blob's bytes, for reading and memory-mapping only."""
        path = self._folder / key
        if not path.is_file():
            raise StorageUnreadable(f"The store holds nothing under {key!r}.")
        return path

    def copy(self, source: str, key: str) -> None:
        """Give the bytes under `source` a second key."""
        try:
            obstore.copy(self._blobs, source, key)
        except (BaseError, OSError) as error:
            raise _translated(error, source) from error

    def delete(self, keys: list[str]) -> None:
        """Remove blobs; one that is gone already is no error."""
        for key in keys:
            try:
                obstore.delete(self._blobs, key)
            except (BlobMissing, FileNotFoundError):
                continue
            except (BaseError, OSError) as error:
                raise _translated(error, key) from error

    def list(self, prefix: str = "") -> Iterator[Blob]:
        """Yield every blob below a prefix."""
        try:
            for page in obstore.list(self._blobs, prefix or None):
                for meta in page:
                    yield Blob(meta["path"], meta["last_modified"], meta["size"])
        except (BaseError, OSError) as error:
            raise _translated(error, prefix) from error

    def drop_parts(self, before: datetime) -> int:
        """Remove what writers that were killed left half-written before a time; return how many files.

        obstore writes beside the blob, under its name with `#` and a number, and never lists such a file.
        """
        dropped = 0
        for part in self._folder.rglob("*#*"):
            with suppress(OSError):
                if part.is_file() and part.stat().st_mtime < before.timestamp():
                    part.unlink()
                    dropped += 1
        return dropped

    def free_bytes(self) -> int:
        """Return how many bytes the store's disk has left."""
        return shutil.disk_usage(self._folder).free


class _Reader(io.RawIOBase):
    """A blob as Python's own kind of file: obstore's reader hands out buffers that are no `bytes`."""

    def __init__(self, blob: "ReadableFile") -> None:
        self._blob = blob

    def readinto(self, buffer: Buffer, /) -> int:
        """Read on from the position."""
        room = memoryview(buffer)
        data = self._blob.read(len(room))
        room[: len(data)] = memoryview(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""
        return self._blob.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._blob.tell()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True


def _translated(error: Exception, key: str) -> TesseraError:
    # obstore hands the system's errors on as text only.
    text = str(error).lower()
    if is_full(error) or any(words in text for words in ("no space left", "quota exceeded", "file too large")):
        return StorageFull("There is no room left to store this; free some space and try again.")
    if isinstance(error, BlobMissing | FileNotFoundError):
        return StorageUnreadable(f"The store holds nothing under {key!r}.")
    return StorageUnreadable(f"The store refused {key!r}: {type(error).__name__}.")
