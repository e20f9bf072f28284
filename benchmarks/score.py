"""Scores finished mosaics: `score.py TARGET COLUMNS ROWS OUT MOSAIC...` writes their measures as JSON."""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worker.core.cells import of_cells
from worker.core.colour import ciede2000, lab
from worker.core.fitted import Fitted
from worker.core.measures import similarity
from worker.core.measures.miniature import assembled
from worker.core.measures.similarity import CELL_SIDE
from worker.decoding import images

Pixels = NDArray[np.uint8]


def score(target: Pixels, mosaic: Pixels, columns: int, rows: int) -> dict[str, float]:
    """Return PSNR and mean dE00 at 1 pixel a cell, and SSIM at 4."""
    sides = Fitted.whole(target), Fitted.whole(mosaic)
    one, other = (of_cells(side, columns, rows, 1).reshape(rows, columns, 3) for side in sides)
    four = (assembled(of_cells(side, columns, rows, CELL_SIDE), columns) for side in sides)
    return {
        "psnr1": similarity.psnr(one, other),
        "de00": float(ciede2000(lab(one), lab(other)).mean()),
        "ssim4": similarity.ssim(*four),
    }


def main(target: Path, columns: int, rows: int, out: Path, mosaics: list[Path]) -> None:
    """Score every mosaic against the one target."""
    wanted = images.decode(target.read_bytes())
    scores = {path.stem: score(wanted, images.decode(path.read_bytes()), columns, rows) for path in mosaics}
    out.write_text(json.dumps(scores))


def crop(picture: Path, columns: int, rows: int, out: Path) -> None:
    """Write the middle of a picture in the shape of the grid, as a PNG of whole square cells."""
    from PIL import Image  # noqa: PLC0415 - the one place that writes a picture

    pixels = images.decode(picture.read_bytes())
    height, width, _ = pixels.shape
    side = min(width // columns, height // rows)
    left, top = (width - side * columns) // 2, (height - side * rows) // 2
    Image.fromarray(pixels[top : top + side * rows, left : left + side * columns]).save(out)


if __name__ == "__main__":
    picture, across, down, out, *others = sys.argv[1:]
    if others:
        main(Path(picture), int(across), int(down), Path(out), [Path(other) for other in others])
    else:
        crop(Path(picture), int(across), int(down), Path(out))
