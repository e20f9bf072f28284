"""A tile set indexed by real workers that are killed, frozen and cancelled: it is indexed once, and whole."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
import psutil
import pytest
from sqlalchemy import func, select

from models import database, listing, queries
from models.listing import Wanted
from models.rules import blob_keys
from models.rules.lifecycle import Lane, PartState
from models.tables import Part, Tile
from worker.indexing import job as indexing_job
from worker.jobs import sweep

RING = """
import sys
from models import queue, settings
from models.rules.lifecycle import Doorbell, JobKind, Lane
queue.connect(settings.load(), "publisher")
for _ in range(5):
    queue.ring(Doorbell(JobKind.INDEX, int(sys.argv[1]), Lane.INDEXING))
"""
PHOTOS = 48
PART = 8
Decoded = Callable[..., bytes]


@pytest.fixture(scope="module")
def photos(noise: Callable[..., np.ndarray], encoded: Decoded) -> dict[str, bytes]:
    """Photos that take a moment each."""
    return {f"{number:02}.png": encoded(noise(300, 400, number)) for number in range(PHOTOS)}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, new_installation: Callable[..., AbstractContextManager[Any]]
) -> Iterator[Any]:
    short = {"LEASE_SECONDS": "0.5", "BEAT_SECONDS": "0.1", "SWEEP_SECONDS": "0.1", "MAX_ATTEMPTS": "1000"}
    with new_installation(request.param, PART_PHOTOS=str(PART), **short) as installed:
        yield installed


def send(service: Any, photos: dict[str, bytes], zipped: Callable[..., bytes]) -> dict[str, Any]:
    archive = ("photos.zip", zipped(photos))
    return dict(service.post("/api/v1/tile-sets", files={"archive": archive}).json())


def children(service: Any) -> list[psutil.Process]:
    """Return the processes that index."""
    return list(service.working("indexing-worker"))


def strike(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def part_states(service: Any, made: dict[str, Any]) -> Counter[str]:
    with service.services().reading() as session:
        found = session.execute(select(Part.state, func.count()).where(of(made)).group_by(Part.state))
        return Counter({state.value: count for state, count in found})


def results(service: Any, made: dict[str, Any], *more: Any) -> dict[int, str | None]:
    """Return where the arrays of parts lie, by number."""
    with service.services().reading() as session:
        found = session.execute(select(Part.number, Part.index_key).where(of(made), *more))
        return dict(found.all())


def of(made: dict[str, Any]) -> Any:
    return Part.tile_set_id == UUID(made["id"])


def index_of(service: Any, made: dict[str, Any]) -> bytes:
    """Return the bytes of the published index."""
    services = service.services()
    with services.reading() as session:
        current = queries.find_tile_set(session, UUID(made["id"])).current
    assert current is not None
    return bytes(services.store.get(current.index_key))


@pytest.fixture(scope="module")
def undisturbed(service: Any, photos: dict[str, bytes], zipped: Callable[..., bytes]) -> bytes:
    """The index that comes of the photos when nothing happens."""
    made = send(service, photos, zipped)
    assert service.final(made["url"])["job"]["state"] == "succeeded"
    return index_of(service, made)


@pytest.mark.parametrize("seed", range(10))
def test_a_set_whose_workers_are_killed_at_random_is_indexed_once_and_whole(
    service: Any, photos: dict[str, bytes], zipped: Callable[..., bytes], undisturbed: bytes, seed: int
) -> None:
    # Twenty seeds: ten on each database.
    dice = np.random.default_rng(seed + (10 if service.mode == "server" else 0))
    made = send(service, photos, zipped)
    for _ in range(3):
        time.sleep(dice.uniform(0.02, 0.6))
        for child in children(service):
            if dice.random() < 0.7:
                strike(child, signal.SIGKILL)
    done = service.final(made["url"])
    assert (done["job"]["state"], done["tile_count"], done["skipped"]) == ("succeeded", PHOTOS, [])
    assert (done["version"], index_of(service, made)) == (1, undisturbed)
    with service.services().reading() as session:
        contents = session.scalars(select(Tile.content).where(Tile.tile_set_id == UUID(made["id"]))).all()
        assert sorted(contents) == sorted(sha256(data).hexdigest() for data in photos.values())
        assert part_states(service, made) == Counter()


def test_what_the_killed_left_behind_is_cleared_away(service: Any, undisturbed: bytes) -> None:
    services = service.services(litter_grace_seconds=0)
    sweep.collect(services)
    with services.reading() as session:
        tile_sets = listing.tile_sets(session, Wanted()).rows
        assert tile_sets
        for tile_set in tile_sets:
            current = tile_set.current
            assert current is not None
            left = {blob.key for blob in services.store.list(f"tile-sets/{tile_set.id}")}
            held = session.scalars(select(Tile.content).where(Tile.tile_set_id == tile_set.id)).all()
            kept = {
                make(tile_set.id, content) for make in (blob_keys.tile, blob_keys.preview_of_tile) for content in held
            }
            assert left == kept | {current.index_key, current.plot_key, current.palette_key}


def test_a_killed_worker_costs_the_part_that_it_was_at(
    service: Any, photos: dict[str, bytes], zipped: Callable[..., bytes], wait_for: Callable[..., Any]
) -> None:
    made = send(service, photos, zipped)
    wait_for(lambda: part_states(service, made)["done"] >= 2)
    done = results(service, made, Part.state == PartState.DONE)
    assert done
    for child in children(service):
        strike(child, signal.SIGKILL)
    wait_for(lambda: part_states(service, made)["done"] > len(done) or not part_states(service, made))
    still = results(service, made)
    assert all(still.get(number, key) == key for number, key in done.items())
    assert service.final(made["url"])["job"]["state"] == "succeeded"


def test_cancelling_stops_every_worker_and_resuming_goes_on_where_they_stopped(
    service: Any, photos: dict[str, bytes], zipped: Callable[..., bytes], undisturbed: bytes,
    wait_for: Callable[..., Any],
) -> None:  # fmt: skip
    made = send(service, photos, zipped)
    wait_for(lambda: part_states(service, made)["done"] >= 1)
    assert service.post(f"{made['url']}/cancel").json()["job"]["state"] == "cancelled"
    # A small set is indexed by those who worked at the large one: they have stopped.
    other = send(service, dict(list(photos.items())[:3]), zipped)
    assert service.final(other["url"])["job"]["state"] == "succeeded"
    halted = part_states(service, made)
    assert 0 < halted["done"] < PHOTOS // PART
    before = results(service, made, Part.state == PartState.DONE)
    assert service.post(f"{made['url']}/resume").status_code == 202
    wait_for(lambda: part_states(service, made)["done"] > halted["done"] or not part_states(service, made))
    after = results(service, made)
    assert all(after.get(number, key) == key for number, key in before.items())
    assert service.final(made["url"])["tile_count"] == PHOTOS
    assert index_of(service, made) == undisturbed


def test_workers_that_are_frozen_and_wake_too_late_publish_nothing(
    service: Any, photos: dict[str, bytes], zipped: Callable[..., bytes], undisturbed: bytes,
    wait_for: Callable[..., Any],
) -> None:  # fmt: skip
    for _ in range(10):
        made = send(service, photos, zipped)
        wait_for(lambda one=made: part_states(service, one)["done"] >= 1)
        frozen = children(service)
        for child in frozen:
            strike(child, signal.SIGSTOP)
        # On SQLite one that is frozen in its transaction keeps everybody out.
        if can_write(service) and service.get(made["url"]).json()["job"]["state"] == "running":
            break
        for child in frozen:
            strike(child, signal.SIGCONT)
        service.final(made["url"])
    else:
        pytest.fail("no moment between two transactions was hit")
    service.start_one("another-worker", list(service.processes["indexing-worker"].args))
    try:
        done = service.final(made["url"])
    finally:
        for child in frozen:
            strike(child, signal.SIGCONT)
        service.processes["another-worker"].terminate()
        service.processes["another-worker"].wait()
    assert done["job"]["attempt"] > 1
    assert (done["job"]["state"], done["version"], index_of(service, made)) == ("succeeded", 1, undisturbed)
    other = send(service, dict(list(photos.items())[:3]), zipped)
    assert service.final(other["url"])["job"]["state"] == "succeeded"
    assert service.get(made["url"]).json()["version"] == 1


def can_write(service: Any) -> bool:
    try:
        with service.services().sessions.begin() as session:
            database.now(session)
    except database.Unreachable:
        return False
    return True


def test_messages_for_a_job_that_is_done_do_nothing(
    service: Any, photos: dict[str, bytes], zipped: Callable[..., bytes], wait_for: Callable[..., Any]
) -> None:
    made = send(service, dict(list(photos.items())[:3]), zipped)
    before = service.final(made["url"])
    with service.services().reading() as session:
        job_id = queries.find_tile_set(session, UUID(made["id"])).job_id
    environment = os.environ | {f"TESSERA_{name}": value for name, value in service.settings.items()}
    subprocess.run([sys.executable, "-c", RING, str(job_id)], env=environment, check=True)
    wait_for(lambda: not service.redis.client.llen(Lane.INDEXING.value))
    assert service.get(made["url"]).json() == before
    indexing_job.help_out(service.services(), job_id)
    assert service.get(made["url"]).json() == before


def test_a_part_that_kills_its_worker_each_time_fails_the_job_until_somebody_asks_again(
    new_installation: Callable[..., AbstractContextManager[Any]], photos: dict[str, bytes],
    zipped: Callable[..., bytes], wait_for: Callable[..., Any],
) -> None:  # fmt: skip
    short = {"LEASE_SECONDS": "1", "BEAT_SECONDS": "0.1", "SWEEP_SECONDS": "0.2", "JOB_SECONDS": "100"}
    with new_installation("sqlite", PART_PHOTOS=str(PART), **short) as service:
        made = send(service, dict(list(photos.items())[:20]), zipped)

        struck = 0

        def ended() -> bool:
            """Kill everybody each time that somebody has taken the first part."""
            nonlocal struck
            with service.services().reading() as session:
                first = session.scalars(select(Part).where(of(made), Part.number == 0)).one_or_none()
            if first is not None and first.attempt > struck:
                struck = first.attempt
                for child in children(service):
                    strike(child, signal.SIGKILL)
            return bool(service.get(made["url"]).json()["job"]["final"])

        wait_for(ended)
        failed = service.final(made["url"])["job"]
        assert (failed["state"], failed["error"]["code"]) == ("failed", "crashed")
        assert service.post(f"{made['url']}/resume").status_code == 202
        assert service.final(made["url"])["tile_count"] == 20


def test_a_small_set_does_not_wait_for_a_large_one(
    service: Any, photos: dict[str, bytes], zipped: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch,
    wait_for: Callable[..., Any], encoded: Decoded, noise: Callable[..., np.ndarray],
) -> None:  # fmt: skip
    many = {f"{number}.png": encoded(noise(120, 160, 1_000 + number)) for number in range(800)}
    large = send(service, many, zipped)
    wait_for(lambda: part_states(service, large)["done"] >= 1)
    small = send(service, dict(list(photos.items())[:3]), zipped)
    assert service.final(small["url"])["job"]["state"] == "succeeded"
    assert part_states(service, large)["open"] > 0
    assert service.post(f"{large['url']}/cancel").json()["job"]["state"] == "cancelled"
