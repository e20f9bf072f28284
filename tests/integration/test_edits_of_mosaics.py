"""Edits of a mosaic in a service: a new mosaic that names its parent, and differs from it where it has to."""

import io
from collections.abc import Callable
from datetime import timedelta
from html import escape
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, update

from models import database, photo_listing, placement_documents, queries, tile_set_versions
from models.rules import placement_files
from models.rules.placements import Placed
from models.services import Services
from models.tables import Mosaic, Tile
from worker.jobs import attempt, garbage
from worker.rendering import job as rendering_job

COLUMNS = 12
DISTANCE = 2.0


@pytest.fixture
def services(sqlite_services: Services) -> Services:
    """SQLite alone: an edit has no statement of its own but one INSERT."""
    return sqlite_services


@pytest.fixture
def tile_set(set_of: Callable[..., UUID], noise: Callable[..., np.ndarray]) -> UUID:
    """Thirty photos of many colours; two files have the same name."""
    colours = [np.random.default_rng(number).integers(0, 200, 3) for number in range(30)]
    photos = [(noise(40, 40, number) // 5 + colour).astype(np.uint8) for number, colour in enumerate(colours)]
    return set_of([("twin.png" if number > 27 else f"{number}.png", each) for number, each in enumerate(photos)])


@pytest.fixture
def mosaic(tile_set: UUID, mosaic_of: Callable[..., UUID]) -> UUID:
    """A mosaic of 12 x 8 cells, equal photos at least two cells apart."""
    return mosaic_of(tile_set, cells_across=COLUMNS, tile_size=16, min_distance=DISTANCE)


def cells(services: Services, mosaic: str | UUID) -> dict[tuple[int, int], Placed]:
    with services.reading() as session:
        found = queries.find_mosaic(session, UUID(str(mosaic)))
        assert found.job.error_sentence is None
        text = "".join(placement_documents.of_mosaic(session, services.store, found, ".json"))
    placed = placement_files.from_bytes(text.encode(), ".json").cells
    return {(cell.column, cell.row): cell for cell in placed}


def edited(services: Services, client: FlaskClient, mosaic: UUID, **changes: Any) -> dict[str, Any]:
    """Order an edit, make it, and return what the API shows of it."""
    answer = client.post(f"/api/v1/mosaics/{mosaic}/edits", json=changes)
    assert answer.status_code == 202, answer.text
    shown = answer.get_json()
    with services.reading() as session:
        job_id = queries.find_mosaic(session, UUID(shown["id"])).job_id
    attempt.run(services, job_id, rendering_job.render_mosaic)
    return dict(client.get(shown["url"]).get_json())


def looks(placed: dict[tuple[int, int], Placed]) -> dict[tuple[int, int], tuple[Any, ...]]:
    return {place: (cell.content, cell.window, cell.turn) for place, cell in placed.items()}


def test_a_pin_changes_its_cell_and_those_alone_that_break_a_rule_beside_it(
    services: Services, client: FlaskClient, mosaic: UUID
) -> None:
    before = looks(cells(services, mosaic))
    other = next(cell for cell in cells(services, mosaic).values() if cell.content != before[5, 3][0])
    made = edited(services, client, mosaic, pins=[{"column": 5, "row": 3, "photo": other.content}])
    after = looks(cells(services, made["id"]))
    assert (made["parent"], made["job"]["state"]) == (str(mosaic), "succeeded")
    beside = client.get(f"/mosaics/{made['id']}/beside/{mosaic}").text
    assert "No option: single cells or photos were changed afterwards." in beside
    assert after[5, 3][0] == other.content
    changed = {place for place in before if before[place] != after[place]}
    near = {place for place in before if np.hypot(place[0] - 5, place[1] - 3) < DISTANCE}
    assert (5, 3) in changed <= near
    for one, (content, *_) in after.items():
        same = [place for place, (photo, *_) in after.items() if photo == content and place != one]
        assert all(np.hypot(place[0] - one[0], place[1] - one[1]) >= DISTANCE for place in same)
    assert made["order"] == client.get(f"/api/v1/mosaics/{mosaic}").get_json()["order"]
    page = client.get(f"/mosaics/{made['id']}").text
    assert f'href="/mosaics/{mosaic}"' in page


def test_a_banned_photo_lies_nowhere_and_one_that_must_appear_does(
    services: Services, client: FlaskClient, mosaic: UUID, tile_set: UUID
) -> None:
    before = cells(services, mosaic)
    banned = before[0, 0]
    with services.reading() as session:
        names = [shown.tile.name for shown in photo_listing.page(session, tile_set).rows]
    used = {cell.photo for cell in before.values()}
    lacking = next((name for name in names if name not in used and name != "twin.png"), banned.photo)
    wanted = [lacking] if lacking != banned.photo else []
    after = cells(services, edited(services, client, mosaic, ban=[banned.photo], must_use=wanted)["id"])
    assert banned.content not in {cell.content for cell in after.values()}
    assert set(wanted) <= {cell.photo for cell in after.values()}
    kept = {place for place, cell in before.items() if cell.content != banned.content}
    unlike = {place for place in kept if looks(before)[place] != looks(after)[place]}
    assert len(unlike) <= len(before) - len(kept) + len(wanted)


def test_a_locked_cell_keeps_what_it_has(services: Services, client: FlaskClient, mosaic: UUID) -> None:
    before = looks(cells(services, mosaic))
    neighbour = before[5, 3][0]
    made = edited(
        services, client, mosaic, lock=[{"column": 5, "row": 3}], pins=[{"column": 8, "row": 3, "photo": neighbour}]
    )
    after = looks(cells(services, made["id"]))
    assert (after[5, 3], after[8, 3][0]) == (before[5, 3], neighbour)


def test_locks_that_break_a_rule_fail_with_a_sentence(services: Services, client: FlaskClient, mosaic: UUID) -> None:
    photo = cells(services, mosaic)[5, 3]
    pins = [{"column": 6, "row": 3, "photo": photo.content}]
    made = edited(services, client, mosaic, lock=[{"column": 5, "row": 3}], pins=pins)
    assert (made["job"]["state"], made["job"]["error"]["code"]) == ("failed", "invalid_order")
    assert made["job"]["error"]["detail"] == (
        f"The edit: {photo.photo} is locked in column 5, row 3 and in column 6, row 3, which breaks the rule of "
        "2 cells between equal photos."
    )


def test_what_was_removed_from_the_set_meanwhile_is_chosen_again(
    services: Services, client: FlaskClient, mosaic: UUID, tile_set: UUID
) -> None:
    before = cells(services, mosaic)
    removed, pinned = before[0, 0].content, before[11, 7].content
    with services.sessions.begin() as session:
        tile_set_versions.remove(session, tile_set, removed, database.now(session))
    made = edited(services, client, mosaic, pins=[{"column": 3, "row": 1, "photo": pinned}])
    assert made["tile_set_version"] == 2
    after = cells(services, made["id"])
    assert (removed in {cell.content for cell in after.values()}, after[3, 1].content) == (False, pinned)


def test_an_edit_can_be_edited_and_its_files_ordered(services: Services, client: FlaskClient, mosaic: UUID) -> None:
    photo = cells(services, mosaic)[0, 0].content
    child = edited(services, client, mosaic, pins=[{"column": 5, "row": 3, "photo": photo}])
    grandchild = edited(services, client, UUID(child["id"]), ban=[cells(services, child["id"])[9, 6].content])
    assert grandchild["parent"] == child["id"]
    assert client.post(f"{grandchild['url']}/renditions", json={"format": "jpeg"}).status_code == 202
    picture = client.get(grandchild["picture"])
    assert Image.open(io.BytesIO(picture.data)).size == (192, 128)


def test_an_edit_is_made_though_its_parent_was_deleted_for_good_while_it_waited(
    services: Services, client: FlaskClient, mosaic: UUID
) -> None:
    photo = cells(services, mosaic)[0, 0].content
    pin = {"column": 5, "row": 3, "photo": photo}
    shown = client.post(f"/api/v1/mosaics/{mosaic}/edits", json={"pins": [pin]}).get_json()
    assert client.delete(f"/api/v1/mosaics/{mosaic}").status_code == 204
    assert client.delete(f"/api/v1/trash/mosaics/{mosaic}").status_code == 204
    with services.reading() as session:
        job_id, now = queries.find_mosaic(session, UUID(shown["id"])).job_id, database.now(session)
    garbage.collect(services, now + timedelta(hours=2))
    assert {blob.key.rpartition("/")[2] for blob in services.store.list(f"mosaics/{mosaic}")} == {
        "target", "placement.safetensors",
    }  # fmt: skip
    attempt.run(services, job_id, rendering_job.render_mosaic)
    assert cells(services, shown["id"])[5, 3].content == photo


def test_an_edit_keeps_the_sizes_of_cells_and_a_pin_names_a_larger_one_by_any_of_its_places(
    services: Services, client: FlaskClient, tile_set: UUID, mosaic_of: Callable[..., UUID]
) -> None:
    mosaic = mosaic_of(tile_set, cells_across=24, tile_size=8, adaptive=1.0)
    before = cells(services, mosaic)
    large = next(cell for cell in before.values() if cell.span == 4)
    photo = next(cell.content for cell in before.values() if cell.content != large.content)
    pin = {"column": large.column + 3, "row": large.row + 2, "photo": photo}
    after = cells(services, edited(services, client, mosaic, pins=[pin])["id"])
    assert [(*place, cell.span) for place, cell in after.items()] == [(*p, cell.span) for p, cell in before.items()]
    assert after[large.column, large.row].content == photo
    others = [looks(some) for some in (before, after)]
    assert [place for place in before if others[0][place] != others[1][place]] == [(large.column, large.row)]
    twice = [pin, pin | {"column": large.column}]
    failed = edited(services, client, mosaic, pins=twice)
    with services.reading() as session:
        said = queries.find_mosaic(session, UUID(failed["id"])).job.error_sentence
    assert said == "A cell that covers several columns and rows is pinned twice, or locked as well."


ALONE = "Locked cells alone change nothing; ban photos, or say which to use, or pins."
TOO_NEAR = (
    "1.png is pinned in column 1, row 0 and in column 2, row 0, which breaks the order's rule of 2 cells between "
    "equal photos; pin it farther away."
)
OUTSIDE = "is outside the 12 x 8 cells, which are counted from 0."
TWICE = "Column 1, row 0 is named twice; pin or lock it once."
TOO_MANY = "151 are more than the limit of 150; make several edits, one after the other."
TWINS = "2 photos are called “twin.png”; say the content hash of the one to use."
BANNED = "may not be used: this edit bans it."


def not_there(photo: str, purpose: str) -> str:
    what_to_do = "say the name or the content hash of one that it has."
    return f"The tile set “photos” has no photo “{photo}” {purpose}; {what_to_do}"


def a_pin(column: float) -> dict[str, Any]:
    return {"column": column, "row": 0, "photo": "1.png"}


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({}, "pins", "Say what to change: photos to ban or to use, or pins."),
        ({"lock": [{"column": 0, "row": 0}]}, "lock", ALONE),
        ({"ban": ["x.jpg"]}, "ban", not_there("x.jpg", "to ban")),
        ({"must_use": ["twin.png"]}, "must_use", TWINS),
        ({"ban": ["1.png"], "must_use": ["1.png"]}, "must_use", f"The photo “1.png” to use {BANNED}"),
        ({"pins": [a_pin(12)]}, "pins", f"Column 12, row 0 {OUTSIDE}"),
        ({"pins": [a_pin(-1)]}, "pins", f"Column -1, row 0 {OUTSIDE}"),
        ({"pins": [a_pin(1), a_pin(1)]}, "pins", TWICE),
        ({"pins": [a_pin(1)], "lock": [{"column": 1, "row": 0}]}, "pins", TWICE),
        ({"ban": ["1.png"] * 151}, "ban", TOO_MANY),
        ({"pins": [a_pin(1), a_pin(1.5)]}, "pins", "pins[1].column: Not a valid integer."),
        ({"pins": [{"column": 1, "row": 0}]}, "pins", "pins[0].photo: Missing data for required field."),
        ({"bans": ["1.png"]}, "bans", "bans: Unknown field."),
        ({"pins": [{**a_pin(1), "row": " 1_0 "}]}, "pins", "pins[0].row: Not a valid integer."),
        ({"pins": [a_pin(1), a_pin(2)]}, "pins", TOO_NEAR),
        ({"pins": [{**a_pin(3), "photo": "x.jpg"}]}, "pins", not_there("x.jpg", "to pin in column 3, row 0")),
        ({"pins": [a_pin(3)], "ban": ["1.png"]}, "pins", f"The photo “1.png” to pin in column 3, row 0 {BANNED}"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_is_refused_at_once_in_a_sentence(
    client: FlaskClient, mosaic: UUID, changes: dict[str, Any], field: str, sentence: str
) -> None:
    answer = client.post(f"/api/v1/mosaics/{mosaic}/edits", json=changes)
    said = answer.get_json()
    assert (answer.status_code, said["code"], said.get("field"), said["detail"]) == (
        422,
        "invalid_order",
        field,
        sentence,
    )
    assert len(client.get("/api/v1/mosaics").get_json()["items"]) == 1


def test_a_photo_that_was_removed_from_the_set_meanwhile_is_told_by_its_name(
    services: Services, client: FlaskClient, tile_set: UUID, mosaic: UUID
) -> None:
    with services.sessions.begin() as session:
        of_name = Tile.tile_set_id == tile_set, Tile.name == "1.png"
        content = session.scalars(select(Tile.content).where(*of_name)).one()
        tile_set_versions.remove(session, tile_set, content, database.now(session))
    for photo in (content, "1.png"):
        answer = client.post(f"/api/v1/mosaics/{mosaic}/edits", json={"pins": [{**a_pin(3), "photo": photo}]})
        said = "The photo “1.png” to pin in column 3, row 0 is in the trash; take it back first."
        assert (answer.status_code, answer.get_json()["detail"]) == (422, said)


def test_a_photo_pinned_in_more_cells_than_it_may_lie_in_is_refused_at_once(
    client: FlaskClient, tile_set: UUID, mosaic_of: Callable[..., UUID]
) -> None:
    mosaic = mosaic_of(tile_set, cells_across=5, tile_size=16, max_uses=2)
    pins = [a_pin(0), a_pin(2), a_pin(4)]
    assert client.post(f"/api/v1/mosaics/{mosaic}/edits", json={"pins": pins[:2]}).status_code == 202
    answer = client.post(f"/api/v1/mosaics/{mosaic}/edits", json={"pins": pins})
    assert answer.status_code == 422
    assert answer.get_json()["detail"] == (
        "1.png is pinned in 3 cells, which breaks the order's rule of at most 2 for a photo; pin it in fewer."
    )


def test_text_that_is_not_unicode_is_refused_in_a_sentence(client: FlaskClient, mosaic: UUID) -> None:
    pin = r'{"pins": [{"column": 0, "row": 0, "photo": "a\ud83d"}]}'
    for body in (r'{"ban": ["\ud800"]}', r'{"\udfff": 1}', pin):
        answer = client.post(f"/api/v1/mosaics/{mosaic}/edits", data=body, content_type="application/json")
        assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")
        assert "text that is not Unicode" in answer.get_json()["detail"]
    body = r'{"ban": ["\ud83d\ude00"]}'
    answer = client.post(f"/api/v1/mosaics/{mosaic}/edits", data=body, content_type="application/json")
    assert answer.get_json()["detail"] == not_there("\U0001f600", "to ban")


def test_a_mosaic_of_before_cannot_be_edited(services: Services, client: FlaskClient, mosaic: UUID) -> None:
    with services.sessions.begin() as session:
        session.execute(update(Mosaic).values(placement_key=None))
    answer = client.post(f"/api/v1/mosaics/{mosaic}/edits", json={"ban": ["1.png"]})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "no_placement")


def test_the_form_on_the_page_orders_the_same_edit(services: Services, client: FlaskClient, mosaic: UUID) -> None:
    client.application.config["WTF_CSRF_ENABLED"] = False
    before = cells(services, mosaic)
    banned, wanted = before[0, 0], before[11, 7]
    page = client.get(f"/mosaics/{mosaic}").text
    assert f'<option value="{wanted.photo}">' in page
    form = {"ban": banned.photo, "column": "5", "row": "3", "photo": wanted.photo, "lock": "9, 6\r\n\r\n10 0\r\n"}
    answer = client.post(f"/mosaics/{mosaic}/edits", data=form)
    assert answer.status_code == 303, answer.text
    identity = UUID(answer.location.rpartition("/")[2])
    with services.reading() as session:
        row = queries.find_mosaic(session, identity)
        assert row.parent_id == mosaic
        assert row.changes == {
            "ban": [banned.content], "must_use": [], "lock": [[9, 6], [10, 0]], "pins": [[5, 3, wanted.content]],
        }  # fmt: skip


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"ban": "", "must_use": "  \r\n "}, "Say what to change"),
        ({"ban": "x<b>.jpg"}, "has no photo “x&lt;b&gt;.jpg” to ban"),
        ({"column": "3", "photo": "1.png"}, "Say the column, the row and the photo"),
        ({"column": "3", "row": "1_0", "photo": "1.png"}, "The row must be a whole number"),
        ({"column": "99", "row": "0", "photo": "1.png"}, "outside the 12 x 8 cells"),
        ({"lock": "here"}, "is no cell; write its column and its row"),
    ],
)
def test_what_is_wrong_in_the_form_is_said_on_the_page_which_keeps_what_was_typed(
    client: FlaskClient, mosaic: UUID, form: dict[str, str], sentence: str
) -> None:
    client.application.config["WTF_CSRF_ENABLED"] = False
    answer = client.post(f"/mosaics/{mosaic}/edits", data={"must_use": "2.png"} | form)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert '<details id="edit" open>' in answer.text
    for value in form.values():
        assert not value.strip() or escape(value) in answer.text
    assert "http-equiv" not in answer.text, "a page that answers a POST must not ask for itself again"


def test_a_photo_that_the_tile_set_bans_cannot_be_pinned_and_the_sentence_says_what_to_do(
    client: FlaskClient, services: Services, mosaic: UUID
) -> None:
    with services.sessions.begin() as session:
        tile_set_id = queries.find_mosaic(session, mosaic).tile_set_id
        content = session.scalars(select(Tile.content).where(Tile.name == "1.png")).one()
    assert client.post(f"/api/v1/tile-sets/{tile_set_id}/tiles/{content}/ban").status_code == 200
    answer = client.post(f"/api/v1/mosaics/{mosaic}/edits", json={"pins": [a_pin(3)]})
    assert answer.status_code == 422
    assert answer.get_json()["detail"] == (
        "The photo “1.png” to pin in column 3, row 0 may not be used: it is banned in the tile set, where you can "
        "allow it again."
    )
