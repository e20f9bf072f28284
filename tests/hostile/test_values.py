"""Numbers, texts and names that no database, parser or page was made for, wherever a request can hold one."""

import io
import itertools
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import DataError
from werkzeug.test import TestResponse

from models.services import Services
from models.tables import Tile

Value = TypeVar("Value")
EDGES = [sign * (1 << bits) + step for bits in (31, 32, 63, 64, 200) for sign in (1, -1) for step in (-1, 0, 1)]
ODD = [
    "-1",
    "0",
    "9" * 5_000,
    "-" + "9" * 5_000,
    "1e400",
    "NaN",
    "Infinity",
    "0x10",
    "1_0",
    "\u0663",
    "",
    " 7 ",
    "1.0",
]
NUMBERS = [*map(str, EDGES), *ODD]
TEXTS = [
    "\0", "a\0b", "\ud800", "\U0010ffff", "\ufffe", "\u202e", "%00", "%", "../..", "'; DROP TABLE tiles; --",
    "{{7*7}}", "a" * 5_000, "\r\nX: y", "'", '"', "\\", "\u0130", "\x7f",
]  # fmt: skip
BODIES = [
    b'{"name": ' + b"[" * 60_000 + b"]" * 2_000 + b"}", b'{"name": ' * 5_000, b'{"name": ' + b"9" * 5_000 + b"}",
    b'{"name": 1e999999}', b'{"name": "\\ud800"}', b'{"name": "\\u0000"}', b'{"name": "a\0b"}', b"[]", b"null",
    b'"x"', b"", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"name": NaN}', b'{"name": {"name": []}}', b'{"": ""}',
    json.dumps({"name": "x", "\0": 1}).encode(), b'{"name": "a", "name": "b"}', b'{"name": true}', b"9" * 5_000,
]  # fmt: skip
HEADERS = [
    "If-None-Match", "If-Match", "If-Range", "Range", "If-Modified-Since", "Accept", "Accept-Encoding", "Cookie",
    "Authorization", "X-Request-ID", "Content-Type", "Accept-Language",
]  # fmt: skip
VALUES = [
    "\xff", "\x7f", "bytes=-", "bytes=9-1", "bytes=0-0,2-3", f"bytes={'9' * 5_000}-", "bytes=-" + "9" * 5_000, '"',
    "W/", "*", ",", ";", "=", "a" * 5_000, "tessera=.", "multipart/form-data", "application/json;charset=x",
    'multipart/form-data; boundary="', "Basic \xff", "Mon, 99 Foo 99999 99:99:99 GMT",
]  # fmt: skip
FIELDS = [
    "name", "after", "before", "cells_across", "cell_width", "tile_size", "max_uses", "min_uses", "min_distance",
    "spread", "tint", "fit", "crops", "keep", "far", "format", "loss", "subcells", "flips", "no_repeats", "dedupe",
    "alone", "token", "next", "shape",
]  # fmt: skip
PART = b"--b\r\nContent-Disposition: form-data"
END = b"\r\n\r\nx\r\n--b--\r\n"
MULTIPART = [
    PART + END, PART + b'; name=""' + END, PART + b'; name="target"; filename=""' + END,
    PART + b'; name="target"' + END, PART + b'; name="photos"\r\n\r\n\r\n--b--',
    PART + b'; name="archive"\r\n\r\n\r\n--b--', PART + b'; name="name"; filename="f"' + END,
    PART + b'; name="tile_set"; filename="f"' + END, PART + b"; name=\"a\0b\"; filename*=utf-16''%00%d8" + END,
    PART + b"; name*=utf-8''%ff; filename*=x'y" + END,
    PART + b'; name="name"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+\xff\r\n--b--',
    b"--b" + END, b"--b\r\nX\r\n\r\n--b--", b"--b--\r\n", b"", b"--b", b"\r\n" * 100,
]  # fmt: skip
turns = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, populated: Callable[..., Any]) -> Any:
    services: Services = request.getfixturevalue(f"{request.param}_services")
    world = populated(services, "embedded")
    world.app.config["WTF_CSRF_ENABLED"] = False
    return world


@pytest.fixture
def client(world: Any) -> FlaskClient:
    made: FlaskClient = world.app.test_client()
    return made


def some(values: Sequence[Value]) -> Sequence[Value]:
    """Return every fourth, beginning with another each time: all of them reach every kind of address."""
    return values[next(turns) % 4 :: 4]


