"""What is compared: features of cells and of photos by a loss, and the light that each sends to the eye."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from worker.core import outline
from worker.core.cells import of_rows
from worker.core.colour import LIGHT_LEVELS, MOST_LIGHT
from worker.core.fitted import Fitted
from worker.core.lattice import RECTANGLES, Lattice
from worker.core.losses import Loss
from worker.core.sizes import LARGER, Sizes
from worker.core.threads import spread
from worker.core.views import Views

Array = NDArray[np.float64]
Features = NDArray[np.floating]
Numbers = NDArray[np.intp]

BLOCK_BYTES = 8 << 20
PIXEL_BYTES = 24
"""Bytes of one mean colour in double precision."""
TOGETHER = 512
"""Photos in a block, at most; not by the number of threads, since BLAS may round a product of few rows otherwise."""
PRECISE = 3
"""Up to so many features, which are an average colour, double precision is kept."""


@dataclass(frozen=True)
class Cut:
    """How many cells there are and where, and the width and height of the tiles, of which only the ratio counts.

    Where cells have several `sizes`, columns and rows are those of the finest.
    """

    columns: int
    rows: int
    tile_shape: tuple[int, int]
    lattice: Lattice = RECTANGLES
    sizes: Sizes | None = None


def of_cells(loss: Loss, target: Fitted, cut: Cut) -> Features:
    """Return the (N, D) features of the cells of a target, row by row from the top left.

    More than three features are returned in single precision: exact to a hundred-thousandth of a level, in half the
    memory.
    """
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * cut.columns * max(loss.subcells) ** 2))
    blocks = [range(first, min(first + step, cut.rows)) for first in range(0, cut.rows, step)]

    def some(rows: range) -> Array:
        return loss.features([of_rows(target, cut.columns, cut.rows, subcells, rows) for subcells in loss.subcells])

    features = np.concatenate([_compact(some(rows)) for rows in blocks])
    for seats, blocks_of, part, larger in _larger(target, cut):
        features[seats] = of_cells(loss, part, larger)[blocks_of]
    return features


def _larger(target: Fitted, cut: Cut) -> Iterator[tuple[Numbers, Numbers, Fitted, Cut]]:
    """Yield the cells of each larger size: their seats, and their numbers in a part of the target cut by the size."""
    for span in LARGER:
        seats = np.empty(0, np.intp) if cut.sizes is None else cut.sizes.of_span(span)
        if cut.sizes is not None and len(seats):
            columns, rows = cut.columns // span, cut.rows // span
            width, height = target.width * columns * span / cut.columns, target.height * rows * span / cut.rows
            part = Fitted(target.pixels[: ceil(height), : ceil(width)], width, height)
            yield seats, cut.sizes.blocks(seats, span), part, Cut(columns, rows, cut.tile_shape)


def of_views(loss: Loss, thumbs: NDArray[np.uint8], views: Views, threads: int = 1) -> Features:
    """Return the (M, V, D) features of every view of some photos, in the precision of `of_cells`.

    Args:
        loss: How far a tile is from a cell.
        thumbs: (M, S, S, 3) whole photos squeezed to a square, sRGB, 0 to 255.
        views: The views of these photos.
        threads: How many blocks of photos to work on at once.
    """
    count = views.offered.shape[1]
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * count * outline.finer(views.lattice, max(loss.subcells)) ** 2))
    width = loss.features([np.zeros((1, subcells, subcells, 3)) for subcells in loss.subcells]).shape[1]
    features = np.empty((len(thumbs), count, width), _precision(width))

    def some(block: slice) -> None:
        means = _means(views.of_photos(block), thumbs[block], loss.subcells)
        features[block] = loss.features([each.reshape(-1, *each.shape[2:]) for each in means]).reshape(
            -1, count, width
        )

    spread(some, len(thumbs), min(step, TOGETHER), threads)
    return features


def _means(views: Views, thumbs: NDArray[np.uint8], grids: Sequence[int]) -> list[Array]:
    """Return the means of every view for each grid; those of whole views are means of the finest grid's."""
    finest = views.means(thumbs, max(grids))
    if views.lattice.overlap:
        whole = outline.gathered(views.lattice, finest, 1)
    else:
        whole = np.einsum("mvijc->mvc", finest)[:, :, None, None] / max(grids) ** 2
    return [
        finest if subcells == max(grids) else whole if subcells == 1 else views.means(thumbs, subcells)
        for subcells in grids
    ]


def light_of_cells(target: Fitted, cut: Cut) -> Array:
    """Return the (N, 3) mean linear light of the cells of a target, 0 to 1: averages for the eye are of light."""
    light = of_rows(target, cut.columns, cut.rows, 1, range(cut.rows), LIGHT_LEVELS)
    means: Array = light.reshape(-1, 3) / MOST_LIGHT
    for seats, blocks, part, larger in _larger(target, cut):
        means[seats] = light_of_cells(part, larger)[blocks]
    return means


def light_of_views(thumbs: NDArray[np.uint8], views: Views) -> Array:
    """Return the (M, V, 3) mean linear light of every view of some photos, 0 to 1.

    A pixel of a thumb is an average of encoded values, which is a little darker than the average of the light; over
    the 32nd part of a photo the difference is small.

    Args:
        thumbs: (M, S, S, 3) whole photos squeezed to a square, sRGB, 0 to 255.
        views: The views of these photos.
    """
    seen = PIXEL_BYTES * views.offered.shape[1] * outline.finer(views.lattice, 1) ** 2
    step = max(1, BLOCK_BYTES // max(thumbs[0].nbytes, seen))
    blocks = [slice(first, first + step) for first in range(0, len(thumbs), step)]
    return np.concatenate(
        [views.of_photos(some).means(thumbs[some], 1, LIGHT_LEVELS)[:, :, 0, 0] / MOST_LIGHT for some in blocks]
    )


def _compact(features: Array) -> Features:
    return features.astype(_precision(features.shape[-1]), copy=False)


def _precision(width: int) -> type[np.floating]:
    """Return in which precision so many features are kept."""
    return np.float64 if width <= PRECISE else np.float32
