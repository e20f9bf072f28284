"""What the sweep clears away, and what it must not."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from models import database, jobs
from models.placing import StoredFile, place_batch, place_mosaic
from models.rules import blob_keys
from models.rules.lifecycle import JobKind, JobState, Lane
from models.rules.orders import MosaicOrder
from models.services import Services
from models.storage import Store
from models.tables import Installation, Job, Mosaic, Tile, TileSet
from worker.jobs import garbage, scratch, sweep, trash

LATER = timedelta(hours=2)
AT_WORK = """
from worker.jobs import scratch
with scratch.folder() as folder:
    print(folder, flush=True)
    input()
"""


def look(services: Services, after: timedelta = LATER) -> None:
    """Clear garbage as if `after` had passed."""
    with services.sessions() as session:
        now = database.now(session)
    garbage.collect(services, now + after)


def collect(services: Services, after: timedelta = LATER) -> set[str]:
    """Clear garbage as if `after` had passed; return what is left, without the trash and the store's own notes."""
    look(services, after)
    return {blob.key for blob in services.store.list() if not blob.key.startswith(("trash/", "tessera/"))}


def in_trash(services: Services) -> set[str]:
    """Return the former keys of what is in the trash."""
    return {each.former for each in trash.entries(services.store)}


CONTENT = b"\x01" * 32


def kept_of(tile_set: TileSet) -> set[str]:
    """Return the keys of what an indexed set of one photo needs."""
    assert tile_set.current is not None
    photo = {make(tile_set.id, CONTENT.hex()) for make in (blob_keys.tile, blob_keys.preview_of_tile)}
    return {*photo, tile_set.current.index_key, tile_set.current.plot_key, tile_set.current.palette_key}


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> TileSet:
    """An indexed tile set with a photo, an index, an old attempt's index and what was uploaded."""
    made = indexed(services, [CONTENT])
    unnamed = {
        blob_keys.upload(made.id, "0"),
        blob_keys.index(made.id, "0-1"),
        blob_keys.part(made.id, "0-1"),
        blob_keys.tile(made.id, "ff" * 32),
    }
    for key in kept_of(made) | unnamed:
        services.store.put(key, b"x")
    return made


def test_an_indexed_set_keeps_its_photos_and_its_index_alone(services: Services, tile_set: TileSet) -> None:
    assert collect(services) == kept_of(tile_set)


def test_young_blobs_are_left_alone_for_the_grace_time(services: Services, tile_set: TileSet) -> None:
    never_ordered = blob_keys.target(uuid4())
    services.store.put(never_ordered, b"x")
    assert never_ordered in collect(services, timedelta(minutes=30))


def test_what_was_uploaded_and_never_ordered_goes(services: Services) -> None:
    for key in (blob_keys.target(uuid4()), blob_keys.upload(uuid4(), "0"), blob_keys.batch_target(uuid4(), 0)):
        services.store.put(key, b"x")
    assert collect(services) == set()


def test_what_is_none_of_ours_stays(services: Services) -> None:
    foreign = {"stray", "mosaics/holiday/target", f"mosaics/{uuid4()}/notes.txt", f"tile-sets/{uuid4()}/tiles/ff.jpg"}
    services.belonging.look()
    for key in foreign:
        services.store.put(key, b"x")
    assert collect(services) == foreign


def of_attempt(mosaic: UUID, attempt: str) -> tuple[str, str, str]:
    """Return the keys of what one attempt at a mosaic makes."""
    picture = blob_keys.picture(mosaic, attempt, "png")
    return picture, blob_keys.preview(mosaic, attempt), blob_keys.placement(mosaic, attempt)


def test_a_finished_mosaic_keeps_its_target_and_the_published_attempt(services: Services, tile_set: TileSet) -> None:
    identity = uuid4()
    target = StoredFile("t", blob_keys.target(identity))
    picture, preview, placement = of_attempt(identity, "2")
    named = {target.key, picture, preview, placement}
    for key in {*named, *of_attempt(identity, "1")}:
        services.store.put(key, b"x")
    with services.sessions.begin() as session:
        order = MosaicOrder(cells_across=2)
        bell = place_mosaic(session, identity, tile_set.id, target, order, services.ring_again)
        now = database.now(session)
        lease = jobs.claim(session, bell.job_id, now, LATER)
        assert lease is not None
        jobs.succeed(session, lease, now)
        mosaic = session.get_one(Mosaic, identity)
        mosaic.preview_key, mosaic.placement_key = preview, placement
        mosaic.first.key, mosaic.first.byte_count = picture, 1
    assert {key for key in collect(services) if key.startswith("mosaics/")} == named


