"""How many cells of a shape lie in a width and a height, and how much of them is shown.

Half a cell of each row lies outside where every other row is moved, and a part of the first and of the last row where
rows overlap.
"""

from fractions import Fraction

from models.rules.order_words import Shape


def shown(columns: int, shape: Shape) -> Fraction:
    """Return how many widths of a cell are shown of a row of so many cells."""
    return columns - Fraction(shape.shifted, 2)


def shown_down(rows: int, shape: Shape) -> Fraction:
    """Return how many heights of a cell are shown of so many rows."""
    return rows - (rows + 1) * shape.overlap


def rows_in(heights: Fraction, shape: Shape) -> Fraction:
    """Return how many rows show so many heights of a cell."""
    return (heights + shape.overlap) / (1 - shape.overlap)


def cells_down(across: int, width: int, height: int, shape: Shape = Shape.RECTANGLE) -> int:
    """Return how many cells that are as good as regular lie below each other in a mosaic of a width and a height."""
    if not shape.overlap:
        return max(1, round(Fraction(across * height, width)))
    heights = shown(across, shape) * height / (width * shape.regular_height)
    return max(1, round(rows_in(heights, shape)))


def turned(columns: int, rows: int, size: tuple[int, int], shape: Shape) -> tuple[int, int]:
    """Return the columns and rows of a mosaic that lies the other way, with tiles that are about as large.

    Args:
        columns: Cells from left to right.
        rows: Cells from top to bottom.
        size: Width and height of the mosaic.
        shape: Of the cells, which stay upright.
    """
    if not shape.overlap:
        return rows, columns
    width, height = size
    across = max(1, round(shown(columns, shape) * height / width + Fraction(shape.shifted, 2)))
    return across, cells_down(across, height, width, shape)


def tile_height(pitch: int, shape: Shape) -> int:
    """Return the height of tiles of which each row begins so many lines below the one before."""
    return pitch + round(pitch * shape.overlap / (1 - shape.overlap))
