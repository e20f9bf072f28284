"""Patterns that keep equal tiles apart: searches for lattices, within a limited number of steps.

A *pattern* gives cell (x, y) the colour (x + step * y) mod count, so the cells of one colour form a lattice, whose
nearest points are found without looking at the grid. Each search takes an `Effort`, and raises `Tired` when that is
used up: then it is unknown whether there is a pattern.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heappop
from itertools import accumulate, islice, takewhile
from math import ceil, gcd, isqrt

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of this share of the count are evenly spread, for any count. Source: Knuth, TAOCP 3, 6.4, theorem S."""
BASES = 24
"""First vectors that are tried for the densest lattice: all of them up to this distance, so many above it."""
SMALL = 6_000
"""Patterns that are tried one by one before a distance counts as impossible; in small orders these are all."""
COUNTED = 200
"""Patterns whose uses are counted before both rules together count as impossible."""
PAIR_STEPS = 8
"""Cost of a pair of vectors, in steps."""
TRY_STEPS = 8
"""Cost of starting with a pattern, in steps."""
ROW_STEPS = 4
"""Cost of counting the colours of a row, in steps."""


@dataclass(frozen=True)
class Pattern:
    """A colouring of the cells: (x, y) has colour (x + `step` * y) mod `count`."""

    count: int
    step: int


class Tired(Exception):
    """A search has used up its steps."""


class Effort:
    """How many steps some searches together may still take; a step, a look at one row of a pattern, takes 0.1 us."""

    def __init__(self, steps: float, taken_from: "Effort | None" = None) -> None:
        self._left, self._from = steps, taken_from

    def quarter(self) -> "Effort":
        """Return an effort of a quarter of the steps that are left; steps that it does not take remain here."""
        return Effort(self._left / 4, self)

    def spend(self, steps: float) -> None:
        """Take so many steps.

        Raises:
            Tired: there are fewer left; from now on there are none.
        """
        if self._from is not None:
            self._from.spend(min(steps, self._left))
        self._left -= steps
        if self._left < 0:
            self._left = 0
            raise Tired


def find(
    columns: int, rows: int, tile_count: int, max_uses: int | None, min_distance: float, effort: Effort,
    filled: bytes | None = None,
) -> Pattern | None:  # fmt: skip
    """Return a pattern of at most `tile_count` colours that keeps a distance above 1 and the uses; None without one.

    Uses are counted in the cells whose byte in `filled`, row by row, is not 0; without it, in all.

    Raises:
        Tired: the effort was used up before the answer was known.
    """
    if _all_different(columns, rows, min_distance) > tile_count:
        return None
    try:
        return _searched(columns, rows, tile_count, max_uses, min_distance, effort, filled)
    except Tired:
        if columns * rows > tile_count:
            raise
        return Pattern(columns * rows, columns)


