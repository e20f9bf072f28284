"""One target matched by several losses, side by side, so that people can see and measure which suits it best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from models.rules import grid
from models.rules.grid import Grid
from models.rules.orders import LossName, MosaicOrder
from worker.core.descriptors import of_pictures
from worker.core.fitted import Fitted
from worker.core.matcher import Choice
from worker.core.measures.miniature import assembled
from worker.core.measures.quality import Quality
from worker.core.measures.similarity import CELL_SIDE
from worker.core.orientations import oriented
from worker.core.progress import PhaseProgress
from worker.decoding import images
from worker.rendering import placement
from worker.tile_index.index import SIDE, Index

Pixels = NDArray[np.uint8]

PICTURE_SIDE = 900
"""Longer side of each picture on the sheet, in pixels, roughly."""
CAPTION_WIDTH = 480
"""Pixels that a caption must have to be readable."""
MARGIN = 24
PAPER = 255


@dataclass(frozen=True)
class Compared:
    """What one loss made of the target.

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
        orders: One for each loss, alike in everything else.
        index: The tiles, as `worker.tile_index.index` describes them.
        threads: How many cores to use.
        progress: Called with how many losses are done; what it raises stops the work.

    Raises:
        InvalidOrder: the rules cannot be kept with these tiles.
    """
    pixels = _tiles(index, cells)
    rules = placement.rules_of(orders[0], size, cells, len(index))
    for number, order in enumerate(orders):

        def within(_phase: str, _done: int, _total: int, number: int = number) -> None:
            progress("comparing", number, len(orders))

        within("", 0, 0)
        choice = placement.choice(target, order, cells, index, rules, threads=threads, progress=within)
        yield _compared(order.loss, target, cells, choice, index, pixels)
    progress("comparing", len(orders), len(orders))


def sheet(target: Fitted, cells: Grid, compared: Sequence[Compared]) -> Pixels:
    """Return the (H, W, 3) contact sheet: the target, then what each loss made, with its scores below it."""
    height, width = compared[0].picture.shape[:2]
    broad = max(width, CAPTION_WIDTH)
    captions = [["target", f"{cells.columns} x {cells.rows} cells", ""]]
    captions += [[one.loss.value, *scores(one.quality)] for one in compared]
    pictures = [images.resized(target, width, height), *(one.picture for one in compared)]
    framed = [
        np.pad(
            np.concatenate([_broadened(picture, broad), images.caption(lines, broad)]),
            ((MARGIN, 0), (MARGIN, MARGIN), (0, 0)),
            constant_values=PAPER,
        )
        for picture, lines in zip(pictures, captions, strict=True)
    ]
    across = _across(len(framed), broad, height)
    framed += [np.full_like(framed[0], PAPER)] * (-len(framed) % across)
    rows = [np.concatenate(framed[first : first + across], axis=1) for first in range(0, len(framed), across)]
    return np.concatenate(rows)


def scores(quality: Quality) -> list[str]:
    """Return the scores as the lines of a caption."""
    psnr = "equal" if quality.psnr1 is None else f"{quality.psnr1:.1f} dB"
    return [
        f"PSNR {psnr}   dE00 {quality.de00:.1f}   SSIM {quality.ssim4:.3f}",
        f"{quality.distinct_tiles:,} tiles, at most {quality.most_uses:,} uses",
    ]


def _broadened(picture: Pixels, width: int) -> Pixels:
    """Return a picture widened with paper on its right, so that its caption has room."""
    return np.pad(picture, ((0, 0), (0, width - picture.shape[1]), (0, 0)), constant_values=PAPER)


def _across(count: int, width: int, height: int) -> int:
    """Return how many pictures to put side by side, so that the sheet is about as wide as it is high."""
    return max(1, min(count, round(sqrt(count * height / width))))


def _tiles(index: Index, cells: Grid) -> Pixels:
    """Return every tile in the size that it has on the sheet."""
    side = max(CELL_SIDE, min(SIDE, round(PICTURE_SIDE / max(cells.columns, cells.rows))))
    return np.rint(placement.tile_pixels(index, cells, side)).astype(np.uint8)


def _compared(loss: LossName, target: Fitted, cells: Grid, choice: Choice, index: Index, tiles: Pixels) -> Compared:
    laid = tiles[choice.tiles.ravel()]
    for orientation in np.unique(choice.orientations).tolist():
        there = choice.orientations.ravel() == orientation
        laid[there] = oriented(laid[there], orientation)
    small = assembled(of_pictures(laid, CELL_SIDE), cells.columns)
    quality = placement.quality_of(target, cells, choice, index, small, small)
    return Compared(loss, quality, assembled(laid, cells.columns))
