"""Tile sets as things people manage: by the API, and on the pages."""

import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import database, jobs, parts, queries, tile_set_versions
from models.parts import Listing
from models.rules import blob_keys
from models.services import Services
from models.tables import Source, Tile, TileSet
from web.app import assemble

ANNA, BEN, CLARA = (bytes([number]) * 32 for number in range(1, 4))
PNG = b"\x89PNG\r\n\x1a\n and so on"
JPEG = b"\xff\xd8\xff and so on"


@pytest.fixture
def client(sqlite_services: Services) -> FlaskClient:
    return assemble(sqlite_services).test_client()


@pytest.fixture
def tile_set(sqlite_services: Services, indexed: Callable[..., TileSet]) -> TileSet:
    """A set that the database believes to be indexed: 0.jpg, 1.jpg and 2.jpg."""
    return indexed(sqlite_services, [ANNA, BEN, CLARA])


@pytest.fixture
def address(tile_set: TileSet) -> str:
    return f"/api/v1/tile-sets/{tile_set.id}"


def send(client: FlaskClient, path: str, **form: Any) -> TestResponse:
    return client.post(path, data=form, content_type="multipart/form-data")


def photo(name: str = "p.jpg") -> tuple[io.BytesIO, str]:
    return io.BytesIO(JPEG), name


def state(services: Services, tile_set: TileSet) -> str:
    with services.reading() as session:
        return str(queries.find_tile_set(session, tile_set.id).job.state)


def fail_job(services: Services, tile_set: TileSet) -> None:
    with services.sessions.begin() as session:
        jobs.cancel(session, [queries.find_tile_set(session, tile_set.id).job_id], database.now(session))


def problem(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, (answer.get_json() or {}).get("code", "")


# The API


def test_a_set_says_its_version_and_its_history(client: FlaskClient, address: str) -> None:
    client.post(f"{address}/tiles/{BEN.hex()}/ban")
    shown = client.get(address).get_json()
    assert (shown["version"], shown["tile_count"], shown["progress"]) == (2, 2, None)
    assert [(version["number"], version["tile_count"], version["change"]) for version in shown["versions"]] == [
        (2, 2, "“1.jpg” was banned"),
        (1, 3, "made"),
    ]


def test_options_are_stored_with_the_set(client: FlaskClient) -> None:
    made = send(client, "/api/v1/tile-sets", photos=photo(), dedupe="yes", keep_originals="yes").get_json()
    assert (made["dedupe"], made["keep_originals"], made["version"], made["plot"]) == (True, True, None, None)
    plain = send(client, "/api/v1/tile-sets", photos=photo()).get_json()
    assert (plain["dedupe"], plain["keep_originals"]) == (False, False)


def test_a_choice_that_is_neither_yes_nor_no_is_refused(client: FlaskClient) -> None:
    answer = send(client, "/api/v1/tile-sets", photos=photo(), dedupe="perhaps")
    assert problem(answer) == (422, "invalid_order")


def test_a_method_that_is_not_allowed_names_those_that_are(client: FlaskClient, address: str) -> None:
    answer = client.put(address)
    assert problem(answer) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}


def test_the_photos_are_listed_page_by_page(client: FlaskClient, address: str) -> None:
    first = client.get(f"{address}/tiles?limit=2").get_json()
    assert [item["name"] for item in first["items"]] == ["0.jpg", "1.jpg"]
    second = client.get(first["next"]).get_json()
    assert [(item["name"], item["content"]) for item in second["items"]] == [("2.jpg", CLARA.hex())]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=1000", "after=-1", "after=x", f"after={2**63}"])
def test_a_page_that_cannot_be_is_refused(client: FlaskClient, address: str, query: str) -> None:
    assert problem(client.get(f"{address}/tiles?{query}")) == (422, "invalid_order")


