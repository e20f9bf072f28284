"""A stored index that is damaged or lost: mosaics are made all the same, and the index is there again."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from models import database, photo_listing, queries, tile_set_versions
from models.placing import NewSource, StoredFile, place_mosaic, place_photos, place_tile_set
from models.rules import blob_keys
from models.rules.formats import Format
from models.rules.orders import MosaicOrder
from models.rules.tile_set_words import SourceKind
from models.services import Services
from models.storage import open_store
from models.tables import Job, Mosaic, Part, TileSet
from worker.indexing import job as indexing_job
from worker.indexing import merge
from worker.jobs import attempt
from worker.jobs.attempt import Attempt, Outcome, Work
from worker.rendering import job as rendering_job
from worker.tile_index import index
from worker.tile_sets import index_repair, locations


def indexed_set(services: Services, photos: list[bytes], work: Work = indexing_job.index_tile_set) -> UUID:
    identity = uuid4()
    sources = []
    for number, data in enumerate(photos):
        key = blob_keys.upload(identity, str(number))
        services.store.put(key, data)
        sources.append(NewSource(SourceKind.PHOTO, f"{number}.png", key))
    with services.sessions.begin() as session:
        bell = place_tile_set(session, identity, "photos", sources, services.ring_again)
    attempt.run(services, bell.job_id, work)
    return identity


def index_key(services: Services, tile_set: UUID) -> str:
    with services.reading() as session:
        current = queries.find_tile_set(session, tile_set).current
    assert current is not None
    return current.index_key


def rendered(services: Services, tile_set: UUID, target: bytes | None) -> tuple[Job, str | None]:
    """Order a mosaic and make it; return its job and the hash of the picture."""
    identity = uuid4()
    stored = StoredFile("t.png", blob_keys.target(identity))
    if target is not None:
        services.store.put(stored.key, target)
    order = MosaicOrder(cells_across=6, tile_size=16, format=Format.PNG)
    with services.sessions.begin() as session:
        bell = place_mosaic(session, identity, tile_set, stored, order, services.ring_again)
    attempt.run(services, bell.job_id, rendering_job.render_mosaic)
    with services.reading() as session:
        mosaic = session.scalars(select(Mosaic).where(Mosaic.id == identity)).one()
        return session.get_one(Job, bell.job_id), mosaic.first.sha256


def flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.fixture
def lossless(noise: Callable[..., np.ndarray], encoded: Callable[..., bytes]) -> list[bytes]:
    return [encoded(noise(40, 60, seed)) for seed in range(8)]


@pytest.mark.parametrize(
    "harm", [flip, lambda data: data[: len(data) // 2], lambda _: b"", lambda _: b"something else", None]
)
def test_a_mosaic_is_made_all_the_same_and_the_index_is_byte_for_byte_there_again(
    services: Services, lossless: list[bytes], target: bytes, harm: Callable[[bytes], bytes] | None
) -> None:
    tile_set = indexed_set(services, lossless)
    key = index_key(services, tile_set)
    whole, (_, picture) = services.store.get(key), rendered(services, tile_set, target)
    if harm is None:
        services.store.delete([key])
    else:
        services.store.put(key, harm(whole))
    job, again = rendered(services, tile_set, target)
    assert (job.state, again) == ("succeeded", picture)
    assert index_key(services, tile_set) != key
    assert services.store.get(index_key(services, tile_set)) == whole
    with services.reading() as session:
        assert [version.index_key for version in queries.versions(session, tile_set)] != [key]


def test_banned_and_removed_photos_have_their_rows_again_and_lie_in_no_mosaic(
    services: Services, lossless: list[bytes], target: bytes
) -> None:
    tile_set = indexed_set(services, lossless)
    key = index_key(services, tile_set)
    whole = services.store.get(key)
    with services.sessions.begin() as session:
        shown = photo_listing.page(session, tile_set).rows
        now = database.now(session)
        tile_set_versions.ban(session, tile_set, shown[0].tile.content, now)
        tile_set_versions.remove(session, tile_set, shown[1].tile.content, now)
    _, picture = rendered(services, tile_set, target)
    services.store.put(key, flip(whole))
    assert rendered(services, tile_set, target)[1] == picture
    assert services.store.get(index_key(services, tile_set)) == whole
    with services.reading() as session:
        assert {version.index_key for version in queries.versions(session, tile_set)} == {
            index_key(services, tile_set)
        }


def test_photos_that_are_kept_with_a_loss_come_back_nearly_the_same(
    sqlite_services: Services, target: bytes, encoded: Callable[..., bytes], photographs: Path
) -> None:
    services = sqlite_services
    pictures = [Image.open(photographs / name).convert("RGB") for name in ("coffee.png", "chelsea.png", "rocket.jpg")]
    tile_set = indexed_set(services, [encoded(picture, "JPEG", quality=85) for picture in pictures])
    key = index_key(services, tile_set)
    before = index.load(services.store.path(key))
    thumbs = np.array(before.thumb, int)
    services.store.delete([key])
    assert rendered(services, tile_set, target)[0].state == "succeeded"
    after = index.load(services.store.path(index_key(services, tile_set)))
    assert np.array_equal(after.content, before.content)
    # A JPEG of quality 92 of area averages of about a hundred pixels each.
    assert np.abs(np.array(after.thumb, int) - thumbs).max() <= 12
    assert np.abs(np.array(after.thumb, int) - thumbs).mean() < 1


def test_photos_are_added_to_a_set_whose_index_is_damaged(
    services: Services, lossless: list[bytes], noise: Callable[..., np.ndarray], encoded: Callable[..., bytes]
) -> None:
    tile_set = indexed_set(services, lossless)
    services.store.put(index_key(services, tile_set), b"damaged")
    upload = blob_keys.upload(tile_set, "more")
    services.store.put(upload, encoded(noise(40, 60, 99)))
    with services.sessions.begin() as session:
        source = [NewSource(SourceKind.PHOTO, "more.png", upload)]
        bell = place_photos(session, tile_set, source, services.ring_again)
    attempt.run(services, bell.job_id, indexing_job.index_tile_set)
    made = index.load(services.store.path(index_key(services, tile_set)))
    assert len(made) == len(lossless) + 1


def harming_parts(services: Services, harm: Callable[..., None]) -> Work:
    """Index as ever, and do something to the parts' files before they are put together."""

    def work(running: Attempt) -> Outcome:
        with services.reading() as session:
            tile_set = session.scalars(select(TileSet).where(TileSet.job_id == running.lease.job_id)).one()
        indexing_job._plan(running, tile_set)
        indexing_job._see_parts_done(running, tile_set)
        with services.reading() as session:
            parts = select(Part.index_key).where(Part.tile_set_id == tile_set.id).order_by(Part.number)
            harm(*session.scalars(parts))
        return merge.merged(running, tile_set)

    return work


