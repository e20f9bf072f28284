"""Reads the first directory of a TIFF: what it says about the samples, whether or not a library can decode them.

Source: TIFF 6.0, section 2; BigTIFF (64-bit offsets) as libtiff 4 reads it.
"""

import struct
from collections.abc import Mapping
from itertools import islice

Tags = Mapping[int, tuple[int, ...]]

WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
SAMPLES, PLANAR, TILE_WIDTH, TILE_LENGTH, INK_SET, EXTRA, FORMAT = 277, 284, 322, 323, 332, 338, 339
_WHOLE = {1: "B", 7: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Field types that are whole numbers or bytes, each with the letter that `struct` has for it."""
MOST_TAGS, MOST_VALUES = 4_096, 64


def of(data: bytes) -> Tags:
    """Return the whole numbers in the first directory, at most 64 for each tag; it ends where the file is damaged."""
    order = "<" if data.startswith(b"II") else ">"
    big = data[2:4] in {b"+\0", b"\0+"}
    count, entry, offset = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    found: dict[int, tuple[int, ...]] = {}
    try:
        (at,) = struct.unpack_from(order + offset, data, 8 if big else 4)
        (entries,) = struct.unpack_from(order + count, data, at)
        first, width = at + struct.calcsize(order + count), struct.calcsize(order + entry)
        for place in islice(range(first, first + entries * width, width), MOST_TAGS):
            tag, kind, length, inline = struct.unpack_from(order + entry, data, place)
            if kind not in _WHOLE:
                continue
            form = f"{order}{min(length, MOST_VALUES)}{_WHOLE[kind]}"
            room = struct.calcsize(f"{order}{_WHOLE[kind]}") * length
            where = place + width - len(inline)
            if room > len(inline):
                (where,) = struct.unpack_from(order + offset, inline)
            found.setdefault(tag, struct.unpack_from(form, data, where))
    except (struct.error, OverflowError):
        return found
    return found


def one(tags: Tags, tag: int, otherwise: int) -> int:
    """Return the first value of a tag, or `otherwise` if there is none."""
    return next(iter(tags.get(tag, ())), otherwise)
