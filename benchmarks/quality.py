"""How near mosaics come to their targets and how regular they are: 7 targets x 4 tile sets, metapixel beside them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import metapixel
from measurement import Measurement
from nearness import Scores, beats, gains, share
from process import python, run
from rendering import tessera
from setting import Setting

SAMPLES = (300, 700, 1_500)
"""Photos of the seeded samples, which are cut to three shapes; beside them all photos as they are."""
OURS = {
    "free": ("--min-distance", "0", "--spread", "0", "--tint", "0"),
    "apart": ("--min-distance", "5", "--spread", "0", "--tint", "0"),
    "default": ("--tint", "0"),
}
"""The orders that are measured, by what they differ from the default in."""
THEIRS = {"metapixel0": 0, "metapixel5": 5}
"""metapixel's orders, by their `--distance`."""
SHOWN = {"psnr1": ".2f", "de00": ".2f", "ssim4": ".3f", "far": ".2f"}


@dataclass(frozen=True)
class Pictures:
    """The targets, cropped to whole cells.

    Attributes:
        paths: One PNG a target, by name.
        grids: A JSON file with the columns and rows of each.
    """

    paths: list[Path]
    grids: Path

    def grid(self, target: Path) -> tuple[int, int]:
        """Return the columns and rows of a target."""
        columns, rows = json.loads(self.grids.read_text())[target.stem]
        return columns, rows


Pair = dict[str, Scores]
"""The scores of one target's mosaics of one tile set, by order; and `placed`, how regular the default's is."""


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield how often ours is nearer than metapixel's, what it gains on the first edition, and how regular it is."""
    pictures = _targets(setting)
    beside = metapixel.is_there(setting)
    pairs = [
        pair
        for name, photos in _tile_sets(setting).items()
        for pair in _pairs(setting, pictures, name, photos, beside=beside)
    ]
    if beside:
        yield from wins(pairs)
    yield from gained(pairs)
    yield from regular(pairs)


def wins(pairs: list[Pair]) -> Iterator[Measurement]:
    """Yield how many pairs ours wins against metapixel's, by all three measures at once."""
    every = f"== {len(pairs)}"
    for key, ours, theirs, bar in (
        ("wins.free", "free", "metapixel0", every),
        ("wins.apart", "apart", "metapixel5", every),
        ("default.wins.apart", "default", "metapixel5", every),
        ("default.wins.free", "default", "metapixel0", f">= {len(pairs) / 2:g}"),
    ):
        won = tuple(int(beats(pair[ours], pair[theirs])) for pair in pairs)
        yield Measurement(f"quality.{key}", sum(won), f"of {len(pairs)}", bar, won)


def gained(pairs: list[Pair]) -> Iterator[Measurement]:
    """Yield how much nearer ours is than the free choice of the first edition."""
    frozen, free, default = ([pair[name] for pair in pairs] for name in ("frozen", "free", "default"))
    yield _mean("quality.gain.psnr1", gains(free, frozen, "psnr1"), "dB", ">= 1.0")
    yield Measurement("quality.gain.de00", share(free, frozen, "de00") - 1, "", "<= -0.08")
    yield _mean("quality.gain.ssim4", gains(free, frozen, "ssim4"), "", ">= 0.05")
    yield Measurement("quality.far.free", share(free, frozen, "far"), "x", "<= 0.72")
    yield Measurement("quality.far.default", share(default, frozen, "far"), "x", "<= 0.8")
    yield _mean("quality.default.cost", gains(default, frozen, "psnr_blur"), "dB", ">= 0")


def regular(pairs: list[Pair]) -> Iterator[Measurement]:
    """Yield how regular the default's placements are."""
    placed = [pair["placed"] for pair in pairs]
    for what, unit, bar in (
        ("equal_neighbours", "", "<= 0.005"),
        ("lattice", "", "<= 0.08"),
        ("most_uses", "x", ""),
    ):
        yield _mean(f"quality.default.{what}", [one[what] for one in placed], unit, bar)


