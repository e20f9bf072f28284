"""How a target of a certain size is cut into cells: whole numbers only."""

from dataclasses import dataclass

from models.errors import InvalidOrder
from models.orders import MAX_CELLS, MAX_MOSAIC_PIXELS, MAX_PICTURE_PIXELS, Fit, Format, MosaicOrder

FORMAT_MAX_SIDE = {Format.PNG: 2**31 - 1, Format.JPEG: 65_500}
"""Longest side in pixels. Source: PNG 3rd edition 11.2.1 (four-byte integers); libjpeg's JPEG_MAX_DIMENSION."""


@dataclass(frozen=True)
class Grid:
    """A target cut into `columns` x `rows` cells, and the tiles that will lie in them. All in pixels."""

    columns: int
    rows: int
    cell_width: int
    cell_height: int
    tile_width: int
    tile_height: int

    @property
    def cell_count(self) -> int:
        """Number of cells."""
        return self.columns * self.rows

    @property
    def target_size(self) -> tuple[int, int]:
        """Width and height of the fitted target."""
        return self.columns * self.cell_width, self.rows * self.cell_height

    @property
    def mosaic_size(self) -> tuple[int, int]:
        """Width and height of the mosaic."""
        return self.columns * self.tile_width, self.rows * self.tile_height


def cut(width: int, height: int, order: MosaicOrder) -> Grid:
    """Return the grid that `order` asks for on a target of `width` x `height` pixels.

    Raises:
        InvalidOrder: the target has too few pixels to be cropped so, or there would be too many cells or pixels.

    Example:
        >>> cut(600, 400, MosaicOrder(cells_across=60)).rows
        40
    """
    if order.cells_across is not None:
        columns, rows, cell_width, cell_height = _by_count(width, height, order.cells_across, order.fit)
    else:
        columns, rows, cell_width, cell_height = _by_size(width, height, order)
    tile_height = max(1, round(order.tile_size * cell_height / cell_width))
    grid = Grid(columns, rows, cell_width, cell_height, order.tile_size, tile_height)
    _check(grid, order)
    return grid


def _by_count(width: int, height: int, columns: int, fit: Fit) -> tuple[int, int, int, int]:
    if fit is Fit.RESIZE:
        side = max(1, round(width / columns))
        return columns, max(1, round(height * columns / width)), side, side
    if columns > width:
        raise InvalidOrder(
            "cells_across",
            f"A target {width:,} pixels wide cannot be cropped into {columns:,} cells across; "
            f"take at most {width:,}, or fit it by resize.",
        )
    side = width // columns
    if side > height:
        raise InvalidOrder(
            "cells_across",
            f"Cells of {side:,} x {side:,} pixels are taller than the target ({height:,} pixels); "
            f"take at least {width // (height + 1) + 1:,} cells across, or fit it by resize.",
        )
    return columns, height // side, side, side


def _by_size(width: int, height: int, order: MosaicOrder) -> tuple[int, int, int, int]:
    if order.cell_width is None or order.cell_height is None:
        raise InvalidOrder("cell_width", "A cell's size needs both a width and a height.")
    if order.fit is Fit.RESIZE:
        columns, rows = max(1, round(width / order.cell_width)), max(1, round(height / order.cell_height))
        return columns, rows, order.cell_width, order.cell_height
    if order.cell_width > width or order.cell_height > height:
        raise InvalidOrder(
            "cell_width",
            f"A cell of {order.cell_width:,} x {order.cell_height:,} pixels is larger than the target "
            f"({width:,} x {height:,}); take a smaller cell, or fit it by resize.",
        )
    return width // order.cell_width, height // order.cell_height, order.cell_width, order.cell_height


def _check(grid: Grid, order: MosaicOrder) -> None:
    field = "cell_width" if order.cells_across is None else "cells_across"
    if grid.cell_count > MAX_CELLS:
        raise InvalidOrder(
            field,
            f"{grid.columns:,} x {grid.rows:,} makes {grid.cell_count:,} cells; the limit is {MAX_CELLS:,}.",
        )
    width, height = grid.target_size
    if width * height > MAX_PICTURE_PIXELS:
        raise InvalidOrder(
            field,
            f"The target would be resized to {width:,} x {height:,} pixels; the limit is {MAX_PICTURE_PIXELS:,}.",
        )
    mosaic_width, mosaic_height = grid.mosaic_size
    size = f"The mosaic would be {mosaic_width:,} x {mosaic_height:,} pixels"
    if mosaic_width * mosaic_height > MAX_MOSAIC_PIXELS:
        raise InvalidOrder("tile_size", f"{size}; the limit is {MAX_MOSAIC_PIXELS:,} in all. Take smaller tiles.")
    longest = FORMAT_MAX_SIDE[order.format]
    if max(grid.mosaic_size) > longest:
        raise InvalidOrder("tile_size", f"{size}; {order.format.upper()} ends at {longest:,} a side. Take PNG.")
