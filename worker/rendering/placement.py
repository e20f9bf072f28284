"""The placement that an order asks for, and its quality: between the pipelines and the core."""

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
from worker.core.matcher import Choice, Cut, cell_features, choose, distinguishable, tile_features
from worker.core.measures import quality
from worker.core.measures.miniature import assembled
from worker.core.measures.quality import Quality
from worker.core.measures.similarity import CELL_SIDE
from worker.core.orientations import allowed
from worker.core.progress import PhaseProgress
from worker.tile_index.index import Index

Small = NDArray[np.float64]

PERCENT = 100
"""The ways to match count different things; all of them are reported on this one scale."""


def rules_of(order: MosaicOrder, size: tuple[int, int], grid: Grid, tile_count: int) -> Rules:
    """Return the rules that an order sets, after checking that so many tiles can keep them.

    Args:
        order: The order.
        size: Width and height of the target.
        grid: How it is cut.
        tile_count: Tiles to choose from.

    Raises:
        InvalidOrder: the rules cannot be kept with so many tiles; the sentence says which could be.
    """
    pattern = repeats.of_order(order, size, grid, tile_count)
    return Rules(order.uses, order.min_distance, None if pattern is None else (pattern.count, pattern.step))


def choice(
    target: Fitted, order: MosaicOrder, grid: Grid, index: Index, rules: Rules, *,
    threads: int, progress: PhaseProgress,
) -> Choice:  # fmt: skip
    """Return the tile of every cell of a fitted target, by the order's loss.

    Args:
        target: The fitted target, (H, W, 3) pixels, sRGB, 0 to 255.
        order: The loss and its settings, and whether photos may be mirrored or rotated.
        grid: How the target is cut: `grid.rows` x `grid.columns` cells, and the size of a tile.
        index: The M tiles to choose from.
        rules: How often a tile may be used, and how near to itself; see `rules_of`.
        threads: How many cores to use.
        progress: Called with the phase "matching" and a percentage; what it raises stops the work.

    Returns:
        (rows, columns) tile numbers, orientations and costs.
    """
    loss = losses.find(
        order.loss,
        subcells=DEFAULT_SUBCELLS if order.subcells is None else order.subcells,
        detail=DEFAULT_DETAIL if order.detail is None else order.detail,
    )
    cut = _cut(grid)
    orientations = distinguishable(allowed(flips=order.flips, turns=order.turns), loss, cut)
    with parallel.one_thread_each():
        chosen = choose(
            loss,
            cell_features(loss, target, cut),
            tile_features(loss, index.thumb, index.size, cut, orientations),
            cut,
            orientations,
            rules,
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
        chosen: The tile of every cell.
        index: The tiles that could be chosen.
        plain: (CELL_SIDE * rows, CELL_SIDE * columns, 3) the mosaic in small, before any colour adjustment.
        small: The mosaic in small after it, of the same shape; the same object where no colour was adjusted.
    """
    return quality.measure(
        assembled(of_cells(target, grid.columns, grid.rows, CELL_SIDE), grid.columns),
        small,
        chosen.tiles,
        tile_pixels(index, grid, 1).reshape(-1, 3),
        cost=float(chosen.costs.sum()),
        lower_bound=chosen.lower_bound,
        change=0.0 if small is plain else float(ciede2000(lab(plain), lab(small)).mean()),
    )


def tile_pixels(index: Index, grid: Grid, subcells: int) -> Small:
    """Return every tile reduced to (M, subcells, subcells, 3) pixels, computed from its thumb."""
    return descriptors.of_tiles(index.thumb, index.size, _cut(grid).tile_shape, subcells)


def _cut(grid: Grid) -> Cut:
    return Cut(grid.columns, grid.rows, (grid.tile_width, grid.tile_height))