def percent(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def addresses(app: Flask, ids: dict[str, str], *methods: str) -> Iterator[tuple[str, str, str]]:
    """Yield the method, the address and the rule of everything there is."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        parts = {name: ids.get(name, "x") for name in rule.arguments} | {"change": "ban"}
        path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda found, parts=parts: parts[found[1]], rule.rule)
        for method in sorted((rule.methods or set()) & set(methods)):
            yield method, path, rule.rule


def forms(world: Any) -> Iterator[tuple[str, str]]:
    """Yield the method and the address of everything that reads a form, and leaves there what is there."""
    for method, path, rule in addresses(world.app, world.ids, "POST", "PATCH"):
        if not rule.endswith(("/cancel", "/delete", "/empty")):
            yield method, path


def held(response: TestResponse, what: object) -> None:
    assert response.status_code < 500, what
    response.close()


def test_no_address_falls_over_a_number_or_a_text_in_its_query(world: Any, client: FlaskClient) -> None:
    for _, path, _ in addresses(world.app, world.ids, "GET"):
        for text in some(NUMBERS + TEXTS):
            query = "&".join(f"{name}={percent(text)}" for name in ("after", "before", "limit", "next", "tile_set"))
            held(client.get(f"{path}?{query}&{percent(text)}=1"), (path, text[:30]))


def test_no_list_falls_over_where_it_is_to_go_on(world: Any, client: FlaskClient) -> None:
    tile_set = f"tile-sets/{world.ids['tile_set_id']}"
    for path in (f"{tile_set}/photos?after", "trash?before", f"api/v1/{tile_set}/tiles?after", "api/v1/trash?before"):
        for text in NUMBERS:
            held(client.get(f"/{path}={percent(text)}"), (path, text[:30]))


def test_no_address_falls_over_what_stands_in_it(world: Any, client: FlaskClient) -> None:
    strange = [*TEXTS, *NUMBERS, str(uuid4()), "f" * 64, "F" * 64, "f" * 63]
    for method, path, rule in addresses(world.app, world.ids, "GET", "POST", "PATCH", "DELETE"):
        for name, known in world.ids.items():
            if f"{name}>" in rule:
                before, after = re.split(f"(?<![0-9a-f-]){known}(?![0-9a-f-])", path, maxsplit=1)
                for text in some(strange):
                    response = client.open(f"{before}{percent(text)}{after}", method=method)
                    held(response, (method, path, text[:30]))


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_no_form_falls_over_a_value_or_a_name(world: Any, client: FlaskClient, target: bytes, kind: str) -> None:
    texts = [text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for text in TEXTS + NUMBERS]
    for method, path in forms(world):
        for number, text in enumerate(some(texts)):
            files = {}
            if kind.startswith("multipart"):
                files = {name: (io.BytesIO(target), text or "t.png") for name in ("photos", "target", "targets")}
            form = {"tile_set": world.ids["tile_set_id"], FIELDS[number % len(FIELDS)]: text, **files}
            held(client.open(path, method=method, data=form, content_type=kind), (path, text[:30]))
            everywhere = dict.fromkeys(FIELDS, text) | {"tile_set": text, text: text}
            held(client.open(path, method=method, data=everywhere, content_type=kind), (path, text[:30]))


def test_no_part_of_a_form_is_too_strange(world: Any, client: FlaskClient) -> None:
    for method, path in forms(world):
        for body in MULTIPART:
            response = client.open(path, method=method, data=body, content_type="multipart/form-data; boundary=b")
            held(response, (method, path, body[:80]))


def test_no_json_is_too_deep_too_long_or_too_strange(world: Any, client: FlaskClient) -> None:
    for method, path, _ in addresses(world.app, world.ids, "POST", "PATCH"):
        for body in BODIES:
            response = client.open(path, method=method, data=body, content_type="application/json")
            held(response, (method, path, body[:30]))


def test_json_that_cannot_be_read_is_a_bad_request(world: Any, client: FlaskClient) -> None:
    path = f"/api/v1/tile-sets/{world.ids['tile_set_id']}"
    for body in BODIES[:3]:
        response = client.patch(path, data=body, content_type="application/json")
        assert (response.status_code, response.content_type) == (400, "application/problem+json")
        assert response.get_json()["code"] == "bad_request"


def test_no_header_falls_over_a_value(world: Any, client: FlaskClient) -> None:
    for _, path, _ in addresses(world.app, world.ids, "GET"):
        for value in VALUES:
            held(client.get(path, headers=dict.fromkeys(HEADERS, value)), (path, value[:30]))


def test_a_place_among_photos_is_one_that_a_row_can_have(world: Any, client: FlaskClient) -> None:
    tile_set = f"tile-sets/{world.ids['tile_set_id']}"
    last = 2**31 - 1
    for key, identity, status in (
        (0, 0, 200), (last, last, 200), (0, -1, 422), (0, last + 1, 422), (2**63, 1, 422), (-(10**400), 1, 422),
        (float("nan"), 1, 422), (float("inf"), 1, 422), (None, 1, 422), (True, 1, 422), (0, "1", 422), ([], 1, 422),
        ("a", 1, 422), ("\0", 1, 422), ("\ud800", 1, 422),
    ):  # fmt: skip
        after = urlsafe_b64encode(json.dumps([key, identity]).encode()).decode().rstrip("=")
        for path in (f"/{tile_set}/photos", f"/api/v1/{tile_set}/tiles"):
            assert client.get(f"{path}?after={after}").status_code == status, (key, identity)
            named = client.get(f"{path}?after={after}&sort=name").status_code
            assert named == (200 if key == "a" else 422), (key, identity)


def test_a_body_of_a_kind_that_is_not_read_is_refused_as_such(world: Any, client: FlaskClient) -> None:
    for path in ("mosaics", "batches", "tile-sets", f"tile-sets/{world.ids['tile_set_id']}/photos"):
        response = client.post(f"/api/v1/{path}", data=b"{}", content_type="application/json")
        assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")


def test_what_is_no_hash_is_at_no_address(world: Any, client: FlaskClient) -> None:
    for content in ("\0", "F" * 64, "f" * 63, "f" * 65, "\ud800"):
        for path in ("/api/v1/tile-sets/{}/tiles/{}/preview", "/tile-sets/{}/photos/{}/preview"):
            assert client.get(path.format(world.ids["tile_set_id"], percent(content))).status_code == 404


@pytest.mark.parametrize("value", [Tile.id > 2**70, Tile.name == "\ud800"], ids=["number", "text"])
def test_what_no_row_can_hold_has_one_name_on_every_database(services: Services, value: ColumnElement[bool]) -> None:
    with services.reading() as session, pytest.raises(DataError):
        session.scalars(select(Tile).where(value)).all()
