"""What a use of each tile is worth where uses are short, learnt from samples of the cells and of the tiles."""

from collections.abc import Callable
from math import gcd

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.shortlist import Costs, blocks
from worker.core.assignment.solvers import dense_utilities

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

SAMPLES = 6
SAMPLE_CELLS = 600
SAMPLE_SLOTS = 24_000
"""Uses in a sample. Leaving out those that no sampled cell is near would make the others look scarcer."""
FEWEST_CELLS = 200
"""Cells in a sample below which uses are so many that none has a price."""
GOLDEN = (5**0.5 - 1) / 2


def learn_prices(
    costs: Costs, cell_count: int, tile_count: int, uses: int, tell: Callable[[], None]
) -> NDArray[np.float32]:
    """Return prices at which about as many cells want a tile as it has uses.

    A sample has as many cells for its uses as the whole, and is small enough to be solved whole. A tile's price is
    the most that a sampled cell would pay for it, and then the mean over some samples, closer than any of them.

    Args:
        costs: The costs of some cells.
        cell_count: Number of cells.
        tile_count: M.
        uses: Cells that a tile fills at most.
        tell: Called now and then.

    Returns:
        (M,) prices, at least 0.

    Source:
        Prices are the dual variables of the assignment; from samples to all by the c-transform, C. Villani, "Optimal
        Transport", 2009, chapter 5.
    """
    uses = min(uses, cell_count)
    size = min(SAMPLE_CELLS, cell_count, SAMPLE_SLOTS * cell_count // (tile_count * uses))
    if size < min(FEWEST_CELLS, cell_count):
        return np.zeros(tile_count, np.float32)
    samples = min(SAMPLES, cell_count // size)
    cells = _spread(cell_count, samples * size).reshape(samples, size)
    slot_count = tile_count * uses * size // cell_count
    slots = _spread(tile_count, samples * slot_count).reshape(samples, slot_count)
    total = np.zeros(tile_count)
    for some, own in zip(cells, slots, strict=True):
        total += _sample_prices(costs, some, own, tile_count)
        tell()
    return (total / samples).astype(np.float32)


def _spread(count: int, length: int) -> Numbers:
    """Return numbers below `count`, well spread, each once before any twice. Source: H. Weyl, 1916."""
    stride = next(step for step in range(max(1, round(count * GOLDEN)), 2 * count + 2) if gcd(step, count) == 1)
    return np.arange(length) * stride % count


def _sample_prices(costs: Costs, cells: Numbers, slots: Numbers, tile_count: int) -> Array:
    sampled = np.concatenate([costs(some)[:, slots] for some in blocks(cells, tile_count)]).astype(np.float64)
    utilities = dense_utilities(sampled)
    prices = np.zeros(tile_count)
    for places in blocks(np.arange(len(cells)), tile_count):
        prices = np.maximum(prices, (utilities[places, None] - costs(cells[places])).max(axis=0))
    return prices
