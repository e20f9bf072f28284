"""The fault suite: a whole service that is killed and starved, and the table of what was seen."""

import contextlib
import io
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psutil
import pytest
import requests
from PIL import Image
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from cli.service import processes
from models import database, queue
from models.rules.lifecycle import Doorbell, JobState, Lane
from models.services import Services
from models.tables import AttemptRecord, Job, Mosaic

SHORT = {"cells_across": "12", "tile_size": "8"}
LONG = {"cells_across": "450", "tile_size": "8", "fit": "resize"}
"""135,000 cells: a second or two of work, in which a fault can strike."""
LARGE = LONG | {"tile_size": "20"}
"""54 megapixels: a second or more of encoding."""
ENDLESS = LONG | {"cells_across": "600", "loss": "pixels"}
"""Many seconds."""
CHILDREN = 2
PATIENCE = 600.0
"""For what ends at all: bulk work leaves a busy machine to everybody else, and a hundred jobs of it take minutes."""
SHIFTED = """
import datetime, importlib, sys
import time_machine
shift = datetime.timedelta(seconds=float(sys.argv.pop(1)))
time_machine.travel(datetime.datetime.now(datetime.timezone.utc) + shift, tick=True).start()
module = importlib.import_module(sys.argv.pop(1))
module.main()
"""


class Service:
    """A running installation, and the ways to hurt it."""

    def __init__(self, installed: Any, tile_set: dict[str, Any], target: bytes, wait_for: Callable[..., Any]) -> None:
        self.installed, self.tile_set, self.target, self.wait_for = installed, tile_set, target, wait_for
        held = self.services()
        self.store, self.rows = held.store, held.reading

    def order(self, **fields: str) -> "Ordered":
        made = self.installed.order(self.tile_set, self.target, **fields)
        return Ordered(self, made["id"], made["url"])

    def short(self) -> "Ordered":
        return self.order(**SHORT)

    def long(self) -> "Ordered":
        return self.order(**LONG)

    def large(self) -> "Ordered":
        return self.order(**LARGE)

    def endless(self) -> "Ordered":
        return self.order(**ENDLESS)

    def worker(self, lane: Lane = Lane.INTERACTIVE) -> psutil.Process:
        return psutil.Process(self.installed.processes[f"{lane.value}-worker"].pid)

    def children(self, lane: Lane = Lane.INTERACTIVE) -> list[psutil.Process]:
        """Return the processes that do the work."""
        working: list[psutil.Process] = self.installed.working(f"{lane.value}-worker")
        return working

    def kill_children(self, lane: Lane = Lane.INTERACTIVE) -> None:
        for child in self.children(lane):
            _send(child, signal.SIGKILL)

    def kill_worker(self, lane: Lane = Lane.INTERACTIVE) -> None:
        """Kill a lane's main process and everything below it."""
        whole = [self.worker(lane), *self.worker(lane).children(recursive=True)]
        for process in whole:
            _send(process, signal.SIGKILL)
        self.installed.processes[f"{lane.value}-worker"].wait()

    def freeze_at_its_end(self, ordered: "Ordered") -> list[psutil.Process]:
        """Stop the children that work when a picture is stored and the row may not say so yet; return them."""
        ordered.at_work(phase="encoding")
        children = self.children()
        while not ordered.pictures():
            pass
        for child in children:
            _send(child, signal.SIGSTOP)
        return children

    def start_worker(self, lane: Lane = Lane.INTERACTIVE, name: str | None = None, **settings: str) -> None:
        self.installed.start_one(name or f"{lane.value}-worker", processes.lane_worker(lane, CHILDREN), **settings)

    def keep_up(self, lane: Lane) -> None:
        """Start a lane's worker again if it has ended, as a supervisor does.

        Celery ends itself when a child is killed before it is up: "Could not start worker processes".
        """
        if self.installed.processes[f"{lane.value}-worker"].poll() is not None:
            self.start_worker(lane)

    def restart(self, lane: Lane = Lane.INTERACTIVE, **settings: str) -> None:
        """Kill a lane's worker, start another, and wait until its children are there."""
        self.kill_worker(lane)
        self.start_worker(lane, **settings)
        self.wait_for(lambda: len(self.children(lane)) == CHILDREN)

    def restart_sweeper(self, **settings: str) -> None:
        self.stop("sweeper")
        self.installed.start_one("sweeper", processes.sweeper(), **settings)

    def services(self, **more: Any) -> Services:
        services: Services = self.installed.services(**more)
        return services

    def children_of(self, name: str) -> list[psutil.Process]:
        children: list[psutil.Process] = self.installed.children(name)
        return children

    def newest_beside(self, known: set[str]) -> "Ordered | None":
        """Return a mosaic that is not among the known ones."""
        for item in self.installed.get("/api/v1/mosaics").json()["items"]:
            if item["id"] not in known:
                return Ordered(self, item["id"], item["url"])
        return None

    def start_shifted(self, name: str, module: list[str], seconds: float) -> None:
        """Start a process whose clock is wrong by so much."""
        self.installed.start_one(name, [sys.executable, "-c", SHIFTED, str(seconds), *module])

    def unfinished(self) -> int:
        """Count the jobs that are not final; not too often, since the work should have the machine."""
        time.sleep(0.2)
        with self.rows() as session:
            unfinished = Job.state.in_([JobState.QUEUED, JobState.RUNNING])
            return session.scalars(select(func.count()).where(unfinished)).one()

    def stop(self, name: str) -> None:
        """Ask a process to end, and wait for it."""
        self.installed.processes[name].terminate()
        self.installed.processes[name].wait()

    def can_write(self) -> bool:
        """Return whether the database takes a writer in."""
        try:
            with self.services().sessions.begin() as session:
                database.now(session)
        except database.Unreachable:
            return False
        return True

    def alive(self) -> bool:
        return bool(requests.get(f"{self.installed.address}/livez", timeout=30).ok)


