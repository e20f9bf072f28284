"""What a tile set holds at each version, and what the sweep may take away, on each database."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from models import database, exclusions, jobs, listing, photo_listing, queries, tile_set_versions, undo
from models.errors import InvalidOrder, LastTile, NotFound, NotReady
from models.listing import Wanted
from models.placing import NewSource, StoredFile, place_mosaic, place_photos
from models.retrying import place_again
from models.rules import blob_keys
from models.rules.orders import MosaicOrder
from models.rules.tile_set_words import SourceKind
from models.services import Services
from models.tables import Job, Tile, TileSet
from models.tile_set_versions import Indexed
from worker.jobs import garbage

ANNA, BEN, CLARA, DORA, EMIL = (bytes([number]) * 32 for number in range(1, 6))
LATER = timedelta(hours=2)


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> UUID:
    """Three photos, at version 1."""
    return indexed(services, [ANNA, BEN, CLARA]).id


def change(services: Services, what: Callable[..., None], tile_set: UUID, content: bytes) -> None:
    with services.sessions.begin() as session:
        what(session, tile_set, content.hex(), database.now(session))


def versions(services: Services, tile_set: UUID) -> list[tuple[int, int]]:
    """Return number and count of tiles of each version, the newest first."""
    with services.reading() as session:
        return [(version.number, version.tile_count) for version in queries.versions(session, tile_set)]


def left_out(services: Services, tile_set: UUID, version: int) -> set[str]:
    with services.reading() as session:
        return exclusions.excluded(session, tile_set, version)


def names(services: Services, tile_set: UUID) -> dict[str, bool]:
    """Return the photos that people see, and whether each is banned."""
    with services.reading() as session:
        return {shown.tile.name: shown.banned for shown in photo_listing.page(session, tile_set).rows}


def report(services: Services, tile_set: UUID) -> list[tuple[str, str]]:
    """Return the lines of the report, as many as it is said to have."""
    with services.reading() as session:
        lines = queries.skipped_photos(session, tile_set)
        assert queries.find_tile_set(session, tile_set).skipped_count == len(lines)
        return sorted((line.name, line.sentence) for line in lines)


def send(
    services: Services, tile_set: UUID, *contents: bytes, alike: Mapping[bytes, bytes] = MappingProxyType({})
) -> None:
    """Index more photos, as a worker does at the end of its job that found some to be nearly the same as another."""
    with services.sessions.begin() as session:
        place_photos(session, tile_set, [NewSource(SourceKind.PHOTO, "p", "k")], services.ring_again)
        session.add_all(
            Tile(tile_set_id=tile_set, content=content.hex(), name=f"{content[0]}.jpg") for content in contents
        )
        session.flush()
        held = queries.find_tile_set(session, tile_set)
        now = database.now(session)
        lease = jobs.claim(session, held.job_id, now, LATER)
        assert lease is not None
        jobs.succeed(session, lease, now)
        gone = frozenset(exclusions.removed(session, tile_set))
        held = set(session.scalars(select(Tile.content).where(Tile.tile_set_id == tile_set)))
        rows = len(held | exclusions.in_trash(session, tile_set))
        where = (
            blob_keys.index(tile_set, lease.name),
            blob_keys.plot(tile_set, lease.name),
            blob_keys.palette(tile_set, lease.name),
        )
        near = {content.hex(): other.hex() for content, other in alike.items()}
        tile_set_versions.publish(session, tile_set, Indexed(*where, rows, gone, near, "more"), now)


def order(services: Services, tile_set: UUID) -> UUID:
    identity = uuid4()
    target = StoredFile("t", blob_keys.target(identity))
    with services.sessions.begin() as session:
        place_mosaic(session, identity, tile_set, target, MosaicOrder(cells_across=2), services.ring_again)
    return identity


def finish(services: Services, mosaic: UUID) -> None:
    with services.sessions.begin() as session:
        jobs.cancel(session, [queries.find_mosaic(session, mosaic).job_id], database.now(session))


def test_a_banned_photo_is_left_out_from_the_next_version_on(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.ban, tile_set, BEN)
    assert versions(services, tile_set) == [(2, 2), (1, 3)]
    assert (left_out(services, tile_set, 1), left_out(services, tile_set, 2)) == (set(), {BEN.hex()})
    assert names(services, tile_set) == {"0.jpg": False, "1.jpg": True, "2.jpg": False}


def test_a_photo_that_is_banned_already_makes_no_version(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.ban, tile_set, BEN)
    change(services, tile_set_versions.ban, tile_set, BEN)
    assert versions(services, tile_set) == [(2, 2), (1, 3)]


def test_what_is_allowed_again_is_left_out_of_the_versions_between(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.ban, tile_set, BEN)
    change(services, tile_set_versions.allow, tile_set, BEN)
    assert versions(services, tile_set) == [(3, 3), (2, 2), (1, 3)]
    assert [left_out(services, tile_set, number) for number in (1, 2, 3)] == [set(), {BEN.hex()}, set()]


def test_to_allow_what_is_not_banned_changes_nothing(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.allow, tile_set, BEN)
    assert versions(services, tile_set) == [(1, 3)]


def test_a_removed_photo_is_seen_no_more(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.remove, tile_set, BEN)
    assert versions(services, tile_set) == [(2, 2), (1, 3)]
    assert names(services, tile_set) == {"0.jpg": False, "2.jpg": False}
    with pytest.raises(NotFound):
        change(services, tile_set_versions.remove, tile_set, BEN)


def test_a_banned_photo_that_is_removed_counts_once(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.ban, tile_set, BEN)
    change(services, tile_set_versions.remove, tile_set, BEN)
    assert versions(services, tile_set) == [(3, 2), (2, 2), (1, 3)]


def test_the_last_photo_that_is_used_can_be_neither_banned_nor_removed(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.ban, tile_set, ANNA)
    change(services, tile_set_versions.remove, tile_set, BEN)
    for what in (tile_set_versions.ban, tile_set_versions.remove):
        with pytest.raises(LastTile):
            change(services, what, tile_set, CLARA)
    assert versions(services, tile_set)[0] == (3, 1)


def test_new_photos_make_a_version_that_leaves_out_what_was_banned(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.ban, tile_set, BEN)
    send(services, tile_set, DORA)
    assert versions(services, tile_set)[0] == (3, 3)
    assert left_out(services, tile_set, 3) == {BEN.hex()}


def test_a_removed_photo_that_is_sent_again_is_back(services: Services, tile_set: UUID) -> None:
    change(services, tile_set_versions.remove, tile_set, BEN)
    send(services, tile_set, BEN)
    assert versions(services, tile_set) == [(3, 3), (2, 2), (1, 3)]
    assert [left_out(services, tile_set, number) for number in (2, 3)] == [{BEN.hex()}, set()]


def test_a_photo_that_was_removed_counts_no_more_once_the_index_is_without_it(
    services: Services, tile_set: UUID
) -> None:
    change(services, tile_set_versions.remove, tile_set, BEN)
    send(services, tile_set, DORA)
    assert versions(services, tile_set)[0] == (3, 3)
    purge(services)
    send(services, tile_set, b"\x05" * 32)
    assert versions(services, tile_set)[0] == (4, 4)


def test_a_mosaic_remembers_the_version_that_it_was_ordered_from(services: Services, tile_set: UUID) -> None:
    first = order(services, tile_set)
    change(services, tile_set_versions.ban, tile_set, BEN)
    second = order(services, tile_set)
    with services.reading() as session:
        found = [queries.find_mosaic(session, mosaic).tile_set_version for mosaic in (first, second)]
    assert found == [1, 2]


def test_photos_are_not_added_while_others_are_being_indexed(services: Services, tile_set: UUID) -> None:
    source = [NewSource(SourceKind.PHOTO, "p", "k")]
    with services.sessions.begin() as session:
        place_photos(session, tile_set, source, services.ring_again)
    with pytest.raises(NotReady, match="being indexed"), services.sessions.begin() as session:
        place_photos(session, tile_set, source, services.ring_again)
    order(services, tile_set)


def test_a_set_without_a_name_keeps_the_one_it_has(services: Services, tile_set: UUID) -> None:
    with pytest.raises(InvalidOrder), services.sessions.begin() as session:
        tile_set_versions.rename(session, tile_set, " \t")
    with services.sessions.begin() as session:
        tile_set_versions.rename(session, tile_set, "Summer\x07 1999")
    with services.reading() as session:
        assert queries.find_tile_set(session, tile_set).name == "Summer 1999"


def test_a_deleted_set_is_found_by_nobody_and_its_job_is_cancelled(services: Services, tile_set: UUID) -> None:
    with services.sessions.begin() as session:
        bell = place_photos(session, tile_set, [NewSource(SourceKind.PHOTO, "p", "k")], services.ring_again)
        tile_set_versions.drop(session, tile_set, database.now(session))
    with services.sessions.begin() as session:
        assert session.get_one(Job, bell.job_id).state == "cancelled"
        assert listing.tile_sets(session, Wanted()).rows == []
        with pytest.raises(NotFound):
            queries.find_indexed(session, tile_set)
    with pytest.raises(Exception, match="newer job"), services.sessions.begin() as session:
        place_again(session, bell.job_id)


# What is cleared away


def purge(services: Services) -> None:
    """Delete for good all that is in the trash."""
    with services.sessions.begin() as session:
        undo.purge(session, database.now(session), timedelta(0))


def collected(services: Services) -> set[str]:
    with services.sessions() as session:
        now = database.now(session)
    garbage.collect(services, now + LATER)
    return {blob.key for blob in services.store.list() if blob_keys.Key.parsed(blob.key) is not None}


def photos(tile_set: UUID, *contents: bytes) -> set[str]:
    makes = (blob_keys.tile, blob_keys.preview_of_tile, blob_keys.original)
    return {make(tile_set, content.hex()) for content in contents for make in makes}


@pytest.fixture
def stored(services: Services, tile_set: UUID) -> set[str]:
    """Return the keys of everything that a set of three photos has in the store."""
    with services.reading() as session:
        current = queries.find_tile_set(session, tile_set).current
    assert current is not None
    arrays = {current.index_key, current.plot_key or "", current.palette_key or ""}
    for key in arrays | photos(tile_set, ANNA, BEN, CLARA):
        services.store.put(key, b"x")
    return arrays


def test_a_removed_photo_goes_once_no_mosaic_is_to_be_made_of_it(
    services: Services, tile_set: UUID, stored: set[str]
) -> None:
    mosaic = order(services, tile_set)
    change(services, tile_set_versions.remove, tile_set, BEN)
    purge(services)
    assert stored | photos(tile_set, ANNA, BEN, CLARA) <= collected(services)
    finish(services, mosaic)
    assert collected(services) == stored | photos(tile_set, ANNA, CLARA)


def test_a_banned_photo_stays(services: Services, tile_set: UUID, stored: set[str]) -> None:
    change(services, tile_set_versions.ban, tile_set, BEN)
    assert collected(services) == stored | photos(tile_set, ANNA, BEN, CLARA)


def test_an_old_index_goes_once_no_mosaic_is_to_be_made_from_it(
    services: Services, tile_set: UUID, stored: set[str]
) -> None:
    mosaic = order(services, tile_set)
    send(services, tile_set, DORA)
    assert stored <= collected(services)
    finish(services, mosaic)
    assert collected(services) == photos(tile_set, ANNA, BEN, CLARA)


def test_the_photos_of_a_deleted_set_go_once_its_mosaics_are_done(
    services: Services, tile_set: UUID, stored: set[str]
) -> None:
    mosaic = order(services, tile_set)
    with services.sessions.begin() as session:
        tile_set_versions.drop(session, tile_set, database.now(session))
    purge(services)
    assert stored | photos(tile_set, ANNA, BEN, CLARA) <= collected(services)
    finish(services, mosaic)
    assert not {key for key in collected(services) if key.startswith("tile-sets/")}
    with services.reading() as session:
        assert photo_listing.page(session, tile_set).rows == []


def test_a_near_duplicate_is_left_out_from_a_version_on_and_its_file_stays(
    services: Services, tile_set: UUID, stored: set[str]
) -> None:
    send(services, tile_set, DORA, alike={BEN: ANNA})
    assert versions(services, tile_set) == [(2, 3), (1, 3)]
    assert (left_out(services, tile_set, 1), left_out(services, tile_set, 2)) == (set(), {BEN.hex()})
    assert list(names(services, tile_set)) == ["0.jpg", "2.jpg", "4.jpg"]
    assert report(services, tile_set) == [("1.jpg", "Nearly the same as 0.jpg.")]
    assert photos(tile_set, ANNA, BEN, CLARA) <= collected(services)


@pytest.mark.parametrize("what", [tile_set_versions.ban, tile_set_versions.remove])
def test_near_duplicates_are_used_again_when_what_stands_for_them_goes(
    services: Services, tile_set: UUID, what: Callable[..., None]
) -> None:
    send(services, tile_set, DORA, alike={BEN: ANNA, CLARA: ANNA})
    change(services, what, tile_set, ANNA)
    assert versions(services, tile_set) == [(3, 3), (2, 2), (1, 3)]
    assert left_out(services, tile_set, 2) == {BEN.hex(), CLARA.hex()}
    assert left_out(services, tile_set, 3) == {ANNA.hex()}
    assert report(services, tile_set) == []
    with services.reading() as session:
        assert "used instead: 2 that it stood for" in queries.versions(session, tile_set)[0].change


def test_the_last_photo_that_is_used_may_go_while_others_are_left_that_it_stood_for(
    services: Services, tile_set: UUID
) -> None:
    send(services, tile_set, DORA, alike={BEN: ANNA, CLARA: ANNA, DORA: ANNA})
    change(services, tile_set_versions.remove, tile_set, ANNA)
    assert versions(services, tile_set)[0] == (3, 3)


def test_the_next_index_says_anew_what_is_nearly_the_same(services: Services, tile_set: UUID) -> None:
    send(services, tile_set, DORA, alike={BEN: ANNA, CLARA: ANNA})
    send(services, tile_set, EMIL, alike={BEN: ANNA, CLARA: EMIL, ANNA: EMIL})
    assert versions(services, tile_set)[0] == (3, 2)
    assert left_out(services, tile_set, 2) == {BEN.hex(), CLARA.hex()}
    assert left_out(services, tile_set, 3) == {ANNA.hex(), BEN.hex(), CLARA.hex()}
    assert report(services, tile_set) == [
        ("0.jpg", "Nearly the same as 5.jpg."), ("1.jpg", "Nearly the same as 0.jpg."),
        ("2.jpg", "Nearly the same as 5.jpg."),
    ]  # fmt: skip
    send(services, tile_set, alike={})
    assert (versions(services, tile_set)[0], report(services, tile_set)) == ((4, 5), [])


@pytest.mark.parametrize("what", [tile_set_versions.ban, tile_set_versions.remove])
def test_a_photo_that_goes_while_others_are_compared_with_it_stands_for_none(
    services: Services, tile_set: UUID, what: Callable[..., None]
) -> None:
    change(services, what, tile_set, ANNA)
    send(services, tile_set, DORA, alike={BEN: ANNA, ANNA: CLARA})
    assert left_out(services, tile_set, 3) == {ANNA.hex()}
    assert report(services, tile_set) == []


@pytest.mark.parametrize("what", [tile_set_versions.ban, tile_set_versions.allow, tile_set_versions.remove])
def test_a_near_duplicate_is_not_there_to_be_changed(
    services: Services, tile_set: UUID, what: Callable[..., None]
) -> None:
    send(services, tile_set, DORA, alike={BEN: ANNA})
    with pytest.raises(NotFound):
        change(services, what, tile_set, BEN)


def test_the_page_shows_the_newest_versions_and_says_so_once_there_are_more(
    services: Services, client: FlaskClient, tile_set: UUID
) -> None:
    words = "These are the newest 10."
    for what in [tile_set_versions.ban, tile_set_versions.allow] * 4 + [tile_set_versions.ban]:
        change(services, what, tile_set, ANNA)
    assert words not in client.get(f"/tile-sets/{tile_set}").text
    change(services, tile_set_versions.allow, tile_set, ANNA)
    assert words in client.get(f"/tile-sets/{tile_set}").text


def test_a_cancelled_set_keeps_what_it_needs_to_go_on(services: Services, tile_set: UUID, stored: set[str]) -> None:
    upload = blob_keys.upload(tile_set, "0")
    services.store.put(upload, b"x")
    with services.sessions.begin() as session:
        bell = place_photos(session, tile_set, [NewSource(SourceKind.PHOTO, "p", upload)], services.ring_again)
        jobs.cancel(session, [bell.job_id], database.now(session))
    assert upload in collected(services)
