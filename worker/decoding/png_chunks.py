"""What Pillow passes over in a PNG, the chunk that tells its colours by numbers; and what it stumbles over.

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
"""Chunks that a decoder may pass over, but that change how a picture is to be seen."""
_MOST_PROFILE_BYTES = 1 << 20
"""What Pillow inflates of a profile at most."""
_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))


class ColourCode(NamedTuple):
    """Code points of ITU-T H.273."""

    primaries: int
    transfer: int
    full_range: bool


def colour_code(data: bytes) -> ColourCode | None:
    """Return the code points of a PNG's colours, told before its pixels; None where none make sense."""
    for kind, chunk in _chunks(data):
        if kind in {b"IDAT", b"IEND"}:
            return None
        if kind == b"cICP" and len(chunk) == 12 + _CODE_BYTES:
            primaries, transfer, matrix, full = chunk[8:12]
            return ColourCode(primaries, transfer, full == 1) if _is_sound(chunk) and matrix == 0 else None
    return None


def bare(data: bytes) -> bytes:
    """Return a PNG of the same picture that holds what is seen of it and nothing else: a still without its texts.

    What is damaged beside the pixels is left out, as the standard asks of decoders (13.1). It has its end, unless the
    file ends within a chunk: what came after that would count as pixels.
    """
    kept, end = [], _END
    for kind, chunk in _chunks(data):
        if kind[:1].isupper() or (kind in _SHOWN and _is_sound(chunk) and _inflates(kind, chunk)):
            kept.append(bytes(chunk))
        if kind == b"IEND" or len(chunk) < 12 + int.from_bytes(chunk[:4]):
            end = b""
    return _START + b"".join(kept) + end


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the kind of every chunk, and all of it."""
    at, whole = len(_START), memoryview(data)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, whole[at : at + 12 + length]
        at += 12 + length


def _is_sound(chunk: memoryview) -> bool:
    """Whether a chunk is what its sum says. Source: PNG (3rd edition), 5.3."""
    return struct.pack(">I", zlib.crc32(chunk[4:-4])) == chunk[-4:]


def _inflates(kind: bytes, chunk: memoryview) -> bool:
    """Whether a chunk, if it holds a profile, holds one that can be had."""
    if kind != b"iCCP":
        return True
    _, _, packed = bytes(chunk[8:-4]).partition(b"\0")
    inflater = zlib.decompressobj()
    with suppress(zlib.error):
        return packed[:1] == b"\0" and bool(inflater.decompress(packed[1:], _MOST_PROFILE_BYTES)) and inflater.eof
    return False
