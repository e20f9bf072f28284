"""Bytes to arrays and back: the only importer of Pillow.

Every picture comes out the same way: upright, sRGB, eight bits, no alpha, first frame, without its metadata.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from io import BytesIO
from math import ceil, floor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from models.errors import (
    DamagedPicture,
    EmptyFile,
    NotAPicture,
    TooManyPixels,
    TruncatedPicture,
)
from models.grid import Grid
from models.orders import MAX_PHOTO_PIXELS, MAX_PICTURE_PIXELS, Fit

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
BACKGROUND = (255, 255, 255)
BLOCK_PIXELS = 1 << 20
ORIENTATION_TAG = 0x0112
"""Source: CIPA DC-008 (Exif 3.0), 4.6.5.1.6."""
PHOTOMETRIC_TAG, TILE_WIDTH_TAG, TILE_LENGTH_TAG = 262, 322, 323
"""Source: TIFF 6.0, sections 8 and 15."""
WHITE_IS_ZERO = 0
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = {5, 6, 7, 8}
_DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise on damaged bytes. Not Exception: a time limit or a cancel must pass through."""

# Damaged metadata is nothing that anybody needs to hear of: it is dropped.
warnings.filterwarnings("ignore", module=r"PIL\.")
# The header is checked below, against our own limit and with our own sentence.
Image.MAX_IMAGE_PIXELS = None


class Decoder(Protocol):
    """Turns bytes into pixels: this module, or a `worker.box.Box`, in which it does so under limits."""

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """As `images.decode`."""
        ...

    def tile(self, data: bytes, width: int, height: int) -> NDArray[np.uint8]:
        """As `images.tile`."""
        ...

    def thumb(self, data: bytes, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """As `images.thumb`."""
        ...


def load_plugins() -> None:
    """Load now what Pillow loads on first use, so that forked processes have it."""
    from PIL import ImageCms  # noqa: F401, PLC0415 - see `_transform`

    Image.init()


def decode(
    data: bytes, at_least: tuple[int, int] | None = None, max_pixels: int = MAX_PICTURE_PIXELS
) -> NDArray[np.uint8]:
    """Return a picture's pixels.

    Args:
        data: A file of one of `FORMATS`.
        at_least: Where the format allows it (JPEG), decode at the smallest scale that still has this width and
            height; None for every pixel.
        max_pixels: Largest width x height, judged from the header before a pixel is decoded.

    Returns:
        (H, W, 3) sRGB, 0 to 255.

    Raises:
        UnusablePicture: empty, in no known format, too large, truncated or damaged.
    """
    return np.asarray(_decoded(data, at_least, max_pixels))


def size(data: bytes) -> tuple[int, int]:
    """Return a picture's upright width and height, from its header alone.

    Raises:
        UnusablePicture: empty, in no known format, or too large.
    """
    with _translated(), _opened(data, MAX_PICTURE_PIXELS) as image:
        width, height = image.size
        return (height, width) if _orientation_in_header(image) in _SIDEWAYS else (width, height)


def tile(data: bytes, width: int, height: int) -> NDArray[np.uint8]:
    """Return a photo as a (height, width, 3) tile: the largest centred crop of that shape, scaled.

    Raises:
        UnusablePicture: as `decode`.
    """
    image = _decoded(data, (width, height), MAX_PICTURE_PIXELS)
    box = _centred(image.size, width / height)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, box=box))


