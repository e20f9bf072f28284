"""Orders: wishes that have been checked. Standard library only, so that the command line starts fast."""

from dataclasses import dataclass
from enum import StrEnum

from models.errors import InvalidOrder

MAX_CELLS_ACROSS = 1_000
MAX_CELLS = 250_000
MAX_CELL_SIZE = 4_096
MAX_TILE_SIZE = 1_024
MAX_MOSAIC_PIXELS = 1_000_000_000
MAX_PICTURE_PIXELS = 128_000_000
MAX_PHOTO_PIXELS = 50_000_000
"""Of a photo as it is decoded for a tile: a JPEG is decoded at reduced scale, so it may be larger in the file."""
DEFAULT_CELLS_ACROSS = 60
DEFAULT_TILE_SIZE = 50


class Fit(StrEnum):
    """How a target becomes a whole number of cells."""

    CROP = "crop"
    RESIZE = "resize"


class Format(StrEnum):
    """The file format of a mosaic."""

    PNG = "png"
    JPEG = "jpeg"


@dataclass(frozen=True)
class MosaicOrder:
    """How a target is to be cut and set.

    Give `cells_across` for square cells, or `cell_width` and `cell_height` in pixels of the target.

    Args:
        cells_across: Cells from left to right, 1 to 1,000.
        cell_width: Width of a cell, 1 to 4,096 pixels of the target.
        cell_height: Height of a cell, 1 to 4,096 pixels of the target.
        tile_size: Width of a tile in the mosaic, 1 to 1,024 pixels; its height follows the cell's shape.
        fit: Whether the target loses its edges or is stretched to a whole number of cells.
        format: The file format of the mosaic.

    Raises:
        InvalidOrder: a value is outside its range, or both ways of cutting are given.
    """

    cells_across: int | None = None
    cell_width: int | None = None
    cell_height: int | None = None
    tile_size: int = DEFAULT_TILE_SIZE
    fit: Fit = Fit.CROP
    format: Format = Format.PNG

    def __post_init__(self) -> None:
        by_size = (self.cell_width, self.cell_height)
        if (self.cells_across is None) == (by_size == (None, None)):
            raise InvalidOrder("cells_across", "Give either the cells across or a cell's width and height.")
        if self.cells_across is not None:
            _within("cells_across", "cells across", self.cells_across, MAX_CELLS_ACROSS)
        else:
            _within("cell_width", "cell width", self.cell_width, MAX_CELL_SIZE)
            _within("cell_height", "cell height", self.cell_height, MAX_CELL_SIZE)
        _within("tile_size", "tile size", self.tile_size, MAX_TILE_SIZE)


def _within(field: str, name: str, value: int | None, limit: int) -> None:
    if value is None or not 1 <= value <= limit:
        shown = "nothing" if value is None else f"{value:,}"
        raise InvalidOrder(field, f"The {name} must be from 1 to {limit:,}, not {shown}.")
