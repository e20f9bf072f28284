"""The placement that an order asks for, and its quality: between the pipelines and the core."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidOrder
from models.rules import repeats
from models.rules.grid import Grid
from models.rules.order_words import DEFAULT_DETAIL, DEFAULT_SUBCELLS, Crops
from models.rules.orders import MosaicOrder
from worker import parallel
from worker.core import adaptation, descriptors, features, lattice, losses, outline
from worker.core.assignment.assign import Rules
from worker.core.assignment.repair import NoRoom
from worker.core.cells import of_cells, of_rows
from worker.core.colour import ciede2000, lab
from worker.core.features import Cut
from worker.core.fitted import Fitted
from worker.core.losses import Loss
from worker.core.matcher import Choice, Prices, Sides, choose, distinguishable
from worker.core.measures import quality, similarity
from worker.core.measures.miniature import assembled
from worker.core.measures.quality import Quality
from worker.core.measures.similarity import CELL_SIDE
from worker.core.orientations import allowed
from worker.core.progress import PhaseProgress
from worker.core.views import Views
from worker.decoding import images
from worker.rendering import masking, sizing
from worker.tile_index.index import Index

if TYPE_CHECKING:
    from worker.core.edits import Edit

Small = NDArray[np.float64]
Floats = NDArray[np.floating]

FAR = 2 / 9
"""Weight of a squared error as seen from afar at `far` = 1, where white in black is 1. At 0.5 it is the largest that
costs the average cell nothing: docs/explanation/matcher.md has the figures."""
SPREAD = 1 / 650
"""Price of a pair of near repeats at `spread` = 1, in the same unit. At 0.5 fewer than one pair of neighbours in two
hundred is equal."""
BLOCK_PIXELS = 1 << 15
"""That are compared at once; each takes some 500 bytes."""
TILES_BYTES = 64 << 20
"""That the means of tiles take which are found at once."""
MEAN_BYTES = 24
"""Bytes of one mean colour in double precision."""
ROWS_AT_ONCE = 32
"""Of cells, that are averaged together."""
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
    step = None if pattern is None else (pattern.count, pattern.step)
    apart = grid.seats_apart(order.min_distance)
    return Rules(order.uses, apart, step, order.min_uses or 0, lattice.of(order.shape))


def choice(  # noqa: PLR0913 - of a placement something may be given
    target: Fitted, order: MosaicOrder, grid: Grid, index: Index, rules: Rules, *,
    threads: int, progress: PhaseProgress, edit: "Edit | None" = None,
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
        edit: What is given of the placement, and what stays of it; None to choose freely.

    Returns:
        (rows, columns) tile numbers, windows, orientations and costs; `NOBODY` where a mask leaves a cell empty.

    Raises:
        InvalidOrder: no photos were found that keep the rules around what stays.
    """
    loss, cut = _loss(order), _cut(grid)
    if edit is not None or grid.filled is not None:
        from worker.core import edits  # noqa: PLC0415 - few mosaics need it

        edit = edit or edits.Edit.none(masking.filled(grid).ravel())

    def percent(done: int, total: int) -> None:
        progress("matching", PERCENT * done // total, PERCENT)

    with parallel.one_thread_each():
        if edit is not None and edit.complete:
            chosen = edits.laid(loss, features.of_cells(loss, target, cut), cut, edit, index.thumb)
        else:
            views = _views(index, order, loss, cut)
            with ThreadPoolExecutor(1) as beside:
                prices = beside.submit(_prices, order, loss, target, cut, index, views)
                photos = features.of_views(loss, index.thumb, views, threads)
                cells = features.of_cells(loss, target, cut)
            weights = None if cut.sizes is None else cut.sizes.areas
            weighed = loss, Sides(cells, photos, views, weights), cut, rules, prices.result()
            if edit is None:
                chosen = choose(*weighed, threads=threads, progress=percent)
            else:
                with _refusals(grid):
                    chosen = edits.edited(*weighed, edit, index.thumb, threads=threads, progress=percent)
    progress("matching", PERCENT, PERCENT)
    return chosen


def nearest(
    target: Fitted, order: MosaicOrder, grid: Grid, index: Index, cell: int, *, count: int, threads: int
) -> list[int]:  # fmt: skip
    """Return the numbers of the tiles that cost least in one cell, whatever the rules; the nearest first.

    Args:
        target: As in `choice`.
        order: As in `choice`.
        grid: As in `choice`.
        index: As in `choice`.
        cell: The number of the cell's seat, row by row.
        count: How many tiles to return; all of them if there are fewer.
        threads: How many cores to use.
    """
    loss, cut = _loss(order), _cut(grid)
    with parallel.one_thread_each():
        views = _views(index, order, loss, cut)
        photos = features.of_views(loss, index.thumb, views, threads)
        cells = features.of_cells(loss, target, cut)[cell : cell + 1]
        lists = Sides(cells, photos, views).costs(loss).lists(count, threads=1, progress=lambda _done, _total: None)
    best = np.argsort(lists.costs[0], kind="stable")
    found: list[int] = lists.photos[0][best].tolist()
    return found


def _loss(order: MosaicOrder) -> Loss:
    loss = losses.find(
        order.loss,
        subcells=DEFAULT_SUBCELLS if order.subcells is None else order.subcells,
        detail=DEFAULT_DETAIL if order.detail is None else order.detail,
    )
    return losses.cut_to(loss, lattice.of(order.shape))


@contextmanager
def _refusals(grid: Grid) -> Iterator[None]:
    """Say in a sentence where no room was found around what stays."""
    try:
        yield
    except NoRoom as error:
        if error.cell is None:
            raise InvalidOrder(
                "lock", "The cells that are not locked are too few for the photos that have to appear."
            ) from error
        row, column = divmod(error.cell, grid.columns)
        raise InvalidOrder(
            "lock",
            f"No photo is left for column {column:,}, row {row:,} that keeps the rules beside what is locked or has "
            "to appear; lock fewer cells, allow more uses, or ask for a shorter distance.",
        ) from error


def _views(index: Index, order: MosaicOrder, loss: Loss, cut: Cut) -> Views:
    """Return the views that an order lets the photos offer."""
    orientations = distinguishable(allowed(flips=order.flips, turns=order.turns), loss, cut)
    keep = order.keep if order.crops is Crops.ZOOM else 1.0
    slide = order.crops is not Crops.NONE
    return Views.of(index.size, cut.tile_shape, orientations, slide=slide, keep=keep, lattice=cut.lattice)


def _prices(order: MosaicOrder, loss: Loss, target: Fitted, cut: Cut, index: Index, views: Views) -> Prices | None:
    """Return what an order weighs against the losses, in the unit of its loss: the cost of white in a black cell."""
    if not order.far and not order.spread:
        return None
    unit = losses.white_in_black(loss)
    return Prices(
        FAR * order.far * unit,
        SPREAD * order.spread * unit,
        features.light_of_cells(target, cut),
        features.light_of_views(index.thumb, views),
    )


def colours_of(target: Fitted, order: MosaicOrder, grid: Grid, index: Index) -> NDArray[np.float32] | None:
    """Return the table by which an order moves a fitted target's colours towards the tiles'; None if it does not."""
    if not order.adapt:
        return None
    cells = _seen(target, grid)
    return adaptation.table(cells, tile_pixels(index, grid, 1).reshape(-1, 3), order.adapt)


def recoloured(target: Fitted, table: NDArray[np.float32] | None) -> Fitted:
    """Return a fitted target with the colours that `colours_of` says; the same object where none is moved."""
    return target if table is None else images.recoloured(target, table)


def adapted(target: Fitted, order: MosaicOrder, grid: Grid, index: Index) -> Fitted:
    """Return a fitted target with the colours that an order moves towards those of the tiles."""
    return recoloured(target, colours_of(target, order, grid, index))


def moved_by(target: Fitted, matched: Fitted, grid: Grid) -> float:
    """Return the mean dE00, cell by cell, between a fitted target and the same as `adapted` returns it."""
    if matched is target:
        return 0.0
    return _difference(*(_seen(one, grid) for one in (target, matched)))


def _seen(target: Fitted, grid: Grid) -> Small:
    """Return the (n, 3) mean colours of the finest cells that do not stay empty."""
    cells = of_cells(target, grid.columns, grid.rows, 1).reshape(-1, 3)
    return cells if grid.filled is None else cells[sizing.covered(grid).ravel()]


def known(target: Fitted, matched: Fitted, grid: Grid, chosen: Choice, index: Index) -> quality.Known:
    """Return what is known of a mosaic's quality before it is composed.

    Args:
        target: The fitted target.
        matched: The same with the colours that were matched; the same object where none was moved.
        grid: How it was cut.
        chosen: The tile of every cell.
        index: The tiles that could be chosen.
    """
    return quality.known(
        _in_small(target, grid),
        chosen.tiles,
        tile_pixels(index, grid, 1).reshape(-1, 3),
        adapted=moved_by(target, matched, grid),
        lattice=lattice.of(grid.shape),
        sizes=sizing.of(grid),
    )


def quality_of(before: quality.Known, chosen: Choice, plain: Floats, small: Floats) -> Quality:
    """Return how near a mosaic comes to its fitted target.

    Args:
        before: What is known of it.
        chosen: The tile of every cell.
        plain: (CELL_SIDE * rows, CELL_SIDE * columns, 3) the mosaic in small, before any colour adjustment.
        small: The mosaic in small after it, of the same shape; the same object where no colour was adjusted.
    """
    with ThreadPoolExecutor(1) as beside:
        change = beside.submit(_change, plain, small, None if before.shown.all() else before.shown)
        cost = before.sum_of(chosen.costs)
        measured = quality.measure(before, small, cost=cost, lower_bound=chosen.lower_bound, change=0.0)
        return replace(measured, change=change.result())


def _in_small(target: Fitted, grid: Grid) -> Floats:
    """Return a fitted target as (CELL_SIDE * rows, CELL_SIDE * columns, 3) averages, cells in rows and columns."""
    small = np.empty((CELL_SIDE * grid.rows, CELL_SIDE * grid.columns, 3), np.float32)
    for first in range(0, grid.rows, ROWS_AT_ONCE):
        some = range(first, min(first + ROWS_AT_ONCE, grid.rows))
        cells = of_rows(target, grid.columns, grid.rows, CELL_SIDE, some)
        small[CELL_SIDE * some.start : CELL_SIDE * some.stop] = assembled(cells, grid.columns)
    return small


def _change(plain: Floats, small: Floats, shown: NDArray[np.bool_] | None) -> float:
    if plain is small or shown is None:
        return _difference(plain, small)
    seen = similarity.enlarged(shown)
    return _difference(plain[seen], small[seen])


def _difference(one: Floats, other: Floats) -> float:
    """Return the mean dE00 of two pictures."""
    if one is other:
        return 0.0
    one, other = one.reshape(-1, 3), other.reshape(-1, 3)
    parts = [slice(first, first + BLOCK_PIXELS) for first in range(0, len(one), BLOCK_PIXELS)]
    return float(np.concatenate([ciede2000(lab(one[some]), lab(other[some])) for some in parts]).mean())


def tile_pixels(index: Index, grid: Grid, subcells: int) -> Small:
    """Return every tile reduced to (M, subcells, subcells, 3) pixels, computed from its thumb."""
    cut = _cut(grid)
    parts = outline.finer(cut.lattice, subcells)
    step = max(1, TILES_BYTES // (MEAN_BYTES * parts**2))
    blocks = [slice(first, first + step) for first in range(0, len(index), step)]
    means = (descriptors.of_tiles(index.thumb[some], index.size[some], cut.tile_shape, parts) for some in blocks)
    return np.concatenate([outline.gathered(cut.lattice, each, subcells) for each in means])


def _cut(grid: Grid) -> Cut:
    tile = grid.tile_width, grid.tile_height
    return Cut(grid.columns, grid.rows, tile, lattice.of(grid.shape), sizing.of(grid))
