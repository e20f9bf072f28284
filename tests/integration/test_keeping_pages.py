"""The pages and the API of what becomes of mosaics and batches after they were ordered."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from models import database, jobs, queries
from models.errors import StorageUnreadable
from models.placing import StoredFile, place_batch, place_mosaic
from models.rules import blob_keys
from models.rules.orders import MosaicOrder
from models.services import Services
from models.tables import Mosaic, TileSet
from web import manifests
from web.views import batches


@pytest.fixture
def services(sqlite_services: Services) -> Services:
    return sqlite_services


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> UUID:
    return indexed(services, [bytes([1]) * 32]).id


@pytest.fixture
def mosaic(services: Services, tile_set: UUID) -> str:
    """A mosaic that waits."""
    identity = uuid4()
    target = StoredFile("t.png", blob_keys.target(identity))
    with services.sessions.begin() as session:
        place_mosaic(session, identity, tile_set, target, MosaicOrder(cells_across=2), services.ring_again)
    return str(identity)


@pytest.fixture
def batch(services: Services, tile_set: UUID) -> tuple[str, list[str]]:
    """A batch of four mosaics: the first and the last failed, the second is made, the third waits."""
    identity = uuid4()
    names = ["=1+1", "b.png", "c.png", "d<b>.png"]
    targets = [StoredFile(name, blob_keys.batch_target(identity, number)) for number, name in enumerate(names)]
    with services.sessions.begin() as session:
        place_batch(session, identity, "Guests", tile_set, targets, MosaicOrder(cells_across=2), services.ring_again)
    with services.sessions.begin() as session:
        now = database.now(session)
        rows = queries.batch_mosaics(session, identity)
        for row in (rows[0], rows[3], rows[1]):
            lease = jobs.claim(session, row.job_id, now, services.settings.lease_span)
            assert lease is not None
            if row is rows[1]:
                jobs.succeed(session, lease, now)
                row.first.key, row.first.byte_count, row.first.sha256 = "k", 7, "ab" * 32
            else:
                jobs.fail(session, lease, now, StorageUnreadable("It cannot be read."))
        return str(identity), [str(row.id) for row in rows]


def press(client: FlaskClient, page: str, action: str, **more: str) -> Any:
    """Press the button of the form on a page that leads to an address, which must be there."""
    text = client.get(page).text
    assert f'action="{action}"' in text
    token = text.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]
    return client.post(action, data={"csrf_token": token, **more})


def test_a_mosaic_is_deleted_on_its_page_and_taken_back_by_the_bar_on_lists(client: FlaskClient, mosaic: str) -> None:
    answer = press(client, f"/mosaics/{mosaic}", f"/mosaics/{mosaic}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/mosaics")
    gone = client.get(f"/mosaics/{mosaic}")
    assert (gone.status_code, "“t.png” is in the trash; take it back first" in gone.text) == (404, True)
    for path in ("picture", "preview", "thumbnail", "placement.json", "cells", "cells/0/0"):
        assert client.get(f"/mosaics/{mosaic}/{path}").status_code == 404
    for page in ("/", "/mosaics", "/batches", "/tile-sets"):
        assert "“t.png” was deleted." in client.get(page).text
        assert f'href="/mosaics/{mosaic}"' not in client.get(page).text
    answer = press(client, "/mosaics", f"/trash/mosaics/{mosaic}/restore")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/mosaics/{mosaic}")
    assert "was deleted" not in client.get("/").text
    assert "Cancelled." in client.get(f"/mosaics/{mosaic}").text


def test_a_double_click_on_delete_is_no_error(client: FlaskClient, mosaic: str, batch: tuple[str, list[str]]) -> None:
    client.application.config["WTF_CSRF_ENABLED"] = False
    for path in (f"/mosaics/{mosaic}", f"/mosaics/{batch[1][0]}", f"/batches/{batch[0]}"):
        places = [client.post(f"{path}/delete").headers["Location"] for _ in range(2)]
        assert places[0] == places[1]
    assert client.post(f"/mosaics/{uuid4()}/delete").status_code == 404


def test_a_mosaic_of_a_batch_leaves_its_page_its_manifest_and_its_progress(
    client: FlaskClient, batch: tuple[str, list[str]]
) -> None:
    identity, mosaics = batch
    answer = press(client, f"/mosaics/{mosaics[2]}", f"/mosaics/{mosaics[2]}/delete")
    assert answer.headers["Location"] == f"/batches/{identity}"
    page = client.get(answer.headers["Location"]).text
    assert ("“c.png” was deleted." in page, f'href="/mosaics/{mosaics[2]}"' in page) == (True, False)
    api = f"/api/v1/batches/{identity}"
    assert client.get(api).get_json()["total"] == 3
    assert [row["id"] for row in client.get(f"{api}/manifest.json").get_json()["mosaics"]] == [
        mosaics[0], mosaics[1], mosaics[3],
    ]  # fmt: skip
    assert [row["id"] for row in client.get(f"{api}/mosaics?limit=2").get_json()["items"]] == mosaics[:2]
    following = client.get(f"{api}/mosaics?limit=2").get_json()["next"]
    assert [row["id"] for row in client.get(following).get_json()["items"]] == mosaics[3:]


def test_the_trash_shows_days_and_deletes_for_good_after_a_question(
    client: FlaskClient, mosaic: str, batch: tuple[str, list[str]]
) -> None:
    client.delete(f"/api/v1/mosaics/{mosaic}")
    client.delete(f"/api/v1/batches/{batch[0]}")
    page = client.get("/trash").text
    assert (page.count("30 days left"), "t.png" in page, "Guests" in page) == (2, True, True)
    for thing in (f"/trash/mosaics/{mosaic}/delete", f"/trash/batches/{batch[0]}/delete"):
        assert "This is final: there is no way back" in client.get(thing).text
        assert press(client, thing, thing).status_code == 303
        assert client.get(thing).status_code == 404
    assert "The trash is empty." in client.get("/trash").text
    assert "There is no such mosaic." in client.get(f"/mosaics/{batch[1][0]}").text


def test_the_trash_of_many_mosaics_has_pages(
    client: FlaskClient, batch: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in batch[1]:
        assert client.delete(f"/api/v1/mosaics/{each}").status_code == 204
    monkeypatch.setattr("web.views.trash.PAGE_LENGTH", 3)
    first = client.get("/trash").text
    assert "d&lt;b&gt;.png" in first
    following = first.split('aria-label="More mosaics"><a class="button" href="')[1].split('"')[0]
    assert client.get(following).text.count("Take back</button>") == 1
    assert client.get("/trash/mosaics?after=x").status_code == 422
    seen, address = list[str](), "/api/v1/trash/mosaics?limit=3"
    while address:
        page = client.get(address).get_json()
        seen += [row["name"] for row in page["items"]]
        address = page["next"]
    assert sorted(seen) == ["=1+1", "b.png", "c.png", "d<b>.png"]


def test_programs_delete_take_back_and_delete_for_good(
    client: FlaskClient, mosaic: str, batch: tuple[str, list[str]]
) -> None:
    for kind, identity in (("mosaics", mosaic), ("batches", batch[0])):
        address = f"/api/v1/{kind}/{identity}"
        assert client.delete(address).status_code == 204
        problem = client.delete(address).get_json()
        assert (problem["code"], problem["detail"].endswith("is in the trash; take it back first.")) == (
            "not_found", True,
        )  # fmt: skip
        gone = client.get(f"/api/v1/trash/{kind}").get_json()["items"][0]
        assert (gone["id"], gone["days_left"]) == (identity, 30)
        for _ in range(2):
            assert client.post(gone["restore"]).get_json()["id"] == identity
        assert client.delete(gone["purge"]).status_code == 404
        client.delete(address)
        assert client.delete(gone["purge"]).status_code == 204
        assert client.post(gone["restore"]).status_code == 404


def test_a_mosaic_and_a_batch_get_other_names(client: FlaskClient, mosaic: str, batch: tuple[str, list[str]]) -> None:
    answer = client.patch(f"/api/v1/mosaics/{mosaic}", json={"name": "Anna\x07"})
    assert answer.get_json()["target_name"] == "Anna"
    assert client.patch(f"/api/v1/batches/{batch[0]}", json={"name": "All"}).get_json()["name"] == "All"
    for path in (f"/mosaics/{mosaic}", f"/batches/{batch[0]}"):
        refused = client.patch(f"/api/v1{path}", json={"name": " "})
        assert (refused.status_code, refused.get_json()["field"]) == (422, "name")
        assert press(client, path, f"{path}/rename", name="<b>").status_code == 303
        assert "&lt;b&gt;" in client.get(path).text
        wrong = press(client, path, f"{path}/rename", name=" ")
        assert wrong.status_code == 422
        assert "Rename or delete" in wrong.text
        assert wrong.text.count('role="alert"') == 1
        assert 'http-equiv="refresh"' not in wrong.text


def test_what_failed_is_tried_again_once_from_the_page(client: FlaskClient, batch: tuple[str, list[str]]) -> None:
    identity, mosaics = batch
    client.application.config["WTF_CSRF_ENABLED"] = False
    for _ in range(2):
        answer = client.post(f"/mosaics/{mosaics[0]}/retry", data={"batch": "yes"})
        assert answer.headers["Location"] == f"/batches/{identity}"
    assert client.post(f"/mosaics/{mosaics[0]}/retry").headers["Location"] == f"/mosaics/{mosaics[0]}"
    assert client.get(f"/api/v1/batches/{identity}").get_json()["states"] == {
        "queued": 2, "succeeded": 1, "failed": 1,
    }  # fmt: skip
    for _ in range(2):
        assert client.post(f"/batches/{identity}/retry").status_code == 303
    assert client.get(f"/api/v1/batches/{identity}").get_json()["states"] == {"queued": 3, "succeeded": 1}


def test_programs_try_again_and_are_told_when_there_is_nothing_to_try(
    client: FlaskClient, batch: tuple[str, list[str]]
) -> None:
    identity, mosaics = batch
    mosaic = f"/api/v1/mosaics/{mosaics[0]}"
    answer = client.post(f"{mosaic}/retry")
    assert (answer.status_code, answer.headers["Location"], answer.get_json()["job"]["state"]) == (
        202, mosaic, "queued",
    )  # fmt: skip
    rendition = client.get(f"/api/v1/mosaics/{mosaics[3]}/renditions").get_json()["items"][0]["url"]
    assert client.post(f"{rendition}/retry").get_json()["job"]["state"] == "queued"
    for path in (mosaic, rendition, f"/api/v1/batches/{identity}"):
        refused = client.post(f"{path}/retry")
        assert (refused.status_code, refused.get_json()["code"]) == (409, "not_retryable")
    client.post(f"{mosaic}/cancel")
    assert client.post(f"/api/v1/batches/{identity}/retry").get_json()["states"]["queued"] == 3


def test_the_page_of_a_batch_shows_failures_first_with_their_sentences(
    client: FlaskClient, batch: tuple[str, list[str]]
) -> None:
    page = client.get(f"/batches/{batch[0]}").text
    places = [page.index(f'href="/mosaics/{batch[1][number]}"') for number in (0, 3, 1, 2)]
    assert places == sorted(places)
    assert page.count("It cannot be read.") == 2
    assert page.count(">Try again<") == 2
    assert "4 mosaics: " in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_the_page_of_a_batch_goes_on_by_numbers(
    client: FlaskClient, batch: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PAGE_LENGTH", 1)
    monkeypatch.setattr(batches, "FEW", 1)
    identity, mosaics = batch

    def shown(address: str) -> list[bool]:
        text = client.get(address).text
        return [f'href="/mosaics/{each}"' in text for each in mosaics]

    assert shown(f"/batches/{identity}") == [True, True, False, False]
    first = client.get(f"/batches/{identity}").text
    assert f'href="/batches/{identity}?after=2"' in first
    assert f'href="/batches/{identity}?failed=3"' in first
    assert shown(f"/batches/{identity}?after=2") == [True, False, True, False]
    assert shown(f"/batches/{identity}?failed=3&after=2") == [False, False, True, True]
    for wrong in ("x", "-1", "9" * 30):
        assert client.get(f"/batches/{identity}?after={wrong}&failed={wrong}").status_code == 200


def test_the_part_of_the_page_that_changes_asks_for_itself_until_all_is_final(
    client: FlaskClient, batch: tuple[str, list[str]]
) -> None:
    state = f"/batches/{batch[0]}/state"
    assert "hx-get" in client.get(state).text
    assert "<h1" not in client.get(state).text
    client.post(f"/api/v1/batches/{batch[0]}/cancel")
    assert "hx-get" not in client.get(state).text
    assert "Download all as a zip" in client.get(state).text


def test_the_manifest_says_what_became_of_each(
    client: FlaskClient, batch: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "AT_ONCE", 3)
    identity, mosaics = batch
    for root in ("/api/v1", ""):
        answer = client.get(f"{root}/batches/{identity}/manifest.json")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="batch-{identity[:8]}.json"'
        found = json.loads(answer.text)
        assert (found["batch"], found["name"]) == (identity, "Guests")
        rows = found["mosaics"]
        assert [row["id"] for row in rows] == mosaics
        assert rows[1] == {
            "number": 2, "name": "b.png", "id": mosaics[1], "state": "succeeded", "error_code": None, "error": None,
            "bytes": 7, "sha256": "ab" * 32, "url": f"http://localhost/api/v1/mosaics/{mosaics[1]}",
            "page": f"http://localhost/mosaics/{mosaics[1]}",
            "picture": f"http://localhost/api/v1/mosaics/{mosaics[1]}/picture",
        }  # fmt: skip
        assert (rows[0]["name"], rows[0]["error_code"], rows[0]["error"], rows[0]["picture"]) == (
            "=1+1", "storage_unreadable", "It cannot be read.", None,
        )  # fmt: skip
        answer = client.get(f"{root}/batches/{identity}/manifest.csv")
        assert answer.content_type == "text/csv; charset=utf-8"
        lines = list(csv.DictReader(io.StringIO(answer.text)))
        assert [line["name"] for line in lines] == ["'=1+1", "b.png", "c.png", "d<b>.png"]
        assert [line["bytes"] for line in lines] == ["", "7", "", ""]
    client.delete(f"/api/v1/batches/{identity}")
    assert client.get(f"/batches/{identity}/manifest.csv").status_code == 404


def test_the_manifest_of_a_thousand_is_read_while_it_is_sent(
    client: FlaskClient, services: Services, tile_set: UUID
) -> None:
    identity = uuid4()
    targets = [StoredFile(f"{number}.png", "k", number) for number in range(1_000)]
    with services.sessions.begin() as session:
        place_batch(session, identity, "Many", tile_set, targets, MosaicOrder(cells_across=2), services.ring_again)
    pieces = client.get(f"/api/v1/batches/{identity}/manifest.csv", buffered=False).iter_encoded()
    begun = [next(pieces) for _ in range(10)]
    with services.sessions.begin() as session:
        session.execute(update(Mosaic).where(Mosaic.number.in_([100, 900])).values(target_name="late"))
    lines = b"".join([*begun, *pieces]).decode().splitlines()
    assert len(lines) == 1_001
    assert [lines[number + 1].split(",")[1] for number in (100, 900)] == ["100.png", "late"]
