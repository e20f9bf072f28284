"""Writes enlarged photos, the same ones every time: `enlarged.py PHOTOS COUNT WIDTH HEIGHT OUT`."""

import sys
from pathlib import Path

import numpy as np
import tile_samples
from PIL import Image

from worker import parallel
from worker.decoding import images

SEED = 20_261_125
JPEG_QUALITY = 90


def drawn(photo_count: int, count: int) -> list[tuple[int, float]]:
    """Return which photo each of `count` is made of, none twice if there are enough, and where it is cut, 0 to 1."""
    dice = np.random.default_rng((SEED, count))
    again = -(-count // photo_count)
    chosen = np.concatenate([dice.permutation(photo_count) for _ in range(again)])[:count]
    return list(zip(chosen.tolist(), dice.random(count).tolist(), strict=True))


def main(photos: Path, count: int, size: tuple[int, int], out: Path) -> None:
    """Write JPEGs of a size, each a window of a photo."""
    out.mkdir(parents=True)
    paths = sorted(path for path in photos.iterdir() if path.is_file())

    def one(made: tuple[int, tuple[int, float]]) -> None:
        number, (photo, place) = made
        window = tile_samples.cut(images.decode(paths[photo].read_bytes()), size, place)
        large = Image.fromarray(window).resize(size, Image.Resampling.BICUBIC)
        large.save(out / f"{number:05}.jpg", quality=JPEG_QUALITY)

    for _ in parallel.spread(one, enumerate(drawn(len(paths), count)), parallel.core_count()):
        pass


if __name__ == "__main__":
    photos, count, width, height, out = sys.argv[1:]
    main(Path(photos), int(count), (int(width), int(height)), Path(out))