def test_a_photo_is_banned_and_used_again(client: FlaskClient, address: str) -> None:
    one = f"{address}/tiles/{BEN.hex()}"
    assert client.post(f"{one}/ban").get_json()["banned"] is True
    assert [item["banned"] for item in client.get(f"{address}/tiles").get_json()["items"]] == [False, True, False]
    assert client.post(f"{one}/allow").get_json()["banned"] is False
    assert client.get(address).get_json()["tile_count"] == 3


def test_a_removed_photo_is_gone(client: FlaskClient, address: str) -> None:
    one = f"{address}/tiles/{BEN.hex()}"
    assert client.delete(one).status_code == 204
    assert problem(client.delete(one)) == (404, "not_found")
    assert [item["name"] for item in client.get(f"{address}/tiles").get_json()["items"]] == ["0.jpg", "2.jpg"]


def test_the_last_photo_stays(client: FlaskClient, address: str) -> None:
    client.post(f"{address}/tiles/{ANNA.hex()}/ban")
    client.post(f"{address}/tiles/{BEN.hex()}/ban")
    assert problem(client.post(f"{address}/tiles/{CLARA.hex()}/ban")) == (409, "last_tile")
    assert problem(client.delete(f"{address}/tiles/{CLARA.hex()}")) == (409, "last_tile")


@pytest.mark.parametrize("content", ["00" * 32, "x", "..%2f..%2fetc", "%00"])
def test_a_photo_that_is_not_there_is_a_404(client: FlaskClient, address: str, content: str) -> None:
    for ask in (client.get(f"{address}/tiles/{content}/preview"), client.post(f"{address}/tiles/{content}/ban")):
        assert problem(ask) == (404, "not_found")


def test_a_photo_of_another_set_is_a_404(
    client: FlaskClient, tile_set: TileSet, sqlite_services: Services, indexed: Callable[..., TileSet]
) -> None:
    sqlite_services.store.put(blob_keys.preview_of_tile(tile_set.id, BEN.hex()), JPEG)
    other = indexed(sqlite_services, [b"\x09" * 32])
    one = f"/api/v1/tile-sets/{other.id}/tiles/{BEN.hex()}"
    for ask in (client.get(f"{one}/preview"), client.post(f"{one}/ban"), client.delete(one)):
        assert problem(ask) == (404, "not_found")
    assert [item["content"] for item in client.get(f"/api/v1/tile-sets/{other.id}/tiles").get_json()["items"]] == [
        "09" * 32
    ]