def thumb(data: bytes, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return a whole photo squeezed to a (side, side, 3) square by area averages, and its width and height.

    The size is that of the decoded picture: of a JPEG's reduced scale, at least twice `side` where the file has it.

    Raises:
        UnusablePicture: as `decode`.
    """
    image = _decoded(data, (2 * side, 2 * side), MAX_PICTURE_PIXELS)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX)), image.size


def stretched(picture: NDArray[np.uint8], width: int, height: int, lines: tuple[float, float]) -> NDArray[np.uint8]:
    """Return a stretch of a picture's lines, from the first to before the last, as (height, width, 3) pixels.

    Neighbouring stretches fit together: what lies just outside the lines is taken into account.
    """
    top, bottom = lines
    reach = 2 * max(1.0, (bottom - top) / height) + 1
    first, last = max(0, floor(top - reach)), min(len(picture), ceil(bottom + reach))
    around = Image.fromarray(np.ascontiguousarray(picture[first:last]))
    box = (0, top - first, picture.shape[1], bottom - first)
    return np.asarray(around.resize((width, height), Image.Resampling.BICUBIC, box=box))


def fitted(target: NDArray[np.uint8], grid: Grid, fit: Fit) -> NDArray[np.uint8]:
    """Return a target made to fit a whole number of cells, by losing its edges evenly or by stretching."""
    width, height = grid.target_size
    if fit is Fit.RESIZE:
        if target.shape[:2] == (height, width):
            return target
        return np.asarray(Image.fromarray(target).resize((width, height), Image.Resampling.LANCZOS))
    top, left = (target.shape[0] - height) // 2, (target.shape[1] - width) // 2
    return target[top : top + height, left : left + width]


def resized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture in another size."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


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


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 90) -> bytes:
    """Return (H, W, 3) pixels as a JPEG file."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _decoded(data: bytes, at_least: tuple[int, int] | None, max_pixels: int) -> Image.Image:
    with _translated(), _opened(data, max_pixels) as image:
        if at_least is not None:
            image.draft(None, at_least[::-1] if _orientation_in_header(image) in _SIDEWAYS else at_least)
            _check_size(image.size, MAX_PHOTO_PIXELS)
        image.load()
        # Asked of the whole file: Exif may come after the pixels, and Pillow turns a TIFF upright by itself.
        turn = _UPRIGHT.get(_orientation(image))
        rgb = _to_srgb(image)
        return rgb.transpose(turn) if turn is not None else rgb


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    """Read the header, and judge it."""
    if not data:
        raise EmptyFile("The file is empty.")
    image = Image.open(BytesIO(data), formats=FORMATS)
    _check_size(image.size, max_pixels)
    # Of a TIFF whole tiles are inflated, and one of them may be far larger than the picture.
    tags = getattr(image, "tag_v2", {})
    _check_size((tags.get(TILE_WIDTH_TAG, 0), tags.get(TILE_LENGTH_TAG, 0)), max_pixels, "A tile of the picture")
    return image


@contextmanager
def _translated() -> Iterator[None]:
    """Give every way in which Pillow fails on a stranger's bytes one of our names."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise NotAPicture("The file is not a picture in a format that Tessera reads.") from error
    except MemoryError as error:
        raise TooManyPixels("The picture needs more memory than there is.") from error
    except _DAMAGE as error:
        if "truncated" in str(error):
            raise TruncatedPicture("The picture is truncated: its end is missing.") from error
        raise DamagedPicture("The picture is damaged and cannot be decoded.") from error


def _orientation_in_header(image: Image.Image) -> object:
    """Return what the header tells without decoding a pixel, which `getexif` may do; a TIFF's size is upright."""
    data = image.info.get("exif")
    if not data:
        return None
    exif = Image.Exif()
    with suppress(*_DAMAGE):
        exif.load(data)
    return exif.get(ORIENTATION_TAG)


def _orientation(image: Image.Image) -> int:
    if image.format == "JPEG" and not image.info.keys() & {"exif", "xmp"}:
        return 1
    orientation = image.getexif().get(ORIENTATION_TAG, 1)
    return orientation if isinstance(orientation, int) else 1


def _check_size(size: tuple[int, int], max_pixels: int, what: str = "The picture") -> None:
    width, height = size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"{what} has {width:,} x {height:,} = {width * height:,} pixels; the limit is {max_pixels:,}."
        )


def _centred(size: tuple[int, int], ratio: float) -> tuple[float, float, float, float]:
    """Return the largest centred box of a width-to-height ratio."""
    width, height = size
    crop_width, crop_height = min(width, height * ratio), min(height, width / ratio)
    left, top = (width - crop_width) / 2, (height - crop_height) / 2
    return left, top, left + crop_width, top + crop_height


def _to_srgb(image: Image.Image) -> Image.Image:
    image = _eight_bits(image)
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and max(clear) > 255:  # noqa: PLR2004 - of 16 bits, but Pillow keeps the upper 8 of pixels
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if image.has_transparency_data:
        profile = image.info.get("icc_profile")
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        flat = Image.new("RGB", image.size, BACKGROUND)
        flat.paste(_through_profile(rgba.convert("RGB"), profile), mask=rgba.getchannel("A"))
        return flat
    return _through_profile(image, image.info.get("icc_profile"))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring the 16-bit and 32-bit grey modes to eight bits; Pillow's own conversion cuts them off at 255."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    top = 1.0 if image.mode == "F" and values.max(initial=0.0) <= 1.0 else 65_535.0
    # Pillow turns the negatives of 1 to 8 bits into positives, and leaves those of 16.
    negative = image.mode == "I;16" and getattr(image, "tag_v2", {}).get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO
    clear = image.info.get("transparency")
    grey = np.empty(values.shape, np.uint8)
    rows = max(1, BLOCK_PIXELS // image.width)
    for first in range(0, image.height, rows):
        block = np.nan_to_num(values[first : first + rows].astype(np.float64))
        block = np.clip(block * (255.0 / top), 0, 255).round()
        grey[first : first + rows] = 255 - block if negative else block
    if isinstance(clear, int):
        grey[values == clear] = 255
    return Image.fromarray(grey)


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode not in {"RGB", "L", "CMYK"}:
        image = image.convert("RGB")
    transform = _transform(profile, image.mode) if profile else None
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    converted = Image.new("RGB", image.size)
    transform.apply(image, converted)
    return converted


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> Any:
    """Return the transform from an embedded profile to sRGB; None where there is nothing to do or it is unusable."""
    from PIL import ImageCms  # noqa: PLC0415 - most photos carry no profile, and the command line starts faster

    try:
        source = ImageCms.getOpenProfile(BytesIO(profile))
        if mode == "RGB" and ImageCms.getProfileDescription(source).startswith("sRGB"):
            return None
        # Without the cache one transform serves several threads.
        return ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=ImageCms.Flags.NOCACHE
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
