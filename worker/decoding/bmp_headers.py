"""What Pillow ignores in a BMP: the profile in its header, and alpha; and which kinds of BMP it does not read.

Source: BITMAPINFOHEADER, BITMAPV4HEADER and BITMAPV5HEADER in Microsoft's "Windows GDI"; OS/2's headers of 16 to 64
bytes in the "OS/2 Presentation Manager" reference.
"""

import struct
from typing import NamedTuple

CORE_BYTES, INFO_BYTES, ALPHA_BYTES, V5_BYTES = 12, 40, 56, 124
EMBEDDED = b"DEBM"
"""Says that the file contains a profile: "MBED" with its bytes reversed."""
BIT_FIELDS, MOST_COLOURS = 3, 256
_OS2_BYTES = {*range(16, INFO_BYTES), 64}
_CODINGS = {
    3: "of bit fields of an unusual layout",
    4: "with a JPEG inside",
    5: "with a PNG inside",
    6: "of bit fields with alpha",
    **dict.fromkeys((11, 12, 13), "of inks"),
}


class _Header(NamedTuple):
    length: int
    bits: int
    compression: int
    colour_count: int


def profile(data: bytes) -> bytes | None:
    """Return the ICC profile in a BMP; None if it has none."""
    if _header(data).length < V5_BYTES or data[70:74] != EMBEDDED:
        return None
    at, length = struct.unpack_from("<II", data, 126)
    return data[14 + at : 14 + at + length] or None


def loses_alpha(data: bytes) -> bool:
    """Whether Pillow would ignore the alpha of 16-bit colours."""
    header = _header(data)
    fields = header.bits == 16 and header.compression == BIT_FIELDS and header.length >= ALPHA_BYTES  # noqa: PLR2004
    return fields and data[66:70] != bytes(4)


def unread(data: bytes) -> str | None:
    """Return which rare kind of BMP a file is that Pillow could not read; None if it is a common kind."""
    header = _header(data)
    if header.length in _OS2_BYTES:
        return "with a header of OS/2"
    if header.compression in _CODINGS:
        return _CODINGS[header.compression]
    if header.bits == 2:  # noqa: PLR2004 - Windows CE has them
        return "of 2 bits a pixel"
    return (
        f"with a palette of {header.colour_count:,} colours" if MOST_COLOURS < header.colour_count < 1 << 16 else None
    )


def _header(data: bytes) -> _Header:
    """Return the fields of a header; those that it is too short for are 0."""
    length = int.from_bytes(data[14:18], "little")
    if length <= CORE_BYTES:
        return _Header(length, int.from_bytes(data[24:26], "little"), 0, 0)
    colour_count = int.from_bytes(data[46:50], "little") if length >= INFO_BYTES else 0
    return _Header(length, int.from_bytes(data[28:30], "little"), int.from_bytes(data[30:34], "little"), colour_count)
