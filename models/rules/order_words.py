"""The words and the limits of an order. Standard library only, as all rules."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

MAX_CELLS_ACROSS = 1_000
MAX_CELLS = 1_000_000
MAX_CELL_SIZE = 4_096
MAX_TILE_SIZE = 1_024
MAX_MOSAIC_PIXELS = 100_000_000_000
MAX_DPI = 2_400
MAX_BLEED = 50
"""In millimetres."""
MAX_OVERLAP = 500
"""In millimetres."""
MAX_PICTURE_PIXELS = 128_000_000
MAX_STREAMED_PIXELS = 1_000_000_000
"""Of a photo that is decoded at a reduced scale, line by line: a JPEG with one scan, which is not progressive."""
MAX_PHOTO_PIXELS = 50_000_000
"""Of a photo as it is decoded for a tile: a JPEG is decoded at reduced scale, so it may be larger in the file."""
MIN_SUBCELLS = 2
MAX_SUBCELLS = 16
MAX_DISTANCE = 1_000
MAX_FAR = 4
"""From 4 to 8 the view from afar gains half of what it does from 2 to 4, and PSNR after a blur falls."""
DEFAULT_CELLS_ACROSS = 80
DEFAULT_SUBCELLS = 4
DEFAULT_DETAIL = 0.5


@dataclass(frozen=True)
class Limits:
    """How large a mosaic may be.

    Attributes:
        cells: The most cells.
        pixels: The most pixels.
    """

    cells: int = MAX_CELLS
    pixels: int = MAX_MOSAIC_PIXELS


LARGEST = Limits()
"""What the command line allows; a service may set less."""


class Fit(StrEnum):
    """How a target becomes a whole number of cells."""

    CROP = "crop"
    RESIZE = "resize"


class Shape(StrEnum):
    """How cells lie beside each other."""

    RECTANGLE = "rectangle"
    """In rows and columns."""
    BRICK = "brick"
    """Every other row is moved by half a cell."""
    HEXAGON = "hexagon"
    """A corner on top, and so every other row moved; a cell is cut out of the rectangle around it."""

    @property
    def shifted(self) -> bool:
        """Whether every other row is moved by half a cell."""
        return self is not Shape.RECTANGLE

    @property
    def overlap(self) -> Fraction:
        """Which part of the height of a row reaches into the row above, and as much into the one below."""
        return Fraction(1, 4) if self is Shape.HEXAGON else Fraction(0)

    @property
    def regular_height(self) -> Fraction:
        """Height of a cell of width 1 that is as good as regular: 209 / 181 is 2 / sqrt(3) to four millionths."""
        return Fraction(209, 181) if self is Shape.HEXAGON else Fraction(1)


class Crops(StrEnum):
    """Which parts of a photo may lie in a cell."""

    NONE = "none"
    """The largest part of the cell's shape, from the middle."""
    SLIDE = "slide"
    """Also those of the same size from elsewhere in the photo."""
    ZOOM = "zoom"
    """Also smaller ones, down to `MosaicOrder.keep`."""


class LossName(StrEnum):
    """How far a tile is from a cell; `worker.core.losses` has the formula of each."""

    BALANCED = "balanced"
    MEAN_RGB = "mean-rgb"
    MEAN_RGB_MANHATTAN = "mean-rgb-manhattan"
    MEAN_RGB_LUMA = "mean-rgb-luma"
    MEAN_RGB_LUMA_SQUARED = "mean-rgb-luma-squared"
    MEAN_LAB = "mean-lab"
    MEAN_OKLAB = "mean-oklab"
    CIEDE2000 = "ciede2000"
    GRID_RGB = "grid-rgb"
    GRID_OKLAB = "grid-oklab"
    PIXELS = "pixels"
