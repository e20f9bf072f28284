"""The fast path for plain JPEG files; everything else is in `worker.decoding.images`. Both are the door to Pillow.

A JPEG is plain when it has three colour channels and, before its pixels, nothing that changes how it looks: no Exif,
no profile, no Adobe marker. Then a thumb needs neither numpy nor Pillow's parsing of the header, and a tile not the
latter, which take longer than decoding the pixels of a small photo.
"""

from PIL import Image

MOST_PIXELS = 1 << 24
"""Larger pictures are left to `worker.decoding.images`, which checks their size."""
_START = b"\xff\xd8"
_PLAIN = {0xC4, 0xDB, 0xDD, 0xE0, 0xFE}
"""Segments that may come before the pixels: tables, JFIF, a comment. Source: ITU-T T.81, table B.1."""
_FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive Huffman coding. Source: the same."""
_SCAN = 0xDA
"""Pixels begin here. Pillow does not read what comes later either."""
_HEAD_BYTES = 10
_BITS, _CHANNELS = 8, 3
_PROGRESSIVE = 0xC2


def thumb(data: bytes, side: int) -> tuple[bytes, tuple[int, int]] | None:
    """Return the pixels of a photo's thumb as `images.thumb` does, and its size in the file; None if it is not plain.

    None does not mean that the file is good: damaged files are not plain either.

    Returns:
        side * side * 3 bytes, row by row from the top; and width and height.
    """
    size = _size(data)
    image = None if size is None else _decoded(data, size, (2 * side, 2 * side))
    if size is None or image is None:
        return None
    return image.resize((side, side), Image.Resampling.BOX).tobytes(), size


def decoded(data: bytes, at_least: tuple[int, int]) -> Image.Image | None:
    """Return a photo at the smallest scale that has at least this width and height, if it is plain, or None."""
    size = _size(data)
    return None if size is None else _decoded(data, size, at_least)


def _decoded(data: bytes, size: tuple[int, int], at_least: tuple[int, int]) -> Image.Image | None:
    scale = _scale(size, at_least)
    reduced = -(-size[0] // scale), -(-size[1] // scale)
    try:
        # Does what Image.open and draft do, in one call. Pillow documents the decoder's name, but not its arguments.
        return Image.frombytes("RGB", reduced, data, "jpeg", "RGB", "", scale, 0)
    except (ValueError, OSError, MemoryError):
        return None


def is_streamed(data: bytes) -> bool:
    """Whether a JPEG can be decoded line by line: baseline or extended, all of its components in one scan.

    For any other, the decoder keeps the whole picture in memory at any scale. Source: ITU-T T.81, A.2 and G.1.1.
    """
    at, component_count = len(_START), 0
    while data.startswith(_START) and at + _HEAD_BYTES <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - a marker
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == _SCAN:
            return 0 < component_count == data[at + 4]
        if marker in _FRAMES - {_PROGRESSIVE}:
            component_count = data[at + 9]
        at += 2 + length
    return False


def _scale(size: tuple[int, int], at_least: tuple[int, int]) -> int:
    """Return the largest divisor that leaves both sides at least so long."""
    most = min(size[0] // at_least[0], size[1] // at_least[1])
    return next((scale for scale in (8, 4, 2) if most >= scale), 1)


def _size(data: bytes) -> tuple[int, int] | None:
    """Return width and height if the file is a plain JPEG as far as its pixels."""
    at, size = len(_START), None
    if not data.startswith(_START):
        return None
    while at + _HEAD_BYTES <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - begins a marker
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == _SCAN:
            return size
        if marker in _FRAMES and size is None:
            height, width = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
            plain = data[at + 4] == _BITS and data[at + 9] == _CHANNELS and 0 < width * height <= MOST_PIXELS
            size = (width, height) if plain else None
        elif marker not in _PLAIN:
            return None
        at += 2 + length
    return None
