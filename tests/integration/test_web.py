"""The pages and the API of one web process, with a real database, store and Redis, and no worker."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import update
from werkzeug.test import TestResponse

import web
from models import database, jobs, queue
from models.errors import InvalidOrder, StorageFull, StorageUnreachable
from models.rules import blob_keys
from models.rules.lifecycle import JobState
from models.services import Services, open_services
from models.settings import Settings
from models.storage import FolderStore
from models.tables import Login, Mosaic, TileSet
from web.app import assemble

TOKEN = "a token that only the tests know"


@pytest.fixture
def client(sqlite_services: Services) -> FlaskClient:
    return assemble(sqlite_services).test_client()


@pytest.fixture
def tile_set(sqlite_services: Services, indexed: Callable[..., TileSet]) -> TileSet:
    return indexed(sqlite_services)


def order(client: FlaskClient, tile_set: TileSet, target: bytes, **fields: str) -> TestResponse:
    form = {"tile_set": str(tile_set.id), "target": (io.BytesIO(target), "holiday.png"), **fields}
    return client.post("/api/v1/mosaics", data=form)


def problem(response: TestResponse) -> tuple[int, str, str]:
    assert response.content_type == "application/problem+json"
    answer = response.get_json()
    assert answer["status"] == response.status_code
    return response.status_code, answer["code"], answer["detail"]


def only_mosaic(services: Services) -> Mosaic | None:
    with services.sessions() as session:
        return session.query(Mosaic).one_or_none()


# What is ordered is stored, queued and answered at once


def test_an_order_is_answered_with_202_and_where_to_look(
    client: FlaskClient, tile_set: TileSet, target: bytes, redis_running: Any
) -> None:
    response = order(client, tile_set, target, cells_across="12")
    assert response.status_code == 202
    shown = client.get(response.headers["Location"]).get_json()
    assert (shown["job"]["state"], shown["order"]["cells_across"]) == ("queued", 12)
    assert redis_running.client.llen("interactive") == 1


def test_a_target_is_stored_as_it_came(
    client: FlaskClient, tile_set: TileSet, target: bytes, sqlite_services: Services
) -> None:
    identity = order(client, tile_set, target).get_json()["id"]
    assert sqlite_services.store.get(blob_keys.target(UUID(identity))) == target


def test_an_order_says_when_to_ask_again(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    response = client.get(order(client, tile_set, target).headers["Location"])
    assert response.headers["Retry-After"] == "1"


def test_a_poll_that_knows_the_state_gets_304(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    address = order(client, tile_set, target).headers["Location"]
    tag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304


def test_whatever_json_is_asked_for_again_unchanged_gets_304(
    client: FlaskClient, tile_set: TileSet, target: bytes
) -> None:
    made = client.post(
        "/api/v1/batches", data={"tile_set": str(tile_set.id), "targets": [(io.BytesIO(target), "a.png")]}
    ).get_json()
    (mosaic,) = client.get(f"{made['url']}/mosaics").get_json()["items"]
    here = {"tile_set_id": tile_set.id, "mosaic_id": mosaic["id"], "batch_id": made["id"]}
    here["intake_id"] = client.post("/api/v1/intakes", json={"tile_set": None}).get_json()["id"]
    here["rendition_id"] = client.get(mosaic["renditions"]).get_json()["items"][0]["id"]
    target_id = client.post("/api/v1/targets", data={"again": mosaic["id"]}).get_json()["id"]
    sketches = f"/api/v1/targets/{target_id}/sketches"
    sketch = client.post(sketches, data={"tile_set": str(tile_set.id)}).get_json()
    here |= {"target_id": target_id, "sketch_id": sketch["url"].rpartition("/")[2], "column": 0, "row": 0}
    paths = client.get("/api/v1/openapi.json").get_json()["paths"]
    addresses = [path.format(**here) for path, ways in paths.items() if "get" in ways and "{content}" not in path]
    answers = {address: client.get(address) for address in addresses}
    asked = {
        address: answer for address, answer in answers.items()
        if answer.mimetype == "application/json" and "Content-Disposition" not in answer.headers
    }  # fmt: skip
    assert len(asked) > 8
    again = {
        address: client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code
        for address, answer in asked.items()
    }
    assert set(again.values()) == {304}, again


def test_a_poll_after_a_change_gets_the_new_state(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    address = order(client, tile_set, target).headers["Location"]
    tag = client.get(address).headers["ETag"]
    client.post(f"{address}/cancel")
    response = client.get(address, headers={"If-None-Match": tag})
    assert (response.status_code, response.get_json()["job"]["state"]) == (200, "cancelled")
    assert "Retry-After" not in response.headers


def test_an_order_without_numbers_takes_the_defaults(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    fields = order(client, tile_set, target).get_json()["order"]
    assert (fields["cells_across"], fields["tile_size"], fields["fit"], fields["format"]) == (80, 50, "crop", "png")


def test_a_print_is_answered_with_its_size_on_paper_and_what_to_know_before(
    client: FlaskClient, tile_set: TileSet, target: bytes
) -> None:
    # 10 mm of 254 dpi are 100 pixels; with a JPEG these are exact. 100 / 5 = 20; 20 x 60 / 100 = 12.
    fields = {"print": "100x60mm", "tile": "5mm", "dpi": "254", "format": "jpeg"}
    shown = order(client, tile_set, target, **fields).get_json()
    assert {name: shown["order"][name] for name in ("mosaic_width", "mosaic_height", "dpi")} == {
        "mosaic_width": 1_000, "mosaic_height": 600, "dpi": 254,
    }  # fmt: skip
    notes = shown["on_paper"].pop("notes")
    assert shown["on_paper"] == {"width_mm": 100, "height_mm": 60, "tile_width_mm": 5, "tile_height_mm": 5}
    many = "240 cells are many for 1 photo: on average each photo would lie in 240.0 of them."
    small = "Tiles of 5.0 mm are small: as a rule of thumb, photos are recognised from about 12 mm on."
    assert notes == [small, many]
    assert client.get(shown["url"]).get_json()["on_paper"]["notes"] == notes
    page = client.get(f"/mosaics/{shown['id']}").get_data(as_text=True)
    assert "On paper: 100.0 x 60.0 mm at 254 dpi, 20 x 12 tiles of 5.0 x 5.0 mm." in page
    assert many in page


def test_a_mosaic_of_no_exact_size_has_none_on_paper(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    assert order(client, tile_set, target).get_json()["on_paper"] is None


def test_a_print_that_cannot_be_is_one_problem(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    answer = order(client, tile_set, target, print="1kmx40cm")
    assert problem(answer) == (
        422, "invalid_order", "A side of the paper must be from 1 cm to 10 m, not 1,000,000 mm."
    )  # fmt: skip


def test_the_openapi_document_names_every_path(client: FlaskClient) -> None:
    paths = client.get("/api/v1/openapi.json").get_json()["paths"]
    kinds = {"tile-sets": "tile_set_id", "mosaics": "mosaic_id", "batches": "batch_id"}
    ends = {f"/api/v1/{kind}/{{{name}}}{end}" for kind, name in kinds.items() for end in ("", "/cancel", "/restore")}
    whole = {f"/api/v1/{kind}" for kind in kinds}
    files = {"/api/v1/mosaics/{mosaic_id}/picture", "/api/v1/batches/{batch_id}/archive"}
    of_batch = ("mosaics", "retry", "manifest.json", "manifest.csv")
    listed = {f"/api/v1/batches/{{batch_id}}/{end}" for end in of_batch}
    trash = {"", "/photos/{tile_set_id}/{content}", "/mosaics", "/batches"}
    trash |= {f"/{kind}/{{{name}}}" for kind, name in kinds.items()}
    of_set: tuple[str, ...] = ("photos", "resume", "plot", "palette", "tiles")
    of_set += tuple(f"tiles/{change}" for change in ("ban", "allow", "remove", "restore", "undo"))
    more = {f"/api/v1/tile-sets/{{tile_set_id}}/{end}" for end in of_set}
    of_tile = ("", "/ban", "/allow", "/preview", "/picture", "/original", "/restore")
    tiles = {f"/api/v1/tile-sets/{{tile_set_id}}/tiles/{{content}}{end}" for end in of_tile}
    of_mosaic = ("placement.json", "placement.csv", "renditions", "edits", "retry")
    of_rendition = ("", "/cancel", "/retry", "/file")
    mosaics = {f"/api/v1/mosaics/{{mosaic_id}}/{end}" for end in of_mosaic}
    mosaics |= {f"/api/v1/mosaics/{{mosaic_id}}/renditions/{{rendition_id}}{end}" for end in of_rendition}
    trashed = {f"/api/v1/trash{end}" for end in trash}
    intakes = {f"/api/v1/intakes/{{intake_id}}{end}" for end in ("", "/known", "/index", "/finish")}
    of_target = ("", "/plan", "/sketches", "/sketches/{sketch_id}", "/sketches/{sketch_id}/picture")
    kept = {f"/api/v1/targets/{{target_id}}{end}" for end in of_target} | {"/api/v1/intakes", "/api/v1/targets"}
    of_cell = ("", "/candidates")
    looking = {f"/api/v1/mosaics/{{mosaic_id}}/cells/{{column}}/{{row}}{end}" for end in of_cell}
    looking |= {f"/api/v1/mosaics/{{mosaic_id}}/shares{end}" for end in ("", "/{share_id}")}
    assert set(paths) == whole | ends | files | listed | more | tiles | mosaics | trashed | intakes | kept | looking


def test_redis_being_down_does_not_lose_an_order(
    client: FlaskClient, tile_set: TileSet, target: bytes, sqlite_services: Services, tmp_path: Path
) -> None:
    queue.app._pool = queue.app.amqp._producer_pool = None
    queue.connect(sqlite_services.settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}), "publisher")
    try:
        response = order(client, tile_set, target)
    finally:
        queue.app._pool = queue.app.amqp._producer_pool = None
    assert response.status_code == 202
    mosaic = only_mosaic(sqlite_services)
    assert mosaic is not None


# Bad input is refused with a clear sentence, before anything is stored

BOMB = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (50_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
)  # the CRC is left out: nobody gets that far


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "empty_file"),
        (b"Dear diary, today I wrote a text file.", 422, "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "not_a_picture"),
        (BOMB, 422, "too_many_pixels"),
    ],
)
def test_a_target_that_is_of_no_use_is_refused(
    client: FlaskClient, tile_set: TileSet, sqlite_services: Services, data: bytes, status: int, code: str
) -> None:
    seen = problem(order(client, tile_set, data))
    assert seen[:2] == (status, code)
    assert seen[2].startswith("holiday.png ")
    assert only_mosaic(sqlite_services) is None
    assert list(sqlite_services.store.list()) == []


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("cells_across", "0", "The cells across must be from 1 to 1,000, not 0."),
        ("cells_across", "1000000", "The cells across must be from 1 to 1,000, not 1,000,000."),
        ("cells_across", "many", "The cells across must be a whole number, not 'many'."),
        ("tile_size", "100000", "The tile size must be from 1 to 1,024, not 100,000."),
        ("tile_size", "-3", "The tile size must be from 1 to 1,024, not -3."),
        ("fit", "squeeze", "The fit must be one of crop, resize, not 'squeeze'."),
        (
            "format",
            "gif",
            "The format must be one of png, jpeg, webp, avif, tiff, pyramid-tiff, pyramid, pdf, not 'gif'.",
        ),
        ("subcells", "4", "Sub-cells belong to the losses grid-rgb and grid-oklab, not to balanced."),
        ("detail", "1.5", "The detail must be from 0 to 1, not 1.5."),
        ("detail", "fine", "The detail must be a number such as 0.5, not 'fine'."),
        ("max_uses", "0", "The uses of a tile must be from 1 to 1,000,000, not 0."),
        ("min_distance", "-1", "The distance of equal tiles must be from 0 to 1,000, not -1."),
        ("flips", "perhaps", "The field flips must be yes or no, not 'perhaps'."),
        ("tint", "2", "The tint must be from 0 to 1, not 2."),
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(
    client: FlaskClient, tile_set: TileSet, target: bytes, field: str, value: str, sentence: str
) -> None:
    response = order(client, tile_set, target, **{field: value})
    assert problem(response) == (422, "invalid_order", sentence)
    assert response.get_json()["field"] == field


def test_an_order_that_does_not_fit_its_target_is_refused_at_once(
    client: FlaskClient, tile_set: TileSet, target: bytes, sqlite_services: Services
) -> None:
    sentence = (
        "A cell of 121 x 5 pixels is larger than the target (120 x 80); take a smaller cell, or fit it by resize."
    )
    assert problem(order(client, tile_set, target, cell_width="121", cell_height="5")) == (
        422, "invalid_order", sentence
    )  # fmt: skip
    assert only_mosaic(sqlite_services) is None


def test_a_loss_that_does_not_exist_is_answered_with_those_that_do(
    client: FlaskClient, tile_set: TileSet, target: bytes
) -> None:
    status, code, sentence = problem(order(client, tile_set, target, loss="nearest"))
    assert (status, code) == (422, "invalid_order")
    assert sentence.startswith("The loss must be one of balanced, mean-rgb, ")


def test_a_rule_that_the_tile_set_cannot_meet_is_refused_at_once(
    client: FlaskClient, tile_set: TileSet, target: bytes, sqlite_services: Services
) -> None:
    # The target has 120 x 80 pixels, the tile set one tile.
    sentence = "6 cells, 1 tile: allow 6 uses."
    assert problem(order(client, tile_set, target, cells_across="3", no_repeats="yes")) == (
        422, "invalid_order", sentence
    )  # fmt: skip
    assert only_mosaic(sqlite_services) is None


def test_an_order_remembers_its_loss_and_its_rules(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    fields = {"loss": "grid-rgb", "subcells": "8", "turns": "yes", "max_uses": "5000", "tint": "0.5"}
    shown = order(client, tile_set, target, **fields).get_json()["order"]
    kept = {name: shown[name] for name in ("loss", "subcells", "detail", "turns", "max_uses", "tint")}
    assert kept == {
        "loss": "grid-rgb", "subcells": 8, "detail": None, "turns": True, "max_uses": 5000, "tint": 0.5
    }  # fmt: skip


MEASURED = {
    "psnr1": 24.0, "de00": 9.0, "ssim4": 0.4, "psnr_blur": 26.0, "distinct_tiles": 9, "most_uses": 2, "cost": 2.0,
    "smallest_distance": 1.0, "equal_neighbours": 0.1, "lower_bound": 1.0, "change": 0.0, "worst_cells": [],
    "advice": [],
}  # fmt: skip
"""What was measured of a mosaic before there was a view from afar."""


@pytest.mark.parametrize(("more", "far", "lines"), [({}, None, 0), ({"far": 4.25}, 4.25, 1)])
def test_a_mosaic_of_before_the_view_from_afar_is_shown_without_it(
    client: FlaskClient, tile_set: TileSet, target: bytes, sqlite_services: Services,
    more: dict[str, float], far: float | None, lines: int,
) -> None:  # fmt: skip
    identity = order(client, tile_set, target).get_json()["id"]
    with sqlite_services.sessions.begin() as session:
        mosaic, now = session.get_one(Mosaic, UUID(identity)), database.now(session)
        lease = jobs.claim(session, mosaic.job_id, now, timedelta(minutes=1))
        assert lease is not None
        mosaic.quality, mosaic.distinct_tiles = MEASURED | more, 9
        mosaic.first.key, mosaic.first.byte_count = "k", 9
        mosaic.columns = mosaic.rows = mosaic.width = mosaic.height = 40
        jobs.succeed(session, lease, now)
    page = client.get(f"/mosaics/{identity}")
    assert (page.status_code, page.text.count("from across the room"), "0.400" in page.text) == (200, lines, True)
    answered = client.get(f"/api/v1/mosaics/{identity}").get_json()["quality"]
    assert answered == MEASURED | {"far": far, "adapted": None, "near": None, "fine": None}


def test_both_ways_of_cutting_at_once_are_refused(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    response = order(client, tile_set, target, cells_across="10", cell_width="5", cell_height="5")
    assert problem(response)[:2] == (422, "invalid_order")


def test_a_misspelt_field_is_refused_rather_than_ignored(
    client: FlaskClient, tile_set: TileSet, target: bytes
) -> None:
    response = order(client, tile_set, target, cells_accross="10")
    assert problem(response)[:2] == (422, "invalid_order")
    assert response.get_json()["field"] == "cells_accross"


def test_an_order_on_a_set_that_does_not_exist_is_a_404(client: FlaskClient, target: bytes) -> None:
    form = {"tile_set": str(uuid4()), "target": (io.BytesIO(target), "t.png")}
    assert problem(client.post("/api/v1/mosaics", data=form))[:2] == (404, "not_found")


def test_an_order_on_a_set_that_is_not_indexed_is_a_409(
    client: FlaskClient, target: bytes, photos: dict[str, bytes], zipped: Callable[..., bytes]
) -> None:
    made = client.post("/api/v1/tile-sets", data={"archive": (io.BytesIO(zipped(photos)), "p.zip")}).get_json()
    form = {"tile_set": made["id"], "target": (io.BytesIO(target), "t.png")}
    assert problem(client.post("/api/v1/mosaics", data=form))[:2] == (409, "not_ready")


def test_a_picture_that_is_not_ready_is_a_409(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    address = order(client, tile_set, target).headers["Location"]
    assert problem(client.get(f"{address}/picture"))[:2] == (409, "not_ready")


@pytest.mark.parametrize("path", [f"/api/v1/mosaics/{UUID(int=7)}", "/api/v1/nowhere", "/api/v1/batches/17"])
def test_what_does_not_exist_is_a_problem_of_404(client: FlaskClient, path: str) -> None:
    assert problem(client.get(path))[0] == 404


def evil(name: str, attributes: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = attributes << 16
        archive.writestr(entry, b"x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (evil("../../etc/passwd"), "The zip names a file outside itself: '../../etc/passwd'."),
        (evil("/etc/passwd"), "The zip names a file outside itself: '/etc/passwd'."),
        (evil("link", 0o120777), "The zip holds a link or a device: 'link'."),
        (b"PK but not a zip", "The file is not a zip, or its directory is damaged."),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/tile-sets", "/api/v1/batches"])
def test_a_hostile_zip_is_refused(
    client: FlaskClient, tile_set: TileSet, sqlite_services: Services, path: str, data: bytes, sentence: str
) -> None:
    form: dict[str, Any] = {"archive": (io.BytesIO(data), "photos.zip")}
    if path.endswith("batches"):
        form["tile_set"] = str(tile_set.id)
    assert problem(client.post(path, data=form)) == (422, "bad_archive", sentence)
    assert list(sqlite_services.store.list()) == []


def test_a_tile_set_of_nothing_is_refused(client: FlaskClient) -> None:
    sentence = "Choose photos, or a zip of photos."
    assert problem(client.post("/api/v1/tile-sets", data={"name": "empty"})) == (422, "invalid_order", sentence)


def limited(services: Services, **limits: Any) -> FlaskClient:
    settings = services.settings.model_copy(update=limits)
    return assemble(open_services(settings)).test_client()


def test_an_upload_beyond_the_limit_of_bytes_is_a_413(
    sqlite_services: Services, tile_set: TileSet, target: bytes
) -> None:
    client = limited(sqlite_services, max_upload_bytes=100)
    assert problem(order(client, tile_set, target))[:2] == (413, "too_large")


@pytest.mark.parametrize(
    ("came_from", "link"),
    [
        ("http://localhost/mosaics/new?set=1", 'href="http://localhost/mosaics/new?set=1"'),
        ("http://elsewhere.example/mosaics/new", None),
        ("javascript://localhost/%0aalert(1)", None),
        ("http://[", None),
        ("http://localhost/mosaics", None),
    ],
)
def test_what_is_too_much_leads_back_to_the_page_it_was_sent_from(
    sqlite_services: Services, target: bytes, came_from: str, link: str | None
) -> None:
    client = limited(sqlite_services, max_upload_bytes=100)
    form = {"target": (io.BytesIO(target), "t.png")}
    page = client.post("/mosaics", data=form, headers={"Referer": came_from})
    assert (page.status_code, "Back to where you were" in page.text) == (413, link is not None)
    assert link is None or link in page.text
    assert "elsewhere" not in page.text


def test_a_stranger_who_says_to_come_from_no_address_is_sent_to_the_login(server: FlaskClient) -> None:
    answer = server.post("/tile-sets", headers={"Referer": "http://["})
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, "/login")


def test_more_photos_than_the_limit_are_a_413(sqlite_services: Services, target: bytes) -> None:
    client = limited(sqlite_services, max_photos=2)
    form = {"photos": [(io.BytesIO(target), f"{number}.png") for number in range(3)]}
    assert problem(client.post("/api/v1/tile-sets", data=form))[:2] == (413, "too_large")


def test_more_parts_than_the_limit_are_a_413(sqlite_services: Services, target: bytes) -> None:
    client = limited(sqlite_services, max_form_parts=5)
    form = {"photos": [(io.BytesIO(target), f"{number}.png") for number in range(9)]}
    assert problem(client.post("/api/v1/tile-sets", data=form))[:2] == (413, "too_large")


class FullStore(FolderStore):
    """A store on a disk without room."""

    def put(self, key: str, content: Any) -> None:
        raise StorageFull(f"There is no room left to store {key}.")


def test_a_full_disk_is_a_507_and_no_order(tile_set: TileSet, target: bytes, sqlite_services: Services) -> None:
    services = sqlite_services
    full = Services(services.settings, services.sessions, services.reading, FullStore(services.store.folder))
    response = order(assemble(full).test_client(), tile_set, target)
    assert problem(response)[:2] == (507, "storage_full")
    assert only_mosaic(services) is None


class DeafStore(FolderStore):
    """A store that does not answer."""

    def put(self, key: str, content: Any) -> None:
        raise StorageUnreachable(f"The store does not answer about {key}.")


def test_a_store_that_does_not_answer_is_a_503_and_no_order(
    tile_set: TileSet, target: bytes, sqlite_services: Services
) -> None:
    services = sqlite_services
    deaf = Services(services.settings, services.sessions, services.reading, DeafStore(services.store.folder))
    response = order(assemble(deaf).test_client(), tile_set, target)
    assert problem(response)[:2] == (503, "storage_unreachable")
    assert response.headers["Retry-After"] == "5"
    assert only_mosaic(services) is None


def test_a_thousand_photos_come_in_without_a_descriptor_each(client: FlaskClient, sqlite_services: Services) -> None:
    large = b"\xff\xd8\xff" + bytes(600_000)
    form = {
        "photos": [(io.BytesIO(large[: 600_000 if number < 40 else 50]), f"{number}.jpg") for number in range(1_000)]
    }
    response = client.post("/api/v1/tile-sets", data=form)
    assert response.status_code == 202
    stored = [blob.size_bytes for blob in sqlite_services.store.list("tile-sets")]
    assert (len(stored), stored.count(600_000)) == (1_000, 40)


# The pages


def token_of(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found.group(1)


def test_every_page_is_there(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    mosaic = order(client, tile_set, target).get_json()["id"]
    batch = client.post(
        "/api/v1/batches", data={"tile_set": str(tile_set.id), "targets": [(io.BytesIO(target), "a.png")]}
    ).get_json()["id"]
    paths = ["/", "/mosaics/new", "/batches/new", "/tile-sets/new", "/login", f"/tile-sets/{tile_set.id}"]
    for path in [*paths, f"/mosaics/{mosaic}", f"/batches/{batch}"]:
        page = client.get(path)
        assert (page.status_code, page.mimetype) == (200, "text/html"), path


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("/mosaics/new", "target"),
        ("/batches/new", "targets"),
        ("/tile-sets/new", "photos"),
        ("/tile-sets/{}", "photos"),
    ],
)
def test_a_form_offers_the_files_that_few_systems_know_as_pictures(
    client: FlaskClient, tile_set: TileSet, page: str, field: str
) -> None:
    (offered,) = re.findall(rf'name="{field}"[^>]* accept="([^"]*)"', client.get(page.format(tile_set.id)).text)
    assert {"image/*", ".heic", ".heif", ".avif", ".jp2"} <= set(offered.split(","))


def test_a_form_makes_a_mosaic_and_leads_to_its_page(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    form = {
        "csrf_token": token_of(client.get("/mosaics/new")), "tile_set": str(tile_set.id), "cells_across": "12",
        "tile_size": "8", "format": "jpeg", "target": (io.BytesIO(target), "holiday.png"),
    }  # fmt: skip
    response = client.post("/mosaics", data=form)
    assert response.status_code == 303
    page = client.get(response.headers["Location"])
    assert "Waiting for a worker" in page.text
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page.text


def test_a_page_stops_refreshing_once_its_job_is_final(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    mosaic = order(client, tile_set, target).get_json()["id"]
    client.post(f"/api/v1/mosaics/{mosaic}/cancel")
    page = client.get(f"/mosaics/{mosaic}").text
    assert "Cancelled." in page
    assert "http-equiv" not in page


def test_a_wrong_form_is_shown_again_with_the_reason_and_what_was_typed(
    client: FlaskClient, tile_set: TileSet, target: bytes
) -> None:
    form = {
        "csrf_token": token_of(client.get("/mosaics/new")), "tile_set": str(tile_set.id), "cells_across": "0",
        "tile_size": "77", "target": (io.BytesIO(target), "t.png"),
    }  # fmt: skip
    page = client.post("/mosaics", data=form)
    assert page.status_code == 422
    assert "The cells across must be from 1 to 1,000, not 0." in page.text
    assert 'value="77"' in page.text


def test_a_form_without_its_token_is_refused(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    page = client.post("/mosaics", data={"tile_set": str(tile_set.id), "target": (io.BytesIO(target), "t.png")})
    assert page.status_code == 400
    assert "did not come from this site" in page.text


def test_cancelling_needs_the_token_too(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    mosaic = order(client, tile_set, target).get_json()
    assert client.post(f"/mosaics/{mosaic['id']}/cancel").status_code == 400
    assert client.get(mosaic["url"]).get_json()["job"]["state"] == "queued"


def test_a_failed_job_shows_its_sentence_and_its_code(
    client: FlaskClient, tile_set: TileSet, target: bytes, sqlite_services: Services
) -> None:
    identity = order(client, tile_set, target).get_json()["id"]
    mosaic = only_mosaic(sqlite_services)
    assert mosaic is not None
    with sqlite_services.sessions.begin() as session:
        now = database.now(session)
        lease = jobs.claim(session, mosaic.job_id, now, sqlite_services.settings.lease_span)
        assert lease is not None
        jobs.fail(session, lease, now, InvalidOrder("", "Too <many> cells."))
    page = client.get(f"/mosaics/{identity}").text
    assert "Too &lt;many&gt; cells." in page
    assert "(invalid_order)" in page


def test_a_missing_page_is_a_page_that_says_so(client: FlaskClient) -> None:
    page = client.get("/mosaics/" + str(uuid4()))
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "There is no such mosaic." in page.text


def test_an_address_where_nothing_is_says_so(client: FlaskClient) -> None:
    assert "There is nothing at this address." in client.get("/nowhere").text
    assert client.get("/api/v1/nowhere").get_json()["detail"] == "There is nothing at this address."


# Who may come in


@pytest.mark.parametrize("path", ["/", "/api/v1/mosaics", "/livez"])
def test_a_host_that_is_not_ours_is_refused(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://["}, {"Origin": ""},
        {"Origin": "http://evil-localhost"}, {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"}, {"Origin": "localhost"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": ""},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    ],
)  # fmt: skip
def test_a_page_of_another_site_cannot_order_through_the_api(
    client: FlaskClient, tile_set: TileSet, target: bytes, headers: dict[str, str]
) -> None:
    form = {"tile_set": str(tile_set.id), "target": (io.BytesIO(target), "t.png")}
    assert problem(client.post("/api/v1/mosaics", data=form, headers=headers))[:2] == (403, "not_allowed")


def test_a_page_of_this_site_may_use_the_api(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    form = {"tile_set": str(tile_set.id), "target": (io.BytesIO(target), "t.png")}
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/v1/mosaics", data=form, headers=headers).status_code == 202


HEADERS = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip


def policy(answer: TestResponse) -> dict[str, str]:
    """Return an answer's content security policy by directive."""
    parts = (part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in parts}


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/api/v1/mosaics", "/api/v1/nowhere", "/livez", "/static/style.css"]
)
def test_every_answer_says_what_a_browser_may_do_with_it(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    said = policy(answer)
    assert said.pop("script-src") == said.pop("style-src")
    assert said == {
        "default-src": "'none'", "img-src": "'self'", "connect-src": "'self'", "form-action": "'self'",
        "base-uri": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip


def test_a_style_sheet_needs_the_nonce_of_its_answer_and_every_answer_has_its_own(client: FlaskClient) -> None:
    answers = [client.get("/"), client.get("/")]
    nonces = [policy(answer)["style-src"] for answer in answers]
    assert nonces[0] != nonces[1]
    for answer, said in zip(answers, nonces, strict=True):
        given = re.search(r'<link rel="stylesheet" nonce="([^"]{22,})"', answer.text)
        assert given is not None
        assert said == f"'nonce-{given.group(1)}'"


EMPTY_STYLE = '<style nonce="{{ nonce() }}" data-openseadragon-mobile-css></style>'
"""The viewer looks for an element so marked, or adds one of its own."""


@pytest.mark.parametrize("page", sorted(Path(web.__file__).parent.glob("templates/**/*.html")), ids=lambda p: p.stem)
def test_no_page_has_an_inline_script_or_style(page: Path) -> None:
    text = page.read_text().replace(EMPTY_STYLE, "")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE)
    given = (
        r"<script defer nonce=\"{{ nonce\(\) }}\" "
        r"src=\"{{ url_for\('static', filename=(?:'[a-z/.]+'|name)\) }}\"></script>"
    )
    assert len(re.findall(given, text)) == text.lower().count("<script")


def test_a_request_that_brings_no_files_is_refused_when_it_is_large(server: FlaskClient) -> None:
    form = {"token": "x" * 100_000, "file": (io.BytesIO(bytes(100_000)), "f.bin")}
    assert server.post("/login", data=form).status_code == 413


def test_the_sessions_cookie_is_for_this_site_and_no_script(sqlite_services: Services) -> None:
    changes = {"mode": "server", "access_token": TOKEN, "secure_cookies": True}
    settings = Settings(**(sqlite_services.settings.model_dump() | changes))
    answer = assemble(open_services(settings)).test_client().get("/login")
    flags = {part.strip().lower() for part in answer.headers["Set-Cookie"].split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= flags


@pytest.fixture
def server(sqlite_services: Services) -> FlaskClient:
    """The same in server mode."""
    changes = {"mode": "server", "access_token": TOKEN, "secure_cookies": False, "trusted_hosts": "tessera.example"}
    settings = Settings(**(sqlite_services.settings.model_dump() | changes))
    return assemble(open_services(settings)).test_client()


def test_a_server_sends_people_without_the_token_to_the_door(server: FlaskClient) -> None:
    response = server.get("/mosaics/new")
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/login?next=/mosaics/new")


def test_the_token_opens_the_pages_and_leads_on(server: FlaskClient) -> None:
    form = {"csrf_token": token_of(server.get("/login")), "token": TOKEN, "next": "/mosaics/new"}
    response = server.post("/login", data=form)
    assert (response.status_code, response.headers["Location"]) == (303, "/mosaics/new")
    assert server.get("/mosaics/new").status_code == 200


def test_logging_out_closes_the_door_again(server: FlaskClient) -> None:
    server.post("/login", data={"csrf_token": token_of(server.get("/login")), "token": TOKEN})
    server.post("/logout", data={"csrf_token": token_of(server.get("/"))})
    assert server.get("/").status_code == 303


def test_what_a_session_held_before_the_token_was_given_is_forgotten(server: FlaskClient) -> None:
    form = {"csrf_token": token_of(server.get("/login")), "token": TOKEN}
    with server.session_transaction() as session:
        session["planted"] = "by somebody else"
    server.post("/login", data=form)
    with server.session_transaction() as session:
        assert "planted" not in session
    assert server.get("/").status_code == 200


@pytest.fixture
def entered(server: FlaskClient) -> FlaskClient:
    """Somebody who gave the token."""
    server.post("/login", data={"csrf_token": token_of(server.get("/login")), "token": TOKEN})
    assert server.get("/").status_code == 200
    return server


def thief_of(client: FlaskClient, services: Services | None = None) -> FlaskClient:
    """Another browser, with a copy of the cookie; of another server, if there is one."""
    cookie = client.get_cookie("tessera")
    assert cookie is not None
    other = (assemble(services) if services else client.application).test_client()
    other.set_cookie("tessera", cookie.value)
    return other


def test_a_cookie_that_was_copied_is_dead_once_its_owner_has_left(entered: FlaskClient) -> None:
    thief = thief_of(entered)
    assert thief.get("/").status_code == 200
    entered.post("/logout", data={"csrf_token": token_of(entered.get("/"))})
    assert thief.get("/").status_code == 303


def test_leaving_ends_no_other_login(entered: FlaskClient) -> None:
    other = entered.application.test_client()
    other.post("/login", data={"csrf_token": token_of(other.get("/login")), "token": TOKEN})
    entered.post("/logout", data={"csrf_token": token_of(entered.get("/"))})
    assert other.get("/").status_code == 200


def test_another_access_token_ends_every_login(entered: FlaskClient, sqlite_services: Services) -> None:
    changes = {"mode": "server", "access_token": TOKEN + "!", "secure_cookies": False}
    changed = open_services(Settings(**(sqlite_services.settings.model_dump() | changes)))
    assert thief_of(entered, changed).get("/").status_code == 303


def test_a_login_ends_after_thirty_days(entered: FlaskClient, sqlite_services: Services) -> None:
    for days, status in ((29, 200), (31, 303)):
        with sqlite_services.sessions.begin() as session:
            session.execute(update(Login).values(entered_at=database.now(session) - timedelta(days=days)))
        assert entered.get("/").status_code == status


@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"])
@pytest.mark.parametrize("path", ["/", "/api/v1/mosaics", "/livez"])
def test_without_a_token_nobody_is_answered_but_this_machine(
    sqlite_services: Services, address: str, path: str
) -> None:
    assert assemble(sqlite_services).test_client().get(path, environ_base={"REMOTE_ADDR": address}).status_code == 403


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_answered_whatever_it_calls_itself(sqlite_services: Services, address: str) -> None:
    assert assemble(sqlite_services).test_client().get("/", environ_base={"REMOTE_ADDR": address}).status_code == 200


def test_a_batch_is_polled_as_a_summary_that_costs_nothing_while_nothing_changes(
    client: FlaskClient, tile_set: TileSet, target: bytes
) -> None:
    files = [(io.BytesIO(target), f"{number}.png") for number in range(7)]
    fields = {"tile_set": str(tile_set.id), "targets": files}
    made = client.post("/api/v1/batches", data=fields).get_json()
    shown = client.get(made["url"])
    assert "items" not in shown.get_json()
    assert client.get(made["url"], headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    names, following = [], f"{made['mosaics']}?limit=3"
    while following:
        page = client.get(following).get_json()
        names.append([item["target_name"] for item in page["items"]])
        following = page["next"]
    assert names == [["0.png", "1.png", "2.png"], ["3.png", "4.png", "5.png"], ["6.png"]]
    client.post(f"{made['url']}/cancel")
    assert client.get(made["url"], headers={"If-None-Match": shown.headers["ETag"]}).status_code == 200


def test_a_wrong_token_opens_nothing(server: FlaskClient) -> None:
    page = server.post("/login", data={"csrf_token": token_of(server.get("/login")), "token": "guess"})
    assert page.status_code == 403
    assert "not the access token" in page.text
    assert server.get("/").status_code == 303


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", "//[", "/x\r\nSet-Cookie: a=b"],
)
def test_the_door_leads_nowhere_else(server: FlaskClient, elsewhere: str) -> None:
    form = {"csrf_token": token_of(server.get("/login")), "token": TOKEN, "next": elsewhere}
    assert server.post("/login", data=form).headers["Location"] == "/"


def test_the_api_asks_for_the_token(server: FlaskClient) -> None:
    response = server.get("/api/v1/mosaics")
    assert problem(response)[:2] == (401, "token_needed")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 200), (TOKEN + "x", 401), ("", 401), ("ünïcode", 401)])
