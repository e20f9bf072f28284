"""The file formats of mosaics, and all that is known about each: a new one is a word and a line of the table here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """The file format of a mosaic."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    AVIF = "avif"
    TIFF = "tiff"
    PYRAMID_TIFF = "pyramid-tiff"
    PYRAMID = "pyramid"
    PDF = "pdf"

    @property
    def facts(self) -> "Facts":
        """What is known about it."""
        return FACTS[self]


@dataclass(frozen=True)
class Facts:
    """What is known about a format.

    Attributes:
        title: Its name for people.
        media_type: Its media type, as in HTTP.
        suffixes: The endings of its files, with the dot; the first is the one that Tessera gives.
        max_side: The longest side that it can have, in pixels.
        saver: The method of libvips that writes it; empty for PNG and PDF, which modules of ours write.
        saving: Options of that method.
        quality: The quality that it is written with unless another is ordered; None if nothing is lost in it.
        max_pixels: The most pixels that it can have; None if only its sides are limited.
        large: More options for a picture of more than `LARGE_BYTES`, if it needs any.
        threads: With how many libvips has to write it, if its bytes depend on them.
        max_inches: The longest side that it can have on paper, in inches; None if there is no such limit.
        alpha: Whether it can be transparent.
    """

    title: str
    media_type: str
    suffixes: tuple[str, ...]
    max_side: int
    saver: str
    saving: Mapping[str, object]
    quality: int | None = None
    max_pixels: int | None = None
    large: Mapping[str, object] | None = None
    threads: int | None = None
    max_inches: int | None = None
    alpha: bool = False

    @property
    def suffix(self) -> str:
        """The ending that Tessera gives."""
        return self.suffixes[0]

    def least_bytes(self, size: tuple[int, int]) -> int:
        """Return how many bytes a file of a width and a height is at least likely to have."""
        return int(size[0] * size[1] * (LEAST_LOSSY if self.quality else LEAST_LOSSLESS))

    def limit(self, size: tuple[int, int], dpi: int) -> str:
        """Return which of its limits a width and a height at some dpi are beyond; empty if it can hold them."""
        if max(size) > self.max_side:
            return f"{self.max_side:,} a side"
        if self.max_pixels is not None and size[0] * size[1] > self.max_pixels:
            return f"{self.max_pixels:,} pixels in all"
        if self.max_inches is not None and max(size) > self.max_inches * dpi:
            return f"{self.max_inches * dpi:,} a side at {dpi:,} dpi, which are {self.max_inches:,} inches"
        return ""

    def options(self, size: tuple[int, int], quality: int | None, channels: int = 3) -> dict[str, object]:
        """Return all options of the saver, for a picture of a width and a height and an ordered quality, if any."""
        found = dict(self.saving)
        if "suffix" in found:  # dzsave has the options of its tiles in their ending
            found["suffix"] = str(found["suffix"]).format(Q=quality or self.quality)
        elif self.quality is not None:
            found["Q"] = quality or self.quality
        if self.large is not None and size[0] * size[1] * channels > LARGE_BYTES:
            found.update(self.large)
        if "tile_height" in found:
            found["tile_height"] = max(LEAST_TILE, min(TILE, 1 << (TILED_PIXELS // size[0] | 1).bit_length() - 1))
        return found


LEAST_LOSSLESS, LEAST_LOSSY = 0.4, 0.02
"""Bytes of a pixel that a mosaic is at least likely to have: a quarter of what mosaics of photos had as PNG or TIFF
(1.5 to 1.8), and a twentieth of what they had as JPEG of the usual quality (0.4), since any quality may be asked."""
LARGE_BYTES = 4_000_000_000
"""Of the pixels alone. A plain TIFF counts its bytes in 32 bits, and what deflate cannot shorten grows a little."""
TILE, LEAST_TILE, TILED_PIXELS = 256, 16, 1 << 24
"""Pixels a side of a TIFF's tiles; and those from top to bottom where a row of such tiles has more pixels than these,
since libvips has two rows in memory. Source of the least: TIFF 6.0, section 15."""
PYRAMID_NAME, PYRAMID_TILE, PYRAMID_OVERLAP = "mosaic", 254, 1
"""The folder in a zoom pyramid; pixels of a tile, and those of each neighbour that it has beside them."""
_MARKED: Mapping[str, object] = {"keep": "exif|xmp|icc", "profile": "srgb"}
"""Of all metadata the dots per inch, the mark of `file_types.made_here` and the colour space."""

_TILED: Mapping[str, object] = {
    "compression": "deflate",
    "predictor": "horizontal",
    "tile": True,
    "tile_width": TILE,
    "tile_height": TILE,
    "resunit": "inch",
    **_MARKED,
}

FACTS = {
    # Longest side: PNG 3rd edition, 11.2.1 (four-byte integers).
    Format.PNG: Facts("PNG", "image/png", (".png",), 2**31 - 1, "", {}, alpha=True),
    # Longest side: libjpeg's JPEG_MAX_DIMENSION.
    Format.JPEG: Facts(
        "JPEG",
        "image/jpeg",
        (".jpg", ".jpeg"),
        65_500,
        "jpegsave_target",
        {"subsample_mode": "off", **_MARKED},
        quality=90,
    ),
    # Longest side: RFC 6386, 9.1. Pixels: the first partition has at most 2**19 bytes (same place), so 32 bits for
    # each 16 x 16 pixels of so many. With less, libwebp encodes again and again; at efforts below 3, it fails.
    Format.WEBP: Facts(
        "WebP",
        "image/webp",
        (".webp",),
        16_383,
        "webpsave_target",
        {"effort": 3, **_MARKED},
        quality=90,
        max_pixels=2**25,
        alpha=True,
    ),
    # Longest side: libvips' heifsave, and what browsers show. Pixels: AV1 specification, A.3, level 6; the encoder
    # takes 32 bytes for each. Quality: as near by PSNR as a JPEG of 90; effort: a second for 6 megapixels. Its
    # encoder cuts the picture into as many parts as it has threads.
    Format.AVIF: Facts(
        "AVIF",
        "image/avif",
        (".avif",),
        16_384,
        "heifsave_target",
        {"compression": "av1", "bitdepth": 8, "subsample_mode": "off", "effort": 1, **_MARKED},
        quality=80,
        max_pixels=35_651_584,
        threads=4,
        alpha=True,
    ),
    # Longest side: libvips' VIPS_MAX_COORD.
    Format.TIFF: Facts(
        "TIFF",
        "image/tiff",
        (".tif", ".tiff"),
        100_000_000,
        "tiffsave_target",
        _TILED,
        large={"bigtiff": True, "level": 1},
        alpha=True,
    ),
    # The same, and copies of half the size, of a quarter and so on in pages behind it, for viewers of large pictures.
    Format.PYRAMID_TIFF: Facts(
        "pyramidal TIFF",
        "image/tiff",
        (".ptif",),
        100_000_000,
        "tiffsave_target",
        {**_TILED, "pyramid": True, "bigtiff": True},
        large={"level": 1},
        alpha=True,
    ),
    # Longest side: libvips' VIPS_MAX_COORD. Several threads add the tiles of a row in the order that they finish.
    Format.PYRAMID: Facts(
        "zoom pyramid",
        "application/zip",
        (".szi",),
        100_000_000,
        "dzsave_target",
        {
            "container": "szi",
            "imagename": PYRAMID_NAME,
            "suffix": ".jpg[Q={Q},subsample_mode=off]",
            "tile_size": PYRAMID_TILE,
            "overlap": PYRAMID_OVERLAP,
            "keep": "none",
        },
        quality=90,
        threads=1,
    ),
    # Its pages hold JPEGs. On paper: ISO 32000-1, annex C.2, a page has at most 14,400 units of 1/72 inch a side.
    Format.PDF: Facts("PDF", "application/pdf", (".pdf",), 65_500, "", {}, quality=90, max_inches=200),
}
BY_SUFFIX = {suffix: each for each in Format for suffix in each.facts.suffixes}
DEFAULT_FORMAT = Format.PNG
DEFAULT_DPI = 300
LOSSY = {each: each.facts.quality for each in Format if each.facts.quality is not None}
"""The formats that have a quality, with their own."""


def suffixes() -> str:
    """Return the endings, as a sentence lists them.

    Example:
        >>> suffixes()
        '.png, .jpg, .jpeg, .webp, .avif, .tif, .tiff, .ptif, .szi or .pdf'
    """
    return any_of(list(BY_SUFFIX))


def any_of(words: Sequence[str]) -> str:
    """Return one or more words as a sentence lists what may be chosen.

    Example:
        >>> any_of(["PNG"]), any_of(["PNG", "JPEG"])
        ('PNG', 'PNG or JPEG')
    """
    *some, last = words
    return f"{', '.join(some)} or {last}" if some else last