def test_a_job_that_is_not_final_keeps_everything(services: Services, tile_set: TileSet) -> None:
    identity = uuid4()
    keys_of_it = {blob_keys.target(identity), blob_keys.picture(identity, "1", "png")}
    for key in keys_of_it:
        services.store.put(key, b"x")
    with services.sessions.begin() as session:
        target = StoredFile("t", blob_keys.target(identity))
        place_mosaic(session, identity, tile_set.id, target, MosaicOrder(cells_across=2), services.ring_again)
    assert keys_of_it <= collect(services)


def test_the_targets_of_a_batch_stay(services: Services, tile_set: TileSet) -> None:
    identity = uuid4()
    services.store.put(blob_keys.batch_target(identity, 0), b"x")
    with services.sessions.begin() as session:
        target = [StoredFile("t", blob_keys.batch_target(identity, 0))]
        place_batch(session, identity, "b", tile_set.id, target, MosaicOrder(cells_across=2), services.ring_again)
    assert blob_keys.batch_target(identity, 0) in collect(services)


def test_what_a_killed_writer_left_half_written_goes_after_the_grace_time(services: Services) -> None:
    services.belonging.look()
    part = services.store.folder / f"{blob_keys.picture(uuid4(), '1-1', 'png')}#1"
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
    assert scratch.clear(timedelta(hours=1)) == 1
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)


def test_scratch_folders_that_go_while_they_are_looked_for_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            with ExitStack() as held:
                for _ in range(50):
                    held.enter_context(scratch.folder())

    worker = threading.Thread(target=come_and_go)
    worker.start()
    try:
        assert sum(scratch.clear(timedelta(hours=1)) for _ in range(1000)) == 0
    finally:
        stop.set()
        worker.join()


