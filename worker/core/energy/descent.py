"""Lowers the whole cost of a placement: of its cells, of how it looks from afar, and of near repeats.

How it works: cells choose again among their lists, each the photo at which the whole cost is least while all others
keep theirs. Cells that are too far apart to matter to each other choose at once, so the order of the work, and with
it the result, is always the same. Cells around one that changed choose again, until nothing changes. The whole cost
never rises, and no rule is broken, if none was at the start.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from worker.core.assignment.spacing import NOBODY, Spacing
from worker.core.costs import Lists
from worker.core.energy import far_view, near_repeats
from worker.core.energy.far_view import FarView
from worker.core.progress import Progress

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]
Single = NDArray[np.float32]

REACH = max(far_view.REACH, near_repeats.REACH)
SIDE = 2 * REACH + 1
SWEEPS = 4
"""After so many sweeps hardly any cell changes any more; the cost would fall by less than a thousandth."""
LEAST_GAIN = 1e-6
"""Share of the mean cost of a cell that a change must gain: less may be a rounding error."""
PAIR_BYTES = 16 << 20
"""Bytes of comparisons between the lists of cells and the photos around them at a time."""


@dataclass(frozen=True)
class Limits:
    """The rules that a descent keeps.

    Attributes:
        spacing: How far apart equal photos must lie.
        most_uses: Cells that a photo may fill at most.
        least_uses: Cells that a photo that fills any keeps at least.
    """

    spacing: Spacing
    most_uses: int
    least_uses: int = 0


class Descent:
    """A placement, and what its changes cost.

    Attributes:
        chosen: (N,) which entry of its list each cell has.
    """

    def __init__(
        self,
        lists: Lists,
        chosen: Numbers,
        far: FarView,
        light: Single,
        price: float,
        limits: Limits,
        photo_count: int,
    ) -> None:
        """Start from a placement that keeps the rules.

        Args:
            lists: What each of the N cells may choose from.
            chosen: (N,) which entry of its list each cell has.
            far: How errors of cells add up for an eye far away.
            light: (N, k, 3) linear light of every entry.
            price: Of a pair of equal photos, in units of `near_repeats.prices`.
            limits: The rules to keep.
            photo_count: How many photos there are.
        """
        self.chosen, self._limits, self._far = chosen.copy(), limits, far
        self._columns, self._rows = limits.spacing.columns, limits.spacing.rows
        count = self._columns * self._rows
        everyone = np.arange(count)
        self._errors = far.errors(everyone, light)
        self._blur = far_view.autocorrelation().astype(np.float32) * np.float32(far.weight)
        own = self._blur[REACH, REACH] * np.einsum("nki,nki->nk", self._errors, self._errors)
        self._alone = lists.costs + own
        self._offsets = np.flatnonzero(near_repeats.prices().ravel())
        self._prices = (price * near_repeats.prices().ravel()[self._offsets]).astype(np.float32)
        # Shorter numbers are compared quicker.
        self._photos: NDArray[np.signedinteger] = lists.photos.astype(
            np.int16 if photo_count <= np.iinfo(np.int16).max else np.int32
        )
        self._photo_grid = self._bordered(self._photos[everyone, chosen], NOBODY)
        self._error_grid = self._bordered(self._errors[everyone, chosen], 0)
        self._waiting = np.ones((self._rows + 2 * REACH, self._columns + 2 * REACH), np.bool_)
        self._uses = np.bincount(lists.photos[everyone, chosen], minlength=photo_count)
        self._least_gain = LEAST_GAIN * float(self._alone.min(axis=1).mean())

    def run(self, progress: Progress) -> None:
        """Let all cells choose again until nothing changes; `progress` hears how many have, of those that may."""
        batches = list(self._batches())
        total = SWEEPS * len(batches)
        for sweep in range(SWEEPS):
            changed = 0
            for number, batch in enumerate(batches):
                changed += self._choose(batch)
                progress(sweep * len(batches) + number, total)
            if not changed:
                break
        progress(total, total)

    def energy(self) -> float:
        """Return the whole cost of the placement."""
        everyone = np.arange(len(self.chosen))
        _, pull, repeats = self._surroundings(everyone)
        errors = self._errors[everyone, self.chosen]
        pairs = np.einsum("ni,ni->", errors, pull, dtype=np.float64)
        repeated = np.take_along_axis(repeats, self.chosen[:, None], axis=1).sum(dtype=np.float64) / 2
        return float(self._alone[everyone, self.chosen].sum(dtype=np.float64) + pairs + repeated)

    def _bordered(self, values: NDArray[np.generic], filling: float) -> NDArray[np.generic]:
        """Return values (N, ...) as a grid with a border of `REACH` cells around it."""
        grid = values.reshape(self._rows, self._columns, *values.shape[1:])
        border = [(REACH, REACH), (REACH, REACH)] + [(0, 0)] * (grid.ndim - 2)
        return np.pad(grid, border, constant_values=filling)

    def _batches(self) -> Iterator[Numbers]:
        """Yield cells of which no two matter to each other; every cell is yielded once."""
        step = max(REACH + 1, int(np.ceil(np.sqrt(self._limits.spacing.square))))
        grid = np.arange(self._rows * self._columns).reshape(self._rows, self._columns)
        most = max(1, PAIR_BYTES // (len(self._offsets) * self._photos.shape[1]))
        for top in range(min(step, self._rows)):
            for left in range(min(step, self._columns)):
                cells = grid[top::step, left::step].ravel()
                yield from (cells[first : first + most] for first in range(0, len(cells), most))

    def _choose(self, batch: Numbers) -> int:
        """Let some cells choose again, if something near them has changed; return how many change."""
        y, x = np.divmod(batch, self._columns)
        waiting = self._waiting[y + REACH, x + REACH]
        cells = batch[waiting]
        if not len(cells):
            return 0
        self._waiting[y + REACH, x + REACH] = False
        totals, pull, repeats = self._surroundings(cells)
        totals += 2 * np.einsum("nki,ni->nk", self._errors[cells], pull) + repeats
        rows, own = np.arange(len(cells)), self.chosen[cells]
        mine = totals[rows, own]
        self._forbid(cells, totals)
        best = totals.argmin(axis=1)
        gains = mine - totals[rows, best]
        better = np.flatnonzero(gains > self._least_gain)
        taken = self._granted(cells, best, better[np.argsort(-gains[better], kind="stable")])
        self._take(cells[taken], best[taken])
        return len(taken)

    def _surroundings(self, cells: Numbers) -> tuple[Single, Single, Single]:
        """Return what the entries of some cells cost alone, the pull of the errors around, and the price of repeats.

        Returns:
            (n, k), (n, 3) and (n, k).
        """
        y, x = np.divmod(cells, self._columns)
        errors = sliding_window_view(self._error_grid, (SIDE, SIDE), axis=(0, 1))[y, x]
        pull = errors.reshape(len(cells), 3, -1) @ self._blur.ravel()
        pull -= self._blur[REACH, REACH] * self._errors[cells, self.chosen[cells]]
        near = sliding_window_view(self._photo_grid, (SIDE, SIDE))[y, x].reshape(len(cells), -1)[:, self._offsets]
        repeats = (self._photos[cells][:, :, None] == near[:, None, :]) @ self._prices
        return self._alone[cells], pull, repeats

    def _forbid(self, cells: Numbers, totals: Single) -> None:
        """Write infinity where the rules do not allow a cell's entry."""
        photos, limits = self._photos[cells], self._limits
        if limits.spacing.binds:
            held = self._photo_grid[REACH:-REACH, REACH:-REACH].astype(np.intp).ravel()
            held[cells] = NOBODY
            totals[limits.spacing.clashes(held, cells, photos.astype(np.intp))] = np.inf
        if limits.most_uses < len(self.chosen):
            totals[self._uses[photos] >= limits.most_uses] = np.inf

    def _granted(self, cells: Numbers, best: Numbers, ordered: Numbers) -> Numbers:
        """Return which of some changes can be made, given in the order of what they gain."""
        most, least = self._limits.most_uses, self._limits.least_uses
        if most >= len(self.chosen) and least == 0:
            return ordered
        granted, uses = [], self._uses.copy()
        for row in ordered.tolist():
            photos = self._photos[cells[row]]
            old, new = photos[self.chosen[cells[row]]], photos[best[row]]
            if uses[new] < most and uses[old] > least:
                uses[new] += 1
                uses[old] -= 1
                granted.append(row)
        return np.array(granted, np.intp)

    def _take(self, cells: Numbers, entries: Numbers) -> None:
        y, x = np.divmod(cells, self._columns)
        np.subtract.at(self._uses, self._photos[cells, self.chosen[cells]], 1)
        self.chosen[cells] = entries
        np.add.at(self._uses, self._photos[cells, entries], 1)
        self._photo_grid[y + REACH, x + REACH] = self._photos[cells, entries]
        self._error_grid[y + REACH, x + REACH] = self._errors[cells, entries]
        steps = np.arange(SIDE)
        self._waiting[(y[:, None] + steps)[:, :, None], (x[:, None] + steps)[:, None, :]] = True
        self._waiting[y + REACH, x + REACH] = False
