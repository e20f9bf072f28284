"""Many cells and many tiles out of few photographs, seeded: what the matcher is measured on."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import UnusablePicture
from worker.core import descriptors
from worker.core.fitted import Fitted
from worker.decoding import images

Pixels = NDArray[np.uint8]

SEED = 20_261_123
THUMB = 32
SIDE = 16
BLOCK = 2_000


def tiles(folder: Path, count: int) -> Pixels:
    """Return (count, SIDE, SIDE, 3) crops of the photos in `folder`, each channel with a gain and a shift."""
    dice = np.random.default_rng(SEED)
    thumbs = np.stack(list(_thumbs(folder)))
    made = np.empty((count, SIDE, SIDE, 3), np.uint8)
    steps = np.arange(SIDE)
    for first in range(0, count, BLOCK):
        some = min(BLOCK, count - first)
        which = dice.integers(len(thumbs), size=some)
        down, across = (dice.integers(THUMB - SIDE + 1, size=some)[:, None] + steps for _ in range(2))
        crops = thumbs[which[:, None, None], down[:, :, None], across[:, None, :]].astype(np.float32)
        gain, shift = (dice.uniform(*ends, (some, 1, 1, 3)) for ends in ((0.6, 1.3), (-30, 30)))
        made[first : first + some] = np.clip(np.rint(crops * gain + shift), 0, 255)
    return made


def cells(folder: Path, columns: int, rows: int, count: int) -> Pixels:
    """Return (count, SIDE, SIDE, 3) cells of the targets in `folder`, each target cut into columns x rows."""
    every = np.concatenate([picture(path, columns, rows) for path in sorted(folder.iterdir())])
    if count > len(every):
        every = np.concatenate([every] * -(-count // len(every)))
    return every[np.random.default_rng(SEED).permutation(len(every))[:count]]


def picture(path: Path, columns: int, rows: int) -> Pixels:
    """Return the (columns * rows, SIDE, SIDE, 3) cells of one target, row by row."""
    target = Fitted.whole(_in_shape(images.decode(path.read_bytes()), columns / rows))
    whole = images.resized(target, columns * SIDE, rows * SIDE)
    return whole.reshape(rows, SIDE, columns, SIDE, 3).swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3)


def largest(folder: Path) -> Path:
    """Return the picture of most pixels: the first by name of those."""

    def pixel_count(path: Path) -> int:
        width, height = images.size(path.read_bytes())
        return width * height

    return max(sorted(folder.iterdir()), key=pixel_count)


def _thumbs(folder: Path) -> Iterator[Pixels]:
    for path in sorted(folder.iterdir()):
        with suppress(UnusablePicture, IsADirectoryError):
            yield images.thumb(path.read_bytes(), THUMB)[0]


def means(pictures: Pixels, subcells: int) -> NDArray[np.float64]:
    """Return the means of the sub-cells of pictures, a block at a time."""
    blocks = range(0, len(pictures), BLOCK)
    return np.concatenate([descriptors.of_pictures(pictures[first : first + BLOCK], subcells) for first in blocks])


def _in_shape(target: Pixels, ratio: float) -> Pixels:
    """Return the largest centred crop of a width-to-height ratio."""
    height, width, _ = target.shape
    wide, high = min(width, round(height * ratio)), min(height, round(width / ratio))
    top, left = (height - high) // 2, (width - wide) // 2
    return target[top : top + high, left : left + wide]