def _searched(
    columns: int, rows: int, tile_count: int, max_uses: int | None, min_distance: float, effort: Effort,
    filled: bytes | None,
) -> Pattern | None:  # fmt: skip
    reach = _reach(columns, rows, min_distance, effort)
    if _least(reach) > tile_count:
        return None
    densest = _fewest(columns, rows, reach, effort)
    if densest.count > tile_count:
        return None
    if max_uses is None:
        return densest
    cell_count = columns * rows - (filled.count(0) if filled else 0)
    low = max(densest.count, -(-cell_count // max_uses))
    tried = _candidates(columns, low, min(tile_count, columns * rows), densest, reach, effort)
    fitting = (one for one in tried if low <= one.count <= tile_count and _keeps(reach, one, effort))
    return next(
        (one for one in islice(fitting, COUNTED) if most_used(columns, rows, one, effort, filled) <= max_uses), None
    )


def fewest(columns: int, rows: int, min_distance: float, effort: Effort) -> Pattern:
    """Return the pattern of fewest colours that is found; in small grids and for small distances, of all there are.

    Raises:
        Tired: the effort was used up before one was found.
    """
    return _fewest(columns, rows, _reach(columns, rows, min_distance, effort), effort)


def most_used(columns: int, rows: int, tried: Pattern, effort: Effort, filled: bytes | None = None) -> int:
    """Return how many cells the most frequent colour has, of those that are filled: see `find`.

    Each row has every colour `columns // count` times, and a run of colours, from the row's first one on, once more.

    Raises:
        Tired: the effort was used up before it was known.
    """
    if filled is not None:
        effort.spend(columns * rows)
        cells = (divmod(number, columns) for number, there in enumerate(filled) if there)
        return max(Counter((x + tried.step * y) % tried.count for y, x in cells).values())
    whole, run = divmod(columns, tried.count)
    if not run:
        return rows * whole
    effort.spend(ROW_STEPS * rows)
    change: Counter[int] = Counter()
    for start, times in Counter(tried.step * y % tried.count for y in range(rows)).items():
        change[start] += times
        change[start + run] -= times
        if start + run > tried.count:
            change[0] += times
            change[start + run - tried.count] -= times
            change[start + run] += times
    return rows * whole + max(accumulate(change[colour] for colour in sorted(change)))


def _all_different(columns: int, rows: int, min_distance: float) -> int:
    """Return the cells of a rectangle in which all are too near each other, so that each needs a tile of its own."""
    longest = ceil(min_distance * min_distance) - 1
    width = min(columns, isqrt(longest // 2) + 1)
    height = min(rows, isqrt(longest - (width - 1) ** 2) + 1)
    return min(columns, isqrt(longest - (height - 1) ** 2) + 1) * height


def _reach(columns: int, rows: int, min_distance: float, effort: Effort) -> tuple[int, ...]:
    """Return, for each step down from 0, the smallest step sideways at which a tile may be used again.

    A step that leaves the grid is far enough. The last entry is the first 0, and stands for all that follow.
    """
    square = ceil(min_distance * min_distance)
    deep = min(rows, isqrt(square - 1) + 1)
    effort.spend(ROW_STEPS * deep)
    return (*(min(columns, isqrt(square - y * y - 1) + 1) for y in range(deep)), 0)


def _least(reach: tuple[int, ...]) -> int:
    """Return a lower bound on the colours of a lattice that keeps the distance.

    Copies of the excluded region at half its size do not overlap, so a quarter of its area is a lower bound.
    """
    return max(reach[0], (2 * sum(reach) - reach[0]) // 4)


def _keeps(reach: tuple[int, ...], tried: Pattern, effort: Effort) -> bool:
    """Whether any two cells of one colour are far enough apart."""
    count, step = tried.count, tried.step
    if count < reach[0]:
        effort.spend(TRY_STEPS)
        return False
    near_at = (y for y, near in enumerate(reach[1:-1], 1) if not near <= step * y % count <= count - near)
    first = next(near_at, None)
    effort.spend(TRY_STEPS + (first or len(reach)))
    return first is None


def _fewest(columns: int, rows: int, reach: tuple[int, ...], effort: Effort) -> Pattern:
    """Like `fewest`, for a known reach.

    Source:
        The densest lattices of a plane have three pairs of points on the border of the excluded region; H. Minkowski,
        1904.
    """
    once = Pattern(columns * rows, columns)
    dense = takewhile(lambda tried: tried.count < once.count, _dense(reach, effort))
    best = next((tried for tried in dense if _keeps(reach, tried, effort)), once)
    least = _least(reach)
    if (best.count - least) * best.count // 2 > SMALL:
        return best
    smaller = (Pattern(count, step) for count in range(least, best.count) for step in range(count // 2 + 1))
    return next((tried for tried in smaller if _keeps(reach, tried, effort)), best)


def _dense(reach: tuple[int, ...], effort: Effort) -> Iterator[Pattern]:
    """Yield patterns with three short vectors just outside the excluded region, fewest colours first."""
    deep = len(reach) - 1
    found = set()
    for q in range(0, deep + 1, max(1, deep // BASES)):
        p = reach[q]
        effort.spend(PAIR_STEPS * (deep + 1))
        for s in range(deep + 1):
            if gcd(q, s) != 1:
                continue
            x = p - reach[abs(s - q)]
            if abs(x) < reach[s] or s < q:
                x = -reach[s]
            count = p * s - q * x
            if count > 0:
                found.add((count, p, q, x, s))
    queue = list(found)
    heapify(queue)
    while queue:
        count, p, q, x, s = heappop(queue)
        # The step solves p + step * q = 0 and x + step * s = 0, both mod count, as i * q + j * s = 1.
        i, j = _bezout(q, s)
        yield Pattern(count, -(i * p + j * x) % count)


def _bezout(a: int, b: int) -> tuple[int, int]:
    """Return i and j with i * a + j * b = gcd(a, b)."""
    if not b:
        return 1, 0
    i, j = _bezout(b, a % b)
    return j, i - a // b * j


def _candidates(
    columns: int, low: int, high: int, densest: Pattern, reach: tuple[int, ...], effort: Effort
) -> Iterator[Pattern]:
    """Yield patterns worth trying: dense ones, those in which each row continues the last one, then one by one."""
    yield densest
    yield from (Pattern(count, columns % count) for count in islice(range(high, low - 1, -1), SMALL // 4))
    yield from islice(_dense(reach, effort), SMALL // 4)
    yield from islice(_spread(low, high), SMALL)


def _spread(low: int, high: int) -> Iterator[Pattern]:
    """Yield all patterns of `low` to `high` colours, the largest count first, with their steps evenly spread."""
    for count in range(high, low - 1, -1):
        stride = next(step for step in range(round(count * GOLDEN) or 1, 2 * count + 1) if gcd(step, count) == 1)
        yield from (Pattern(count, stride * nth % count) for nth in range(1, count + 1))
