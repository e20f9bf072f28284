"""Cuts a target into as many cells as were ordered, whatever its size in pixels.

The width and height of a cell are rational numbers of pixels, so an edge may lie within a pixel. A crop therefore
loses less than one cell across and less than one cell down, for any target.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from math import ceil, floor, isqrt

from models.errors import InvalidOrder
from models.rules import spans
from models.rules.cell_counts import cells_down, rows_in, shown, shown_down, tile_height, turned
from models.rules.formats import Format, any_of
from models.rules.order_words import LARGEST, MAX_CELLS_ACROSS, MAX_TILE_SIZE, Fit, Limits, Shape
from models.rules.orders import MosaicOrder

SMALLEST_BLOCK = 2
"""How many of the finest cells a larger one covers at least, across and down."""


@dataclass(frozen=True)
class Grid:
    """A target cut into `columns` x `rows` cells, and the size of the tiles. All in pixels.

    The first cell begins at the pixel (`left`, `top`) of the target. `exact_size` is the width and height of the
    mosaic where the order gives them: if they are no multiples of the cells, some tiles lose their last column or row
    of pixels. `filled` has a byte for each cell, row by row, which is 0 where a mask leaves the cell empty; without a
    mask it is None. Where some cells are larger than others, columns and rows are those of the finest, and `spans`
    has a byte for each of them: how many of them the cell that has its seat there covers, across and down, or 0, see
    `models.rules.spans`; `filled` is 1 at seats alone. Without larger cells it is None. Where the shape moves every
    other row, half of the first cell of each even row and of the last cell of each odd row lies outside the target
    and the mosaic. Cells and tiles of a shape that is no rectangle are given by the rectangles around them; where
    these overlap, a part of the first row lies above the target, and as much of the last row below.
    """

    columns: int
    rows: int
    left: int
    top: int
    cell_width: Fraction
    cell_height: Fraction
    tile_width: int
    tile_height: int
    exact_size: tuple[int, int] | None = None
    filled: bytes | None = None
    shape: Shape = Shape.RECTANGLE
    spans: bytes | None = None

    @property
    def cell_count(self) -> int:
        """Number of cells, with those that a mask leaves empty."""
        return self.columns * self.rows

    @property
    def filled_count(self) -> int:
        """Number of cells in which a photo lies."""
        return self.cell_count if self.filled is None else self.cell_count - self.filled.count(0)

    @property
    def slack(self) -> float:
        """By how much cells may lie nearer to each other than their columns and rows say, in cells."""
        return spans.SLACK if self.spans else self.shape.shifted / 2

    def seats_apart(self, distance: float) -> float:
        """Return how far apart the seats of cells lie, at least, so that the cells keep a distance."""
        return distance + spans.SLACK if self.spans and distance > 1 else distance

    @property
    def target_size(self) -> tuple[Fraction, Fraction]:
        """Width and height of the part of the target that the cells cover."""
        return shown(self.columns, self.shape) * self.cell_width, shown_down(self.rows, self.shape) * self.cell_height

    @property
    def mosaic_size(self) -> tuple[int, int]:
        """Width and height of the mosaic."""
        return self.exact_size or self.tiled_size

    @property
    def tiled_size(self) -> tuple[int, int]:
        """Width and height of what is shown of all tiles side by side, before any loses a pixel."""
        return self.columns * self.tile_width - self.outside, self.rows * self.pitch - self.overlap

    @property
    def outside(self) -> int:
        """Pixels of the first tile of each even row, and of the last of each odd one, that lie outside the mosaic."""
        return self.tile_width // 2 if self.shape.shifted else 0

    @property
    def overlap(self) -> int:
        """Lines of the tiles of a row that lie beside those of the next row, and of the one before."""
        return floor(self.tile_height * self.shape.overlap + Fraction(1, 2))

    @property
    def pitch(self) -> int:
        """Lines from the top of a row of tiles to that of the next."""
        return self.tile_height - self.overlap


def cut(width: int, height: int, order: MosaicOrder, limits: Limits = LARGEST) -> Grid:
    """Return the grid that `order` asks for on a target of `width` x `height` pixels, or on the part of it to take.

    Raises:
        InvalidOrder: a cell is larger than a target to be cropped, or there would be more cells or pixels than the
            limits allow.

    Example:
        >>> cut(600, 400, MosaicOrder(cells_across=310)).rows
        206
    """
    part = order.part(width, height)
    width, height = part.width, part.height
    if order.mosaic_width is not None and order.mosaic_height is not None and order.cells_across is not None:
        grid = _of_mosaic(width, height, order.cells_across, (order.mosaic_width, order.mosaic_height), order)
    else:
        grid = _of_cells(width, height, order)
    _check((width, height), grid, order, limits)
    return replace(grid, left=part.left + grid.left, top=part.top + grid.top)


def _of_mosaic(width: int, height: int, across: int, size: tuple[int, int], order: MosaicOrder) -> Grid:
    """Return the grid of a mosaic of a given size, which lies as the target does: portrait or landscape."""
    shape = order.shape
    columns, rows = across, cells_down(across, *size, shape)
    if (width - height) * (size[0] - size[1]) < 0:
        columns, rows = turned(columns, rows, size, shape)
        size = size[::-1]
    scales = Fraction(width, size[0]), Fraction(height, size[1])
    if order.fit is Fit.CROP:
        scales = min(scales), min(scales)
    seen, seen_down = shown(columns, shape), shown_down(rows, shape)
    cell_width, cell_height = size[0] * scales[0] / seen, size[1] * scales[1] / seen_down
    left, top = int(width - seen * cell_width) // 2, int(height - seen_down * cell_height) // 2
    at_least = ceil(size[1] / seen_down * (1 - shape.overlap))
    made = (
        Grid(
            columns, rows, left, top, cell_width, cell_height, ceil(size[0] / seen), tile_height(pitch, shape),
            exact_size=size, shape=shape,
        )
        for pitch in count(at_least)
    )  # fmt: skip
    return next(grid for grid in made if grid.tiled_size[1] >= size[1])


def _of_cells(width: int, height: int, order: MosaicOrder) -> Grid:
    """Return the grid of cells of the size that an order asks for."""
    more = Fraction(order.shape.shifted, 2)
    cell_width, cell_height = _cell(width, order)
    pitch = max(1, round(order.tile_size * cell_height / cell_width * (1 - order.shape.overlap)))
    fractions = width / cell_width + more, rows_in(height / cell_height, order.shape)
    if order.fit is Fit.RESIZE:
        columns, rows = (max(1, round(cells)) for cells in fractions)
        cell_width, cell_height = width / shown(columns, order.shape), height / shown_down(rows, order.shape)
    else:
        _check_cell(width, height, (cell_width, cell_height), order)
        columns, rows = (floor(cells) for cells in fractions)
    left = int(width - shown(columns, order.shape) * cell_width) // 2
    top = int(height - shown_down(rows, order.shape) * cell_height) // 2
    tile = order.tile_size, tile_height(pitch, order.shape)
    return Grid(columns, rows, left, top, cell_width, cell_height, *tile, shape=order.shape)


def _cell(width: int, order: MosaicOrder) -> tuple[Fraction, Fraction]:
    """Return the width and height of a cell that an order asks for."""
    if order.cells_across is not None:
        side = width / shown(order.cells_across, order.shape)
        return side, side * order.shape.regular_height
    if order.cell_width is None or order.cell_height is None:
        raise InvalidOrder("cell_width", "A cell's size needs both a width and a height.")
    return Fraction(order.cell_width), Fraction(order.cell_height)


def _check_cell(width: int, height: int, cell: tuple[Fraction, Fraction], order: MosaicOrder) -> None:
    """Refuse cells that are larger than the target."""
    lowest = shown_down(1, order.shape) * cell[1]
    if cell[0] <= width and lowest <= height:
        return
    if order.cells_across is None:
        raise InvalidOrder(
            "cell_width",
            f"A cell of {order.cell_width:,} x {order.cell_height:,} pixels is larger than the target "
            f"({width:,} x {height:,}); take a smaller cell, or fit it by resize.",
        )
    enough = ceil(lowest / cell[0] * width / height + Fraction(order.shape.shifted, 2))
    fewest = f"take at least {enough:,} cells across, or " if enough <= MAX_CELLS_ACROSS else ""
    kind = "Square cells" if order.shape.regular_height == 1 else "Regular cells"
    raise InvalidOrder(
        "cells_across",
        f"{kind}, {order.cells_across:,} across, are higher than the target ({width:,} x {height:,}); "
        f"{fewest}fit it by resize.",
    )


def _check(target: tuple[int, int], grid: Grid, order: MosaicOrder, limits: Limits) -> None:
    if grid.cell_count > limits.cells:
        sentence = f"{grid.columns:,} x {grid.rows:,} makes {grid.cell_count:,} cells; the limit is {limits.cells:,}."
        if order.cells_across is None:
            raise InvalidOrder("cell_width", f"{sentence} Take larger cells.")
        whole = order.mosaic_width or target[0], order.mosaic_height or target[1]
        raise InvalidOrder("cells_across", f"{sentence} Take {_fewer_across(whole, limits.cells, order.shape)}.")
    if grid.shape.shifted and grid.columns == 1:
        raise InvalidOrder("shape", "Rows of one cell cannot be moved by half a cell; take more cells.")
    mosaic_width, mosaic_height = grid.mosaic_size
    if grid.exact_size is not None:
        _check_tiles(grid)
    if order.adaptive and SMALLEST_BLOCK * max(grid.tile_width, grid.tile_height) > MAX_TILE_SIZE:
        raise too_large(grid, SMALLEST_BLOCK)
    size = f"The mosaic would be {mosaic_width:,} x {mosaic_height:,} pixels"
    if mosaic_width * mosaic_height > limits.pixels:
        raise InvalidOrder("tile_size", f"{size}; the limit is {limits.pixels:,} in all. Take smaller tiles.")
    facts = order.format.facts
    if limit := facts.limit(grid.mosaic_size, order.dpi):
        others = [each.facts.title for each in Format if not each.facts.limit(grid.mosaic_size, order.dpi)]
        raise InvalidOrder("tile_size", f"{size}; {facts.title} ends at {limit}. Take {any_of(others)}.")


def too_large(grid: Grid, span: int) -> InvalidOrder:
    """Return the refusal of tiles that are too large for cells of a span: they are decoded whole, several at once."""
    width, height = span * grid.tile_width, span * grid.tile_height
    return InvalidOrder(
        "tile_size",
        f"A cell of {span} x {span} would have a tile of {width:,} x {height:,} pixels; the limit is "
        f"{MAX_TILE_SIZE:,} a side. Take smaller tiles.",
    )


def _check_tiles(grid: Grid) -> None:
    """Refuse a mosaic of a given size whose tiles would be too large, or less than a pixel."""
    (width, height), cells = grid.mosaic_size, f"{grid.columns:,} x {grid.rows:,} cells"
    if width < grid.columns or height < grid.rows:
        raise InvalidOrder("cells_across", f"A mosaic of {width:,} x {height:,} pixels has no room for {cells}.")
    if max(grid.tile_width, grid.tile_height) > MAX_TILE_SIZE:
        raise InvalidOrder(
            "cells_across",
            f"A mosaic of {width:,} x {height:,} pixels in {cells} has tiles of {grid.tile_width:,} x "
            f"{grid.tile_height:,} pixels; the limit is {MAX_TILE_SIZE:,} a side. Take more cells.",
        )


def _fewer_across(size: tuple[int, int], cells: int, shape: Shape) -> str:
    """Return how many regular cells across are allowed at most; or what else to do, if not even one is."""
    width, height = size

    def rows(across: int) -> int:
        return ceil(rows_in(Fraction(across * height) / (width * shape.regular_height), shape))

    most = isqrt(cells * width // height)
    across = next((across for across in range(most, 0, -1) if across * rows(across) <= cells), None)
    return f"{across:,} cells across" if across else "a cell's width and height instead"
