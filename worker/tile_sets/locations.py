"""Places from which workers read photos without a copy: a folder of this machine, or a bucket with a prefix."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_to_bytes

from models.errors import EmptyFile, StorageUnreachable, StorageUnreadable, UnreadableFile
from models.rules import skip_reasons
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
        stamp: Its size and time, which change when the file does; empty where the system does not say.
        trouble: Why it cannot be read, if that is known already.
    """

    name: str
    address: str
    stamp: str
    trouble: str = ""


def files(address: str, sieve: Sieve) -> Iterator[Found]:
    """Yield every file of a place and its sub-folders, in a folder ordered by name.

    A folder that cannot be listed is yielded as a file with trouble.

    Args:
        address: `file:///folder` or `s3://bucket/prefix`.
        sieve: Decides which files are looked at.

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
        EmptyFile: it has no bytes.
        StorageUnreachable: the bucket does not answer, which is not the file's fault.
    """
    data = _read_file(_path(address), max_bytes) if address.startswith(FILE) else _fetch(address, max_bytes)
    if len(data) > max_bytes:
        raise UnreadableFile(f"The file has more than {max_bytes:,} bytes, which is the limit.")
    if not data:
        raise EmptyFile(skip_reasons.EMPTY)
    return data


def stands(address: str, stamp: str) -> bool:
    """Whether a file is still there unchanged; in a bucket, only its size is compared.

    Raises:
        StorageUnreachable: the bucket does not answer.
    """
    if address.startswith(FILE):
        path = _path(address)
        return _stamp(folder_scan.look(path, path)) == stamp
    bucket, key = _split(address)
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


def _split(address: str) -> tuple[str, str]:
    """Return the bucket's address, and the key."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return f"s3://{bucket}", key


def _is_marker(blob: Blob) -> bool:
    """Whether a blob only marks a folder, as storage consoles create them: it is empty and has no suffix."""
    return not blob.size_bytes and not PurePosixPath(blob.key).suffix


def _read_file(path: str, max_bytes: int) -> bytes:
    """Return at most `max_bytes` + 1 bytes of a file."""
    try:
        # Without blocking: if it has become a pipe since it was listed, it counts as empty.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        raise UnreadableFile(skip_reasons.unreadable(error.strerror)) from error


def _fetch(address: str, max_bytes: int) -> bytes:
    """Return at most `max_bytes` + 1 bytes of a blob."""
    bucket, key = _split(address)
    try:
        return _beginning(_opened(bucket), key, max_bytes + 1)
    except StorageUnreachable:
        raise
    except StorageUnreadable as error:
        raise UnreadableFile(skip_reasons.unreadable(str(error).removesuffix("."))) from error


def _beginning(store: Store, key: str, most: int) -> bytes:
    """Return at most `most` bytes of a blob, in one request."""
    try:
        return store.get_range(key, 0, most)
    except StorageUnreachable:
        raise
    except StorageUnreadable:
        # S3 reports an error when a range of an empty blob is asked for.
        if store.size(key):
            raise
        return b""


@lru_cache(maxsize=4)
def _opened(address: str) -> Store:
    """Return the store at an address, without a cache of blobs, since the files of a place may change."""
    return open_store(address, Path(tempfile.gettempdir()), 0)
