"""A PDF of our own: its pages, what is drawn on them, and what it says of itself. pydyf writes it.

The bytes of a picture are copied from its file when its turn comes. Lengths on a page are in millimetres.

Source: ISO 32000-1: 7.7.3.3 (pages), 8.9.5 (images), 8.6.5.5 (ICCBased), 14.3.2 (metadata), 14.11.2 (boxes).
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pydyf

from models.rules import file_types
from models.rules.page_split import MARGIN, Split
from models.rules.paper import MM_PER_INCH

POINTS = float(72 / MM_PER_INCH)
"""In a millimetre."""
MARK_FROM, MARK_TO = 1, 4
"""How far from the picture a mark where to cut begins and ends."""
HAIRLINE = 0.1
LABEL_SIZE, LABEL_HEIGHT = 2, 4.2
"""Of the letters, and how far they stand above the lower edge: below the marks, and where most printers print."""
TEXT_SIZE, LINE_HEIGHT = 4, 1.4
LETTER_WIDTH, DIGIT_WIDTH, DIGIT_HEIGHT = 0.5, 0.556, 0.72
"""Of Helvetica, in its size: a letter of English on average, a digit. Source: Adobe's font metrics of Helvetica."""
FONT = "/F"
PROFILE = b"ICC_PROFILE\0\1\1"
"""Before a profile that is in one piece; before that is the length of its segment. Source: ICC.1:2010, B.4."""
HEAD_BYTES = 64 << 10
"""The profile of a JPEG is within so many."""
BLACK, WHITE = (0, 0, 0), (1, 1, 1)

JpegFile = IO[bytes]
Size = tuple[float, float]


class _Picture(pydyf.Object):
    """A JPEG, which is opened when it is written."""

    def __init__(self, size: tuple[int, int], colours: pydyf.Array, opened: Callable[[], JpegFile]) -> None:
        super().__init__()
        self._size, self._colours, self.opened = size, colours, opened

    @property
    def indirect(self) -> "_Picture":
        """Itself, which `Document.write_line` knows how to write."""
        return self

    def head(self, length: int) -> bytes:
        """Return what comes before the bytes of the JPEG."""
        width, height = self._size
        about = {
            "Type": "/XObject", "Subtype": "/Image", "Width": width, "Height": height, "ColorSpace": self._colours,
            "BitsPerComponent": 8, "Filter": "/DCTDecode", "Length": length,
        }  # fmt: skip
        return f"{self.number} 0 obj\n".encode() + bytes(pydyf.Dictionary(about).data) + b"\nstream"


class Document(pydyf.PDF):
    """A PDF that shows the pictures of a mosaic of some dpi."""

    def __init__(self, first: JpegFile, dpi: int) -> None:
        """Begin with the JPEG of the first page, whose colours all others have."""
        super().__init__()
        self._first, self._mm = first, float(MM_PER_INCH / dpi)
        self.info["Producer"] = pydyf.String(file_types.MAKER)
        mark = pydyf.Stream([file_types.XMP], {"Type": "/Metadata", "Subtype": "/XML"})
        profile = pydyf.Stream([_profile(first)], {"N": 3, "Alternate": "/DeviceRGB"})
        font = pydyf.Dictionary({"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Helvetica"})
        for each in (mark, profile, font):
            self.add_object(each)
        self.catalog["Metadata"] = mark.reference
        self._colours = pydyf.Array(["/ICCBased", profile.reference])
        self._font = pydyf.Dictionary({FONT[1:]: font.reference})

    def write_line(self, content: Any, output: IO[bytes]) -> None:
        """Write an object of the PDF; of a picture, copy its file."""
        if not isinstance(content, _Picture):
            super().write_line(content, output)
            return
        with content.opened() as jpeg:
            length = jpeg.seek(0, os.SEEK_END)
            super().write_line(content.head(length), output)
            jpeg.seek(0)
            shutil.copyfileobj(jpeg, output)
            self.current_position += length
            super().write_line(b"\nendstream\nendobj", output)

    def write_to(self, path: Path) -> None:
        """Write it all."""
        with path.open("wb") as file:
            self.write(file)

    def add_whole(self, size: tuple[int, int], bleed: float) -> None:
        """Add the first JPEG as a page of its size, which is to be cut by the bleed on every side."""
        sides = self._on_paper(size)
        inner = _box(bleed, bleed, sides[0] - bleed, sides[1] - bleed)
        boxes = {"BleedBox": _box(0, 0, *sides), "TrimBox": inner}
        drawn = _Drawing()
        drawn.picture((0, 0), sides)
        self._add_page(sides, drawn, self._picture(size, lambda: self._first), boxes)

    def add_plan(self, split: Split, small: tuple[int, int]) -> None:
        """Add a page with the first JPEG, a copy of `small` pixels, and on it the numbers of the other pages."""
        width, height = map(float, split.sheet)
        drawn = _Drawing()
        lines = _instructions(split, self._on_paper(split.size))
        size = min(TEXT_SIZE, (width - 2 * MARGIN) / max(map(len, lines)) / LETTER_WIDTH)
        for number, line in enumerate(lines, 1):
            drawn.text((MARGIN, height - MARGIN - number * LINE_HEIGHT * size), size, line)
        room = width - 2 * MARGIN, height - 2 * MARGIN - (len(lines) + 1) * LINE_HEIGHT * size
        scale = min(side / pixels for side, pixels in zip(room, split.size, strict=True))
        wide, high = (scale * pixels for pixels in split.size)
        drawn.picture((MARGIN, MARGIN + room[1] - high), (wide, high))
        for row in range(split.rows):
            for column in range(split.columns):
                left, top, right, bottom = (scale * pixels for pixels in split.cut(row, column))
                corner = MARGIN + left, MARGIN + room[1] - bottom
                drawn.numbered(corner, (right - left, bottom - top), row * split.columns + column + 1)
        self._add_page((width, height), drawn, self._picture(small, lambda: self._first))

    def add_part(self, split: Split, row: int, column: int, opened: Callable[[], JpegFile]) -> None:
        """Add a page with a part of the poster, of which `opened` gives the JPEG, its marks and its label."""
        width, height = map(float, split.sheet)
        left, top, right, bottom = split.part(row, column)
        pixels = right - left, bottom - top
        wide, high = self._on_paper(pixels)
        low = height - MARGIN - high
        drawn = _Drawing()
        drawn.picture((MARGIN, low), (wide, high))
        cut = split.cut(row, column)
        upright = (MARGIN, MARGIN + (cut[2] - left) * self._mm)
        level = (height - MARGIN, height - MARGIN - (cut[3] - top) * self._mm)
        drawn.marks((MARGIN, low), (wide, high), upright, level)
        label = f"Page {row * split.columns + column + 1} of {split.count}: row {row + 1}, column {column + 1}"
        drawn.text((MARGIN, LABEL_HEIGHT), LABEL_SIZE, label)
        self._add_page((width, height), drawn, self._picture(pixels, opened))

    def _on_paper(self, size: tuple[int, int]) -> Size:
        return size[0] * self._mm, size[1] * self._mm

    def _picture(self, size: tuple[int, int], opened: Callable[[], JpegFile]) -> _Picture:
        return _Picture(size, self._colours, opened)

    def _add_page(
        self, sides: Size, drawn: "_Drawing", picture: _Picture, boxes: dict[str, pydyf.Array] | None = None
    ) -> None:
        self.add_object(picture)
        self.add_object(drawn.content)
        drawn.content.pop_state()
        shown = {"XObject": pydyf.Dictionary({"P": picture.reference}), "Font": self._font}
        about = {
            "Type": "/Page", "Parent": self.pages.reference, "MediaBox": _box(0, 0, *sides), **(boxes or {}),
            "Resources": pydyf.Dictionary(shown), "Contents": drawn.content.reference,
        }  # fmt: skip
        self.add_page(pydyf.Dictionary(about))


