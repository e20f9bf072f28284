"""How long a viewer waits for a tile of a zoom pyramid, with the store in a folder and on S3."""

import json
import subprocess
from collections.abc import Iterator
from statistics import quantiles

import giga
from measurement import Measurement
from process import Failed, python
from setting import Setting

BARS = {"folder": "<= 50", "s3": "<= 150"}
"""Milliseconds."""


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield the 95th percentile of the time that a tile takes."""
    with setting.console.status("zoom: twenty viewers of a gigapixel"):
        command = python("viewers.py", setting.photos.tiles, giga.target(setting), setting.scratch)
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Failed(f"zoom: {ended.stderr}")
    for store, took in json.loads(ended.stdout).items():
        yield Measurement(f"zoom.{store}.tile_ms", quantiles(took, n=20)[-1], "ms", BARS[store])
        yield Measurement(f"zoom.{store}.tiles", len(took), "")
