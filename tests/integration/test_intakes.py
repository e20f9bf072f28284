"""Files that are sent one by one, by tus, until they are a tile set's: on each database, in a folder and on S3."""

import io
import json
import re
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from models import database, intakes, jobs, queries
from models.rules import blob_keys
from models.services import Services, open_services
from models.settings import Settings
from models.storage import open_store
from models.tables import Intake, Source, TileSet, Upload
from web.app import assemble
from worker.indexing import job as indexing_job
from worker.jobs import attempt, garbage, sweep

API, PAGES = "/api/v1", ""
PIECE = "application/offset+octet-stream"
TUS = {"Tus-Resumable": "1.0.0"}
LATER = timedelta(hours=2)
BIG = bytes(range(256)) * 1_024
"""A file of 256 KiB."""


@pytest.fixture
def light(sqlite_services: Services) -> FlaskClient:
    """On SQLite alone: for what depends on no database."""
    return assemble(sqlite_services).test_client()


@pytest.fixture
def intake(client: FlaskClient) -> str:
    return begun(client)


def begun(client: FlaskClient, tile_set: object = None) -> str:
    made = client.post(f"{API}/intakes", json={"tile_set": tile_set and str(tile_set)})
    assert made.status_code == 201, made.text
    return str(made.get_json()["url"])


def coded(text: str | bytes) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def told(name: str, content: bytes | None = None) -> str:
    claim = "" if content is None else f",sha256 {coded(sha256(content).hexdigest())}"
    return f"filename {coded(name)}{claim}"


def create(
    client: FlaskClient, intake: str, data: bytes = b"", length: int | None = None, **more: str
) -> TestResponse:
    """Create an upload: with no length it is whole in this request."""
    headers = TUS | {"Upload-Length": str(len(data) if length is None else length), "Upload-Metadata": told("a.png")}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    sent = {"data": data, "content_type": PIECE} if data else {}
    return client.post(f"{intake}/uploads", headers=headers, **sent)


def patch(
    client: FlaskClient, upload: str, offset: object, data: bytes, check: str = "", **more: Any
) -> TestResponse:
    headers = TUS | {"Upload-Offset": str(offset)} | ({"Upload-Checksum": check} if check else {})
    return client.patch(upload, data=data, headers=headers, content_type=PIECE, **more)


def offset(client: FlaskClient, upload: str) -> int:
    return int(client.head(upload, headers=TUS).headers["Upload-Offset"])


def finish(client: FlaskClient, intake: str, **fields: Any) -> TestResponse:
    return client.post(f"{intake}/finish", json=fields)


def problem(answer: TestResponse) -> tuple[int, str]:
    said = answer.get_json()
    assert answer.content_type == "application/problem+json", answer.text
    assert said["status"] == answer.status_code
    assert re.fullmatch(r"[^\n]{10,200}[.]", said["detail"]), said
    return answer.status_code, said["code"]


def blobs(services: Services) -> set[str]:
    return {blob.key for blob in services.store.list() if not blob.key.startswith(("trash/", "tessera/"))}


def rows(services: Services, table: type) -> int:
    with services.reading() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def index(services: Services, tile_set: object) -> dict[str, Any]:
    with services.reading() as session:
        job_id = queries.find_tile_set(session, UUID(str(tile_set))).job_id
    attempt.run(services, job_id, indexing_job.index_tile_set)
    return dict(assemble(services).test_client().get(f"{API}/tile-sets/{tile_set}").get_json())


# A whole collection


def test_photos_that_were_sent_in_one_piece_and_in_several_become_a_tile_set(
    services: Services, client: FlaskClient, intake: str, encoded: Callable[..., bytes], noise: Callable[..., Any]
) -> None:
    small, large = encoded(noise(20, 30, 1)), encoded(noise(300, 300, 2))
    made = create(client, intake, small, Upload_Metadata=told("small.png", small))
    assert (made.status_code, made.headers["Upload-Offset"]) == (201, str(len(small)))
    upload = create(client, intake, length=len(large), Upload_Metadata=told("large.png", large)).headers["Location"]
    assert offset(client, upload) == 0
    cuts = [0, 100_000, 200_000, len(large)]
    for start, end in pairwise(cuts):
        assert patch(client, upload, start, large[start:end]).headers["Upload-Offset"] == str(end)
    shown = client.get(intake).get_json()
    assert (shown["files"], shown["bytes"], shown["open"]) == (2, len(small) + len(large), 0)
    assert shown["tile_set"] is None
    done = finish(client, intake, name="Holidays", dedupe=True, keep_originals=True)
    assert done.status_code == 202
    said = done.get_json()
    assert (said["name"], said["dedupe"], said["keep_originals"], said["left_out"]) == ("Holidays", True, True, 0)
    assert said["page"] == f"/tile-sets/{said['id']}"
    assert client.get(intake).get_json()["tile_set"] == said["id"]
    assert index(services, said["id"])["tile_count"] == 2
    tiles = client.get(said["tiles"]).get_json()["items"]
    assert {(tile["name"], tile["content"]) for tile in tiles} == {
        ("small.png", sha256(small).hexdigest()), ("large.png", sha256(large).hexdigest()),
    }  # fmt: skip


