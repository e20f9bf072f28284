"""Decodes pictures to arrays, and encodes arrays: the door to Pillow, with `headers` and `srgb` behind it.

Every decoded picture is upright, in sRGB with eight bits and no alpha, the first frame only, without metadata.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from math import ceil, floor, sqrt
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import DamagedPicture, TruncatedPicture
from models.rules.grid import Grid
from models.rules.order_words import MAX_PHOTO_PIXELS, MAX_PICTURE_PIXELS, MAX_STREAMED_PIXELS
from worker.core import lattice
from worker.core.fitted import Fitted
from worker.core.windows import STEPS, Window
from worker.decoding import headers, plain_jpeg, second_reader, srgb

TILE_QUALITY, PREVIEW_QUALITY = 92, 80
PREVIEW_SIDE = 160
TARGET_SIDE, TARGET_QUALITY = 1_600, 85
"""Longest side in pixels of the small picture that pages show of a photo."""
LOSSLESS, LOSSY_TIFF = {"PNG", "GIF", "BMP", "TIFF"}, {"jpeg", "tiff_jpeg", "webp"}
Enough = Callable[[tuple[int, int]], tuple[int, int] | None]
"""Takes a picture's width and height; returns the smallest ones that must be decoded, or None for every pixel."""
Convert = Callable[[Image.Image], Image.Image]
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Prepared:
    """All that is kept of a photo, made by decoding it once.

    Attributes:
        thumb: (side, side, 3) area averages of the whole photo, sRGB, 0 to 255.
        size: Width and height in pixels of the photo in its file, upright.
        tile: The normalised photo as a file, JPEG or PNG; None if none was asked for.
        preview: A JPEG file of at most `PREVIEW_SIDE` pixels a side.
    """

    thumb: NDArray[np.uint8]
    size: tuple[int, int]
    tile: bytes | None
    preview: bytes


class Decoder(Protocol):
    """Decodes bytes to pixels: this module, or a `worker.decoding.sandbox.Sandbox`, which calls it under limits."""

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """As `images.decode`: (H, W, 3) pixels."""
        ...

    def tiles(self, data: bytes, width: int, height: int, windows: Sequence[Window]) -> NDArray[np.uint8]:
        """As `images.tiles`: (n, height, width, 3) pixels."""
        ...

    def thumb(self, data: bytes, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """As `images.thumb`: (side, side, 3) pixels, and width and height."""
        ...

    def prepared(self, data: bytes, side: int, edge: int) -> Prepared:
        """As `images.prepared`."""
        ...

    def mask(self, data: bytes) -> NDArray[np.uint8]:
        """As `images.mask`: (H, W), 0 to 255."""
        ...

    def alpha(self, data: bytes) -> NDArray[np.uint8]:
        """As `images.alpha`: (H, W), 0 to 255."""
        ...


def decode(
    data: bytes, at_least: tuple[int, int] | None = None, max_pixels: int = MAX_PICTURE_PIXELS
) -> NDArray[np.uint8]:
    """Return a picture's pixels.

    Args:
        data: A file in one of the formats of `file_types.READ`.
        at_least: If the format allows it (JPEG), decode at the smallest scale that has at least this width and
            height; None for every pixel.
        max_pixels: Largest width x height, judged from the header before a pixel is decoded.

    Returns:
        (H, W, 3) sRGB, 0 to 255.

    Raises:
        UnusablePicture: empty, in no known format, too large, truncated or damaged.
    """
    return np.asarray(_decoded(data, at_least, max_pixels))


def alpha(data: bytes) -> NDArray[np.uint8]:
    """Return how opaque the pixels of a picture are: (H, W), 0 to 255.

    Raises:
        UnusablePicture: as `decode`.
    """
    return np.asarray(_decoded_for(data, lambda _: None, MAX_PICTURE_PIXELS, srgb.opacity).image)


def size(data: bytes) -> tuple[int, int]:
    """Return a picture's upright width and height, from its header alone.

    Raises:
        UnusablePicture: empty, in no known format, or too large.
    """
    try:
        return _size_by_pillow(data)
    except DamagedPicture as error:
        if (mended := second_reader.mended(data, error)) is not None:
            return _size_by_pillow(mended)
        return second_reader.size(data, MAX_PICTURE_PIXELS, error)


def tiles(data: bytes, width: int, height: int, windows: Sequence[Window]) -> NDArray[np.uint8]:
    """Return some windows of a photo as tiles, by decoding it once.

    It is decoded at the smallest scale at which every window has at least the pixels of a tile; a window that would
    need more than `MAX_PHOTO_PIXELS` of the whole photo has fewer.

    Args:
        data: A file in one of the formats of `file_types.READ`.
        width: Width of a tile.
        height: Height of a tile.
        windows: (n,) parts of the photo, each scaled to a tile.

    Returns:
        (n, height, width, 3) sRGB, 0 to 255.

    Raises:
        UnusablePicture: as `decode`.
    """
    at_least = enough_for(width, height, windows)
    image = plain_jpeg.decoded(data, at_least) or _decoded_for(data, lambda _: at_least, _most_pixels(data)).image
    laid = np.empty((len(windows), height, width, 3), np.uint8)
    for number, window in enumerate(windows):
        box = _box(window, image.size)
        laid[number] = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, box=box))
    return laid


