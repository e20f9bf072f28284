"""Files of named arrays, which say what they are, are written in one pass, and are read by mapping them into memory.

The format is safetensors, so that any reader of it opens the file. The metadata hold the kind of the file, the
version of that kind, and checksums. Neither writing nor reading such files needs numpy.
"""

import json
import math
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from models.errors import DamagedIndex

if TYPE_CHECKING:
    from pathlib import Path

Array = Any
"""An array of numpy's, which is written without loading numpy."""

DTYPES = {"U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "I64": "<i8", "F32": "<f4", "F64": "<f8"}
"""The format's names of number types, and numpy's. Source: https://github.com/huggingface/safetensors#format."""
NAMES = {code: name for name, code in DTYPES.items()}
ALIGNMENT = 8
MAX_HEADER_BYTES = 1 << 16
BLOCK_BYTES = 1 << 20
MOST_BYTES = 1 << 62
UNKNOWN = "0" * 64
"""Placeholder for a checksum that is not known yet."""


class Stream(NamedTuple):
    """An array that need not be in memory as a whole: its blocks follow each other along the first axis.

    Blocks of bytes are written as they are: they must be little-endian, with the last axis running fastest.
    """

    dtype: str
    shape: tuple[int, ...]
    blocks: Iterable[Array | bytes | bytearray]


class _Place(NamedTuple):
    """An array in a file: its name, type and shape, and its first and last byte after the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    first: int
    last: int


def save(file: IO[bytes], kind: str, version: int, arrays: Mapping[str, Array | Stream]) -> None:
    """Write arrays, each block once; the checksums are filled in at the end.

    Args:
        file: An empty, seekable file.
        kind: What the arrays together are.
        version: The version of that kind.
        arrays: The arrays by name, each of one of `DTYPES`.

    Raises:
        ValueError: a stream's blocks do not have the size that it announced.
    """
    streams = {name: _stream(array) for name, array in arrays.items()}
    places = list(_laid_out(streams))
    sums = dict.fromkeys(streams, UNKNOWN)
    file.write(_header(kind, version, places, sums))
    for place in places:
        sums[place.name] = _written(file, place, streams[place.name].blocks)
    file.seek(0)
    file.write(_header(kind, version, places, sums))
    file.seek(0, 2)


class Mapped(NamedTuple):
    """An array of a file that is mapped into memory: its type, its shape and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: memoryview


def opened(path: "str | Path", kind: str, version: int) -> dict[str, Mapped]:
    """Verify every byte of a file, and map its arrays into memory for reading.

    Raises:
        DamagedIndex: there is no such file, it is of another kind or version, or any byte of it has changed.
    """
    try:
        with open(path, "rb") as file:
            start, places = _verified(file, kind, version)
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise damaged(path, str(error)) from error
    return {
        place.name: Mapped(place.dtype, place.shape, whole[start + place.first : start + place.last])
        for place in places
    }


def damaged(path: "str | Path", why: str) -> DamagedIndex:
    """Return the error for a file that cannot be read."""
    name = os.path.basename(path)
    return DamagedIndex(f"The stored index {name} cannot be read ({why}); index the photos again.")


def let_go(array: Array | memoryview) -> None:
    """Return the pages of a mapped file to the system, which caches them as long as it has memory to spare."""
    base: Any = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def in_blocks(array: Array) -> Iterator[Array]:
    """Yield an array of any shape in pieces of about `BLOCK_BYTES`, and release the mapped pages after each."""
    rows = max(1, BLOCK_BYTES * len(array) // max(1, array.nbytes))
    for first in range(0, len(array), rows):
        yield array[first : first + rows]
        let_go(array)


def _stream(array: Array | Stream) -> Stream:
    if isinstance(array, Stream):
        return array
    return Stream(NAMES[array.dtype.newbyteorder("<").str], array.shape, in_blocks(array))


def width(dtype: str) -> int:
    """Return how many bytes one number has.

    Example:
        >>> width("U32")
        4
    """
    return int(DTYPES[dtype][2:])


def _laid_out(streams: Mapping[str, Stream]) -> Iterator[_Place]:
    """Yield where each array goes, without gaps; the widest numbers come first, so that all are aligned."""
    first = 0
    for name, stream in sorted(streams.items(), key=lambda item: (-width(item[1].dtype), item[0])):
        last = first + math.prod(stream.shape) * width(stream.dtype)
        yield _Place(name, stream.dtype, stream.shape, first, last)
        first = last


def _header(kind: str, version: int, places: Iterable[_Place], sums: Mapping[str, str]) -> bytes:
    """Return all bytes before the data; their number does not depend on the checksums."""
    fields: dict[str, object] = {
        "__metadata__": {
            "kind": kind,
            "version": str(version),
            "sha256": UNKNOWN,
            **{f"sha256 of {name}": checksum for name, checksum in sums.items()},
        }
    }
    for place in places:
        offsets = [place.first, place.last]
        fields[place.name] = {"dtype": place.dtype, "shape": place.shape, "data_offsets": offsets}
    text = json.dumps(fields, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    # The header's checksum is computed with a placeholder in its own place, which is the first one in it.
    text = text.replace(UNKNOWN.encode(), sha256(text).hexdigest().encode(), 1)
    return len(text).to_bytes(8, "little") + text


def _written(file: IO[bytes], place: _Place, blocks: Iterable[Array | bytes | bytearray]) -> str:
    """Write an array, and return its checksum."""
    checksum, length = sha256(), 0
    for block in blocks:
        data = block if isinstance(block, bytes | bytearray) else _bytes(block, place.dtype)
        checksum.update(data)
        file.write(data)
        length += len(data)
    if length != place.last - place.first:
        raise ValueError(f"{place.name} was to have {place.last - place.first:,} bytes, not {length:,}")
    return checksum.hexdigest()


def _bytes(block: Array, dtype: str) -> memoryview:
    contiguous = block.astype(DTYPES[dtype], order="C", copy=False)
    return contiguous.data.cast("B") if contiguous.size else memoryview(b"")


def _verified(file: IO[bytes], kind: str, version: int) -> tuple[int, list[_Place]]:
    """Read everything once; return where the data begin, and the arrays. A ValueError says what is wrong."""
    size = file.seek(0, 2)
    file.seek(0)
    header_bytes = int.from_bytes(file.read(8), "little")
    if not 0 < header_bytes <= min(size - 8, MAX_HEADER_BYTES):
        raise ValueError("it does not begin as one")
    metadata, places = _understood(file.read(header_bytes))
    if metadata.get("kind") != kind:
        raise ValueError("it is something else")
    if metadata.get("version") != str(version):
        raise ValueError("it is of another version")
    ends = [0, *(place.last for place in places)]
    if [place.first for place in places] != ends[:-1] or 8 + header_bytes + ends[-1] != size:
        raise ValueError("it is not whole")
    for place in places:
        if _checksum(file.read, place.last - place.first) != metadata.get(f"sha256 of {place.name}"):
            raise ValueError(f"its {place.name} is damaged")
    return 8 + header_bytes, places


def _understood(header: bytes) -> tuple[dict[str, Any], list[_Place]]:
    """Verify a header, and return its metadata and its arrays in the order of the file."""
    try:
        fields = json.loads(header)
        metadata = dict(fields.pop("__metadata__"))
        checksum = metadata["sha256"].encode()
        places = [_place(name, **fields[name]) for name in fields]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its header is damaged, or another program's") from error
    if sha256(header.replace(checksum, UNKNOWN.encode(), 1)).hexdigest().encode() != checksum:
        raise ValueError("its header is damaged")
    return metadata, sorted(places, key=lambda place: (place.first, place.last))


def _place(name: str, *, dtype: str, shape: list[int], data_offsets: tuple[int, int]) -> _Place:
    first, last = data_offsets
    whole = all(type(number) is int and number >= 0 for number in (*shape, first, last))
    # An empty array may have a shape that is too large for any array.
    possible = whole and math.prod(max(1, side) for side in shape) * width(dtype) <= MOST_BYTES
    if not possible or last - first != math.prod(shape) * width(dtype):
        raise ValueError(name)
    return _Place(name, dtype, tuple(shape), first, last)


def _checksum(read: Callable[[int], bytes], length: int) -> str:
    """Return the checksum of the next so many bytes of a file."""
    checksum = sha256()
    while length and (data := read(min(length, BLOCK_BYTES))):
        checksum.update(data)
        length -= len(data)
    return checksum.hexdigest()