def test_photos_are_added_to_a_tile_set_that_there_is(
    services: Services, client: FlaskClient, noisy_set: Callable[[int], UUID], encoded: Callable[..., bytes],
    noise: Callable[..., Any],
) -> None:  # fmt: skip
    tile_set = noisy_set(2)
    intake, new = begun(client, tile_set), encoded(noise(20, 30, 77))
    old = encoded(noise(40, 60, 0))
    assert client.get(intake).get_json()["tile_set"] == str(tile_set)
    hashes = [sha256(data).hexdigest() for data in (old, new, b"neither")]
    assert client.post(f"{intake}/known", json={"contents": hashes}).get_json() == {"known": hashes[:1]}
    create(client, intake, new)
    assert client.post(f"{intake}/known", json={"contents": hashes}).get_json() == {"known": hashes[:2]}
    assert finish(client, intake).get_json()["id"] == str(tile_set)
    assert index(services, tile_set)["tile_count"] == 3


def test_it_all_works_in_a_store_on_s3_too(sqlite_services: Services, s3: Any, tmp_path: Path) -> None:
    services = replace(sqlite_services, store=open_store(f"s3://{s3.new_bucket()}/x", tmp_path / "cache", 1 << 30))
    client = assemble(services).test_client()
    intake = begun(client)
    upload = create(client, intake, BIG[:1_000], len(BIG)).headers["Location"]
    assert patch(client, upload, 1_000, BIG[1_000:]).status_code == 204
    finish(client, intake)
    with services.reading() as session:
        assert services.store.get(session.scalars(select(Source.address)).one()) == BIG


def test_to_finish_twice_makes_one_set(services: Services, client: FlaskClient, intake: str) -> None:
    create(client, intake, b"photo")
    create(client, intake, b"half", 8)
    first, second = finish(client, intake, name="One"), finish(client, intake, name="Two")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json() == second.get_json()
    assert (first.get_json()["left_out"], first.get_json()["name"]) == (1, "One")
    assert (rows(services, TileSet), rows(services, Source), rows(services, Upload)) == (1, 1, 0)


def at_once(services: Services, act: Callable[[FlaskClient], TestResponse]) -> list[TestResponse]:
    """What two that do the same at once are answered, each by a web process of its own."""
    clients = [
        assemble(services).test_client() for _ in range(2)
    ]  # Python 3.11 compiles addresses in one thread alone
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(act, clients))


def test_two_that_finish_at_once_make_one_set(services: Services, client: FlaskClient, intake: str) -> None:
    create(client, intake, b"photo")
    answers = at_once(services, lambda client: finish(client, intake))
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].get_json()["id"] == answers[1].get_json()["id"]
    assert rows(services, TileSet) == 1


def test_ten_thousand_files_become_a_set_in_one_transaction(sqlite_services: Services) -> None:
    client = assemble(sqlite_services).test_client()
    intake = begun(client)
    identity = UUID(intake.rpartition("/")[2])
    with sqlite_services.sessions.begin() as session:
        now = database.now(session)
        row = {"intake_id": identity, "length_bytes": 1, "received_bytes": 1, "parts": [], "created_at": now}
        many = [
            row | {"id": uuid4(), "name": f"{n}.jpg", "key": f"k{n}", "content": f"{n:064x}"} for n in range(10_000)
        ]
        session.execute(Upload.__table__.insert(), many)
    assert finish(client, intake).status_code == 202
    assert rows(sqlite_services, Source) == 10_000


# In rounds


