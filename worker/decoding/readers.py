"""Decides from a file's header which reader to trust with it: Pillow, libvips, or neither.

`PILLOW` and `VIPS` list the kinds of TIFF samples that each of them reads correctly; tests/unit/test_readers.py
checks them with hand-made files. A kind that is in neither list is refused by name. In every other format Pillow is
trusted, except with 16-bit colours that have a profile, which it would reduce to eight bits before applying the
profile.
"""

from collections.abc import Iterator
from enum import Enum, auto

from PIL import Image

from models.errors import KindNotRead
from worker.decoding import bmp_headers, isobmff, tiff_tags
from worker.decoding.tiff_tags import Tags, one

UINT, INT, FLOAT = 1, 2, 3
NEGATIVE, GREY, RGB, PALETTE, INKS, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
COLOURS = {NEGATIVE: 1, GREY: 1, RGB: 3, PALETTE: 1, INKS: 4, YCBCR: 3, LAB: 3}
PILLOW = {
    *((colours, UINT, bits) for colours in (NEGATIVE, GREY, PALETTE) for bits in (1, 2, 4, 8)),
    *((colours, UINT, 8) for colours in (RGB, INKS, LAB)),
    *((colours, UINT, 16) for colours in (NEGATIVE, GREY, RGB, INKS)),
}  # fmt: skip
"""What Pillow reads of interleaved samples: colour space, number format and bits."""
PILLOW_LITTLE_ENDIAN = {(GREY, UINT, 12), (GREY, FLOAT, 32)}
VIPS_PLANES = {
    *((colours, UINT, bits) for colours in (NEGATIVE, GREY) for bits in (8, 16, 32)),
    *((colours, UINT, bits) for colours in (RGB, INKS) for bits in (8, 16)),
    (RGB, UINT, 32),
    *((colours, FLOAT, 32) for colours in (GREY, RGB)),
    (PALETTE, UINT, 8),
}  # fmt: skip
"""What libvips reads of samples in separate planes."""
VIPS = VIPS_PLANES | {
    *((colours, UINT, bits) for colours in (NEGATIVE, GREY, PALETTE) for bits in (1, 2, 4)),
    *((colours, FLOAT, 16) for colours in (GREY, RGB)),
    (YCBCR, UINT, 8), (LAB, UINT, 16), (LAB, INT, 16),
}  # fmt: skip
"""What libvips reads of interleaved samples."""
DIVIDED = {*((colours, UINT, bits) for colours in (GREY, RGB) for bits in (8, 16)), (RGB, FLOAT, 32)}
"""The samples for which both readers undo a multiplication by alpha."""
SQUEEZED = {6, 7, 50_001}
"""Compressions that define their own kind of samples: JPEG and WebP."""
COMPRESSIONS = {1, 2, 3, 4, 5, 8, 32_771, 32_773, 32_946} | SQUEEZED
"""Compressions that both read: none, CCITT's, LZW, deflate, PackBits. With others, Pillow leaves tiles black."""
PILLOW_COMPRESSIONS = {34_925: "LZMA", 50_000: "Zstandard"}
"""Compressions that only Pillow reads. Source: libtiff 4, tiff.h."""
ASSOCIATED, UNASSOCIATED, PROFILE, CMYK, PLANES = 1, 2, 34_675, 1, 2
MOST_ITEMS = 1_000
"""Source: libheif's security limits, which keep a small file from using much time and memory."""
_FORMS = {UINT: "whole", INT: "signed", FLOAT: "floating"}
_NAMES = {
    NEGATIVE: "grey", GREY: "grey", RGB: "RGB", PALETTE: "palette", 4: "mask", INKS: "CMYK", YCBCR: "YCbCr",
    LAB: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*", 32_803: "colour filter", 32_844: "LogL", 32_845: "LogLuv",
}  # fmt: skip
_HIERARCHICAL = dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical")
_FRAMES = {0xC9: "arithmetic", 0xCA: "arithmetic", 0xCB: "lossless arithmetic"} | _HIERARCHICAL
"""Source: ITU-T T.81, table B.1."""
_JPEG_BITS = range(2, 17)
"""Bits that a sample of a JPEG may have. Source: the same, table B.2."""
_DEEP_PNG = {2, 4, 6}
"""Colour types of which Pillow keeps only the upper eight bits. Source: PNG (3rd edition), table 11."""


class Reader(Enum):
    """Who reads a file."""

    PILLOW = auto()
    VIPS = auto()


