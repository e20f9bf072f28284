"""Searches and assignments on many cells and tiles, each task in a process of its own."""

import json
from collections.abc import Iterator
from typing import Any

from measurement import Measurement
from process import Run, python, run
from quality import own
from setting import Setting

MEMORY_RUNS = 1


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield how much quicker than brute force the searches are, and how near the optimum the assignments."""
    yield from _pixels(setting)
    reported, _ = _task(setting, "means", setting.runs)
    yield Measurement.median("match.mean.seconds", reported["ours"], "s")
    yield Measurement.median("match.mean.speedup", reported["ratios"], "x", ">= 50")
    yield Measurement.median("match.mean.speedup_tuned", reported["tuned"], "x")
    yield Measurement("match.mean.worse", reported["worse"], "cells", "== 0")
    yield from _defaults(setting)
    yield from _assignments(setting)


def _pixels(setting: Setting) -> Iterator[Measurement]:
    _task(setting, "inputs", 1)
    reported, _ = _task(setting, "pixels", max(1, setting.runs // 2))
    yield Measurement("match.pixels.identical", int(reported["worse"] == 0), "", "== 1")
    yield Measurement.median("match.pixels.seconds", reported["ours"], "s")
    yield Measurement.median("match.pixels.speedup", reported["ratios"], "x", ">= 5")
    (_, alone), (_, searched) = (_task(setting, name, MEMORY_RUNS) for name in ("load", "search"))
    yield Measurement("match.pixels.extra_mb", searched.peak_mb - alone.peak_mb, "MB", "<= 400")


def _defaults(setting: Setting) -> Iterator[Measurement]:
    reported, _ = _task(setting, "default", setting.runs)
    yield Measurement.median("match.default.seconds", reported["ours"], "s")
    yield Measurement.median("match.default.ratio", reported["ratios"], "x", "<= 3")
    reported, taken = _task(setting, "default_large", 1)
    yield Measurement.median("match.default.large.seconds", reported["ours"], "s")
    yield Measurement.median("match.default.large.ratio", reported["ratios"], "x")
    yield Measurement("match.default.large.peak_mb", taken.peak_mb, "MB")


def _assignments(setting: Setting) -> Iterator[Measurement]:
    reported, _ = _task(setting, "assignment", 1)
    yield Measurement("assign.no_repeats.excess", reported["excess"], "", "<= 0.01")
    yield Measurement("assign.no_repeats.most_uses", reported["uses"], "", "== 1")
    yield Measurement("assign.no_repeats.seconds", reported["ours"], "s")
    yield Measurement("assign.no_repeats.speedup", reported["dense"] / reported["ours"], "x", ">= 5")
    for key, task, in_time, in_memory in (
        ("assign.far_apart", "far_apart", "< 5", "< 500"),
        ("assign.large", "large", "", "< 3000"),
        ("assign.large.apart", "spread_out", "", "< 3000"),
    ):
        reported, taken = _task(setting, task, 1)
        yield Measurement(f"{key}.seconds", reported["seconds"], "s", in_time)
        yield Measurement(f"{key}.above_bound", reported["gap"], "")
        yield Measurement(f"{key}.peak_mb", taken.peak_mb, "MB", in_memory)


def _task(setting: Setting, name: str, rounds: int) -> tuple[dict[str, Any], Run]:
    """Run one task of searches.py; return what it reported and what it took."""
    setting.console.print(f"matching: {name} …")
    out = setting.scratch / f"{name}.json"
    photos = setting.photos
    taken = run(python("searches.py", name, photos.tiles, photos.target.parent, str(rounds), out), own(setting))
    return json.loads(out.read_text()), taken