def test_photos_are_indexed_while_others_are_still_being_sent(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    create(client, intake, picture(1))
    half = create(client, intake, BIG[:100_000], len(BIG)).headers["Location"]
    begun = round_of(client, intake, name="Holidays", dedupe=True)
    assert (begun.status_code, begun.get_json()["name"], begun.get_json()["left_out"]) == (202, "Holidays", 1)
    tile_set = begun.get_json()["id"]
    assert far(client, intake) == {"files": 1, "open": 1, "waiting": 0, "tile_count": None, "indexing": True}
    create(client, intake, picture(2))
    assert problem(round_of(client, intake)) == (409, "not_ready")
    assert index(services, tile_set)["tile_count"] == 1
    assert far(client, intake) == {"files": 2, "open": 1, "waiting": 1, "tile_count": 1, "indexing": False}
    assert round_of(client, intake, name="Another", dedupe=False).get_json()["id"] == tile_set
    assert index(services, tile_set)["tile_count"] == 2
    assert patch(client, half, 100_000, BIG[100_000:]).status_code == 204
    create(client, intake, picture(3))
    create(client, intake, b"half", 8)
    done = finish(client, intake, name="A third").get_json()
    assert (done["id"], done["name"], done["dedupe"], done["left_out"]) == (tile_set, "Holidays", True, 1)
    end = index(services, tile_set)
    assert (end["tile_count"], end["skipped_count"], end["version"]) == (3, 1, 3)
    assert client.get(intake).get_json()["files"] == 4
    assert client.get(intake).get_json()["bytes"] == len(BIG) + sum(len(picture(number)) for number in (1, 2, 3))


def test_a_round_indexes_its_own_photos_alone(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    for number in range(3):
        create(client, intake, picture(number))
    tile_set = round_of(client, intake).get_json()["id"]
    index(services, tile_set)
    create(client, intake, picture(9))
    round_of(client, intake)
    with services.reading() as session:
        assert [source.content for source in session.scalars(select(Source))] == [sha256(picture(9)).hexdigest()]
    assert index(services, tile_set)["tile_count"] == 4
    versions = client.get(f"{API}/tile-sets/{tile_set}").get_json()["versions"]
    assert [(each["number"], each["change"]) for each in versions] == [
        (2, "1 photo came in"), (1, "3 photos came in"),
    ]  # fmt: skip


def test_a_photo_is_known_at_every_moment_of_a_round(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    mine = [sha256(picture(1)).hexdigest()]

    def known() -> object:
        return client.post(f"{intake}/known", json={"contents": mine}).get_json()["known"]

    assert known() == []
    create(client, intake, picture(1))
    assert known() == mine
    tile_set = round_of(client, intake).get_json()["id"]
    assert known() == mine
    index(services, tile_set)
    assert known() == mine


def test_a_round_whose_photos_are_all_refused_does_not_end_it(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    create(client, intake, b"no picture")
    tile_set = round_of(client, intake).get_json()["id"]
    assert index(services, tile_set)["job"]["error"]["code"] == "no_usable_tiles"
    create(client, intake, picture(1))
    round_of(client, intake)
    assert index(services, tile_set)["tile_count"] == 1
    create(client, intake, b"nor this")
    assert finish(client, intake).status_code == 202
    end = index(services, tile_set)
    assert (end["job"]["state"], end["tile_count"], end["skipped_count"], end["version"]) == ("succeeded", 1, 2, 1)


def test_where_nothing_is_new_a_round_changes_nothing(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    assert problem(round_of(client, intake)) == (422, "invalid_order")
    create(client, intake, picture(1))
    tile_set = round_of(client, intake).get_json()["id"]
    assert round_of(client, intake).get_json()["job"]["state"] == "queued"
    done = finish(client, intake)
    assert (done.status_code, done.get_json()["left_out"]) == (202, 0)
    assert problem(round_of(client, intake)) == (410, "intake_closed")
    assert index(services, tile_set)["version"] == 1


def test_two_rounds_at_once_take_each_photo_once(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    for number in range(5):
        create(client, intake, picture(number))
    answers = at_once(services, lambda client: round_of(client, intake))
    assert [answer.status_code for answer in answers] == [202, 202]
    assert (rows(services, TileSet), rows(services, Source), rows(services, Upload)) == (1, 5, 0)


def test_two_that_send_to_one_set_take_turns(
    services: Services, client: FlaskClient, noisy_set: Callable[[int], UUID], picture: Callable[[int], bytes]
) -> None:
    tile_set = noisy_set(2)
    first, second = begun(client, tile_set), begun(client, tile_set)
    create(client, first, picture(11))
    create(client, second, picture(12))
    assert round_of(client, first).status_code == 202
    assert problem(round_of(client, second)) == (409, "not_ready")
    index(services, tile_set)
    assert finish(client, second).status_code == 202
    assert index(services, tile_set)["tile_count"] == 4


def test_what_arrives_for_a_set_in_the_trash_waits_until_it_is_taken_back(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    create(client, intake, picture(1))
    tile_set = round_of(client, intake).get_json()["id"]
    client.delete(f"{API}/tile-sets/{tile_set}")
    create(client, intake, picture(2))
    assert problem(round_of(client, intake)) == (404, "not_found")
    collect(services)
    assert far(client, intake) == {"files": 2, "open": 0, "waiting": 1, "tile_count": None, "indexing": False}
    client.post(f"{API}/tile-sets/{tile_set}/restore")
    client.patch(f"{API}/tile-sets/{tile_set}", json={"name": "Renamed"})
    assert round_of(client, intake).get_json()["name"] == "Renamed"
    assert index(services, tile_set)["tile_count"] == 2


def test_an_intake_that_is_given_up_after_a_round_leaves_the_set_as_it_is(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    create(client, intake, picture(1))
    tile_set = round_of(client, intake).get_json()["id"]
    create(client, intake, picture(2))
    assert client.delete(intake).status_code == 204
    assert index(services, tile_set)["tile_count"] == 1
    collect(services)
    assert not [key for key in blobs(services) if "upload" in key]


def round_of(client: FlaskClient, intake: str, **fields: Any) -> TestResponse:
    return client.post(f"{intake}/index", json=fields)


def far(client: FlaskClient, intake: str) -> dict[str, Any]:
    said = client.get(intake).get_json()
    return {name: said[name] for name in ("files", "open", "waiting", "tile_count", "indexing")}


@pytest.fixture
def picture(encoded: Callable[..., bytes], noise: Callable[..., Any]) -> Callable[[int], bytes]:
    return lambda number: encoded(noise(20, 30, 100 + number))


# Zips


def test_a_zip_among_the_photos_is_taken_whole(
    services: Services, client: FlaskClient, intake: str, picture: Callable[[int], bytes]
) -> None:
    create(client, intake, picture(1), Upload_Metadata=told("same.png"))
    data = zipped({"same.png": picture(2), "deep/same.png": picture(3), "notes.txt": b"text"})
    upload = create(client, intake, data[:50], len(data), Upload_Metadata=told("photos.ZIP")).headers["Location"]
    assert patch(client, upload, 50, data[50:]).status_code == 204
    named = f"filename {coded('no-ending')},filetype {coded('application/zip')}"
    create(client, intake, zipped({"four.png": picture(4)}), Upload_Metadata=named)
    assert client.get(intake).get_json()["files"] == 3
    made = index(services, finish(client, intake).get_json()["id"])
    assert (made["tile_count"], made["skipped_count"]) == (4, 1)


@pytest.mark.parametrize("pieces", [1, 2, "one, after the name"])
@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"no zip at all, though it is called one", (422, "bad_archive")),
        (b"Rar!\x1a\x07 of another kind", (422, "bad_archive")),
        ("empty", (422, "bad_archive")),
        ("outside", (422, "bad_archive")),
        ("many", (413, "too_large")),
        ("large", (413, "too_large")),
    ],
)
def test_a_zip_that_cannot_be_used_is_refused_and_nothing_of_it_stays(
    bounded: Callable[..., FlaskClient], data: Any, refusal: tuple[int, str], pieces: int | str
) -> None:
    client = bounded(max_photos=3, max_upload_bytes=10_000)
    files = {
        "empty": {}, "outside": {"../a.png": b"1"}, "many": {f"{number}.png": b"1" for number in range(4)},
        "large": {"a.png": bytes(20_000)},
    }  # fmt: skip
    sent = data if isinstance(data, bytes) else zipped(files[data])
    intake = begun(client)
    if pieces == 1:
        answer = create(client, intake, sent, Upload_Metadata=told("a.zip"))
    else:
        first = sent[:9] if pieces == 2 else b""
        upload = create(client, intake, first, len(sent), Upload_Metadata=told("a.zip")).headers["Location"]
        answer = patch(client, upload, len(first), sent[len(first) :])
    assert problem(answer) == refusal
    shown = client.get(intake).get_json()
    assert (shown["files"], shown["open"]) == (0, 0)


def test_a_zip_may_be_larger_than_a_photo_but_not_than_all_that_may_be_sent(
    bounded: Callable[..., FlaskClient],
) -> None:
    client = bounded(max_picture_bytes=1_000, max_upload_bytes=5_000)
    intake, data = begun(client), zipped({"a.png": bytes(range(250)) * 8}, zipfile.ZIP_STORED)
    assert 1_000 < len(data) < 5_000
    assert problem(create(client, intake, data, Upload_Metadata=told("a.png"))) == (413, "too_large")
    assert create(client, intake, data, Upload_Metadata=told("a.zip")).status_code == 201
    assert problem(create(client, intake, length=5_001, Upload_Metadata=told("a.zip"))) == (413, "too_large")


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


# tus


@pytest.mark.parametrize("side", [API, PAGES])
def test_it_says_what_it_understands(light: FlaskClient, side: str) -> None:
    for path in (f"{side}/intakes/{uuid4()}/uploads", f"{side}/intakes/{uuid4()}/uploads/{uuid4()}"):
        said = light.options(path)
        assert said.status_code == 204
        assert said.headers["Tus-Version"] == said.headers["Tus-Resumable"] == "1.0.0"
        extensions = set(said.headers["Tus-Extension"].split(","))
        assert extensions == {"creation", "creation-with-upload", "expiration", "termination", "checksum"}
        assert (said.headers["Tus-Max-Size"], said.headers["Tus-Checksum-Algorithm"]) == (str(4 << 30), "sha256")


def test_an_upload_says_all_that_tus_wants_to_know(light: FlaskClient) -> None:
    intake = begun(light)
    made = create(light, intake, BIG[:100], len(BIG), Upload_Metadata=told("übel.png", BIG))
    assert made.headers["Upload-Expires"].endswith("GMT")
    said = light.head(made.headers["Location"], headers=TUS)
    assert said.status_code == 200
    assert {name: said.headers[name] for name in ("Upload-Offset", "Upload-Length", "Cache-Control")} == {
        "Upload-Offset": "100", "Upload-Length": str(len(BIG)), "Cache-Control": "no-store",
    }  # fmt: skip
    assert said.headers["Upload-Metadata"] == told("übel.png", BIG)


def test_of_two_pieces_for_one_place_the_first_wins(services: Services, client: FlaskClient, intake: str) -> None:
    upload = create(client, intake, length=100).headers["Location"]
    together = threading.Barrier(2, timeout=60)
    answers: list[TestResponse] = []

    class Body(io.BytesIO):
        """Waits until both requests have looked at the upload, and are reading."""

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                together.wait()
            return super().read(size)

        def readinto(self, buffer: Any, /) -> int:
            data = self.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)

    def send(sender: FlaskClient, data: bytes) -> None:
        headers = TUS | {"Upload-Offset": "0", "Content-Length": "100"}
        answers.append(sender.patch(upload, input_stream=Body(data), headers=headers, content_type=PIECE))

    # Not in the threads: two that parse Python at once can get a SystemError from Python 3.11.
    senders = [assemble(services).test_client() for _ in range(2)]
    both = [threading.Thread(target=send, args=each) for each in zip(senders, (b"a" * 100, b"b" * 100), strict=True)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    finish(client, intake)
    with services.reading() as session:
        assert services.store.get(session.scalars(select(Source.address)).one()) in {b"a" * 100, b"b" * 100}


def test_what_arrived_before_the_connection_was_cut_is_kept(
    services: Services, client: FlaskClient, intake: str
) -> None:
    upload = create(client, intake, length=len(BIG)).headers["Location"]
    assert cut(client, upload, 0, BIG[:100_000]).status_code == 400
    assert offset(client, upload) == 100_000
    assert cut(client, upload, 100_000, BIG[100_000:100_010]).status_code == 400
    assert offset(client, upload) == 100_000
    assert patch(client, upload, 100_000, BIG[100_000:]).status_code == 204
    finish(client, intake)
    with services.reading() as session:
        assert services.store.get(session.scalars(select(Source.address)).one()) == BIG


def cut(client: FlaskClient, upload: str, offset: int, data: bytes) -> TestResponse:
    """Send a piece, of the rest of the file, whose connection is cut."""
    # Gunicorn lets such a body end without an error.
    promised = {"CONTENT_LENGTH": str(len(BIG) - offset), "wsgi.input_terminated": True}
    return patch(client, upload, offset, data, environ_overrides=promised)


def test_a_piece_that_is_not_the_next_one_is_refused(light: FlaskClient) -> None:
    intake = begun(light)
    upload = create(light, intake, b"1234", 8).headers["Location"]
    for wrong in (0, 3, 5, 8):
        assert problem(patch(light, upload, wrong, b"5678"[: 8 - wrong])) == (409, "wrong_offset")
    assert patch(light, upload, 4, b"").headers["Upload-Offset"] == "4"
    assert patch(light, upload, 4, b"5678").headers["Upload-Offset"] == "8"
    assert problem(patch(light, upload, 4, b"5678")) == (409, "wrong_offset")


def test_more_bytes_than_were_said_are_refused_and_nothing_is_kept(
    sqlite_services: Services, light: FlaskClient
) -> None:
    intake = begun(light)
    upload = create(light, intake, length=4).headers["Location"]
    assert problem(patch(light, upload, 0, b"12345")) == (413, "too_large")
    assert problem(create(light, intake, b"12345", 4)) == (413, "too_large")
    assert offset(light, upload) == 0
    assert blobs(sqlite_services) == set()


def test_a_checksum_that_is_wrong_keeps_nothing(light: FlaskClient) -> None:
    intake = begun(light)
    right, wrong = (f"sha256 {coded(sha256(data).digest())}" for data in (b"12", b"21"))
    assert problem(create(light, intake, b"12", Upload_Checksum=wrong)) == (460, "checksum_mismatch")
    upload = create(light, intake, length=4).headers["Location"]
    assert problem(patch(light, upload, 0, b"12", wrong)) == (460, "checksum_mismatch")
    assert offset(light, upload) == 0
    assert patch(light, upload, 0, b"12", right).status_code == 204


def test_a_file_that_is_not_what_its_hash_says_begins_anew(light: FlaskClient) -> None:
    intake = begun(light)
    assert problem(create(light, intake, b"1234", Upload_Metadata=told("a", b"4321"))) == (460, "checksum_mismatch")
    upload = create(light, intake, b"43", 4, Upload_Metadata=told("a", b"1234")).headers["Location"]
    assert problem(patch(light, upload, 2, b"34")) == (460, "checksum_mismatch")
    assert offset(light, upload) == 0
    assert patch(light, upload, 0, b"1234").status_code == 204
    assert light.get(intake).get_json()["files"] == 1


def test_an_upload_that_is_given_up_is_gone_and_makes_room(
    services: Services, client: FlaskClient, intake: str
) -> None:
    upload = create(client, intake, b"12", 4).headers["Location"]
    assert client.delete(upload, headers=TUS).status_code == 204
    assert client.head(upload, headers=TUS).status_code == 404
    assert problem(patch(client, upload, 2, b"34")) == (404, "not_found")
    assert problem(client.delete(upload, headers=TUS)) == (404, "not_found")
    with services.reading() as session:
        row = session.scalars(select(Intake)).one()
    assert (row.file_count, row.byte_count) == (0, 0)


def test_an_upload_belongs_to_its_intake(light: FlaskClient) -> None:
    intake = begun(light)
    upload = create(light, intake, b"12", 4).headers["Location"]
    other = f"{begun(light)}/uploads/{upload.rpartition('/')[2]}"
    assert problem(patch(light, other, 2, b"34")) == (404, "not_found")
    assert problem(light.delete(other, headers=TUS)) == (404, "not_found")


def test_a_file_in_too_many_pieces_is_refused(sqlite_services: Services, light: FlaskClient) -> None:
    intake = begun(light)
    upload = create(light, intake, b"1", 4).headers["Location"]
    with sqlite_services.sessions.begin() as session:
        session.execute(update(Upload).values(parts=["x"] * intakes.MOST_PARTS))
    assert problem(patch(light, upload, 1, b"2")) == (413, "too_large")


# Bad input


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"Tus-Resumable": ""}, (412, "precondition_failed")),
        ({"Tus-Resumable": "0.2.2"}, (412, "precondition_failed")),
        ({"Upload-Length": ""}, (400, "bad_request")),
        ({"Upload-Length": "-1"}, (400, "bad_request")),
        ({"Upload-Length": "٣"}, (400, "bad_request")),
        ({"Upload-Length": "9" * 40}, (400, "bad_request")),
        ({"Upload-Length": "0"}, (422, "empty_file")),
        ({"Upload-Length": str((256 << 20) + 1)}, (413, "too_large")),
        ({"Upload-Metadata": "filename ***"}, (400, "bad_request")),
        ({"Upload-Metadata": "filename"}, None),
        ({"Upload-Metadata": f"filename {coded(bytes([255, 254]))}"}, (400, "bad_request")),
        ({"Upload-Metadata": f"filename {coded('a')},filename {coded('b')}"}, (400, "bad_request")),
        ({"Upload-Metadata": f"sha256 {coded('no hash')}"}, (400, "bad_request")),
        ({"Upload-Metadata": ",,,"}, None),
        ({"Upload-Metadata": f"filename {coded('a' + chr(0))},x {coded('y')}"}, None),
        ({"Upload-Checksum": "md5 x"}, (400, "bad_request")),
        ({"Upload-Checksum": "sha256 x"}, (400, "bad_request")),
        ({"Content-Type": "image/png"}, (415, "unsupported_media_type")),
        ({"Content-Type": "multipart/form-data; boundary=x"}, (415, "unsupported_media_type")),
    ],
)
def test_headers_that_cannot_be_read_are_refused_in_one_sentence(
    light: FlaskClient, headers: dict[str, str], refusal: tuple[int, str] | None
) -> None:
    intake = begun(light)
    given = TUS | {"Upload-Length": "4", "Content-Type": PIECE} | headers
    encoded = {name: value.encode().decode("latin-1") for name, value in given.items()}
    made = light.post(f"{intake}/uploads", data=b"1234", headers=encoded)
    assert made.headers["Tus-Resumable"] == "1.0.0"
    assert (problem(made) if refusal else made.status_code) == (refusal or 201)


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1e3", "9" * 30])
def test_an_offset_that_is_no_number_is_refused(light: FlaskClient, wrong: str) -> None:
    intake = begun(light)
    upload = create(light, intake, length=4).headers["Location"]
    assert problem(patch(light, upload, wrong, b"1")) == (400, "bad_request")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("x" * 4_000, "x" * 200),
        ("😀" * 900, "😀" * 200),
        ("\u202egpj.exe", "gpj.exe"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\a.jpg", "a.jpg"),
        ("שלום.jpg", "שלום.jpg"),
        ("<b>.jpg", "<b>.jpg"),
        ("\n\t", "unnamed"),
    ],
)
def test_a_name_is_made_fit_to_be_shown(
    sqlite_services: Services, light: FlaskClient, given: str, shown: str
) -> None:
    intake = begun(light)
    assert create(light, intake, b"1", Upload_Metadata=told(given)).status_code == 201
    with sqlite_services.reading() as session:
        assert session.scalars(select(Upload.name)).one() == shown


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("", {"tile_set": "x"}, (422, "invalid_order")),
        ("", {"tile_set": str(uuid4())}, (404, "not_found")),
        ("", {"tile_sets": None}, (422, "invalid_order")),
        ("", [], (422, "invalid_order")),
        ("/known", {}, (422, "invalid_order")),
        ("/known", {"contents": ["x"]}, (422, "invalid_order")),
        ("/known", {"contents": ["0" * 64 + "\n"]}, (422, "invalid_order")),
        ("/known", {"contents": ["0" * 64] * 5_001}, (422, "invalid_order")),
        ("/known", {"contents": ["0" * 64] * 50_000}, (413, "too_large")),
        ("/finish", {}, (422, "invalid_order")),
        ("/finish", {"dedupe": "perhaps"}, (422, "invalid_order")),
        ("/finish", {"name": 7}, (422, "invalid_order")),
    ],
)
def test_json_that_is_wrong_is_refused(light: FlaskClient, path: str, body: Any, refusal: tuple[int, str]) -> None:
    intake = begun(light)
    assert problem(light.post(f"{intake if path else f'{API}/intakes'}{path}", json=body)) == refusal


