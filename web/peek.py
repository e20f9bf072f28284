"""A first look at an uploaded picture's header, so that plain mistakes are answered at once. No pixel is decoded."""

import os
from contextlib import suppress
from io import BytesIO
from typing import IO

import imagesize

from models import rules, signatures
from models.errors import EmptyFile, InvalidOrder, TooLarge, TooManyPixels
from models.grid import cut
from models.orders import MAX_PICTURE_PIXELS, MosaicOrder

HEADER_BYTES = 1 << 20
"""How far into a file its size is looked for."""
TELLING = (b"\xff\xd8\xff", b"GIF8", b"BM")
"""Formats whose orientation the header tells: by Exif in JPEG, and none in GIF and BMP."""
CROPPED = ("AVIF", "HEIC")
"""Formats of which a part may be shown, so that the size in the header decides on the limit alone."""


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
    head = file.read(signatures.HEAD_BYTES)
    file.seek(0)
    if not size:
        raise EmptyFile(f"{name} is empty.")
    if size > max_bytes:
        raise TooLarge(f"{name} has {size:,} bytes; the limit for one picture is {max_bytes:,}.")
    kind = signatures.kind(head)
    if kind is None:
        raise signatures.refusal(name, signatures.other(head))
    width, height = _size(file)
    if width * height > MAX_PICTURE_PIXELS:
        raise TooManyPixels(
            f"{name} has {width:,} x {height:,} = {width * height:,} pixels; the limit is {MAX_PICTURE_PIXELS:,}."
        )
    if width and height and kind not in CROPPED:
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
