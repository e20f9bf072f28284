"""Writes many small JPEGs, each a crop of a photo in other colours: `small_photos.py FOLDER COUNT OUT`."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
from PIL import Image

SEED = 20_261_124
SIDES = (64, 80, 100)
TOGETHER = 1_000
"""Files in one sub-folder."""
PHOTOS = 2_220


def main(folder: Path, count: int, out: Path) -> None:
    """Write the files, the same ones every time."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())[:PHOTOS]
    photos = [Image.open(path).convert("RGB") for path in paths]
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(_write, range(0, count, TOGETHER), repeat(photos), repeat(out)):
            pass


def _write(first: int, photos: Sequence[Image.Image], out: Path) -> None:
    """Write the files of one sub-folder."""
    place = out / f"{first // TOGETHER:04}"
    place.mkdir()
    dice = np.random.default_rng((SEED, first))
    for number in range(first, first + TOGETHER):
        photo = photos[number % len(photos)]
        side = dice.uniform(0.35, 1.0) * min(photo.size)
        left, top = dice.random(2) * (np.array(photo.size) - side)
        size = SIDES[number % len(SIDES)]
        crop = photo.resize((size, size), Image.Resampling.BOX, box=(left, top, left + side, top + side))
        gain, shift = dice.uniform(0.6, 1.3, 3), dice.uniform(-30, 30, 3)
        pixels = np.clip(np.asarray(crop) * gain + shift, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{number:06}.jpg", quality=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
