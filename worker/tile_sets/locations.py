"""Places that workers can read photos from without a copy: a folder of this machine, or a part of a bucket."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_to_bytes

from models.errors import EmptyFile, StorageUnreachable, StorageUnreadable, UnreadableFile
from models.storage import Blob, Store, open_store
from worker import folder_scan
from worker.file_filter import Sieve

FILE = "file://"


@dataclass(frozen=True)
class Found:
    """A file of a place.

    Attributes:
        name: Its path below the place.
        address: Its own address.
        stamp: Its size and time, which change when it does; empty where the system does not tell them.
        trouble: Why it cannot be read, if that is known already.
    """

    name: str
    address: str
    stamp: str
    trouble: str = ""


def files(address: str, sieve: Sieve) -> Iterator[Found]:
    """Yield every file of a place and its sub-folders, those of a folder by name.

    Where the system refuses to say what there is, that is a file with its trouble.

    Args:
        address: `file:///folder` or `s3://bucket/prefix`.
        sieve: What of it is looked at.

    Raises:
        StorageUnreadable: the bucket cannot be listed.
    """
    if address.startswith(FILE):
        for file in folder_scan.walk(_path(address), sieve):
            yield Found(file.name, address_of(Path(file.path)), _stamp(file), file.trouble)
        return
    for blob in _opened(address).list():
        if not _is_marker(blob) and sieve.takes_path(blob.key):
            stamp = f"{blob.size_bytes}:{blob.written_at.timestamp():.6f}"
            yield Found(blob.key, f"{address.rstrip('/')}/{blob.key}", stamp)


def read(address: str, max_bytes: int) -> bytes:
    """Return the bytes of a file.

    Raises:
        UnreadableFile: it cannot be read, or has more than `max_bytes`.
        EmptyFile: it has none.
        StorageUnreachable: the bucket does not answer, which is not the file's fault.
    """
    data = _read_file(_path(address), max_bytes) if address.startswith(FILE) else _fetch(address, max_bytes)
    if len(data) > max_bytes:
        raise UnreadableFile(f"The file has more than {max_bytes:,} bytes, which is the limit.")
    if not data:
        raise EmptyFile("The file is empty.")
    return data


def stands(address: str, stamp: str) -> bool:
    """Whether a file is still there, as it was; in a bucket, of the same size.

    Raises:
        StorageUnreachable: the bucket does not answer.
    """
    if address.startswith(FILE):
        path = _path(address)
        return _stamp(folder_scan.look(path, path)) == stamp
    bucket, key = _parted(address)
    try:
        return str(_opened(bucket).size(key)) == stamp.partition(":")[0]
    except StorageUnreachable:
        raise
    except StorageUnreadable:
        return False


def address_of(path: Path) -> str:
    """Return the address of a file or a folder of this machine."""
    return path.absolute().as_uri()


def folder_at(address: str) -> Path:
    """Return the path of an address on this machine."""
    return Path(_path(address))


def _path(address: str) -> str:
    return os.fsdecode(unquote_to_bytes(address.removeprefix(FILE)))


def _stamp(file: folder_scan.File) -> str:
    return f"{file.size}:{file.changed}" if file.changed else ""


def _parted(address: str) -> tuple[str, str]:
    """Return the bucket's address, and the key."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return f"s3://{bucket}", key


def _is_marker(blob: Blob) -> bool:
    """Whether a blob only stands for a folder, as consoles make them: it is empty, and named as folders are."""
    return not blob.size_bytes and not PurePosixPath(blob.key).suffix


def _read_file(path: str, max_bytes: int) -> bytes:
    """Return a file's bytes; one more than the limit if it has more."""
    try:
        # What became a pipe since it was listed is empty, and nobody waits for it.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read: {error.strerror}.") from error


def _fetch(address: str, max_bytes: int) -> bytes:
    """Return a blob's bytes; one more than the limit if it has more."""
    bucket, key = _parted(address)
    try:
        return _beginning(_opened(bucket), key, max_bytes + 1)
    except StorageUnreachable:
        raise
    except StorageUnreadable as error:
        raise UnreadableFile(f"The file cannot be read: {error}") from error


def _beginning(store: Store, key: str, most: int) -> bytes:
    """Return at most so many bytes of a blob, by one request."""
    try:
        return store.get_range(key, 0, most)
    except StorageUnreachable:
        raise
    except StorageUnreadable:
        # What is empty has no first byte to ask for, and S3 calls that an error.
        if store.size(key):
            raise
        return b""


@lru_cache(maxsize=4)
def _opened(address: str) -> Store:
    """Return the store at an address; nothing of a place is cached, since its files may change."""
    return open_store(address, Path(tempfile.gettempdir()), 0)