def _mean(key: str, samples: list[float], unit: str, bar: str) -> Measurement:
    return Measurement(key, mean(samples), unit, bar, tuple(samples))


def _targets(setting: Setting) -> Pictures:
    folder = setting.scratch / "quality" / "targets"
    folder.mkdir(parents=True)
    pictures = sorted(path for path in setting.photos.target.parent.iterdir() if path.is_file())
    run(python("targets.py", folder, *pictures), {})
    return Pictures([folder / f"{path.stem}.png" for path in pictures], folder / "grids.json")


def _tile_sets(setting: Setting) -> dict[str, Path]:
    """Return the folders of photos, by name."""
    sets = {"all": setting.photos.tiles}
    for count in SAMPLES:
        setting.console.print(f"quality: a sample of {count:,} photos …")
        sets[str(count)] = setting.scratch / "quality" / f"sample{count}"
        run(python("tile_samples.py", setting.photos.tiles, str(count), sets[str(count)]), {})
    return sets


def _pairs(setting: Setting, pictures: Pictures, name: str, photos: Path, *, beside: bool) -> Iterator[Pair]:
    """Yield the scores of every target's mosaics of one tile set."""
    folder = setting.scratch / "quality" / name
    for order in ("frozen", *OURS, *(THEIRS if beside else ())):
        (folder / order).mkdir(parents=True)
    setting.console.print(f"quality: {name} photos …")
    frozen = python("frozen.py", photos, str(metapixel.TILE), folder / "frozen", pictures.grids, *pictures.paths)
    run(frozen, {})
    out = folder / "placed.json"
    run(python("placements.py", photos, out, pictures.grids, *pictures.paths), own(setting))
    placed = json.loads(out.read_text())
    library = metapixel.library(photos, folder / "library") if beside else None
    for target in pictures.paths:
        scores = _scores(setting, pictures.grid(target), target, photos, library, folder)
        setting.console.print(f"quality: {name} photos, {target.stem}: {_line(scores)}", markup=False, soft_wrap=True)
        yield scores | {"placed": placed[target.stem]}


def _scores(
    setting: Setting, grid: tuple[int, int], target: Path, photos: Path, library: Path | None, folder: Path
) -> Pair:
    """Make one target's mosaics; return their scores by order. The mosaics are removed: they take 10 MB each."""
    mosaics = {"frozen": folder / "frozen" / target.name}
    for order, words in OURS.items():
        mosaics[order] = folder / order / target.name
        run([*render(target, photos, grid[0], mosaics[order]), *words], own(setting))
    if library is not None:
        scaled = metapixel.scaled(target, grid, target.parent / "scaled" / target.name)
        for order, distance in THEIRS.items():
            mosaics[order] = folder / order / target.name
            run(metapixel.command(library, scaled, mosaics[order], distance), {})
    out = folder / f"{target.stem}.json"
    run(python("score.py", target, *(str(count) for count in grid), out, *mosaics.values()), {})
    for mosaic in mosaics.values():
        mosaic.unlink()
    return dict(zip(mosaics, json.loads(out.read_text()), strict=True))


def render(target: Path, photos: Path, columns: int, out: Path) -> list[str | Path]:
    """Return the command that makes a mosaic by the default order."""
    order = ("--cells", str(columns), "--tile-size", str(metapixel.TILE), "--out", out)
    return [tessera(), "render", target, "--tiles", photos, *order]


def own(setting: Setting) -> dict[str, str]:
    """Return the variables that keep a cache for these sections, and the bytecode of the others."""
    scratch = setting.scratch
    return {"XDG_CACHE_HOME": str(scratch / "quality-cache"), "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}


def _line(scores: Pair) -> str:
    """Return the scores as a line for people."""
    return "; ".join(
        f"{order} {' / '.join(format(one[what], form) for what, form in SHOWN.items())}"
        for order, one in scores.items()
    )
