"""Scores finished mosaics: `score.py TARGET COLUMNS ROWS OUT MOSAIC...` writes their measures as JSON."""

import json
import sys
from pathlib import Path

import averages
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from worker.core.cells import of_cells
from worker.core.colour import ciede2000, lab, linear
from worker.core.fitted import Fitted
from worker.core.measures import similarity
from worker.core.measures.miniature import assembled
from worker.core.measures.similarity import CELL_SIDE
from worker.decoding import images

Pixels = NDArray[np.uint8]
Light = NDArray[np.float64]

FAR_CELLS = 1.5
"""Standard deviation of the blur with which a picture is seen from afar, in cells."""
LIGHT = linear(np.arange(256.0)).astype(np.float32)
"""Linear light of each value of sRGB, 0 to 1."""


def score(target: Pixels, mosaic: Pixels, columns: int, rows: int) -> dict[str, float]:
    """Return PSNR and mean dE00 at 1 pixel a cell, SSIM at 4, mean dE00 from afar, and PSNR after a blur."""
    sides = Fitted.whole(target), Fitted.whole(mosaic)
    one, other = (of_cells(side, columns, rows, 1).reshape(rows, columns, 3) for side in sides)
    four = [assembled(of_cells(side, columns, rows, CELL_SIDE), columns) for side in sides]
    afar = [lab(srgb_of(seen_from_afar(side, columns, rows))) for side in (target, mosaic)]
    return {
        "psnr1": similarity.psnr(one, other),
        "de00": float(ciede2000(lab(one), lab(other)).mean()),
        "ssim4": similarity.ssim(*four),
        "far": float(ciede2000(*afar).mean()),
        "psnr_blur": similarity.psnr_blur(*four),
    }


def seen_from_afar(picture: Pixels, columns: int, rows: int) -> Light:
    """Return the (4 * rows, 4 * columns, 3) linear light of a picture, averaged and then blurred, 0 to 1.

    A Gaussian of 1.5 cells; beyond an edge the picture is mirrored, the outermost pixel twice.
    """
    light = LIGHT[picture].transpose(2, 0, 1)
    down, across = (
        averages.weights(length, CELL_SIDE * count)
        for length, count in zip(light.shape[1:], (rows, columns), strict=True)
    )
    reduced = (down @ light @ across.T).astype(np.float64).transpose(1, 2, 0)
    spread = FAR_CELLS * CELL_SIDE
    blurred: Light = gaussian_filter(reduced, (spread, spread, 0), mode="reflect")
    return blurred


def srgb_of(light: Light) -> Light:
    """Return the sRGB values, 0 to 255, of linear light from 0 to 1; the inverse of `worker.core.colour.linear`.

    Source:
        IEC 61966-2-1:1999.

    Example:
        >>> srgb_of(np.array([0.0, 0.21404114048223255, 1.0])).round(9).tolist()
        [0.0, 127.5, 255.0]
    """
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def main(target: Path, columns: int, rows: int, out: Path, mosaics: list[Path]) -> None:
    """Write the scores of every mosaic against the one target, in their order."""
    wanted = images.decode(target.read_bytes())
    scores = [score(wanted, images.decode(path.read_bytes()), columns, rows) for path in mosaics]
    out.write_text(json.dumps(scores))


if __name__ == "__main__":
    target, across, down, out, *mosaics = sys.argv[1:]
    main(Path(target), int(across), int(down), Path(out), [Path(mosaic) for mosaic in mosaics])