def test_five_thousand_hashes_may_be_asked_for_at_once(light: FlaskClient) -> None:
    intake = begun(light)
    create(light, intake, b"1")
    hashes = [f"{number:064x}" for number in range(4_999)] + [sha256(b"1").hexdigest()]
    assert light.post(f"{intake}/known", json={"contents": hashes}).get_json() == {"known": hashes[-1:]}


# Limits


@pytest.fixture
def bounded(sqlite_services: Services) -> Callable[..., FlaskClient]:
    def make(**settings: Any) -> FlaskClient:
        chosen = Settings(**(sqlite_services.settings.model_dump() | settings))
        return assemble(open_services(chosen)).test_client()

    return make


def test_there_are_only_so_many_intakes(bounded: Callable[..., FlaskClient]) -> None:
    client = bounded(max_intakes=2)
    first = begun(client)
    begun(client)
    assert problem(client.post(f"{API}/intakes", json={})) == (429, "too_many_intakes")
    assert client.delete(first).status_code == 204
    begun(client)


def test_there_are_only_so_many_bytes_in_all_of_them(bounded: Callable[..., FlaskClient]) -> None:
    client = bounded(max_intake_bytes=10)
    first, second = begun(client), begun(client)
    create(client, first, length=6)
    assert client.post(f"{API}/intakes", json={}).get_json()["max_bytes"] == 4
    assert problem(create(client, second, b"12345")) == (429, "too_many_intakes")
    assert create(client, second, b"1234").status_code == 201


