"""How often one tile may lie in a mosaic, and how far apart: what can not be met is refused before any work.

An order is accepted when, and only when, a pattern is found that keeps its rules (see `lattices`): the matcher then
has at least that one to fall back on. A stranger's numbers can make the search long, so a web process gives it an
`Effort`: what is not decided within that is left to the worker, which searches to the end. The sentence of a refusal
costs a bounded effort everywhere: what it proposes is always accepted, and is the best there is where the effort
sufficed.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil, inf, isqrt

from models.errors import InvalidOrder
from models.rules.grid import Grid, cut
from models.rules.lattices import Effort, Pattern, Tired, fewest, find, most_used
from models.rules.orders import MosaicOrder

Heights = Callable[[int], Iterable[int]]

QUICK = 150_000
"""Steps that take some 20 ms."""
CUT_STEPS = 200
"""What it costs to cut a grid on trial, in steps."""
LAST_CUTS = 8
"""Grids that are cut on trial when the effort is used up."""


def of_order(
    order: MosaicOrder, size: tuple[int, int], grid: Grid, tile_count: int, effort: Effort | None = None
) -> Pattern | None:
    """Return the pattern that proves that an order's rules can be kept, or None where no distance asks for one.

    Args:
        order: The order.
        size: Width and height of its target, in pixels.
        grid: How the order cuts it.
        tile_count: Tiles to choose from, at least 1.
        effort: What the search and the sentence of a refusal may cost together; None to search to the end.

    Raises:
        InvalidOrder: the rules can not be kept; a grid that the sentence proposes is one that the order would cut.
        Tired: `effort` was used up before it was known.
    """

    def heights(across: int) -> Iterator[int]:
        with suppress(InvalidOrder):
            yield cut(*size, replace(order, cells_across=across)).rows

    cut_by_count = None if order.cells_across is None else heights
    return pattern(grid.columns, grid.rows, tile_count, order.uses, order.min_distance, cut_by_count, effort)


def pattern(
    columns: int,
    rows: int,
    tile_count: int,
    max_uses: int | None,
    min_distance: float,
    heights: Heights | None = None,
    effort: Effort | None = None,
) -> Pattern | None:
    """Return the pattern that proves the rules can be kept, or None where no distance asks for one.

    Args:
        columns: Cells from left to right, at least 1.
        rows: Cells from top to bottom, at least 1.
        tile_count: Tiles to choose from, at least 1.
        max_uses: Cells that one tile may fill, at least 1; None for any number.
        min_distance: Euclidean distance in cells between two cells of one tile; up to 1 rules nothing out.
        heights: For so many columns, the rows that there could be; None for the same shape.
        effort: What the search and the sentence of a refusal may cost together; None to search to the end.

    Raises:
        InvalidOrder: the rules can not be kept; the sentence says what could be.
        Tired: `effort` was used up before it was known.

    Example:
        >>> pattern(60, 40, 2_220, None, 2)
        Pattern(count=4, step=2)
        >>> pattern(60, 40, 2_220, 1, 0)
        Traceback (most recent call last):
        models.errors.InvalidOrder: 2,400 cells, 2,220 tiles: allow 2 uses, or at most 58x38 cells.
    """
    wish = _Wish(columns, rows, tile_count, max_uses, min_distance)
    for_sentence = Effort(QUICK) if effort is None else effort
    if not wish.uses_suffice:
        raise _too_few_uses(wish, heights or wish.heights, for_sentence)
    if wish.free:
        return None
    found = wish.find(Effort(inf) if effort is None else effort)
    if found is None:
        raise _too_far(wish, for_sentence)
    return found


@dataclass(frozen=True)
class _Wish:
    """What is asked of a grid and some tiles."""

    columns: int
    rows: int
    tile_count: int
    max_uses: int | None
    min_distance: float

    @property
    def uses_suffice(self) -> bool:
        return self.max_uses is None or self.columns * self.rows <= self.tile_count * self.max_uses

    @property
    def free(self) -> bool:
        """Whether the distance asks for nothing: neighbours are 1 apart, and a single use is far from itself."""
        return self.min_distance <= 1 or self.max_uses == 1

    @property
    def fewest_uses(self) -> int:
        """How often each tile must lie at least, whatever the distance."""
        return -(-self.columns * self.rows // self.tile_count)

    def find(self, effort: Effort) -> Pattern | None:
        return find(self.columns, self.rows, self.tile_count, self.max_uses, self.min_distance, effort)

    def met(self, effort: Effort) -> bool:
        """Whether a quarter of an effort proves that this can be met."""
        with suppress(Tired):
            return self.uses_suffice and (self.free or self.find(effort.quarter()) is not None)
        return False

    def heights(self, across: int) -> tuple[int, int]:
        """Return the rows that are nearest to the same shape."""
        return round(across * self.rows / self.columns), max(1, across * self.rows // self.columns)


# What would meet the rules


def _too_few_uses(wish: _Wish, heights: Heights, effort: Effort) -> InvalidOrder:
    far, uses = 1.0, wish.fewest_uses
    with suppress(Tired):
        apart = replace(wish, min_distance=_farthest(replace(wish, max_uses=None), effort))
        uses, far = _fewest_uses(apart, effort), apart.min_distance
    ways = [f"allow {_count(uses, 'use')}"]
    if far < wish.min_distance:
        ways[0] += f" and ask for a distance of at most {far:g}"
    grid = _largest_grid(wish, heights, effort)
    if grid is not None:
        ways.append(f"at most {grid[0]}x{grid[1]} cells")
    counts = f"{_count(wish.columns * wish.rows, 'cell')}, {_count(wish.tile_count, 'tile')}"
    return InvalidOrder("max_uses", f"{counts}: {', or '.join(ways)}.")


def _too_far(wish: _Wish, effort: Effort) -> InvalidOrder:
    wished, cells, tiles = f"{wish.min_distance:g}", wish.columns * wish.rows, wish.tile_count
    least = uses = None
    far = _farthest(wish, effort)
    with suppress(Tired):
        least = fewest(wish.columns, wish.rows, wish.min_distance, effort).count
        if least <= tiles:
            uses = _fewest_uses(wish, effort)
    if least is None:
        each = "" if wish.max_uses is None else f" of at most {_count(wish.max_uses, 'use')}"
        return InvalidOrder(
            "min_distance",
            f"A distance of {wished} cells can not be kept with {_count(tiles, 'tile')}{each}: "
            f"ask for at most {far:g}, or add photos.",
        )
    if least <= tiles:
        counts = f"{_count(cells, 'cell')}, {_count(tiles, 'tile')}, {wished} cells apart"
        more = "" if uses is None else f"allow {_count(uses, 'use')}, or "
        return InvalidOrder("max_uses", f"{counts}: {more}ask for a distance of at most {far:g}.")
    once = f" on {wish.columns}x{wish.rows} cells, where each tile then lies once," if least == cells else ""
    return InvalidOrder(
        "min_distance",
        f"A distance of {wished} cells{once} needs {_count(least, 'tile')}, not {tiles:,}: "
        f"ask for at most {far:g}, or add photos.",
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _farthest(wish: _Wish, effort: Effort) -> float:
    """Return the wish's distance, or a whole one below it that is accepted; 1 always is, if the uses suffice."""
    low, high = 1, ceil(min(wish.min_distance, wish.columns + wish.rows))
    if wish.met(effort):
        return wish.min_distance
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if replace(wish, min_distance=middle).met(effort) else (low, middle)
    return low


