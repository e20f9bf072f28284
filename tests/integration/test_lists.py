"""Lists of mosaics, batches and tile sets: a page at a time, filtered, on both databases."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from models.services import Services
from models.tables import Batch, Mosaic, TileSet

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = {"Ada.png": 2, "ada 2.png": 2, "100%.png": 2, "100x.png": 3, "Zoë.png": 4, "b_c.png": 5, "bxc.png": 6}
"""Of the targets, and in which minute past noon each was ordered."""


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> TileSet:
    return indexed(services)


@pytest.fixture
def mosaics(client: FlaskClient, services: Services, tile_set: TileSet, target: bytes) -> list[str]:
    """Ids of seven mosaics, the newest first; three were ordered at the same time."""
    made = []
    for name, minute in NAMES.items():
        form = {"tile_set": str(tile_set.id), "target": (io.BytesIO(target), name)}
        one = client.post("/api/v1/mosaics", data=form).get_json()["id"]
        _set_time(services, Mosaic, one, NOON + timedelta(minutes=minute))
        made.append((minute, one))
    return [one for _, one in sorted(made, reverse=True)]


def _set_time(services: Services, table: Any, identity: str, when: datetime) -> None:
    with services.sessions.begin() as session:
        session.execute(update(table).where(table.id == UUID(identity)).values(created_at=when))


def pages(client: FlaskClient, address: str) -> list[list[dict[str, Any]]]:
    """Every page of a list, from an address on."""
    found, following = list[list[dict[str, Any]]](), address
    while following:
        answer = client.get(following)
        assert answer.status_code == 200, answer.text
        found.append(answer.get_json()["items"])
        following = answer.get_json()["next"]
    return found


def names(client: FlaskClient, **filters: str) -> list[str]:
    answer = client.get("/api/v1/mosaics", query_string=filters)
    assert answer.status_code == 200, answer.text
    return sorted(one["target_name"] for one in answer.get_json()["items"])


def refusal(client: FlaskClient, address: str) -> tuple[int, str, str]:
    answer = client.get(address)
    problem = answer.get_json()
    return answer.status_code, problem["code"], problem["detail"]


# Pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
def test_pages_show_each_mosaic_once_the_newest_first(client: FlaskClient, mosaics: list[str], limit: int) -> None:
    found = pages(client, f"/api/v1/mosaics?limit={limit}")
    assert [one["id"] for page in found for one in page] == mosaics
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert len(found) == -(-7 // limit)


def test_what_comes_meanwhile_moves_nothing_on_the_pages_that_follow(
    client: FlaskClient, mosaics: list[str], tile_set: TileSet, target: bytes
) -> None:
    first = client.get("/api/v1/mosaics?limit=3").get_json()
    form = {"tile_set": str(tile_set.id), "target": (io.BytesIO(target), "new.png")}
    assert client.post("/api/v1/mosaics", data=form).status_code == 202
    rest = [one["id"] for page in pages(client, first["next"]) for one in page]
    assert [one["id"] for one in first["items"]] + rest == mosaics


def test_the_next_page_keeps_the_filters(client: FlaskClient, mosaics: list[str]) -> None:
    found = pages(client, "/api/v1/mosaics?limit=1&name=ada&state=queued")
    assert [one["target_name"] for page in found for one in page] in (
        ["Ada.png", "ada 2.png"],
        ["ada 2.png", "Ada.png"],
    )


def test_batches_and_tile_sets_have_pages_too(
    client: FlaskClient, services: Services, tile_set: TileSet, target: bytes, indexed: Callable[..., TileSet]
) -> None:
    made = []
    for number in range(5):
        form = {"tile_set": str(tile_set.id), "name": f"batch {number}", "targets": (io.BytesIO(target), "t.png")}
        made.append(client.post("/api/v1/batches", data=form).get_json()["id"])
        _set_time(services, Batch, made[-1], NOON)
    assert [one["id"] for page in pages(client, "/api/v1/batches?limit=2") for one in page] == sorted(
        made, reverse=True
    )
    assert len(client.get("/api/v1/batches?state=queued").get_json()["items"]) == 5
    assert client.get("/api/v1/batches?state=failed").get_json() == {"items": [], "next": None}
    sets = [str(tile_set.id), *(str(indexed(services).id) for _ in range(4))]
    found = pages(client, "/api/v1/tile-sets?limit=2")
    assert sorted(one["id"] for page in found for one in page) == sorted(sets)
    assert [len(page) for page in found] == [2, 2, 1]


# Filters


def test_mosaics_are_found_by_a_part_of_their_name_in_either_case(client: FlaskClient, mosaics: list[str]) -> None:
    assert names(client, name="ADA") == ["Ada.png", "ada 2.png"]
    assert names(client, name="zo") == ["Zoë.png"]


def test_signs_that_a_database_reads_as_any_letters_stand_for_themselves(
    client: FlaskClient, mosaics: list[str]
) -> None:
    assert names(client, name="100%") == ["100%.png"]
    assert names(client, name="b_c") == ["b_c.png"]
    assert names(client, name="\\") == []


def test_mosaics_are_found_by_state_tile_set_and_time(
    client: FlaskClient, services: Services, mosaics: list[str], tile_set: TileSet, indexed: Callable[..., TileSet]
) -> None:
    assert client.post(f"/api/v1/mosaics/{mosaics[0]}/cancel").status_code == 200
    assert names(client, state="cancelled") == ["bxc.png"]
    assert len(names(client, state="queued")) == 6
    assert len(names(client, tile_set=str(tile_set.id))) == 7
    assert names(client, tile_set=str(indexed(services).id)) == []
    assert names(client, since="2026-03-01T12:05:00Z") == ["b_c.png", "bxc.png"]
    assert names(client, since="2026-03-01T13:05:00+01:00") == ["b_c.png", "bxc.png"]
    assert names(client, since="2026-03-01T12:03:00Z", until="2026-03-01T12:05:00Z") == ["100x.png", "Zoë.png"]


# What is refused


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/api/v1/mosaics?sate=queued", "sate: this address takes no such parameter; there are after, limit, state"),
        ("/api/v1/tile-sets?tile_set=x", "tile_set: this address takes no such parameter; there are after, limit"),
        ("/api/v1/mosaics?state=queued&state=failed", "state: give it once."),
        ("/api/v1/mosaics?state=lost", "state: Must be one of: queued, running"),
        ("/api/v1/mosaics?limit=0", "limit: Must be greater than or equal to 1"),
        ("/api/v1/mosaics?limit=201", "limit: Must be greater than or equal to 1 and less than or equal to 200"),
        ("/api/v1/mosaics?since=yesterday", "since: Not a valid datetime"),
        ("/api/v1/mosaics?since=2026-03-01T12:00:00", "since: Not a valid aware datetime"),
        ("/api/v1/mosaics?tile_set=7", "tile_set: Not a valid UUID"),
        ("/api/v1/mosaics?after=", "This page cannot be found; begin with the first"),
        ("/api/v1/mosaics?after=abc", "This page cannot be found; begin with the first"),
        ("/api/v1/mosaics?after=WzEsMl0", "This page cannot be found; begin with the first"),
        ("/api/v1/mosaics?after=%F0%9F%90%88", "This page cannot be found; begin with the first"),
        (f"/api/v1/mosaics?after={'W1tb' * 1000}", "This page cannot be found; begin with the first"),
    ],
)
def test_a_parameter_that_is_wrong_or_unknown_is_refused(client: FlaskClient, address: str, words: str) -> None:
    status, code, sentence = refusal(client, address)
    assert (status, code) == (422, "invalid_order")
    assert sentence.startswith(words)


def test_an_address_without_parameters_says_so(client: FlaskClient, mosaics: list[str]) -> None:
    status, code, sentence = refusal(client, f"/api/v1/mosaics/{mosaics[0]}?fields=id")
    assert (status, code) == (422, "invalid_order")
    assert sentence == "fields: this address takes no such parameter; it takes none."


# The pages for people


@pytest.mark.parametrize("kind", ["mosaics", "tile-sets"])
def test_the_states_to_choose_from_have_the_words_of_the_cards(client: FlaskClient, kind: str) -> None:
    page = client.get(f"/{kind}?state=queued").text
    assert '<option value="queued" selected>waiting</option>' in page
    assert '<option value="running">at work</option>' in page
    assert '<option value="succeeded">made</option>' in page


def test_people_reach_every_mosaic_by_older_and_a_filter_stays(
    client: FlaskClient, mosaics: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.views.listed.PAGE_LENGTH", 2)
    address, seen, count = "/mosaics?name=.png", list[str](), 0
    while address:
        page = client.get(address).text
        seen += re.findall(r'class="face" href="/mosaics/([-0-9a-f]+)"', page)
        older = re.search(r'href="([^"]+)">Older<', page)
        address, count = unescape(older[1]) if older else "", count + 1
        assert "name=.png" in address or not address
    assert (seen, count) == (mosaics, 4)


def test_the_first_page_shows_a_few_and_leads_to_all(
    client: FlaskClient, mosaics: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.views.home.A_FEW", 3)
    page = client.get("/").text
    assert re.findall(r'class="face" href="/mosaics/([-0-9a-f]+)"', page) == mosaics[:3]
    assert '<a href="/mosaics">All mosaics</a>' in page


@pytest.mark.parametrize("kind", ["mosaics", "batches", "tile-sets"])
def test_an_empty_list_says_whether_it_is_the_filter(client: FlaskClient, kind: str) -> None:
    assert "None yet." in client.get(f"/{kind}").text
    assert "None like this." in client.get(f"/{kind}?name=nowhere").text
    assert client.get(f"/{kind}?state=lost").status_code == 422
    assert client.get(f"/{kind}?after=abc").status_code == 422
