"""Pictures laid out byte by byte from their samples, so that what is right is known without any library.

Sources: TIFF 6.0; PNG (3rd edition); BITMAPINFOHEADER and its kin as Microsoft describes them.
"""

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

UINT, INT, FLOAT = 1, 2, 3
NONE, DEFLATE, PACKBITS = 1, 8, 32_773


@dataclass(frozen=True)
class Tiff:
    """How a TIFF is laid out."""

    photometric: int
    bits: int
    form: int = UINT
    planar: bool = False
    order: str = "<"
    big: bool = False
    tiled: bool = False
    compression: int = NONE
    extra: int | None = None
    more: dict[int, tuple[str, list[int]]] = field(default_factory=dict)


def packed(samples, bits, order):
    """Rows of samples as bytes, each row padded to a whole one."""
    if bits in (8, 16, 32, 64):
        return samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    rows = samples.reshape(len(samples), -1)
    spread = (rows[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(spread.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def squeezed(data, compression, row_bytes):
    if compression == DEFLATE:
        return zlib.compress(data)
    if compression == PACKBITS:  # literal runs of at most 128 bytes, none of them across rows
        rows = [data[at : at + row_bytes] for at in range(0, len(data), row_bytes)]
        parts = [row[at : at + 128] for row in rows for at in range(0, len(row), 128)]
        return b"".join(bytes([len(part) - 1]) + part for part in parts)
    return data


def pieces(plane, how):
    """The tiles or strips of (h, w, c) samples, each as bytes."""
    if how.tiled:
        height, width = (-side % 16 for side in plane.shape[:2])
        plane = np.pad(plane, ((0, height), (0, width), (0, 0)))
        cuts = [
            plane[top : top + 16, left : left + 16]
            for top in range(0, plane.shape[0], 16)
            for left in range(0, plane.shape[1], 16)
        ]
    else:
        cuts = [plane[top : top + 5] for top in range(0, plane.shape[0], 5)]
    found = []
    for cut in cuts:
        data = packed(np.ascontiguousarray(cut), how.bits, how.order)
        found.append(squeezed(data, how.compression, len(data) // len(cut)))
    return found


def tiff(samples, how):
    """(h, w, c) samples as a TIFF."""
    height, width, count = samples.shape
    planes = [samples[:, :, each : each + 1] for each in range(count)] if how.planar else [samples]
    found = [piece for plane in planes for piece in pieces(plane, how)]
    start, offsets, body = 16 if how.big else 8, [], b""
    for piece in found:
        offsets.append(start + len(body))
        body += piece + bytes(-len(piece) % 2)
    where, sizes = (324, 325) if how.tiled else (273, 279)
    tags = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [how.bits] * count), 259: ("H", [how.compression]),
        262: ("H", [how.photometric]), where: ("I", offsets), 277: ("H", [count]),
        sizes: ("I", [len(piece) for piece in found]),
        284: ("H", [2 if how.planar else 1]), 339: ("H", [how.form] * count),
    }  # fmt: skip
    tags |= {322: ("H", [16]), 323: ("H", [16])} if how.tiled else {278: ("I", [5])}
    if how.extra is not None:
        tags[338] = ("H", [how.extra])
    return with_directory(body, tags | how.more, how)


def with_directory(body, tags, how):
    count, number, room, head = ("Q", "Q", 8, 16) if how.big else ("H", "I", 4, 8)
    at = head + len(body)
    base = at + struct.calcsize("<" + count) + (20 if how.big else 12) * len(tags) + room
    entries = tail = b""
    for tag, (form, values) in sorted(tags.items()):
        raw = struct.pack(f"{how.order}{len(values)}{form}", *values)
        inline = raw.ljust(room, b"\0")
        if len(raw) > room:
            inline = struct.pack(how.order + number, base + len(tail))
            tail += raw + bytes(-len(raw) % 8)
        kind = {"B": 1, "H": 3, "I": 4}[form]
        entries += struct.pack(f"{how.order}HH{number}", tag, kind, len(values)) + inline
    mark = b"II" if how.order == "<" else b"MM"
    version = struct.pack(how.order + "HHH", 43, 8, 0) if how.big else struct.pack(how.order + "H", 42)
    start = mark + version + struct.pack(how.order + number, at)
    return start + body + struct.pack(how.order + count, len(tags)) + entries + bytes(room) + tail


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(samples, colour_type, bits, chunks=()):
    """(h, w, c) samples as a PNG; `chunks` come before its pixels, as pairs of kind and body."""
    height, width, _ = samples.shape
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    lines = b"".join(b"\0" + packed(row[None], bits, ">") for row in samples)
    between = b"".join(chunk(*each) for each in chunks)
    pixels = chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + between + pixels + chunk(b"IEND", b"")


def bmp(values, bits, masks=(), palette=(), *, top_down=False, header=40):
    """(h, w) pixel values as a bitmap; with masks it has bit fields."""
    height, width = values.shape
    rows = values if top_down else values[::-1]
    if bits == 24:
        lines = [row.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes() for row in rows]
    elif bits in (16, 32):
        lines = [row.astype(f"<u{bits // 8}").tobytes() for row in rows]
    else:
        lines = [packed(row[None, :, None], bits, "<") for row in rows]
    body = b"".join(line + bytes(-len(line) % 4) for line in lines)
    colours = b"".join(bytes([b, g, r]) + (b"" if header == 12 else b"\0") for r, g, b in palette)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        fields = width, -height if top_down else height, 1, bits, 3 if masks else 0, len(body), 0, 0, len(palette), 0
        info = struct.pack("<IiiHHIIiiII", header, *fields)
        info = (info + b"".join(struct.pack("<I", mask) for mask in masks)).ljust(header, b"\0")
    start = 14 + len(info) + len(colours)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + colours + body
