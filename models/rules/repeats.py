"""The rules on how often a tile may be used, and how far apart: orders that cannot keep them are refused at once.

An order is accepted if, and only if, a pattern is found that keeps its rules (see `lattices`), so that the matcher
has at least that one to fall back on. Numbers from a stranger can make the search long, so a web process limits it by
an `Effort`; what is not decided within that is left to the worker, which searches to the end. Finding the proposals
for the sentence of a refusal is limited everywhere: a proposal is always accepted, and it is the best one if the
effort was enough.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil, inf, isqrt, sqrt

from models.errors import InvalidOrder
from models.rules.cell_counts import cells_down
from models.rules.cell_counts import turned as lying_the_other_way
from models.rules.grid import Grid, cut
from models.rules.lattices import Effort, Pattern, Tired, fewest, find, most_used
from models.rules.order_words import Shape
from models.rules.orders import MosaicOrder

Heights = Callable[[int], Iterable[int]]

QUICK = 150_000
"""Steps that take about 20 ms."""
CUT_STEPS = 200
"""Cost of cutting a grid on trial, in steps."""
LAST_CUTS = 8
"""Grids that are still cut on trial after the effort is used up."""


def of_order(
    order: MosaicOrder, size: tuple[int, int], grid: Grid, tile_count: int, effort: Effort | None = None
) -> Pattern | None:
    """Return the pattern that proves that an order's rules can be kept; None if its distance needs none.

    Args:
        order: The order.
        size: Width and height of its target, in pixels.
        grid: How the order cuts it.
        tile_count: Tiles to choose from, at least 1.
        effort: Steps for the search and for the sentence of a refusal together; None to search to the end.

    Raises:
        InvalidOrder: the rules cannot be kept; a grid that the sentence proposes is one that the order can have.
        Tired: `effort` was used up before the answer was known.
    """
    turned = grid.exact_size not in {None, (order.mosaic_width, order.mosaic_height)}

    def heights(across: int) -> Iterator[int]:
        rows = cells_down(across, *grid.mosaic_size, order.shape)
        ordered = lying_the_other_way(across, rows, grid.mosaic_size, order.shape)[0] if turned else across
        with suppress(InvalidOrder):
            found = cut(*size, replace(order, cells_across=ordered))
            if found.columns == across:
                yield found.rows

    if order.min_uses is not None:
        _check_least_uses(order.min_uses, grid.filled_count, tile_count)
    cut_by_count = None if order.cells_across is None else heights
    demand = _Demand(
        grid.columns, grid.rows, tile_count, order.uses, order.min_distance, grid.filled, order.shape,
        grid.slack,
    )  # fmt: skip
    return _pattern(demand, cut_by_count, effort)


def _check_least_uses(least: int, cell_count: int, tile_count: int) -> None:
    """Refuse fewer cells than the tiles must lie in, each in `least` of them."""
    needed, possible = least * tile_count, cell_count // tile_count
    if needed > cell_count:
        fewer = f"ask for at least {_count(possible, 'use')}, or for more cells" if possible else "ask for more cells"
        raise InvalidOrder(
            "min_uses",
            f"{_count(cell_count, 'cell')}, {_count(tile_count, 'tile')}, each in {least:,} or more: that takes "
            f"{_count(needed, 'cell')}; {fewer}, or use fewer photos.",
        )


def pattern(
    columns: int,
    rows: int,
    tile_count: int,
    max_uses: int | None,
    min_distance: float,
    heights: Heights | None = None,
    effort: Effort | None = None,
) -> Pattern | None:
    """Return the pattern that proves that the rules can be kept; None if the distance needs none.

    Args:
        columns: Cells from left to right, at least 1.
        rows: Cells from top to bottom, at least 1.
        tile_count: Tiles to choose from, at least 1.
        max_uses: Cells that one tile may fill, at least 1; None for any number.
        min_distance: Smallest Euclidean distance in cells between two cells of one tile; up to 1 excludes nothing.
        heights: From a number of columns to the numbers of rows that are possible; None for the same shape.
        effort: Steps for the search and for the sentence of a refusal together; None to search to the end.

    Raises:
        InvalidOrder: the rules cannot be kept; the sentence says which could be.
        Tired: `effort` was used up before the answer was known.

    Example:
        >>> pattern(60, 40, 2_220, None, 2)
        Pattern(count=4, step=2)
        >>> pattern(60, 40, 2_220, 1, 0)
        Traceback (most recent call last):
        models.errors.InvalidOrder: 2,400 cells, 2,220 tiles: allow 2 uses, or at most 58x38 cells.
    """
    return _pattern(_Demand(columns, rows, tile_count, max_uses, min_distance), heights, effort)


def _pattern(demand: "_Demand", heights: Heights | None, effort: Effort | None) -> Pattern | None:
    for_sentence = Effort(QUICK) if effort is None else effort
    if not demand.uses_suffice:
        raise _too_few_uses(demand, heights or demand.heights, for_sentence)
    if demand.free:
        return None
    found = demand.find(Effort(inf) if effort is None else effort)
    if found is None:
        raise _too_far(demand, for_sentence)
    return found


@dataclass(frozen=True)
class _Demand:
    """The rules that a grid and some tiles are to keep; `filled` as in `Grid`.

    Where cells may be nearer to each other than their columns and rows say, by `slack` at most, a pattern of columns
    and rows that keeps a distance longer by as much is a proof.
    """

    columns: int
    rows: int
    tile_count: int
    max_uses: int | None
    min_distance: float
    filled: bytes | None = None
    shape: Shape = Shape.RECTANGLE
    slack: float = 0.0

    @property
    def distance(self) -> float:
        """The distance that a pattern of columns and rows must keep.

        Rows of hexagons are nearer than columns, too: x columns and y rows apart they are d cells apart if
        (x - 1/2)^2 + 3/4 y^2 = d^2, and then x^2 + y^2 is at most 4/3 d^2 + 1.
        """
        if self.shape.overlap:
            return sqrt(4 / 3 * self.min_distance**2 + 1)
        return self.min_distance + self.slack

    @property
    def cell_count(self) -> int:
        """Number of cells in which a tile lies."""
        return self.columns * self.rows - (self.filled.count(0) if self.filled else 0)

    @property
    def uses_suffice(self) -> bool:
        return self.max_uses is None or self.cell_count <= self.tile_count * self.max_uses

    @property
    def free(self) -> bool:
        """Whether any placement keeps the distance: up to 1, neighbours do, and a single use has no other near it."""
        return self.min_distance <= 1 or self.max_uses == 1

    @property
    def fewest_uses(self) -> int:
        """How many uses a tile must be allowed at least, whatever the distance."""
        return -(-self.cell_count // self.tile_count)

    def find(self, effort: Effort) -> Pattern | None:
        return find(self.columns, self.rows, self.tile_count, self.max_uses, self.distance, effort, self.filled)

    def met(self, effort: Effort) -> bool:
        """Whether a quarter of an effort is enough to prove that the rules can be kept."""
        with suppress(Tired):
            return self.uses_suffice and (self.free or self.find(effort.quarter()) is not None)
        return False

    def heights(self, across: int) -> tuple[int, int]:
        """Return the numbers of rows that come nearest to the same shape."""
        return round(across * self.rows / self.columns), max(1, across * self.rows // self.columns)


# What an order could ask for instead


def _too_few_uses(demand: _Demand, heights: Heights, effort: Effort) -> InvalidOrder:
    far, uses = 1.0, demand.fewest_uses
    with suppress(Tired):
        apart = replace(demand, min_distance=_farthest(replace(demand, max_uses=None), effort))
        uses, far = _fewest_uses(apart, effort), apart.min_distance
    ways = [f"allow {_count(uses, 'use')}"]
    if far < demand.min_distance:
        ways[0] += f" and ask for a distance of at most {far:g}"
    grid = _largest_grid(demand, heights, effort)
    if grid is not None:
        ways.append(f"at most {grid[0]}x{grid[1]} cells")
    counts = f"{_count(demand.cell_count, 'cell')}, {_count(demand.tile_count, 'tile')}"
    return InvalidOrder("max_uses", f"{counts}: {', or '.join(ways)}.")


def _too_far(demand: _Demand, effort: Effort) -> InvalidOrder:
    asked, cells, tiles = f"{demand.min_distance:g}", demand.cell_count, demand.tile_count
    least = uses = None
    far = _farthest(demand, effort)
    with suppress(Tired):
        least = fewest(demand.columns, demand.rows, demand.distance, effort).count
        if least <= tiles:
            uses = _fewest_uses(demand, effort)
    if least is None:
        each = "" if demand.max_uses is None else f" of at most {_count(demand.max_uses, 'use')}"
        return InvalidOrder(
            "min_distance",
            f"A distance of {asked} cells can not be kept with {_count(tiles, 'tile')}{each}: "
            f"ask for at most {far:g}, or add photos.",
        )
    if least <= tiles:
        counts = f"{_count(cells, 'cell')}, {_count(tiles, 'tile')}, {asked} cells apart"
        more = "" if uses is None else f"allow {_count(uses, 'use')}, or "
        return InvalidOrder("max_uses", f"{counts}: {more}ask for a distance of at most {far:g}.")
    whole = demand.filled is None and least == cells
    once = f" on {demand.columns}x{demand.rows} cells, where each tile then lies once," if whole else ""
    return InvalidOrder(
        "min_distance",
        f"A distance of {asked} cells{once} needs {_count(least, 'tile')}, not {tiles:,}: "
        f"ask for at most {far:g}, or add photos.",
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _farthest(demand: _Demand, effort: Effort) -> float:
    """Return the demand's distance, or a whole one below it, that is accepted; 1 always is, if the uses suffice."""
    low, high = 1, ceil(min(demand.min_distance, demand.columns + demand.rows))
    if demand.met(effort):
        return demand.min_distance
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if replace(demand, min_distance=middle).met(effort) else (low, middle)
    return low


