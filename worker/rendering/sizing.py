"""Which cells of a mosaic are larger: where its target is calm, or where an earlier placement has larger ones."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.rules.grid import Grid, too_large
from models.rules.order_words import MAX_TILE_SIZE
from models.rules.orders import MosaicOrder
from worker.core import quadtree
from worker.core.fitted import Fitted
from worker.core.sizes import Sizes
from worker.decoding import images
from worker.rendering import masking

BOUND = 0.08
"""Standard deviation in Oklab up to which a block is calm at `adaptive` = 1. At 0.5, faces and edges keep the finest
cells, and skies and plain backgrounds get the largest: docs/explanation/pictures.md tells more."""


def sized(grid: Grid, target: Fitted, order: MosaicOrder) -> Grid:
    """Return a grid with the sizes of cells that an order asks for on a fitted target; the same if all are equal."""
    if not order.adaptive:
        return grid
    largest = MAX_TILE_SIZE // max(grid.tile_width, grid.tile_height)
    return given(grid, quadtree.spans_of(target, masking.filled(grid), BOUND * order.adaptive, largest))


def of_file(grid: Grid, target: bytes, order: MosaicOrder) -> Grid:
    """Return the same for a target that is not decoded yet."""
    return sized(grid, images.fitted(images.decode(target), grid), order) if order.adaptive else grid


def given(grid: Grid, spans: NDArray[np.uint8] | None) -> Grid:
    """Return a grid with known sizes of cells, (rows, columns); see `worker.core.sizes.Sizes`.

    Raises:
        InvalidOrder: the tile of a larger cell would be too large.
    """
    largest = 1 if spans is None else int(spans.max())
    if spans is None or largest == 1:
        return grid
    if largest * max(grid.tile_width, grid.tile_height) > MAX_TILE_SIZE:
        raise too_large(grid, largest)
    return replace(grid, spans=spans.tobytes(), filled=(spans > 0).tobytes())


def of(grid: Grid) -> Sizes | None:
    """Return the sizes of the cells of a grid; None where all are of one size."""
    if grid.spans is None:
        return None
    return Sizes(np.frombuffer(grid.spans, np.uint8).reshape(grid.rows, grid.columns))


def covered(grid: Grid) -> NDArray[np.bool_]:
    """Return the (rows, columns) places that a photo covers."""
    sizes = of(grid)
    return masking.filled(grid) if sizes is None else (sizes.owners >= 0).reshape(grid.rows, grid.columns)
