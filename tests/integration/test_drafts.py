"""The order page keeps the target: through every error, for a day, and for the same order once more."""

import io
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from models import database, drafts, tile_set_versions
from models.placing import StoredFile, place_batch
from models.rules import blob_keys
from models.rules.orders import MosaicOrder
from models.services import Services
from models.tables import Draft, Mosaic, Tile, TileSet
from worker.jobs import garbage, sweep

DAY = timedelta(days=1)


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> TileSet:
    return indexed(services)


def hidden(page: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found.group(1)


def said(page: TestResponse) -> str:
    return re.sub("</?bdi>", "", page.text)


@pytest.fixture
def order(client: FlaskClient, tile_set: TileSet) -> Callable[..., TestResponse]:
    """Send the form of the order page, with the draft of another page or a new one."""

    def send(page: TestResponse | None = None, target: bytes | None = None, **fields: Any) -> TestResponse:
        page = page or client.get("/mosaics/new")
        form = {"csrf_token": hidden(page, "csrf_token"), "draft": hidden(page, "draft")}
        form |= {"tile_set": str(tile_set.id), "cells_across": "12"} | fields
        if target is not None:
            form["target"] = (io.BytesIO(target), "holiday.png")
        return client.post("/mosaics", data={name: value for name, value in form.items() if value is not None})

    return send


def bitmap(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "BMP")
    return file.getvalue()


def ordered(services: Services) -> list[Mosaic]:
    with services.reading() as session:
        return list(session.query(Mosaic).order_by(Mosaic.created_at))


def identity(answer: TestResponse) -> UUID:
    assert answer.status_code == 303, answer.text
    return UUID(answer.headers["Location"].rpartition("/")[2])


def end(services: Services, draft: UUID, ago: timedelta = timedelta()) -> None:
    """End a draft, or make it one that has ended."""
    with services.sessions.begin() as session:
        ended = database.now(session) - ago
        session.execute(update(Draft).where(Draft.id == draft).values(expires_at=ended))


# The target survives every error


def test_the_target_and_all_values_survive_an_error_and_are_ordered_without_the_file(
    services: Services, order: Callable[..., TestResponse], target: bytes
) -> None:
    refused = order(None, target, cells_across="0", tile_size="77")
    assert refused.status_code == 422
    assert "holiday.png is kept" in said(refused)
    assert 'value="77"' in refused.text
    made = identity(order(refused, tile_size="77"))
    (mosaic,) = ordered(services)
    assert (mosaic.id, mosaic.target_name, mosaic.tile_size) == (made, "holiday.png", 77)
    assert services.store.get(mosaic.target_key) == target


def test_a_broken_target_is_one_sentence_and_the_one_before_stays(
    services: Services, order: Callable[..., TestResponse], target: bytes
) -> None:
    refused = order(None, target, cells_across="0")
    broken = order(refused, b"no picture at all")
    assert broken.status_code == 422
    assert "holiday.png is kept" in said(broken)
    identity(order(broken))
    assert services.store.get(ordered(services)[0].target_key) == target


def test_the_mask_survives_an_error_too(
    services: Services, order: Callable[..., TestResponse], target: bytes
) -> None:
    refused = order(None, target, cells_across="0", mask=(io.BytesIO(target), "mask.png"))
    assert "mask.png is kept" in said(refused)
    identity(order(refused))
    (mosaic,) = ordered(services)
    assert mosaic.mask == blob_keys.mask(mosaic.id)
    assert services.store.get(mosaic.mask) == target


def test_a_session_that_has_ended_loses_nothing_that_was_typed(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient, target: bytes
) -> None:
    page = order(None, target, cells_across="0")
    client.delete_cookie("tessera")
    answer = order(page, tile_size="77")
    assert (answer.status_code, ordered(services)) == (400, [])
    assert "Your session has ended" in answer.text
    assert 'value="77"' in answer.text
    identity(order(answer))
    assert len(ordered(services)) == 1


def test_without_its_token_a_form_keeps_nothing(
    services: Services, order: Callable[..., TestResponse], target: bytes
) -> None:
    assert order(None, target, csrf_token=None).status_code == 400
    assert list(services.store.list("mosaics")) == []


def test_a_set_that_was_deleted_meanwhile_is_one_sentence(
    services: Services, order: Callable[..., TestResponse], tile_set: TileSet, target: bytes
) -> None:
    page = order(None, target, cells_across="0")
    with services.sessions.begin() as session:
        session.get_one(TileSet, tile_set.id).deleted_at = database.now(session)
    answer = order(page)
    assert answer.status_code == 404
    assert "is in the trash" in answer.text
    assert "holiday.png is kept" in said(answer)


# The same order once more is the same mosaic


def test_a_form_that_is_sent_twice_is_one_mosaic(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient, target: bytes
) -> None:
    page = client.get("/mosaics/new")
    assert identity(order(page, target)) == identity(order(page, target)) == ordered(services)[0].id
    assert len(ordered(services)) == 1


def test_a_form_that_is_sent_twice_at_once_is_one_mosaic(
    services: Services, tile_set: TileSet, order: Callable[..., TestResponse], target: bytes
) -> None:
    draft = UUID(hidden(order(None, target, cells_across="0"), "draft"))
    barrier, made = threading.Barrier(8), []

    def place() -> None:
        barrier.wait()
        with services.sessions.begin() as session:
            kept = drafts.find(session, draft)
            assert kept is not None
            made.append(
                drafts.place(session, kept, tile_set.id, MosaicOrder(cells_across=12), None, services.ring_again)
            )

    threads = [threading.Thread(target=place) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found for found, _ in made] == [draft] * 8
    assert sum(bell is not None for _, bell in made) == 1


def test_after_a_photo_was_banned_the_same_form_is_another_mosaic(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient, indexed: Callable[..., TileSet],
    target: bytes,
) -> None:  # fmt: skip
    tile_set, page = indexed(services, [b"one", b"other"]), client.get("/mosaics/new")
    first = identity(order(page, target, tile_set=str(tile_set.id)))
    with services.sessions.begin() as session:
        content = session.scalars(select(Tile.content).where(Tile.tile_set_id == tile_set.id)).first()
        assert content is not None
        tile_set_versions.ban(session, tile_set.id, content, database.now(session))
    second = identity(order(page, target, tile_set=str(tile_set.id)))
    assert second == identity(order(page, target, tile_set=str(tile_set.id))) != first
    assert [mosaic.tile_set_version for mosaic in ordered(services)] == [1, 2]


def test_a_picture_that_was_edited_and_has_the_same_name_and_size_is_another_target(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient
) -> None:
    page = client.get("/mosaics/new")
    before, after = bitmap("navy"), bitmap("white")
    assert len(before) == len(after)
    first, second = (identity(order(page, each)) for each in (before, after))
    assert first != second
    assert [services.store.get(mosaic.target_key) for mosaic in ordered(services)] == [before, after]


def test_going_back_and_ordering_something_else_is_another_mosaic_of_the_same_target(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient, target: bytes
) -> None:
    page = client.get("/mosaics/new")
    first, second = identity(order(page, target)), identity(order(page, cells_across="13"))
    assert first != second
    keys = {mosaic.target_key for mosaic in ordered(services)}
    assert keys == {blob_keys.target(first)}


def test_another_file_of_an_ordered_draft_replaces_nothing(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient, target: bytes
) -> None:
    page = client.get("/mosaics/new")
    first = identity(order(page, target))
    second = identity(order(page, target + b" "))
    assert services.store.get(blob_keys.target(first)) == target
    assert services.store.get(blob_keys.target(second)) == target + b" "


# Same order, changed


def test_any_order_can_be_repeated_with_its_target_and_its_values(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient, target: bytes
) -> None:
    first = identity(order(None, target, tint="0.31", mask_alpha="yes"))
    client.post(f"/api/v1/mosaics/{first}/cancel")
    page = client.get(f"/mosaics/new?again={first}")
    assert "holiday.png is kept" in said(page)
    assert 'value="0.31"' in page.text
    second = identity(order(page, again=str(first), cells_across="20", tint="0.31", mask_alpha="yes"))
    old, new = ordered(services)
    assert (new.id, new.target_key, new.mask) == (second, old.target_key, "alpha")
    assert (new.cells_across, new.tint) == (20, 0.31)
    loaded_again = client.get(f"/mosaics/new?again={first}&draft={second}")
    assert "holiday.png is kept" in said(loaded_again)
    assert 'value="0.31"' in loaded_again.text


def test_the_target_of_a_batch_can_be_repeated_too(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient, tile_set: TileSet, target: bytes
) -> None:
    batch = uuid4()
    stored = StoredFile("guest.png", blob_keys.batch_target(batch, 0), 3)
    with services.sessions.begin() as session:
        place_batch(session, batch, "", tile_set.id, [stored], MosaicOrder(cells_across=9), services.ring_again)
    (of_batch,) = ordered(services)
    page = client.get(f"/mosaics/new?again={of_batch.id}")
    made = identity(order(page, again=str(of_batch.id)))
    mosaic = next(each for each in ordered(services) if each.id == made)
    assert (mosaic.target_key, mosaic.target_entry, mosaic.batch_id) == (stored.key, 3, None)


def test_an_order_that_is_not_there_cannot_be_repeated(client: FlaskClient) -> None:
    assert client.get(f"/mosaics/new?again={uuid4()}").status_code == 404


# A draft ends


def test_a_draft_that_has_ended_says_so_and_keeps_what_was_typed(
    services: Services, order: Callable[..., TestResponse], target: bytes
) -> None:
    page = order(None, target, cells_across="0")
    end(services, UUID(hidden(page, "draft")))
    answer = order(page, target_name="holiday.png", tile_size="77")
    assert answer.status_code == 422
    assert "was kept for a day, and that is over" in answer.text
    assert 'value="77"' in answer.text


def test_the_address_of_a_draft_that_has_ended_says_so(
    services: Services, order: Callable[..., TestResponse], client: FlaskClient, target: bytes
) -> None:
    draft = UUID(hidden(order(None, target, cells_across="0"), "draft"))
    assert "holiday.png is kept" in said(client.get(f"/mosaics/new?draft={draft}"))
    end(services, draft)
    page = client.get(f"/mosaics/new?draft={draft}").text
    assert "was kept for a day, and that is over" in page
    assert "holiday.png" not in page


def test_a_draft_that_two_requests_add_is_one(services: Services) -> None:
    identity, names = uuid4(), []
    for name in ("first.png", "second.png"):
        with services.sessions.begin() as session:
            kept = Draft(id=identity, target_name=name, target_key="k", sideways=False)
            names.append(drafts.add(session, kept, most=3).target_name)
    assert names == ["first.png", "first.png"]


def test_a_draft_keeps_its_files_until_it_ends_and_the_sweep_takes_them_then(
    services: Services, order: Callable[..., TestResponse], target: bytes
) -> None:
    draft = UUID(hidden(order(None, target, cells_across="0"), "draft"))
    key = blob_keys.target(draft)
    with services.reading() as session:
        later = database.now(session) + timedelta(hours=23)
    garbage.collect(services, later)
    assert services.store.holds(key)
    end(services, draft)
    seen = garbage.survey(services, later)
    assert ([blob.key for blob in seen.spent], seen.unknown) == ([key], [])
    garbage.collect(services, later)
    assert not services.store.holds(key)


def test_a_draft_that_was_ordered_leaves_its_target_to_the_mosaic(
    services: Services, order: Callable[..., TestResponse], target: bytes
) -> None:
    made = identity(order(None, target))
    end(services, made, 90 * DAY)
    sweep.collect(services)
    with services.reading() as session:
        assert session.get(Draft, made) is None
        garbage.collect(services, database.now(session) + 90 * DAY)
    assert services.store.holds(blob_keys.target(made))


def test_the_row_of_a_draft_stays_for_as_long_as_its_files_may_be_in_the_trash(
    services: Services, order: Callable[..., TestResponse], target: bytes
) -> None:
    draft = UUID(hidden(order(None, target, cells_across="0"), "draft"))
    days = services.settings.store_trash_days

    def is_there() -> bool:
        with services.reading() as session:
            return session.get(Draft, draft) is not None

    end(services, draft, timedelta(days=days + 1))
    sweep.collect(services)
    assert is_there()
    end(services, draft, timedelta(days=days + 3))
    sweep.collect(services)
    assert not is_there()


def test_beyond_a_number_of_drafts_the_oldest_ends(services: Services) -> None:
    made = []
    for number in range(4):
        with services.sessions.begin() as session:
            kept = Draft(id=uuid4(), target_name=f"{number}.png", target_key="k", sideways=False)
            made.append(drafts.add(session, kept, most=3).id)
    with services.reading() as session:
        assert [drafts.find(session, each) is not None for each in made] == [False, True, True, True]
