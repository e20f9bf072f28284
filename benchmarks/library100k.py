"""`tessera index` on 100,000 small photos, once: how much memory and room on the disk it takes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from measurement import Measurement
from process import python, run
from rendering import tessera
from setting import Setting

COUNT = 100_000
MOST_MB = "<= 500"


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield what a first run, one again and one that looks for near-duplicates took."""
    folder, cache = setting.scratch / "small", setting.scratch / "small-cache"
    own = {"XDG_CACHE_HOME": str(cache)}
    folder.mkdir()
    with setting.console.status("") as status:
        status.update(f"library100k: making {COUNT:,} small photos")
        run(python("small_photos.py", setting.photos.tiles, str(COUNT), folder), {})
        status.update(f"library100k: indexing {COUNT:,} photos")
        first = run([tessera(), "index", folder], own)
        kept_bytes = _bytes_below(cache)
        again = run([tessera(), "index", folder], own)
        status.update(f"library100k: looking for near-duplicates among {COUNT:,} photos")
        dedupe = run([tessera(), "index", folder, "--dedupe"], own)
    shutil.rmtree(folder)
    shutil.rmtree(cache)
    yield Measurement("index.100k.seconds", first.seconds, "s")
    yield Measurement("index.100k.again.seconds", again.seconds, "s")
    yield Measurement("index.100k.dedupe.seconds", dedupe.seconds, "s")
    yield Measurement("index.100k.peak_mb", first.peak_mb, "MB", MOST_MB)
    yield Measurement("index.100k.dedupe.peak_mb", dedupe.peak_mb, "MB", MOST_MB)
    yield Measurement("index.100k.bytes_per_tile", kept_bytes / COUNT, "B", "<= 4200")


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
