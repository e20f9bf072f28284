"""A mosaic that is ordered again with other options knows from which, and both are shown side by side."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from models import database, keeping, placing, undo
from models.placing import StoredFile
from models.rules.orders import MosaicOrder
from models.services import Services
from models.tables import Batch, Mosaic
from web.app import assemble
from worker.jobs import attempt
from worker.rendering.job import render_mosaic


@pytest.fixture
def services(sqlite_services: Services) -> Services:
    return sqlite_services


@pytest.fixture
def tile_set(set_of: Callable[..., UUID]) -> UUID:
    """Photos of one colour each, from dark to light."""
    return set_of([(f"{n}.png", np.full((40, 60, 3), 30 + 40 * n, np.uint8)) for n in range(6)])


@pytest.fixture
def first(tile_set: UUID, mosaic_of: Callable[..., UUID]) -> UUID:
    return mosaic_of(tile_set, cells_across=12, tile_size=10)


@pytest.fixture
def client(services: Services) -> FlaskClient:
    app = assemble(services)
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def ask(client: FlaskClient, tile_set: UUID, **fields: Any) -> Any:
    return client.post("/api/v1/mosaics", data={"tile_set": str(tile_set), "cells_across": "15"} | fields)


def again(client: FlaskClient, services: Services, tile_set: UUID, last: UUID, **fields: str) -> UUID:
    """Order a mosaic again by the API, and make it."""
    answer = ask(client, tile_set, again=str(last), **fields)
    assert answer.status_code == 202, answer.text
    assert answer.get_json()["again"] == str(last)
    made = UUID(answer.get_json()["id"])
    with services.reading() as session:
        job = session.get_one(Mosaic, made).job_id
    attempt.run(services, job, render_mosaic)
    return made


def noted(services: Services, mosaic: UUID) -> UUID | None:
    with services.reading() as session:
        return session.get_one(Mosaic, mosaic).again_id


def drop(services: Services, mosaic: UUID) -> None:
    with services.sessions.begin() as session:
        keeping.drop(session, Mosaic, mosaic, database.now(session))


def test_the_order_page_shows_the_last_mosaic_and_what_is_different(
    client: FlaskClient, services: Services, tile_set: UUID, first: UUID
) -> None:
    page = client.get(f"/mosaics/new?again={first}").text
    assert f'src="/mosaics/{first}/preview"' in page
    form = {"again": str(first), "tile_set": str(tile_set), "cells_across": "12", "tile_size": "10"}
    plan = client.get("/mosaics/drafts/plan", query_string=form).get_json()
    assert "Nothing is different yet." in plan["changes"]
    changed = {"cells_across": "1000", "look": "true"}
    plan = client.get("/mosaics/drafts/plan", query_string=form | changed).get_json()
    assert 'Look: <span class="soft">Natural</span> → <strong>True photos</strong>' in plan["changes"]
    assert 'Cells across: <span class="soft">12</span> → <strong>1,000</strong>' in plan["changes"]
    assert client.get("/mosaics/drafts/plan", query_string=form | {"again": ""}).get_json()["changes"] is None


def test_both_are_shown_side_by_side_with_what_was_different_and_what_came_of_it(
    client: FlaskClient, services: Services, tile_set: UUID, first: UUID
) -> None:
    second = again(client, services, tile_set, first, tile_size="10", spread="0.75")
    address = f"/mosaics/{second}/beside/{first}"
    assert f'href="{address}">Side by side with the last' in client.get(f"/mosaics/{second}").text
    assert "/beside/" not in client.get(f"/mosaics/{first}").text
    page = client.get(address).text
    rows = [" ".join(row.split()) for row in page.split("<tr>")]
    assert '<th scope="row">Cells across</th><td>12</td><td>15</td></tr>' in rows
    assert any("Keep equal photos apart</th><td>0.5</td><td>0.75</td>" in row for row in rows)
    assert any('<th scope="row">Cells</th><td>12 × 8</td><td>15 × 10</td>' in row for row in rows)  # noqa: RUF001
    assert page.index(f"/mosaics/{first}/preview") < page.index(f"/mosaics/{second}/preview")
    assert "Nothing: both were ordered alike." in client.get(f"/mosaics/{first}/beside/{first}").text


def test_what_is_in_the_trash_is_not_shown_and_what_is_deleted_for_good_is_forgotten(
    client: FlaskClient, services: Services, tile_set: UUID, first: UUID
) -> None:
    second = again(client, services, tile_set, first)
    third = again(client, services, tile_set, second)
    drop(services, first)
    assert "Side by side" not in client.get(f"/mosaics/{second}").text
    assert client.get(f"/mosaics/{second}/beside/{first}").status_code == 404
    assert client.get(f"/mosaics/{first}/beside/{second}").status_code == 404
    assert client.get(f"/mosaics/new?again={first}").status_code == 404
    assert ask(client, tile_set, again=str(first)).status_code == 404
    with services.sessions.begin() as session:
        keeping.restore(session, Mosaic, first)
    assert client.get(f"/mosaics/{second}/beside/{first}").status_code == 200
    drop(services, first)
    with services.sessions.begin() as session:
        undo.empty(session, database.now(session))
    assert (noted(services, second), noted(services, third)) == (None, second)


def test_a_batch_that_is_deleted_for_good_is_forgotten_too(services: Services, tile_set: UUID, first: UUID) -> None:
    batch, target = uuid4(), StoredFile("t.png", f"mosaics/{first}/target")
    with services.sessions.begin() as session:
        placing.place_batch(session, batch, "b", tile_set, [target], MosaicOrder(cells_across=2), services.ring_again)
        of_batch = session.scalars(select(Mosaic.id).where(Mosaic.batch_id == batch)).one()
        session.get_one(Mosaic, first).again_id = of_batch
        keeping.drop(session, Batch, batch, database.now(session))
    assert noted(services, first) == of_batch
    with services.sessions.begin() as session:
        keeping.purge(session, Batch, batch, database.now(session))
    assert noted(services, first) is None


def test_mosaics_of_two_pictures_or_not_made_yet_are_not_shown_side_by_side(
    client: FlaskClient, tile_set: UUID, first: UUID, mosaic_of: Callable[..., UUID]
) -> None:
    other = client.get(f"/mosaics/{first}/beside/{mosaic_of(tile_set, cells_across=12, tile_size=10)}")
    assert (other.status_code, "not made of the same picture" in other.text) == (404, True)
    assert "<h1>Two different pictures</h1>" in other.text
    waiting = ask(client, tile_set, again=str(first)).get_json()["id"]
    early = client.get(f"/mosaics/{waiting}/beside/{first}")
    assert (early.status_code, "The mosaic is queued" in early.text) == (409, True)
    assert client.get(f"/mosaics/{first}/beside/nothing").status_code == 404


def test_another_picture_on_the_same_page_is_not_ordered_again(
    client: FlaskClient, services: Services, tile_set: UUID, first: UUID, target: bytes
) -> None:
    token = client.get(f"/mosaics/new?again={first}").text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"tile_set": str(tile_set), "again": str(first), "draft": str(uuid4()), "csrf_token": token}
    same = client.post("/mosaics", data=form)
    assert noted(services, UUID(same.location.rpartition("/")[2])) == first
    file = {"draft": str(uuid4()), "target": (io.BytesIO(target), "other.png")}
    other = client.post("/mosaics", data=form | file)
    assert noted(services, UUID(other.location.rpartition("/")[2])) is None


def test_the_api_takes_the_target_and_the_mask_of_the_mosaic_that_is_ordered_again(
    client: FlaskClient, services: Services, tile_set: UUID, first: UUID, target: bytes, tmp_path: Path
) -> None:
    mask = client.get(f"/mosaics/{first}/target-preview").data
    kept = client.post("/api/v1/targets", data={"again": str(first), "mask": (io.BytesIO(mask), "m.jpg")}).get_json()
    masked = UUID(ask(client, tile_set, target_id=kept["id"]).get_json()["id"])
    once_more = UUID(ask(client, tile_set, again=str(masked), cells_across="9").get_json()["id"])
    with services.reading() as session:
        rows = [session.get_one(Mosaic, each) for each in (first, masked, once_more)]
    assert len({row.target_key for row in rows}) == 1
    assert [row.mask for row in rows] == [None, f"mosaics/{masked}/mask", f"mosaics/{masked}/mask"]
    both = ask(client, tile_set, again=str(first), target=(io.BytesIO(target), "t.png"))
    assert (both.status_code, both.get_json()["code"]) == (422, "invalid_order")
    assert ask(client, tile_set, again="nothing").status_code == 404
    nothing = ask(client, tile_set)
    assert (nothing.status_code, nothing.get_json()["detail"]) == (422, "Choose the picture to rebuild.")
