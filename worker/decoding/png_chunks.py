"""What Pillow ignores in a PNG, the code points of its colours; and how to remove what Pillow fails on.

Source: PNG (3rd edition), 5.3 and 11.3.2.6.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

GREY_TYPES = {0, 4}
"""Colour types without colours. Source: PNG (3rd edition), table 11."""
_CODE_BYTES = 4
_START = b"\x89PNG\r\n\x1a\n"
_SHOWN = {b"tRNS", b"cICP", b"iCCP", b"eXIf"}
"""Chunks that a decoder may ignore, but that change how the picture looks."""
_MOST_PROFILE_BYTES = 1 << 20
"""Pillow inflates at most so many bytes of a profile."""
_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))


class ColourCode(NamedTuple):
    """Code points of ITU-T H.273."""

    primaries: int
    transfer: int
    full_range: bool


def colour_code(data: bytes) -> ColourCode | None:
    """Return the code points of a PNG's colours, which come before its pixels; None if there are no valid ones."""
    for kind, chunk in _chunks(data):
        if kind in {b"IDAT", b"IEND"}:
            return None
        if kind == b"cICP" and len(chunk) == 12 + _CODE_BYTES:
            primaries, transfer, matrix, full = chunk[8:12]
            return ColourCode(primaries, transfer, full == 1) if _is_sound(chunk) and matrix == 0 else None
    return None


def bare(data: bytes) -> bytes:
    """Return a PNG with only the chunks that affect how the picture looks: no texts, no animation.

    Damaged chunks other than the pixels are left out, as the standard demands of decoders (13.1). A missing end is
    added, unless the file ends inside a chunk: then the end would be read as part of that chunk.
    """
    chunks, end = [], _END
    for kind, chunk in _chunks(data):
        if kind[:1].isupper() or (kind in _SHOWN and _is_sound(chunk) and _inflates(kind, chunk)):
            chunks.append(bytes(chunk))
        if kind == b"IEND" or len(chunk) < 12 + int.from_bytes(chunk[:4]):
            end = b""
    return _START + b"".join(chunks) + end


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the kind and all bytes of every chunk."""
    at, whole = len(_START), memoryview(data)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, whole[at : at + 12 + length]
        at += 12 + length


def _is_sound(chunk: memoryview) -> bool:
    """Whether a chunk's checksum is right. Source: PNG (3rd edition), 5.3."""
    return struct.pack(">I", zlib.crc32(chunk[4:-4])) == chunk[-4:]


def _inflates(kind: bytes, chunk: memoryview) -> bool:
    """Whether a chunk can be inflated, if it holds a profile."""
    if kind != b"iCCP":
        return True
    _, _, packed = bytes(chunk[8:-4]).partition(b"\0")
    inflater = zlib.decompressobj()
    with suppress(zlib.error):
        return packed[:1] == b"\0" and bool(inflater.decompress(packed[1:], _MOST_PROFILE_BYTES)) and inflater.eof
    return False