def _fewest_uses(demand: _Demand, effort: Effort) -> int:
    """Return the smallest number of uses that is accepted, given that the distance alone is.

    Raises:
        Tired: the effort was used up before it was known.
    """
    low = demand.fewest_uses
    if replace(demand, max_uses=low).free:
        return low
    densest = fewest(demand.columns, demand.rows, demand.distance, effort)
    enough = most_used(demand.columns, demand.rows, densest, effort, demand.filled)
    tried = range(low, min(low + 8, enough))
    return next((uses for uses in tried if replace(demand, max_uses=uses).met(effort)), enough)


def _largest_grid(demand: _Demand, heights: Heights, effort: Effort) -> tuple[int, int] | None:
    """Return the largest grid of about the same shape that is accepted, if there is one, without a mask.

    If the effort is used up, return the largest in which each tile is used at most once, which is always accepted.
    """

    def smaller(most_cells: int, effort: Effort) -> Iterator[_Demand]:
        widest = min(demand.columns, isqrt(most_cells * demand.columns // demand.rows) + 2)
        for across in range(widest, 0, -1):
            effort.spend(CUT_STEPS)
            for down in heights(across):
                if down > 0 and across * down <= most_cells:
                    yield replace(demand, columns=across, rows=down, filled=None)

    with suppress(Tired):
        tried = smaller(demand.tile_count * (demand.max_uses or 1), effort)
        return next(((one.columns, one.rows) for one in tried if one.met(effort)), None)
    with suppress(Tired):
        tried = smaller(demand.tile_count, Effort(CUT_STEPS * LAST_CUTS))
        return next(((one.columns, one.rows) for one in tried), None)
    return None