def test_there_are_only_so_many_files_in_one(bounded: Callable[..., FlaskClient]) -> None:
    client = bounded(max_photos=1)
    intake = begun(client)
    create(client, intake, b"1")
    assert problem(create(client, intake, b"2")) == (413, "too_large")


# The end of an intake


def test_an_intake_whose_time_is_over_is_gone_and_so_are_its_blobs(
    services: Services, client: FlaskClient, intake: str
) -> None:
    # More than may be unknown to the database without a person being asked.
    count = services.settings.litter_floor + 1
    for _ in range(count):
        create(client, intake, b"photo")
    upload = create(client, intake, b"half", 8).headers["Location"]
    assert len(blobs(services)) == count + 1
    collect(services)
    assert len(blobs(services)) == count + 1
    with services.sessions.begin() as session:
        session.execute(update(Intake).values(expires_at=database.now(session)))
    assert problem(client.get(intake)) == (410, "intake_closed")
    assert client.head(upload, headers=TUS).status_code == 410
    assert problem(patch(client, upload, 4, b"half")) == (410, "intake_closed")
    assert problem(create(client, intake, b"photo")) == (410, "intake_closed")
    assert problem(finish(client, intake)) == (410, "intake_closed")
    sweep.collect(services)
    assert rows(services, Upload) == 0
    collect(services)
    assert blobs(services) == set()
    assert problem(client.get(intake)) == (410, "intake_closed")


