"""Zoom pyramids: a zip of stored JPEG tiles in levels, each half as large as the next, as DeepZoom names them.

libvips writes them, with the moment of writing in two entries at the end. `finish` takes that out, so that the same
mosaic gives the same bytes, and marks the file as ours in the zip's comment.

Source: PKWARE, APPNOTE 6.3.10: 4.3.7, local header; 4.3.9, data descriptor; 4.3.12, central directory; 4.3.16, its
end; 4.5.3, ZIP64. Names of the tiles: Microsoft, Deep Zoom file format overview.
"""

import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.rules import file_types
from models.rules.formats import PYRAMID_NAME, PYRAMID_OVERLAP, PYRAMID_TILE
from worker.libvips import pyvips

ENTRY = struct.Struct("<4s6H3I5H2I")
ENTRY_MARK = b"PK\1\2"
LOCAL_BYTES = 30
BEYOND = 0xFFFFFFFF
"""What stands for an offset that is in a ZIP64 field."""
DATED = 2
"""How many entries at the end have a date."""
TAIL_BYTES = 4_096
"""In which the directory's last two entries and its end are."""
TILE = re.compile(rf"{PYRAMID_NAME}/{PYRAMID_NAME}_files/(\d+)/(\d+)_(\d+)\.jpg")
"""Level, column and row."""
DATE = re.compile(rb'(?<= date=")[^"]*')


def finish(file: BinaryIO) -> None:
    """Take the dates out of a pyramid that libvips wrote, and mark it as ours."""
    size = file.seek(0, 2)
    start = max(0, size - TAIL_BYTES)
    file.seek(start)
    tail, at = file.read(), size - start
    for _ in range(DATED):
        at = tail.rindex(ENTRY_MARK, 0, at)
        _undate(file, tail[at:], start + at)
    file.seek(size - 2)
    file.write(struct.pack("<H", len(file_types.XMP)) + file_types.XMP)


def _undate(file: BinaryIO, entry: bytes, place: int) -> None:
    """Replace the digits of a date in the data of an entry by zeros, and its checksums.

    Args:
        file: The zip.
        entry: What begins with the entry of the directory.
        place: Where that is in the file.
    """
    *_, stored, _, name, extra, _, _, _, _, offset = ENTRY.unpack_from(entry)
    if offset == BEYOND:  # the last of the numbers in the only extra field
        (offset,) = struct.unpack_from("<Q", entry, ENTRY.size + name + extra - 8)
    file.seek(offset)
    data = offset + LOCAL_BYTES + sum(struct.unpack("<2H", file.read(LOCAL_BYTES)[-4:]))
    file.seek(data)
    plain = DATE.sub(lambda date: re.sub(rb"\d", b"0", date[0]), file.read(stored))
    checksum = struct.pack("<I", zlib.crc32(plain))
    for position, changed in ((data, plain), (data + stored + 4, checksum), (place + 16, checksum)):
        file.seek(position)
        file.write(changed)


def joined(path: Path, side: int) -> NDArray[np.uint8]:
    """Return (h, w, 3) pixels of the level of a pyramid that has at most the next power of two a side.

    Args:
        path: The pyramid.
        side: Pixels of the longer side: no more than twice as many are returned, nor fewer than half, if there are.
    """
    with zipfile.ZipFile(path) as pyramid:
        places = [tuple(map(int, found.groups())) for found in map(TILE.fullmatch, pyramid.namelist()) if found]
        level = min(max(place[0] for place in places), (side - 1).bit_length())
        tiles = [(place[1:], _tile(pyramid, place)) for place in places if place[0] == level]
    step = PYRAMID_TILE
    corners = [
        (max(0, row * step - PYRAMID_OVERLAP), max(0, column * step - PYRAMID_OVERLAP), tile)
        for (column, row), tile in tiles
    ]
    height = max(top + len(tile) for top, _, tile in corners)
    width = max(left + tile.shape[1] for _, left, tile in corners)
    whole = np.empty((height, width, 3), np.uint8)
    for top, left, tile in corners:
        whole[top : top + len(tile), left : left + tile.shape[1]] = tile
    return whole


def _tile(pyramid: zipfile.ZipFile, place: tuple[int, ...]) -> NDArray[np.uint8]:
    level, column, row = place
    data = pyramid.read(f"{PYRAMID_NAME}/{PYRAMID_NAME}_files/{level}/{column}_{row}.jpg")
    pixels: NDArray[np.uint8] = pyvips.Image.jpegload_buffer(data).numpy()
    return pixels
