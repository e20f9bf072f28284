"""What Pillow ignores in files made of boxes: crop and colours of AVIF and HEIC, the profile of JPEG 2000.

Source: ISO/IEC 14496-12 and 23008-12 for AVIF and HEIC, ITU-T T.800, annexes A and I, for JPEG 2000.
"""

import struct
from collections.abc import Iterator
from math import floor

NCLX_TAG, PROFILE_METHOD, LONG_ITEMS = b"nclx", 2, 2
CODE_STREAM = b"\xff\x4f\xff\x51"
Box = tuple[bytes, memoryview]
_LONG_ENTRY = b"\3"
"""The version of an item's entry that has a 32-bit number. Source: ISO/IEC 14496-12, 8.11.6."""
_READ_CODINGS = {b"hvc1", b"hev1", b"av01"}
_OTHER_CODINGS = {
    b"unci": "uncompressed samples", b"jpeg": "JPEG coding", b"avc1": "AVC coding", b"j2k1": "JPEG 2000 coding",
    b"vvc1": "VVC coding", b"evc1": "EVC coding",
}  # fmt: skip
"""Types of picture items that are not read. Source: ISO/IEC 23008-12, annexes; ISO/IEC 23001-17 for the first."""


def crop(data: bytes) -> tuple[int, int, int, int] | None:
    """Return the visible part of an AVIF's primary picture: left, top, right, bottom, before it is rotated upright.

    Source: ISO/IEC 14496-12, 12.1.4: the clean aperture, given by its size and the offset of its middle.
    """
    aperture, extent = _first(data, b"clap"), _first(data, b"ispe")
    if aperture is None or extent is None:
        return None
    numbers, size = struct.unpack(">IIIIiIiI", aperture[:32]), struct.unpack(">II", extent[4:12])
    if not all(numbers[1::2]):
        return None
    width, height, right, down = (top / below for top, below in zip(numbers[::2], numbers[1::2], strict=True))
    left, top = floor((size[0] - width) / 2 + right), floor((size[1] - height) / 2 + down)
    box = (max(0, left), max(0, top), min(size[0], left + round(width)), min(size[1], top + round(height)))
    return box if box[0] < box[2] and box[1] < box[3] else None


