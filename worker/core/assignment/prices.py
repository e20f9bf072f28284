"""The price of a use of each tile where uses are scarce, learnt from samples of the cells and of the tiles."""

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
"""Uses in a sample. They are spread over all tiles, since a choice of tiles near the sample would look too scarce."""
FEWEST_CELLS = 200
"""Where a sample would have fewer cells than this, there are so many uses that none needs a price."""
GOLDEN = (5**0.5 - 1) / 2


def learn_prices(
    costs: Costs, cell_count: int, tile_count: int, uses: int, sampled: Callable[[], None]
) -> NDArray[np.float32]:
    """Return prices at which about as many cells want a tile as it has uses.

    A sample has the same ratio of cells to uses as the whole, and is small enough to be solved exactly. In a sample,
    a tile's price is the most that a sampled cell would pay for it. The result is the mean over several samples,
    which is closer to the truth than any of them.

    Args:
        costs: From (n,) cell numbers to the (n, M) costs of every tile in these cells.
        cell_count: Number of cells.
        tile_count: M.
        uses: Cells that a tile may fill at most.
        sampled: Called after each sample.

    Returns:
        (M,) prices, at least 0.

    Source:
        Prices are the dual variables of the assignment. The c-transform extends them from a sample to all tiles:
        C. Villani, "Optimal Transport", 2009, chapter 5.
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
        sampled()
    return (total / samples).astype(np.float32)


def _spread(count: int, length: int) -> Numbers:
    """Return (length,) evenly spread numbers below `count`, each once before any twice. Source: H. Weyl, 1916."""
    stride = next(step for step in range(max(1, round(count * GOLDEN)), 2 * count + 2) if gcd(step, count) == 1)
    return np.arange(length) * stride % count


def _sample_prices(costs: Costs, cells: Numbers, slots: Numbers, tile_count: int) -> Array:
    sampled = np.concatenate([costs(some)[:, slots] for some in blocks(cells, tile_count)]).astype(np.float64)
    utilities = dense_utilities(sampled)
    prices = np.zeros(tile_count)
    for places in blocks(np.arange(len(cells)), tile_count):
        prices = np.maximum(prices, (utilities[places, None] - costs(cells[places])).max(axis=0))
    return prices
