"""Opens a stranger's bytes with Pillow: the format is identified and the size checked, but no pixel is decoded."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO

from PIL import Image, ImageFile

from models.errors import DamagedPicture, EmptyFile, TooManyPixels, TruncatedPicture
from models.rules import file_types, skip_reasons
from worker.decoding import bmp_headers, cicp, isobmff, png_chunks, readers, tiff_tags

FORMATS = {name: name.upper().replace(" ", "") for name in file_types.READ} | {"HEIC": "HEIF"}
"""What Pillow calls the formats that Tessera reads."""
ORIENTATION_TAG = 0x0112
"""Source: CIPA DC-008 (Exif 3.0), 4.6.5.1.6."""
SUBFILE_TAG, SUB_IFDS_TAG, DNG_TAG = 254, 330, 50706
"""Source: TIFF 6.0, section 8; TIFF/EP (ISO 12234-2), 5.2; DNG 1.7, chapter 4."""
ADOBE_RGB_ENTRIES = (
    struct.pack("<HHI4s", 1, 2, 4, b"R03\0"), struct.pack(">HHI4s", 1, 2, 4, b"R03\0"),
    struct.pack("<HHIH", 0xA001, 3, 1, 2), struct.pack(">HHIH", 0xA001, 3, 1, 2),
)  # fmt: skip
"""The Exif entries that mean Adobe RGB, in either byte order: InteroperabilityIndex R03, and ColorSpace 2."""
REDUCED = 1
_ARTICLES = {"AVIF": "an"}
MOST_COMPONENTS = 4
SIDEWAYS = {5, 6, 7, 8}
TRUNCATED = "The picture is truncated: its end is missing."
DAMAGED = "The picture is damaged and cannot be decoded."
_DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise on damaged bytes. Not Exception, so that a time limit or a cancel passes through."""

# Nobody needs warnings about damaged metadata, since all metadata is dropped.
warnings.filterwarnings("ignore", module=r"PIL\.")
# The header is checked below, against our own limit and with our own sentence.
Image.MAX_IMAGE_PIXELS = None


def load_plugins() -> None:
    """Load what is otherwise loaded on first use, so that forked processes have it."""
    from PIL import ImageCms  # noqa: F401, PLC0415 - see `srgb`

    Image.init()
    _load_avif()
    _load_heif()


@contextmanager
def translated() -> Iterator[None]:
    """Turn every error of Pillow on a stranger's bytes into one of ours."""
    try:
        yield
    except MemoryError as error:
        raise TooManyPixels("The picture needs more memory than there is.") from error
    except _DAMAGE as error:
        if "truncated" in str(error):
            raise TruncatedPicture(TRUNCATED) from error
        raise DamagedPicture(DAMAGED) from error


def opened(data: bytes, max_pixels: int) -> Image.Image:
    """Open a picture and check its header.

    Its `info` has more than Pillow's: `crop`, the visible part of an AVIF; `frame`, the part of a GIF that its first
    frame draws; and `icc_profile` also where AVIF and HEIC name colours by code points, where JPEG 2000 has a profile
    in a box, and where BMP has one in its header.

    Raises:
        UnusablePicture: empty, in no format that Tessera reads, too large, or with a header that cannot be read.
    """
    kind = kind_of(data)
    if kind == "TIFF":
        _judge_tiff(tiff_tags.of(data), max_pixels)
    image = _identified(data, kind)
    check_size(image.size, max_pixels)
    match kind:
        case "PNG":
            _judge_png(image, data)
        case "GIF":
            image.info["frame"] = image.tile[0].extents
        case "BMP":
            if bmp_headers.loses_alpha(data):
                raise readers.not_read("a BMP of 16-bit colours with alpha")
            image.info["icc_profile"] = bmp_headers.profile(data)
        case "AVIF" | "HEIC":
            _judge_boxes(image, data, max_pixels)
        case "JPEG 2000":
            _judge_code_stream(image, data)
    return image


def kind_of(data: bytes) -> str:
    """Return which of `file_types.READ` a file is.

    Raises:
        UnusablePicture: empty, or in no format that Tessera reads.
    """
    if not data:
        raise EmptyFile(skip_reasons.EMPTY)
    head = data[: file_types.HEAD_BYTES]
    kind = file_types.kind(head)
    if kind is None:
        raise file_types.refusal("The file", file_types.other(head))
    return kind