def test_each_file_puts_the_end_off(services: Services, client: FlaskClient, intake: str) -> None:
    with services.sessions.begin() as session:
        session.execute(update(Intake).values(expires_at=database.now(session) + timedelta(minutes=1)))
    create(client, intake, b"photo")
    with services.reading() as session:
        left = session.scalars(select(Intake.expires_at)).one() - database.now(session)
    assert left > timedelta(hours=23)


def test_what_was_sent_for_a_set_that_is_there_is_kept_until_then(
    services: Services, client: FlaskClient, noisy_set: Callable[[int], UUID]
) -> None:
    tile_set = noisy_set(1)
    collect(services)
    before = blobs(services)
    intake = begun(client, tile_set)
    create(client, intake, b"photo")
    create(client, intake, b"half", 8)
    collect(services)
    assert len(blobs(services) - before) == 2
    assert client.delete(intake).status_code == 204
    collect(services)
    assert blobs(services) == before


def collect(services: Services) -> None:
    with services.reading() as session:
        now = database.now(session)
    garbage.collect(services, now + LATER)


def test_a_finished_intake_takes_nothing_more(light: FlaskClient) -> None:
    intake = begun(light)
    create(light, intake, b"photo")
    upload = create(light, intake, b"half", 8).headers["Location"]
    assert light.get(intake).get_json()["finished"] is False
    finish(light, intake)
    assert problem(create(light, intake, b"photo")) == (410, "intake_closed")
    assert problem(patch(light, upload, 4, b"half")) == (410, "intake_closed")
    assert problem(light.delete(intake)) == (410, "intake_closed")
    far = light.get(intake).get_json()
    assert (far["files"], far["finished"]) == (1, True)