def thumb(data: bytes, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return a whole photo squeezed to a (side, side, 3) square by area averages, and its width and height upright.

    A JPEG is decoded at a reduced scale, of at least twice `side` if the photo is that large.

    Raises:
        UnusablePicture: as `decode`.
    """
    if (plain := plain_jpeg.thumb(data, side)) is not None:
        pixels, size = plain
        return np.frombuffer(pixels, np.uint8).reshape(side, side, 3), size
    photo = _decoded_for(data, lambda _: (2 * side, 2 * side), _most_pixels(data))
    return np.asarray(photo.image.resize((side, side), Image.Resampling.BOX)), photo.size


def prepared(data: bytes, side: int, edge: int) -> Prepared:
    """Return all that is kept of a photo, by decoding it once, at the smallest scale that is enough.

    The tile is upright, in sRGB and without any metadata. It is a JPEG of quality 92 without chroma subsampling; or a
    PNG with exactly the photo's pixels, if the photo's file is lossless and no larger than `edge`.

    Args:
        data: A file in one of the formats of `file_types.READ`.
        side: Width and height of the thumb, in pixels.
        edge: Longest side of the tile, in pixels; a photo is never enlarged. 0 for no tile.

    Raises:
        UnusablePicture: as `decode`.
    """
    photo = _decoded_for(data, lambda size: _at_least(size, side, edge), _most_pixels(data))
    image = photo.image
    squeezed = np.asarray(image.resize((side, side), Image.Resampling.BOX))
    small = _within(image, edge, Image.Resampling.BICUBIC) if edge else image
    exact = photo.lossless and small is image
    tile = (_png(small) if exact else _jpeg(small, TILE_QUALITY, "4:4:4")) if edge else None
    preview = _within(small, PREVIEW_SIDE, Image.Resampling.HAMMING)
    return Prepared(squeezed, photo.size, tile, _jpeg(preview, PREVIEW_QUALITY, "4:2:0"))


def stretched(target: Fitted, width: int, height: int, lines: tuple[Fraction, Fraction]) -> NDArray[np.uint8]:
    """Return some lines of a target, resized to (height, width, 3) pixels.

    The lines just outside are taken into account, so that neighbouring results fit together.

    Args:
        target: The fitted target.
        width: Width of the result.
        height: Height of the result.
        lines: From which line, and up to which line; fractions are allowed.
    """
    top, bottom = lines
    reach = 2 * max(Fraction(1), (bottom - top) / height) + 1
    first, last = max(0, floor(top - reach)), min(len(target.pixels), ceil(bottom + reach))
    around = Image.fromarray(np.ascontiguousarray(target.pixels[first:last]))
    box = (0.0, float(top - first), float(target.width), float(bottom - first))
    return np.asarray(around.resize((width, height), Image.Resampling.BICUBIC, box=box))


def fitted(target: NDArray[np.uint8], grid: Grid) -> Fitted:
    """Return the part of an (H, W, 3) target that a grid shows; no pixel is copied or changed."""
    width, height = grid.target_size
    seen = target[grid.top : grid.top + ceil(height), grid.left : grid.left + ceil(width)]
    return Fitted(seen, width, height, lattice.of(grid.shape))


def recoloured(target: Fitted, table: NDArray[np.float32]) -> Fitted:
    """Return a target whose colours are looked up in a table, and interpolated between its entries.

    Args:
        target: The target.
        table: (n, n, n, 3) sRGB, 0 to 1, by blue, green and red.
    """
    from PIL import ImageFilter  # noqa: PLC0415 - few orders need it

    lookup = ImageFilter.Color3DLUT(table.shape[0], table.ravel())
    image = Image.fromarray(np.ascontiguousarray(target.pixels)).filter(lookup)
    return replace(target, pixels=np.asarray(image))


def resized(target: Fitted, width: int, height: int) -> NDArray[np.uint8]:
    """Return the visible part of a target, resized to (height, width, 3) pixels."""
    image = Image.fromarray(np.ascontiguousarray(target.pixels))
    box = (0.0, 0.0, float(target.width), float(target.height))
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, box=box))


def small(target: Fitted, width: int, height: int) -> bytes:
    """Return the visible part of a target as a JPEG of at most `TARGET_SIDE` pixels a side, given the shape."""
    image = Image.fromarray(np.ascontiguousarray(target.pixels))
    box = (0.0, 0.0, float(target.width), float(target.height))
    size = _size_within((width, height), TARGET_SIDE)
    return _jpeg(image.resize(size, Image.Resampling.HAMMING, box=box, reducing_gap=2.0), TARGET_QUALITY, "4:2:0")


def mask(data: bytes) -> NDArray[np.uint8]:
    """Return a picture laid on black, as grey: (H, W), 0 to 255.

    Raises:
        UnusablePicture: as `decode`.

    Source:
        Luma: ITU-R BT.601-7, as Pillow computes it.
    """
    on_white = np.asarray(_decoded(data, None, MAX_PICTURE_PIXELS).convert("L"))
    clear = 255 - alpha(data)
    laid: NDArray[np.uint8] = np.maximum(on_white, clear) - clear
    return laid


def averaged(mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an (H, W) mask in another size, by area averages; the same mask if it has that size."""
    if mask.shape[::-1] == size:
        return mask
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX))


