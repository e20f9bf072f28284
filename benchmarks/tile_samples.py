"""Writes a seeded sample of photos cut to several shapes: `tile_samples.py PHOTOS COUNT OUT`."""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.decoding import images

SEED = 20_261_124
SHAPES = ((3, 2), (1, 1), (2, 3))
"""Width to height of what is cut out."""
JPEG_QUALITY = 95


def drawn(count: int, wanted: int) -> list[tuple[int, tuple[int, int], float]]:
    """Return which photos of `count` are taken, the shape of each, and how far along the free side it is cut, 0 to 1.

    The same ones every time for the same numbers; a photo is drawn once.
    """
    dice = np.random.default_rng((SEED, wanted))
    chosen = np.sort(dice.choice(count, min(count, wanted), replace=False))
    shapes, places = dice.integers(len(SHAPES), size=len(chosen)), dice.random(len(chosen))
    return [(int(one), SHAPES[shape], float(place)) for one, shape, place in zip(chosen, shapes, places, strict=True)]


def cut(pixels: NDArray[np.uint8], shape: tuple[int, int], place: float) -> NDArray[np.uint8]:
    """Return the largest window of a shape, at `place` (0 to 1) along the side that has room."""
    height, width, _ = pixels.shape
    wide, high = min(width, height * shape[0] // shape[1]), min(height, width * shape[1] // shape[0])
    left, top = round(place * (width - wide)), round(place * (height - high))
    return pixels[top : top + high, left : left + wide]


def main(photos: Path, wanted: int, out: Path) -> None:
    """Write the sample as JPEGs under the names of the photos."""
    out.mkdir()
    paths = sorted(path for path in photos.iterdir() if path.is_file())
    for number, shape, place in drawn(len(paths), wanted):
        pixels = cut(images.decode(paths[number].read_bytes()), shape, place)
        Image.fromarray(pixels).save(out / f"{paths[number].stem}.jpg", quality=JPEG_QUALITY)


if __name__ == "__main__":
    folder, count, where = sys.argv[1:]
    main(Path(folder), int(count), Path(where))