class _Drawing:
    """What is drawn on a page, in millimetres from its lower left corner."""

    def __init__(self) -> None:
        self.content = pydyf.Stream()
        self.content.push_state()
        self.content.set_matrix(POINTS, 0, 0, POINTS, 0, 0)
        self.content.set_line_width(HAIRLINE)

    def picture(self, corner: Size, size: Size) -> None:
        """Draw the picture, from its lower left corner."""
        self.content.push_state()
        self.content.set_matrix(size[0], 0, 0, size[1], *corner)
        self.content.draw_x_object("P")
        self.content.pop_state()

    def text(self, start: Size, size: float, text: str) -> None:
        """Write a line."""
        self.content.begin_text()
        self.content.set_font_size(FONT[1:], size)
        self.content.move_text_to(*start)
        self.content.show_text_string(text)
        self.content.end_text()

    def marks(self, corner: Size, size: Size, upright: Size, level: Size) -> None:
        """Draw where to cut, beside a picture: lines that are upright, and lines that are level."""
        (left, low), (right, high) = corner, (corner[0] + size[0], corner[1] + size[1])
        for x in upright:
            self._line((x, high + MARK_FROM), (x, high + MARK_TO))
            self._line((x, low - MARK_FROM), (x, low - MARK_TO))
        for y in level:
            self._line((left - MARK_FROM, y), (left - MARK_TO, y))
            self._line((right + MARK_FROM, y), (right + MARK_TO, y))

    def numbered(self, corner: Size, size: Size, number: int) -> None:
        """Draw a frame with a number in its middle, which is seen on any picture."""
        letters = min(size[1] / 3, size[0] / 3 / len(f"{number}") / DIGIT_WIDTH)
        start = (
            corner[0] + (size[0] - letters * DIGIT_WIDTH * len(f"{number}")) / 2,
            corner[1] + (size[1] - letters * DIGIT_HEIGHT) / 2,
        )
        for colour, width, mode in ((WHITE, 8 * HAIRLINE, 1), (BLACK, 2 * HAIRLINE, 0)):
            self.content.set_color_rgb(*colour, stroke=True)
            self.content.set_line_width(width)
            self.content.set_text_rendering(mode)
            self.content.rectangle(*corner, *size)
            self.content.stroke()
            self.text(start, letters, f"{number}")

    def _line(self, start: Size, end: Size) -> None:
        self.content.move_to(*start)
        self.content.line_to(*end)
        self.content.stroke()


def _instructions(split: Split, sides: Size) -> list[str]:
    """Return what a person who holds the pages should know."""
    return [
        f"{sides[0]:,.1f} x {sides[1]:,.1f} mm: {split.described}.",
        "Print at actual size, not fit to page. Cut each page at its marks, and lay them side by side.",
        "Or leave the strips to the right and below, and glue the next page onto them.",
    ]


def _profile(jpeg: JpegFile) -> bytes:
    """Return the colour profile of a JPEG that `libvips_writer` wrote."""
    jpeg.seek(0)
    head = jpeg.read(HEAD_BYTES)
    at = head.index(PROFILE)
    return head[at + len(PROFILE) : at - 2 + int.from_bytes(head[at - 2 : at])]


def _box(left: float, bottom: float, right: float, top: float) -> pydyf.Array:
    return pydyf.Array([POINTS * left, POINTS * bottom, POINTS * right, POINTS * top])
