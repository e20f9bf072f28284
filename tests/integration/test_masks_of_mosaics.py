"""Masks of mosaics in a service: a picture or the target's own transparency leaves cells empty, in every file."""

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from models import queries, renditions
from models.rules import blob_keys
from models.services import Services
from worker.jobs import attempt
from worker.jobs.references import Named, Standing
from worker.rendering import job as rendering_job

COLUMNS, ROWS, TILE = 12, 8, 10
HALF = {(column, row) for column in range(6, COLUMNS) for row in range(ROWS)}
"""The cells of the right half."""


@pytest.fixture
def services(sqlite_services: Services) -> Services:
    """SQLite alone: a mask has no statement of its own but one INSERT."""
    return sqlite_services


@pytest.fixture
def right_half(encoded: Callable[..., bytes]) -> bytes:
    """A mask that keeps the right half, half as large as the target."""
    pixels = np.zeros((40, 60), np.uint8)
    pixels[:, 30:] = 255
    return encoded(Image.fromarray(pixels))


@pytest.fixture
def clear_left(encoded: Callable[..., bytes], noise: Callable[..., np.ndarray]) -> bytes:
    """A target whose left half is transparent."""
    picture = Image.fromarray(noise(80, 120))
    opacity = np.zeros((80, 120), np.uint8)
    opacity[:, 60:] = 255
    picture.putalpha(Image.fromarray(opacity))
    return encoded(picture)


@pytest.fixture
def order(client: FlaskClient, noisy_set: Callable[[int], UUID], target: bytes) -> Callable[..., Any]:
    """Order a mosaic of 12 x 8 cells, and return the answer."""
    tile_set = str(noisy_set(5))

    def send(**fields: Any) -> Any:
        form = {
            "tile_set": tile_set,
            "cells_across": str(COLUMNS),
            "tile_size": str(TILE),
            "target": (target, "t.png"),
        }
        sent = {
            name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
            for name, value in (form | fields).items()
        }
        return client.post("/api/v1/mosaics", data=sent)

    return send


def done(services: Services, client: FlaskClient, answer: Any) -> dict[str, Any]:
    """Do the job of what was ordered, and return what the API shows of it."""
    assert answer.status_code == 202, answer.text
    shown = answer.get_json()
    with services.reading() as session:
        if "mosaic" in shown:
            row = next(
                each for each in renditions.of_mosaic(session, UUID(shown["mosaic"])) if str(each.id) == shown["id"]
            )
            attempt.run(services, row.job_id, rendering_job.make_rendition)
        else:
            job_id = queries.find_mosaic(session, UUID(shown["id"])).job_id
            attempt.run(services, job_id, rendering_job.render_mosaic)
    return dict(client.get(shown["url"]).get_json())


def opened(client: FlaskClient, address: str) -> Image.Image:
    return Image.open(io.BytesIO(client.get(address).data))


def empty_in(picture: Image.Image) -> set[tuple[int, int]]:
    """Return the cells that are transparent throughout; the others must be opaque throughout."""
    opacity = np.asarray(picture.getchannel("A")).reshape(ROWS, TILE, COLUMNS, TILE).swapaxes(1, 2)
    values = opacity.reshape(ROWS, COLUMNS, -1)
    assert ((values == 0).all(2) | (values == 255).all(2)).all()
    return {(int(column), int(row)) for row, column in np.argwhere((values == 0).all(2))}


def placed(client: FlaskClient, shown: dict[str, Any]) -> set[tuple[int, int]]:
    cells = client.get(shown["placement"]).get_json()["cells"]
    return {(cell["column"], cell["row"]) for cell in cells}


ALL = {(column, row) for column in range(COLUMNS) for row in range(ROWS)}


def test_a_mask_leaves_cells_empty_in_every_file_of_the_mosaic_and_in_its_placement(
    services: Services, client: FlaskClient, order: Callable[..., Any], right_half: bytes
) -> None:
    shown = done(services, client, order(mask=(right_half, "half.png")))
    assert shown["job"]["state"] == "succeeded", shown["job"]
    assert shown["masked"]
    assert empty_in(opened(client, shown["picture"])) == ALL - HALF
    assert placed(client, shown) == HALF
    webp = done(services, client, client.post(shown["renditions"], json={"format": "webp", "file_quality": 100}))
    assert empty_in(opened(client, webp["file"])) == ALL - HALF
    jpeg = done(services, client, client.post(shown["renditions"], json={"format": "jpeg", "file_quality": 100}))
    pixels = np.asarray(opened(client, jpeg["file"]))
    assert pixels[:, : 6 * TILE - 8].min() > 250, "white where nothing lies"
    assert pixels[:, 6 * TILE + 8 :].mean() < 200


def test_the_targets_own_transparency_is_a_mask_too(
    services: Services, client: FlaskClient, order: Callable[..., Any], clear_left: bytes
) -> None:
    shown = done(services, client, order(target=(clear_left, "t.png"), mask_alpha="yes"))
    assert shown["job"]["state"] == "succeeded", shown["job"]
    assert empty_in(opened(client, shown["picture"])) == ALL - HALF


def test_an_edit_leaves_empty_what_its_parent_does(
    services: Services, client: FlaskClient, order: Callable[..., Any], right_half: bytes
) -> None:
    parent = done(services, client, order(mask=(right_half, "half.png")))
    pins = [{"column": 7, "row": 3, "photo": "2.png"}]
    shown = done(services, client, client.post(f"{parent['url']}/edits", json={"pins": pins}))
    assert (shown["job"]["state"], shown["masked"]) == ("succeeded", True), shown["job"]
    assert empty_in(opened(client, shown["picture"])) == ALL - HALF
    cells = client.get(shown["placement"]).get_json()["cells"]
    assert next(cell["photo"] for cell in cells if (cell["column"], cell["row"]) == (7, 3)) == "2.png"


