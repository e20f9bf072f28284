"""Mosaics of a part of their target in a service: the part is that of every file, of edits and of the next order."""

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from models import queries, renditions
from models.services import Services
from models.tables import Mosaic
from worker.jobs import attempt
from worker.rendering import job as rendering_job

CROP = {"crop_left": "0.25", "crop_top": "0.2", "crop_width": "0.5", "crop_height": "0.6"}
BOX = (30, 16, 90, 64)
"""What this is of 120 x 80 pixels."""
NONE = {"crop_left": 0, "crop_top": 0, "crop_width": None, "crop_height": None}


@pytest.fixture
def services(sqlite_services: Services) -> Services:
    """SQLite alone: a crop has no statement of its own."""
    return sqlite_services


@pytest.fixture
def part(target: bytes, encoded: Callable[..., bytes]) -> bytes:
    """The part of the target as a file of its own."""
    return encoded(Image.open(io.BytesIO(target)).crop(BOX))


@pytest.fixture
def order(client: FlaskClient, noisy_set: Callable[[int], UUID], target: bytes) -> Callable[..., Any]:
    """Order a mosaic, 12 cells across, and return the answer."""
    tile_set = str(noisy_set(5))

    def send(picture: bytes = target, **fields: Any) -> Any:
        form = {
            "tile_set": tile_set,
            "cells_across": "12",
            "tile_size": "10",
            "target": (io.BytesIO(picture), "t.png"),
        }
        return client.post("/api/v1/mosaics", data=form | fields)

    return send


def done(services: Services, client: FlaskClient, answer: Any) -> dict[str, Any]:
    """Do the job of what was ordered, and return what the API shows of it."""
    assert answer.status_code == 202, answer.text
    shown = answer.get_json()
    with services.reading() as session:
        if "mosaic" in shown:
            rows = renditions.of_mosaic(session, UUID(shown["mosaic"]))
            job_id, do = next(row.job_id for row in rows if str(row.id) == shown["id"]), rendering_job.make_rendition
        else:
            job_id, do = queries.find_mosaic(session, UUID(shown["id"])).job_id, rendering_job.render_mosaic
    attempt.run(services, job_id, do)
    shown = dict(client.get(shown["url"]).get_json())
    assert shown["job"]["state"] == "succeeded", shown["job"]
    return shown


def test_every_file_and_the_comparison_are_those_of_the_part_sent_alone(
    services: Services, client: FlaskClient, order: Callable[..., Any], part: bytes
) -> None:
    of_part = done(services, client, order(**CROP))
    alone = done(services, client, order(part))
    assert {name: of_part["order"][name] for name in CROP} == {name: float(value) for name, value in CROP.items()}
    assert {name: alone["order"][name] for name in CROP} == NONE
    assert (of_part["columns"], of_part["rows"]) == (12, 9)
    assert client.get(of_part["picture"]).data == client.get(alone["picture"]).data
    files = [
        done(services, client, client.post(shown["renditions"], json={"format": "webp", "file_quality": 90}))
        for shown in (of_part, alone)
    ]
    assert client.get(files[0]["file"]).data == client.get(files[1]["file"]).data
    targets = [client.get(f"/mosaics/{shown['id']}/target-preview").data for shown in (of_part, alone)]
    assert targets[0] == targets[1]
    assert client.get(of_part["placement"]).get_json()["order"]["crop_left"] == 0.25


def test_an_edit_keeps_the_part(
    services: Services, client: FlaskClient, order: Callable[..., Any], part: bytes
) -> None:
    edits = []
    for answer in (order(**CROP), order(part)):
        parent = done(services, client, answer)
        edits.append(done(services, client, client.post(f"{parent['url']}/edits", json={"ban": ["0.png"]})))
    assert edits[0]["order"]["crop_width"] == 0.5
    assert client.get(edits[0]["picture"]).data == client.get(edits[1]["picture"]).data


