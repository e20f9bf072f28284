"""What every store can do. A blob is written completely or not at all."""

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

from models.errors import BlobMissing, TesseraError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PIECE_BYTES = 4 << 20
"""What a stream requests at once and holds in memory."""
UPLOADS_AT_ONCE = 4
"""Pieces of a large blob, of 5 MiB each, that are sent at once; no more of it is in memory."""
PAGE_BLOBS = 1_000


@dataclass(frozen=True)
class Blob:
    """A blob: its key, when it was written, and its size."""

    key: str
    written_at: datetime
    size_bytes: int


class Store(ABC):
    """Blobs: bytes under keys.

    Every method raises `StorageUnreadable` if there is nothing under a key or the store refuses, and
    `StorageUnreachable` if the store does not answer.
    """

    is_local = True
    """Whether blobs are files of this machine."""

    def __init__(self, blobs: "ObjectStore") -> None:
        self._blobs = blobs
        self.before_writing: Callable[[], None] = _nothing
        """Called before bytes are stored; it raises an error if nothing may be stored."""

    def put(self, key: str, content: bytes | IO[bytes] | Path) -> None:
        """Store `content` under `key`, replacing what was there; a file is read in pieces.

        Raises:
            StorageFull: no room left; nothing is published.
        """
        self.before_writing()
        with self._asking(key):
            obstore.put(self._blobs, key, content, max_concurrency=UPLOADS_AT_ONCE)

    def put_hashed(self, key: str, path: Path) -> str:
        """Store a file as `put` does; return the SHA-256 of its bytes, which are read once.

        Raises:
            StorageFull: no room left; nothing is published.
            RuntimeError: the file was not read once from its beginning to its end, so the hash would be wrong.
        """
        with _HashedFile(path) as file:
            self.put(key, file)
            return file.hexdigest()

    def get(self, key: str) -> bytes:
        """Return the bytes under `key`."""
        with self._asking(key):
            return obstore.get(self._blobs, key).bytes().to_bytes()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, or fewer at the blob's end; a start beyond the end is an error."""
        if length == 0:
            return b""
        with self._asking(key):
            return obstore.get_range(self._blobs, key, start=start, length=length).to_bytes()

    def size(self, key: str) -> int:
        """Return how many bytes lie under `key`."""
        with self._asking(key):
            return obstore.head(self._blobs, key)["size"]

    def stream(self, key: str) -> tuple[int, Iterator[bytes]]:
        """Return the size of a blob, and its bytes in pieces.

        Each piece is a request of its own, so no connection stays open if they are taken slowly.
        """
        size = self.size(key)
        starts = range(0, size, PIECE_BYTES)
        return size, (self.get_range(key, start, min(PIECE_BYTES, size - start)) for start in starts)

    def note(self, key: str, words: str, *, over: bool) -> None:
        """Store a short text about the store itself, without `before_writing`; replace an old one only if `over`."""
        with self._asking(key), suppress(AlreadyExistsError):
            obstore.put(self._blobs, key, words.encode(), mode="overwrite" if over else "create")

    def holds(self, key: str) -> bool:
        """Whether there is a blob under `key`."""
        try:
            self.size(key)
        except BlobMissing:
            return False
        return True

    def list(self, prefix: str = "") -> Iterator[Blob]:
        """Yield every blob below a prefix, which must end at a `/` of the key."""
        with self._asking(prefix):
            for page in obstore.list(self._blobs, prefix or None, chunk_size=PAGE_BLOBS):
                for meta in page:
                    yield Blob(meta["path"], meta["last_modified"], meta["size"])

    @abstractmethod
    def fetched(self, key: str) -> bytes:
        """Return the bytes under a key whose bytes never change, from a copy on this machine if there is one."""

    @abstractmethod
    def path(self, key: str) -> Path:
        """Return a local file with the bytes under a key whose bytes never change.

        It is to be opened or memory-mapped at once, for reading only. Later it may be removed; what has it open can
        go on reading.

        Raises:
            StorageFull: there is no room for it on this machine.
        """

    @abstractmethod
    def open(self, key: str) -> IO[bytes]:
        """Return a seekable reader of a blob, which fetches little more than what is read."""

    @abstractmethod
    def delete(self, keys: Sequence[str]) -> None:
        """Delete blobs; it is no error if one is gone already."""

    @abstractmethod
    def move(self, keys: Mapping[str, str]) -> Sequence[str]:
        """Give blobs new keys, and return the old keys of those that were moved.

        A blob is not moved if it does not exist or if its new key is taken. At any time it is under one of its two
        keys, or under both. Its time of writing is now.

        Args:
            keys: New key by old key.

        Raises:
            StorageFull: moving needs a copy, and there is no room for it; no blob is lost.
        """

    @abstractmethod
    def drop_unfinished(self, before: datetime, is_ours: Callable[[str], bool]) -> int:
        """Remove the unfinished files that killed writers left before a time, if their keys are ours.

        Returns:
            How many were removed.
        """

    def keep_private(self, is_ours: Callable[[str], bool]) -> None:  # noqa: B027 - who may read a bucket is its owner's to say
        """Take the rights of this machine's other users from what is stored already."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Return how many bytes the store has left; None if it does not say."""

    @abstractmethod
    def _translated(self, error: Exception, key: str) -> TesseraError:
        """Return our own error for an error of the store."""

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise self._translated(error, key) from error


class _HashedFile(io.FileIO):
    """A file that is hashed while it is read, from its beginning to its end."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._sha256, self._hashed_bytes = sha256(), 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on, and hash what was read."""
        data = super().read(size)
        self._sha256.update(data)
        self._hashed_bytes += len(data)
        if self.tell() != self._hashed_bytes:
            raise RuntimeError(f"{self.name} is not read in order while it is hashed.")
        return data

    def hexdigest(self) -> str:
        """Return the hash, after the last byte was read."""
        if self._hashed_bytes != os.fstat(self.fileno()).st_size:
            raise RuntimeError(f"{self.name} was not read whole by the method that hashes it.")
        return self._sha256.hexdigest()


def _nothing() -> None:
    """Allow everything to be written."""
