"""What a picture of so many pixels is on paper: how large, on which sheet it fits, on how many pages."""

from contextlib import suppress
from fractions import Fraction
from typing import NamedTuple

from models.errors import InvalidOrder
from models.rules import page_split, paper
from models.rules.page_split import DEFAULT_OVERLAP
from models.rules.paper import MM_PER_INCH, PAPERS, Sheet

DENSITIES = ((300, "sharp in the hand"), (150, "sharp on a wall"))
"""Dots per inch that are told, and what for: 300 are 1/60 of a degree, which is what eyes of normal sight tell apart,
from 29 cm away, and 150 from 58 cm."""
MM_PER_CM = 10
SHEETS = (Sheet.A6, Sheet.A5, Sheet.A4, Sheet.A3, Sheet.A2, Sheet.A1, Sheet.A0)


class Printed(NamedTuple):
    """A picture on paper.

    Attributes:
        dpi: Dots per inch.
        use: What that is good for.
        size: Width and height in centimetres, for people.
        sheet: The smallest of `SHEETS` on which it fits; None if it is larger than all.
        pages: How it is split on pages of A4; None if it fits on one, or makes too many.
    """

    dpi: int
    use: str
    size: str
    sheet: str | None
    pages: str | None


def card(pixels: tuple[int, int]) -> list[Printed]:
    """Return what a picture is on paper, by dots per inch.

    Example:
        >>> [(each.dpi, each.size, each.sheet) for each in card((2_400, 1_600))]
        [(300, '20.3 x 13.5 cm', 'A5'), (150, '40.6 x 27.1 cm', 'A3')]
    """
    return [_printed(pixels, dpi, use) for dpi, use in DENSITIES]


def _printed(pixels: tuple[int, int], dpi: int, use: str) -> Printed:
    # A print has the whole number of pixels that is nearest to its paper, so it may be larger by half a pixel.
    sides = sorted((side - Fraction(1, 2)) * MM_PER_INCH / dpi for side in pixels)
    fits = [sheet for sheet in SHEETS if _within(sides, PAPERS[sheet])]
    pages = None
    if not _within(sides, PAPERS[Sheet.A4]):
        with suppress(InvalidOrder):
            split = page_split.split(pixels, dpi, Sheet.A4, DEFAULT_OVERLAP)
            pages = f"{split.count:,} ({split.columns:,} across, {split.rows:,} down)"
    size = " x ".join(f"{float(side * MM_PER_INCH / dpi / MM_PER_CM):,.1f}" for side in pixels) + " cm"
    return Printed(dpi, use, size, fits[0].upper() if fits else None, pages)


def _within(sides: list[Fraction], sheet: paper.Size) -> bool:
    """Whether sides, the shorter first, are no longer than those of a sheet, whichever way it lies."""
    return all(side <= limit for side, limit in zip(sides, sorted(sheet), strict=True))
