"""Lowers the whole cost of a placement: of its cells, of how it looks from afar, and of repeats.

How it works: cells choose again among their lists, each the photo at which the whole cost is least while all others
keep theirs. Cells that are too far apart to matter to each other choose at once, so the order of the work, and with
it the result, is always the same. How often a photo is used still matters to all of them, and is looked at again
before each of their changes. Cells around one that changed choose again, until nothing changes. The whole cost never
rises, and no rule is broken, if none was at the start.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.spacing import NOBODY, Spacing
from worker.core.costs import Lists
from worker.core.energy import far_view, near_repeats
from worker.core.energy.far_view import FarView
from worker.core.progress import Progress
from worker.core.sizes import Sizes

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]
Single = NDArray[np.float32]

REACH = max(far_view.REACH, near_repeats.REACH)
SWEEPS = 3
"""After so many sweeps few cells change any more; five more would lower the cost by three thousandths."""
LEAST_GAIN = 1e-6
"""Share of the mean cost of a cell that a change must gain: less may be a rounding error."""
BLOCK_BYTES = 16 << 20
"""Bytes of the tables of cells that choose at a time, and of what is around them."""
PLACE_BYTES = 32
"""Of them for each cell around one."""


@dataclass(frozen=True)
class Limits:
    """The rules that a descent keeps.

    Attributes:
        spacing: How far apart equal photos must lie.
        most_uses: Cells that a photo may fill at most.
        least_uses: Cells that a photo that fills any keeps at least.
        sizes: The sizes of the cells, for the descent that asks for them; None if all are of one size.
    """

    spacing: Spacing
    most_uses: int
    least_uses: int = 0
    sizes: Sizes | None = None


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
            price: Of a pair of equal photos, in the unit of `near_repeats`.
            limits: The rules to keep.
            photo_count: How many photos there are. This number itself, in all entries of a list, stands for no photo.
        """
        self.chosen, self._limits = chosen.copy(), limits
        self._columns, self._rows = limits.spacing.columns, limits.spacing.rows
        self._photos, self._photo_count = lists.photos, photo_count
        everyone = np.arange(self._columns * self._rows)
        self._lattice = limits.spacing.lattice
        blur = far_view.autocorrelation(self._lattice) * far.weight
        prices = price * near_repeats.prices(self._lattice)
        self._errors = far.errors(everyone, light)
        own = np.float32(blur[REACH, REACH]) * np.einsum("nki,nki->nk", self._errors, self._errors)
        self._alone = lists.costs + own
        self._least_gain = LEAST_GAIN * float(self._alone.min(axis=1).mean())
        # Every grid has a border, and lies there as one row, in which a step to a cell around is one number.
        width, size = self._columns + 2 * REACH, (self._columns + 2 * REACH) * (self._rows + 2 * REACH)
        blur[REACH, REACH] = 0
        down, right = np.nonzero((blur > 0) | (prices > 0))
        # From odd rows, where these are moved, the same steps lead as from even rows, but to the other side.
        sides = (1, -1) if self._lattice.shifted else (1,)
        self._steps = [(down - REACH) * width + side * (right - REACH) for side in sides]
        self._blur, self._prices = blur[down, right].astype(np.float32), prices[down, right]
        self._places = (everyone // self._columns + REACH) * width + everyone % self._columns + REACH
        self._held, self._waiting = np.full(size, photo_count, np.int32), np.zeros(size, np.bool_)
        self._pulling = np.zeros((3, size), np.float32)
        self._uses = np.zeros(photo_count + 1, np.intp)
        filled = int(np.count_nonzero(self._photos[:, 0] < photo_count))
        self._pair = price * near_repeats.anywhere(filled, photo_count)
        self._lay(everyone, chosen)
        self._waiting[self._places] = True
        # Where in its list a photo stands, for each cell that chooses: from 1, and 0 for not at all.
        together = max(1, BLOCK_BYTES // max(photo_count + 1, PLACE_BYTES * len(down)))
        self._table = np.zeros(min(together, len(everyone)) * (photo_count + 1), np.uint8)

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
        total = 0.0
        for cells in self._batches():
            pull, repeats = self._surroundings(cells)
            rows, entries = np.arange(len(cells)), self.chosen[cells]
            pairs = np.einsum("ni,ni->", self._errors[cells, entries], pull, dtype=np.float64)
            alone = self._alone[cells, entries].sum(dtype=np.float64)
            total += float(alone + pairs + repeats[rows, entries].sum() / 2)
        uses = self._uses[: self._photo_count].astype(np.float64)
        return total + self._pair * float(uses @ (uses - 1)) / 2

    def _batches(self) -> Iterator[Numbers]:
        """Yield cells of which no two matter to each other; every cell is yielded once."""
        most = len(self._table) // (self._photo_count + 1)
        apart = replace(
            self._limits.spacing, square=max(REACH**2 * self._lattice.scale**2 + 1, self._limits.spacing.square)
        )
        for cells in apart.sparse():
            yield from (cells[first : first + most] for first in range(0, len(cells), most))

    def _choose(self, batch: Numbers) -> int:
        """Let some cells choose again, if something near them has changed; return how many change."""
        cells = self._woken(batch)
        if not len(cells):
            return 0
        pull, repeats = self._surroundings(cells)
        totals = self._alone[cells] + 2 * (self._errors[cells] @ pull[:, :, None])[:, :, 0] + repeats
        totals += self._pair * self._uses.take(self._photos[cells])
        rows, own = np.arange(len(cells)), self.chosen[cells]
        mine = totals[rows, own] - self._pair  # which was for a pair of a cell with itself
        self._forbid(cells, totals)
        best = totals.argmin(axis=1)
        gains = mine - totals[rows, best]
        better = np.flatnonzero(gains > self._least_gain)
        taken = self._granted(cells, best, better[np.argsort(-gains[better], kind="stable")], gains)
        self._take(cells[taken], best[taken])
        return len(taken)

    def _woken(self, batch: Numbers) -> Numbers:
        """Return which of some cells choose again because something near them has changed, and wait for the next."""
        cells: Numbers = batch[self._waiting[self._places[batch]]]
        self._waiting[self._places[cells]] = False
        return cells

    def _surroundings(self, cells: Numbers) -> tuple[Single, Single]:
        """Return the pull of the errors around some cells, (n, 3), and what repeats of their entries cost, (n, k)."""
        around, (blur, prices) = self._around(cells), self._kernel(cells)
        pull = (self._pulling.take(around, axis=1) @ blur).T
        return pull, self._repeats(self._photos[cells], self._held.take(around), prices)

    def _kernel(self, cells: Numbers) -> tuple[Single, Array]:
        """Return what errors at the places around some cells weigh, and what repeats there cost."""
        return self._blur, self._prices

    def _repeats(self, photos: NDArray[np.int32], around: NDArray[np.int32], prices: Array) -> Single:
        """Return what photos (n, k) cost in n cells for the equal ones (n, steps) around each."""
        first = (self._photo_count + 1) * np.arange(len(photos))[:, None]
        listed = first + photos
        self._table[listed] = np.arange(1, photos.shape[1] + 1)
        entries = self._table.take(first + around)
        self._table[listed] = 0
        equal = np.flatnonzero(entries != 0)
        rows, steps = np.divmod(equal, around.shape[1])
        pairs = photos.shape[1] * rows + entries.ravel()[equal] - 1
        repeats: Single = np.bincount(pairs, prices[steps], photos.size).astype(np.float32)
        return repeats.reshape(photos.shape)

    def _around(self, cells: Numbers) -> Numbers:
        """Return the (n, steps) places around some cells."""
        places = self._places[cells][:, None]
        if not self._lattice.shifted:
            return places + self._steps[0]
        odd = (cells // self._columns % 2 == 1)[:, None]
        return places + np.where(odd, self._steps[1], self._steps[0])

    def _forbid(self, cells: Numbers, totals: Single) -> None:
        """Write infinity where the rules do not allow a cell's entry."""
        photos, limits = self._photos[cells], self._limits
        if limits.spacing.binds:
            held = self._standing()
            held[cells] = NOBODY
            totals[limits.spacing.clashes(held, cells, photos.astype(np.intp))] = np.inf
        if limits.most_uses < len(self.chosen):
            totals[self._uses[photos] >= limits.most_uses] = np.inf

    def _standing(self) -> Numbers:
        """Return the (N,) photo of every cell."""
        standing: Numbers = self._held[self._places].astype(np.intp)
        return standing

    def _granted(self, cells: Numbers, best: Numbers, ordered: Numbers, gains: Single) -> Numbers:
        """Return which of some changes can be made, given in the order of what they gain, and still gain by then."""
        changing = cells[ordered]
        old, new = self._photos[changing, self.chosen[changing]], self._photos[changing, best[ordered]]
        columns = ordered, old, new, self._uses[old], self._uses[new], gains[ordered]
        granted, more = [], defaultdict[int, int](int)
        for row, one, other, ones, others, gain in zip(*(each.tolist() for each in columns), strict=True):
            keeps = others + more[other] < self._limits.most_uses and ones + more[one] > self._limits.least_uses
            if keeps and gain + self._pair * (more[one] - more[other]) > self._least_gain:
                more[other] += 1
                more[one] -= 1
                granted.append(row)
        return np.array(granted, np.intp)

    def _take(self, cells: Numbers, entries: Numbers) -> None:
        np.subtract.at(self._uses, self._photos[cells, self.chosen[cells]], 1)
        self.chosen[cells] = entries
        self._lay(cells, entries)
        self._wake(cells)

    def _wake(self, cells: Numbers) -> None:
        """Let the cells around some choose again."""
        self._waiting[self._around(cells)] = True

    def _lay(self, cells: Numbers, entries: Numbers) -> None:
        """Note which photos some cells hold, and their errors."""
        photos, places = self._photos[cells, entries], self._places[cells]
        np.add.at(self._uses, photos, 1)
        self._held[places] = photos
        self._pulling[:, places] = self._errors[cells, entries].T
