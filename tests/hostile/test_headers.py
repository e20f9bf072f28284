"""Headers that send their reader about: a first look at them costs next to nothing, whatever they say."""

import struct
import tracemalloc
from io import BytesIO
from time import process_time

import pytest

from models.errors import InvalidOrder, UnusablePicture
from models.rules.lattices import Effort
from models.rules.orders import MosaicOrder
from models.rules.repeats import QUICK
from web import precheck

MEBIBYTE = 1 << 20
SECONDS, MEBIBYTES = 0.5, 8
"""Bounds with generous room: a look takes milliseconds, and a first copy of the header is one MiB."""


def box(kind, *parts):
    """A box of the ISO base media file format. Source: ISO/IEC 14496-12, 4.2."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def heif(*children, brand=b"heic"):
    return box(b"ftyp", brand, bytes(4), b"mif1", brand) + box(b"meta", bytes(4), *children)


def padded(head, unit, length=MEBIBYTE):
    return head + unit * ((length - len(head)) // len(unit))


def exif(entries):
    """An Exif segment whose directory names no orientation."""
    directory = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, entries) + struct.pack(">HHII", 1, 3, 1, 0) * entries
    return b"\xff\xe1" + struct.pack(">H", len(directory) + 2) + directory


ISPE = box(b"ispe", bytes(4), struct.pack(">II", 8, 8))
EMPTY_EXTENTS = [struct.pack(">HHH", number, 0, 0xFFFF) for number in range(200)]
ILOC = box(b"iloc", bytes(4), b"\0\0", struct.pack(">H", 200), *EMPTY_EXTENTS)
HOSTILE = {
    "heic-iloc-of-no-width": heif(ILOC),
    "avif-iloc-of-no-width": heif(ILOC, brand=b"avif"),
    "heic-many-boxes": padded(heif(), box(b"free")),
    "heic-many-properties": heif(box(b"iprp", box(b"ipco", ISPE * 40_000))),
    "heic-many-associations": heif(
        box(b"iprp", box(b"ipma", b"\1\0\0\0", struct.pack(">I", 200_000), b"".join(
            struct.pack(">IB", number, 0) for number in range(200_000)
        )))
    ),
    "heic-many-infe": heif(
        box(b"iinf", bytes(4), b"\xff\xff", box(b"infe", b"\2\0\0\0", bytes(4), b"Exif") * 40_000)
    ),
    "heic-many-brands": box(b"ftyp", b"heic", bytes(4), b"none" * 250_000),
    "mif1-many-brands": box(b"ftyp", b"mif1", bytes(4), b"none" * 250_000),
    "jp2-many-boxes": padded(box(b"jP  ", b"\r\n\x87\n"), box(b"free")),
    "jp2-many-boxes-within": box(b"jP  ", b"\r\n\x87\n") + box(b"jp2h", box(b"free") * 120_000),
    "jp2-large-boxes": padded(box(b"jP  ", b"\r\n\x87\n"), struct.pack(">I4sQ", 1, b"free", 16)),
    "jpeg-no-marker": padded(b"\xff\xd8\xff\xe0\0\2", b"\0"),
    "jpeg-fill-bytes": padded(b"\xff\xd8\xff", b"\xff"),
    "jpeg-restarts": padded(b"\xff\xd8\xff", b"\xff\xd0"),
    "jpeg-empty-segments": padded(b"\xff\xd8", b"\xff\xe2\0\2"),
    "jpeg-many-exifs": padded(b"\xff\xd8", exif(5_000)),
    "tiff-many-entries": padded(b"II*\0" + struct.pack("<IH", 8, 0xFFFF), struct.pack("<HHII", 1, 3, 1, 0)),
    "tiff-endless-entries": padded(
        b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 2**63), struct.pack("<HHQQ", 1, 3, 1, 0)
    ),
    "tiff-far-directory": b"II+\0" + struct.pack("<HHQQ", 8, 0, 2**64 - 1, 1),
    "png-no-header": padded(b"\x89PNG\r\n\x1a\n", b"\0\0\0\0tEXt\0\0\0\0"),
    "webp-no-chunk": padded(b"RIFF\xff\xff\xff\xffWEBP", b"\0"),
    "gif-no-end": padded(b"GIF89a", b"\xff"),
    "bmp-no-end": padded(b"BM", b"\xff"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_header_made_to_do_harm_costs_a_look_next_to_nothing(name, record_property):
    file, order = BytesIO(HOSTILE[name]), MosaicOrder(cells_across=1)
    tracemalloc.start()
    began = process_time()
    try:
        precheck.judge(file, "photo", 1 << 30, order, 1_000, Effort(QUICK))
    except (InvalidOrder, UnusablePicture) as refusal:
        record_property("refusal", str(refusal))
    seconds = process_time() - began
    mebibytes = tracemalloc.get_traced_memory()[1] / MEBIBYTE
    tracemalloc.stop()
    record_property("seconds", round(seconds, 4))
    record_property("mebibytes", round(mebibytes, 2))
    assert seconds < SECONDS
    assert mebibytes < MEBIBYTES
