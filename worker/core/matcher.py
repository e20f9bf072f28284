"""Chooses a photo for every cell of a target, which window of it is shown, and how it is turned.

How it works: without rules and prices the answer is the nearest view of all photos, which is exact. With rules, an
assignment of photos to cells keeps them at nearly the least cost. With prices, for how the mosaic looks from afar and
for equal photos near each other, every cell lists the photos that cost least in it, and a descent from the answer so
far lowers the sum of all costs and prices. Rules and prices count photos, whichever window of them is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.assign import Rules, assign
from worker.core.assignment.least_uses import with_least_uses
from worker.core.assignment.spacing import Spacing
from worker.core.costs import Costs, Lists
from worker.core.energy.descent import Descent, Limits
from worker.core.energy.far_view import FarView
from worker.core.energy.sized_descent import SizedDescent
from worker.core.features import Cut, Features
from worker.core.losses import Loss, Metric, cost
from worker.core.orientations import AS_IT_IS, lies_across
from worker.core.progress import Progress, part
from worker.core.search.nearest import nearest
from worker.core.views import Views

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

PARTS = 3
"""Listing, keeping the rules, and lowering the whole cost: progress counts each for a third."""
BLOCK_BYTES = 8 << 20
PAIR_BYTES = 24
"""Bytes of a feature of a pair: of the cell, of the tile, and of their difference."""
LISTED = 24
"""Photos that each cell chooses from in a descent. With 64 the whole cost is at most four thousandths lower."""


@dataclass(frozen=True)
class Sides:
    """The two sides of a match.

    Attributes:
        cells: (N, D) features of the cells, row by row.
        photos: (M, V, D) features of the photos' views.
        views: The views.
        weights: (N,) by what the costs of each cell are multiplied; None for 1.
    """

    cells: Features
    photos: Features
    views: Views
    weights: Array | None = None

    def costs(self, loss: Loss) -> Costs:
        """Return what every photo costs in every cell."""
        return Costs(loss, self.cells, self.photos, self.views.there, self.weights)

    def some(self, cells: NDArray[np.bool_]) -> "Sides":
        """Return the sides with some of the cells alone, (N,)."""
        return replace(self, cells=self.cells[cells], weights=None if self.weights is None else self.weights[cells])


@dataclass(frozen=True)
class Prices:
    """What is weighed against the losses of the cells, in the loss's own unit.

    Attributes:
        far: What a squared error of light costs; see `worker.core.energy.far_view`.
        repeats: What equal photos near each other cost; see `worker.core.energy.near_repeats`.
        cell_light: (N, 3) linear light of the cells, 0 to 1.
        photo_light: (M, V, 3) linear light of the photos' views.
    """

    far: float
    repeats: float
    cell_light: Array
    photo_light: Array


@dataclass(frozen=True)
class Choice:
    """The tile of every cell.

    Attributes:
        tiles: (rows, columns) tile numbers, `NOBODY` in a cell that stays empty; the other arrays are 0 there.
        orientations: (rows, columns) the orientation of each, 0 to 7; see `worker.core.orientations`.
        costs: (rows, columns) squared losses.
        lower_bound: No choice within the rules has a smaller sum of costs than this.
        windows: (rows, columns, 4) the window of the photo that is shown; see `worker.core.windows`.
    """

    tiles: Numbers
    orientations: NDArray[np.uint8]
    costs: Array
    lower_bound: float
    windows: NDArray[np.uint16]


def distinguishable(orientations: Sequence[int], loss: Loss, cut: Cut) -> list[int]:
    """Return the orientations that a loss can tell apart.

    A loss that only sees the average of a cell can tell apart only those that crop the photo differently.

    Args:
        orientations: (O,) orientations to choose from.
        loss: How far a tile is from a cell.
        cut: The shape of the tiles.
    """
    if loss.subcells != (1,):
        return list(orientations)
    square = cut.tile_shape[0] == cut.tile_shape[1]
    by_crop = {False: AS_IT_IS} | {lies_across(each): each for each in reversed(orientations) if not square}
    return [each for each in orientations if each in by_crop.values()]


def choose(
    loss: Loss, sides: Sides, cut: Cut, rules: Rules, prices: Prices | None, *, threads: int, progress: Progress
) -> Choice:
    """Return the photo and the view of every cell: the best, or nearly the best where rules bind or prices count.

    Args:
        loss: How far a tile is from a cell.
        sides: The features of N = rows x columns cells, and of the photos.
        cut: How many cells there are.
        rules: How often a photo may be used, and how near to itself.
        prices: What is weighed against the losses; None for nothing.
        threads: How many cores to use.
        progress: Called with how far a long search is.
    """
    if rules.none and prices is None:
        return choice_of(cut, loss, sides, *nearest_views(loss, sides, threads, progress), np.inf)
    costs = sides.costs(loss)
    if prices is None:
        held, bound = _ruled(loss, sides, costs, cut, rules, threads, progress)
        return choice_of(cut, loss, sides, held, best_views(loss, sides, held), bound)
    listing, ruling, lowering = (part(progress, number, number + 1, PARTS) for number in range(PARTS))
    lists = costs.lists(LISTED, threads=threads, progress=listing)
    chosen = lists.costs.argmin(axis=1)
    bound = float(lists.costs.min(axis=1).sum(dtype=np.float64))
    if rules.none and loss.metric is not Metric.EUCLIDEAN:  # whose lists may lack the nearest photo
        held, views = nearest_views(loss, sides, threads, ruling)
        bound = float(costs_of(loss, sides, held, views).sum())
        lists, chosen = including(loss, sides, lists, held)
    elif not rules.none:
        held, bound = _ruled(loss, sides, costs, cut, rules, threads, ruling)
        lists, chosen = including(loss, sides, lists, held)
    light = prices.photo_light.astype(np.float32)[lists.photos, lists.views]
    descent = descent_of(lists, chosen, light, cut, rules, prices, len(sides.photos))
    descent.run(lowering)
    cells = np.arange(len(sides.cells))
    photos = lists.photos[cells, descent.chosen].astype(np.intp)
    return choice_of(cut, loss, sides, photos, lists.views[cells, descent.chosen].astype(np.intp), bound)


def _ruled(
    loss: Loss, sides: Sides, costs: Costs, cut: Cut, rules: Rules, threads: int, progress: Progress
) -> tuple[Numbers, float]:
    """Return photos (N,) that keep the rules at nearly the least cost, and a lower bound on the cost."""
    count = len(sides.photos)
    first, second = part(progress, 0, 1, 2), part(progress, 1, 2, 2)
    if rules.bounds_nothing:
        held, views = nearest_views(loss, sides, threads, first)
        bound = float(costs_of(loss, sides, held, views).sum())
    else:
        found = assign(costs, cut.columns, cut.rows, count, rules, first if rules.min_uses else progress)
        held, bound = found.tiles, found.lower_bound
    if rules.min_uses:
        held = with_least_uses(costs, held, count, rules.min_uses, second)
    return held, bound


def descent_of(
    lists: Lists,
    chosen: Numbers,
    light: NDArray[np.float32],
    cut: Cut,
    rules: Rules,
    prices: Prices,
    photo_count: int,
) -> Descent:
    """Return a descent from an entry of every cell's list, given the (N, k, 3) light of the entries."""
    count = cut.columns * cut.rows
    spacing = Spacing.of(cut.columns, cut.rows, rules.min_distance, rules.lattice)
    limits = Limits(spacing, count if rules.max_uses is None else rules.max_uses, rules.min_uses, cut.sizes)
    kind = Descent if cut.sizes is None else SizedDescent
    return kind(lists, chosen, FarView.of(prices.cell_light, prices.far), light, prices.repeats, limits, photo_count)