def test_files_for_a_set_that_was_deleted_meanwhile_stay(
    services: Services, client: FlaskClient, noisy_set: Callable[[int], UUID]
) -> None:
    tile_set = noisy_set(1)
    intake = begun(client, tile_set)
    create(client, intake, b"photo")
    client.delete(f"{API}/tile-sets/{tile_set}")
    assert problem(finish(client, intake)) == (404, "not_found")
    client.post(f"{API}/tile-sets/{tile_set}/restore")
    assert finish(client, intake).status_code == 202


def test_files_for_a_set_that_is_being_indexed_stay(services: Services, client: FlaskClient, intake: str) -> None:
    create(client, intake, b"photo")
    tile_set = finish(client, intake).get_json()["id"]
    second = begun(client, tile_set)
    create(client, second, b"another")
    assert problem(finish(client, second)) == (409, "not_ready")
    assert client.get(second).get_json()["files"] == 1
    with services.sessions.begin() as session:
        jobs.cancel(session, [queries.find_tile_set(session, UUID(tile_set)).job_id], database.now(session))
    assert finish(client, second).status_code == 202


# Who may


def test_pages_send_with_their_cookie_and_the_token_of_a_form(light: FlaskClient) -> None:
    refused = light.post("/intakes", json={})
    assert problem(refused) == (400, "form_expired")
    token = light.get("/tile-sets/new").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    headers = {"X-CSRFToken": token}
    made = light.post("/intakes", json={}, headers=headers)
    assert (made.status_code, made.get_json()["url"][:9]) == (201, "/intakes/")
    intake = made.get_json()["url"]
    large = BIG * 5
    new = TUS | headers | {"Upload-Length": str(len(large)), "Upload-Metadata": told("a.png", large)}
    upload = light.post(f"{intake}/uploads", data=large, headers=new, content_type=PIECE)
    assert (upload.status_code, upload.headers["Upload-Offset"]) == (201, str(len(large)))
    assert upload.headers["Location"].startswith(f"{intake}/uploads/")
    done = light.post(f"{intake}/finish", json={"name": "x"}, headers=headers)
    assert (done.status_code, done.get_json()["left_out"]) == (202, 0)
    assert problem(light.get(f"/intakes/{uuid4()}")) == (404, "not_found")


