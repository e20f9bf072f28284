"""Orders: wishes that have been checked. Standard library only, so that the command line starts fast."""

from dataclasses import dataclass
from enum import StrEnum

from models.errors import InvalidOrder
from models.rules.formats import DEFAULT_FORMAT, Format

MAX_CELLS_ACROSS = 1_000
MAX_CELLS = 250_000
MAX_CELL_SIZE = 4_096
MAX_TILE_SIZE = 1_024
MAX_MOSAIC_PIXELS = 1_000_000_000
MAX_PICTURE_PIXELS = 128_000_000
MAX_STREAMED_PIXELS = 1_000_000_000
"""Of a photo that is decoded at a reduced scale, line by line: a JPEG with one scan, which is not progressive."""
MAX_PHOTO_PIXELS = 50_000_000
"""Of a photo as it is decoded for a tile: a JPEG is decoded at reduced scale, so it may be larger in the file."""
MIN_SUBCELLS = 2
MAX_SUBCELLS = 16
MAX_USES = MAX_CELLS
MAX_DISTANCE = 1_000
DEFAULT_CELLS_ACROSS = 60
DEFAULT_TILE_SIZE = 50
DEFAULT_SUBCELLS = 4
DEFAULT_DETAIL = 0.5


class Fit(StrEnum):
    """How a target becomes a whole number of cells."""

    CROP = "crop"
    RESIZE = "resize"


class SourceKind(StrEnum):
    """What photos come as: one uploaded file, an uploaded zip, or a folder or a bucket that the workers can read."""

    PHOTO = "photo"
    ARCHIVE = "archive"
    PLACE = "place"


class ExclusionReason(StrEnum):
    """Why a photo of a tile set is in no mosaic."""

    BANNED = "banned"
    """By somebody, until it is allowed again."""
    REMOVED = "removed"
    """By somebody, until it is sent again."""
    REPLACED = "replaced"
    """It was linked to, and its file became another, until it is there again."""
    NEAR_DUPLICATE = "near_duplicate"
    """For as long as the photo is used that stands for it."""


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


WITH_SUBCELLS = (LossName.GRID_RGB, LossName.GRID_OKLAB)


@dataclass(frozen=True)
class MosaicOrder:
    """How a target is to be cut and set.

    Give `cells_across` for square cells, or `cell_width` and `cell_height` in pixels of the target.

    Args:
        cells_across: Cells from left to right, 1 to 1,000.
        cell_width: Width of a cell, 1 to 4,096 pixels of the target.
        cell_height: Height of a cell, 1 to 4,096 pixels of the target.
        tile_size: Width of a tile in the mosaic, 1 to 1,024 pixels; its height follows the cell's shape.
        fit: Whether the target loses less than one cell, or is stretched by no more than half a cell.
        format: The file format of the mosaic.
        loss: How far a tile is from a cell.
        subcells: Sub-cells a side of a cell, 2 to 16, for `grid-rgb` and `grid-oklab`; None for 4.
        detail: From 0, average colour alone, to 1, structure alone, for `balanced`; None for the usual.
        flips: Whether tiles may be mirrored.
        turns: Whether tiles may be turned by quarters.
        max_uses: How often a tile may lie in the mosaic; None for any number.
        no_repeats: The same as one use.
        min_distance: How far apart equal tiles must lie, in cells, between the centres; 0 to 1,000.
        tint: How far a tile's mean colour is moved to its cell's, 0 (not at all) to 1.
        blend: How much of the target is laid over the tiles, 0 (nothing) to 1.

    Raises:
        InvalidOrder: a value is outside its range, or two contradict each other.
    """

    cells_across: int | None = None
    cell_width: int | None = None
    cell_height: int | None = None
    tile_size: int = DEFAULT_TILE_SIZE
    fit: Fit = Fit.CROP
    format: Format = DEFAULT_FORMAT
    loss: LossName = LossName.BALANCED
    subcells: int | None = None
    detail: float | None = None
    flips: bool = False
    turns: bool = False
    max_uses: int | None = None
    no_repeats: bool = False
    min_distance: float = 0.0
    tint: float = 0.0
    blend: float = 0.0

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
        self._check_loss()
        self._check_rules()
        _between("tint", "tint", self.tint, 1)
        _between("blend", "blend", self.blend, 1)

    def _check_loss(self) -> None:
        if self.subcells is not None:
            if self.loss not in WITH_SUBCELLS:
                raise InvalidOrder(
                    "subcells", f"Sub-cells belong to the losses {' and '.join(WITH_SUBCELLS)}, not to {self.loss}."
                )
            _within("subcells", "sub-cells a side", self.subcells, MAX_SUBCELLS, MIN_SUBCELLS)
        if self.detail is not None:
            if self.loss is not LossName.BALANCED:
                raise InvalidOrder("detail", f"Detail belongs to the loss {LossName.BALANCED}, not to {self.loss}.")
            _between("detail", "detail", self.detail, 1)

    def _check_rules(self) -> None:
        if self.max_uses is not None:
            _within("max_uses", "uses of a tile", self.max_uses, MAX_USES)
            if self.no_repeats and self.max_uses > 1:
                raise InvalidOrder(
                    "max_uses",
                    f"No repeats means one use of a tile, but {self.max_uses:,} are allowed; give one of the two.",
                )
        _between("min_distance", "distance of equal tiles", self.min_distance, MAX_DISTANCE)

    @property
    def uses(self) -> int | None:
        """How often a tile may lie in the mosaic; None for any number."""
        return 1 if self.no_repeats else self.max_uses


def _within(field: str, name: str, value: int | None, limit: int, least: int = 1) -> None:
    if value is None or not least <= value <= limit:
        shown = "nothing" if value is None else f"{value:,}"
        raise InvalidOrder(field, f"The {name} must be from {least} to {limit:,}, not {shown}.")


def _between(field: str, name: str, value: float, limit: int) -> None:
    # Written so that "not a number" is refused too.
    if not 0 <= value <= limit:
        raise InvalidOrder(field, f"The {name} must be from 0 to {limit:,}, not {value:g}.")
