"""`tessera render` of a gigapixel in each large format, and of sixteen: memory, time, and room on the disk."""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from measurement import Measurement
from process import Failed, python
from rendering import tessera
from setting import Setting

EVERY = 0.05
"""Seconds between two looks at a process and at the disk."""
FORMATS = {"jpeg": "jpg", "tiff": "tif", "pyramid_tiff": "ptif", "pyramid": "szi"}
BARS = {"jpeg": "<= 300", "tiff": "<= 400", "pyramid": "<= 400"}
GIGA = 400, 100
"""Cells across, and pixels of a tile, of 40,000 x 25,000 pixels from a target of 8:5."""
LARGE = 1_250, 128
LARGE_SMALL = 1_250, 32
"""The same cells at 16 gigapixels and at one; 1,000 cells across are the most, so a cell's size is given."""
LARGE_GB = 40
"""Room that sixteen gigapixels need: up to 2.2 bytes a pixel as a deflated TIFF, and the tiles."""
TARGET_WIDTH = 5_000


@dataclass(frozen=True)
class Watched:
    """A process: seconds, megabytes of memory that no file backs (anonymous and shared), and of room on the disk."""

    seconds: float
    peak_mb: float
    room_mb: float
    file_mb: float


def measure(setting: Setting) -> Iterator[Measurement]:
    """Yield the peaks, the time over libvips alone, and the temporary room over the file."""
    picture = target(setting)
    made: dict[str, Watched] = {}
    for form, suffix in FORMATS.items():
        with setting.console.status(f"giga: {form}"):
            out = setting.scratch / f"giga.{suffix}"
            made[form] = _rendered(setting, picture, out, GIGA)
        yield Measurement(f"giga.{form}.peak_mb", made[form].peak_mb, "MB", BARS.get(form, ""))
        yield Measurement(f"giga.{form}.seconds", made[form].seconds, "s")
        if form == "jpeg":
            yield Measurement("giga.jpeg.ratio", made[form].seconds / _alone(setting, out), "x", "<= 1.4")
        spare = max(0.0, made[form].room_mb - made[form].file_mb) / made[form].file_mb
        yield Measurement(f"giga.{form}.disk_ratio", spare, "x", "<= 0.2" if form in BARS else "")
        out.unlink()


def measure_large(setting: Setting) -> Iterator[Measurement]:
    """Yield the peaks of the same cells at a gigapixel and at sixteen; nothing where the disk is too small."""
    if (free := shutil.disk_usage(setting.scratch).free / 1e9) < LARGE_GB:
        setting.console.print(
            f"large: sixteen gigapixels need some {LARGE_GB} GB in {setting.scratch.parent}, where {free:.0f} GB "
            "are free; free some, or set TMPDIR to another disk."
        )
        return
    picture, peaks = target(setting), []
    for name, cut in (("small", LARGE_SMALL), ("large", LARGE)):
        with setting.console.status(f"giga: {name}"):
            out = setting.scratch / "large.tif"
            taken = _rendered(setting, picture, out, cut)
            out.unlink()
        peaks.append(taken.peak_mb)
        yield Measurement(f"{name}.seconds", taken.seconds, "s")
        yield Measurement(f"{name}.peak_mb", taken.peak_mb, "MB")
    yield Measurement("large.peak_ratio", peaks[1] / peaks[0], "x", "<= 1.15")


def target(setting: Setting) -> Path:
    """Return a target of 5,000 x 3,125 pixels, which is made if no other section has."""
    path = setting.scratch / "target.png"
    if not path.exists():
        subprocess.run(python("giga_pixels.py", "target", setting.photos.target, path), check=True)
    return path


def _rendered(setting: Setting, target: Path, out: Path, cut: tuple[int, int]) -> Watched:
    """Render, and watch."""
    cells, side = cut
    sized = ["--cell-size", f"{TARGET_WIDTH // cells}x{TARGET_WIDTH // cells}"] if TARGET_WIDTH % cells == 0 else []
    words = [*(sized or ["--cells", str(cells)]), "--tile-size", str(side), "--tile-cache", "0", "--out", str(out)]
    command = [tessera(), "render", str(target), "--tiles", str(setting.photos.tiles), *words, "--quiet"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    peaks = [0.0, 0.0]

    def look() -> None:
        while process.poll() is None:
            peaks[0] = max(peaks[0], _memory(process.pid))
            peaks[1] = max(peaks[1], _room(process.pid, setting.scratch))
            time.sleep(EVERY)

    watching = threading.Thread(target=look)
    watching.start()
    code = process.wait()
    seconds = time.perf_counter() - began
    watching.join()
    if code:
        raise Failed(f"{command} ended with {code}")
    return Watched(seconds, peaks[0], peaks[1], out.stat().st_size / 1e6)


def _memory(pid: int) -> float:
    """Return the resident memory of a process that no file backs, in megabytes. Source: proc_pid_status(5)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))]
    return sum(found) * 1_024 / 1e6


def _room(pid: int, folder: Path) -> float:
    """Return the room on the disk of a process's open files without a name, and of those in a folder, in megabytes.

    Source:
        proc_pid_fd(5); stat(3type): blocks have 512 bytes.
    """
    found: dict[tuple[int, int], int] = {}
    with suppress(OSError):
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                about = opened.stat()
                if about.st_nlink == 0 or opened.readlink().is_relative_to(folder):
                    found[about.st_dev, about.st_ino] = about.st_blocks
    return sum(found.values()) * 512 / 1e6


def _alone(setting: Setting, picture: Path) -> float:
    """Return how long libvips alone takes to write the pixels of a JPEG from a plain file of them."""
    plain, again = setting.scratch / "plain.tif", setting.scratch / "again.jpg"
    subprocess.run(python("giga_pixels.py", "plain", picture, plain), check=True)
    said = subprocess.run(python("giga_pixels.py", "jpeg", plain, again), check=True, capture_output=True, text=True)
    plain.unlink()
    again.unlink()
    return float(said.stdout)
