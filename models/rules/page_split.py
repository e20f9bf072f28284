"""Splits a poster into pages for a printer at home, which are cut, and laid side by side or glued.

All is counted in whole pixels, so that each page has its part as it is. A page has `MARGIN` on every side, where
many printers cannot print, and repeats of its neighbours as much as they overlap.
"""

from dataclasses import dataclass
from fractions import Fraction

from models.errors import InvalidOrder
from models.rules import paper
from models.rules.paper import MM_PER_INCH, Sheet, shown

MARGIN = 10
"""In millimetres: for the marks and the label, and for the edge that printers leave free, of 3 to 6."""
DEFAULT_OVERLAP = 10
"""In millimetres."""
MIN_STEP = 10
"""What a page must have at least besides the overlap, in millimetres."""
MAX_PAGES = 300

Part = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels of the mosaic."""


@dataclass(frozen=True)
class Split:
    """A poster in pages.

    Attributes:
        size: Width and height of the poster, in pixels.
        sheet: Width and height of a page as it lies, in millimetres.
        seen: Width and height of what a page has room for, in pixels.
        step: How far the part of a page lies from that of the page before, across and down, in pixels.
        name: The name of the paper.
        overlap: In millimetres.
    """

    size: tuple[int, int]
    sheet: paper.Size
    seen: tuple[int, int]
    step: tuple[int, int]
    name: Sheet
    overlap: Fraction

    @property
    def columns(self) -> int:
        """Pages from left to right."""
        return self._count(0)

    @property
    def rows(self) -> int:
        """Pages from top to bottom."""
        return self._count(1)

    @property
    def count(self) -> int:
        """Pages of the poster."""
        return self.columns * self.rows

    @property
    def described(self) -> str:
        """How many pages there are, and how they lie, for people."""
        lie = "lying" if self.sheet[0] > self.sheet[1] else "upright"
        pages = "1 page" if self.count == 1 else f"{self.count:,} pages"
        return (
            f"{pages} of {self.name.upper()}, {lie}, {self.columns:,} across and {self.rows:,} down, "
            f"overlapping by {shown(self.overlap)}"
        )

    def part(self, row: int, column: int) -> Part:
        """Return the part of the poster that a page shows."""
        left, top = column * self.step[0], row * self.step[1]
        return left, top, min(left + self.seen[0], self.size[0]), min(top + self.seen[1], self.size[1])

    def cut(self, row: int, column: int) -> Part:
        """Return the part that is left of a page when it is cut; these lie side by side and are the whole poster."""
        left, top, right, bottom = self.part(row, column)
        return (
            left,
            top,
            right if column == self.columns - 1 else left + self.step[0],
            bottom if row == self.rows - 1 else top + self.step[1],
        )

    def _count(self, axis: int) -> int:
        lapped = self.seen[axis] - self.step[axis]
        return max(1, -(-(self.size[axis] - lapped) // self.step[axis]))


def split(size: tuple[int, int], dpi: int, sheet: Sheet, overlap: float) -> Split:
    """Split a poster of a width and a height in pixels, on pages that lie so that fewer are needed.

    Raises:
        InvalidOrder: nothing is left of a page beside its margins and the overlap, or there would be too many pages.

    Example:
        >>> made = split((7_087, 4_724), 300, Sheet.A4, 10)
        >>> made.columns, made.rows
        (4, 2)
    """
    exact = Fraction(overlap).limit_denominator(1_000_000)
    lying = [_laid(size, dpi, sides, sheet, exact) for sides in (paper.PAPERS[sheet], paper.PAPERS[sheet][::-1])]
    best = min(lying, key=lambda each: each.count)
    if best.count > MAX_PAGES:
        raise InvalidOrder(
            "pages",
            f"That makes {best.count:,} pages of {sheet.upper()}; the limit is {MAX_PAGES:,}. "
            "Take larger pages, a smaller overlap or a smaller print.",
        )
    return best


def _laid(size: tuple[int, int], dpi: int, sides: paper.Size, sheet: Sheet, overlap: Fraction) -> Split:
    room = min(sides) - 2 * MARGIN
    if overlap > room - MIN_STEP:
        raise InvalidOrder(
            "overlap",
            f"An overlap of {shown(overlap)} leaves too little of {sheet.upper()}, which has room for "
            f"{shown(room)} between its margins; take at most {shown(room - MIN_STEP)}.",
        )
    density = dpi / MM_PER_INCH
    seen, step = (
        tuple(int((side - 2 * MARGIN - less) * density) for side in sides) for less in (Fraction(0), overlap)
    )
    if min(step) < 1:
        raise InvalidOrder("dpi", f"At {dpi:,} dpi a page has less than a pixel; take more.")
    return Split(size, sides, (seen[0], seen[1]), (step[0], step[1]), sheet, overlap)
