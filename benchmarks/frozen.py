"""The first edition's free choice, kept as it was: `frozen.py PHOTOS TILE OUT GRIDS TARGET...` writes its mosaics.

What later matchers are measured against. It stands alone: its features and crops are its own, so that no change of a
loss or of the windows reaches it; only decoding, colour spaces and the exact search of the nearest are the program's.
"""

import json
import sys
from math import sqrt
from pathlib import Path

import frozen_means
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker import parallel
from worker.core.colour import LUMA, lab
from worker.core.fitted import Fitted
from worker.core.losses import Metric
from worker.core.search.nearest import nearest
from worker.decoding import images

Pixels = NDArray[np.uint8]
Single = NDArray[np.float32]
Array = NDArray[np.float64]

SUBCELLS, STRUCTURE, DETAIL = 4, 5.0, 0.5
THUMB = 32
BLOCK_BYTES, PIXEL_BYTES = 8 << 20, 24
EVEN = 0.045
"""How much dE00 divides a difference of chroma by, for each unit of chroma."""


def match(target: Pixels, grid: tuple[int, int], thumbs: Pixels, sizes: NDArray[np.integer], threads: int) -> Array:
    """Return the (rows, columns) nearest photos by the first `balanced`, each in its largest centred square.

    Args:
        target: (H, W, 3) of which all is shown.
        grid: Columns and rows of square cells.
        thumbs: (M, THUMB, THUMB, 3) whole photos squeezed to a square.
        sizes: (M, 2) width and height of the photos.
        threads: How many cores to use.
    """
    columns, rows = grid
    with parallel.one_thread_each():
        found = nearest(of_target(target, columns, rows), of_photos(thumbs, sizes), Metric.EUCLIDEAN, threads=threads)
    return found.reshape(rows, columns)


def of_target(target: Pixels, columns: int, rows: int) -> Single:
    """Return the (N, 22) features of the cells, row by row, a block at a time."""
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * columns * SUBCELLS**2))
    whole = Fitted.whole(target)
    blocks = [range(first, min(first + step, rows)) for first in range(0, rows, step)]
    return np.concatenate(
        [
            features(*(frozen_means.of_target(whole, columns, rows, subcells, some) for subcells in (1, SUBCELLS)))
            for some in blocks
        ]
    )


def of_photos(thumbs: Pixels, sizes: NDArray[np.integer]) -> Single:
    """Return the (M, 22) features of the largest centred squares, a block at a time."""
    step = max(1, BLOCK_BYTES // (PIXEL_BYTES * THUMB**2))
    blocks = [slice(first, first + step) for first in range(0, len(thumbs), step)]
    return np.concatenate(
        [
            features(
                *(frozen_means.of_photos(thumbs[some], sizes[some], (1, 1), subcells) for subcells in (1, SUBCELLS))
            )
            for some in blocks
        ]
    )


def features(means: Array, sub_means: Array) -> Single:
    """Return the (N, 22) features of the first `balanced`: mean colour, the same as L*a*b*, and 4 x 4 lumas.

    Args:
        means: (N, 1, 1, 3) sRGB, 0 to 255.
        sub_means: (N, 4, 4, 3) likewise.

    Source:
        Our own, as measured in the first edition. Luma: ITU-R BT.709-6.
    """
    mean = means.reshape(len(means), 3)
    luma = sub_means.reshape(len(means), -1, 3) @ LUMA
    colour, structure = sqrt(1 - DETAIL), sqrt(STRUCTURE * DETAIL) / SUBCELLS
    parts = [colour * mean / 255, colour * _even_lab(mean) / 100, structure * luma / 255]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _even_lab(srgb: Array) -> Array:
    """Return L*a*b* whose chroma C is compressed to log(1 + 0.045 C) / 0.045."""
    colours = lab(srgb)
    strength = np.maximum(EVEN * np.hypot(colours[..., 1], colours[..., 2]), 1e-12)
    return np.concatenate([colours[..., :1], colours[..., 1:] * (np.log1p(strength) / strength)[..., None]], axis=-1)


def thumbs_of(paths: list[Path], threads: int) -> tuple[Pixels, NDArray[np.intp]]:
    """Return the (M, THUMB, THUMB, 3) thumbs and the (M, 2) sizes of photos."""
    made = list(parallel.spread(lambda path: images.thumb(path.read_bytes(), THUMB), paths, threads))
    return np.stack([thumb for thumb, _ in made]), np.array([size for _, size in made])


def laid(paths: list[Path], placement: NDArray[np.integer], tile: int) -> Pixels:
    """Return the mosaic, of `tile` pixels a cell: of every photo its largest centred square."""
    used, slots = np.unique(placement, return_inverse=True)
    tiles = np.stack([_square(paths[number], tile) for number in used])
    rows, columns = placement.shape
    placed = tiles[slots.ravel()].reshape(rows, columns, tile, tile, 3)
    return placed.swapaxes(1, 2).reshape(rows * tile, columns * tile, 3)


def _square(path: Path, side: int) -> Pixels:
    """Return the largest centred square of a photo, to a fraction of a pixel, as (side, side, 3) pixels."""
    photo = Image.fromarray(images.decode(path.read_bytes(), (side, side)))
    least = min(photo.size)
    left, top = ((length - least) / 2 for length in photo.size)
    box = (left, top, left + least, top + least)
    return np.asarray(photo.resize((side, side), Image.Resampling.LANCZOS, box=box))


def main(photos: Path, tile: int, out: Path, grids: Path, targets: list[Path]) -> None:
    """Write a mosaic of each target, under its name."""
    paths = sorted(path for path in photos.iterdir() if path.is_file())
    threads = parallel.core_count()
    thumbs, sizes = thumbs_of(paths, threads)
    shapes = json.loads(grids.read_text())
    for target in targets:
        placement = match(images.decode(target.read_bytes()), shapes[target.stem], thumbs, sizes, threads)
        Image.fromarray(laid(paths, placement, tile)).save(out / f"{target.stem}.png", compress_level=1)


if __name__ == "__main__":
    photos, tile, out, grids, *targets = sys.argv[1:]
    main(Path(photos), int(tile), Path(out), Path(grids), [Path(target) for target in targets])