def test_a_mask_is_of_the_whole_target(
    services: Services, client: FlaskClient, order: Callable[..., Any], encoded: Callable[..., bytes]
) -> None:
    pixels = np.zeros((80, 120), np.uint8)
    pixels[:, 60:] = 255
    shown = done(services, client, order(mask=(io.BytesIO(encoded(Image.fromarray(pixels))), "m.png"), **CROP))
    cells = client.get(shown["placement"]).get_json()["cells"]
    assert {cell["column"] for cell in cells} == set(range(6, 12))
    assert len(cells) == 6 * 9


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"crop_left": "0.5", "crop_width": "0.6"}, "crop_width"),
        ({"crop_left": "nan"}, "crop_left"),
        ({"crop_top": "1"}, "crop_top"),
        ({"crop_height": "0"}, "crop_height"),
        ({"crop_width": "half"}, "crop_width"),
        ({"crop_height": "0.01"}, "cells_across"),
    ],
)
def test_what_is_no_part_is_refused_with_its_field(
    order: Callable[..., Any], fields: dict[str, str], field: str
) -> None:
    answer = order(**fields)
    told = answer.get_json()
    assert (answer.status_code, told["code"], told["field"]) == (422, "invalid_order", field), told


def test_one_pixel_becomes_a_mosaic(services: Services, client: FlaskClient, order: Callable[..., Any]) -> None:
    shown = done(
        services, client, order(crop_left="0.99999", crop_top="0.99999", crop_width="0.00001", crop_height="0.00001")
    )
    assert (shown["columns"], shown["rows"]) == (12, 12)


def test_empty_fields_are_the_whole(order: Callable[..., Any]) -> None:
    shown = order(**dict.fromkeys(CROP, "")).get_json()
    assert {name: shown["order"][name] for name in CROP} == NONE


def test_a_batch_takes_the_part_of_each_target(
    services: Services, client: FlaskClient, noisy_set: Callable[[int], UUID], target: bytes, part: bytes
) -> None:
    targets = [(io.BytesIO(target), "a.png"), (io.BytesIO(part), "b.png")]
    form = {"tile_set": str(noisy_set(5)), "cells_across": "12", "targets": targets} | CROP
    answer = client.post("/api/v1/batches", data=form)
    assert answer.status_code == 202, answer.text
    with services.reading() as session:
        parts = [queries.order_of(each).part(120, 80) for each in session.query(Mosaic)]
    assert parts == [(30, 16, 60, 48)] * 2


def test_again_and_an_error_show_the_part_that_was_ordered(
    services: Services, client: FlaskClient, order: Callable[..., Any]
) -> None:
    shown = done(services, client, order(**CROP))
    again = client.get(f"/mosaics/new?again={shown['id']}").text
    token = again.partition('name="csrf_token" value="')[2].partition('"')[0]
    refused = client.post("/mosaics", data={"csrf_token": token, "again": shown["id"], "cells_across": "0"} | CROP)
    assert refused.status_code == 422
    for page in (again, refused.text):
        assert '<details class="crop-fields" open>' in page
        for name, value in CROP.items():
            assert f'name="{name}" maxlength="100" inputmode="decimal" value="{value}"' in page


def test_the_plan_is_of_the_part_and_offers_the_whole_where_there_is_none(client: FlaskClient) -> None:
    # The target is not known, and taken to be of 3,000 x 2,000 pixels: 1,500 x 500 are left.
    asked = {"cells_across": "60", "tile_size": "10", "crop_left": "0.5", "crop_top": "0.75"}
    plan = client.get("/mosaics/drafts/plan", query_string=asked).get_json()["plan"]
    assert (plan["columns"], plan["rows"], plan["width"], plan["height"], plan["shown"]) == (60, 20, 600, 200, 1)
    refusal = client.get("/mosaics/drafts/plan", query_string=asked | {"crop_width": "0.6"}).get_json()["refusal"]
    assert refusal["field"] == "crop_width"
    assert refusal["ways"] == [{"label": "Take the whole picture", "fields": dict.fromkeys(CROP, "")}]
