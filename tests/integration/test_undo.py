"""What is removed or deleted comes back as it was, until it is purged; on each database, and on the pages."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from models import database, exclusions, jobs, photo_listing, queries, tile_set_versions, undo
from models.errors import InvalidOrder, NotFound
from models.placing import NewSource, StoredFile, place_mosaic, place_photos
from models.rules import blob_keys
from models.rules.orders import MosaicOrder
from models.rules.tile_set_words import SourceKind
from models.services import Services
from models.tables import Exclusion, Tile, TileSet
from models.tile_set_versions import Indexed
from web.app import assemble
from worker.jobs import garbage, sweep
from worker.tile_sets import index_repair

ANNA, BEN, CLARA = (bytes([number]) * 32 for number in range(1, 4))
B = BEN.hex()
MONTH = timedelta(days=30)


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> UUID:
    """Three photos, 0.jpg to 2.jpg, at version 1."""
    return indexed(services, [ANNA, BEN, CLARA]).id


def do(services: Services, what: Callable[..., Any], *arguments: Any, now: bool = True) -> None:
    with services.sessions.begin() as session:
        what(session, *arguments, *([database.now(session)] if now else []))


def drop(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.drop, tile_set)


def restore(services: Services, tile_set: UUID) -> None:
    do(services, undo.restore_set, tile_set, now=False)


def later(services: Services, span: timedelta) -> int:
    """Purge as the sweep does after a span; return how much that took."""
    with services.sessions.begin() as session:
        return undo.purge(session, database.now(session) + span, MONTH)


def seen(services: Services, tile_set: UUID) -> tuple[int, int, set[str]]:
    """Return version and count of tiles, and the names that people see."""
    with services.reading() as session:
        current = queries.find_tile_set(session, tile_set).current
        assert current is not None
        names = {shown.tile.name for shown in photo_listing.page(session, tile_set).rows}
        return current.number, current.tile_count, names


def test_a_removed_photo_comes_back_as_a_new_version(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    assert seen(services, tile_set) == (2, 2, {"0.jpg", "2.jpg"})
    do(services, undo.restore_photo, tile_set, B)
    assert seen(services, tile_set) == (3, 3, {"0.jpg", "1.jpg", "2.jpg"})
    with services.reading() as session:
        left_out = [exclusions.excluded(session, tile_set, number) for number in (1, 2, 3)]
        assert queries.find_tile(session, tile_set, B).tile.since == 1
        assert queries.versions(session, tile_set)[0].change == "“1.jpg” was taken back"
    assert left_out == [set(), {B}, set()]


def test_a_second_undo_changes_nothing(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    for _ in range(2):
        do(services, undo.restore_photo, tile_set, B)
    assert seen(services, tile_set)[:2] == (3, 3)
    drop(services, tile_set)
    for _ in range(2):
        restore(services, tile_set)
    assert seen(services, tile_set)[:2] == (3, 3)


def test_a_photo_that_was_banned_before_it_was_removed_comes_back_banned(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.ban, tile_set, B)
    do(services, tile_set_versions.remove, tile_set, B)
    do(services, undo.restore_photo, tile_set, B)
    assert seen(services, tile_set)[:2] == (4, 2)
    with services.reading() as session:
        assert queries.find_tile(session, tile_set, B).banned


def test_a_linked_photo_comes_back_with_its_place(services: Services, tile_set: UUID) -> None:
    place = {"origin": "/photos/b.jpg", "stamp": "12-34", "linked": True}
    with services.sessions.begin() as session:
        tile = session.scalars(select(Tile).where(Tile.content == B)).one()
        for name, value in place.items():
            setattr(tile, name, value)
    do(services, tile_set_versions.remove, tile_set, B)
    do(services, undo.restore_photo, tile_set, B)
    with services.reading() as session:
        back = queries.find_tile(session, tile_set, B).tile
        assert {name: getattr(back, name) for name in place} == place


def test_what_was_used_instead_is_left_out_again(services: Services, tile_set: UUID) -> None:
    with services.sessions.begin() as session:
        exclusions.set_aside(session, tile_set, {CLARA.hex(): B}, 1)
        current = queries.find_tile_set(session, tile_set).current
        assert current is not None
        current.tile_count = 2
    do(services, tile_set_versions.remove, tile_set, B)
    assert seen(services, tile_set) == (2, 2, {"0.jpg", "2.jpg"})
    do(services, undo.restore_photo, tile_set, B)
    assert seen(services, tile_set) == (3, 2, {"0.jpg", "1.jpg"})


def index_again(services: Services, tile_set: UUID, content: bytes) -> Indexed:
    """Index one more photo, as a worker does at the end of its job."""
    with services.sessions.begin() as session:
        bell = place_photos(session, tile_set, [NewSource(SourceKind.PHOTO, "p", "k")], services.ring_again)
        if session.scalar(select(Tile.id).where(Tile.tile_set_id == tile_set, Tile.content == content.hex())) is None:
            session.add(Tile(tile_set_id=tile_set, content=content.hex(), name="more.jpg"))
        now = database.now(session)
        lease = jobs.claim(session, bell.job_id, now, MONTH)
        assert lease is not None
        jobs.succeed(session, lease, now)
        held = set(session.scalars(select(Tile.content).where(Tile.tile_set_id == tile_set)))
        gone = frozenset(exclusions.removed(session, tile_set))
        rows = len(held | exclusions.in_trash(session, tile_set))
        made = Indexed("i2", "plot2", "palette2", rows, gone, {}, "more")
        tile_set_versions.publish(session, tile_set, made, now)
    return made


def test_a_photo_comes_back_that_was_in_the_trash_while_others_came_in(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    made = index_again(services, tile_set, b"\x09" * 32)
    assert B not in made.left_out
    do(services, undo.restore_photo, tile_set, B)
    assert seen(services, tile_set) == (4, 4, {"0.jpg", "1.jpg", "2.jpg", "more.jpg"})


def test_a_photo_that_was_sent_again_is_in_the_trash_no_more(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    index_again(services, tile_set, BEN)
    assert seen(services, tile_set)[:2] == (3, 3)
    with services.reading() as session:
        assert list(undo.photos(session)) == []
    do(services, undo.restore_photo, tile_set, B)
    assert seen(services, tile_set)[:2] == (3, 3)


def test_a_photo_comes_back_while_it_is_being_sent_again(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    with services.sessions.begin() as session:
        session.add(Tile(tile_set_id=tile_set, content=B, name="again.jpg"))
    do(services, undo.restore_photo, tile_set, B)
    assert seen(services, tile_set) == (3, 3, {"0.jpg", "1.jpg", "2.jpg"})


def test_a_deleted_set_comes_back_with_all_it_had(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    with services.sessions.begin() as session:
        source = NewSource(SourceKind.PHOTO, "p", blob_keys.upload(tile_set, "0"))
        place_photos(session, tile_set, [source], services.ring_again)
    services.store.put(blob_keys.upload(tile_set, "0"), b"x")
    drop(services, tile_set)
    sweep.collect(services)
    restore(services, tile_set)
    assert seen(services, tile_set) == (2, 2, {"0.jpg", "2.jpg"})
    assert services.store.get(blob_keys.upload(tile_set, "0")) == b"x"
    with services.reading() as session:
        assert queries.find_tile_set(session, tile_set).job.state == "cancelled"
    do(services, undo.restore_photo, tile_set, B)
    assert seen(services, tile_set)[:2] == (3, 3)


def test_what_is_in_the_trash_keeps_its_blobs_until_it_is_purged(services: Services, tile_set: UUID) -> None:
    with services.reading() as session:
        current = queries.find_tile_set(session, tile_set).current
    assert current is not None
    for key in (current.index_key, blob_keys.tile(tile_set, B), blob_keys.tile(tile_set, ANNA.hex())):
        services.store.put(key, b"x")

    def held() -> set[str]:
        with services.reading() as session:
            later = database.now(session) + timedelta(hours=2)
        garbage.collect(services, later)
        kept = {blob.key for blob in services.store.list(blob_keys.TILE_SETS)}
        return {key.rpartition("/")[2][:4] for key in kept}

    do(services, tile_set_versions.remove, tile_set, B)
    index_again(services, tile_set, b"\x09" * 32)
    assert {"0101", "0202"} <= held()
    drop(services, tile_set)
    assert {"0101", "0202"} <= held()
    restore(services, tile_set)
    do(services, undo.purge_photo, tile_set, B, now=False)
    assert held() == {"0101"}
    drop(services, tile_set)
    assert held() == {"0101"}
    do(services, undo.purge_set, tile_set)
    assert held() == set()


def test_an_index_that_is_made_again_holds_what_is_in_the_trash(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    index_again(services, tile_set, b"\x09" * 32)
    with services.reading() as session:
        version = queries.find_version(session, tile_set, 3)
        assert {content.hex()[:2] for content in index_repair._contents(session, version)} == {"01", "02", "03", "09"}


def test_a_photo_does_not_come_back_into_a_set_that_is_in_the_trash(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    drop(services, tile_set)
    with services.reading() as session:
        assert list(undo.photos(session)) == []
    with pytest.raises(NotFound, match="“photos” is in the trash; take it back first"):
        do(services, undo.restore_photo, tile_set, B)


def test_an_order_on_a_set_in_the_trash_says_where_the_set_is(services: Services, tile_set: UUID) -> None:
    drop(services, tile_set)
    target = StoredFile("t", "k")
    with pytest.raises(NotFound, match="is in the trash"), services.sessions.begin() as session:
        place_mosaic(session, uuid4(), tile_set, target, MosaicOrder(cells_across=1), services.ring_again)


def test_the_trash_is_purged_after_its_days_and_not_before(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    assert later(services, MONTH - timedelta(minutes=5)) == 0
    assert later(services, MONTH + timedelta(minutes=5)) == 1
    with pytest.raises(NotFound):
        do(services, undo.restore_photo, tile_set, B)
    drop(services, tile_set)
    assert later(services, MONTH - timedelta(minutes=5)) == 0
    assert later(services, MONTH + timedelta(minutes=5)) == 1
    with pytest.raises(NotFound, match="There is no such tile set"):
        restore(services, tile_set)
    assert seen_in_trash(services) == ([], [])


def seen_in_trash(services: Services) -> tuple[list[str], list[str]]:
    with services.reading() as session:
        return [row.name for row in undo.tile_sets(session)], [row.name for row in undo.photos(session)]


def test_a_photo_that_is_gone_for_good_does_not_come_back_with_a_folder(services: Services, tile_set: UUID) -> None:
    do(services, tile_set_versions.remove, tile_set, B)
    do(services, undo.purge_photo, tile_set, B, now=False)
    with services.reading() as session:
        reasons = select(Exclusion.reason).where(Exclusion.content == B, Exclusion.until.is_(None))
        assert list(session.scalars(reasons)) == ["removed"]
        assert exclusions.removed(session, tile_set) == {B}


@pytest.mark.parametrize("what", ["photo", "set"])
def test_of_an_undo_and_a_purge_at_once_one_wins(postgresql_services: Services, indexed: Any, what: str) -> None:
    services = postgresql_services
    for _ in range(10):
        tile_set = indexed(services, [ANNA, BEN, CLARA]).id
        if what == "photo":
            do(services, tile_set_versions.remove, tile_set, B)
        else:
            drop(services, tile_set)
        errors: list[NotFound] = []
        purged: list[int] = []
        gate = threading.Barrier(2)

        def take_back(tile_set: UUID = tile_set, errors: list[NotFound] = errors, gate: Any = gate) -> None:
            gate.wait()
            try:
                if what == "photo":
                    do(services, undo.restore_photo, tile_set, B)
                else:
                    restore(services, tile_set)
            except NotFound as error:
                errors.append(error)

        def purge(purged: list[int] = purged, gate: Any = gate) -> None:
            gate.wait()
            purged.append(later(services, 2 * MONTH))

        threads = [threading.Thread(target=each) for each in (take_back, purge)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(errors), purged) in [(0, [0]), (1, [1])]


def test_sets_in_the_trash_are_named_by_name_or_id(
    services: Services, tile_set: UUID, indexed: Callable[..., TileSet]
) -> None:
    drop(services, tile_set)
    with services.reading() as session:
        assert undo.find_named(session, "photos").id == undo.find_named(session, str(tile_set)).id == tile_set
    drop(services, indexed(services, [ANNA]).id)
    with services.reading() as session, pytest.raises(InvalidOrder, match="2 tile sets called “photos”"):
        undo.find_named(session, "photos")


# The pages and the API


@pytest.fixture
def client(sqlite_services: Services) -> FlaskClient:
    return assemble(sqlite_services).test_client()


@pytest.fixture
def mine(sqlite_services: Services, indexed: Callable[..., TileSet]) -> UUID:
    return indexed(sqlite_services, [ANNA, BEN, CLARA]).id


def press(client: FlaskClient, page: str, action: str, **more: str) -> Any:
    """Press the button of the form on a page that leads to an address, which must be there."""
    text = client.get(page).text
    assert f'action="{action}"' in text
    token = text.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]
    return client.post(action, data={"csrf_token": token, **more})


def test_a_page_offers_a_removed_photo_back_at_once(client: FlaskClient, mine: UUID) -> None:
    photos = f"/tile-sets/{mine}/photos"
    token = client.get(photos).text.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]
    for _ in range(2):
        assert client.post(f"{photos}/{B}/remove", data={"csrf_token": token, "after": "0"}).status_code == 303
    assert "<bdi>“1.jpg” was removed</bdi>." in client.get(photos).text
    answer = press(client, photos, f"{photos}/undo", version="2")
    assert (answer.status_code, answer.headers["Location"]) == (303, photos)
    text = client.get(photos).text
    assert ("was removed" in text, "Choose 1.jpg" in text) == (False, True)


def test_a_page_offers_a_deleted_set_back_at_once(client: FlaskClient, mine: UUID) -> None:
    assert "can be taken back for 30 days" in client.get(f"/tile-sets/{mine}/delete").text
    for _ in range(2):
        token = client.get("/tile-sets/new").text.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]
        answer = client.post(f"/tile-sets/{mine}/delete", data={"csrf_token": token})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "“photos” was deleted." in client.get("/").text
    answer = press(client, "/", f"/trash/tile-sets/{mine}/restore")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/tile-sets/{mine}")
    assert "was deleted" not in client.get("/").text


def test_the_trash_says_how_many_days_are_left_and_deletes_for_good_after_a_question(
    client: FlaskClient, mine: UUID, sqlite_services: Services, indexed: Callable[..., TileSet]
) -> None:
    other = indexed(sqlite_services, [ANNA], name="other").id
    client.delete(f"/api/v1/tile-sets/{mine}/tiles/{B}")
    client.delete(f"/api/v1/tile-sets/{other}")
    text = client.get("/trash").text
    assert (text.count("30 days left"), "1.jpg" in text, "other" in text) == (2, True, True)
    for thing in (f"/trash/photos/{mine}/{B}/delete", f"/trash/tile-sets/{other}/delete"):
        assert "This is final: there is no way back" in client.get(thing).text
        assert press(client, thing, thing).status_code == 303
        assert client.get(thing).status_code == 404
    assert "The trash is empty." in client.get("/trash").text


def test_the_trash_is_emptied_after_a_question(client: FlaskClient, mine: UUID) -> None:
    client.delete(f"/api/v1/tile-sets/{mine}")
    assert "This is final" in client.get("/trash/empty").text
    assert press(client, "/trash/empty", "/trash/empty").status_code == 303
    assert "The trash is empty." in client.get("/trash").text


def test_programs_list_take_back_and_delete_for_good(client: FlaskClient, mine: UUID) -> None:
    tile = f"/api/v1/tile-sets/{mine}/tiles/{B}"
    client.delete(tile)
    photo = client.get("/api/v1/trash").get_json()["photos"][0]
    assert (photo["name"], photo["days_left"], photo["content"]) == ("1.jpg", 30, B)
    assert client.post(photo["restore"]).get_json()["name"] == "1.jpg"
    client.delete(tile)
    assert client.delete(photo["purge"]).status_code == 204
    assert client.post(photo["restore"]).status_code == 404
    client.delete(f"/api/v1/tile-sets/{mine}")
    gone = client.get("/api/v1/trash").get_json()["tile_sets"][0]
    assert client.post(gone["restore"]).get_json()["id"] == str(mine)
    client.delete(f"/api/v1/tile-sets/{mine}")
    assert client.delete(gone["purge"]).status_code == 204
    assert client.post(gone["restore"]).status_code == 404


@pytest.mark.parametrize("path", ["", "?before=0", "?before=9223372036854775807", "?before=x", "?before=-1"])
def test_no_page_of_the_trash_is_an_error(client: FlaskClient, path: str) -> None:
    assert client.get(f"/trash{path}").status_code == 200


def test_what_is_not_in_the_trash_is_a_404(client: FlaskClient, mine: UUID) -> None:
    nowhere = uuid4()
    for path in (f"photos/{mine}/{B}", f"photos/{nowhere}/{B}", f"tile-sets/{mine}", f"tile-sets/{nowhere}"):
        assert client.get(f"/trash/{path}/delete").status_code == 404
        assert client.delete(f"/api/v1/trash/{path}").status_code == 404
    assert client.get(f"/trash/photos/{mine}/{B}/preview").status_code == 404
    assert client.post(f"/api/v1/tile-sets/{nowhere}/restore").status_code == 404
    assert client.post(f"/api/v1/tile-sets/{mine}/tiles/{'0' * 64}/restore").status_code == 404
