"""What the sweep clears away, and what it must not."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from models import database, jobs, keys
from models.lifecycle import JobKind, JobState, Lane
from models.orders import MosaicOrder
from models.placing import StoredFile, place_batch, place_mosaic
from models.services import Services
from models.storage import Store
from models.tables import Job, Mosaic, Tile, TileSet
from worker import litter, sweep

LATER = timedelta(hours=2)
AT_WORK = """
from worker import litter
with litter.scratch() as folder:
    print(folder, flush=True)
    input()
"""


def collect(services: Services, after: timedelta = LATER) -> set[str]:
    """Clear litter as if `after` had passed; return what is left."""
    with services.sessions() as session:
        now = database.now(session)
    litter.collect(services, now + after)
    return {blob.key for blob in services.store.list()}


CONTENT = b"\x01" * 32


def kept_of(tile_set: TileSet) -> set[str]:
    """Return the keys of what an indexed set of one photo needs."""
    assert tile_set.current is not None
    photo = {make(tile_set.id, CONTENT.hex()) for make in (keys.tile, keys.preview_of_tile)}
    return {*photo, tile_set.current.index_key, tile_set.current.plot_key, tile_set.current.palette_key}


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> TileSet:
    """An indexed tile set with a photo, an index, an old attempt's index and what was uploaded."""
    made = indexed(services, [CONTENT])
    litter = {
        keys.upload(made.id, "0"),
        keys.index(made.id, "0-1"),
        keys.part(made.id, "0-1"),
        keys.tile(made.id, "ff"),
    }
    for key in kept_of(made) | litter:
        services.store.put(key, b"x")
    return made


def test_an_indexed_set_keeps_its_photos_and_its_index_alone(services: Services, tile_set: TileSet) -> None:
    assert collect(services) == kept_of(tile_set)


def test_young_blobs_are_left_alone_for_the_grace_time(services: Services, tile_set: TileSet) -> None:
    services.store.put("mosaics/never-ordered/target", b"x")
    assert "mosaics/never-ordered/target" in collect(services, timedelta(minutes=30))


def test_what_was_uploaded_and_never_ordered_goes(services: Services) -> None:
    for key in (keys.target(uuid4()), keys.upload(uuid4(), "0"), keys.batch_target(uuid4(), 0), "stray"):
        services.store.put(key, b"x")
    assert collect(services) == set()


def test_a_finished_mosaic_keeps_its_target_and_the_published_attempt(services: Services, tile_set: TileSet) -> None:
    identity = uuid4()
    target = StoredFile("t", keys.target(identity))
    named = {target.key, keys.picture(identity, "2", "png"), keys.preview(identity, "2")}
    for key in {*named, keys.picture(identity, "1", "png"), keys.preview(identity, "1")}:
        services.store.put(key, b"x")
    with services.sessions.begin() as session:
        order = MosaicOrder(cells_across=2)
        bell = place_mosaic(session, identity, tile_set.id, target, order, services.ring_again)
        now = database.now(session)
        lease = jobs.claim(session, bell.job_id, now, LATER)
        assert lease is not None
        jobs.succeed(session, lease, now)
        mosaic = session.get_one(Mosaic, identity)
        mosaic.picture_key, mosaic.preview_key = keys.picture(identity, "2", "png"), keys.preview(identity, "2")
    assert {key for key in collect(services) if key.startswith("mosaics/")} == named


def test_a_job_that_is_not_final_keeps_everything(services: Services, tile_set: TileSet) -> None:
    identity = uuid4()
    keys_of_it = {keys.target(identity), keys.picture(identity, "1", "png")}
    for key in keys_of_it:
        services.store.put(key, b"x")
    with services.sessions.begin() as session:
        target = StoredFile("t", keys.target(identity))
        place_mosaic(session, identity, tile_set.id, target, MosaicOrder(cells_across=2), services.ring_again)
    assert keys_of_it <= collect(services)


def test_the_targets_of_a_batch_stay(services: Services, tile_set: TileSet) -> None:
    identity = uuid4()
    services.store.put(keys.batch_target(identity, 0), b"x")
    with services.sessions.begin() as session:
        target = [StoredFile("t", keys.batch_target(identity, 0))]
        place_batch(session, identity, "b", tile_set.id, target, MosaicOrder(cells_across=2), services.ring_again)
    assert keys.batch_target(identity, 0) in collect(services)


def test_what_a_killed_writer_left_half_written_goes_after_the_grace_time(services: Services) -> None:
    part = services.store.folder / "mosaics" / "x" / "1" / "mosaic.png#1"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    collect(services, timedelta(minutes=30))
    assert part.exists()
    collect(services)
    assert not part.exists()


def test_a_store_that_cannot_be_listed_does_not_stop_the_sweeper(
    services: Services, wait_for: Callable[..., Any]
) -> None:
    services.store.put("a", b"x")
    (services.store.folder / "bad\nname").write_bytes(b"x")
    with services.sessions.begin() as session:
        now = database.now(session)
        job_id = jobs.add(session, JobKind.RENDER, Lane.BULK, now - LATER, services.ring_again).id
        jobs.claim(session, job_id, now - LATER, services.settings.lease_span)
    stop = threading.Event()
    thread = threading.Thread(target=sweep.sweep_on, args=(services, stop))
    thread.start()

    def swept() -> bool:
        with services.sessions() as session:
            return session.get_one(Job, job_id).state is JobState.QUEUED

    try:
        wait_for(swept)
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join()


def test_scratch_folders_of_killed_workers_go_when_they_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young, other = (tmp_path / name for name in ("tessera-work-old", "tessera-work-young", "other"))
    for folder in (old, young, other):
        folder.mkdir()
    long_ago = time.time() - LATER.total_seconds()
    os.utime(old, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    assert litter.clear_scratch(timedelta(hours=1)) == 1
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)


class Sending:
    """A store, and somebody who sends a removed photo again as soon as litter is being deleted."""

    def __init__(self, store: Store, send: Callable[[], None]) -> None:
        self._store, self._send = store, send

    def delete(self, keys: Sequence[str]) -> None:
        self._store.delete(keys)
        self._send()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_photo_that_comes_back_while_litter_is_cleared_stays(
    services: Services, indexed: Callable[..., TileSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litter, "AT_ONCE", 1)
    made = indexed(services, [CONTENT])
    gone = [keys.tile(made.id, f"{number:064x}") for number in (2, 3)]
    for key in gone:
        services.store.put(key, b"x")

    def send() -> None:
        with services.sessions.begin() as session:
            for key in gone:
                content = key.rpartition("/")[2]
                if not session.scalars(select(Tile.id).where(Tile.content == content)).all():
                    session.add(Tile(tile_set_id=made.id, content=content, name="again.jpg"))

    left = collect(replace(services, store=Sending(services.store, send)))
    assert len(left & set(gone)) == 1


def test_a_scratch_folder_that_a_process_works_in_stays_however_old_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    running = subprocess.Popen(
        [sys.executable, "-c", AT_WORK],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    folder = Path(running.stdout.readline().strip())
    os.utime(folder, (0, 0))
    assert (litter.clear_scratch(timedelta(hours=1)), folder.exists()) == (0, True)
    running.kill()
    running.wait()
    assert (litter.clear_scratch(timedelta(hours=1)), folder.exists()) == (1, False)