def extents(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the width and height of everything in an AVIF or HEIC: pictures, their tiles, their alpha."""
    for kind, body in _shared(data):
        if kind == b"ispe":
            yield struct.unpack(">II", body[4:12])


def reach(data: bytes) -> int:
    """Return how many bytes a complete AVIF or HEIC must have, by the positions of its items."""
    places = _described(data, b"iloc")
    return max(_ends(places), default=0) if places is not None else 0


def item_count(data: bytes) -> int:
    """Return how many items an AVIF or HEIC claims to have. Source: ISO/IEC 14496-12, 8.11.6."""
    items = _described(data, b"iinf")
    return int.from_bytes(items[4:8] if items[0] else items[4:6], "big") if items else 0


def other_coding(data: bytes) -> str | None:
    """Return the coding of a HEIF's pictures if it is neither HEVC nor AV1."""
    items = _described(data, b"iinf")
    if items is None:
        return None
    entries = (body for kind, body in _boxes(items[8 if items[0] else 6 :]) if kind == b"infe")
    types = [bytes(body[10:14] if body[:1] == _LONG_ENTRY else body[8:12]) for body in entries]
    known = (_OTHER_CODINGS[kind] for kind in types if kind in _OTHER_CODINGS)
    return None if _READ_CODINGS & set(types) else next(known, None)


def colour_code(data: bytes) -> tuple[int, int] | None:
    """Return the code points of an AVIF's or HEIC's primaries and transfer function, numbered as in ITU-T H.273."""
    code = _first(data, b"colr", NCLX_TAG)
    if code is None:
        return None
    primaries, transfer = struct.unpack(">HH", code[4:8])
    return primaries, transfer


def profile(data: bytes) -> bytes | None:
    """Return the ICC profile of a JPEG 2000 file. Source: T.800, I.5.3.3."""
    header = _within(memoryview(data), b"jp2h")
    for kind, body in _boxes(header) if header is not None else ():
        if kind == b"colr" and body[:1] == bytes([PROFILE_METHOD]):
            return bytes(body[3:])
    return None


def code_stream(data: bytes) -> tuple[tuple[int, int], list[int]]:
    """Return a JPEG 2000's size and the bits of each component, from its code stream. Source: T.800, A.5.1."""
    stream = memoryview(data) if data.startswith(CODE_STREAM) else _within(memoryview(data), b"jp2c")
    if stream is None or stream[:4] != CODE_STREAM:
        raise ValueError("there is no code stream")
    right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
    (component_count,) = struct.unpack_from(">H", stream, 40)
    return (right - left, bottom - top), [(depth & 0x7F) + 1 for depth in stream[42 : 42 + 3 * component_count : 3]]


def _first(data: bytes, wanted: bytes, begins: bytes = b"") -> memoryview | None:
    """Return the first property of the primary picture that is of a kind and begins with some bytes."""
    return next((body for kind, body in _properties(data) if kind == wanted and body[: len(begins)] == begins), None)


def _properties(data: bytes) -> Iterator[Box]:
    """Yield the properties of the primary picture, in their order. Source: ISO/IEC 23008-12, 9.3."""
    primary, described = _described(data, b"pitm"), _described(data, b"iprp")
    if primary is None or described is None:
        return
    (item,) = struct.unpack_from(">I" if primary[0] else ">H", primary, 4)
    every = list(_shared(data))
    for kind, body in _boxes(described):
        if kind == b"ipma":
            yield from (every[number - 1] for number in _associated(body, item) if 0 < number <= len(every))


def _shared(data: bytes) -> Iterator[Box]:
    """Yield every property, whichever item it belongs to."""
    described = _described(data, b"iprp")
    shared = _within(described, b"ipco") if described is not None else None
    return _boxes(shared) if shared is not None else iter(())


def _described(data: bytes, wanted: bytes) -> memoryview | None:
    """Return a box inside the `meta` box."""
    meta = _within(memoryview(data), b"meta")
    return _within(meta[4:], wanted) if meta is not None else None


def _associated(body: memoryview, wanted: int) -> Iterator[int]:
    """Yield the numbers of an item's properties, from 1. Source: ISO/IEC 23008-12, 9.3.2."""
    numbers = _Numbers(body)
    head = numbers.take(4)
    item_width, width = 4 if head >> 24 else 2, 2 if head & 1 else 1
    for _ in range(numbers.take(4)):
        item = numbers.take(item_width)
        for _ in range(numbers.take(1)):
            number = numbers.take(width)
            if item == wanted:
                yield number & ~(0x80 << 8 * (width - 1))  # the bit that says that a reader must know the property


def _ends(places: memoryview) -> Iterator[int]:
    """Yield the end of each extent of the items that lie in this file. Source: ISO/IEC 14496-12, 8.11.3."""
    numbers = _Numbers(places)
    version, widths = numbers.take(4) >> 24, numbers.take(2)
    offset, length, base, index = widths >> 12, widths >> 8 & 15, widths >> 4 & 15, widths & 15 if version else 0
    item_width = 4 if version == LONG_ITEMS else 2
    for _ in range(numbers.take(item_width)):
        numbers.take(item_width)
        elsewhere = (numbers.take(2) if version else 0) | numbers.take(2)
        start, count = numbers.take(base), numbers.take(2)
        for _ in range(count if offset + length + index else 0):
            numbers.take(index)
            end = start + numbers.take(offset) + numbers.take(length)
            if not elsewhere:
                yield end


class _Numbers:
    """The numbers in a box, of any width, one after the other."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._at = data, 0

    def take(self, width: int) -> int:
        """Return the next number, which has `width` bytes."""
        self._at += width
        if self._at > len(self._data):
            raise ValueError("a box breaks off")
        return int.from_bytes(self._data[self._at - width : self._at], "big")


def _within(data: memoryview, wanted: bytes) -> memoryview | None:
    """Return the contents of the first box of a kind."""
    return next((body for kind, body in _boxes(data) if kind == wanted), None)


def _boxes(data: memoryview) -> Iterator[Box]:
    """Yield the kind and the contents of every box. Source: ISO/IEC 14496-12, 4.2; T.800, I.4."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1 and at + 16 <= len(data):
            (length,), head = struct.unpack_from(">Q", data, at + 8), 16
        elif length == 0:
            length = len(data) - at
        if length < head:
            return
        yield kind, data[at + head : at + length]
        at += length
