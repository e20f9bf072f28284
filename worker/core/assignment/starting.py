"""Fills a grid by a pattern of colours that keeps the rules, around the cells that keep what they have."""

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.repair import Start, repaired
from worker.core.assignment.shortlist import Costs, Numbers, blocks
from worker.core.assignment.solvers import best_columns
from worker.core.assignment.spacing import NOBODY, Spacing, uses_of

FEW = 1 << 22
"""The best tiles for a pattern are looked for among at most so many pairs of a colour and a tile."""


def by_pattern(
    costs: Costs, start: Start, spacing: Spacing, uses: int, pattern: tuple[int, int] | None,
    prices: NDArray[np.float32],
) -> Numbers:  # fmt: skip
    """Return (N,) tiles that keep the rules: each cell has the tile of its colour, unless it keeps its own, or none.

    Args:
        costs: From (n,) cell numbers to the (n, M) costs of every tile in these cells.
        start: The cells that keep what they have.
        spacing: How far apart equal tiles must lie.
        uses: Cells that a tile may fill at most.
        pattern: As in `assign.Rules`.
        prices: (M,) prices of the tiles.

    Raises:
        ValueError: there is no pattern, or it breaks the rules; `NoRoom` where kept cells leave none.
    """
    tile_count = len(prices)
    if pattern is None or pattern[0] > tile_count:
        raise ValueError(f"a distance needs a pattern of at most {tile_count} colours, not {pattern}")
    count, step = pattern
    y, x = np.divmod(np.arange(len(start.tiles)), spacing.columns)
    colours = (x + step * y) % count
    tiles = _of_kept(start, colours, _tiles_of(costs, colours, count, prices)[:tile_count])
    held: Numbers = np.where(start.empty_cells, NOBODY, tiles[colours])
    if uses_of(held, tile_count).max() > uses:
        raise ValueError(f"the pattern {pattern} has a colour in more than {uses} cells")
    if not start.kept.any():
        return held
    whole = Start(np.where(start.kept, start.tiles, held), start.kept, np.zeros(len(held)))
    return repaired(costs, whole, spacing, uses, tile_count)


def _tiles_of(costs: Costs, colours: Numbers, count: int, prices: NDArray[np.float32]) -> Numbers:
    """Return at least `count` different tiles, one for each colour: the cheapest ones, or those least in demand.

    The cheapest ones are computed only where tiles are few, since with many to choose from the cells soon leave
    the pattern.
    """
    tile_count = len(prices)
    if 2 * count <= tile_count or count * tile_count > FEW:
        return np.argsort(prices, kind="stable")
    sums = np.zeros((count, tile_count))
    for cells in blocks(np.arange(len(colours)), tile_count):
        np.add.at(sums, colours[cells], costs(cells))
    return best_columns(sums)


def _of_kept(start: Start, colours: Numbers, tiles: Numbers) -> Numbers:
    """Return the tiles of the colours so that the pattern agrees with the cells that keep theirs, where it can."""
    tiles, done = tiles.copy(), set[int]()
    for cell in np.flatnonzero(start.kept & ~start.empty_cells).tolist():
        colour, tile = int(colours[cell]), start.tiles[cell]
        before = np.flatnonzero(tiles == tile)
        if colour in done or (len(before) and int(before[0]) in done):
            continue
        if len(before):
            tiles[before[0]] = tiles[colour]
        tiles[colour] = tile
        done.add(colour)
    return tiles
