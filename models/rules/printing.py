"""A print: cells and pixels, how large they are on paper, and what a person should know before it is printed."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from models.rules import paper
from models.rules.cell_counts import cells_down, shown, shown_down, turned
from models.rules.formats import Format
from models.rules.grid import Grid
from models.rules.order_words import Shape
from models.rules.orders import MosaicOrder
from models.rules.paper import MM_PER_INCH

RECOGNISED = 12
"""Millimetres of a tile from which on its photo is recognised: a rule of thumb, not a measurement. 32 x 32 pixels
tell what a photo shows (A. Torralba, "How many pixels make an image?", Visual Neuroscience 26, 2009), and eyes of
normal sight tell 1/60 of a degree apart; 32/60 of a degree are 12 mm from 1.3 m away."""


@dataclass(frozen=True)
class Plan:
    """A print in cells and pixels.

    Attributes:
        pixels: Width and height of the mosaic.
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        dpi: Dots per inch.
        form: The format of its file.
        shape: Of its cells.
        adaptive: Whether some cells may be larger, so that there are fewer; the tiles are the smallest then.
    """

    pixels: tuple[int, int]
    columns: int
    rows: int
    dpi: int
    form: Format
    shape: Shape = Shape.RECTANGLE
    adaptive: bool = False

    @property
    def size(self) -> paper.Size:
        """Width and height on paper, in millimetres."""
        width, height = self.pixels
        return width / density(self.dpi, self.form), height / density(self.dpi, self.form)

    @property
    def tile(self) -> paper.Size:
        """Width and height of a tile on paper, in millimetres."""
        return self.size[0] / self._shown[0], self.size[1] / self._shown[1]

    @property
    def tile_pixels(self) -> tuple[int, int]:
        """Width and height of the largest tiles in pixels; others have a pixel less."""
        return ceil(self.pixels[0] / self._shown[0]), ceil(self.pixels[1] / self._shown[1])

    @property
    def _shown(self) -> tuple[Fraction, Fraction]:
        """How many tiles wide and high it is, without what lies outside."""
        return shown(self.columns, self.shape), shown_down(self.rows, self.shape)

    @property
    def turned(self) -> "Plan":
        """The same print, lying the other way."""
        columns, rows = turned(self.columns, self.rows, self.pixels, self.shape)
        return replace(self, pixels=self.pixels[::-1], columns=columns, rows=rows)

    @property
    def order_fields(self) -> dict[str, int]:
        """The fields of an order that make it so."""
        width, height = self.pixels
        tile_size = self.tile_pixels[0]
        return {
            "cells_across": self.columns,
            "tile_size": tile_size,
            "mosaic_width": width,
            "mosaic_height": height,
            "dpi": self.dpi,
        }

    @property
    def on_paper(self) -> str:
        """How large the mosaic and its tiles are on paper, for people."""
        tiles = f"{self.columns:,} x {self.rows:,} tiles of {mm(self.tile)}"
        return f"{mm(self.size)} at {self.dpi:,} dpi, {tiles}"

    def notes(self, tile_count: int | None, small_count: int = 0) -> list[str]:
        """Return what a person should know before it is printed, a sentence each.

        Args:
            tile_count: How many photos there are; None if that is not known.
            small_count: How many of them have fewer pixels than a tile.
        """
        said, cell_count = [], self.columns * self.rows
        if round(min(self.tile)) < RECOGNISED:
            said.append(
                f"Tiles of {float(min(self.tile)):,.1f} mm are small: as a rule of thumb, photos are recognised from "
                f"about {RECOGNISED} mm on."
            )
        if small_count:
            said.append(
                f"{small_count:,} of {_photos(tile_count or 0)} {'has' if small_count == 1 else 'have'} fewer pixels "
                f"than are printed, {'{:,} x {:,}'.format(*self.tile_pixels)} a tile: that looks soft."
            )
        if tile_count and tile_count < cell_count and not self.adaptive:
            said.append(
                f"{cell_count:,} cells are many for {_photos(tile_count)}: on average each photo would lie in "
                f"{cell_count / tile_count:,.1f} of them."
            )
        return said


def density(dpi: int, form: Format) -> Fraction:
    """Return the pixels of a millimetre that a file says: a PNG a whole number in a metre, others one in an inch.

    Source:
        PNG 3rd edition, 11.3.4.3 (pHYs); Exif 2.32, 4.6.4 (XResolution).
    """
    exact = dpi / MM_PER_INCH
    return Fraction(round(exact * 1_000), 1_000) if form is Format.PNG else exact


def of_grid(grid: Grid, order: MosaicOrder) -> Plan | None:
    """Return the plan of the print that a grid makes; None if its order is for none."""
    if grid.exact_size is None:
        return None
    size = grid.exact_size, grid.columns, grid.rows
    return Plan(*size, order.dpi, order.format, order.shape, bool(order.adaptive))


def of_order(order: MosaicOrder) -> Plan | None:
    """Return the plan of the print that an order is for, its target lying the same way; None if it is for none."""
    if order.mosaic_width is None or order.mosaic_height is None or order.cells_across is None:
        return None
    size = order.mosaic_width, order.mosaic_height
    rows = cells_down(order.cells_across, *size, order.shape)
    return Plan(size, order.cells_across, rows, order.dpi, order.format, order.shape, bool(order.adaptive))


def mm(size: paper.Size) -> str:
    """Return a size on paper, for people."""
    return " x ".join(f"{float(side):,.1f}" for side in size) + " mm"


def _photos(count: int) -> str:
    return f"{count:,} {'photo' if count == 1 else 'photos'}"
