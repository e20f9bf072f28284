"""`tessera index` on 2,220 photos: against the bare decode loop and an article's indexing; again; with ten more."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from measurement import Measurement
from process import Failed, Run, python, run
from rendering import ratio, tessera
from setting import Setting

ARTICLE_RUNS = 3
ADDED = 10


@dataclass
class Rounds:
    """What each process took, round by round."""

    bare: list[Run] = field(default_factory=list)
    first: list[Run] = field(default_factory=list)
    again: list[Run] = field(default_factory=list)
    article: list[Run] = field(default_factory=list)


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield what a first run, one again and one after ten more photos took."""
    rounds = Rounds()
    for number in setting.rounds("indexing"):
        counted = rounds if number >= 0 else Rounds()
        _round(setting, counted, with_article=0 <= number < ARTICLE_RUNS)
    with setting.console.status(f"indexing: {ADDED} more photos"):
        opened = _opened_after_adding(setting)
    for name, runs in (("bare", rounds.bare), ("first", rounds.first), ("again", rounds.again)):
        yield Measurement.median(f"index.{name}.seconds", [one.seconds for one in runs], "s")
    yield Measurement.worst("index.first.peak_mb", [one.peak_mb for one in rounds.first], "MB")
    yield ratio("index.local.ratio", rounds.first, rounds.bare, "<= 1.25")
    yield ratio("index.vs_article.speedup", rounds.article, rounds.first, ">= 3")
    yield ratio("index.again.ratio", rounds.again, rounds.first, "<= 0.08")
    yield Measurement("index.add10.opened", opened, "photos", f"== {ADDED}")


def _round(setting: Setting, rounds: Rounds, *, with_article: bool) -> None:
    """Run each process once, with a cache folder that is new."""
    tiles = setting.photos.tiles
    with tempfile.TemporaryDirectory(dir=setting.scratch) as name:
        own = {"XDG_CACHE_HOME": name, "PYTHONPYCACHEPREFIX": str(setting.scratch / "bytecode")}
        rounds.bare.append(run(python("bare.py", tiles, str(setting.index_side)), own))
        rounds.first.append(run([tessera(), "index", tiles], own))
        if not any(Path(name).rglob("*.safetensors")):
            raise Failed("The first run left no index in XDG_CACHE_HOME, so there is no second to measure.")
        rounds.again.append(run([tessera(), "index", tiles], own))
        if with_article:
            rounds.article.append(run(python("article_index.py", tiles, Path(name, "means.json")), own))


def _opened_after_adding(setting: Setting) -> int:
    """Return how many photos are opened after ten have come to those that are indexed."""
    folder, report = setting.scratch / "growing", setting.scratch / "growing.json"
    own = {"XDG_CACHE_HOME": str(setting.scratch / "growing-cache")}
    paths = sorted(path for path in setting.photos.tiles.iterdir() if path.is_file())
    shutil.copytree(setting.photos.tiles, folder, copy_function=shutil.copy)
    run([tessera(), "index", folder], own)
    for number, path in enumerate(paths[:ADDED]):
        # A comment at the end of the file: another photo, as far as an index can know.
        (folder / f"added-{number}.jpg").write_bytes(path.read_bytes() + b"\xff\xfe\0\6more")
    run([tessera(), "index", folder, "--report", report], own)
    shutil.rmtree(folder)
    return int(json.loads(report.read_text())["opened"])
