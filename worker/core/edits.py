"""Solves a part of a placement again: some cells keep what they have, and some photos have to appear.

How it works: photos that have to appear get a cell each by an assignment, and keep it. Where a whole placement is
given, only the cells that break a rule beside the kept ones, or have nothing, choose again; otherwise all that are
not kept do. They choose by the same rules and prices as ever. A cell that does not choose differs from the others in
one thing: its list holds nothing but what it has. A cell that a mask leaves empty is one that keeps nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from worker.core import features
from worker.core.assignment.assign import Rules, assign, bounds
from worker.core.assignment.least_uses import with_least_uses
from worker.core.assignment.must_use import best_places
from worker.core.assignment.repair import NoRoom, Start, repaired
from worker.core.assignment.spacing import NOBODY, uses_of
from worker.core.costs import Costs, Lists
from worker.core.features import Cut, Features
from worker.core.lattice import Lattice
from worker.core.losses import Loss, cost
from worker.core.matcher import (
    LISTED,
    Choice,
    Prices,
    Sides,
    best_views,
    costs_of,
    descent_of,
    including,
    nearest_views,
)  # fmt: skip
from worker.core.progress import Progress, part
from worker.core.views import Views

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.intp]
Thumbs = NDArray[np.uint8]

BLOCK = 2_048
"""Cells whose views are looked at together."""
PARTS = 3
"""Keeping the rules, listing, and lowering the whole cost: progress counts each for a third."""


@dataclass(frozen=True)
class Edit:
    """What is given of a placement of N cells, row by row.

    Attributes:
        tiles: (N,) the number of each cell's photo, or `NOBODY`.
        windows: (N, 4) the window of it; all 0 where any view will do.
        orientations: (N,) the orientation of each.
        kept: (N,) which cells keep what they have, a photo or nothing; they break no rule among each other.
        must_use: (n,) numbers of photos that have to appear.
        lower_bound: What is known of the least cost, where all cells are kept.
        spans: (rows, columns) the sizes of the cells, see `worker.core.sizes`; None if all are of one size.
    """

    tiles: Numbers
    windows: NDArray[np.uint16]
    orientations: NDArray[np.uint8]
    kept: Mask
    must_use: Numbers
    lower_bound: float
    spans: NDArray[np.uint8] | None = None

    @classmethod
    def none(cls, filled: Mask) -> "Edit":
        """Return an edit that gives nothing, but that cells stay empty where `filled`, (N,), is False."""
        count = len(filled)
        return cls(
            np.full(count, NOBODY), np.zeros((count, 4), np.uint16), np.zeros(count, np.uint8), ~filled,
            np.empty(0, np.intp), 0.0,
        )  # fmt: skip

    @property
    def empty(self) -> Mask:
        """(N,) which cells stay empty."""
        empty: Mask = self.kept & (self.tiles == NOBODY)
        return empty

    @property
    def viewed(self) -> Mask:
        """(N,) which cells have a photo and a view of it."""
        viewed: Mask = (self.tiles != NOBODY) & (self.windows[:, 2] > 0)
        return viewed

    @property
    def complete(self) -> bool:
        """Whether nothing is left to choose."""
        return bool(self.kept.all() and (self.viewed | self.empty).all() and not len(self.must_use))

    def seen(
        self, cells: Numbers, thumbs: Thumbs, lattice: Lattice, look: Callable[[Thumbs, Views], Features]
    ) -> Features:
        """Return what `look` finds (n, 1, D) in the views of some cells, (n, D), a block at a time.

        Args:
            cells: (n,) numbers of cells that have a view.
            thumbs: (M, S, S, 3) all photos, squeezed to a square.
            lattice: Of the cells.
            look: `features.of_views` of a loss, or `features.light_of_views`.
        """
        blocks = [cells[first : first + BLOCK] for first in range(0, len(cells), BLOCK)]
        return np.concatenate(
            [
                look(thumbs[self.tiles[some]], Views.each(self.windows[some], self.orientations[some], lattice))
                for some in blocks
            ]
        )[:, 0]


def laid(loss: Loss, cells: Features, cut: Cut, edit: Edit, thumbs: Thumbs) -> Choice:
    """Return a complete placement as it stands, with what it costs in (N, D) cells."""
    shape, costs = (cut.rows, cut.columns), _given_costs(loss, cells, edit, thumbs, cut.lattice)
    whole = costs.sum() if cut.sizes is None else costs @ cut.sizes.areas
    return Choice(
        edit.tiles.reshape(shape),
        edit.orientations.reshape(shape),
        costs.reshape(shape),
        min(edit.lower_bound, float(whole)),
        edit.windows.reshape(*shape, 4),
    )


def edited(  # noqa: PLR0913 - as `matcher.choose`, and what is given
    loss: Loss, sides: Sides, cut: Cut, rules: Rules, prices: Prices | None, edit: Edit, thumbs: Thumbs, *,
    threads: int, progress: Progress,
) -> Choice:  # fmt: skip
    """Return a placement that keeps what has to stay, as `matcher.choose` would solve the rest.

    Args:
        loss: How far a photo is from a cell.
        sides: The features of N = rows x columns cells, and of the photos.
        cut: How many cells there are.
        rules: The rules to keep.
        prices: What is weighed against the losses; None for nothing.
        edit: What is given, and what stays of it.
        thumbs: (M, S, S, 3) all photos, squeezed to a square.
        threads: How many cores to use.
        progress: Called with how far a long search is.

    Raises:
        NoRoom: the rules were not found to be kept around what stays.
    """
    ruling = part(progress, 0, 1, PARTS)
    work = _Work(loss, sides, cut, rules, edit, threads)
    given = _given_costs(loss, sides.cells, edit, thumbs, cut.lattice)
    given *= 1 if sides.weights is None else sides.weights
    held, fixed, bound = work.solved(work.started(given), ruling)
    as_given = edit.empty | (fixed & edit.viewed & (held == edit.tiles))
    views = np.zeros(len(held), np.intp)
    views[~as_given] = best_views(loss, work.some(~as_given), held[~as_given])
    costs = given.copy()
    costs[~as_given] = costs_of(loss, work.some(~as_given), held[~as_given], views[~as_given])
    if prices is not None and not fixed.all():
        light = prices.photo_light[held, views].astype(np.float32)
        light[edit.empty] = prices.cell_light[edit.empty]  # so that an empty cell has no error
        shown = np.flatnonzero(as_given & ~edit.empty)
        if len(shown):
            light[shown] = edit.seen(shown, thumbs, cut.lattice, features.light_of_views)
        held, views, costs = work.lowered(prices, fixed, (held, views, costs, light), progress)
    kinds, shape = sides.views.kinds[held], (cut.rows, cut.columns)
    windows = np.where(as_given[:, None], edit.windows, sides.views.windows[kinds, views])
    orientations = np.where(as_given, edit.orientations, sides.views.orientations[kinds, views])
    own = costs if sides.weights is None else costs / sides.weights
    return Choice(
        held.reshape(shape),
        orientations.reshape(shape),
        own.reshape(shape),
        min(bound + float(costs[fixed].sum()), float(costs.sum())),
        windows.reshape(*shape, 4),
    )


def _given_costs(loss: Loss, cells: Features, edit: Edit, thumbs: Thumbs, lattice: Lattice) -> Array:
    """Return the (N,) squared losses of the views that are given; 0 where none is."""
    costs, some = np.zeros(len(cells)), np.flatnonzero(edit.viewed)
    if len(some):
        photos = edit.seen(some, thumbs, lattice, lambda *views: features.of_views(loss, *views))
        costs[some] = cost(loss, cells[some], photos)
    return costs


@dataclass(frozen=True)
class _Work:
    """What one edit works on."""

    loss: Loss
    sides: Sides
    cut: Cut
    rules: Rules
    edit: Edit
    threads: int

    @cached_property
    def costs(self) -> Costs:
        return self.sides.costs(self.loss)

    def some(self, cells: Mask) -> Sides:
        """Return the sides with some of the cells alone."""
        return self.sides.some(cells)

    def started(self, given: Array) -> Start:
        """Return what is there at first; each photo that has to appear lies in a cell that keeps it."""
        tiles, kept = self.edit.tiles.copy(), self.edit.kept.copy()
        lacking = []
        for photo in self.edit.must_use.tolist():
            cells = np.flatnonzero(tiles == photo)
            if not len(cells):
                lacking.append(photo)
            elif not kept[cells].any():
                kept[cells[given[cells].argmin()]] = True
        free = np.flatnonzero(~kept)
        if len(lacking) > len(free):
            raise NoRoom(None)
        if lacking:
            places = best_places(self.costs, np.array(lacking), free, tiles, len(self.sides.photos))
            tiles[places], kept[places] = lacking, True
        return Start(tiles, kept, given)

    def solved(self, start: Start, progress: Progress) -> tuple[Numbers, Mask, float]:
        """Let all cells choose that have to, within the rules.

        Returns:
            (N,) photos, (N,) which cells stay as they are, and a lower bound on the cost of the others.
        """
        whole = bool(((start.tiles != NOBODY) & ~start.kept).any())
        solve = self._nearest if self.rules.bounds_nothing else self._assigned
        held, fixed, bound = solve(start, progress, whole=whole)
        if self.rules.min_uses:
            lacking = self.rules.min_uses - uses_of(start.kept_tiles, len(self.sides.photos))
            if np.maximum(lacking, 0).sum() > np.count_nonzero(~start.kept):
                raise NoRoom(None)
            shown = with_least_uses(
                self.costs, held, len(self.sides.photos), self.rules.min_uses, progress,
                kept=start.kept, again=not whole,
            )  # fmt: skip
            held, fixed = shown, fixed & (shown == held)
        return held, fixed, bound

    def _nearest(self, start: Start, progress: Progress, *, whole: bool) -> tuple[Numbers, Mask, float]:
        fixed = start.kept | (whole & (start.tiles != NOBODY))
        held, bound, few = start.tiles.copy(), 0.0, self.some(~fixed)
        if len(few.cells):
            held[~fixed], views = nearest_views(self.loss, few, self.threads, progress)
            bound = float(costs_of(self.loss, few, held[~fixed], views).sum())
        return held, fixed, bound

    def _assigned(self, start: Start, progress: Progress, *, whole: bool) -> tuple[Numbers, Mask, float]:
        columns, rows, count, costs = self.cut.columns, self.cut.rows, len(self.sides.photos), self.costs
        if whole:
            uses, spacing = bounds(columns, rows, self.rules)
            tiles = repaired(costs, start, spacing, uses, count)
            start = Start(tiles, tiles == start.tiles, start.costs)
        found = assign(costs, columns, rows, count, self.rules, progress, start=start)
        return found.tiles, start.kept, found.lower_bound

    def lowered(
        self,
        prices: Prices,
        fixed: Mask,
        now: tuple[Numbers, Numbers, Array, NDArray[np.float32]],
        progress: Progress,
    ) -> tuple[Numbers, Numbers, Array]:
        """Lower the whole cost by the cells that may change.

        Args:
            prices: What is weighed against the losses.
            fixed: (N,) which cells may not.
            now: Photos (N,), views (N,), costs (N,) and light (N, 3) as they are.
            progress: Called with how far the search is.

        Returns:
            Photos, views and costs.
        """
        held, views, own, light = now
        few, cells = self.some(~fixed), np.arange(len(held))
        listing, lowering = (part(progress, number, number + 1, PARTS) for number in (1, 2))
        lists = few.costs(self.loss).lists(LISTED, threads=self.threads, progress=listing)
        lists, entries = including(self.loss, few, lists, held[~fixed])
        shape = len(held), lists.photos.shape[1]
        every = Lists(np.empty(shape, np.int32), np.empty(shape, np.uint8), np.empty(shape, np.float32))
        laid = np.where(self.edit.empty, len(few.photos), held)
        every.photos[:], every.views[:], every.costs[:] = laid[:, None], views[:, None], own[:, None]
        every.photos[~fixed], every.views[~fixed], every.costs[~fixed] = lists.photos, lists.views, lists.costs
        lights = np.repeat(light[:, None], shape[1], axis=1)
        lights[~fixed] = prices.photo_light[lists.photos, lists.views]
        chosen = np.zeros(len(held), np.intp)
        chosen[~fixed] = entries
        descent = descent_of(every, chosen, lights, self.cut, self.rules, prices, len(few.photos))
        descent.run(lowering)
        held = np.where(self.edit.empty, NOBODY, every.photos[cells, descent.chosen].astype(np.intp))
        views = every.views[cells, descent.chosen].astype(np.intp)
        changed, costs_now = ~fixed, own.copy()
        costs_now[changed] = costs_of(self.loss, few, held[changed], views[changed])
        return held, views, costs_now
