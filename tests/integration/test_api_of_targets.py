"""Targets by the API: sent once, planned, sketched and ordered often; and what lies in the cells that come of it."""

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import event, select, update
from werkzeug.test import TestResponse

from models import database, queries, sketches
from models.rules.lifecycle import JobKind
from models.services import Services
from models.tables import Draft, Job, Mosaic
from worker.jobs import attempt
from worker.rendering.candidates import find_candidates
from worker.rendering.job import render_mosaic
from worker.rendering.sketching import make_sketch

NAMES = ["Anna.jpg", "Ben.jpg", "Clara.jpg", "Dora.jpg", "Emil.jpg"]
WORKS = {
    JobKind.RENDER: render_mosaic, JobKind.SKETCH: make_sketch, JobKind.CANDIDATES: find_candidates,
}  # fmt: skip


@pytest.fixture
def services(sqlite_services: Services) -> Services:
    return sqlite_services


@pytest.fixture
def tile_set(set_of: Callable[..., UUID]) -> UUID:
    """Photos of one grey each, from dark to light."""
    return set_of([(name, np.full((40, 60, 3), 30 + 45 * number, np.uint8)) for number, name in enumerate(NAMES)])


@pytest.fixture
def keep(client: FlaskClient, target: bytes) -> Callable[..., TestResponse]:
    """Send a target to be kept, the picture of 120 x 80 pixels if nothing else is said."""

    def send(**fields: Any) -> TestResponse:
        given = {"target": (io.BytesIO(target), "holiday.png")} | fields
        return client.post("/api/v1/targets", data={name: each for name, each in given.items() if each is not None})

    return send


@pytest.fixture
def kept(keep: Callable[..., TestResponse]) -> dict[str, Any]:
    answer = keep()
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def order(client: FlaskClient, tile_set: UUID, **fields: Any) -> TestResponse:
    given = {"tile_set": str(tile_set), "cells_across": "12", "tile_size": "8"} | fields
    return client.post("/api/v1/mosaics", data=given)


def work(services: Services) -> int:
    """Do the jobs that wait; return how many there were."""
    with services.reading() as session:
        waiting = session.scalars(select(Job).where(Job.state == "queued")).all()
    for job in waiting:
        attempt.run(services, job.id, WORKS[job.kind])
    return len(waiting)


def targets_of(services: Services) -> list[tuple[str, str]]:
    with services.reading() as session:
        return [(row.target_name, row.target_key) for row in session.scalars(select(Mosaic))]


def refused(answer: TestResponse) -> tuple[int, str, str | None]:
    said = answer.get_json()
    return answer.status_code, said["code"], said.get("field")


# One target, many orders


def test_a_target_is_sent_once_and_ordered_in_several_looks(
    services: Services, client: FlaskClient, tile_set: UUID, kept: dict[str, Any]
) -> None:
    assert (kept["name"], kept["width"], kept["height"], kept["masked"]) == ("holiday.png", 120, 80, False)
    span = datetime.fromisoformat(kept["expires_at"]) - datetime.now().astimezone()
    assert timedelta(hours=23) < span <= timedelta(hours=24)
    looks = ("natural", "true", "article")
    made = [order(client, tile_set, target_id=kept["id"], look=look).get_json() for look in looks]
    assert len({each["id"] for each in made}) == 3
    assert len(set(targets_of(services))) == 1
    assert work(services) == 3
    shown = [client.get(each["url"]).get_json() for each in made]
    assert {(each["job"]["state"], each["target_name"]) for each in shown} == {("succeeded", "holiday.png")}


def test_a_target_may_be_as_large_as_a_photograph(
    keep: Callable[..., TestResponse], encoded: Callable[..., bytes]
) -> None:
    noise = encoded(np.random.default_rng(5).integers(0, 256, (400, 600, 3), np.uint8))
    assert len(noise) > 500_000
    answer = keep(target=(io.BytesIO(noise), "noise.png"))
    assert (answer.status_code, answer.get_json().get("width")) == (201, 600)