def nearest_views(loss: Loss, sides: Sides, threads: int, progress: Progress) -> tuple[Numbers, Numbers]:
    """Return the (N,) photos and the (N,) views that are nearest; ties go to the lower photo, then the lower view."""
    there = sides.views.there
    photos, views = np.nonzero(there)
    candidates = sides.photos if there.all() else sides.photos[photos, views]
    found = nearest(sides.cells, candidates.reshape(len(photos), -1), loss.metric, threads=threads, progress=progress)
    return photos[found], views[found]


def best_views(loss: Loss, sides: Sides, photos: Numbers) -> Numbers:
    """Return the (N,) views of given photos (N,) that cost least in their cells."""
    count = sides.photos.shape[1]
    step = max(1, BLOCK_BYTES // (PAIR_BYTES * sides.cells.shape[1] * count))
    best, there = np.empty(len(photos), np.intp), sides.views.there
    for first in range(0, len(photos), step):
        some = slice(first, first + step)
        costs = cost(loss, sides.cells[some, None, :], sides.photos[photos[some]])
        best[some] = np.where(there[photos[some]], costs, np.inf).argmin(axis=1)
    return best


def including(loss: Loss, sides: Sides, lists: Lists, held: Numbers) -> tuple[Lists, Numbers]:
    """Return the lists with the photo that each cell has now, and which entry that is."""
    listed = lists.photos == held[:, None]
    last = lists.photos.shape[1] - 1
    chosen = np.where(listed.any(axis=1), listed.argmax(axis=1), last)
    views = best_views(loss, sides, held)
    photos, seen, costs = lists.photos.copy(), lists.views.copy(), lists.costs.copy()
    cells = np.arange(len(held))
    photos[cells, chosen], seen[cells, chosen] = held, views
    costs[cells, chosen] = costs_of(loss, sides, held, views)
    return replace(lists, photos=photos, views=seen, costs=costs), chosen


def costs_of(loss: Loss, sides: Sides, photos: Numbers, views: Numbers) -> Array:
    """Return the (N,) costs of the chosen photos in their views, computed a block at a time."""
    step = max(1, BLOCK_BYTES // (PAIR_BYTES * sides.cells.shape[1]))
    costs = np.empty(len(photos))
    for first in range(0, len(photos), step):
        some = slice(first, first + step)
        costs[some] = cost(loss, sides.cells[some], sides.photos[photos[some], views[some]])
    return costs if sides.weights is None else costs * sides.weights


def choice_of(cut: Cut, loss: Loss, sides: Sides, photos: Numbers, views: Numbers, bound: float) -> Choice:
    """Return a choice as a grid. A bound was computed in single precision, and is no more than the cost."""
    shape, costs = (cut.rows, cut.columns), costs_of(loss, sides, photos, views)
    kinds = sides.views.kinds[photos]
    return Choice(
        photos.reshape(shape),
        sides.views.orientations[kinds, views].reshape(shape),
        costs.reshape(shape),
        min(bound, float(costs.sum())),
        sides.views.windows[kinds, views].reshape(*shape, 4),
    )
