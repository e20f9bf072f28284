"""The same descent for cells of several sizes.

How it works: a larger cell is all of its places. Its error as seen from afar lies in each of them, and a pair of
equal photos costs what all pairs of their places cost: the whole cost is that of the finest cells, where some have to
show parts of one photo. Larger cells of one size pay for near repeats on their own scale, too: on the grid of blocks
of their size, by the same table, and as much for each place that they cover.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.spacing import NOBODY, Spacing
from worker.core.costs import Lists
from worker.core.energy import far_view, near_repeats
from worker.core.energy.descent import LEAST_GAIN, REACH, Descent
from worker.core.energy.far_view import FarView
from worker.core.sizes import LARGER, before

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]
Single = NDArray[np.float32]


class _Kernel(NamedTuple):
    """What is around a cell of one size: steps from its seat on the bordered grid, and what each of them counts."""

    steps: Numbers
    blur: Single
    prices: Array
    own: float


class SizedDescent(Descent):
    """A placement of cells of several sizes. What stands at places without a seat never chooses."""

    def __init__(self, lists: Lists, chosen: Numbers, far: FarView, *about: Any) -> None:
        """Start from a placement that keeps the rules; see `Descent`. Its limits say the sizes of the cells."""
        light, price, limits, photo_count = about
        self._sizes, self._spans = limits.sizes, limits.sizes.spans.ravel()
        rows, columns = limits.sizes.spans.shape
        self._width = columns + 2 * REACH
        self._blocks = {
            span: _Blocks(columns // span, rows // span, photo_count, span**2 * price * near_repeats.prices())
            for span in LARGER
        }
        super().__init__(lists, chosen, far, light, price, limits, photo_count)
        blur, prices = far_view.autocorrelation() * far.weight, price * near_repeats.prices()
        self._kernels = {span: _kernel(span, blur, prices, self._width) for span in (1, *LARGER)}
        own = np.zeros((max(LARGER) + 1, 1), np.float32)
        for span, kernel in self._kernels.items():
            own[span] = kernel.own
        self._alone = lists.costs + own[self._spans] * np.einsum("nki,nki->nk", self._errors, self._errors)
        self._least_gain = LEAST_GAIN * float(self._alone[self._spans > 0].min(axis=1).mean())

    def _batches(self) -> Iterator[Numbers]:
        seats = self._spans
        for cells in super()._batches():
            if len(some := cells[seats[cells] == 1]):
                yield some
        most = len(self._table) // (self._photo_count + 1)
        for span, blocks in self._blocks.items():
            by_block = np.full(blocks.columns * blocks.rows, NOBODY)
            own = self._sizes.of_span(span)
            by_block[self._sizes.blocks(own, span)] = own
            square = max(REACH**2 + 1, ceil(self._limits.spacing.square / span**2))
            for numbers in replace(Spacing.of(blocks.columns, blocks.rows, 0), square=square).sparse():
                cells = by_block[numbers][by_block[numbers] != NOBODY]
                yield from (cells[first : first + most] for first in range(0, len(cells), most))

    def _span(self, cells: Numbers) -> int:
        """Return the size of some cells, which are all of one; of none, any."""
        return int(self._spans[cells[0]]) if len(cells) else 1

    def _covered(self, cells: Numbers, span: int) -> Numbers:
        """Return the (n, span * span) places of some cells."""
        steps = np.arange(span) - before(span)
        covered: Numbers = self._places[cells][:, None] + (steps[:, None] * self._width + steps).ravel()
        return covered

    def _woken(self, batch: Numbers) -> Numbers:
        span = self._span(batch)
        covered = self._covered(batch, span)
        woken = self._waiting[covered].any(axis=1)
        if span in self._blocks:
            blocks = self._blocks[span]
            numbers = blocks.places(self._sizes.blocks(batch, span))
            woken |= blocks.waiting[numbers]
            blocks.waiting[numbers] = False
        self._waiting[covered] = False
        return batch[woken]

    def _around(self, cells: Numbers) -> Numbers:
        return self._places[cells][:, None] + self._kernels[self._span(cells)].steps

    def _kernel(self, cells: Numbers) -> tuple[Single, Array]:
        kernel = self._kernels[self._span(cells)]
        return kernel.blur, kernel.prices

    def _surroundings(self, cells: Numbers) -> tuple[Single, Single]:
        pull, repeats = super()._surroundings(cells)
        span = self._span(cells)
        if span in self._blocks:
            blocks = self._blocks[span]
            around = blocks.held.take(blocks.around(self._sizes.blocks(cells, span)))
            repeats += self._repeats(self._photos[cells], around, blocks.prices)
        return pull, repeats

    def _standing(self) -> Numbers:
        return np.where(self._spans > 0, super()._standing(), self._photo_count)

    def _wake(self, cells: Numbers) -> None:
        super()._wake(cells)
        span = self._span(cells)
        if span in self._blocks:
            blocks = self._blocks[span]
            blocks.waiting[blocks.around(self._sizes.blocks(cells, span))] = True

    def _lay(self, cells: Numbers, entries: Numbers) -> None:
        for span in (1, *LARGER):
            some = self._spans[cells] == span
            seats, chosen = cells[some], entries[some]
            photos, covered = self._photos[seats, chosen], self._covered(seats, span)
            np.add.at(self._uses, photos, 1)
            self._held[covered] = photos[:, None]
            self._pulling[:, covered] = self._errors[seats, chosen].T[:, :, None]
            if span in self._blocks:
                blocks = self._blocks[span]
                blocks.held[blocks.places(self._sizes.blocks(seats, span))] = photos


class _Blocks:
    """The larger cells of one size, on the grid of blocks of that size with a border around it."""

    def __init__(self, columns: int, rows: int, photo_count: int, prices: Array) -> None:
        self.columns, self.rows, self._width = columns, rows, columns + 2 * REACH
        size = self._width * (rows + 2 * REACH)
        self.held, self.waiting = np.full(size, photo_count, np.int32), np.zeros(size, np.bool_)
        down, right = np.nonzero(prices)
        self._steps, self.prices = (down - REACH) * self._width + right - REACH, prices[down, right]

    def places(self, numbers: Numbers) -> Numbers:
        """Return the (n,) places of blocks with these numbers."""
        return (numbers // self.columns + REACH) * self._width + numbers % self.columns + REACH

    def around(self, numbers: Numbers) -> Numbers:
        """Return the (n, steps) places around blocks."""
        return self.places(numbers)[:, None] + self._steps


def _kernel(span: int, blur: Array, prices: Array, width: int) -> _Kernel:
    """Return what is around a cell, given the (13, 13) tables of a place and the width of the bordered grid."""
    sums = np.zeros((2, 2 * REACH + span, 2 * REACH + span))
    for top in range(span):
        for left in range(span):
            within = slice(top, top + 2 * REACH + 1), slice(left, left + 2 * REACH + 1)
            sums[0][within] += blur
            sums[1][within] += prices
    itself = slice(REACH, REACH + span), slice(REACH, REACH + span)
    own = float(sums[0][itself].sum())
    sums[:, itself[0], itself[1]] = 0
    down, right = np.nonzero(sums.any(axis=0))
    steps = (down - REACH - before(span)) * width + right - REACH - before(span)
    return _Kernel(steps, sums[0][down, right].astype(np.float32), sums[1][down, right], own)
