"""The file formats of mosaics, and all that is known about each: a new one is a word and a line of the table here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """The file format of a mosaic."""

    PNG = "png"
    JPEG = "jpeg"

    @property
    def facts(self) -> "Facts":
        """What is known about it."""
        return FACTS[self]


@dataclass(frozen=True)
class Facts:
    """What is known about a format.

    Attributes:
        media_type: Its media type, as in HTTP.
        suffixes: The endings of its files, with the dot; the first is the one that Tessera gives.
        max_side: The longest side that it can have, in pixels.
        saver: The method of libvips that writes it; empty for PNG, which `worker.rendering.png` writes.
        saving: Options of that method; of all metadata, only the mark of `file_types.made_here` is kept.
    """

    media_type: str
    suffixes: tuple[str, ...]
    max_side: int
    saver: str
    saving: Mapping[str, object]

    @property
    def suffix(self) -> str:
        """The ending that Tessera gives."""
        return self.suffixes[0]


FACTS = {
    # Longest side: PNG 3rd edition, 11.2.1 (four-byte integers).
    Format.PNG: Facts("image/png", (".png",), 2**31 - 1, "", {}),
    # Longest side: libjpeg's JPEG_MAX_DIMENSION.
    Format.JPEG: Facts(
        "image/jpeg", (".jpg", ".jpeg"), 65_500, "jpegsave_target", {"Q": 90, "subsample_mode": "off", "keep": "xmp"}
    ),
}
BY_SUFFIX = {suffix: each for each in Format for suffix in each.facts.suffixes}
DEFAULT_FORMAT = Format.PNG


def suffixes() -> str:
    """Return the endings, as a sentence lists them.

    Example:
        >>> suffixes()
        '.png, .jpg or .jpeg'
    """
    *some, last = BY_SUFFIX
    return f"{', '.join(some)} or {last}"
