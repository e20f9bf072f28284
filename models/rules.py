"""How often one tile may lie in a mosaic, and how far apart: what can not be met is refused before any work.

A distance is met by a *pattern*: cell (x, y) has colour (x + step * y) mod count, so the cells of one colour lie on a
lattice, and a lattice's nearest points are found without looking at the grid. An order is accepted when, and only
when, a pattern is found that keeps its rules; the matcher then has at least that pattern to fall back on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, chain, islice
from math import ceil, gcd, isqrt

from models.errors import InvalidOrder
from models.grid import Grid, cut
from models.orders import MosaicOrder

Heights = Callable[[int], Iterable[int]]

GOLDEN = (5**0.5 - 1) / 2
"""Steps of about this part of the count spread well, whatever the count. Source: Knuth, TAOCP 3, 6.4, theorem S."""
BASES = 24
"""First vectors that are tried for the densest lattice; all of them up to this distance, a spread of them above."""
SMALL = 6_000
"""Patterns that are tried one by one before a distance is called out of reach: all there are, in small orders."""
COUNTED = 200
"""Patterns whose uses are counted before both rules together are called out of reach."""


@dataclass(frozen=True)
class Pattern:
    """A colouring of the cells: (x, y) has colour (x + `step` * y) mod `count`."""

    count: int
    step: int


def of_order(order: MosaicOrder, size: tuple[int, int], grid: Grid, tile_count: int) -> Pattern | None:
    """Return the pattern that proves that an order's rules can be kept, or None where no distance asks for one.

    Args:
        order: The order.
        size: Width and height of its target, in pixels.
        grid: How the order cuts it.
        tile_count: Tiles to choose from, at least 1.

    Raises:
        InvalidOrder: the rules can not be kept; a grid that the sentence proposes is one that the order would cut.
    """

    def heights(across: int) -> Iterator[int]:
        with suppress(InvalidOrder):
            yield cut(*size, replace(order, cells_across=across)).rows

    cut_by_count = None if order.cells_across is None else heights
    return pattern(grid.columns, grid.rows, tile_count, order.uses, order.min_distance, cut_by_count)


def pattern(
    columns: int,
    rows: int,
    tile_count: int,
    max_uses: int | None,
    min_distance: float,
    heights: Heights | None = None,
) -> Pattern | None:
    """Return the pattern that proves the rules can be kept, or None where no distance asks for one.

    Args:
        columns: Cells from left to right, at least 1.
        rows: Cells from top to bottom, at least 1.
        tile_count: Tiles to choose from, at least 1.
        max_uses: Cells that one tile may fill, at least 1; None for any number.
        min_distance: Euclidean distance in cells between two cells of one tile; up to 1 rules nothing out.
        heights: For so many columns, the rows that there could be; None for the same shape.

    Raises:
        InvalidOrder: the rules can not be kept; the sentence says what could be.

    Example:
        >>> pattern(60, 40, 2_220, None, 2)
        Pattern(count=4, step=2)
        >>> pattern(60, 40, 2_220, 1, 0)
        Traceback (most recent call last):
        models.errors.InvalidOrder: 2,400 cells, 2,220 tiles: allow 2 uses, or at most 58x38 cells.
    """
    if columns * rows > tile_count * (max_uses or columns * rows):
        raise _too_few_uses(columns, rows, tile_count, max_uses or 0, min_distance, heights)
    if _free(max_uses, min_distance):
        return None
    found = _find(columns, rows, tile_count, max_uses, min_distance)
    if found is None:
        raise _too_far(columns, rows, tile_count, max_uses, min_distance)
    return found


def _free(max_uses: int | None, min_distance: float) -> bool:
    """Whether the distance asks for nothing: neighbours are 1 apart, and a tile that lies once is far from itself."""
    return min_distance <= 1 or max_uses == 1


def _accepts(columns: int, rows: int, tile_count: int, max_uses: int | None, min_distance: float) -> bool:
    if columns * rows > tile_count * (max_uses or columns * rows):
        return False
    return _free(max_uses, min_distance) or _find(columns, rows, tile_count, max_uses, min_distance) is not None


# What would meet the rules


def _too_few_uses(
    columns: int, rows: int, tile_count: int, max_uses: int, min_distance: float, heights: Heights | None
) -> InvalidOrder:
    counts = f"{_count(columns * rows, 'cell')}, {_count(tile_count, 'tile')}"
    far = _farthest(columns, rows, tile_count, None, min_distance)
    uses = _fewest_uses(columns, rows, tile_count, far)
    ways = [f"allow {_count(uses, 'use')}"]
    if far < min_distance:
        ways[0] += f" and ask for a distance of at most {far:g}"
    shapes = heights or (lambda across: (round(across * rows / columns), max(1, across * rows // columns)))
    grid = _largest_grid(columns, rows, tile_count, max_uses, min_distance, shapes)
    if grid is not None:
        ways.append(f"at most {grid[0]}x{grid[1]} cells")
    return InvalidOrder("max_uses", f"{counts}: {', or '.join(ways)}.")


def _too_far(columns: int, rows: int, tile_count: int, max_uses: int | None, min_distance: float) -> InvalidOrder:
    far = _farthest(columns, rows, tile_count, max_uses, min_distance)
    least = _fewest(columns, rows, _reach(columns, rows, min_distance)).count
    if least <= tile_count:
        counts = f"{_count(columns * rows, 'cell')}, {_count(tile_count, 'tile')}, {min_distance:g} cells apart"
        uses = _fewest_uses(columns, rows, tile_count, min_distance)
        return InvalidOrder(
            "max_uses", f"{counts}: allow {_count(uses, 'use')}, or ask for a distance of at most {far:g}."
        )
    once = f" on {columns}x{rows} cells, where each tile then lies once," if least == columns * rows else ""
    return InvalidOrder(
        "min_distance",
        f"A distance of {min_distance:g} cells{once} needs {_count(least, 'tile')}, not {tile_count:,}: "
        f"ask for at most {far:g}, or add photos.",
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _farthest(columns: int, rows: int, tile_count: int, max_uses: int | None, wish: float) -> float:
    """Return the wish, or the largest whole distance below it that is accepted; 1 always is, if the uses suffice."""
    if _accepts(columns, rows, tile_count, max_uses, wish):
        return wish
    low, high = 1, ceil(min(wish, columns + rows))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _accepts(columns, rows, tile_count, max_uses, middle) else (low, middle)
    return low


def _fewest_uses(columns: int, rows: int, tile_count: int, min_distance: float) -> int:
    """Return the smallest number of uses that is accepted at a distance that is accepted without it."""
    low = -(-columns * rows // tile_count)
    if _free(low, min_distance):
        return low
    enough = _most_used(columns, rows, _fewest(columns, rows, _reach(columns, rows, min_distance)))
    return next(
        (
            uses
            for uses in range(low, min(low + 8, enough))
            if _accepts(columns, rows, tile_count, uses, min_distance)
        ),
        enough,
    )


def _largest_grid(
    columns: int, rows: int, tile_count: int, max_uses: int, min_distance: float, heights: Heights
) -> tuple[int, int] | None:
    """Return the largest grid of about the same shape that is accepted, if there is one."""
    widest = min(columns, isqrt(tile_count * max_uses * columns // rows) + 2)
    for across in range(widest, 0, -1):
        for down in heights(across):
            if down and _accepts(across, down, tile_count, max_uses, min_distance):
                return across, down
    return None


# Lattices


def _reach(columns: int, rows: int, min_distance: float) -> tuple[int, ...]:
    """Return, for each step down from 0, the least step sideways that is far enough, at which a tile may lie again.

    A step that leaves the grid is far enough. The last entry is the first 0, and stands for all further ones.
    """
    square = ceil(min_distance * min_distance)
    deep = min(rows, isqrt(square - 1) + 1)
    return (*(min(columns, isqrt(square - y * y - 1) + 1) for y in range(deep)), 0)


def _keeps(reach: tuple[int, ...], tried: Pattern) -> bool:
    """Whether two cells of one colour are always far enough apart."""
    count, step = tried.count, tried.step
    if count < reach[0]:
        return False
    offset = 0
    for near in reach[1:-1]:
        offset = (offset + step) % count
        if not near <= offset <= count - near:
            return False
    return True


def _most_used(columns: int, rows: int, tried: Pattern) -> int:
    """Return how many cells the most frequent colour has.

    Each row has every colour `columns // count` times and, from where the row starts, a run of colours once more.
    """
    whole, run = divmod(columns, tried.count)
    if not run:
        return rows * whole
    change: Counter[int] = Counter()
    for start, times in Counter(tried.step * y % tried.count for y in range(rows)).items():
        change[start] += times
        change[start + run] -= times
        if start + run > tried.count:
            change[0] += times
            change[start + run - tried.count] -= times
            change[start + run] += times
    return rows * whole + max(accumulate(change[colour] for colour in sorted(change)))


@lru_cache(maxsize=256)
def _fewest(columns: int, rows: int, reach: tuple[int, ...]) -> Pattern:
    """Return the pattern of fewest colours that is found: the fewest there are, for small distances and small grids.

    Source:
        A plane's densest lattices have three pairs of points on the rim of what must stay free; H. Minkowski, 1904.
    """
    best = next(tried for tried in chain(_dense(reach), [Pattern(columns * rows, columns)]) if _keeps(reach, tried))
    # Translates of half the free region do not overlap, so its area over four is a lower bound.
    least = max(reach[0], (2 * sum(reach) - reach[0]) // 4)
    if (best.count - least) * best.count // 2 > SMALL:
        return best
    smaller = (Pattern(count, step) for count in range(least, best.count) for step in range(count // 2 + 1))
    return next((tried for tried in smaller if _keeps(reach, tried)), best)


def _dense(reach: tuple[int, ...]) -> Iterator[Pattern]:
    """Yield patterns with three short vectors just outside what must stay free, fewest colours first."""
    deep = len(reach) - 1
    found = set()
    for q in range(0, deep + 1, max(1, deep // BASES)):
        p = reach[q]
        for s in range(deep + 1):
            if gcd(q, s) != 1:
                continue
            x = p - reach[abs(s - q)]
            if abs(x) < reach[s] or s < q:
                x = -reach[s]
            count = p * s - q * x
            if count > 0:
                found.add((count, p, q, x, s))
    for count, p, q, x, s in sorted(found):
        # The step solves p + step * q = 0 and x + step * s = 0, both mod count, as i * q + j * s = 1.
        i, j = _bezout(q, s)
        yield Pattern(count, -(i * p + j * x) % count)


def _bezout(a: int, b: int) -> tuple[int, int]:
    """Return i and j with i * a + j * b = gcd(a, b)."""
    if not b:
        return 1, 0
    i, j = _bezout(b, a % b)
    return j, i - a // b * j


# Both rules together


@lru_cache(maxsize=256)
def _find(columns: int, rows: int, tile_count: int, max_uses: int | None, min_distance: float) -> Pattern | None:
    """Return a pattern that keeps the rules, or None."""
    reach = _reach(columns, rows, min_distance)
    fewest = _fewest(columns, rows, reach)
    if fewest.count > tile_count:
        return None
    if max_uses is None:
        return fewest
    low = max(fewest.count, -(-columns * rows // max_uses))
    tried = _candidates(columns, low, min(tile_count, columns * rows), fewest, reach)
    fitting = (one for one in tried if low <= one.count <= tile_count and _keeps(reach, one))
    return next((one for one in islice(fitting, COUNTED) if _most_used(columns, rows, one) <= max_uses), None)


def _candidates(columns: int, low: int, high: int, fewest: Pattern, reach: tuple[int, ...]) -> Iterator[Pattern]:
    """Yield what is worth trying: dense lattices, rows that go on where the last one ended, then one by one."""
    yield fewest
    yield from (Pattern(count, columns % count) for count in islice(range(high, low - 1, -1), SMALL // 4))
    yield from islice(_dense(reach), SMALL // 4)
    yield from islice(_spread(low, high), SMALL)


def _spread(low: int, high: int) -> Iterator[Pattern]:
    """Yield all patterns of `low` to `high` colours, the largest first, their steps in a well spread order."""
    for count in range(high, low - 1, -1):
        stride = next(step for step in range(round(count * GOLDEN) or 1, 2 * count + 1) if gcd(step, count) == 1)
        yield from (Pattern(count, stride * turn % count) for turn in range(1, count + 1))
