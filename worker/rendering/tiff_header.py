"""The header of an uncompressed TIFF, after which the pixels can be written as they are made."""

import struct

LINES = 16
"""Lines of pixels in a strip, at most."""
STRIP_BYTES = 16 << 20
"""Bytes of a strip, unless a line has more."""
SHORT, LONG, LONG8 = 3, 4, 16
RGB = 3


def header(width: int, height: int, channels: int = RGB) -> bytes:
    """Return the BigTIFF header after which the (height, width, channels) bytes of a picture follow, row by row.

    The picture is sRGB; a fourth channel is alpha.

    Source:
        TIFF 6.0, sections 6 (RGB images) and 18 (ExtraSamples: 2 is alpha that is not multiplied into the others);
        BigTIFF (64-bit offsets) as libtiff 4 reads it.

    Example:
        >>> len(header(1, 1))
        232
    """
    lines = max(1, min(LINES, STRIP_BYTES // (width * channels)))
    count = -(-height // lines)
    strip = lines * width * channels
    tags = 10 if channels == RGB else 11
    arrays = 16 + 8 + 20 * tags + 8
    data = arrays + (16 * count if count > 1 else 0)
    sizes = [min(strip, height * width * channels - number * strip) for number in range(count)]
    offsets = [data + number * strip for number in range(count)]
    fields = [
        (256, LONG, 1, width),
        (257, LONG, 1, height),
        (258, SHORT, channels, sum(8 << 16 * sample for sample in range(channels))),  # bits of each sample
        (259, SHORT, 1, 1),  # no compression
        (262, SHORT, 1, 2),  # RGB
        (273, LONG8, count, arrays if count > 1 else offsets[0]),
        (277, SHORT, 1, channels),  # samples of a pixel
        (278, LONG, 1, lines),
        (279, LONG8, count, arrays + 8 * count if count > 1 else sizes[0]),
        (284, SHORT, 1, 1),  # the samples of a pixel lie together
        (338, SHORT, 1, 2),  # the fourth sample is alpha
    ][:tags]
    directory = b"".join(struct.pack("<HHQQ", *field) for field in fields)
    head = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, tags) + directory + struct.pack("<Q", 0)
    return head + (struct.pack(f"<{2 * count}Q", *offsets, *sizes) if count > 1 else b"")
