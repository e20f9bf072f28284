"""How quick a render is that finds its index, beside metapixel's that finds its library, of photos of three sizes."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import metapixel
from measurement import Measurement
from process import Run, python, run
from quality import own, render
from setting import Setting

GRID = (60, 40)
ENLARGED = {"mid": (1_000, 500, 375), "large": (200, 4_000, 3_000)}
"""How many photos are made of the given ones, and their width and height in pixels."""
BAR = "<= 0.6"
JPEG_BAR = "<= 0.5"


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield the times of the given photos, of mid-sized and of large ones."""
    beside = metapixel.is_there(setting)
    folder = setting.scratch / "warm"
    folder.mkdir()
    target = metapixel.scaled(setting.photos.target, GRID, folder / "target.png")
    yield from _times(setting, target, setting.photos.tiles, "", beside=beside)
    for one in _times(setting, target, setting.photos.tiles, "jpeg_", beside=beside, suffix="jpg"):
        yield replace(one, key=one.key.replace("warm.jpeg_", "jpeg."), bar=one.bar and JPEG_BAR)
    for name, about in ENLARGED.items():
        photos = folder / name
        setting.console.print(f"warm: making {about[0]:,} photos of {about[1]} x {about[2]} …")
        run(python("enlarged.py", setting.photos.tiles, *(str(number) for number in about), photos), {})
        yield from _times(setting, target, photos, f"{name}_", beside=beside)
        shutil.rmtree(photos)


def _times(
    setting: Setting, target: Path, photos: Path, prefix: str, *, beside: bool, suffix: str = "png"
) -> Iterator[Measurement]:
    """Yield the times of both, in turn; the first round makes what the others find."""
    mosaic, beside_it = target.with_name(f"mosaic.{suffix}"), target.with_name("metapixel.png")
    library = metapixel.library(photos, target.with_name(f"{prefix}library")) if beside else None
    ours: list[Run] = []
    theirs: list[Run] = []
    for number in setting.rounds(f"warm, {photos.name}"):
        taken = run(render(target, photos, GRID[0], mosaic), own(setting))
        other = run(metapixel.command(library, target, beside_it, 0), {}) if library else None
        if number >= 0:
            ours.append(taken)
            theirs += [other] if other else []
    yield Measurement.median(f"render.warm.{prefix}seconds", [one.seconds for one in ours], "s")
    if theirs:
        yield Measurement.median(f"metapixel.warm.{prefix}seconds", [one.seconds for one in theirs], "s")
        ratios = [one.seconds / other.seconds for one, other in zip(ours, theirs, strict=True)]
        yield Measurement.median(f"render.warm.{prefix}ratio", ratios, "x", BAR)
