"""What Pillow passes over in a PNG: the chunk that tells its colours by numbers.

Source: PNG (3rd edition), 5.3 and 11.3.2.6.
"""

import struct
import zlib
from typing import NamedTuple

GREY_TYPES = {0, 4}
"""Colour types without colours. Source: PNG (3rd edition), table 11."""
_CODE_BYTES = 4


class ColourCode(NamedTuple):
    """Code points of ITU-T H.273."""

    primaries: int
    transfer: int
    full_range: bool


def colour_code(data: bytes) -> ColourCode | None:
    """Return the code points of a PNG's colours, told before its pixels; None where none make sense."""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in {b"IDAT", b"IEND"}:
            return None
        if kind == b"cICP" and length == _CODE_BYTES:
            primaries, transfer, matrix, full = body = data[at + 8 : at + 12]
            sound = struct.pack(">I", zlib.crc32(kind + body)) == data[at + 12 : at + 16]
            return ColourCode(primaries, transfer, full == 1) if sound and matrix == 0 else None
        at += 12 + length
    return None