def of_tiff(data: bytes) -> Reader:
    """Return who reads a TIFF.

    Raises:
        KindNotRead: neither reads such samples correctly.
    """
    found = tiff_tags.of(data)
    compression = one(found, tiff_tags.COMPRESSION, 1)
    if compression not in COMPRESSIONS | PILLOW_COMPRESSIONS.keys():
        raise not_read(f"a TIFF of a rare compression (number {compression:,})")
    if tiff_tags.PHOTOMETRIC not in found or compression in SQUEEZED:
        return Reader.PILLOW
    colours, bits = one(found, tiff_tags.PHOTOMETRIC, GREY), one(found, tiff_tags.BITS, 1)
    kind = colours, one(found, tiff_tags.FORMAT, UINT), bits
    for oddity in _oddities(found):
        raise not_read(f"a TIFF of {oddity}")
    in_planes = one(found, tiff_tags.PLANAR, 1) == PLANES
    trusted = kind in PILLOW or (kind in PILLOW_LITTLE_ENDIAN and data.startswith(b"II"))
    if trusted and not in_planes and not (PROFILE in found and colours == RGB and bits > 8):  # noqa: PLR2004 - what Pillow keeps
        return Reader.PILLOW
    if kind in (VIPS_PLANES if in_planes else VIPS) and compression in COMPRESSIONS:
        return Reader.VIPS
    name, form = _NAMES.get(colours, f"colour space {colours}"), _FORMS.get(kind[1], "complex or undefined")
    packed = f", compressed by {PILLOW_COMPRESSIONS[compression]}" if compression in PILLOW_COMPRESSIONS else ""
    raise not_read(
        f"a TIFF of {name} samples in {bits}-bit {form} numbers{' in planes' if in_planes else ''}{packed}"
    )


def has_alpha(found: Tags) -> bool:
    """Whether the first sample of a TIFF after the colours is alpha; it is if the file does not say."""
    return one(found, tiff_tags.EXTRA, UNASSOCIATED) in {ASSOCIATED, UNASSOCIATED}


def loses_depth(image: Image.Image, data: bytes) -> bool:
    """Whether Pillow would reduce a PNG's colours to eight bits before its profile is applied."""
    deep = image.format == "PNG" and data[24] == 16 and data[25] in _DEEP_PNG  # noqa: PLR2004 - bits of a sample
    return deep and bool(image.info.get("icc_profile"))


def not_read(kind: str) -> KindNotRead:
    """Return the error for a kind of picture that neither reader reads."""
    return KindNotRead(f"The file is {kind}, a kind that Tessera does not read; save it in another form.")


def unread(data: bytes, kind: str) -> KindNotRead | None:
    """Return the error for a file that no reader could read, if the reason is its kind and not damage."""
    name = None
    if kind == "JPEG":
        name = _of_jpeg(data)
    elif kind == "HEIC" and isobmff.item_count(data) > MOST_ITEMS:
        name = f"a HEIC of more than {MOST_ITEMS:,} parts"
    elif kind == "HEIC" and (coding := isobmff.other_coding(data)) is not None:
        name = f"a HEIF picture of {coding}"
    elif kind == "BMP" and (rarity := bmp_headers.unread(data)) is not None:
        name = f"a BMP {rarity}"
    return None if name is None else not_read(name)


def _oddities(found: Tags) -> Iterator[str]:
    """Yield properties of a TIFF that both readers get wrong even with samples that they otherwise read."""
    colours, bits, samples = (
        one(found, tiff_tags.PHOTOMETRIC, GREY),
        one(found, tiff_tags.BITS, 1),
        one(found, tiff_tags.SAMPLES, 1),
    )
    if any(len(set(found.get(tag, ()))) > 1 for tag in (tiff_tags.BITS, tiff_tags.FORMAT)):
        yield "samples that differ in their bits or their form"
    if colours == INKS and one(found, tiff_tags.INK_SET, CMYK) != CMYK:
        yield "other inks than cyan, magenta, yellow and black"
    if colours == INKS and samples > COLOURS[INKS] and has_alpha(found):
        yield "CMYK samples with alpha"
    if samples > 1 and bits % 8:
        yield f"several samples a pixel of {bits} bits"
    if one(found, tiff_tags.PLANAR, 1) == PLANES and tiff_tags.TILE_WIDTH in found:
        yield "tiles in planes"
    if one(found, tiff_tags.PLANAR, 1) == PLANES and samples > 1 and COLOURS.get(colours) == 1:
        yield "grey and alpha in planes"
    kind = colours, one(found, tiff_tags.FORMAT, UINT), bits
    if one(found, tiff_tags.EXTRA, UNASSOCIATED) == ASSOCIATED and kind not in DIVIDED:
        yield f"negatives or {bits}-bit numbers that were multiplied by their alpha"


def _of_jpeg(data: bytes) -> str | None:
    """Return the name of a JPEG's coding if it is a rare one."""
    marker, bits = _frame(data) or (0, 8)
    if bits == 8:  # noqa: PLR2004 - those of every JPEG but the rarest
        return f"a JPEG of {_FRAMES[marker]} coding" if marker in _FRAMES else None
    return f"a JPEG of {bits} bits a sample" if bits in _JPEG_BITS else None


def _frame(data: bytes) -> tuple[int, int] | None:
    """Return the marker of a JPEG's frame, and the bits of its samples."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - begins a marker
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004 - frames, and what is none
            return marker, data[at + 4]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big") if marker != 0xFF else 1  # noqa: PLR2004 - filling
    return None
