"""Plans a print: from a size on paper to cells and pixels.

The paper is filled by whole cells that are as good as square, or as regular hexagons. The mosaic has the whole number
of pixels that is nearest to the size on paper, so it is right to half a pixel: to 0.1 mm from 127 dpi on.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, isqrt

from models.errors import InvalidOrder
from models.rules import paper
from models.rules.cell_counts import cells_down
from models.rules.formats import DEFAULT_DPI, Format
from models.rules.order_words import MAX_CELLS, MAX_CELLS_ACROSS, MAX_MOSAIC_PIXELS, MAX_TILE_SIZE, Shape
from models.rules.orders import FIELDS
from models.rules.paper import shown
from models.rules.printing import Plan, density, mm

DEFAULT_TILE = "12mm"
STEP = Fraction(1, 10)
"""Of the sizes of tiles that are proposed, in millimetres."""


@dataclass(frozen=True)
class Print:
    """What is asked of a print, as people write it.

    Attributes:
        size: A size or the name of a paper.
        dpi: Dots per inch.
        tile: Width of a tile; None for the usual one, or where `cells` says it.
        bleed: By how much the picture is larger than the paper, on every side, in millimetres.
        cells: Cells across, instead of the width of a tile.
        shape: Of the cells.
    """

    size: str
    dpi: int = DEFAULT_DPI
    tile: str | None = None
    bleed: float = 0
    cells: int | None = None
    shape: Shape = Shape.RECTANGLE


def plan(asked: Print, form: Format) -> Plan:
    """Plan a print.

    Raises:
        InvalidOrder: something asked is no size, out of range, or beyond the limits; the sentence says what would do.

    Example:
        >>> made = plan(Print("60x40cm"), Format.JPEG)
        >>> made.columns, made.rows, made.pixels, made.tile_pixels
        (50, 33, (7087, 4724), (142, 144))
    """
    if not FIELDS["dpi"].admits(asked.dpi):
        raise InvalidOrder("dpi", FIELDS["dpi"].refusal(asked.dpi))
    if not FIELDS["bleed"].admits(asked.bleed):
        raise InvalidOrder("bleed", FIELDS["bleed"].refusal(asked.bleed))
    bleed = Fraction(asked.bleed)
    width, height = paper.size(asked.size)
    sides = width + 2 * bleed, height + 2 * bleed
    made = _planned(sides, _across(asked, sides), asked, form)
    _check(made, sides, asked)
    return made


def _planned(sides: paper.Size, columns: int, asked: Print, form: Format) -> Plan:
    width, height = (max(1, round(side * density(asked.dpi, form))) for side in sides)
    rows = cells_down(columns, width, height, asked.shape)
    return Plan((width, height), columns, rows, asked.dpi, form, asked.shape)


def _across(asked: Print, sides: paper.Size) -> int:
    """Return how many cells lie side by side."""
    if asked.cells is not None:
        if not FIELDS["cells_across"].admits(asked.cells):
            raise InvalidOrder("cells_across", FIELDS["cells_across"].refusal(asked.cells))
        return asked.cells
    tile = paper.length(asked.tile or DEFAULT_TILE, "tile", "tile")
    if tile <= 0:
        raise InvalidOrder("tile", f"A tile must be larger than 0 mm, not {shown(tile)}.")
    if tile > min(sides):
        raise InvalidOrder(
            "tile",
            f"A tile of {shown(tile)} is larger than the paper, {mm(sides)}; "
            f"take tiles of at most {shown(min(sides))}.",
        )
    return _columns(sides, tile, asked.shape)


def _columns(sides: paper.Size, tile: Fraction, shape: Shape) -> int:
    """Return how many tiles of a width lie side by side."""
    return max(1, round(sides[0] / tile + Fraction(shape.shifted, 2)))


def _check(made: Plan, sides: paper.Size, asked: Print) -> None:
    """Refuse a plan beyond the limits, and say which one would do."""
    if not _has_few_cells(made):
        raise InvalidOrder(
            "tile" if asked.cells is None else "cells_across",
            f"{made.columns:,} x {made.rows:,} makes {made.columns * made.rows:,} cells; the limits are "
            f"{MAX_CELLS:,} in all and {MAX_CELLS_ACROSS:,} a side. {_fewer_cells(made, sides, asked)}",
        )
    at = f"At {made.dpi:,} dpi"
    if made.columns > made.pixels[0] or made.rows > made.pixels[1]:
        raise InvalidOrder("dpi", f"{at} a tile is less than a pixel. Take larger tiles, or more dpi.")
    if not _has_small_tiles(made):
        raise InvalidOrder(
            "dpi",
            f"{at} a tile would be {_pixels(made.tile_pixels)}; the limit is {MAX_TILE_SIZE:,} a side. "
            f"Take {_fewer_dpi(made, sides, asked, _has_small_tiles)}smaller tiles.",
        )
    if not _fits(made):
        raise InvalidOrder(
            "dpi",
            f"{at} the mosaic would be {_pixels(made.pixels)}; {_limit(made)}. "
            f"Take {_fewer_dpi(made, sides, asked, _fits)}a smaller paper.",
        )


def _has_few_cells(made: Plan) -> bool:
    return made.columns * made.rows <= MAX_CELLS and max(made.columns, made.rows) <= MAX_CELLS_ACROSS


def _has_small_tiles(made: Plan) -> bool:
    return max(made.tile_pixels) <= MAX_TILE_SIZE


def _fits(made: Plan) -> bool:
    width, height = made.pixels
    return width * height <= MAX_MOSAIC_PIXELS and not made.form.facts.limit(made.pixels, made.dpi)


def _limit(made: Plan) -> str:
    limit = made.form.facts.limit(made.pixels, made.dpi)
    return f"{made.form.facts.title} ends at {limit}" if limit else f"the limit is {MAX_MOSAIC_PIXELS:,} in all"


def _fewer_cells(made: Plan, sides: paper.Size, asked: Print) -> str:
    """Return the sentence that says which tiles, or how many cells across, would do."""
    shape = sides[0] / sides[1]
    most = min(MAX_CELLS_ACROSS, ceil(MAX_CELLS_ACROSS * shape), isqrt(ceil(MAX_CELLS * shape)) + 1)
    fewer = (_planned(sides, columns, asked, made.form) for columns in range(most, 0, -1))
    found = next(filter(_has_few_cells, fewer), None)
    if found is None:
        return "Take a paper of another shape."
    across = found.columns
    if asked.cells is not None:
        return f"Take at most {across:,} cells across."
    first = ceil(sides[0] / (across + Fraction(1 - asked.shape.shifted, 2)) / STEP) * STEP
    tile = next(tile for tile in (first, first + STEP) if _columns(sides, tile, asked.shape) <= across)
    return f"Take tiles of at least {shown(tile)}."


def _fewer_dpi(made: Plan, sides: paper.Size, asked: Print, fits: Callable[[Plan], bool]) -> str:
    """Return which dpi would do, if any."""
    others = (replace(asked, dpi=dpi) for dpi in range(made.dpi - 1, 0, -1))
    lower = (_planned(sides, made.columns, other, made.form) for other in others)
    found = next(filter(fits, lower), None)
    return f"at most {found.dpi:,} dpi, or " if found else ""


def _pixels(size: tuple[int, int]) -> str:
    return "{:,} x {:,} pixels".format(*size)