def check_size(size: tuple[int, int], max_pixels: int, what: str = "The picture") -> None:
    """Refuse a picture with more than so many pixels."""
    width, height = size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"{what} has {width:,} x {height:,} = {width * height:,} pixels; the limit is {max_pixels:,}."
        )


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height of the visible part, before it is rotated upright."""
    left, top, right, bottom = image.info.get("crop") or (0, 0, *image.size)
    return right - left, bottom - top


def orientation_in_header(image: Image.Image) -> object:
    """Return the orientation in the header, without decoding a pixel, which `getexif` may do.

    None for a TIFF, whose size Pillow already gives upright.
    """
    data = image.info.get("exif")
    if not data or image.format == "HEIF":
        return None
    exif = Image.Exif()
    with suppress(*_DAMAGE):
        exif.load(data)
    return exif.get(ORIENTATION_TAG)


def orientation(image: Image.Image) -> int:
    """Return the Exif orientation of a decoded picture, 1 to 8.

    Exif may come after the pixels, and Pillow itself rotates a TIFF upright. A HEIC is decoded upright, and Pillow
    reports the boxes of an AVIF as Exif; what else their Exif or XMP says does not count.

    Source:
        ISO/IEC 23008-12, 6.5.10 and 6.5.12.
    """
    if image.format == "JPEG" and not image.info.keys() & {"exif", "xmp"}:
        return 1
    if image.format in {"AVIF", "HEIF"}:
        found = orientation_in_header(image)
    else:
        found = None
        with suppress(*_DAMAGE):
            found = image.getexif().get(ORIENTATION_TAG)
    return found if isinstance(found, int) else 1


def exif_profile(image: Image.Image) -> bytes | None:
    """Return the profile of Adobe RGB if only the Exif data say that a picture has its colours.

    Source: DCF 2.0 (CIPA DC-009), 3.3.1 for R03; ColorSpace 2 is what cameras wrote before it.
    """
    data = image.info.get("exif") or b""
    return cicp.adobe_rgb() if image.mode == "RGB" and any(entry in data for entry in ADOBE_RGB_ENTRIES) else None


def _identified(data: bytes, kind: str) -> ImageFile.ImageFile:
    if kind == "AVIF":
        _load_avif()
    elif kind == "HEIC":
        _load_heif()
    try:
        return Image.open(BytesIO(data), formats=(FORMATS[kind],))
    except _DAMAGE as error:
        if "truncated" in str(error):
            raise
        raise DamagedPicture(
            f"The file begins like {_ARTICLES.get(kind, 'a')} {kind} picture, but its header cannot be read: "
            "it is damaged or incomplete."
        ) from error


@cache
def _load_avif() -> None:
    from PIL import AvifImagePlugin  # noqa: PLC0415 - the command line starts faster

    # Several photos are decoded at once, so each gets one thread.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


@cache
def _load_heif() -> None:
    import pillow_heif  # noqa: PLC0415 - most folders hold no HEIC, and its libraries take a while

    # A thumbnail in the file may show something else than the picture, so it is never used instead.
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def _judge_tiff(found: tiff_tags.Tags, max_pixels: int) -> None:
    """Refuse a TIFF whose tiles are far larger than the picture, since a tile is decoded whole; and raw photos.

    The first picture in a raw photo is only a preview.
    """
    tile = tiff_tags.one(found, tiff_tags.TILE_WIDTH, 0), tiff_tags.one(found, tiff_tags.TILE_LENGTH, 0)
    check_size(tile, max_pixels, "A tile of the picture")
    if DNG_TAG in found or (SUB_IFDS_TAG in found and tiff_tags.one(found, SUBFILE_TAG, 0) == REDUCED):
        raise file_types.refusal("The file", file_types.RAW)


def _judge_png(image: Image.Image, data: bytes) -> None:
    """Add what Pillow ignores: colours that are named by code points, which take precedence over a profile.

    Source: PNG (3rd edition), 11.3.2.6 and 4.3; 13.12 for the scaling of samples.
    """
    code = png_chunks.colour_code(data)
    if code is not None:
        if not code.full_range:
            raise readers.not_read("a PNG whose colours are in the range of video")
        grey = data[25] in png_chunks.GREY_TYPES
        image.info["icc_profile"] = cicp.icc_profile(code.primaries, code.transfer, grey=grey)
    bits, clear = data[24], image.info.get("transparency")
    if image.mode == "L" and isinstance(clear, int) and bits < 8:  # noqa: PLR2004 - Pillow scales pixels alone
        image.info["transparency"] = clear * 255 // (2**bits - 1)


def _judge_boxes(image: Image.Image, data: bytes, max_pixels: int) -> None:
    """Refuse files that are far larger to decode than what they show, and a HEIC without its primary picture."""
    for extent in isobmff.extents(data):
        check_size(extent, max_pixels, "A part of the picture")
    if isobmff.reach(data) > len(data):
        # A decoder would fill missing parts with some colour.
        raise TruncatedPicture(TRUNCATED)
    if image.format == "AVIF":
        image.info["crop"] = isobmff.crop(data)
    elif not image.info.get("primary"):
        raise DamagedPicture("The HEIC file does not hold the picture that it names as its first.")
    code = isobmff.colour_code(data)
    if code is not None and not image.info.get("icc_profile"):
        image.info["icc_profile"] = cicp.icc_profile(*code)


def _judge_code_stream(image: Image.Image, data: bytes) -> None:
    """Refuse a JPEG 2000 whose code stream, which is what is decoded, differs from its header box."""
    if image.mode in {"P", "PA"}:  # Pillow merges equal colours of a palette, which shifts the numbers of the others
        raise readers.not_read("a JPEG 2000 with a palette")
    size, depths = isobmff.code_stream(data)
    if size != image.size or len(depths) > MOST_COMPONENTS:
        raise DamagedPicture("The JPEG 2000 file says one thing of its picture, and its code stream another.")
    for depth in {*depths} & {*range(2, 8)}:  # Pillow scales them wrongly: 2-bit white becomes 213
        raise readers.not_read(f"a JPEG 2000 of {depth} bits a sample")
    image.info["icc_profile"] = isobmff.profile(data)
