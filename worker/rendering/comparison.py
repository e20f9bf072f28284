"""One target matched by several orders, side by side, so that people can see and measure which suits it best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

from models.rules import grid
from models.rules.grid import Grid
from models.rules.order_words import LossName
from models.rules.orders import MosaicOrder
from worker.core import lattice, outline
from worker.core.assignment.assign import Rules
from worker.core.descriptors import of_pictures
from worker.core.fitted import Fitted
from worker.core.matcher import Choice
from worker.core.measures.miniature import as_it_lies, assembled
from worker.core.measures.quality import Quality
from worker.core.measures.similarity import CELL_SIDE
from worker.core.progress import PhaseProgress
from worker.core.views import Views
from worker.decoding import images
from worker.rendering import placement
from worker.tile_index.index import SIDE, Index

Pixels = NDArray[np.uint8]

PICTURE_SIDE = 900
"""Longer side of each picture on the sheet, in pixels, roughly."""
CAPTION_WIDTH = 480
"""Pixels that a caption must have to be readable."""
TOGETHER = 2_048
"""Tiles that are made at once."""
TITLE_LENGTH = 44
"""Letters of a title that fit into the narrowest caption."""
MARGIN = 24
PAPER = 255


@dataclass(frozen=True)
class Compared:
    """What one order made of the target.

    Attributes:
        loss: The loss.
        quality: How near the picture comes to the target.
        picture: (rows * h, columns * w, 3) the mosaic in small, made from the index's thumbs.
    """

    loss: LossName
    quality: Quality
    picture: Pixels


def target_of(data: bytes, order: MosaicOrder) -> tuple[Fitted, tuple[int, int], Grid]:
    """Return the fitted target, the width and height of the whole, and how it is cut.

    Raises:
        InvalidOrder: the order does not fit the target.
        UnusablePicture: the target is no usable picture.
    """
    pixels = images.decode(data)
    size = pixels.shape[1], pixels.shape[0]
    cells = grid.cut(*size, order)
    return images.fitted(pixels, cells), size, cells


def compare(
    target: Fitted, size: tuple[int, int], cells: Grid, orders: Sequence[MosaicOrder], index: Index, *,
    threads: int, progress: PhaseProgress,
) -> Iterator[Compared]:  # fmt: skip
    """Yield what each order makes of a fitted target.

    Args:
        target: The fitted target.
        size: Width and height of the whole target.
        cells: How it is cut.
        orders: Alike in how they cut the target.
        index: The tiles, as `worker.tile_index.index` describes them.
        threads: How many cores to use.
        progress: Called with how many orders are done; what it raises stops the work.

    Raises:
        InvalidOrder: the rules cannot be kept with these tiles.
    """
    rules = _rules(orders, size, cells, len(index))
    for number, order in enumerate(orders):

        def within(_phase: str, _done: int, _total: int, number: int = number) -> None:
            progress("comparing", number, len(orders))

        within("", 0, 0)
        matched = placement.adapted(target, order, cells, index)
        choice = placement.choice(matched, order, cells, index, rules[number], threads=threads, progress=within)
        yield _compared(order.loss, (target, matched), cells, choice, index)
    progress("comparing", len(orders), len(orders))


def _rules(orders: Sequence[MosaicOrder], size: tuple[int, int], cells: Grid, tile_count: int) -> list[Rules]:
    """Return the rules of each order; whether rules can be kept is looked at once."""
    asked = [(order.uses, order.min_distance, order.min_uses) for order in orders]
    found = {
        key: placement.rules_of(order, size, cells, tile_count)
        for key, order in dict(zip(asked, orders, strict=True)).items()
    }
    return [found[key] for key in asked]


def sheet(target: Fitted, cells: Grid, compared: Sequence[Compared], names: Sequence[str]) -> Pixels:
    """Return the (H, W, 3) contact sheet: the target, then what each order made, its name and scores."""
    height, width = compared[0].picture.shape[:2]
    broad = max(width, CAPTION_WIDTH)
    captions = [["target", f"{cells.columns} x {cells.rows} cells"]]
    captions += [[*_title(name), *scores(one.quality)] for name, one in zip(names, compared, strict=True)]
    deep = max(len(lines) for lines in captions)
    pictures = [images.resized(target, width, height), *(one.picture for one in compared)]
    framed = [
        np.pad(
            np.concatenate([_broadened(picture, broad), images.caption(lines + [""] * (deep - len(lines)), broad)]),
            ((MARGIN, 0), (MARGIN, MARGIN), (0, 0)),
            constant_values=PAPER,
        )
        for picture, lines in zip(pictures, captions, strict=True)
    ]
    across = _across(len(framed), broad, height)
    framed += [np.full_like(framed[0], PAPER)] * (-len(framed) % across)
    rows = [np.concatenate(framed[first : first + across], axis=1) for first in range(0, len(framed), across)]
    return np.concatenate(rows)


def _title(name: str) -> list[str]:
    """Return a name in lines that are not wider than a caption."""
    return wrap(name.replace(",", ", "), TITLE_LENGTH)


def scores(quality: Quality) -> list[str]:
    """Return the scores as the lines of a caption."""
    psnr = "equal" if quality.psnr1 is None else f"{quality.psnr1:.1f} dB"
    return [
        f"PSNR {psnr}   dE00 {quality.de00:.1f}   SSIM {quality.ssim4:.3f}",
        f"dE00 far {quality.far:.1f}   {quality.distinct_tiles:,} tiles, at most {quality.most_uses:,} uses",
    ]


def _broadened(picture: Pixels, width: int) -> Pixels:
    """Return a picture widened with paper on its right, so that its caption has room."""
    return np.pad(picture, ((0, 0), (0, width - picture.shape[1]), (0, 0)), constant_values=PAPER)


def _across(count: int, width: int, height: int) -> int:
    """Return how many pictures to put side by side, so that the sheet is about as wide as it is high."""
    return max(1, min(count, round(sqrt(count * height / width))))


def _compared(loss: LossName, targets: tuple[Fitted, Fitted], cells: Grid, choice: Choice, index: Index) -> Compared:
    side = max(CELL_SIDE, min(SIDE, round(PICTURE_SIDE / max(cells.columns, cells.rows))))
    places = lattice.of(cells.shape)
    side -= side % CELL_SIDE if places.overlap else 0
    tiles = _tiles(choice, index, side)
    means = of_pictures(tiles, outline.finer(places, CELL_SIDE))
    small = assembled(outline.gathered(places, means, CELL_SIDE), cells.columns)
    quality = placement.quality_of(placement.known(*targets, cells, choice, index), choice, small, small)
    picture = as_it_lies(assembled(tiles, cells.columns), side, places)
    return Compared(loss, quality, picture)


def _tiles(choice: Choice, index: Index, side: int) -> Pixels:
    """Return the (N, side, side, 3) tile of every cell, made from the index's thumbs."""
    numbers = choice.tiles.ravel()
    views = Views.each(choice.windows.reshape(-1, 4), choice.orientations.ravel())
    blocks = [slice(first, first + TOGETHER) for first in range(0, len(numbers), TOGETHER)]
    laid = [views.of_photos(some).means(index.thumb[numbers[some]], side)[:, 0] for some in blocks]
    return np.concatenate([np.rint(each).astype(np.uint8) for each in laid])
