"""A first look at an uploaded picture's header, so that plain mistakes are answered at once. No pixel is decoded."""

import os
from contextlib import suppress
from io import BytesIO
from typing import IO

import imagesize

from models import rules
from models.errors import EmptyFile, InvalidOrder, NotAPicture, TooLarge, TooManyPixels
from models.grid import cut
from models.orders import MAX_PICTURE_PIXELS, MosaicOrder

HEAD_BYTES = 16
HEADER_BYTES = 1 << 20
"""How far into a file its size is looked for."""
SIGNATURES = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"BM",
)
"""First bytes of JPEG (T.81 B.1.1.3), PNG (3rd edition 5.2), GIF, TIFF 6.0 (section 2), BigTIFF and BMP."""
TELLING = (b"\xff\xd8\xff", b"GIF8", b"BM")
"""Formats whose orientation the header tells: by Exif in JPEG, and none in GIF and BMP."""


def judge(file: IO[bytes], name: str, max_bytes: int, order: MosaicOrder, tile_count: int) -> None:
    """Refuse what its length or its header already shows to be of no use for an order; the worker judges the rest.

    Raises:
        EmptyFile: there is not a byte.
        TooLarge: more bytes than `max_bytes`.
        NotAPicture: the first bytes belong to no format that Tessera reads.
        TooManyPixels: the header promises more pixels than the limit.
        InvalidOrder: the order does not fit a picture of this size, or its rules so few tiles.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not size:
        raise EmptyFile(f"{name} is empty.")
    if size > max_bytes:
        raise TooLarge(f"{name} has {size:,} bytes; the limit for one picture is {max_bytes:,}.")
    if not head.startswith(SIGNATURES) and not (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        raise NotAPicture(
            f"{name} is not a picture in a format that Tessera reads (JPEG, PNG, WebP, GIF, TIFF, BMP)."
        )
    width, height = _size(file)
    if width * height > MAX_PICTURE_PIXELS:
        raise TooManyPixels(
            f"{name} has {width:,} x {height:,} = {width * height:,} pixels; the limit is {MAX_PICTURE_PIXELS:,}."
        )
    if width and height:
        _fit((width, height), order, tile_count, turned=not head.startswith(TELLING))


def _fit(size: tuple[int, int], order: MosaicOrder, tile_count: int, *, turned: bool) -> None:
    """Refuse an order that does not fit; where the header may hide a quarter turn, one that fits neither way."""
    try:
        _check(size, order, tile_count)
    except InvalidOrder:
        if not turned:
            raise
        with suppress(InvalidOrder):
            _check(size[::-1], order, tile_count)
            return
        raise


def _check(size: tuple[int, int], order: MosaicOrder, tile_count: int) -> None:
    rules.of_order(order, size, cut(*size, order), tile_count)


def _size(file: IO[bytes]) -> tuple[int, int]:
    """Return width and height by the header; 0 x 0 where it does not say, which the worker will find out."""
    try:
        width, height = imagesize.get(BytesIO(file.read(HEADER_BYTES)))
    except Exception:  # noqa: BLE001 - a header that this parser cannot read is judged by the real decoder
        width, height = 0, 0
    file.seek(0)
    return max(width, 0), max(height, 0)
