"""metapixel, the program that Tessera is measured beside; Debian's package is `metapixel`."""

import shutil
from pathlib import Path

from process import python, run
from setting import Setting

TILE = 50
CELL = 10
"""Pixels a side of a cell in the picture that it is given, which it enlarges by whole numbers only."""
ABSENT = "metapixel is not installed: nothing is compared with it (Debian: metapixel)."


def is_there(setting: Setting) -> bool:
    """Return whether it is installed, and say so when it is not."""
    there = shutil.which("metapixel") is not None
    if not there:
        setting.console.print(ABSENT)
    return there


def library(photos: Path, out: Path) -> Path:
    """Prepare its library of a folder of photos."""
    out.mkdir(parents=True)
    run(["metapixel-prepare", photos, out, f"--width={TILE}", f"--height={TILE}"], {})
    return out


def scaled(target: Path, grid: tuple[int, int], out: Path) -> Path:
    """Write the target in the size at which its mosaic has these cells."""
    if not out.exists():
        out.parent.mkdir(exist_ok=True)
        run(python("scale.py", target, *(str(CELL * count) for count in grid), out), {})
    return out


def command(of_library: Path, target: Path, out: Path, distance: int) -> list[str | Path]:
    """Return the command that makes a mosaic of a scaled target."""
    tile = (f"--width={TILE}", f"--height={TILE}", f"--scale={TILE // CELL}")
    return ["metapixel", "--metapixel", "--library", of_library, *tile, f"--distance={distance}", target, out]
