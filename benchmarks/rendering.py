"""`tessera render` on 2,220 photos, against the least work and against an article's method."""

import shutil
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from measurement import Measurement
from photographs import Photos
from process import Failed, Run, python, run
from setting import Setting

CELLS_ACROSS = 60
TILE_SIZE = 50
MOSAIC_SIZE = (3000, 2000)
SMALL_SIDE = 32
ARTICLE_RUNS = 3
PNG_SIZE = slice(16, 24)
"""Where width and height stand in a PNG file. Source: W3C, Portable Network Graphics (Third Edition), 11.2.1."""


@dataclass
class Rounds:
    """What each process took, round by round, and what the renders wrote."""

    bare: list[Run] = field(default_factory=list)
    bare32: list[Run] = field(default_factory=list)
    first: list[Run] = field(default_factory=list)
    second: list[Run] = field(default_factory=list)
    article: list[Run] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)
    contents: set[bytes] = field(default_factory=set)


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield what the decoding, the article's method, a first and a second render took."""
    rounds = Rounds()
    for number in setting.rounds("rendering"):
        counted = rounds if number >= 0 else Rounds()
        _round(setting, counted, with_article=0 <= number < ARTICLE_RUNS)
    yield from _taken(rounds)
    yield from _compared(rounds)
    yield from _written(rounds)


def _round(setting: Setting, rounds: Rounds, *, with_article: bool) -> None:
    """Run each process once, with a cache folder that is new, and compiled Python that the first round left."""
    photos = setting.photos
    with tempfile.TemporaryDirectory(dir=setting.scratch) as name:
        folder = Path(name)
        own = {"XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPYCACHEPREFIX": str(setting.scratch / "bytecode")}
        order = (str(CELLS_ACROSS), str(TILE_SIZE), folder / "article.png")
        rounds.bare.append(run(python("bare.py", photos.tiles, str(setting.index_side)), own))
        rounds.bare32.append(run(python("bare.py", photos.tiles, str(SMALL_SIDE)), own))
        rounds.first.append(_render(photos, folder / "first.png", rounds, own))
        if not any((folder / "cache").rglob("*.safetensors")):
            raise Failed("The first render left no index in XDG_CACHE_HOME, so there is no second to measure.")
        rounds.second.append(_render(photos, folder / "second.png", rounds, own))
        if with_article:
            rounds.article.append(run(python("article.py", photos.target, photos.tiles, *order), own))


def _render(photos: Photos, out: Path, rounds: Rounds, own: dict[str, str]) -> Run:
    """Render, and note what was written."""
    order = ("--cells", str(CELLS_ACROSS), "--tile-size", str(TILE_SIZE), "--out", out)
    taken = run([tessera(), "render", photos.target, "--tiles", photos.tiles, *order], own)
    written = out.read_bytes()
    width, height = (int.from_bytes(written[PNG_SIZE][at : at + 4]) for at in (0, 4))
    rounds.sizes.add((width, height))
    rounds.contents.add(sha256(written).digest())
    return taken


def tessera() -> str:
    """Return where the command of this environment lies."""
    command = shutil.which("tessera", path=sysconfig.get_path("scripts"))
    if command is None:
        raise Failed("There is no `tessera` command beside this Python; `make bench` sets one up.")
    return command


def _taken(rounds: Rounds) -> Iterator[Measurement]:
    yield Measurement.median("decode.bare.seconds", _seconds(rounds.bare), "s")
    yield Measurement.median("decode.bare32.seconds", _seconds(rounds.bare32), "s")
    yield Measurement.median("article.seconds", _seconds(rounds.article), "s")
    for name, runs in (("first", rounds.first), ("second", rounds.second)):
        yield Measurement.median(f"render.{name}.seconds", _seconds(runs), "s")
        yield Measurement.worst(f"render.{name}.peak_mb", [one.peak_mb for one in runs], "MB", "< 250")


def _compared(rounds: Rounds) -> Iterator[Measurement]:
    """Yield ratios, each of two processes of the same round."""
    yield ratio("render.first.ratio", rounds.first, rounds.bare, "<= 2.0")
    yield ratio("render.second.ratio", rounds.second, rounds.first, "<= 0.45")
    yield ratio("render.first.vs_article", rounds.article, rounds.first)
    yield ratio("render.second.vs_article", rounds.article, rounds.second)
    yield ratio("render.first.cpu_ratio", rounds.first, rounds.bare, of="cpu_seconds")
    yield ratio("render.second.cpu_ratio", rounds.second, rounds.first, of="cpu_seconds")


def _written(rounds: Rounds) -> Iterator[Measurement]:
    """Yield whether every render wrote the size that was asked for, and the same bytes."""
    yield Measurement("render.output.wrong_sizes", len(rounds.sizes - {MOSAIC_SIZE}), "", "== 0")
    yield Measurement("render.output.distinct", len(rounds.contents), "", "== 1")


def _seconds(runs: list[Run]) -> list[float]:
    return [one.seconds for one in runs]


def ratio(key: str, runs: list[Run], others: list[Run], bar: str = "", of: str = "seconds") -> Measurement:
    """Return the ratio of two processes of the same round, over the rounds that have both."""
    samples = [getattr(one, of) / getattr(other, of) for one, other in zip(runs, others, strict=False)]
    return Measurement.median(key, samples, "x", bar)
