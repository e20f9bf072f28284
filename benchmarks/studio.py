"""How long a newcomer's first mosaic takes by the pages, and the preview on the order page."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from measurement import Measurement
from process import Failed, python
from setting import Setting


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield what a newcomer and what the order page waits for, and how much there is to do."""
    first = [_printed("first_mosaic.py", "1000") for _ in setting.rounds("studio")][1:]
    yield Measurement("studio.first.actions", first[0]["actions"], "", "<= 5")
    yield Measurement.median("studio.first.seconds", [run["seen"] for run in first], "s", "<= 25")
    with setting.console.status("studio: previews"):
        preview = _printed("sketches.py", "2000")
    yield Measurement("studio.preview.p50", preview["p50"], "s")
    yield Measurement("studio.preview.p95", preview["p95"], "s", "<= 1")


def _printed(script: str, *arguments: str) -> dict[str, Any]:
    """Return what a script of this folder prints as JSON."""
    ended = subprocess.run(python(script, *arguments), capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Failed(f"studio: {ended.stderr}")
    return dict(json.loads(ended.stdout))
