"""Orders: checked instructions for a mosaic. Standard library only, so that the command line starts fast."""

from dataclasses import dataclass

from models.errors import InvalidOrder
from models.rules import cropping, order_fields, page_split
from models.rules.formats import DEFAULT_DPI, DEFAULT_FORMAT, LOSSY, Format, any_of
from models.rules.order_fields import Group, declared
from models.rules.order_words import (
    DEFAULT_CELLS_ACROSS,
    DEFAULT_DETAIL,
    DEFAULT_SUBCELLS,
    MAX_BLEED,
    MAX_CELL_SIZE,
    MAX_CELLS,
    MAX_CELLS_ACROSS,
    MAX_DISTANCE,
    MAX_DPI,
    MAX_FAR,
    MAX_MOSAIC_PIXELS,
    MAX_OVERLAP,
    MAX_SUBCELLS,
    MAX_TILE_SIZE,
    MIN_SUBCELLS,
    Crops,
    Fit,
    LossName,
    Shape,
)
from models.rules.paper import MM_PER_INCH, Sheet


@dataclass(frozen=True)
class MosaicOrder:
    """How a target is cut, and how tiles are chosen for it; what each field means is declared with it.

    Give `cells_across` for square cells, or `cell_width` and `cell_height` in pixels of the target.
    None in a field says that it was not given: its default depends on other fields, or it sets no limit.

    Raises:
        InvalidOrder: a value is outside its range, or two contradict each other.
    """

    cells_across: int | None = declared(
        None, int, Group.SIZE, "cells across", "Cells from left to right, square or, as hexagons, regular",
        usual=DEFAULT_CELLS_ACROSS, least=1, most=MAX_CELLS_ACROSS,
        option="Cells across; they are square, or regular hexagons.", flag="--cells",
        hint=f"1 to {MAX_CELLS_ACROSS:,}; more cells, finer picture",
    )  # fmt: skip
    cell_width: int | None = declared(
        None, int, Group.CELL, "cell width",
        "Width of a cell in pixels of the target, with cell_height, instead of cells_across",
        least=1, most=MAX_CELL_SIZE, unit="pixels of the target",
    )  # fmt: skip
    cell_height: int | None = declared(
        None, int, Group.CELL, "cell height", "Height of a cell in pixels of the target",
        least=1, most=MAX_CELL_SIZE, unit="pixels of the target",
    )  # fmt: skip
    tile_size: int = declared(
        50, int, Group.SIZE, "tile size", "Width of a tile in the mosaic, in pixels", least=1, most=MAX_TILE_SIZE,
        unit="pixels of the mosaic", option="Width of a tile in the mosaic.", letter="PX",
        hint=f"Pixels across one tile in the mosaic, 1 to {MAX_TILE_SIZE:,}",
    )  # fmt: skip
    fit: Fit = declared(
        Fit.CROP, Fit, Group.FILE, "fit", "Crop less than a cell, or stretch by at most half a cell",
        option="Crop less than one cell (of the height with --cells, each way with --cell-size), "
        "or stretch slightly.",
    )  # fmt: skip
    format: Format = declared(DEFAULT_FORMAT, Format, Group.FILE, "format", "File format of the mosaic")
    crop_left: float = declared(
        0.0, float, Group.CROP, "left edge of the crop",
        "Where the part of the target begins that is taken, as a share of the target's width as it is seen",
        unit="of the target's width", hint="0 to 1: a share of the picture's width",
    )  # fmt: skip
    crop_top: float = declared(
        0.0, float, Group.CROP, "top edge of the crop", "Where that part begins, as a share of the target's height",
        unit="of the target's height", hint="0 to 1: a share of the picture's height",
    )  # fmt: skip
    crop_width: float | None = declared(
        None, float, Group.CROP, "width of the crop", "Width of that part, as a share of the target's width",
        usual="all to the right", unit="of the target's width", hint="Up to 1, from the left edge on",
    )  # fmt: skip
    crop_height: float | None = declared(
        None, float, Group.CROP, "height of the crop", "Height of that part, as a share of the target's height",
        usual="all below", unit="of the target's height", hint="Up to 1, from the top edge on",
    )  # fmt: skip
    mosaic_width: int | None = declared(
        None, int, Group.PRINT, "mosaic width",
        "Exact width of the mosaic in pixels, with mosaic_height and cells_across, instead of tile_size; width and "
        "height are exchanged where the target lies the other way",
        least=1, most=MAX_MOSAIC_PIXELS, unit="pixels", hint="Pixels, with the height; instead of a tile size",
    )  # fmt: skip
    mosaic_height: int | None = declared(
        None, int, Group.PRINT, "mosaic height", "Exact height of the mosaic in pixels",
        least=1, most=MAX_MOSAIC_PIXELS, unit="pixels",
    )  # fmt: skip
    bleed: float = declared(
        0.0, float, Group.PRINT, "bleed",
        "By how much the picture is larger than the paper, on every side; a PDF says where it is to be cut",
        most=MAX_BLEED, unit="mm", usual="0mm", length=True,
        hint="By how much the picture is larger on every side",
    )  # fmt: skip
    pages: Sheet | None = declared(
        None, Sheet, Group.PRINT, "pages",
        "For a PDF: split the print into pages of this paper, with marks where to cut them", usual="one page",
        hint="For a PDF: split it for a printer at home, with marks where to cut",
    )  # fmt: skip
    overlap: float | None = declared(
        None, float, Group.PRINT, "overlap", "By how much pages repeat of their neighbours",
        most=MAX_OVERLAP, unit="mm", usual=f"{page_split.DEFAULT_OVERLAP}mm", length=True,
        hint="By how much such pages repeat of their neighbours",
    )  # fmt: skip
    shape: Shape = declared(
        Shape.RECTANGLE, Shape, Group.FILE, "shape",
        "How cells lie beside each other: in columns, with every other row moved by half a cell, or as hexagons",
    )  # fmt: skip
    adaptive: float = declared(
        0.0, float, Group.FILE, "adaptive",
        "How readily calm parts of the target get larger cells: 0 not at all, 1 the most", letter="T",
        hint="0 to 1: larger cells where the picture is calm", alone=0.5,
    )  # fmt: skip
    file_quality: int | None = declared(
        None, int, Group.SAVING, "quality of the file",
        f"How little of the picture a file of {any_of(list(LOSSY))} may lose: 1 the most, 100 the least",
        usual=", ".join(f"{name} {usual}" for name, usual in LOSSY.items()), least=1, most=100, flag="--quality",
        hint=f"1 to 100, for {any_of([name.facts.title for name in LOSSY])} only",
    )  # fmt: skip
    dpi: int = declared(
        DEFAULT_DPI, int, Group.SAVING, "dots per inch", "Pixels of the mosaic on an inch of paper, as its file says",
        least=1, most=MAX_DPI, hint="For printing: pixels on an inch of paper",
    )  # fmt: skip
    loss: LossName = declared(
        LossName.BALANCED, LossName, Group.NEARNESS, "loss", "How far a tile is from a cell",
        option="How far a tile is from a cell; `tessera compare` shows them all.",
    )  # fmt: skip
    detail: float | None = declared(
        None, float, Group.NEARNESS, "detail", "For balanced: 0 average colour to 1 structure", usual=DEFAULT_DETAIL,
        losses=(LossName.BALANCED,), belongs="Detail belongs to the loss", letter="T",
        option="For balanced: 0 for average colour alone to 1 for structure alone.",
        hint="For balanced: 0 colour alone, to 1 structure alone",
    )  # fmt: skip
    subcells: int | None = declared(
        None, int, Group.NEARNESS, "sub-cells a side", "For the grids: sub-cells a side", usual=DEFAULT_SUBCELLS,
        least=MIN_SUBCELLS, most=MAX_SUBCELLS, losses=(LossName.GRID_RGB, LossName.GRID_OKLAB),
        belongs="Sub-cells belong to the losses", letter="G",
        option=f"For grid-rgb and grid-oklab: compare G x G sub-cells, {MIN_SUBCELLS} to {MAX_SUBCELLS}.",
        hint=f"For the grids: {MIN_SUBCELLS} to {MAX_SUBCELLS}",
    )  # fmt: skip
    crops: Crops = declared(
        Crops.ZOOM, Crops, Group.NEARNESS, "crops", "Which parts of a photo may lie in a cell",
        option="Which parts of a photo may lie in a cell: the middle, also others as large, or also smaller ones.",
    )  # fmt: skip
    keep: float = declared(
        0.64, float, Group.NEARNESS, "share kept",
        "How much of a photo's largest part a zoom keeps at least; ignored unless crops is zoom",
        least=0.1, letter="S",
        option="Least share of the area of a photo's largest part that a zoom keeps, 0.1 to 1; "
        "ignored unless --crops is zoom.",
        hint="0.1 to 1, for zooms only: of the area of the largest part",
    )  # fmt: skip
    far: float = declared(
        0.5, float, Group.NEARNESS, "view from afar",
        f"How much the colours of a mosaic seen from afar count: 0 nothing, {MAX_FAR} the most", most=MAX_FAR,
        letter="T", hint=f"0 to {MAX_FAR}: how much the colours seen from across the room count",
    )  # fmt: skip
    flips: bool = declared(False, bool, Group.REPEATS, "flips", "Tiles may be mirrored")
    turns: bool = declared(False, bool, Group.REPEATS, "turns", "Tiles may be rotated by quarter turns")
    max_uses: int | None = declared(
        None, int, Group.REPEATS, "uses of a tile", "How many cells a tile may lie in", usual="any number",
        least=1, most=MAX_CELLS, option="A tile lies in at most N cells.", hint="At most; 1 for no repeats",
    )  # fmt: skip
    no_repeats: bool = declared(False, bool, Group.REPEATS, "no repeats", "A tile lies in one cell at most")
    min_distance: float = declared(
        0.0, float, Group.REPEATS, "distance of equal tiles", "How many cells apart equal tiles must lie",
        most=MAX_DISTANCE, unit="cells, between the centres", letter="D",
        option="Equal tiles lie at least D cells apart, as the crow flies.", hint="In cells, at least",
    )  # fmt: skip
    min_uses: int | None = declared(
        None, int, Group.REPEATS, "least uses of a tile", "How many cells each tile must lie in", usual="none",
        least=1, most=MAX_CELLS, option="Each tile lies in at least N cells.",
        hint="At least; 1 to show every photo",
    )  # fmt: skip
    spread: float = declared(
        0.5, float, Group.REPEATS, "spread",
        "How strongly equal tiles are avoided, above all near each other: 0 not at all, 1 the most",
        letter="T", hint="0 to 1: how strongly equal tiles are avoided, above all near each other",
    )  # fmt: skip
    adapt: float = declared(
        0.0, float, Group.COLOUR, "adapt",
        "How far the target's tones and colours move towards those of the tiles, before matching", letter="T",
        option="Move the picture's tones and colours towards what the photos can show: 0 not at all, 1 all the way.",
        hint="0 to 1: the picture's tones and colours move towards what the photos can show",
    )  # fmt: skip
    tint: float = declared(
        0.15, float, Group.COLOUR, "tint", "How far a tile's mean colour is moved to its cell's", letter="T",
        option="Move a tile's average colour towards its cell's: 0 not at all, 1 all the way.",
        hint="0 to 1: tiles take on the cell's colour",
    )  # fmt: skip
    blend: float = declared(
        0.0, float, Group.COLOUR, "blend", "How much of the target is laid over the tiles", letter="T",
        option="Lay the target over the tiles: 0 not at all, 1 nothing but the target.",
        hint="0 to 1: the target shines through",
    )  # fmt: skip

    def __post_init__(self) -> None:
        by_size = (self.cell_width, self.cell_height)
        if (self.cells_across is None) == (by_size == (None, None)):
            raise InvalidOrder("cells_across", "Give either the cells across or a cell's width and height.")
        if (self.mosaic_width is None) != (self.mosaic_height is None):
            raise InvalidOrder("mosaic_width", "A mosaic's size needs both a width and a height.")
        if self.mosaic_width is not None and self.cells_across is None:
            raise InvalidOrder("mosaic_width", "A mosaic's size goes with cells across, not with the size of a cell.")
        needed = {"cell_width", "cell_height"} if self.cells_across is None else set()
        for name, about in FIELDS.items():
            value = getattr(self, name)
            if value is None and name not in needed:
                continue
            if not goes_with(name, self.loss):
                raise InvalidOrder(name, f"{about.belongs} {' and '.join(about.losses)}, not to {self.loss}.")
            if about.ranged and (value is None or not about.admits(value)):
                raise InvalidOrder(name, about.refusal(value))
        if self.file_quality is not None and self.format not in LOSSY:
            raise InvalidOrder(
                "file_quality",
                f"A quality belongs to {any_of([each.facts.title for each in LOSSY])}; "
                f"nothing is lost in {self.format.facts.title}.",
            )
        cropping.check("width", self.crop_left, self.crop_width)
        cropping.check("height", self.crop_top, self.crop_height)
        self._check_shape()
        self._check_pages()
        self._check_repeats()

    def _check_shape(self) -> None:
        if self.shape.shifted and self.cells_across == 1:
            raise InvalidOrder("cells_across", f"The shape {self.shape} needs at least 2 cells across.")
        if self.adaptive and self.shape is not Shape.RECTANGLE:
            raise InvalidOrder("adaptive", f"Adaptive cells are {Shape.RECTANGLE}s, not of the shape {self.shape}.")

    def _check_pages(self) -> None:
        if self.mosaic_width is None or self.mosaic_height is None:
            for name, belongs in (
                ("bleed", "A bleed belongs"),
                ("pages", "Pages belong"),
                ("overlap", "An overlap belongs"),
            ):
                if getattr(self, name):
                    raise InvalidOrder("print", f"{belongs} to a print; give its size on paper, too.")
            return
        if self.bleed and min(self.mosaic_width, self.mosaic_height) / self.dpi * MM_PER_INCH <= 2 * self.bleed:
            raise InvalidOrder("bleed", f"A bleed of {self.bleed:g} mm on both sides leaves nothing of the mosaic.")
        if self.pages is None:
            if self.overlap is not None:
                raise InvalidOrder("overlap", "An overlap belongs to pages; say on which paper they are.")
            return
        if self.format is not Format.PDF:
            raise InvalidOrder("pages", f"Pages belong to {Format.PDF.facts.title}; take that as the format.")
        self.split((self.mosaic_width, self.mosaic_height))

    def split(self, size: tuple[int, int]) -> page_split.Split | None:
        """Return how a mosaic of a width and a height is split into pages; None if it is not."""
        if self.pages is None:
            return None
        overlap = page_split.DEFAULT_OVERLAP if self.overlap is None else self.overlap
        return page_split.split(size, self.dpi, self.pages, overlap)

    def _check_repeats(self) -> None:
        if self.no_repeats and (self.max_uses or 1) > 1:
            raise InvalidOrder(
                "max_uses",
                f"No repeats means one use of a tile, but {self.max_uses:,} are allowed; give one of the two.",
            )
        if self.min_uses is None:
            return
        if self.uses is not None and self.min_uses > self.uses:
            raise InvalidOrder(
                "min_uses",
                f"A tile cannot lie in at least {self.min_uses:,} cells and in at most {self.uses:,}; "
                "ask for fewer, or allow more.",
            )
        if self.min_distance > 1:
            raise InvalidOrder(
                "min_uses",
                f"Least uses do not go with a distance of equal tiles, here {self.min_distance:g}; "
                "give one of the two, or a spread instead of the distance.",
            )

    def part(self, width: int, height: int) -> cropping.Box:
        """Return which pixels of a target of a width and a height the mosaic is made of."""
        return cropping.box((width, height), (self.crop_left, self.crop_top), (self.crop_width, self.crop_height))

    @property
    def uses(self) -> int | None:
        """How often a tile may lie in the mosaic; None for any number."""
        return 1 if self.no_repeats else self.max_uses


FIELDS = order_fields.of(MosaicOrder)
"""What was declared of the fields, by their names."""


def goes_with(name: str, loss: str) -> bool:
    """Whether a field means something to a loss."""
    losses = FIELDS[name].losses
    return not losses or loss in losses


def foreign_to(form: str) -> set[str]:
    """Return the fields that mean nothing to a format.

    Example:
        >>> foreign_to(Format.JPEG) == {"pages", "overlap"}, foreign_to(Format.PDF)
        (True, set())
    """
    return ({"pages", "overlap"} if form != Format.PDF else set()) | (
        {"file_quality"} if form not in LOSSY else set()
    )
