"""A whole service for a benchmark: `installation.py PHOTOS WHAT SCRATCH` prints its figures as JSON.

It runs in a process of its own, so that what it loads is not counted in what other sections measure.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests
from process import python

from cli.service import processes, redis_server
from models import database, migrations, queries
from models.rules.lifecycle import Lane
from models.services import open_services
from models.settings import Settings
from worker.tile_index.index import SIDE

SPEED_PHOTOS, SPEED_ROUNDS = 10_000, 5
MEMORY_PHOTOS = 100_000
POLL_SECONDS = 1.0
"""Seldom: where every core works, each question costs the workers time, and the row says when a job ended."""
PATIENCE = 1_800.0


class Service:
    """Redis, SQLite, a web server, a sweeper, and workers that may be pinned to a core."""

    def __init__(self, folder: Path, running: list[subprocess.Popen[bytes]], store: str | None = None) -> None:
        self._running = running
        self.port = 18_642
        self.address = f"http://127.0.0.1:{self.port}"
        url = database.sqlite_url(folder / "tessera.db")
        migrations.upgrade(url)
        self.settings = {
            "MODE": "embedded", "DATABASE_URL": url, "REDIS_URL": redis_server.url(folder),
            "STORE": store or f"file://{folder / 'store'}", "SECRET_KEY": "only for a benchmark, long enough",
            "MAX_PHOTOS": "200000",
        }  # fmt: skip
        self.start(redis_server.command(redis_server.find(), folder))
        self.web = self.start(processes.gunicorn(f"127.0.0.1:{self.port}", 1, 8))
        self.start(processes.sweeper())
        self.session = requests.Session()
        self.session.trust_env = False
        while not self._answers():
            time.sleep(0.1)

    def start(self, command: list[str], core: int | None = None) -> subprocess.Popen[bytes]:
        """Start a process of the service; on one core alone if one is named."""
        environment = os.environ | {f"TESSERA_{name}": value for name, value in self.settings.items()}
        if core is not None:
            command = ["taskset", "--cpu-list", str(core), *command]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._running.append(process)
        return process

    def worker(self, core: int | None = None, lane: Lane = Lane.INDEXING) -> subprocess.Popen[bytes]:
        """Start a worker with one child, and wait until it is there."""
        process = self.start(processes.lane_worker(lane, 1), core)
        while not psutil.Process(process.pid).children():
            time.sleep(0.1)
        time.sleep(1)
        return process

    def send(self, archive: Path) -> str:
        """Upload a zip; return the address of its tile set."""
        with archive.open("rb") as file:
            files = {"archive": ("photos.zip", file)}
            answer = self.session.post(f"{self.address}/api/v1/tile-sets", files=files, timeout=PATIENCE)
        answer.raise_for_status()
        return str(answer.json()["url"])

    def seconds(self, url: str) -> float:
        """Wait for a tile set; return how long its job took, from the claim to the end."""
        shown = self.final(url)
        services = open_services(Settings(**{name.lower(): value for name, value in self.settings.items()}))
        with services.reading() as session:
            job = queries.find_named(session, shown["id"]).job
        return (job.finished_at - job.started_at).total_seconds()

    def final(self, url: str) -> dict[str, Any]:
        """Wait for what the API shows at an address until its job has succeeded, and return it."""
        until = time.monotonic() + PATIENCE
        while not (shown := self.session.get(self.address + url, timeout=60).json())["job"]["final"]:
            if time.monotonic() > until:
                raise TimeoutError(url)
            time.sleep(POLL_SECONDS)
        if (shown["job"]["state"], shown["job"]["attempt"]) != ("succeeded", 1):
            raise RuntimeError(json.dumps(shown["job"]))
        return dict(shown)

    def _answers(self) -> bool:
        try:
            return self.session.get(f"{self.address}/livez", timeout=5).ok
        except requests.RequestException:
            return False


@contextmanager
def running(store: str | None = None) -> Iterator[Service]:
    """Lend a service, with a store at an address or in a folder of its own, and end all that it started."""
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="tessera-bench-", ignore_cleanup_errors=True) as folder:
        try:
            yield Service(Path(folder), started, store)
        finally:
            for process in reversed(started):
                process.terminate()
            for process in started:
                process.wait(30)


def zipped(photos: Path, out: Path, count: int) -> Path:
    """Write a zip of so many different files: the photos again and again, each with a few bytes behind its end."""
    files = [path.read_bytes() for path in sorted(photos.iterdir())]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            archive.writestr(f"{number:06}.jpg", files[number % len(files)] + number.to_bytes(4, "big"))
    return out


def speed(photos: Path, scratch: Path) -> dict[str, list[float]]:
    """Index the same photos by one worker on one core, and by two on two, in turns; the first turn only warms up.

    Each turn also decodes the bare photos on one core and on both, twice the work: what the machine itself gives.
    """
    archive = zipped(photos, scratch / "speed.zip", SPEED_PHOTOS)
    took: dict[str, list[float]] = {"one": [], "two": [], "bare_one": [], "bare_two": []}
    with running() as service:
        service.worker(core=0)
        for _ in range(1 + SPEED_ROUNDS):
            took["one"].append(service.seconds(service.send(archive)))
            took["bare_one"].append(_bare(photos, [0]))
            second = service.worker(core=1)
            took["two"].append(service.seconds(service.send(archive)))
            second.terminate()
            second.wait(30)
            took["bare_two"].append(_bare(photos, [0, 1]))
    return {what: seconds[1:] for what, seconds in took.items()}


def _bare(photos: Path, cores: list[int]) -> float:
    """Return the seconds until each of these cores has decoded all photos."""
    command = python("bare.py", photos, str(2 * SIDE))
    began = time.monotonic()
    running = [subprocess.Popen(["taskset", "--cpu-list", str(core), *command]) for core in cores]
    codes = [process.wait() for process in running]
    if any(codes):
        raise RuntimeError("The bare loop failed.")
    return time.monotonic() - began


def memory(photos: Path, scratch: Path) -> dict[str, float]:
    """Send a large zip; return how much the web process grows, and how large the workers become."""
    archive = zipped(photos, scratch / "memory.zip", MEMORY_PHOTOS)
    small = zipped(photos, scratch / "small.zip", 10)
    with running() as service:
        service.worker()
        # What the first request of all loads is not the zip's.
        service.seconds(service.send(small))
        web = psutil.Process(service.web.pid).children()[0]
        before = web.memory_info().rss
        Path(f"/proc/{web.pid}/clear_refs").write_text("5")
        url = service.send(archive)
        extra = _peak(web) - before
        workers = _peaks_until_done(service, url)
    return {"web_extra_mb": extra / 1e6, "worker_peak_mb": workers / 1e6}


def _peak(process: psutil.Process) -> int:
    """Return the largest resident memory since it was last asked to forget. Source: proc(5), VmHWM and clear_refs."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def _peaks_until_done(service: Service, url: str) -> int:
    most = 0
    while not service.session.get(service.address + url, timeout=60).json()["job"]["final"]:
        for process in psutil.Process().children(recursive=True):
            try:
                if "worker.app" in " ".join(process.cmdline()):
                    most = max(most, _peak(process))
            except (psutil.Error, OSError, StopIteration):
                continue
        time.sleep(0.5)
    service.seconds(url)
    return most


if __name__ == "__main__":
    given, what, where = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    print(json.dumps({"speed": speed, "memory": memory}[what](given, where)))
