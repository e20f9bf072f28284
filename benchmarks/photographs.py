"""The photos to measure on: a folder's, or crops of scikit-image's photographs. As a script it cuts the crops."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from process import python
from rich.console import Console

if TYPE_CHECKING:
    from PIL import Image

TARGET = "coffee.png"
PHOTOGRAPHS = (
    "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg",
    "camera.png", "coins.png", "moon.png", "brick.png", "grass.png", "gravel.png",
)  # fmt: skip
COUNT = 2_220
SIDE = 200
SEED = 20_261_123


class Missing(Exception):
    """There are no photos to measure on."""


@dataclass(frozen=True)
class Photos:
    """The folder of tiles, and the picture to imitate."""

    tiles: Path
    target: Path
    described: str


def found(folder: Path | None, scratch: Path, console: Console) -> Photos:
    """Return the photos of a folder; without one, cut our own into `scratch` and say so.

    Raises:
        Missing: the folder lacks something, or the crops could not be cut.
    """
    origin = "given photos"
    if folder is None:
        console.print(f"No folder of photos given: cutting {COUNT:,} out of scikit-image's photographs …")
        folder, origin = scratch, "crops of scikit-image's photographs"
        cut = subprocess.run(python("photographs.py", scratch), capture_output=True, text=True, check=False)
        if cut.returncode:
            raise Missing(f"The crops could not be cut; is scikit-image installed?\n{cut.stderr}")
    tiles, target = folder / "tiles", folder / "targets" / TARGET
    count = sum(path.is_file() for path in tiles.iterdir()) if tiles.is_dir() else 0
    if not count or not target.is_file():
        raise Missing(f"{folder} must hold photos in tiles/ and a picture targets/{TARGET}.")
    return Photos(tiles, target, f"{count:,} {origin}")


def main(folder: Path) -> None:
    """Write the crops and the target, the same ones every time."""
    import numpy as np  # noqa: PLC0415 - only this process needs them
    import skimage  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    data = Path(skimage.__file__).parent / "data"
    (folder / "tiles").mkdir()
    (folder / "targets").mkdir()
    (folder / "targets" / TARGET).write_bytes((data / TARGET).read_bytes())
    dice = np.random.default_rng(SEED)
    photographs = [Image.open(data / name).convert("RGB") for name in PHOTOGRAPHS]
    for number in range(COUNT):
        crop = _crop(photographs[number % len(photographs)], dice.random(3).tolist())
        crop.save(folder / "tiles" / f"{number:04}.jpg", quality=85)


def _crop(photograph: "Image.Image", chance: list[float]) -> "Image.Image":
    """Return a square crop at 200 x 200; three numbers from 0 to 1 say how large it is and where."""
    side = SIDE + int(chance[0] * (min(photograph.size) - SIDE))
    left, top = int(chance[1] * (photograph.width - side)), int(chance[2] * (photograph.height - side))
    return photograph.resize((SIDE, SIDE), box=(left, top, left + side, top + side))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
