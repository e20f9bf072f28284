"""The header of an uncompressed TIFF, after which the pixels can be written as they are made."""

import struct

LINES = 16
"""Lines of pixels in a strip."""
SHORT, LONG, LONG8 = 3, 4, 16


def header(width: int, height: int) -> bytes:
    """Return the BigTIFF header after which the (height, width, 3) bytes of an sRGB picture follow, row by row.

    Source:
        TIFF 6.0, section 6 (RGB images); BigTIFF (64-bit offsets) as libtiff 4 reads it.

    Example:
        >>> len(header(1, 1))
        232
    """
    count = -(-height // LINES)
    strip = LINES * width * 3
    tags = 10
    arrays = 16 + 8 + 20 * tags + 8
    data = arrays + (16 * count if count > 1 else 0)
    sizes = [min(strip, height * width * 3 - number * strip) for number in range(count)]
    offsets = [data + number * strip for number in range(count)]
    fields = [
        (256, LONG, 1, width),
        (257, LONG, 1, height),
        (258, SHORT, 3, 8 | 8 << 16 | 8 << 32),  # bits of each sample
        (259, SHORT, 1, 1),  # no compression
        (262, SHORT, 1, 2),  # RGB
        (273, LONG8, count, arrays if count > 1 else offsets[0]),
        (277, SHORT, 1, 3),  # samples of a pixel
        (278, LONG, 1, LINES),
        (279, LONG8, count, arrays + 8 * count if count > 1 else sizes[0]),
        (284, SHORT, 1, 1),  # the samples of a pixel lie together
    ]
    directory = b"".join(struct.pack("<HHQQ", *field) for field in fields)
    head = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, tags) + directory + struct.pack("<Q", 0)
    return head + (struct.pack(f"<{2 * count}Q", *offsets, *sizes) if count > 1 else b"")