def test_the_first_order_of_a_kept_target_sent_twice_is_one_mosaic(
    services: Services, client: FlaskClient, tile_set: UUID, kept: dict[str, Any]
) -> None:
    first, second = (order(client, tile_set, target_id=kept["id"]) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json()["id"] == second.get_json()["id"]
    assert len(targets_of(services)) == 1


def test_a_mosaic_is_ordered_again_with_its_target_and_mask_and_keeps_no_draft(
    services: Services, client: FlaskClient, tile_set: UUID, keep: Callable[..., TestResponse],
    encoded: Callable[..., bytes],
) -> None:  # fmt: skip
    half = np.zeros((80, 120), np.uint8)
    half[:, 60:] = 255
    masked = keep(mask=(io.BytesIO(encoded(half)), "half.png")).get_json()
    assert masked["masked"] is True
    first = order(client, tile_set, target_id=masked["id"]).get_json()
    again = order(client, tile_set, again=first["id"], cells_across="6")
    assert again.status_code == 202, again.text
    assert (again.get_json()["masked"], again.get_json()["order"]["cells_across"]) == (True, 6)
    assert len(set(targets_of(services))) == 1
    with services.reading() as session:
        assert len(session.scalars(select(Draft)).all()) == 1
    assert work(services) == 2
    empty = client.get(f"{again.get_json()['url']}/cells/0/0").get_json()
    assert (empty["photo"], empty["uses"], empty["places"]) == (None, 0, [])


def test_a_target_of_a_mosaic_can_be_kept_and_ordered_from(
    services: Services, client: FlaskClient, tile_set: UUID, kept: dict[str, Any], keep: Callable[..., TestResponse]
) -> None:
    first = order(client, tile_set, target_id=kept["id"]).get_json()
    second = keep(target=None, again=first["id"]).get_json()
    assert (second["name"], second["width"], second["height"]) == ("holiday.png", 120, 80)
    assert second["id"] != kept["id"]
    assert order(client, tile_set, target_id=second["id"]).status_code == 202


def test_a_batch_takes_kept_targets_beside_files(
    services: Services, client: FlaskClient, tile_set: UUID, keep: Callable[..., TestResponse], target: bytes
) -> None:
    ids = [keep(target=(io.BytesIO(target), name)).get_json()["id"] for name in ("one.png", "two.png")]
    form = {"tile_set": str(tile_set), "cells_across": "6", "target_ids": ids}
    answer = client.post("/api/v1/batches", data=form | {"targets": [(io.BytesIO(target), "three.png")]})
    assert (answer.status_code, answer.get_json()["total"]) == (202, 3)
    mosaics = client.get(answer.get_json()["mosaics"]).get_json()["items"]
    assert [each["target_name"] for each in mosaics] == ["three.png", "one.png", "two.png"]
    assert work(services) == 3
    assert client.get(answer.get_json()["url"]).get_json()["states"] == {"succeeded": 3}


def test_a_batch_asks_for_all_its_kept_targets_at_once(
    services: Services, client: FlaskClient, tile_set: UUID, keep: Callable[..., TestResponse], target: bytes
) -> None:
    ids = [keep(target=(io.BytesIO(target), f"{number}.png")).get_json()["id"] for number in range(3)]
    asked: list[str] = []
    with services.reading() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *what: asked.append(what[2]))
    form = {"tile_set": str(tile_set), "cells_across": "6", "target_ids": [*ids, ids[0]]}
    answer = client.post("/api/v1/batches", data=form)
    assert (answer.status_code, answer.get_json()["total"]) == (202, 4)
    assert len([each for each in asked if "FROM drafts" in each]) == 1
    others = [str(uuid4()) for _ in range(3)]
    for missing, words in ((others[:1], ""), (others, ", nor 2 more of these")):
        gone = client.post("/api/v1/batches", data=form | {"target_ids": [*ids, *missing]})
        assert refused(gone) == (404, "not_found", None)
        assert f"no target {others[0]}{words}, or" in gone.get_json()["detail"]


def test_what_is_said_wrongly_of_a_target_is_refused_and_nothing_is_ordered(
    services: Services, client: FlaskClient, tile_set: UUID, kept: dict[str, Any], keep: Callable[..., TestResponse],
    target: bytes, encoded: Callable[..., bytes],
) -> None:  # fmt: skip
    def picture() -> tuple[io.BytesIO, str]:
        return io.BytesIO(target), "t.png"

    assert refused(order(client, tile_set)) == (422, "invalid_order", "target")
    assert refused(order(client, tile_set, target_id=str(uuid4()))) == (404, "not_found", None)
    assert refused(order(client, tile_set, target_id="no id")) == (404, "not_found", None)
    assert refused(order(client, tile_set, again=str(uuid4()))) == (404, "not_found", None)
    both = order(client, tile_set, target_id=kept["id"], target=picture())
    assert refused(both) == (422, "invalid_order", "target_id")
    assert refused(order(client, tile_set, target_id=kept["id"], mask=picture())) == (422, "invalid_order", "mask")
    assert refused(order(client, tile_set, target_id=kept["id"], max_uses="1")) == (422, "invalid_order", "max_uses")
    assert refused(keep(target=None)) == (422, "invalid_order", "target")
    assert refused(keep(again=kept["id"])) == (422, "invalid_order", "again")
    assert refused(keep(target=(io.BytesIO(b"no picture"), "t.png"))) == (422, "not_a_picture", None)
    square = (io.BytesIO(encoded(np.zeros((50, 50), np.uint8))), "m.png")
    assert refused(keep(mask=square)) == (422, "invalid_order", "mask")
    masked = keep(mask=picture()).get_json()["id"]
    form = {"tile_set": str(tile_set), "target_ids": [masked]}
    assert refused(client.post("/api/v1/batches", data=form)) == (422, "invalid_order", "target_ids")
    many = {"tile_set": str(tile_set), "target_ids": [str(uuid4())] * (services.settings.max_targets + 1)}
    assert client.post("/api/v1/batches", data=many).status_code == 413
    assert targets_of(services) == []


