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
    with setting.console.status("") as status:
        status.update("rendering: a round to warm up")
        _round(setting, Rounds(), with_article=False)
        for number in range(setting.runs):
            status.update(f"rendering: round {number + 1} of {setting.runs}")
            _round(setting, rounds, with_article=number < ARTICLE_RUNS)
    yield from _taken(rounds)
    yield from _compared(rounds)
    yield from _written(rounds)


def _round(setting: Setting, rounds: Rounds, *, with_article: bool) -> None:
    """Run each process once, with a cache folder that is new, and compiled Python that the first round left."""
    photos = setting.photos
    with tempfile.TemporaryDirectory(dir=setting.scratch) as name:
        folder = Path(name)
        own = {"XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPYCACHEPREFIX": str(setting.scratch / "bytecode")}
        wish = (str(CELLS_ACROSS), str(TILE_SIZE), folder / "article.png")
        rounds.bare.append(run(python("bare.py", photos.tiles, str(setting.index_side)), own))
        rounds.bare32.append(run(python("bare.py", photos.tiles, str(SMALL_SIDE)), own))
        rounds.first.append(_render(photos, folder / "first.png", rounds, own))
        if not any((folder / "cache").rglob("*.safetensors")):
            raise Failed("The first render left no index in XDG_CACHE_HOME, so there is no second to measure.")
        rounds.second.append(_render(photos, folder / "second.png", rounds, own))
        if with_article:
            rounds.article.append(run(python("article.py", photos.target, photos.tiles, *wish), own))


def _render(photos: Photos, out: Path, rounds: Rounds, own: dict[str, str]) -> Run:
    """Render, and note what was written."""
    wish = ("--cells", str(CELLS_ACROSS), "--tile-size", str(TILE_SIZE), "--out", out)
    taken = run([tessera(), "render", photos.target, "--tiles", photos.tiles, *wish], own)
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
    bare, first, second, article = (
        _seconds(runs) for runs in (rounds.bare, rounds.first, rounds.second, rounds.article)
    )
    yield Measurement.median("render.first.ratio", _ratios(first, bare), "x", "<= 2.5")
    yield Measurement.median("render.second.ratio", _ratios(second, first), "x", "<= 0.5")
    yield Measurement.median("render.first.vs_article", _ratios(article, first), "x")
    yield Measurement.median("render.second.vs_article", _ratios(article, second), "x")
    bare, first, second = ([one.cpu_seconds for one in runs] for runs in (rounds.bare, rounds.first, rounds.second))
    yield Measurement.median("render.first.cpu_ratio", _ratios(first, bare), "x")
    yield Measurement.median("render.second.cpu_ratio", _ratios(second, first), "x")


def _written(rounds: Rounds) -> Iterator[Measurement]:
    """Yield whether every render wrote the size that was asked for, and the same bytes."""
    yield Measurement("render.output.wrong_sizes", len(rounds.sizes - {MOSAIC_SIZE}), "", "== 0")
    yield Measurement("render.output.distinct", len(rounds.contents), "", "== 1")


def _seconds(runs: list[Run]) -> list[float]:
    return [one.seconds for one in runs]


def _ratios(times: list[float], others: list[float]) -> list[float]:
    """Return ratios round by round, over the rounds that have both."""
    return [time / other for time, other in zip(times, others, strict=False)]
