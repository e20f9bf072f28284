"""Checks an uploaded picture's header, so that obvious mistakes are answered at once. No pixel is decoded."""

import os
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import IO, NamedTuple

import imagesize

from models.errors import EmptyFile, InvalidOrder, TooLarge, TooManyPixels
from models.rules import file_types, masks, repeats
from models.rules.grid import cut
from models.rules.lattices import Effort, Tired
from models.rules.order_words import LARGEST, MAX_PICTURE_PIXELS, Limits
from models.rules.orders import MosaicOrder

HEADER_BYTES = 1 << 20
"""How many bytes of a file are searched for its size."""
BOXED = ("AVIF", "HEIC", "JPEG 2000")
"""Formats made of nested boxes: the size is in a small one, and the orientation is not looked for."""
MOVES, READ_BYTES, BOXED_BYTES = 2_000, 256 << 10, 16 << 10
"""The most reads and seeks for one header, and the most bytes that are read; far fewer for formats made of boxes."""
UPRIGHT_KNOWN = (b"\xff\xd8\xff", b"GIF8", b"BM")
"""Formats whose orientation is known from the header: JPEG has it in Exif, GIF and BMP have none."""
CROPPED = ("AVIF", "HEIC")
"""Formats that may show only a part of the picture, so that the header's size serves for the pixel limit only."""


class Size(NamedTuple):
    """What the header of a picture tells of its size.

    Attributes:
        width: In pixels.
        height: In pixels.
        known: Whether the picture has that size.
        sideways: Whether width and height may have to be exchanged.
    """

    width: int
    height: int
    known: bool
    sideways: bool


def judge(
    file: IO[bytes],
    name: str,
    max_bytes: int,
    order: MosaicOrder,
    tile_count: int,
    effort: Effort,
    limits: Limits = LARGEST,
) -> Size:
    """Refuse a picture whose length or header shows that it cannot be used for an order; the worker checks the rest.

    `effort` limits the search for whether the rules can be kept; what is undecided then is left to the worker.
    `limits` are of the mosaic.

    Returns:
        The picture's width and height as far as its header tells.

    Raises:
        EmptyFile: it has no bytes.
        TooLarge: it has more bytes than `max_bytes`.
        NotAPicture: it is in no format that Tessera reads.
        TooManyPixels: by the header, it has more pixels than the limit.
        InvalidOrder: the order does not fit a picture of this size, or its rules cannot be kept with so few tiles.
    """
    size = measured(file, name, max_bytes)
    check(size, order, tile_count, effort, limits)
    return size


def check(size: Size, order: MosaicOrder, tile_count: int, effort: Effort, limits: Limits = LARGEST) -> None:
    """Refuse an order that does not fit a target of this size, as far as that is known; as `judge`.

    Raises:
        InvalidOrder: it does not fit, or its rules cannot be kept with so few tiles.
    """
    if not size.known:
        return

    def checked(size: tuple[int, int]) -> None:
        cells = cut(*size, order, limits)
        if not order.adaptive:  # else how many cells there are is seen in the pixels
            with suppress(Tired):
                repeats.of_order(order, size, cells, tile_count, effort)

    _fit((size.width, size.height), checked, sideways=size.sideways)


def judge_mask(file: IO[bytes], name: str, max_bytes: int, target: Size) -> None:
    """Refuse a mask whose length or header shows that it cannot be used for a target.

    Raises:
        EmptyFile, TooLarge, NotAPicture, TooManyPixels: as `judge`.
        InvalidOrder: it is of another shape than the target.
    """
    size = measured(file, name, max_bytes)
    if size.known and target.known:
        _fit(
            (size.width, size.height),
            lambda found: masks.check_shape(found, (target.width, target.height)),
            sideways=size.sideways or target.sideways,
        )


def size_in_head(head: bytes) -> tuple[int, int] | None:
    """Return the width and height of a picture by the beginning of its file; None if that does not tell."""
    kind = file_types.kind(head)
    size = _size(BytesIO(head), kind) if kind else (0, 0)
    return size if all(size) else None


def measured(file: IO[bytes], name: str, max_bytes: int) -> Size:
    """Return the size of a picture as its header tells it, or refuse the picture.

    Raises:
        EmptyFile, TooLarge, NotAPicture, TooManyPixels: as `judge`.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(file_types.HEAD_BYTES)
    file.seek(0)
    if not size:
        raise EmptyFile(f"{name} is empty.")
    if size > max_bytes:
        raise TooLarge(f"{name} has {size:,} bytes; the limit for one picture is {max_bytes:,}.")
    kind = file_types.kind(head)
    if kind is None:
        raise file_types.refusal(name, file_types.other(head))
    width, height = _size(file, kind)
    if width * height > MAX_PICTURE_PIXELS:
        raise TooManyPixels(
            f"{name} has {width:,} x {height:,} = {width * height:,} pixels; the limit is {MAX_PICTURE_PIXELS:,}."
        )
    return Size(
        width, height, known=bool(width and height) and kind not in CROPPED,
        sideways=not head.startswith(UPRIGHT_KNOWN),
    )  # fmt: skip


def _fit(size: tuple[int, int], check: Callable[[tuple[int, int]], None], *, sideways: bool) -> None:
    """Refuse an order that does not fit; if the picture may have to be rotated, only one that fits neither way."""
    try:
        check(size)
    except InvalidOrder:
        if not sideways:
            raise
        with suppress(InvalidOrder):
            check(size[::-1])
            return
        raise


class _Budget(BytesIO):
    """The beginning of a file, with a limit on reads and bytes, however often its header sends a reader around."""

    def __init__(self, data: bytes, most_bytes: int) -> None:
        super().__init__(data)
        self._moves, self._bytes = MOVES, most_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        """Read from the position.

        Raises:
            ValueError: the budget is used up.
        """
        data = super().read(size)
        self._spend(len(data))
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the position.

        Raises:
            ValueError: the budget is used up.
        """
        self._spend(0)
        return super().seek(offset, whence)

    def _spend(self, count: int) -> None:
        self._moves, self._bytes = self._moves - 1, self._bytes - count
        if self._moves < 0 or self._bytes < 0:
            raise ValueError("a header that costs this much to read is no header")


def _size(file: IO[bytes], kind: str) -> tuple[int, int]:
    """Return width and height by the header; 0 x 0 if they cannot be found, which is left to the worker."""
    boxed = kind in BOXED
    data = file.read(HEADER_BYTES)
    file.seek(0)
    if _misread(data):
        return 0, 0
    head = _Budget(data, BOXED_BYTES if boxed else READ_BYTES)
    # -1 x -1 if it cannot read the header, or not within the budget.
    width, height = imagesize.get(head, exif_rotation=not boxed)
    return max(width, 0), max(height, 0)


def _misread(data: bytes) -> bool:
    """Whether imagesize reads too many bits as the size: a BMP of OS/2 has 16 of them, a lossy WebP 14.

    Source: BITMAPCOREHEADER, 12 bytes long; RFC 6386, 9.1: the upper two bits say how to scale the picture.
    """
    of_os2 = data.startswith(b"BM") and data[14:18] == b"\x0c\0\0\0"
    scaled = data[12:16] == b"VP8 " and any(byte & 0xC0 for byte in data[27:30:2])
    return of_os2 or scaled