def test_the_api_takes_the_right_token_alone(server: FlaskClient, token: str, status: int) -> None:
    response = server.get("/api/v1/mosaics", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == status


def test_a_session_of_the_pages_does_not_open_the_api(server: FlaskClient) -> None:
    server.post("/login", data={"csrf_token": token_of(server.get("/login")), "token": TOKEN})
    assert server.get("/api/v1/mosaics").status_code == 401


def test_a_server_answers_under_its_trusted_name(server: FlaskClient) -> None:
    assert server.get("/livez", headers={"Host": "tessera.example"}).status_code == 200


def test_a_name_of_a_file_cannot_become_markup(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    form = {"tile_set": str(tile_set.id), "target": (io.BytesIO(target), "<img src=x onerror=alert(1)>.png")}
    identity = client.post("/api/v1/mosaics", data=form).get_json()["id"]
    assert "<img src=x" not in client.get(f"/mosaics/{identity}").text


def test_a_batch_shows_itself_as_a_whole_and_one_by_one(
    client: FlaskClient, tile_set: TileSet, target: bytes, redis_running: Any
) -> None:
    targets = [(io.BytesIO(target), f"{number}.png") for number in range(3)]
    made = client.post("/api/v1/batches", data={"tile_set": str(tile_set.id), "targets": targets}).get_json()
    shown = client.get(made["url"]).get_json()
    assert (shown["total"], shown["states"], shown["progress"], shown["final"]) == (3, {"queued": 3}, 0.0, False)
    assert [item["target_name"] for item in client.get(shown["mosaics"]).get_json()["items"]] == [
        "0.png",
        "1.png",
        "2.png",
    ]
    assert (redis_running.client.llen("bulk"), redis_running.client.llen("interactive")) == (3, 0)


def test_cancelling_a_batch_cancels_all_of_it(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    targets = [(io.BytesIO(target), f"{number}.png") for number in range(3)]
    made = client.post("/api/v1/batches", data={"tile_set": str(tile_set.id), "targets": targets}).get_json()
    client.post(f"{made['url']}/cancel")
    shown = client.get(made["url"]).get_json()
    assert (shown["states"], shown["final"], shown["archive"]) == ({JobState.CANCELLED.value: 3}, True, None)


def test_a_jpeg_target_is_as_welcome_as_a_png(client: FlaskClient, tile_set: TileSet, target: bytes) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(target)).save(file, "JPEG")
    assert order(client, tile_set, file.getvalue()).status_code == 202


def test_a_cells_size_wins_over_the_cells_across_that_a_page_fills_in(
    client: FlaskClient, tile_set: TileSet, target: bytes, sqlite_services: Services
) -> None:
    form = {
        "csrf_token": token_of(client.get("/mosaics/new")), "tile_set": str(tile_set.id), "cells_across": "60",
        "cell_width": "4", "cell_height": "5", "target": (io.BytesIO(target), "t.png"),
    }  # fmt: skip
    assert client.post("/mosaics", data=form).status_code == 303
    mosaic = only_mosaic(sqlite_services)
    assert mosaic is not None
    assert (mosaic.cells_across, mosaic.cell_width, mosaic.cell_height) == (None, 4, 5)


def test_every_zip_that_is_sent_is_taken(
    client: FlaskClient, tile_set: TileSet, target: bytes, zipped: Callable[..., bytes]
) -> None:
    zips = [(io.BytesIO(zipped({f"{name}.png": target})), f"{name}.zip") for name in "ab"]
    made = client.post("/api/v1/batches", data={"tile_set": str(tile_set.id), "archive": zips}).get_json()
    items = client.get(made["mosaics"]).get_json()["items"]
    assert [item["target_name"] for item in items] == ["a.png", "b.png"]


def test_an_indexed_set_can_be_chosen_however_many_came_after_it(
    client: FlaskClient, tile_set: TileSet, photos: dict[str, bytes]
) -> None:
    for number in range(55):
        form = {"name": f"later {number}", "photos": (io.BytesIO(next(iter(photos.values()))), "p.png")}
        assert client.post("/api/v1/tile-sets", data=form).status_code == 202
    assert str(tile_set.id) in client.get("/mosaics/new").text


def test_a_server_error_on_a_form_is_logged(
    tile_set: TileSet, target: bytes, sqlite_services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    services = sqlite_services
    client = assemble(
        Services(services.settings, services.sessions, services.reading, FullStore(services.store.folder))
    ).test_client()
    form = {
        "csrf_token": token_of(client.get("/mosaics/new")),
        "tile_set": str(tile_set.id),
        "target": (io.BytesIO(target), "t.png"),
    }
    assert client.post("/mosaics", data=form).status_code == 507
    assert "error_code=storage_full" in "".join(capsys.readouterr())