def _fewest_uses(wish: _Wish, effort: Effort) -> int:
    """Return the smallest number of uses that is accepted at a distance that is accepted without it.

    Raises:
        Tired: it is not known.
    """
    low = wish.fewest_uses
    if replace(wish, max_uses=low).free:
        return low
    densest = fewest(wish.columns, wish.rows, wish.min_distance, effort)
    enough = most_used(wish.columns, wish.rows, densest, effort)
    tried = range(low, min(low + 8, enough))
    return next((uses for uses in tried if replace(wish, max_uses=uses).met(effort)), enough)


def _largest_grid(wish: _Wish, heights: Heights, effort: Effort) -> tuple[int, int] | None:
    """Return the largest grid of about the same shape that is accepted, if there is one.

    Where the effort is used up, it is the largest in which each tile lies at most once: that is always accepted.
    """

    def smaller(most_cells: int, effort: Effort) -> Iterator[_Wish]:
        widest = min(wish.columns, isqrt(most_cells * wish.columns // wish.rows) + 2)
        for across in range(widest, 0, -1):
            effort.spend(CUT_STEPS)
            for down in heights(across):
                if down > 0 and across * down <= most_cells:
                    yield replace(wish, columns=across, rows=down)

    with suppress(Tired):
        tried = smaller(wish.tile_count * (wish.max_uses or 1), effort)
        return next(((one.columns, one.rows) for one in tried if one.met(effort)), None)
    with suppress(Tired):
        tried = smaller(wish.tile_count, Effort(CUT_STEPS * LAST_CUTS))
        return next(((one.columns, one.rows) for one in tried), None)
    return None