def caption(lines: Sequence[str], width: int) -> NDArray[np.uint8]:
    """Return lines of text, dark on white, as (height, width, 3) pixels; the first one is the title."""
    from PIL import ImageDraw, ImageFont  # noqa: PLC0415 - only a contact sheet has letters

    size = max(12, width // 32)
    paper = Image.new("RGB", (width, round(1.4 * size * (len(lines) + 1))), "white")
    draw = ImageDraw.Draw(paper)
    for number, line in enumerate(lines):
        ink, scale = ("black", 1.2) if number == 0 else ("dimgray", 1.0)
        draw.text((0, 1.4 * size * (number + 0.3)), line, fill=ink, font=ImageFont.load_default(scale * size))
    return np.asarray(paper)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return (H, W, 3) pixels as a PNG file."""
    return _png(Image.fromarray(pixels))


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 90) -> bytes:
    """Return (H, W, 3) pixels as a JPEG file."""
    return _jpeg(Image.fromarray(pixels), quality, "4:2:0")


def _decoded(data: bytes, at_least: tuple[int, int] | None, max_pixels: int) -> Image.Image:
    return _decoded_for(data, lambda _: at_least, max_pixels).image


def _size_by_pillow(data: bytes) -> tuple[int, int]:
    with headers.translated(), headers.opened(data, MAX_PICTURE_PIXELS) as image:
        width, height = headers.shown_size(image)
        return (height, width) if headers.orientation_in_header(image) in headers.SIDEWAYS else (width, height)


class _Decoded(NamedTuple):
    """A photo, upright in sRGB; its size in the file, upright; and whether the file is lossless."""

    image: Image.Image
    size: tuple[int, int]
    lossless: bool


def _decoded_for(data: bytes, enough: Enough, max_pixels: int, convert: Convert = srgb.converted) -> _Decoded:
    """Decode a photo with Pillow where it can be trusted, and with libvips what Pillow cannot read.

    `enough` says which size must be decoded at least, and `convert` makes what is wanted of the pixels.
    """
    try:
        return _by_pillow(data, enough, max_pixels, convert)
    except (DamagedPicture, TruncatedPicture, second_reader.NotForPillow) as error:
        if (mended := second_reader.mended(data, error)) is not None:
            return _by_pillow(mended, enough, max_pixels, convert)
        image = second_reader.decoded(data, min(max_pixels, MAX_PICTURE_PIXELS), error)
    if enough(image.size) is not None:
        headers.check_size(image.size, MAX_PHOTO_PIXELS)
    with headers.translated():
        return _Decoded(convert(image), image.size, headers.kind_of(data) in LOSSLESS)


def _by_pillow(data: bytes, enough: Enough, max_pixels: int, convert: Convert) -> _Decoded:
    with headers.translated(), headers.opened(data, max_pixels) as image:
        second_reader.leave(image, data)
        sideways = headers.orientation_in_header(image) in headers.SIDEWAYS
        size = headers.shown_size(image)
        at_least = enough(size[::-1] if sideways else size)
        if at_least is not None:
            image.draft(None, at_least[::-1] if sideways else at_least)
            headers.check_size(image.size, MAX_PHOTO_PIXELS)
        lossless = _is_lossless(image, data)
        image.load()
        if not image.info.get("icc_profile"):
            image.info["icc_profile"] = headers.exif_profile(image)
        rgb = convert(image)
        if image.info.get("frame"):
            rgb = srgb.framed(rgb, image.info["frame"])
        if image.info.get("crop"):
            rgb = rgb.crop(image.info["crop"])
        orientation = headers.orientation(image)
        transpose = _UPRIGHT.get(orientation)
        rgb = rgb.transpose(transpose) if transpose is not None else rgb
        rgb.info = {}  # Pillow would write it into files
        return _Decoded(rgb, size[::-1] if orientation in headers.SIDEWAYS else size, lossless)


def _most_pixels(data: bytes) -> int:
    """Return the pixel limit for a photo that is decoded at a reduced scale: higher if it is decoded line by line."""
    return MAX_STREAMED_PIXELS if plain_jpeg.is_streamed(data) else MAX_PICTURE_PIXELS


def _is_lossless(image: Image.Image, data: bytes) -> bool:
    if image.format == "WEBP":
        return data[12:16] == b"VP8L" or (data[12:16] == b"VP8X" and b"VP8L" in data and b"VP8 " not in data)
    return image.format in LOSSLESS and image.info.get("compression") not in LOSSY_TIFF


def _box(window: Window, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return a window in pixels of a picture: left, top, right and bottom."""
    (left, top, across, down), (width, height) = window, (size[0] / STEPS, size[1] / STEPS)
    return left * width, top * height, (left + across) * width, (top + down) * height


def enough_for(width: int, height: int, windows: Sequence[Window]) -> tuple[int, int]:
    """Return the width and height of a whole photo of which every window has at least `width` x `height` pixels.

    At a scale of a JPEG the picture may have twice as many pixels a side, which must not be too many.
    """
    across = max(ceil(width * STEPS / window.width) for window in windows)
    down = max(ceil(height * STEPS / window.height) for window in windows)
    shrink = min(1.0, sqrt(MAX_PHOTO_PIXELS / (4 * across * down)))
    return max(width, int(across * shrink)), max(height, int(down * shrink))


def _at_least(size: tuple[int, int], side: int, edge: int) -> tuple[int, int]:
    """Return the smallest width and height from which both a thumb and a tile can be made."""
    width, height = _size_within(size, edge)
    return max(width, 2 * side), max(height, 2 * side)


def _size_within(size: tuple[int, int], edge: int) -> tuple[int, int]:
    """Return a size of the same shape whose longest side is at most `edge`."""
    scale = min(1.0, edge / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _within(image: Image.Image, edge: int, filter_: Image.Resampling) -> Image.Image:
    """Return a picture scaled down to sides of at most `edge`; the same picture if it is no larger."""
    size = _size_within(image.size, edge)
    return image if size == image.size else image.resize(size, filter_, reducing_gap=2.0)


def _jpeg(image: Image.Image, quality: int, subsampling: str) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=subsampling)
    return file.getvalue()


def _png(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