def test_parts_that_are_damaged_or_lost_before_they_are_put_together_are_made_again(
    services: Services, lossless: list[bytes], target: bytes
) -> None:
    services = replace(services, settings=services.settings.model_copy(update={"part_photos": 3}))
    whole = services.store.get(index_key(services, indexed_set(services, lossless)))

    def harm(damaged: str, _: str, lost: str) -> None:
        services.store.put(damaged, flip(services.store.get(damaged)))
        services.store.delete([lost])

    tile_set = indexed_set(services, lossless, harming_parts(services, harm))
    assert services.store.get(index_key(services, tile_set)) == whole
    assert rendered(services, tile_set, target)[0].state == "succeeded"


def test_a_damaged_part_whose_photos_other_parts_have_is_not_missed(
    services: Services, lossless: list[bytes]
) -> None:
    services = replace(services, settings=services.settings.model_copy(update={"part_photos": 8}))

    def harm(_: str, again: str) -> None:
        services.store.put(again, b"damaged")

    tile_set = indexed_set(services, [*lossless, *lossless], harming_parts(services, harm))
    assert len(index.load(services.store.path(index_key(services, tile_set)))) == len(lossless)


def test_linked_photos_of_a_bucket_that_does_not_answer_are_not_left_out(
    sqlite_services: Services, s3: Any, lossless: list[bytes], target: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, bucket, photos = sqlite_services, s3.new_bucket(), lossless[:2]
    for number, data in enumerate(photos):
        s3.put(bucket, f"{number}.png", data)
    identity = uuid4()
    source = [NewSource(SourceKind.PLACE, "bucket", f"s3://{bucket}", linked=True)]
    with services.sessions.begin() as session:
        bell = place_tile_set(session, identity, "photos", source, services.ring_again)
    attempt.run(services, bell.job_id, indexing_job.index_tile_set)
    key = index_key(services, identity)
    services.store.delete([key])
    locations._opened.cache_clear()
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        job, _ = rendered(services, identity, target)
    assert (job.state, job.error_code, index_key(services, identity)) == ("failed", "storage_unreachable", key)
    locations._opened.cache_clear()
    assert rendered(services, identity, target)[0].state == "succeeded"
    assert len(index.load(services.store.path(index_key(services, identity)))) == len(photos)


def test_an_index_is_made_again_a_piece_at_a_time(
    sqlite_services: Services, lossless: list[bytes], target: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = sqlite_services
    monkeypatch.setattr(index_repair, "PIECE", 3)
    tile_set = indexed_set(services, lossless)
    key = index_key(services, tile_set)
    whole = services.store.get(key)
    services.store.delete([key])
    assert rendered(services, tile_set, target)[0].state == "succeeded"
    assert services.store.get(index_key(services, tile_set)) == whole


def test_a_store_that_does_not_answer_is_no_reason_to_make_an_index_again(
    sqlite_services: Services, s3: Any, tmp_path: Path, lossless: list[bytes], target: bytes
) -> None:
    store = open_store(f"s3://{s3.new_bucket()}/tessera", tmp_path / "cache", 0)
    services = replace(sqlite_services, store=store)
    tile_set = indexed_set(services, lossless)
    key = index_key(services, tile_set)
    with s3.believing_nobody():
        job, _ = rendered(services, tile_set, None)
    assert (job.state, job.error_code) == ("failed", "storage_unreadable")
    assert index_key(services, tile_set) == key
    assert rendered(services, tile_set, target)[0].state == "succeeded"


def test_an_older_version_has_nothing_in_it_that_came_later(
    sqlite_services: Services, lossless: list[bytes], target: bytes
) -> None:
    services = sqlite_services
    tile_set = indexed_set(services, lossless[:6])
    first = index_key(services, tile_set)
    whole = services.store.get(first)
    identity, order = uuid4(), MosaicOrder(cells_across=6, tile_size=16)
    services.store.put(blob_keys.target(identity), target)
    with services.sessions.begin() as session:
        stored = StoredFile("t.png", blob_keys.target(identity))
        waiting = place_mosaic(session, identity, tile_set, stored, order, services.ring_again)
    more = []
    for number in (6, 7):
        more.append(NewSource(SourceKind.PHOTO, f"{number}.png", blob_keys.upload(tile_set, f"more-{number}")))
        services.store.put(more[-1].address, lossless[number])
    with services.sessions.begin() as session:
        bell = place_photos(session, tile_set, more, services.ring_again)
    attempt.run(services, bell.job_id, indexing_job.index_tile_set)
    with services.sessions.begin() as session:
        tile_set_versions.remove(session, tile_set, sha256(lossless[7]).hexdigest(), database.now(session))
    services.store.put(first, b"damaged")
    attempt.run(services, waiting.job_id, rendering_job.render_mosaic)
    with services.reading() as session:
        made = queries.find_version(session, tile_set, 1).index_key
    assert services.store.get(made) == whole


def test_a_photo_that_is_lost_too_is_left_out(services: Services, lossless: list[bytes], target: bytes) -> None:
    tile_set = indexed_set(services, lossless)
    with services.reading() as session:
        lost = photo_listing.page(session, tile_set).rows[0].tile.content
    services.store.delete([index_key(services, tile_set), blob_keys.tile(tile_set, lost)])
    assert rendered(services, tile_set, target)[0].state == "succeeded"
    left = index.load(services.store.path(index_key(services, tile_set)))
    assert lost not in {content.tobytes().hex() for content in left.content}
    assert len(left) == len(lossless) - 1


def test_an_index_on_s3_comes_back_too(
    sqlite_services: Services, s3: Any, tmp_path: Path, lossless: list[bytes], target: bytes
) -> None:
    store = open_store(f"s3://{s3.new_bucket()}/tessera", tmp_path / "cache", 1 << 26)
    services = replace(sqlite_services, store=store)
    tile_set = indexed_set(services, lossless)
    key = index_key(services, tile_set)
    whole, (_, picture) = store.get(key), rendered(services, tile_set, target)
    store.delete([key])
    # Another machine, whose cache has nothing.
    elsewhere = replace(services, store=open_store(f"s3://{store._bucket}/tessera", tmp_path / "other", 1 << 26))
    assert rendered(elsewhere, tile_set, target)[1] == picture
    assert store.get(index_key(services, tile_set)) == whole