def test_a_target_ends_after_its_day(
    services: Services, client: FlaskClient, tile_set: UUID, kept: dict[str, Any]
) -> None:
    assert client.get(kept["url"]).get_json() == kept
    with services.sessions.begin() as session:
        session.execute(update(Draft).values(expires_at=database.now(session)))
    for answer in (client.get(kept["url"]), client.get(kept["plan"]), order(client, tile_set, target_id=kept["id"])):
        assert refused(answer) == (404, "not_found", None)


# What an order would be


def test_a_plan_tells_what_an_order_would_make(client: FlaskClient, tile_set: UUID, kept: dict[str, Any]) -> None:
    asked = {"tile_set": str(tile_set), "cells_across": "12", "tile_size": "100", "dpi": "254"}
    plan = client.get(kept["plan"], query_string=asked).get_json()
    assert (plan["refusal"], plan["photos"], plan["assumed"]) == (None, len(NAMES), False)
    planned = plan["planned"]
    assert (planned["columns"], planned["rows"], planned["cells"]) == (12, 8, 96)
    assert (planned["width"], planned["height"], planned["dpi"]) == (1200, 800, 254)
    assert planned["paper"] == "120.0 x 80.0 mm"


def test_a_plan_that_cannot_be_met_says_why_and_what_can(
    client: FlaskClient, tile_set: UUID, kept: dict[str, Any]
) -> None:
    asked = {"tile_set": str(tile_set), "cells_across": "12", "max_uses": "1"}
    plan = client.get(kept["plan"], query_string=asked).get_json()
    assert plan["planned"] is None
    assert plan["refusal"]["field"] == "max_uses"
    ways = [way["fields"] for way in plan["refusal"]["ways"]]
    assert {"max_uses": "20"} in ways, "96 cells of 5 photos"
    for way in ways:
        assert client.get(kept["plan"], query_string=asked | way).get_json()["refusal"] is None
    without = client.get(kept["plan"], query_string={"cells_across": "12", "max_uses": "1"}).get_json()
    assert (without["refusal"], without["photos"]) == (None, None)


def test_a_plan_reads_an_order_as_strictly_as_placing_it(
    client: FlaskClient, tile_set: UUID, kept: dict[str, Any]
) -> None:
    contradicting = {"cells_across": "12", "cell_width": "10", "cell_height": "10"}
    plan = client.get(kept["plan"], query_string=contradicting).get_json()
    placed = order(client, tile_set, target_id=kept["id"], **contradicting)
    assert placed.status_code == 422
    assert (plan["refusal"]["detail"], plan["refusal"]["field"]) == (
        placed.get_json()["detail"], placed.get_json()["field"]
    )  # fmt: skip
    unknown = client.get(kept["plan"], query_string={"cels_across": "12"})
    assert refused(unknown) == (422, "invalid_order", "cels_across")
    nowhere = client.get(kept["plan"], query_string={"tile_set": str(uuid4())})
    assert refused(nowhere) == (404, "not_found", None)


def test_a_sketch_is_polled_and_its_picture_fetched_and_the_next_takes_its_place(
    services: Services, client: FlaskClient, tile_set: UUID, kept: dict[str, Any]
) -> None:
    form = {"tile_set": str(tile_set), "cells_across": "12"}
    first, second = (client.post(kept["sketches"], data=form) for _ in range(2))
    assert (first.status_code, second.headers["Location"]) == (202, second.get_json()["url"])
    assert client.get(first.get_json()["url"]).get_json()["job"]["state"] == "cancelled"
    waiting = client.get(second.get_json()["url"])
    assert (waiting.get_json()["picture"], "Retry-After" in waiting.headers) == (None, True)
    assert refused(client.get(f"{second.get_json()['url']}/picture")) == (409, "not_ready", None)
    assert work(services) == 1
    shown = client.get(second.get_json()["url"])
    assert "Retry-After" not in shown.headers
    assert (shown.get_json()["columns"], shown.get_json()["rows"]) == (12, 8)
    picture = client.get(shown.get_json()["picture"])
    assert picture.mimetype == "image/webp"
    width, height = Image.open(io.BytesIO(picture.data)).size
    assert width * 2 == height * 3
    assert client.get(f"/api/v1/targets/{uuid4()}/sketches/{second.get_json()['id']}").status_code == 404


