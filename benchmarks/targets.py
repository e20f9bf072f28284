"""Crops pictures to whole square cells: `targets.py OUT PICTURE...` writes PNGs, and grids.json with their cells."""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.decoding import images

LONG, SHORT = 60, 40
"""Cells along the longer and the shorter side."""


def grid_of(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the columns and rows for a picture: as many cells, lying or upright as it is."""
    height, width, _ = pixels.shape
    return (LONG, SHORT) if width >= height else (SHORT, LONG)


def cropped(pixels: NDArray[np.uint8], columns: int, rows: int) -> NDArray[np.uint8]:
    """Return the middle of a picture in the shape of the grid: of whole square cells, as large as they can be."""
    height, width, _ = pixels.shape
    side = min(width // columns, height // rows)
    left, top = (width - side * columns) // 2, (height - side * rows) // 2
    return pixels[top : top + side * rows, left : left + side * columns]


def main(out: Path, pictures: list[Path]) -> None:
    """Write the crops under the pictures' names, and how many cells each has."""
    grids = {}
    for picture in pictures:
        pixels = images.decode(picture.read_bytes())
        grids[picture.stem] = grid_of(pixels)
        Image.fromarray(cropped(pixels, *grids[picture.stem])).save(out / f"{picture.stem}.png")
    (out / "grids.json").write_text(json.dumps(grids))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(picture) for picture in sys.argv[2:]])