@pytest.mark.parametrize("change", [{"lock": [{"column": 1, "row": 3}], "ban": ["0.png"]},
                                    {"pins": [{"column": 1, "row": 3, "photo": "2.png"}]}])  # fmt: skip
def test_nothing_is_locked_or_pinned_in_an_empty_cell(
    services: Services, client: FlaskClient, order: Callable[..., Any], right_half: bytes, change: dict[str, Any]
) -> None:
    parent = done(services, client, order(mask=(right_half, "half.png")))
    shown = done(services, client, client.post(f"{parent['url']}/edits", json=change))
    assert shown["job"]["error"]["code"] == "invalid_order"
    assert "olumn 1, row 3" in shown["job"]["error"]["detail"]
    assert "mask leaves empty" in shown["job"]["error"]["detail"] or "by the mask" in shown["job"]["error"]["detail"]


def test_the_viewer_is_told_nothing_of_empty_cells(
    services: Services, client: FlaskClient, order: Callable[..., Any], right_half: bytes
) -> None:
    shown = done(services, client, order(mask=(right_half, "half.png")))
    page = f"/mosaics/{shown['id']}"
    told = client.get(f"{page}/cells?left=4&top=0&right=7&bottom=1").get_json()["cells"]
    assert [(cell["column"], cell["row"]) for cell in told] == [(6, 0), (7, 0), (6, 1), (7, 1)]
    one = client.get(f"{page}/cells/1/3").get_json()
    assert (one["name"], one["uses"], one["places"]) == (None, 0, [])
    cells = client.get(shown["placement"]).get_json()["cells"]
    first = client.get(f"{page}/cells/6/0").get_json()
    assert first["uses"] == sum(cell["photo"] == first["name"] for cell in cells)
    assert "less those that the mask leaves empty" in client.get(page).text


@pytest.mark.parametrize(
    ("mask", "code", "sentence"),
    [
        ("square", "invalid_order", "The mask has 40 x 40 pixels, which is another shape"),
        ("text", "not_a_picture", "half.png"),
        ("empty", "empty_file", "The mask half.png is empty."),
    ],
)
def test_a_mask_that_cannot_be_used_is_refused_before_anything_is_stored(
    services: Services, order: Callable[..., Any], encoded: Callable[..., bytes], noise: Callable[..., np.ndarray],
    mask: str, code: str, sentence: str,
) -> None:  # fmt: skip
    data = {"square": encoded(noise(40, 40)), "text": b"no picture at all, but words", "empty": b""}[mask]
    before = [blob.key for blob in services.store.list("mosaics")]
    answer = order(mask=(data, "half.png"))
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert sentence in answer.get_json()["detail"]
    assert [blob.key for blob in services.store.list("mosaics")] == before


def test_a_mask_and_the_transparency_contradict_each_other(order: Callable[..., Any], right_half: bytes) -> None:
    answer = order(mask=(right_half, "half.png"), mask_alpha="yes")
    assert (answer.status_code, answer.get_json()["field"]) == (422, "mask")
    answer = order(mask_alpha="perhaps")
    assert (answer.status_code, answer.get_json()["field"]) == (422, "mask_alpha")


@pytest.mark.parametrize(
    ("what", "code", "sentence"),
    [
        ("opaque", "invalid_order", "The target has no transparent pixel"),
        ("cut off", "truncated_picture", "The mask: The picture is truncated"),
        ("black", "invalid_order", "The mask leaves every cell empty"),
    ],
)
def test_what_only_a_worker_sees_fails_the_job_with_a_sentence(
    services: Services, client: FlaskClient, order: Callable[..., Any], encoded: Callable[..., bytes], what: str,
    code: str, sentence: str,
) -> None:  # fmt: skip
    masks = {
        "opaque": {"mask_alpha": "yes"},
        "cut off": {"mask": (encoded(Image.effect_noise((120, 80), 90))[:5_000], "m.png")},
        "black": {"mask": (encoded(Image.new("L", (120, 80))), "m.png")},
    }
    shown = done(services, client, order(**masks[what]))
    error = shown["job"]["error"]
    assert (error["code"], sentence in error["detail"]) == (code, True), error


def test_a_mask_is_kept_as_long_as_its_mosaic(
    services: Services, client: FlaskClient, order: Callable[..., Any], right_half: bytes
) -> None:
    identity = UUID(done(services, client, order(mask=(right_half, "half.png")))["id"])
    key = blob_keys.mask(identity)
    assert services.store.get(key) == right_half
    assert Named(services.reading).standing(key) is Standing.NAMED


def test_the_page_takes_a_mask(
    services: Services, client: FlaskClient, noisy_set: Callable[[int], UUID], target: bytes, right_half: bytes
) -> None:
    tile_set = str(noisy_set(5))
    token = client.get("/mosaics/new").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {
        "csrf_token": token, "tile_set": tile_set, "cells_across": str(COLUMNS), "tile_size": str(TILE),
        "target": (io.BytesIO(target), "t.png"), "mask": (io.BytesIO(right_half), "half.png"),
    }  # fmt: skip
    page = client.post("/mosaics", data=form)
    assert page.status_code == 303, page.text
    identity = UUID(page.location.rpartition("/")[2])
    assert services.store.get(blob_keys.mask(identity)) == right_half
