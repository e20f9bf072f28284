"""How long an ordinary page takes while two hundred pages wait for unfinished work."""

import json
import subprocess
from collections.abc import Iterator
from statistics import quantiles

import giga
from measurement import Measurement
from process import Failed, python
from setting import Setting


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield the 95th percentiles, and what the streams of events cost."""
    with setting.console.status("waiting: two hundred pages that wait"):
        command = python("watchers.py", giga.target(setting), setting.scratch)
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Failed(f"waiting: {ended.stderr}")
    found = json.loads(ended.stdout)
    for how, bar in (("alone", ""), ("events", "<= 300"), ("asking", "")):
        yield Measurement(f"waiting.{how}.page_ms", quantiles(found[how], n=20)[-1], "ms", bar)
    yield Measurement("waiting.events.open", found["events_open"], "", "== 200")
    yield Measurement("waiting.events.cores", found["events_cpu"], "")