@pytest.mark.parametrize(("data", "content_type"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
def test_a_photo_has_the_type_that_its_bytes_say(
    client: FlaskClient, address: str, tile_set: TileSet, sqlite_services: Services, data: bytes, content_type: str
) -> None:
    sqlite_services.store.put(blob_keys.tile(tile_set.id, BEN.hex()), data)
    answer = client.get(f"{address}/tiles/{BEN.hex()}/picture")
    assert (answer.data, answer.content_type) == (data, content_type)
    assert "immutable" in answer.headers["Cache-Control"]


def test_an_original_is_only_for_saving(
    client: FlaskClient, address: str, tile_set: TileSet, sqlite_services: Services
) -> None:
    sqlite_services.store.put(blob_keys.original(tile_set.id, BEN.hex()), b"<script>alert(1)</script>")
    one = f"{address}/tiles/{BEN.hex()}/original"
    assert problem(client.get(one)) == (404, "not_found")
    with sqlite_services.sessions.begin() as session:
        session.get_one(TileSet, tile_set.id).keep_originals = True
    answer = client.get(one)
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_linked_photo_has_a_preview_and_no_picture(
    client: FlaskClient, address: str, tile_set: TileSet, sqlite_services: Services
) -> None:
    with sqlite_services.sessions.begin() as session:
        tile = session.query(Tile).filter_by(tile_set_id=tile_set.id, content=BEN.hex()).one()
        tile.linked, tile.origin = True, "file:///holidays/1.jpg"
    sqlite_services.store.put(blob_keys.preview_of_tile(tile_set.id, BEN.hex()), JPEG)
    shown = client.get(f"{address}/tiles").get_json()["items"][1]
    assert (shown["linked"], shown["picture"], shown["original"]) == (True, None, None)
    assert client.get(shown["preview"]).data == JPEG
    assert problem(client.get(f"{address}/tiles/{BEN.hex()}/picture")) == (404, "not_found")
    assert "holidays" not in client.get(f"{address}/tiles").text


def test_the_colours_are_there_once_the_set_is_indexed(
    client: FlaskClient, address: str, tile_set: TileSet, sqlite_services: Services
) -> None:
    assert tile_set.current is not None
    sqlite_services.store.put(tile_set.current.plot_key or "", PNG)
    assert client.get(client.get(address).get_json()["plot"]).content_type == "image/png"
    young = send(client, "/api/v1/tile-sets", photos=photo()).get_json()
    assert problem(client.get(f"{young['url']}/plot")) == (409, "not_ready")


@pytest.mark.parametrize("how", ["json", "data"])
def test_a_set_is_renamed(client: FlaskClient, address: str, how: str) -> None:
    assert client.patch(address, **{how: {"name": "Summer 1999"}}).get_json()["name"] == "Summer 1999"
    assert client.get(address).get_json()["name"] == "Summer 1999"


@pytest.mark.parametrize("fields", [{}, {"name": " "}, {"name": "a", "owner": "me"}])
def test_a_set_is_not_renamed_to_nothing(client: FlaskClient, address: str, fields: dict[str, str]) -> None:
    assert problem(client.patch(address, json=fields)) == (422, "invalid_order")
    assert client.get(address).get_json()["name"] == "photos"


def test_a_deleted_set_is_gone_and_its_mosaics_stay(
    client: FlaskClient, address: str, tile_set: TileSet, target: bytes
) -> None:
    form = {"tile_set": str(tile_set.id), "cells_across": "1", "target": (io.BytesIO(target), "t.png")}
    mosaic = client.post("/api/v1/mosaics", data=form).get_json()
    assert client.delete(address).status_code == 204
    assert problem(client.get(address)) == (404, "not_found")
    assert problem(client.delete(address)) == (404, "not_found")
    assert client.get("/api/v1/tile-sets").get_json()["items"] == []
    shown = client.get(mosaic["url"]).get_json()
    assert (shown["tile_set"], shown["tile_set_version"]) == (str(tile_set.id), 1)
    assert "photos</bdi> (deleted)" in client.get(f"/mosaics/{mosaic['id']}").text
    form = {"tile_set": str(tile_set.id), "target": (io.BytesIO(target), "t.png")}
    assert problem(client.post("/api/v1/mosaics", data=form)) == (404, "not_found")


def test_photos_are_added_while_the_set_stays_in_use(
    client: FlaskClient, address: str, tile_set: TileSet, sqlite_services: Services
) -> None:
    answer = send(client, f"{address}/photos", photos=photo())
    assert (answer.status_code, answer.headers["Location"]) == (202, address)
    shown = client.get(address).get_json()
    assert (shown["job"]["state"], shown["version"], shown["tile_count"]) == ("queued", 1, 3)
    assert problem(send(client, f"{address}/photos", photos=photo())) == (409, "not_ready")
    uploads = [blob.key for blob in sqlite_services.store.list() if "/uploads/" in blob.key]
    assert len(uploads) == 1


def test_nothing_to_add_is_refused(client: FlaskClient, address: str) -> None:
    assert problem(send(client, f"{address}/photos")) == (422, "invalid_order")


def test_a_cancelled_set_goes_on_by_a_new_job(
    client: FlaskClient, address: str, tile_set: TileSet, sqlite_services: Services, redis_running: Any
) -> None:
    assert problem(client.post(f"{address}/resume")) == (409, "not_retryable")
    send(client, f"{address}/photos", photos=photo())
    assert client.post(f"{address}/cancel").get_json()["job"]["state"] == "cancelled"
    redis_running.client.flushall()
    assert client.post(f"{address}/resume").status_code == 202
    assert state(sqlite_services, tile_set) == "queued"
    assert redis_running.client.llen("indexing") == 1


def test_progress_is_told_while_a_set_is_being_indexed(
    client: FlaskClient, address: str, tile_set: TileSet, sqlite_services: Services
) -> None:
    send(client, f"{address}/photos", photos=photo())
    with sqlite_services.sessions.begin() as session:
        row = queries.find_tile_set(session, tile_set.id)
        span = sqlite_services.settings.lease_span
        held = jobs.claim(session, row.job_id, database.now(session), span)
        assert held is not None
        jobs.beat(session, held, database.now(session), span, "indexing", 0.5)
        session.flush()
        source = [each.id for each in session.query(Source).filter_by(tile_set_id=tile_set.id)]
        parts.lay_out(session, tile_set.id, source, [Listing("k", 2_220)])
        session.flush()
        lease = parts.claim(session, tile_set.id, database.now(session), sqlite_services.settings.lease_span, 3)
        assert lease is not None
        parts.beat(session, lease, database.now(session), sqlite_services.settings.lease_span, 1_250)
    far = client.get(address).get_json()["progress"]
    assert (far["done"], far["total"]) == (1_250, 2_220)
    assert far["rate"] > 0
    assert far["seconds_left"] == pytest.approx(970 / far["rate"])
    assert "1,250 of 2,220 photos" in client.get(f"/tile-sets/{tile_set.id}").text


# The pages


def page(client: FlaskClient, tile_set: TileSet, path: str = "") -> str:
    answer = client.get(f"/tile-sets/{tile_set.id}{path}")
    assert answer.status_code == 200
    return answer.text


def token(text: str) -> str:
    return text.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]


def test_a_page_shows_what_a_set_is(client: FlaskClient, tile_set: TileSet) -> None:
    text = page(client, tile_set)
    for words in ("3 photos are used in mosaics", "Version 1", "Add photos", "Rename", "Delete this tile set"):
        assert words in text
    assert "Go on where it stopped" not in text


def test_the_photos_have_a_page_with_what_can_be_done(client: FlaskClient, tile_set: TileSet) -> None:
    text = page(client, tile_set, "/photos")
    assert text.count('loading="lazy"') == 3
    assert 'aria-label="Choose 1.jpg"' in text
    for title in ("Ban", "Use again", "Remove"):
        assert f">{title}</button>" in text
    one = page(client, tile_set, f"/photos/{BEN.hex()}")
    assert "Mosaics are made of it." in one


@pytest.mark.parametrize("after", [2**63 - 1, -1, "x", "W10"])
def test_a_page_that_begins_nowhere_is_refused_with_a_sentence(
    client: FlaskClient, tile_set: TileSet, after: object
) -> None:
    page = client.get(f"/tile-sets/{tile_set.id}/photos?after={after}")
    assert (page.status_code, "This page cannot be found" in page.text) == (422, True)


def test_photos_are_banned_used_again_and_removed_by_forms(client: FlaskClient, tile_set: TileSet) -> None:
    photos = f"/tile-sets/{tile_set.id}/photos"
    form = {"csrf_token": token(page(client, tile_set, "/photos"))}
    for change, seen in (("ban", "It is banned"), ("allow", "Mosaics are made of it")):
        answer = client.post(f"{photos}/{BEN.hex()}/{change}", data=form, follow_redirects=True)
        assert (answer.status_code, seen in answer.text) == (200, True)
    answer = client.post(f"{photos}/{BEN.hex()}/remove", data=form, follow_redirects=True)
    assert "Choose 1.jpg" not in answer.text


def test_who_bans_a_photo_on_its_own_page_comes_back_to_it(client: FlaskClient, tile_set: TileSet) -> None:
    one = f"/tile-sets/{tile_set.id}/photos/{BEN.hex()}"
    form = {"csrf_token": token(page(client, tile_set, f"/photos/{BEN.hex()}"))}
    assert client.post(f"{one}/ban", data=form).headers["Location"] == one
    assert client.post(f"{one}/remove", data=form).headers["Location"].startswith(f"/tile-sets/{tile_set.id}/photos")


def test_a_page_says_why_the_last_photo_stays(client: FlaskClient, tile_set: TileSet) -> None:
    photos = f"/tile-sets/{tile_set.id}/photos"
    form = {"csrf_token": token(page(client, tile_set, "/photos"))}
    for content in (ANNA, BEN):
        client.post(f"{photos}/{content.hex()}/ban", data=form)
    answer = client.post(f"{photos}/{CLARA.hex()}/ban", data=form)
    assert answer.status_code == 409
    assert "is the last photo of this set that is used" in answer.text


def test_a_form_renames_a_set_and_says_what_is_wrong_with_a_name(client: FlaskClient, tile_set: TileSet) -> None:
    form = {"csrf_token": token(page(client, tile_set))}
    rename = f"/tile-sets/{tile_set.id}/rename"
    assert (
        "<h1><bdi>Summer</bdi></h1>"
        in client.post(rename, data=form | {"name": "Summer"}, follow_redirects=True).text
    )
    refused = client.post(rename, data=form | {"name": " "})
    assert (refused.status_code, "A tile set needs a name." in refused.text) == (422, True)


def test_a_form_adds_photos(client: FlaskClient, tile_set: TileSet, sqlite_services: Services) -> None:
    form = {"csrf_token": token(page(client, tile_set)), "photos": photo()}
    answer = client.post(f"/tile-sets/{tile_set.id}/add", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/tile-sets/{tile_set.id}")
    assert state(sqlite_services, tile_set) == "queued"
    assert "Photos can be added once these are indexed." in page(client, tile_set)


def test_a_cancelled_set_offers_to_go_on(client: FlaskClient, tile_set: TileSet, sqlite_services: Services) -> None:
    send(client, f"/api/v1/tile-sets/{tile_set.id}/photos", photos=photo())
    fail_job(sqlite_services, tile_set)
    text = page(client, tile_set)
    assert "Go on where it stopped" in text
    answer = client.post(f"/tile-sets/{tile_set.id}/resume", data={"csrf_token": token(text)})
    assert (answer.status_code, state(sqlite_services, tile_set)) == (303, "queued")


def test_a_set_is_deleted_only_after_a_question(client: FlaskClient, tile_set: TileSet) -> None:
    text = page(client, tile_set, "/delete")
    assert "Keep it" in text
    assert page(client, tile_set)
    answer = client.post(f"/tile-sets/{tile_set.id}/delete", data={"csrf_token": token(text)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get(f"/tile-sets/{tile_set.id}").status_code == 404


@pytest.mark.parametrize("path", ["add", "rename", "cancel", "resume", "delete", f"photos/{BEN.hex()}/remove"])
def test_every_form_needs_its_token(client: FlaskClient, tile_set: TileSet, path: str) -> None:
    answer = client.post(f"/tile-sets/{tile_set.id}/{path}")
    assert (answer.status_code, "form_expired" in answer.text) == (400, True)


def test_names_cannot_become_markup(client: FlaskClient, tile_set: TileSet, sqlite_services: Services) -> None:
    evil = '"><script>alert(1)</script>'
    with sqlite_services.sessions.begin() as session:
        session.query(Tile).filter_by(tile_set_id=tile_set.id, content=BEN.hex()).one().name = evil
        tile_set_versions.rename(session, tile_set.id, evil)
    for path in ("", "/photos", f"/photos/{BEN.hex()}", "/delete"):
        text = page(client, tile_set, path)
        assert "<script>" not in text
        assert "&lt;script&gt;" in text


def test_a_set_that_is_not_there_is_a_404_everywhere(client: FlaskClient) -> None:
    gone = f"/tile-sets/{uuid4()}"
    for path in ("", "/photos", "/delete", "/plot", "/palette", f"/photos/{BEN.hex()}"):
        assert client.get(gone + path).status_code == 404
