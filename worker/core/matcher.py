"""From a target and thumbs of the tiles to a tile, and a turn of it, for every cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core import descriptors
from worker.core.assignment.assign import Rules, assign
from worker.core.cells import of_rows
from worker.core.fitted import Fitted
from worker.core.losses import Loss, Metric, cost
from worker.core.orientations import AS_IT_IS, lies_across, turned
from worker.core.progress import Progress
from worker.core.search.nearest import nearest

Array = NDArray[np.float64]
Features = NDArray[np.floating]
Numbers = NDArray[np.intp]

BLOCK_BYTES = 8 << 20
PIXEL_BYTES = 24
"""Of one mean colour in double precision."""
PRECISE = 3
"""Features that are kept in double precision: an average colour."""


@dataclass(frozen=True)
class Cut:
    """How many cells there are, and the shape of what lies in them: only its ratio counts."""

    columns: int
    rows: int
    tile_shape: tuple[int, int]


@dataclass(frozen=True)
class Choice:
    """What lies where.

    Attributes:
        tiles: (rows, columns) tile numbers.
        turns: (rows, columns) how each is turned; see `worker.core.orientations`.
        costs: (rows, columns) squared losses.
        lower_bound: What the sum of the costs is at least, whatever is chosen within the rules.
    """

    tiles: Numbers
    turns: NDArray[np.uint8]
    costs: Array
    lower_bound: float


def telling(turns: Sequence[int], loss: Loss, cut: Cut) -> list[int]:
    """Return the turns that a loss can tell apart: where it sees averages alone, only those that crop differently."""
    if loss.parts != (1,):
        return list(turns)
    square = cut.tile_shape[0] == cut.tile_shape[1]
    kept = {False: AS_IT_IS} | {lies_across(turn): turn for turn in reversed(turns) if not square}
    return [turn for turn in turns if turn in kept.values()]


def cell_features(loss: Loss, target: Fitted, cut: Cut) -> Features:
    """Return (N, D) features of the cells of a target, row by row from the top left.

    More than three are kept in single precision: a hundred-thousandth of a level, and half the memory.
    """
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * cut.columns * max(loss.parts) ** 2))
    blocks = [range(first, min(first + step, cut.rows)) for first in range(0, cut.rows, step)]

    def some(rows: range) -> Array:
        return loss.features([of_rows(target, cut.columns, cut.rows, parts, rows) for parts in loss.parts])

    return np.concatenate([_kept(some(rows)) for rows in blocks])


def tile_features(
    loss: Loss, thumbs: NDArray[np.uint8], sizes: NDArray[np.integer], cut: Cut, turns: Sequence[int]
) -> Features:
    """Return (M, V, D) features of every tile in each of V turns; `thumbs` and `sizes` are of the photos unturned."""
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * thumbs.shape[1] ** 2))

    def some(first: int, turn: int) -> Features:
        part = slice(first, first + step)
        turned_sizes = sizes[part, ::-1] if lies_across(turn) else sizes[part]
        pictures = turned(thumbs[part], turn)
        means = [descriptors.of_tiles(pictures, turned_sizes, cut.tile_shape, parts) for parts in loss.parts]
        return _kept(loss.features(means))

    blocks = [np.stack([some(first, turn) for turn in turns], axis=1) for first in range(0, len(thumbs), step)]
    return np.concatenate(blocks)


def _kept(features: Array) -> Features:
    return features if features.shape[1] <= PRECISE else features.astype(np.float32)


def choose(  # noqa: PLR0913 - what is compared, under which rules, and how the work goes on
    loss: Loss, cells: Features, tiles: Features, cut: Cut, turns: Sequence[int], rules: Rules, *,
    threads: int, progress: Progress,
) -> Choice:  # fmt: skip
    """Return the tile and the turn for every cell: the best there are, or nearly so where rules bind.

    Args:
        loss: How far a tile is from a cell.
        cells: (N, D) features of the cells, N = rows x columns.
        tiles: (M, V, D) features of the tiles in each of the V turns.
        cut: How many cells there are.
        turns: (V,) the turns.
        rules: How often, and how near to itself, a tile may lie.
        threads: How many cores to use.
        progress: Told how far a long search is.
    """
    count, variants, width = tiles.shape
    candidates = tiles.reshape(count * variants, width)
    if rules.none:
        # Candidates are in the order of tiles, then of turns: so ties go to the lower tile.
        found_at = nearest(cells, candidates, loss.metric, threads=threads, progress=progress)
        chosen, variant = np.divmod(found_at, variants)
        costs = _costs(loss, cells, tiles, chosen, variant)
        return _choice(cut, chosen, np.asarray(turns)[variant], costs, float(costs.sum()))
    found = assign(_CostRows(loss, cells, candidates, variants), cut.columns, cut.rows, count, rules, progress)
    per_turn = np.stack([_costs(loss, cells, tiles, found.tiles, turn) for turn in range(variants)], axis=1)
    variant = per_turn.argmin(axis=1)
    costs = per_turn[np.arange(len(cells)), variant]
    # The bound comes from single precision: it is not to be said to be above what was found.
    bound = min(found.lower_bound, float(costs.sum()))
    return _choice(cut, found.tiles, np.asarray(turns)[variant], costs, bound)


def _costs(loss: Loss, cells: Features, tiles: Features, chosen: Numbers, variant: Numbers | int) -> Array:
    """Return the (N,) squared losses of the tiles chosen, each in its turn, a block at a time."""
    variant = np.broadcast_to(variant, len(cells))
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * cells.shape[1]))
    blocks = [slice(first, first + step) for first in range(0, len(cells), step)]
    return np.concatenate([cost(loss, cells[some], tiles[chosen[some], variant[some]]) for some in blocks])


def _choice(cut: Cut, tiles: Numbers, turns: NDArray[np.integer], costs: Array, bound: float) -> Choice:
    shape = cut.rows, cut.columns
    return Choice(tiles.reshape(shape), turns.astype(np.uint8).reshape(shape), costs.reshape(shape), bound)


class _CostRows:
    """The squared loss of every tile in some cells, in its best turn, as the assignment asks for it."""

    def __init__(self, loss: Loss, cells: Features, candidates: Features, variants: int) -> None:
        self._loss, self._variants = loss, variants
        middle = candidates.mean(axis=0) if loss.metric is Metric.EUCLIDEAN else 0.0
        # Squared distances by products lose digits far from the middle.
        self._cells = (cells - middle).astype(np.float32)
        self._candidates = (candidates - middle).astype(np.float32)
        self._squares = np.einsum("ij,ij->i", self._candidates, self._candidates)

    def __call__(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return (n, M) costs."""
        cells = self._cells[numbers]
        if self._loss.metric is not Metric.EUCLIDEAN:
            return self._best(self._by_pairs(cells))
        costs = cells @ self._candidates.T
        costs *= -2
        costs += self._squares
        costs += np.einsum("ij,ij->i", cells, cells)[:, None]
        np.maximum(costs, 0, out=costs)
        costs *= np.float32(self._loss.scale)
        return self._best(costs)

    def _by_pairs(self, cells: NDArray[np.float32]) -> NDArray[np.float32]:
        costs = np.empty((len(cells), len(self._candidates)), np.float32)
        step = max(1, BLOCK_BYTES // (64 * len(self._candidates)))
        for first in range(0, len(cells), step):
            some = slice(first, first + step)
            costs[some] = cost(
                self._loss, cells[some, None, :].astype(np.float64), self._candidates[None, :, :].astype(np.float64)
            )
        return costs

    def _best(self, costs: NDArray[np.float32]) -> NDArray[np.float32]:
        return costs if self._variants == 1 else costs.reshape(len(costs), -1, self._variants).min(axis=2)
