"""Links that share a mosaic: what they open, for how long, and what else they do not."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from flask.testing import FlaskClient
from sqlalchemy import select, update

from models import queries, sharing
from models.rules.formats import Format
from models.services import Services, open_services
from models.settings import Settings
from models.tables import SharedLink
from web import shares
from web.app import assemble
from web.shares import Share

TOKEN = "the access token of the tests"
OLD, NEW = "an-old-key-and-long-enough", "a-new-key-and-long-enough"


def serving(services: Services, **changes: object) -> FlaskClient:
    """Return a browser of somebody who has not given the access token, in front of a server."""
    server = {"mode": "server", "access_token": TOKEN, "secure_cookies": False}
    settings = Settings(**(services.settings.model_dump() | server | changes))
    app = assemble(open_services(settings))
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def entered(client: FlaskClient) -> FlaskClient:
    assert client.post("/login", data={"token": TOKEN}).status_code == 303
    return client


@pytest.fixture
def services(sqlite_services: Services) -> Services:
    return sqlite_services


@pytest.fixture
def stranger(services: Services) -> FlaskClient:
    return serving(services)


@pytest.fixture
def mosaic(noisy_set: Callable[[int], UUID], mosaic_of: Callable[..., UUID]) -> UUID:
    return mosaic_of(noisy_set(5), cells_across=8, tile_size=100, format=Format.PYRAMID)


def link(client: FlaskClient, mosaic: UUID, days: str = "7") -> str:
    answer = client.post(f"/mosaics/{mosaic}/shares", data={"days": days})
    assert answer.status_code == 200, answer.text
    found = re.search(r'value="http://localhost(/shared/[^"]+)"', answer.text)
    assert found is not None
    return found[1]


@pytest.fixture
def shared(services: Services, mosaic: UUID) -> str:
    """The address of a shared mosaic."""
    return link(entered(serving(services)), mosaic)


def test_a_link_opens_the_viewer_alone_without_the_access_token(stranger: FlaskClient, shared: str) -> None:
    page = stranger.get(shared)
    assert page.status_code == 200
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in page.headers
    assert 'name="robots" content="noindex' in page.text
    reached = set(re.findall(r'(?:href|src|data-zoom|data-cells|action)="([^"]*)"', page.text))
    assert {each for each in reached if each and not each.startswith("/static/")} == {
        f"{shared}/preview", f"{shared}/zoom.dzi"
    }  # fmt: skip
    assert not re.search(r"\bt\.png|\d\.png", page.text), "neither the picture's name nor a photo's"
    assert stranger.get(f"{shared}/preview").mimetype == "image/jpeg"
    assert stranger.get(f"{shared}/zoom.dzi").mimetype == "application/xml"
    assert stranger.get(f"{shared}/zoom_files/0/0_0.jpg").mimetype == "image/jpeg"


def test_a_link_opens_nothing_else(stranger: FlaskClient, shared: str, mosaic: UUID) -> None:
    stranger.get(shared)
    closed = ("", "/cells", "/cells/0/0", "/preview", "/picture", "/placement.json", "/maps/uses", "/photos?find=1")
    for path in closed:
        assert stranger.get(f"/mosaics/{mosaic}{path}").status_code == 303, path
    for path in ("/", "/mosaics", "/tile-sets", "/trash", "/batches"):
        assert stranger.get(path).status_code == 303, path
    assert stranger.get(f"/api/v1/mosaics/{mosaic}").status_code == 401
    assert stranger.post(f"/mosaics/{mosaic}/shares", data={"days": "7"}).status_code == 303
    for path in ("cells", "cells/0/0", "picture", "placement.json"):
        assert stranger.get(f"{shared}/{path}").status_code in {303, 404}, path
    assert stranger.post(shared).status_code in {303, 405}


def test_the_link_of_one_mosaic_does_not_open_another(
    stranger: FlaskClient, shared: str, mosaic_of: Callable[..., UUID], noisy_set: Callable[[int], UUID]
) -> None:
    other = mosaic_of(noisy_set(4), cells_across=2, tile_size=10)
    value, signature = shared.removeprefix("/shared/").split(".")
    content = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    forged = base64.urlsafe_b64encode(other.bytes + content[16:]).decode().rstrip("=")
    assert stranger.get(f"/shared/{forged}.{signature}").status_code == 404
    assert stranger.get(f"/shared/{forged}.{signature}/preview").status_code == 404


def signed(services: Services, share: Share) -> str:
    return f"/shared/{shares.token(share, services.settings)}"


def test_a_link_ends_with_its_time_in_one_sentence(services: Services, stranger: FlaskClient, mosaic: UUID) -> None:
    now = datetime.now(UTC)
    late = signed(services, Share(mosaic, 0, now - timedelta(seconds=2)))
    answer = stranger.get(late)
    assert (answer.status_code, "This link has expired" in answer.text) == (410, True)
    assert "<a " not in answer.text
    assert stranger.get(f"{late}/preview").status_code == 410
    assert stranger.get(f"{late}/zoom_files/0/0_0.jpg").status_code == 410
    assert stranger.get(signed(services, Share(mosaic, 0, now + timedelta(minutes=5)))).status_code == 200


@pytest.mark.parametrize("given", ["x", "x.y", "..", "%00", "ä", "A" * 5_000, "A" * 39 + "." + "B" * 43])
def test_what_nobody_signed_is_a_404_in_one_sentence(stranger: FlaskClient, given: str) -> None:
    answer = stranger.get(f"/shared/{given}")
    assert (answer.status_code, "This link leads to no mosaic" in answer.text) == (404, True)


def test_links_that_are_taken_back_are_worth_nothing_and_later_ones_are(
    services: Services, stranger: FlaskClient, shared: str, mosaic: UUID
) -> None:
    owner = entered(serving(services))
    assert owner.post(f"/mosaics/{mosaic}/shares/end").status_code == 303
    assert stranger.get(shared).status_code == 410
    assert stranger.get(f"{shared}/preview").status_code == 410
    assert stranger.get(link(owner, mosaic, "1")).status_code == 200


def test_a_mosaic_that_is_not_there_is_a_404(services: Services, stranger: FlaskClient) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    assert stranger.get(signed(services, Share(uuid4(), 0, later))).status_code == 404


def test_one_that_is_not_made_is_not_shown(
    services: Services, stranger: FlaskClient, noisy_set: Callable[[int], UUID], mosaic_of: Callable[..., UUID]
) -> None:
    waiting = mosaic_of(noisy_set(4), made=False, cells_across=2)
    assert stranger.get(signed(services, Share(waiting, 0, datetime.now(UTC) + timedelta(days=1)))).status_code == 410


def test_a_new_key_signs_and_the_old_ones_are_believed_as_long_as_they_are_named(
    services: Services, mosaic: UUID
) -> None:
    before = link(entered(serving(services, secret_key=OLD)), mosaic)
    both = serving(services, secret_key=NEW, old_secret_keys=OLD)
    after = link(entered(both), mosaic)
    only_new = serving(services, secret_key=NEW)
    assert [both.get(each).status_code for each in (before, after)] == [200, 200]
    assert [only_new.get(each).status_code for each in (before, after)] == [404, 200]


@pytest.mark.parametrize("days", ["", "0", "2", "365", "x"])
def test_only_the_days_that_are_offered_can_be_asked_for(services: Services, mosaic: UUID, days: str) -> None:
    answer = entered(serving(services)).post(f"/mosaics/{mosaic}/shares", data={"days": days})
    assert answer.status_code == 422


def test_the_token_of_a_link_is_not_in_the_log(stranger: FlaskClient, shared: str) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        stranger.get(f"{shared}/preview")
    assert "answered" in {line["event"] for line in lines}
    assert shared.removeprefix("/shared/") not in str(lines)


# By the API


@pytest.fixture
def api(services: Services) -> FlaskClient:
    client = serving(services)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return client


def shared_by(api: FlaskClient, mosaic: UUID, **span: int) -> dict[str, Any]:
    until = (datetime.now(UTC) + timedelta(**span)).isoformat()
    answer = api.post(f"/api/v1/mosaics/{mosaic}/shares", json={"until": until})
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def opens(stranger: FlaskClient, shown: dict[str, Any]) -> int:
    return stranger.get(shown["link"].removeprefix("http://localhost")).status_code


def test_a_script_makes_links_lists_them_and_takes_one_or_all_back(
    services: Services, api: FlaskClient, stranger: FlaskClient, mosaic: UUID
) -> None:
    from_page = link(entered(serving(services)), mosaic)
    first, second = shared_by(api, mosaic, days=1), shared_by(api, mosaic, days=300)
    assert [opens(stranger, each) for each in (first, second)] == [200, 200]
    listed = api.get(f"/api/v1/mosaics/{mosaic}/shares").get_json()["items"]
    assert {each["link"] for each in listed} == {first["link"], second["link"], f"http://localhost{from_page}"}
    assert first in listed
    assert api.delete(first["url"]).status_code == 204
    assert [opens(stranger, each) for each in (first, second)] == [410, 200]
    assert api.delete(first["url"]).status_code == 404
    assert [each["id"] for each in api.get(f"/api/v1/mosaics/{mosaic}/shares").get_json()["items"]].count(
        first["id"]
    ) == 0
    assert api.delete(f"/api/v1/mosaics/{mosaic}/shares").status_code == 204
    assert (opens(stranger, second), stranger.get(from_page).status_code) == (410, 410)
    assert api.get(f"/api/v1/mosaics/{mosaic}/shares").get_json() == {"items": []}


def test_when_a_link_ends_is_told_in_utc_whatever_zone_it_was_said_in(api: FlaskClient, mosaic: UUID) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    said = tomorrow.astimezone(timezone(timedelta(hours=2))).isoformat()
    answer = api.post(f"/api/v1/mosaics/{mosaic}/shares", json={"until": said})
    assert answer.get_json()["until"] == tomorrow.isoformat()


def test_all_links_are_taken_back_even_those_that_have_no_row(
    services: Services, api: FlaskClient, stranger: FlaskClient, mosaic: UUID
) -> None:
    old = signed(services, Share(mosaic, 0, datetime.now(UTC) + timedelta(days=1)))
    assert stranger.get(old).status_code == 200
    assert api.delete(f"/api/v1/mosaics/{mosaic}/shares").status_code == 204
    assert stranger.get(old).status_code == 410


def test_a_link_of_another_mosaic_is_not_taken_back(
    api: FlaskClient,
    stranger: FlaskClient,
    mosaic: UUID,
    mosaic_of: Callable[..., UUID],
    noisy_set: Callable[..., UUID],
) -> None:
    other = mosaic_of(noisy_set(4), cells_across=2, tile_size=10)
    shown = shared_by(api, mosaic, days=1)
    assert api.delete(f"/api/v1/mosaics/{other}/shares/{shown['id']}").status_code == 404
    assert api.get(f"/api/v1/mosaics/{other}/shares").get_json() == {"items": []}
    assert opens(stranger, shown) == 200


def test_a_link_ends_in_the_future_and_within_a_year_and_there_are_not_too_many(
    services: Services,
    api: FlaskClient,
    mosaic: UUID,
    mosaic_of: Callable[..., UUID],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, now = f"/api/v1/mosaics/{mosaic}/shares", datetime.now(UTC)
    for until in (now - timedelta(seconds=1), now + timedelta(days=367)):
        answer = api.post(address, json={"until": until.isoformat()})
        assert (answer.status_code, answer.get_json()["field"]) == (422, "until")
    for wrong in ({}, {"until": "soon"}, {"until": "2999-01-01T00:00:00"}, {"until": now.isoformat(), "days": 7}):
        assert api.post(address, json=wrong).status_code == 422, wrong
    assert api.post(f"/api/v1/mosaics/{uuid4()}/shares", json={"until": "2999-01-01T00:00:00Z"}).status_code in {
        404,
        422,
    }
    monkeypatch.setattr(sharing, "MOST", 2)
    shared_by(api, mosaic, days=1)
    shared_by(api, mosaic, days=1)
    answer = api.post(address, json={"until": (now + timedelta(days=1)).isoformat()})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "too_many_links")
    with services.sessions.begin() as session:
        session.execute(update(SharedLink).values(until=now - timedelta(seconds=1)))
    shared_by(api, mosaic, days=1)
    with services.reading() as session:
        assert len(session.scalars(select(SharedLink)).all()) == 1, "those that have ended are gone"
        tile_set = queries.find_mosaic(session, mosaic).tile_set_id
    waiting = mosaic_of(tile_set, made=False, cells_across=2, tile_size=10)
    until = (now + timedelta(days=1)).isoformat()
    answer = api.post(f"/api/v1/mosaics/{waiting}/shares", json={"until": until})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "not_ready")