class Sending:
    """A store, and somebody who sends a removed photo again as soon as garbage is being deleted."""

    def __init__(self, store: Store, send: Callable[[], None]) -> None:
        self._store, self._send = store, send

    def move(self, keys: Mapping[str, str]) -> Sequence[str]:
        moved = self._store.move(keys)
        if moved:
            self._send()
        return moved

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_photo_that_comes_back_while_garbage_is_cleared_stays(
    services: Services, indexed: Callable[..., TileSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "AT_ONCE", 1)
    made = indexed(services, [CONTENT])
    gone = [blob_keys.tile(made.id, f"{number:064x}") for number in (2, 3)]
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
    assert set(gone) <= collect(services)


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
    assert (scratch.clear(timedelta(hours=1)), folder.exists()) == (0, True)
    running.kill()
    running.wait()
    assert (scratch.clear(timedelta(hours=1)), folder.exists()) == (1, False)


def unknown(services: Services, count: int) -> set[str]:
    """Store blobs that no row speaks of."""
    stored = {blob_keys.target(uuid4()) for _ in range(count)}
    for key in stored:
        services.store.put(key, b"x")
    return stored


def known(services: Services, tile_set: TileSet, count: int) -> set[str]:
    """Store photos that rows name."""
    contents = [f"{number:064x}" for number in range(100, 100 + count)]
    with services.sessions.begin() as session:
        session.add_all(Tile(tile_set_id=tile_set.id, content=each, name="a.jpg") for each in contents)
    stored = {blob_keys.tile(tile_set.id, each) for each in contents}
    for key in stored:
        services.store.put(key, b"x")
    return stored


def choosing(services: Services, **more: Any) -> Services:
    return replace(services, settings=services.settings.model_copy(update=more))


def test_more_unknown_blobs_than_a_share_are_not_taken_and_one_less_is(
    sqlite_services: Services, indexed: Callable[..., TileSet]
) -> None:
    made = indexed(sqlite_services)
    services = choosing(sqlite_services, litter_floor=0, litter_share=0.25)
    named, strange = known(services, made, 12), unknown(services, 5)
    assert collect(services) == named | strange
    with services.reading() as session:
        assert session.scalars(select(Installation.withheld_count)).one() == 5
    services.store.delete([strange.pop()])
    assert collect(services) == named
    assert in_trash(services) == strange
    with services.reading() as session:
        row = session.scalars(select(Installation)).one()
        assert (row.withheld_count, row.blob_count, row.trash_count, row.trash_bytes) == (0, 12, 4, 4)


def test_many_small_sweeps_take_no_more_than_one_large(
    sqlite_services: Services, indexed: Callable[..., TileSet]
) -> None:
    services = choosing(sqlite_services, litter_floor=0, litter_share=0.25)
    known(services, indexed(services), 12)
    first = unknown(services, 3)
    collect(services)
    second = unknown(services, 3)
    assert second <= collect(services)
    assert in_trash(services) == first


def test_so_few_as_the_floor_are_taken_however_small_the_store(sqlite_services: Services) -> None:
    services = choosing(sqlite_services, litter_floor=3)
    strange = unknown(services, 4)
    assert collect(services) == strange
    services.store.delete([strange.pop()])
    assert collect(services) == set()


def test_what_rows_say_is_done_with_is_taken_however_much_it_is(
    services: Services, indexed: Callable[..., TileSet]
) -> None:
    services = choosing(services, litter_floor=0)
    made = indexed(services, [CONTENT])
    for number in range(30):
        services.store.put(blob_keys.upload(made.id, f"{number:032x}"), b"x")
    services.store.put(blob_keys.index(made.id, f"{made.job_id}-9"), b"x")
    assert collect(services) == set()
    assert len(in_trash(services)) == 31


def test_what_a_job_made_that_this_database_has_not_had_yet_is_unknown(
    services: Services, indexed: Callable[..., TileSet]
) -> None:
    services = choosing(services, litter_floor=0)
    made = indexed(services, [CONTENT])
    for key in (blob_keys.index(made.id, f"{made.job_id + 1}-1"), blob_keys.tile(made.id, "ee" * 32)):
        services.store.put(key, b"x")
        assert collect(services) == {key}
        services.store.delete([key])


def test_what_was_in_the_trash_for_its_days_is_deleted_and_the_rest_is_not(sqlite_services: Services) -> None:
    first = unknown(sqlite_services, 2)
    collect(sqlite_services)
    assert in_trash(sqlite_services) == first
    second = unknown(sqlite_services, 1)
    collect(sqlite_services, timedelta(days=6.9))
    assert in_trash(sqlite_services) == first | second
    collect(sqlite_services, timedelta(days=7.2))
    assert in_trash(sqlite_services) == second


def test_nothing_leaves_the_trash_while_a_person_is_asked(sqlite_services: Services) -> None:
    first = unknown(sqlite_services, 2)
    collect(sqlite_services)
    strange = unknown(sqlite_services, 30)
    assert collect(sqlite_services, timedelta(days=30)) == strange
    assert in_trash(sqlite_services) == first


def test_what_a_row_names_comes_back_from_the_trash_even_after_its_days(
    services: Services, indexed: Callable[..., TileSet]
) -> None:
    made = indexed(services, [CONTENT])
    key = blob_keys.tile(made.id, "dd" * 32)
    services.store.put(key, b"a photo")
    assert collect(services) == set()
    with services.sessions.begin() as session:
        session.add(Tile(tile_set_id=made.id, content="dd" * 32, name="again.jpg"))
    assert collect(services, timedelta(days=30)) == {key}
    assert services.store.get(key) == b"a photo"


def test_a_photo_that_was_sent_again_is_not_replaced_by_the_one_in_the_trash(
    services: Services, indexed: Callable[..., TileSet]
) -> None:
    made = indexed(services, [CONTENT])
    key = blob_keys.tile(made.id, "dd" * 32)
    services.store.put(key, b"older")
    collect(services)
    services.store.put(key, b"newer")
    with services.sessions.begin() as session:
        session.add(Tile(tile_set_id=made.id, content="dd" * 32, name="again.jpg"))
    collect(services)
    assert (services.store.get(key), in_trash(services)) == (b"newer", {key})
    collect(services, timedelta(days=30))
    assert (services.store.get(key), in_trash(services)) == (b"newer", set())


def test_what_is_in_the_trash_is_never_put_there_again(sqlite_services: Services) -> None:
    strange = unknown(sqlite_services, 2)
    for _ in range(3):
        collect(sqlite_services)
    assert sorted(each.former for each in trash.entries(sqlite_services.store)) == sorted(strange)


def test_two_sweepers_at_once_take_each_blob_once(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "AT_ONCE", 1)
    services = choosing(services, litter_floor=50)
    strange = unknown(services, 40)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: look(services), range(4)))
    assert collect(services) == set()
    assert sorted(each.former for each in trash.entries(services.store)) == sorted(strange)


def test_a_half_written_file_of_somebody_elses_stays(sqlite_services: Services) -> None:
    sqlite_services.belonging.look()
    for name in ("take#2", "mosaics/floor.png#1", f"{blob_keys.target(uuid4())}#x"):
        part = sqlite_services.store.folder / name
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"somebody's")
        os.utime(part, (0, 0))
    look(sqlite_services)
    assert len([path for path in sqlite_services.store.folder.rglob("*#*") if path.is_file()]) == 3