class Ordered:
    """A mosaic that was ordered, and what its rows say of it."""

    def __init__(self, service: Service, identity: str, url: str) -> None:
        self.service, self.id, self.url = service, identity, url

    def job(self) -> dict[str, Any]:
        job: dict[str, Any] = self.service.installed.get(self.url).json()["job"]
        return job

    def cancel(self) -> dict[str, Any]:
        job: dict[str, Any] = self.service.installed.post(f"{self.url}/cancel").json()["job"]
        return job

    def at_work(self, share: float = 0.0, phase: str | None = None) -> dict[str, Any]:
        """Wait until a worker is at it, and well into it."""

        def seen() -> Any:
            job = self.job()
            assert not job["final"], job
            well = job["state"] == "running" and job["progress"] >= share and phase in (None, job["phase"])
            return job if well else None

        job: dict[str, Any] = self.service.wait_for(seen)
        return job

    def final(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.service.installed.final(self.url)
        return shown

    def state(self) -> tuple[str, str | None, int]:
        """Wait for the end; return the state, the error's code and the number of attempts."""
        job = self.final()["job"]
        return job["state"], (job["error"] or {}).get("code"), job["attempt"]

    def bell(self) -> Doorbell:
        """Return what a message for it says."""
        with self.service.rows() as session:
            job = session.scalars(select(Job).join(Mosaic, Mosaic.job_id == Job.id).where(Mosaic.id == UUID(self.id)))
            found = job.one()
            return Doorbell(found.kind, found.id, found.lane)

    def attempts(self) -> list[AttemptRecord]:
        with self.service.rows() as session:
            found = session.scalars(
                select(AttemptRecord)
                .join(Mosaic, Mosaic.job_id == AttemptRecord.job_id)
                .where(Mosaic.id == UUID(self.id))
                .order_by(AttemptRecord.number)
            )
            return list(found)

    def outcomes(self) -> list[str | None]:
        """Return how each attempt ended."""
        return [None if each.outcome is None else each.outcome.value for each in self.attempts()]

    def began_again(self, seen: "Seen", within: float) -> str:
        """Return when the second attempt began, counted from the fault: databases and tests share one clock here."""
        seconds = (self.attempts()[1].started_at - seen.struck_at).total_seconds()
        assert seconds <= within, f"attempt 2 began after {seconds:.1f} s; at most {within:g} are promised here"
        return f"attempt 2 began {seconds:.1f} s after, and succeeded"

    def pictures(self, suffix: str = ".png") -> list[str]:
        """Return the keys under which attempts left a picture."""
        found = self.service.store.list(f"mosaics/{self.id}")
        return sorted(blob.key for blob in found if blob.key.endswith(suffix))

    def other_file(self, form: str) -> "Ordered":
        """Order another file of it, whose rows are asked for by its own address."""
        made = self.service.installed.post(f"{self.url}/renditions", json={"format": form})
        assert made.status_code == 202, made.text
        return Ordered(self.service, self.id, made.json()["url"])


def _send(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


@pytest.fixture(scope="session")
def send() -> Callable[[psutil.Process, int], None]:
    """Send a signal; a process that is gone already is no error."""
    return _send


@pytest.fixture(scope="session")
def bursting_png() -> bytes:
    """A clear PNG of 7,000 x 7,000 pixels in 200 kB: no more pixels than allowed, but 343 MB on the way to sRGB."""
    file = io.BytesIO()
    Image.new("RGBA", (7_000, 7_000)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def slow_jpeg() -> bytes:
    """A progressive JPEG of 80 kB whose last scan is there a thousand times: seconds of work in one call."""
    file = io.BytesIO()
    Image.new("RGB", (3_000, 3_000), (90, 120, 60)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + 1_000 * last_scan + data[-2:]


class Seen:
    """What a test has seen of a fault, for the table.

    Seconds that docs/explanation/reliability.md promises are held to here, scaled to the settings of this suite and
    with room for a busy machine.
    """

    def __init__(self, note: Callable[[str, object], None]) -> None:
        self._note = note
        self._since = 0.0

    def struck(self) -> None:
        """Say that the fault has just happened."""
        self._since, self.struck_at = time.monotonic(), datetime.now(UTC)

    def recovered(self, what: str, within: float | None = None) -> None:
        """Say what was seen, and that all is well again; within so many seconds, where that is promised."""
        seconds = time.monotonic() - self._since
        assert within is None or seconds <= within, f"it took {seconds:.1f} s; at most {within:g} are promised here"
        self._note("seconds", seconds)
        self.noted(what)

    def noted(self, what: str) -> None:
        """Say what was seen where there is nothing to recover from."""
        self._note("seen", what)


@pytest.fixture
def seen(record_property: Callable[[str, object], None]) -> Seen:
    return Seen(record_property)


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, photos: dict[str, bytes], target: bytes, wait_for: Callable[..., Any],
    new_installation: Callable[..., Any],
) -> Iterator[Service]:  # fmt: skip
    """One service for all cases on each database: what one fault leaves behind, the next one finds."""
    settings = {
        "LEASE_SECONDS": "2", "BEAT_SECONDS": "0.2", "SWEEP_SECONDS": "0.3", "RING_AGAIN_SECONDS": "1",
        "FINISH_SECONDS": "0.5", "DECODE_BYTES": str(256 << 20), "MAX_TARGETS": "1000",
    }  # fmt: skip
    with new_installation(request.param, tcp=request.param == "postgresql", **settings) as installed:
        tile_set = installed.tile_set(photos)
        assert tile_set["job"]["state"] == "succeeded", tile_set
        queue.connect(installed.services().settings, "publisher")
        yield Service(installed, tile_set, target, partial(wait_for, patience=PATIENCE))


@pytest.fixture(autouse=True)
def workers_are_there(service: Service) -> Iterator[None]:
    """Leave the next case the same workers, whatever this one did to them."""
    yield
    for lane in Lane:
        if service.installed.processes[f"{lane.value}-worker"].poll() is not None:
            service.start_worker(lane)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table: fault, promise, what was seen, seconds to recover."""
    reports = [
        report
        for outcome in ("passed", "failed", "error")
        for report in terminalreporter.stats.get(outcome, [])
        if getattr(report, "when", "") == "call" and dict(report.user_properties).get("fault")
    ]
    if not reports:
        return
    table = Table(title="Faults", show_lines=True)
    for heading in ("fault", "promise", "on", "seen", "seconds to recover"):
        table.add_column(heading, justify="right" if heading.startswith("seconds") else "left")
    for report in sorted(reports, key=lambda report: dict(report.user_properties)["fault"]):
        facts = dict(report.user_properties)
        seconds = f"{facts['seconds']:.1f}" if "seconds" in facts else ""
        what = facts.get("seen", "") if report.passed else "BROKEN"
        table.add_row(facts["fault"], facts["promise"], facts.get("on", ""), what, seconds)
    Console(width=150).print(table)


@pytest.fixture(autouse=True)
def named_row(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Write the row's first columns, from the marker of the test."""
    marker = request.node.get_closest_marker("fault")
    assert marker is not None, "a test of the fault suite says its fault and its promise"
    record_property("fault", marker.args[0])
    record_property("promise", marker.args[1])
    callspec = getattr(request.node, "callspec", None)
    record_property("on", callspec.params.get("service", "") if callspec else "")
