"""Chooses a tile, and its orientation, for every cell of a target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core import descriptors
from worker.core.assignment.assign import Rules, assign
from worker.core.cells import of_rows
from worker.core.fitted import Fitted
from worker.core.losses import Loss, Metric, cost
from worker.core.orientations import AS_IT_IS, lies_across, oriented
from worker.core.progress import Progress
from worker.core.search.nearest import nearest

Array = NDArray[np.float64]
Features = NDArray[np.floating]
Numbers = NDArray[np.intp]

BLOCK_BYTES = 8 << 20
PIXEL_BYTES = 24
"""Bytes of one mean colour in double precision."""
PRECISE = 3
"""Up to so many features, which are an average colour, double precision is kept."""


@dataclass(frozen=True)
class Cut:
    """How many cells there are, and the width and height of the tiles, of which only the ratio counts."""

    columns: int
    rows: int
    tile_shape: tuple[int, int]


@dataclass(frozen=True)
class Choice:
    """The tile of every cell.

    Attributes:
        tiles: (rows, columns) tile numbers.
        orientations: (rows, columns) the orientation of each, 0 to 7; see `worker.core.orientations`.
        costs: (rows, columns) squared losses.
        lower_bound: No choice within the rules has a smaller sum of costs than this.
    """

    tiles: Numbers
    orientations: NDArray[np.uint8]
    costs: Array
    lower_bound: float


def distinguishable(orientations: Sequence[int], loss: Loss, cut: Cut) -> list[int]:
    """Return the orientations that a loss can tell apart.

    A loss that only sees the average of a cell can tell apart only those that crop the photo differently.

    Args:
        orientations: (V,) orientations to choose from.
        loss: How far a tile is from a cell.
        cut: The shape of the tiles.
    """
    if loss.subcells != (1,):
        return list(orientations)
    square = cut.tile_shape[0] == cut.tile_shape[1]
    by_crop = {False: AS_IT_IS} | {lies_across(each): each for each in reversed(orientations) if not square}
    return [each for each in orientations if each in by_crop.values()]


def cell_features(loss: Loss, target: Fitted, cut: Cut) -> Features:
    """Return the (N, D) features of the cells of a target, row by row from the top left.

    More than three features are returned in single precision: exact to a hundred-thousandth of a level, in half the
    memory.
    """
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * cut.columns * max(loss.subcells) ** 2))
    blocks = [range(first, min(first + step, cut.rows)) for first in range(0, cut.rows, step)]

    def some(rows: range) -> Array:
        return loss.features([of_rows(target, cut.columns, cut.rows, subcells, rows) for subcells in loss.subcells])

    return np.concatenate([_compact(some(rows)) for rows in blocks])


def tile_features(
    loss: Loss, thumbs: NDArray[np.uint8], sizes: NDArray[np.integer], cut: Cut, orientations: Sequence[int]
) -> Features:
    """Return the features of every tile in each of some orientations.

    Args:
        loss: How far a tile is from a cell.
        thumbs: (M, S, S, 3) whole photos as they are, squeezed to a square, sRGB, 0 to 255.
        sizes: (M, 2) width and height of the photos as they are, in pixels.
        cut: The shape of the tiles.
        orientations: (V,) the orientations.

    Returns:
        (M, V, D), in the precision of `cell_features`.
    """
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * thumbs.shape[1] ** 2))

    def some(first: int, orientation: int) -> Features:
        block = slice(first, first + step)
        block_sizes = sizes[block, ::-1] if lies_across(orientation) else sizes[block]
        pictures = oriented(thumbs[block], orientation)
        means = [descriptors.of_tiles(pictures, block_sizes, cut.tile_shape, subcells) for subcells in loss.subcells]
        return _compact(loss.features(means))

    blocks = [np.stack([some(first, each) for each in orientations], axis=1) for first in range(0, len(thumbs), step)]
    return np.concatenate(blocks)


def _compact(features: Array) -> Features:
    return features if features.shape[1] <= PRECISE else features.astype(np.float32)


def choose(  # noqa: PLR0913 - what is compared, under which rules, and how the work goes on
    loss: Loss, cells: Features, tiles: Features, cut: Cut, orientations: Sequence[int], rules: Rules, *,
    threads: int, progress: Progress,
) -> Choice:  # fmt: skip
    """Return the tile and the orientation of every cell: the best, or nearly the best where rules bind.

    Args:
        loss: How far a tile is from a cell.
        cells: (N, D) features of the cells, N = rows x columns.
        tiles: (M, V, D) features of the tiles in each of the V orientations.
        cut: How many cells there are.
        orientations: (V,) the orientations.
        rules: How often a tile may be used, and how near to itself.
        threads: How many cores to use.
        progress: Called with how far a long search is.
    """
    count, variants, width = tiles.shape
    candidates = tiles.reshape(count * variants, width)
    if rules.none:
        # Candidates are ordered by tile, then by orientation, so ties go to the lower tile.
        found_at = nearest(cells, candidates, loss.metric, threads=threads, progress=progress)
        chosen, variant = np.divmod(found_at, variants)
        costs = _costs(loss, cells, tiles, chosen, variant)
        return _choice(cut, chosen, np.asarray(orientations)[variant], costs, float(costs.sum()))
    found = assign(_CostRows(loss, cells, candidates, variants), cut.columns, cut.rows, count, rules, progress)
    per_variant = np.stack([_costs(loss, cells, tiles, found.tiles, number) for number in range(variants)], axis=1)
    variant = per_variant.argmin(axis=1)
    costs = per_variant[np.arange(len(cells)), variant]
    # The bound was computed in single precision, and may be above the cost by a rounding error.
    bound = min(found.lower_bound, float(costs.sum()))
    return _choice(cut, found.tiles, np.asarray(orientations)[variant], costs, bound)


def _costs(loss: Loss, cells: Features, tiles: Features, chosen: Numbers, variant: Numbers | int) -> Array:
    """Return the (N,) squared losses of the chosen tiles in their orientations, computed a block at a time."""
    variant = np.broadcast_to(variant, len(cells))
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * cells.shape[1]))
    blocks = [slice(first, first + step) for first in range(0, len(cells), step)]
    return np.concatenate([cost(loss, cells[some], tiles[chosen[some], variant[some]]) for some in blocks])


def _choice(cut: Cut, tiles: Numbers, orientations: NDArray[np.integer], costs: Array, bound: float) -> Choice:
    shape = cut.rows, cut.columns
    return Choice(tiles.reshape(shape), orientations.astype(np.uint8).reshape(shape), costs.reshape(shape), bound)


class _CostRows:
    """The squared losses of all tiles, each in its best orientation, in the cells that `assign` asks about."""

    def __init__(self, loss: Loss, cells: Features, candidates: Features, variants: int) -> None:
        self._loss, self._variants = loss, variants
        middle = candidates.mean(axis=0) if loss.metric is Metric.EUCLIDEAN else 0.0
        # Squared distances computed from products lose digits far from the mean.
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
