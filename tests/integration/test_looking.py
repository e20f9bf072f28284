"""Looking into a mosaic: photos by name, maps, the photos nearest to a cell, its picture in small."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Engine, QueuePool, select

from models import candidates, database, jobs, keeping, queries
from models.rules.lifecycle import JobKind
from models.services import Services
from models.storage import FolderStore
from models.tables import Candidates, Job, Mosaic
from web.app import assemble
from worker.jobs import attempt, sweep
from worker.rendering.candidates import find_candidates
from worker.rendering.job import render_mosaic

NAMES = ["Anna am See.jpg", "anna 100%.jpg", "anna_b.jpg", "Ben.jpg", "Clara.jpg", "Dora.jpg"]
PLACE = 7, 5


@pytest.fixture
def services(sqlite_services: Services) -> Services:
    return sqlite_services


@pytest.fixture
def tile_set(set_of: Callable[..., UUID]) -> UUID:
    """Photos of one colour each, from dark to light."""
    return set_of([(name, np.full((40, 60, 3), 30 + 40 * number, np.uint8)) for number, name in enumerate(NAMES)])


@pytest.fixture
def mosaic(tile_set: UUID, mosaic_of: Callable[..., UUID]) -> UUID:
    return mosaic_of(tile_set, cells_across=12, tile_size=10)


@pytest.fixture
def client(services: Services) -> FlaskClient:
    app = assemble(services)
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def cells_of(client: FlaskClient, mosaic: UUID) -> dict[tuple[int, int], dict[str, Any]]:
    document = json.loads(client.get(f"/mosaics/{mosaic}/placement.json").text)
    return {(cell["column"], cell["row"]): cell for cell in document["cells"]}


def searched(client: FlaskClient, mosaic: UUID, part: str) -> Any:
    return client.get(f"/mosaics/{mosaic}/photos", query_string={"find": part}).get_json()


def work(services: Services) -> int:
    """Do the jobs that wait; return how many there were."""
    works = {JobKind.CANDIDATES: find_candidates, JobKind.RENDER: render_mosaic}
    with services.reading() as session:
        waiting = session.scalars(select(Job).where(Job.state == "queued")).all()
    for job in waiting:
        attempt.run(services, job.id, works[job.kind])
    return len(waiting)


# Photos by name


def test_photos_are_found_by_a_part_of_their_names_with_how_often_and_where_they_lie(
    client: FlaskClient, mosaic: UUID
) -> None:
    cells = cells_of(client, mosaic)
    there = {cell["photo"] for cell in cells.values()}
    found = searched(client, mosaic, "ANNA")
    assert found["more"] is False
    assert {each["name"] for each in found["photos"]} == {name for name in there if "anna" in name.lower()} != set()
    for each in found["photos"]:
        places = [place for place, cell in cells.items() if cell["photo"] == each["name"]]
        assert (each["uses"], each["places"]) == (len(places), [[*places[0], 1]])
        told = client.get(f"/mosaics/{mosaic}/photos/{each['content']}").get_json()
        assert [tuple(place[:2]) for place in told["places"]] == places


def test_what_stands_for_anything_in_a_pattern_is_searched_for_as_it_is(client: FlaskClient, mosaic: UUID) -> None:
    there = {cell["photo"] for cell in cells_of(client, mosaic).values()}
    for part in ("%", "_"):
        assert {each["name"] for each in searched(client, mosaic, part)["photos"]} == {
            name for name in there if part in name
        }


def test_a_photo_of_the_set_that_does_not_lie_in_the_mosaic_is_not_found(
    client: FlaskClient, tile_set: UUID, mosaic_of: Callable[..., UUID]
) -> None:
    one = mosaic_of(tile_set, cells_across=2, tile_size=10)
    lying = {cell["photo"] for cell in cells_of(client, one).values()}
    assert {each["name"] for each in searched(client, one, ".jpg")["photos"]} == lying
    other = next(name for name in NAMES if name not in lying)
    assert searched(client, one, other)["photos"] == []
    assert client.get(f"/mosaics/{one}/photos/{'0' * 64}").status_code == 404


def test_at_most_twenty_photos_are_listed_and_it_is_said_that_there_are_more(
    client: FlaskClient, noisy_set: Callable[[int], UUID], mosaic_of: Callable[..., UUID]
) -> None:
    many = mosaic_of(noisy_set(21), cells_across=12, tile_size=10, min_uses=1)
    found = searched(client, many, ".png")
    assert (len(found["photos"]), found["more"]) == (20, True)


@pytest.mark.parametrize("part", ["", "   ", "x" * 201])
def test_a_search_for_nothing_or_for_too_much_is_refused(client: FlaskClient, mosaic: UUID, part: str) -> None:
    assert client.get(f"/mosaics/{mosaic}/photos", query_string={"find": part}).status_code == 422


def test_the_page_lists_what_is_found_without_a_script(client: FlaskClient, mosaic: UUID) -> None:
    place, cell = next(iter(cells_of(client, mosaic).items()))
    page = client.get(f"/mosaics/{mosaic}", query_string={"find": cell["photo"]})
    assert f"column {place[0]}, row {place[1]}" in page.text
    assert "No photo in this mosaic" in client.get(f"/mosaics/{mosaic}?find=nobody").text


# Maps


def test_the_map_of_uses_has_a_byte_for_each_cell(client: FlaskClient, mosaic: UUID) -> None:
    cells = cells_of(client, mosaic)
    uses = [sum(other["photo"] == cell["photo"] for other in cells.values()) for cell in cells.values()]
    sent = client.get(f"/mosaics/{mosaic}/maps/uses").data
    assert list(sent) == [255 * each // max(uses) for each in uses]


def test_the_map_of_errors_is_stronger_where_the_photo_is_farther(client: FlaskClient, mosaic: UUID) -> None:
    distances = np.array([cell["distance"] for cell in cells_of(client, mosaic).values()])
    sent = np.frombuffer(client.get(f"/mosaics/{mosaic}/maps/errors").data, np.uint8)
    assert len(sent) == len(distances)
    far = np.sort(distances)[int(0.98 * (len(distances) - 1))]
    np.testing.assert_allclose(sent, np.minimum(255, 255 * distances / far), atol=1)


def test_a_larger_cell_is_strong_at_each_of_its_places(
    client: FlaskClient, tile_set: UUID, mosaic_of: Callable[..., UUID]
) -> None:
    sized = mosaic_of(tile_set, cells_across=20, tile_size=10, adaptive=1.0)
    with assembled(client).reading() as session:
        columns = queries.find_mosaic(session, sized).columns or 0
    sent = np.frombuffer(client.get(f"/mosaics/{sized}/maps/uses").data, np.uint8).reshape(-1, columns)
    assert {cell["span"] for cell in cells_of(client, sized).values()} > {1}
    for cell in cells_of(client, sized).values():
        across, down, span = cell["column"], cell["row"], cell["span"]
        assert len(np.unique(sent[down : down + span, across : across + span])) == 1
    assert sent.min() > 0


def assembled(client: FlaskClient) -> Services:
    services: Services = client.application.extensions["tessera"]
    return services


def test_the_map_of_an_edit_marks_what_was_changed_and_nothing_else(
    services: Services, client: FlaskClient, mosaic: UUID
) -> None:
    before = cells_of(client, mosaic)
    name = next(each for each in NAMES if each != before[PLACE]["photo"])
    changes = {"pins": [{"column": PLACE[0], "row": PLACE[1], "photo": name}]}
    edit = client.post(f"/api/v1/mosaics/{mosaic}/edits", json=changes).get_json()["id"]
    work(services)
    sent = client.get(f"/mosaics/{edit}/maps/changed").data
    looks = ("photo", "window", "turn")
    after = cells_of(client, UUID(edit))
    assert list(sent) == [255 * any(after[place][look] != before[place][look] for look in looks) for place in after]
    assert 1 <= sum(map(bool, sent)) < len(sent)
    assert client.get(f"/mosaics/{mosaic}/maps/changed").status_code == 404


# The photos nearest to a cell


def asked(client: FlaskClient, mosaic: UUID, place: tuple[int, int] = PLACE, **form: str) -> Any:
    return client.post(f"/mosaics/{mosaic}/cells/{place[0]}/{place[1]}/candidates", data=form)


def test_the_nearest_photos_are_found_by_a_job_and_kept(
    services: Services, client: FlaskClient, mosaic: UUID
) -> None:
    assert asked(client, mosaic, again="yes").get_json() == {"sentence": None, "photos": None}
    assert work(services) == 1
    found = asked(client, mosaic).get_json()["photos"]
    there = cells_of(client, mosaic)[PLACE]["photo"]
    # Photos of one grey each: the nearer in grey, the nearer; `there` is the nearest of all.
    order = sorted(range(len(NAMES)), key=lambda number: abs(number - NAMES.index(there)))
    assert {each["name"] for each in found[:2]} <= {NAMES[number] for number in order[1:4]}
    assert {each["name"] for each in found} == {*NAMES} - {there}
    assert client.get(found[0]["preview"]).mimetype == "image/jpeg"
    assert asked(client, mosaic, again="yes").get_json()["photos"] == found
    assert work(services) == 0


def test_a_photo_that_was_banned_since_is_none_of_them(
    services: Services, client: FlaskClient, tile_set: UUID, mosaic: UUID
) -> None:
    asked(client, mosaic, again="yes")
    work(services)
    best = asked(client, mosaic).get_json()["photos"][0]
    answer = client.post(f"/tile-sets/{tile_set}/photos/{best['content']}/ban")
    assert answer.status_code == 303, answer.text
    assert best["content"] not in {each["content"] for each in asked(client, mosaic).get_json()["photos"]}


def test_a_search_that_was_cancelled_says_so_once_and_begins_again_when_asked(
    services: Services, client: FlaskClient, mosaic: UUID
) -> None:
    asked(client, mosaic, again="yes")
    with services.sessions.begin() as session:
        job = session.scalars(select(Candidates.job_id)).one()
        jobs.cancel(session, [job], database.now(session))
    assert asked(client, mosaic).get_json()["photos"] is None
    assert work(services) == 0, "asking how far it is begins nothing"
    asked(client, mosaic, again="yes")
    assert work(services) == 1


def test_few_cells_of_a_mosaic_are_looked_at_at_once(client: FlaskClient, mosaic: UUID) -> None:
    for column in range(candidates.MOST_WAITING):
        assert asked(client, mosaic, (column, 0), again="yes").status_code == 200
    answer = asked(client, mosaic, (9, 0), again="yes")
    assert (answer.status_code, answer.get_json()["sentence"][:6]) == (409, "Photos")


@pytest.mark.parametrize("place", [(12, 0), (0, 99)])
def test_a_cell_that_is_not_there_has_no_candidates(
    client: FlaskClient, mosaic: UUID, place: tuple[int, int]
) -> None:
    assert asked(client, mosaic, place).status_code == 404


# Its picture, and what is said of it


def test_the_picture_is_kept_in_small_as_the_mosaic_shows_it(client: FlaskClient, mosaic: UUID) -> None:
    sizes = [
        Image.open(io.BytesIO(client.get(f"/mosaics/{mosaic}/{name}").data)).size
        for name in ("preview", "target-preview")
    ]
    assert sizes[0] == sizes[1]


def test_a_mosaic_of_before_has_no_slider(services: Services, client: FlaskClient, mosaic: UUID) -> None:
    assert 'id="target"' in client.get(f"/mosaics/{mosaic}").text
    with services.sessions.begin() as session:
        queries.find_mosaic(session, mosaic).target_preview_key = None
    assert 'id="target"' not in client.get(f"/mosaics/{mosaic}").text
    assert client.get(f"/mosaics/{mosaic}/target-preview").status_code == 404


def test_changes_that_were_chosen_in_the_viewer_are_ordered_with_those_that_were_typed(
    services: Services, client: FlaskClient, mosaic: UUID
) -> None:
    cells = cells_of(client, mosaic)
    one, other = (next(cell for cell in cells.values() if cell["photo"] == name) for name in sorted(
        {cell["photo"] for cell in cells.values()})[:2])  # fmt: skip
    form = {"ban": one["photo"], "pins": [f"3 4 {other['content']}"], "locks": ["9, 6", "10, 0"]}
    answer = client.post(f"/mosaics/{mosaic}/edits", data=form)
    assert answer.status_code == 303, answer.text
    with services.reading() as session:
        assert queries.find_mosaic(session, UUID(answer.location.rpartition("/")[2])).changes == {
            "ban": [one["content"]], "must_use": [], "lock": [[9, 6], [10, 0]], "pins": [[3, 4, other["content"]]],
        }  # fmt: skip
    assert client.post(f"/mosaics/{mosaic}/edits", data={"pins": "3 4"}).status_code == 422


def test_no_transaction_is_open_while_the_store_sends_a_placement(
    services: Services, client: FlaskClient, mosaic: UUID
) -> None:
    """A store on S3 may take long, and would hold up all writers, or longer than PostgreSQL lets a session idle."""
    with services.reading() as session:
        pool = cast("QueuePool", cast("Engine", session.get_bind()).pool)
    held: list[int] = []

    class Watched(FolderStore):
        def path(self, key: str) -> Path:
            held.append(pool.checkedout())
            return super().path(key)

    watched = assemble(replace(services, store=Watched(cast("FolderStore", services.store).folder)))
    watched.config["WTF_CSRF_ENABLED"] = False
    client, page = watched.test_client(), f"/mosaics/{mosaic}"
    for path in ("cells", "cells/7/5", "photos?find=a", "maps/uses"):
        assert client.get(f"{page}/{path}").status_code == 200, path
    assert client.get(f"/api/v1{page}/cells/7/5").status_code == 200
    assert client.post(f"{page}/cells/7/5/candidates").status_code == 200
    assert client.get(f"/api/v1{page}/cells/7/5/candidates").status_code == 200
    assert len(held) == 7
    assert set(held) == {0}


def test_what_was_found_goes_with_its_mosaic(services: Services, client: FlaskClient, mosaic: UUID) -> None:
    asked(client, mosaic)
    work(services)
    asked(client, mosaic, (0, 0))

    def cells() -> list[tuple[int, int]]:
        sweep.collect(services)
        with services.reading() as session:
            return [(row.cell_column, row.cell_row) for row in session.scalars(select(Candidates))]

    assert client.post(f"/mosaics/{mosaic}/delete").status_code == 303
    assert len(cells()) == 2, "it may be taken back"
    with services.sessions.begin() as session:
        keeping.purge(session, Mosaic, mosaic, database.now(session))
    assert cells() == [(0, 0)], "a worker may be at it"
    work(services)
    assert cells() == []
