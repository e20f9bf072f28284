"""What is to lie where, by an order, and how good that is: between the pipelines and the core."""

import numpy as np
from numpy.typing import NDArray

from models.rules import repeats
from models.rules.grid import Grid
from models.rules.orders import DEFAULT_DETAIL, DEFAULT_SUBCELLS, MosaicOrder
from worker import parallel
from worker.core import descriptors, losses
from worker.core.assignment.assign import Rules
from worker.core.cells import of_cells
from worker.core.colour import ciede2000, lab
from worker.core.fitted import Fitted
from worker.core.matcher import Choice, Cut, cell_features, choose, telling, tile_features
from worker.core.measures import quality
from worker.core.measures.miniature import assembled
from worker.core.measures.quality import Quality
from worker.core.measures.similarity import PARTS
from worker.core.orientations import allowed
from worker.tile_index.index import Index, Progress

Small = NDArray[np.float64]

PERCENT = 100
"""Each way to match counts something else; whoever watches sees one scale."""


def rules_of(order: MosaicOrder, size: tuple[int, int], grid: Grid, tile_count: int) -> Rules:
    """Return the rules to keep, on a target of this width and height.

    Raises:
        InvalidOrder: they cannot be kept with so many tiles; the sentence says what could be.
    """
    pattern = repeats.of_order(order, size, grid, tile_count)
    return Rules(order.uses, order.min_distance, None if pattern is None else (pattern.count, pattern.step))


def choice(
    target: Fitted, order: MosaicOrder, grid: Grid, index: Index, kept: Rules, *,
    threads: int, progress: Progress,
) -> Choice:  # fmt: skip
    """Return which tile lies in which cell of a fitted target."""
    loss = losses.find(
        order.loss,
        parts=DEFAULT_SUBCELLS if order.subcells is None else order.subcells,
        detail=DEFAULT_DETAIL if order.detail is None else order.detail,
    )
    cut = _cut(grid)
    turns = telling(allowed(flips=order.flips, turns=order.turns), loss, cut)
    with parallel.one_thread_each():
        chosen = choose(
            loss,
            cell_features(loss, target, cut),
            tile_features(loss, index.thumb, index.size, cut, turns),
            cut,
            turns,
            kept,
            threads=threads,
            progress=lambda done, total: progress("matching", PERCENT * done // total, PERCENT),
        )
    progress("matching", PERCENT, PERCENT)
    return chosen


def quality_of(target: Fitted, grid: Grid, chosen: Choice, index: Index, plain: Small, small: Small) -> Quality:
    """Return how near a mosaic comes to its fitted target.

    Args:
        target: The fitted target.
        grid: How it was cut.
        chosen: What lies where.
        index: The tiles that could be chosen.
        plain: (PARTS * rows, PARTS * columns, 3) the mosaic in small, of the tiles as they are.
        small: The same of the tiles as they lie; the same object where no colour was adjusted.
    """
    return quality.measure(
        assembled(of_cells(target, grid.columns, grid.rows, PARTS), grid.columns),
        small,
        chosen.tiles,
        tile_pixels(index, grid, 1).reshape(-1, 3),
        cost=float(chosen.costs.sum()),
        lower_bound=chosen.lower_bound,
        change=0.0 if small is plain else float(ciede2000(lab(plain), lab(small)).mean()),
    )


def tile_pixels(index: Index, grid: Grid, parts: int) -> Small:
    """Return every tile at `parts` x `parts` pixels, (M, parts, parts, 3), as far as the index knows it."""
    return descriptors.of_tiles(index.thumb, index.size, _cut(grid).tile_shape, parts)


def _cut(grid: Grid) -> Cut:
    return Cut(grid.columns, grid.rows, (grid.tile_width, grid.tile_height))
