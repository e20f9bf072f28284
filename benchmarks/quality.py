"""How near each loss comes to its target, and how quick a warm render is, beside metapixel where it is installed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from measurement import Measurement
from process import python, run
from rendering import tessera
from setting import Setting

from models.rules.orders import LossName

TARGETS = ("coffee.png", "tiger.jpg", "lion-hd.jpg")
COLUMNS, ROWS, TILE = 60, 40, 50
MEASURES = {"psnr1": "dB", "de00": "", "ssim4": ""}
APART = 5
SCALED = (600, 400)
"""Pixels of the target that metapixel is given, so that at scale 5 its mosaic has the same cells."""


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield the scores of every loss on three targets, and the time of a warm render."""
    library = _library(setting)
    for name in TARGETS:
        if (setting.photos.target.parent / name).is_file():
            yield from _target(setting, name, library)
    if library is not None:
        yield from _warm(setting, library)


def _target(setting: Setting, name: str, library: Path | None) -> Iterator[Measurement]:
    setting.console.print(f"quality: {name} …")
    folder = setting.scratch / "quality" / Path(name).stem
    folder.mkdir(parents=True)
    target = folder / "target.png"
    run(python("score.py", setting.photos.target.parent / name, str(COLUMNS), str(ROWS), target), {})
    mosaics = [_ours(setting, target, folder / f"{loss}.png", "--loss", loss) for loss in LossName]
    mosaics.append(_ours(setting, target, folder / f"balanced{APART}.png", "--min-distance", str(APART)))
    if library is not None:
        mosaics += [
            _theirs(library, target, folder / f"metapixel{distance}.png", distance) for distance in (0, APART)
        ]
    out = folder / "scores.json"
    run(python("score.py", target, str(COLUMNS), str(ROWS), out, *mosaics), {})
    scores = json.loads(out.read_text())
    key = f"quality.{Path(name).stem}"
    for loss, one in scores.items():
        for what, unit in MEASURES.items():
            yield Measurement(f"{key}.{loss}.{what}", one[what], unit)
    if library is not None:
        for ours, theirs in (("balanced", "metapixel0"), (f"balanced{APART}", f"metapixel{APART}")):
            won = _beats(scores[ours], scores[theirs])
            yield Measurement(f"{key}.{ours}.beats_{theirs}", int(won), "", "== 1")


def _beats(ours: dict[str, float], theirs: dict[str, float]) -> bool:
    """Whether ours is nearer by all three measures at once."""
    nearer = ours["psnr1"] > theirs["psnr1"] and ours["de00"] < theirs["de00"]
    return nearer and ours["ssim4"] > theirs["ssim4"]


def _ours(setting: Setting, target: Path, out: Path, *words: str) -> Path:
    run([*_tessera(setting, target, out), *words], _own(setting))
    return out


def _tessera(setting: Setting, target: Path, out: Path) -> list[str | Path]:
    order = ("--cells", str(COLUMNS), "--tile-size", str(TILE), "--out", out)
    return [tessera(), "render", target, "--tiles", setting.photos.tiles, *order]


def _own(setting: Setting) -> dict[str, str]:
    """Return the variables that keep one cache for this section, and the bytecode of the others."""
    scratch = setting.scratch
    return {"XDG_CACHE_HOME": str(scratch / "quality-cache"), "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}


def _library(setting: Setting) -> Path | None:
    """Prepare metapixel's library; None where metapixel is not installed."""
    if shutil.which("metapixel") is None:
        setting.console.print("metapixel is not installed: nothing is compared with it (Debian: metapixel).")
        return None
    setting.console.print("quality: metapixel prepares its library …")
    library = setting.scratch / "metapixel"
    library.mkdir()
    run(["metapixel-prepare", setting.photos.tiles, library, f"--width={TILE}", f"--height={TILE}"], {})
    return library


def _theirs(library: Path, target: Path, out: Path, distance: int) -> Path:
    scaled = target.with_name("scaled.png")
    if not scaled.exists():
        run(python("scale.py", target, *(str(side) for side in SCALED), scaled), {})
    run(_metapixel(library, scaled, out, distance), {})
    return out


def _metapixel(library: Path, target: Path, out: Path, distance: int) -> list[str | Path]:
    tile = (f"--width={TILE}", f"--height={TILE}", f"--scale={TILE * COLUMNS // SCALED[0]}")
    return ["metapixel", "--metapixel", "--library", library, *tile, f"--distance={distance}", target, out]


def _warm(setting: Setting, library: Path) -> Iterator[Measurement]:
    """Yield how long a render takes that finds its index, beside metapixel's on a library."""
    folder = setting.scratch / "quality" / Path(TARGETS[0]).stem
    target = folder / "scaled.png"
    ours, theirs = [], []
    for _ in range(setting.runs):
        ours.append(run(_tessera(setting, target, folder / "warm.png"), _own(setting)))
        theirs.append(run(_metapixel(library, target, folder / "warm-metapixel.png", 0), {}))
    yield Measurement.median("render.warm.seconds", [one.seconds for one in ours], "s")
    yield Measurement.median("metapixel.warm.seconds", [one.seconds for one in theirs], "s")
    pairs = zip(ours, theirs, strict=True)
    yield Measurement.median(
        "render.warm.ratio", [one.seconds / other.seconds for one, other in pairs], "x", "<= 0.6"
    )
