"""Indexing through the queue: two workers against one, and the memory that 100,000 photos in a zip cost."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from measurement import Measurement
from process import Failed, python
from setting import Setting


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield how much faster two workers are than one, on a core each, and how much two cores give a bare loop."""
    with setting.console.status("service: 10,000 photos by one worker and by two, in turns"):
        took = _run(setting, "speed")
    yield Measurement.median("index.one_worker.seconds", took["one"], "s")
    yield Measurement.median("index.two_workers.seconds", took["two"], "s")
    ratios = [one / two for one, two in zip(took["one"], took["two"], strict=True)]
    yield Measurement.median("index.two_workers.speedup", ratios, "x", ">= 1.7")
    ceilings = [2 * one / two for one, two in zip(took["bare_one"], took["bare_two"], strict=True)]
    yield Measurement.median("machine.two_cores.speedup", ceilings, "x")


def measure_memory(setting: Setting) -> Iterator[Measurement]:
    """Yield what a zip of 100,000 photos costs the web process, and the worker that indexes it."""
    with setting.console.status("service: a zip of 100,000 photos"):
        took = _run(setting, "memory")
    yield Measurement("zip.100k.peak_mb", took["web_extra_mb"], "MB", "<= 100")
    yield Measurement("zip.100k.worker_peak_mb", took["worker_peak_mb"], "MB")


def _run(setting: Setting, what: str) -> Any:
    command = python("installation.py", setting.photos.tiles, what, setting.scratch)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Failed(f"{what}: {ended.stderr}")
    return json.loads(ended.stdout)
