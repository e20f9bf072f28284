"""What the hostile tests stand on: memory that is measured, processes of their own, an app with one of everything."""

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Self
from uuid import UUID

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import database, jobs
from models.queries import find_mosaic
from models.rules import array_file, blob_keys, kept_placements
from models.services import Services, open_services
from models.settings import Settings
from models.tables import TileSet
from web.app import assemble

TOKEN = "a token that only the tests know"
CONTENTS = [bytes([number]) * 32 for number in range(3)]

STATUS = Path("/proc/self/status")


def _mebibytes(line: str) -> float:
    found = next(each for each in STATUS.read_text().splitlines() if each.startswith(f"{line}:"))
    return int(found.split()[1]) / 1024


class Peak:
    """How far this process's resident memory rose above what it was, in MiB, whatever it had been before."""

    def __enter__(self) -> Self:
        # 5 sets the high-water mark back. Source: proc_pid_clear_refs(5).
        Path("/proc/self/clear_refs").write_text("5")
        self._before = _mebibytes("VmRSS")
        self.growth = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self.growth = _mebibytes("VmHWM") - self._before


@pytest.fixture
def peak() -> Callable[[], Peak]:
    """Measure what a piece of work takes: `with peak() as seen: ...`, then `seen.growth`."""
    return Peak


@pytest.fixture(scope="session")
def child() -> Callable[..., str]:
    """Run a piece of Python in a process of its own; return what it printed. One that dies fails the test."""

    def run(script: str, *words: object, data: bytes = b"", seconds: float = 120) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, words)],
            input=data,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, (done.returncode, done.stderr.decode()[-2_000:])
        return done.stdout.decode()

    return run


@dataclass(frozen=True)
class World:
    """A web app with one of everything that its addresses can name, by the names in its addresses."""

    app: Flask
    headers: dict[str, str]
    ids: dict[str, str]


@pytest.fixture(scope="session")
def populated(indexed: Callable[..., TileSet], target: bytes) -> Callable[..., World]:
    """Put a tile set of three photos, a mosaic that has succeeded and a batch of one into an installation.

    Once more when what was put in first is given, whose app is asked again: to assemble one takes a while.
    """

    def populate(services: Services, mode: str, first: World | None = None) -> World:
        changes = {"mode": mode, "access_token": TOKEN, "secure_cookies": False}
        chosen = Settings(**(services.settings.model_dump() | changes))
        app = first.app if first else assemble(open_services(chosen))
        headers = {"Authorization": f"Bearer {TOKEN}"} if mode == "server" else {}
        client = app.test_client()
        client.environ_base |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        tile_set = indexed(services, CONTENTS)
        content = CONTENTS[0].hex()
        with services.sessions.begin() as session:
            session.get_one(TileSet, tile_set.id).keep_originals = True
        makers = (blob_keys.tile, blob_keys.preview_of_tile, blob_keys.original)
        for key in [*(make(tile_set.id, content) for make in makers), *_colours(tile_set)]:
            services.store.put(key, target)

        def ordered(path: str, field: str) -> dict[str, str]:
            form = {"tile_set": str(tile_set.id), field: (io.BytesIO(target), "t.png")}
            return client.post(f"/api/v1/{path}", data=form).get_json()

        mosaic, batch = ordered("mosaics", "target")["id"], ordered("batches", "targets")
        rendition = _succeed(services, mosaic, target)
        ids = {"tile_set_id": str(tile_set.id), "content": content, "mosaic_id": mosaic, "batch_id": batch["id"]}
        ids["rendition_id"] = rendition
        intake = client.post("/api/v1/intakes", json={}).get_json()["id"]
        new = {"Tus-Resumable": "1.0.0", "Upload-Length": "4"}
        upload = client.post(f"/api/v1/intakes/{intake}/uploads", headers=new).headers["Location"]
        ids |= {"intake_id": intake, "upload_id": upload.rpartition("/")[2]}
        ids |= _kept(client, mosaic, {"tile_set": str(tile_set.id)}, target)
        return World(app, headers, ids)

    return populate


def _kept(client: FlaskClient, mosaic: str, order: dict[str, str], target: bytes) -> dict[str, str]:
    """Keep a target, order a sketch of it, share a mosaic; return the ids, and the place of a cell."""
    kept = client.post("/api/v1/targets", data={"target": (io.BytesIO(target), "t.png")}).get_json()
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    share = client.post(f"/api/v1/mosaics/{mosaic}/shares", json={"until": until}).get_json()["id"]
    sketch = client.post(kept["sketches"], data=order).get_json()["id"]
    return {"target_id": kept["id"], "sketch_id": sketch, "share_id": share, "column": "3", "row": "4"}


def _colours(tile_set: TileSet) -> list[str]:
    current = tile_set.current
    return [key for key in (current.plot_key, current.palette_key) if key] if current else []


def _succeed(services: Services, mosaic_id: str, picture: bytes) -> str:
    """Close the job of a mosaic as a worker would; return the id of its rendition."""
    with services.sessions.begin() as session:
        mosaic = find_mosaic(session, UUID(mosaic_id))
        now = database.now(session)
        lease = jobs.claim(session, mosaic.job_id, now, services.settings.lease_span)
        assert lease is not None
        first = mosaic.first
        first.key, mosaic.preview_key = blob_keys.picture(mosaic.id, "1", "png"), blob_keys.preview(mosaic.id, "1")
        first.byte_count, first.sha256 = len(picture), sha256(picture).hexdigest()
        mosaic.width, mosaic.height, mosaic.columns, mosaic.rows, mosaic.distinct_tiles = 120, 80, 60, 40, 3
        for key in (first.key, mosaic.preview_key):
            services.store.put(key, picture)
        mosaic.placement_key = blob_keys.placement(mosaic.id, "1")
        services.store.put(mosaic.placement_key, _placement())
        jobs.succeed(session, lease, now)
        return str(first.id)


def _placement() -> bytes:
    """Return the placement of a target of 120 x 80 pixels in 60 x 40 cells, the same photo in each."""
    cells = 40, 60
    arrays = {
        "photo": np.zeros(cells, np.uint32), "window": np.full((*cells, 4), 9, np.uint16),
        "turn": np.zeros(cells, np.uint8), "cost": np.zeros(cells),
        "content": np.frombuffer(CONTENTS[0], np.uint8)[None], "lower_bound": np.zeros(1),
        "target_size": np.array([120, 80], np.uint32),
    }  # fmt: skip
    file = io.BytesIO()
    array_file.save(file, kept_placements.KIND, kept_placements.VERSION, arrays)
    return file.getvalue()
