"""Makes the small pictures beside the expert options of the order page: mosaics by `tessera render`, and drawings.

    make option-pictures

The photos are those of `tessera up --demo`, crops of scikit-image's photographs. Nothing is drawn by hand where a
mosaic shows it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import option_drawings
from PIL import Image, ImageOps

from cli.service import demo

PICTURES = Path(__file__).parents[2] / "web/static/options"
SIDE, GAP = 96, 12
"""Pixels of a square, and between two; pages show them at two thirds."""
QUALITY = 55
COLOURED, GREY = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle"), ("camera", "coins", "moon", "brick")
FEW = ("coffee", "moon")
Part = Callable[[dict[str, Image.Image]], Image.Image]


class Scene(NamedTuple):
    """What an option is shown on.

    Attributes:
        target: Which part of which photograph is rebuilt.
        photos: How the names of its photos begin; or one photo.
        cells: Cells across.
        others: Options that all squares share.
    """

    target: Part
    photos: tuple[str, ...] | Part
    cells: int
    others: tuple[str, ...] = ()


def face(given: dict[str, Image.Image]) -> Image.Image:
    return given["astronaut"].crop((130, 0, 330, 200))


def cat(given: dict[str, Image.Image]) -> Image.Image:
    return given["chelsea"]


def nose(given: dict[str, Image.Image]) -> Image.Image:
    """The right end of the cat's photograph; a photo of the set would be left out of its own mosaic."""
    return given["chelsea"].crop((151, 0, 451, 300)).resize((280, 280))


def eye(given: dict[str, Image.Image]) -> Image.Image:
    return given["chelsea"].crop((0, 0, 160, 160))


def cup(given: dict[str, Image.Image]) -> Image.Image:
    return given["coffee"].crop((130, 0, 530, 400))


def mirrored(given: dict[str, Image.Image]) -> Image.Image:
    return ImageOps.mirror(cup(given))


def turned(given: dict[str, Image.Image]) -> Image.Image:
    return cup(given).rotate(90)


def plain(_given: dict[str, Image.Image]) -> Image.Image:
    """One colour, as a wall is."""
    return Image.new("RGB", (200, 200), (168, 116, 84))


FACE = Scene(face, (*COLOURED, *GREY), 24)
PLAIN = ("--tint", "0")
SHOWN: dict[str, tuple[Scene, list[tuple[str, ...]]]] = {
    "loss": (FACE, [(), ("--loss", "mean-rgb")]),
    "detail": (FACE, [("--detail", "0"), ("--detail", "1")]),
    "far": (Scene(face, FEW, 40, PLAIN), [("--far", "0"), ("--far", "4")]),
    "spread": (Scene(plain, COLOURED, 5, PLAIN), [("--spread", "0"), ("--spread", "1")]),
    "adapt": (Scene(face, GREY, 40, PLAIN), [("--adapt", "0"), ("--adapt", "1")]),
    "tint": (FACE, [("--tint", each) for each in ("0", "1")]),
    "blend": (FACE, [("--blend", each) for each in ("0", "0.6")]),
    "crops": (Scene(nose, cat, 1, PLAIN), [("--crops", each) for each in ("none", "slide")]),
    "keep": (Scene(eye, cat, 1, PLAIN), [("--keep", each) for each in ("1", "0.3")]),
    "flips": (Scene(mirrored, cup, 1, PLAIN), [(), ("--flips",)]),
    "turns": (Scene(turned, cup, 1, PLAIN), [(), ("--turns",)]),
    "file_quality": (FACE, [("--quality", "2"), ("--quality", "95")]),
}
"""By the name of its field: what is shown, and the options of each square."""


def main() -> None:
    """Write a WebP of squares beside each other for each of `SHOWN`, and the drawings as SVGs."""
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.iterdir():
        old.unlink()
    given = {path.stem: Image.open(path).convert("RGB") for path in demo.photographs()}
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
        for name, data in demo.crops(demo.photographs()):
            (Path(folder) / name).write_bytes(data)
        for name, (scene, squares) in SHOWN.items():
            laid = [mosaic(given, scene, options, Path(folder)) for options in squares]
            beside(laid).save(PICTURES / f"{name}.webp", quality=QUALITY, method=6)
    for name, drawing in option_drawings.DRAWINGS.items():
        (PICTURES / f"{name}.svg").write_text(drawing)
    for path in sorted(PICTURES.iterdir()):
        print(path.name, f"{path.stat().st_size:,} bytes")


def mosaic(given: dict[str, Image.Image], scene: Scene, options: tuple[str, ...], photos: Path) -> Image.Image:
    """Make a mosaic, and reduce it to a square."""
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
        target, tiles, out = (Path(folder) / name for name in ("target.png", "tiles", "mosaic.jpg"))
        scene.target(given).save(target)
        tiles.mkdir()
        if callable(scene.photos):
            scene.photos(given).save(tiles / "photo.png")
        else:
            for path in photos.iterdir():
                if path.name.startswith(scene.photos):
                    (tiles / path.name).symlink_to(path)
        finer = 1 if "--quality" in options else 4
        size = ("--cells", str(scene.cells), "--tile-size", str(finer * SIDE // scene.cells))
        command = [Path(sys.executable).with_name("tessera"), "render", target, "--tiles", tiles, "--out", out]
        subprocess.run([*command, *size, *scene.others, *options, "--quiet"], check=True)
        return Image.open(out).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def beside(squares: list[Image.Image]) -> Image.Image:
    """Return squares beside each other, with a transparent gap between them."""
    row = Image.new("RGBA", (len(squares) * (SIDE + GAP) - GAP, SIDE))
    for number, square in enumerate(squares):
        row.paste(square, (number * (SIDE + GAP), 0))
    return row


if __name__ == "__main__":
    main()
