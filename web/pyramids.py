"""Zoom pyramids: a tile is read by its range out of the zip in which the store keeps them all.

Source:
    Deep Zoom, as its viewers read it: NAME.dzi describes the picture, and NAME_files/LEVEL/COLUMN_ROW.SUFFIX are its
    tiles. Level 0 is one pixel; each further one is twice as large, and the last is the picture itself.
"""

import io
import re
import struct
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from typing import IO, NamedTuple

from models.errors import NotFound, NotReady
from models.storage import Store

DESCRIPTION = ".dzi"
TILE = re.compile(r"(\d+)/(\d+)_(\d+)\.\w+")
LOCAL_HEADER = struct.Struct("<26x2H")
"""Of a file in a zip: the last two numbers are the lengths of what follows, its name and its extra field.
Source: PKWARE APPNOTE 4.3.7."""
EXTRA_BYTES = 64
"""Room for the extra field of a tile; libvips writes less."""
MOST_TILES = 400_000
"""Of one pyramid, some 20 gigapixels: the places of so many take 60 MB."""
TAIL_BYTES = 1 << 16
"""In which the end of a pyramid's zip lies: it has a short comment."""
KEPT = 4
"""Pyramids whose places are kept in memory."""

Place = tuple[int, int, int]


class Pyramid(NamedTuple):
    """What is known of a pyramid.

    Attributes:
        description: The file that says how large the picture and its tiles are, as viewers read it.
        tiles: Where each lies, by level, column and row: the number of its first byte with what stands before it, and
            how many bytes it has at most with that.
    """

    description: bytes
    tiles: Mapping[Place, tuple[int, int]]


@lru_cache(KEPT)
def opened(store: Store, key: str) -> Pyramid:
    """Return what is known of the pyramid under a key whose bytes never change.

    Raises:
        NotReady: it has too many tiles to be shown.
    """
    with store.open(key) as file:
        if _entry_count(file) > MOST_TILES:
            raise NotReady("This pyramid is too large to be shown here; download it.")
        zipped = zipfile.ZipFile(file)
        entries = zipped.infolist()
        description = next(entry for entry in entries if entry.filename.endswith(DESCRIPTION))
        begins = description.filename.removesuffix(DESCRIPTION) + "_files/"
        tiles = {}
        for entry in entries:
            if entry.filename.startswith(begins) and (found := TILE.fullmatch(entry.filename, len(begins))):
                length = LOCAL_HEADER.size + len(entry.filename.encode()) + EXTRA_BYTES + entry.file_size
                tiles[int(found[1]), int(found[2]), int(found[3])] = entry.header_offset, length
        return Pyramid(zipped.read(description), tiles)


def _entry_count(file: IO[bytes]) -> int:
    """Return how many files a zip says that it has, without reading its directory.

    Source:
        PKWARE APPNOTE 4.3.14 and 4.3.16: the end record, and that of ZIP64, which comes before it.
    """
    file.seek(max(0, file.seek(0, io.SEEK_END) - TAIL_BYTES))
    tail = file.read()
    count: int = struct.unpack_from("<H", tail, tail.rindex(b"PK\5\6") + 10)[0]
    large = tail.rfind(b"PK\6\6")
    return count if large < 0 else int(struct.unpack_from("<Q", tail, large + 32)[0])


def tile(store: Store, key: str, place: Place) -> bytes:
    """Return a tile's file: one request to the store, once the places are known.

    Raises:
        NotFound: there is no such tile.
    """
    where = opened(store, key).tiles.get(place)
    if where is None:
        raise NotFound("There is no such tile.")
    data = store.get_range(key, *where)
    name, extra = LOCAL_HEADER.unpack_from(data)
    begin = LOCAL_HEADER.size + name + extra
    size = where[1] - LOCAL_HEADER.size - name - EXTRA_BYTES
    return data[begin : begin + size]