def test_only_so_many_sketches_wait_at_once(
    services: Services, client: FlaskClient, tile_set: UUID, keep: Callable[..., TestResponse],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sketches, "MOST_WAITING", 2)
    ids = [keep().get_json()["id"] for _ in range(3)]
    form = {"tile_set": str(tile_set), "cells_across": "12"}
    answers = [client.post(f"/api/v1/targets/{each}/sketches", data=form) for each in ids]
    assert [answer.status_code for answer in answers] == [202, 202, 409]
    assert client.post(f"/api/v1/targets/{ids[0]}/sketches", data=form).status_code == 202, "it replaces its own"
    assert work(services) == 2
    assert client.post(f"/api/v1/targets/{ids[2]}/sketches", data=form).status_code == 202


# What lies in the cells


@pytest.fixture
def mosaic(tile_set: UUID, mosaic_of: Callable[..., UUID]) -> UUID:
    return mosaic_of(tile_set, cells_across=12, tile_size=10)


def test_a_cell_tells_its_photo_and_where_else_it_lies(client: FlaskClient, mosaic: UUID) -> None:
    document = json.loads(client.get(f"/api/v1/mosaics/{mosaic}/placement.json").text)
    there = next(cell for cell in document["cells"] if (cell["column"], cell["row"]) == (7, 5))
    same = [(cell["column"], cell["row"]) for cell in document["cells"] if cell["content"] == there["content"]]
    shown = client.get(f"/api/v1/mosaics/{mosaic}/cells/7/5").get_json()
    assert (shown["column"], shown["row"], shown["span"], shown["turn"]) == (7, 5, 1, there["turn"])
    assert (shown["photo"]["content"], shown["photo"]["name"]) == (there["content"], there["photo"])
    assert shown["window"] == there["window"]
    assert shown["uses"] == len(same) > 1
    assert [(place["column"], place["row"]) for place in shown["places"]] == same
    assert client.get(shown["photo"]["preview"]).mimetype == "image/jpeg"


def test_the_nearest_photos_of_a_cell_are_looked_for_by_a_job(
    services: Services, client: FlaskClient, mosaic: UUID
) -> None:
    cell = client.get(f"/api/v1/mosaics/{mosaic}/cells/7/5").get_json()
    assert refused(client.get(cell["candidates"])) == (404, "not_found", None)
    asked = client.post(cell["candidates"])
    assert (asked.status_code, asked.headers["Location"], asked.get_json()["photos"]) == (
        202,
        cell["candidates"],
        None,
    )
    assert client.post(cell["candidates"]).status_code == 202
    assert work(services) == 1, "asked twice, looked for once"
    found = client.get(cell["candidates"]).get_json()
    assert found["job"]["state"] == "succeeded"
    assert {photo["name"] for photo in found["photos"]} == {*NAMES} - {cell["photo"]["name"]}
    best = found["photos"][0]
    tiles = f"/api/v1/tile-sets/{client.get(f'/api/v1/mosaics/{mosaic}').get_json()['tile_set']}/tiles"
    assert client.post(f"{tiles}/{best['content']}/ban").status_code == 200
    left = client.get(cell["candidates"]).get_json()["photos"]
    assert left == found["photos"][1:], "who is banned may not be used"


def test_cells_that_are_not_there_are_not_found(services: Services, client: FlaskClient, mosaic: UUID) -> None:
    for place in ("12/0", "0/8", f"{10**30}/0"):
        for address in (f"cells/{place}", f"cells/{place}/candidates"):
            assert client.get(f"/api/v1/mosaics/{mosaic}/{address}").status_code == 404, address
    assert client.get(f"/api/v1/mosaics/{uuid4()}/cells/0/0").status_code == 404
    with services.reading() as session:
        tile_set = queries.find_mosaic(session, mosaic).tile_set_id
    waiting = order(client, tile_set, again=str(mosaic)).get_json()
    assert refused(client.get(f"{waiting['url']}/cells/0/0")) == (409, "not_ready", None)