@pytest.fixture
def server(sqlite_services: Services) -> FlaskClient:
    changes = {"mode": "server", "access_token": "a token that only the tests know", "secure_cookies": False}
    chosen = Settings(**(sqlite_services.settings.model_dump() | changes))
    return assemble(open_services(chosen)).test_client()


def test_a_stranger_sends_nothing_and_hears_it_as_a_problem(server: FlaskClient) -> None:
    for path in ("/api/v1/intakes", "/intakes", f"/intakes/{uuid4()}/uploads"):
        assert problem(server.post(path, json={}, headers=TUS)) == (401, "token_needed")
    told = {"Authorization": "Bearer a token that only the tests know"}
    assert problem(server.post("/intakes", json={}, headers=told)) == (401, "token_needed")
    assert server.post("/api/v1/intakes", json={}, headers=told).status_code == 201


def test_a_page_of_another_site_sends_nothing(light: FlaskClient) -> None:
    intake = begun(light)
    assert problem(create(light, intake, b"1", Origin="https://elsewhere.example")) == (403, "not_allowed")


def test_every_answer_about_a_problem_is_json(light: FlaskClient) -> None:
    for path in ("/intakes", f"/intakes/{uuid4()}", f"/intakes/{uuid4()}/finish"):
        assert json.loads(light.put(path).text)["code"] == "method_not_allowed"


def test_keys_of_what_is_sent_are_those_of_other_uploads(sqlite_services: Services, light: FlaskClient) -> None:
    intake = begun(light)
    create(light, intake, b"photo")
    keys = blobs(sqlite_services)
    assert keys
    assert all(blob_keys.is_ours(key) for key in keys)
