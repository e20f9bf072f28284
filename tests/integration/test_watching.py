"""The service as those who watch it see it: is it ready, what does it count, which request was that."""

import io
import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import structlog
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cli.service import processes
from models import attempts, jobs, parts, queue, statistics
from models.errors import InvalidOrder, StorageFull
from models.jobs import Lease, RetryPolicy
from models.notifying import ring_all
from models.parts import Listing
from models.placing import NewSource, place_tile_set
from models.rules.lifecycle import Doorbell, JobKind, Lane
from models.rules.tile_set_words import SourceKind
from models.services import Services, open_services
from models.settings import Settings
from models.storage import FolderStore
from models.tables import Job, Source, TileSet
from web.app import assemble
from worker.jobs.sweep import sweep

DOCS = Path(__file__).parents[2] / "docs"
TOKEN = "a token that only the tests know"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CLOSED_REDIS = "redis://127.0.0.1:1/0"
CLOSED_POSTGRESQL = "postgresql://tessera:not-for-strangers@127.0.0.1:1/tessera"
FRESH_ID = re.compile("[0-9a-f]{32}")


@pytest.fixture(autouse=True)
def _forget_connections() -> Iterator[None]:
    """A process publishes to one Redis for life; this one tries several."""
    yield
    queue.app._pool = queue.app.amqp._producer_pool = None


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a server that accepts, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def lite(sqlite_services: Services) -> FlaskClient:
    """On SQLite alone, for what does not depend on the database."""
    return assemble(sqlite_services).test_client()


@pytest.fixture
def server(sqlite_services: Services) -> FlaskClient:
    """The same in server mode."""
    changes = {"mode": "server", "access_token": TOKEN, "secure_cookies": False}
    return assemble(open_services(Settings(**(sqlite_services.settings.model_dump() | changes)))).test_client()


def without_redis(services: Services) -> None:
    """From here on this process publishes to nobody."""
    queue.app._pool = queue.app.amqp._producer_pool = None
    queue.connect(services.settings.model_copy(update={"redis_url": CLOSED_REDIS}), "publisher")


def elsewhere(services: Services, database_url: str) -> Services:
    """The same services, with the database at another address."""
    return open_services(services.settings.model_copy(update={"database_url": database_url}))


@pytest.fixture(params=["sqlite", "postgresql"])
def gone(request: pytest.FixtureRequest, sqlite_services: Services, tmp_path: Path) -> Services:
    """Services whose database is not there: a folder that was removed, a port that is closed."""
    folder = tmp_path / "removed"
    return elsewhere(sqlite_services, f"sqlite:///{folder}/t.db" if request.param == "sqlite" else CLOSED_POSTGRESQL)


@dataclass(frozen=True)
class Process:
    """A real process of the service, and what it logs."""

    address: str
    log: Path

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.address + path, headers=headers, timeout=60)

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]


@pytest.fixture
def start(
    sqlite_services: Services, wait_for: Callable[..., Any], tmp_path: Path
) -> Iterator[Callable[..., Process]]:
    """Start web processes, or workers of a lane, that log in JSON."""
    chosen = sqlite_services.settings
    given = {
        "MODE": "embedded", "DATABASE_URL": chosen.database_url, "REDIS_URL": chosen.redis_url,
        "STORE": chosen.store, "SECRET_KEY": "only for the tests, and long enough",
        "LOG_FORMAT": "json",
    }  # fmt: skip

    def begin(lane: Lane | None = None, **more: str) -> Process:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            bind = f"127.0.0.1:{probe.getsockname()[1]}"
        command = processes.gunicorn(bind, 1, 1) if lane is None else processes.lane_worker(lane, 1)
        made = Process(f"http://{bind}", tmp_path / f"{lane or 'web'}.log")
        environment = os.environ | {f"TESSERA_{key}": value for key, value in (given | more).items()}
        log = stack.enter_context(made.log.open("wb"))
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        stack.callback(running.wait)
        stack.callback(running.terminate)
        if lane is None:
            wait_for(lambda: answers(made))
        return made

    with ExitStack() as stack:
        yield begin


def answers(process: Process) -> bool:
    try:
        return process.get("/livez").ok
    except requests.ConnectionError:
        return False


# Ready or not


WELL = {"database": "ok", "store": "ok", "redis": "ok", "troubles": []}


def test_a_service_with_everything_up_is_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.get_json()) == (200, WELL)


def test_a_service_without_redis_is_ready_all_the_same(lite: FlaskClient, sqlite_services: Services) -> None:
    without_redis(sqlite_services)
    response = lite.get("/readyz")
    assert (response.status_code, response.get_json()) == (200, WELL | {"redis": "degraded"})


def test_a_redis_that_never_answers_does_not_hold_the_answer(start: Callable[..., Process], black_hole: str) -> None:
    response = start(REDIS_URL=black_hole).get("/readyz")
    assert (response.status_code, response.json()) == (200, WELL | {"redis": "degraded"})


def test_a_service_without_its_database_is_not_ready(gone: Services) -> None:
    response = assemble(gone).test_client().get("/readyz")
    assert response.status_code == 503
    assert (response.get_json()["database"], response.get_json()["redis"]) == ("unavailable", "ok")
    assert response.headers["Retry-After"] == "5"


def answered(services: Services) -> tuple[int, list[str]]:
    """What a process that was started just now says: the status, and the codes of the troubles."""
    response = assemble(services).test_client().get("/readyz")
    assert all(str(services.settings.database_url) not in each["detail"] for each in response.get_json()["troubles"])
    return response.status_code, [each["code"] for each in response.get_json()["troubles"]]


def test_a_service_whose_database_is_still_to_be_migrated_is_not_ready(services: Services) -> None:
    with services.sessions.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert answered(services) == (503, ["database_older"])


@pytest.mark.parametrize("read_before", [False, True])
def test_a_service_whose_database_takes_nothing_is_not_ready(
    postgresql_services: Services, *, read_before: bool
) -> None:
    with postgresql_services.sessions() as session:
        name = session.scalar(text("SELECT current_database()"))
        session.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        session.commit()
    opened = open_services(postgresql_services.settings)
    if read_before:
        with opened.reading() as session:
            session.scalar(text("SELECT 1"))
    assert answered(opened) == (503, ["database_unavailable"])


def test_a_service_whose_store_takes_nothing_is_not_ready(sqlite_services: Services, tmp_path: Path) -> None:
    # Whatever rights this user has, a file is no folder.
    (tmp_path / "store").mkdir(exist_ok=True)
    (tmp_path / "store" / "doctor").write_bytes(b"")
    status, codes = answered(sqlite_services)
    assert (status, len(codes), codes[0].startswith("stor")) == (503, 1, True)


def test_a_store_that_does_not_answer_holds_nobody(sqlite_services: Services, tmp_path: Path) -> None:
    woken = threading.Event()

    class SilentStore(FolderStore):
        """Takes its time."""

        def get(self, key: str) -> bytes:
            woken.wait(60)
            return super().get(key)

    began = time.monotonic()
    try:
        assert answered(replace(sqlite_services, store=SilentStore(tmp_path / "silent"))) == (503, ["no_answer"])
        assert time.monotonic() - began < 30
    finally:
        woken.set()


class FullStore(FolderStore):
    """Takes nothing, and deletes all the same."""

    def put(self, *_: object) -> None:
        raise StorageFull("There is no room left.")


class ForgetfulStore(FolderStore):
    """Gives something else back."""

    def get(self, key: str) -> bytes:
        return super().get(key)[:-1] if key.startswith("doctor") else super().get(key)


@pytest.mark.parametrize(("kind", "code"), [(FullStore, "storage_full"), (ForgetfulStore, "storage_unreadable")])
def test_a_store_that_does_not_keep_what_it_is_given_is_not_ready(
    sqlite_services: Services, tmp_path: Path, kind: type[FolderStore], code: str
) -> None:
    assert answered(replace(sqlite_services, store=kind(tmp_path / "bad"))) == (503, [code])


def test_strangers_may_ask_whether_a_server_is_ready(server: FlaskClient) -> None:
    assert server.get("/readyz").status_code == 200


def test_asking_for_redis_leaves_no_connection_behind(
    sqlite_services: Services, redis_running: Any, wait_for: Callable[..., Any]
) -> None:
    asking = redis_running.client
    before = {each["id"] for each in asking.client_list()}
    for _ in range(5):
        queue.ping()
    wait_for(lambda: {each["id"] for each in asking.client_list()} <= before, 10)


# Metrics


def add(session: Session, lane: Lane, queued_at: datetime, kind: JobKind = JobKind.RENDER) -> int:
    return jobs.add(session, kind, lane, queued_at, MINUTE).id


def claim(session: Session, job_id: int, now: datetime) -> Lease:
    lease = jobs.claim(session, job_id, now, MINUTE)
    assert lease is not None
    return lease


def expired_then_given_back_then_cancelled(session: Session) -> None:
    """In bulk; it waited 2,000 s, and then not at all."""
    job_id = add(session, Lane.BULK, NOON - 3 * HOUR)
    claim(session, job_id, NOON - 3 * HOUR + 2_000 * SECOND)
    jobs.release_stale(session, NOON - HOUR, RetryPolicy(3, HOUR, MINUTE, MINUTE))
    jobs.give_back(session, claim(session, job_id, NOON - HOUR), NOON - HOUR + MINUTE)
    jobs.cancel(session, [job_id], NOON)


def live_through_a_day(services: Services) -> None:
    """Jobs of every fate. The numbers of the tests below are counted from these lines by hand."""
    with services.sessions.begin() as session:
        expired_then_given_back_then_cancelled(session)
        lease = claim(session, add(session, Lane.INDEXING, NOON, JobKind.INDEX), NOON + 0.25 * SECOND)
        attempts.note_phases(session, lease.job_id, 1, {"indexing": 4.0})
        jobs.succeed(session, lease, NOON + MINUTE)
        lease = claim(session, add(session, Lane.INTERACTIVE, NOON), NOON + 2 * SECOND)
        attempts.note_phases(session, lease.job_id, 1, {"reading": 1.5, "matching": 2.0})
        jobs.fail(session, lease, NOON + MINUTE, InvalidOrder("", "Too many cells."))
        lease = claim(session, add(session, Lane.INTERACTIVE, NOON), NOON + 40 * SECOND)
        attempts.note_phases(session, lease.job_id, 1, {"matching": 3.0})
        job_id = add(session, Lane.BULK, NOON)
        claim(session, job_id, NOON + SECOND)
        jobs.cancel(session, [job_id], NOON + MINUTE)
        oldest, newer = add(session, Lane.BULK, NOON), add(session, Lane.BULK, NOON + MINUTE)
        for job_id in (oldest, oldest, newer):
            jobs.note_failed_ring(session, job_id)


Labels = tuple[str, ...]


@pytest.fixture
def scraped(client: FlaskClient, services: Services) -> dict[str, dict[Labels, float]]:
    """Every sample after that day: by its name, and by its labels in the order of their names."""
    live_through_a_day(services)
    samples: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            labels = tuple(sample.labels[name] for name in sorted(sample.labels))
            samples.setdefault(sample.name, {})[labels] = sample.value
    return samples


def some(counts: dict[Labels, float]) -> dict[Labels, float]:
    return {labels: value for labels, value in counts.items() if value}


def test_jobs_are_counted_by_kind_lane_and_state(scraped: dict[str, dict[Labels, float]]) -> None:
    assert some(scraped["tessera_jobs"]) == {
        ("tessera.index", "indexing", "succeeded"): 1,
        ("tessera.render", "interactive", "failed"): 1,
        ("tessera.render", "interactive", "running"): 1,
        ("tessera.render", "bulk", "cancelled"): 2,
        ("tessera.render", "bulk", "queued"): 2,
    }


def test_attempts_are_counted_by_kind_and_outcome(scraped: dict[str, dict[Labels, float]]) -> None:
    assert some(scraped["tessera_attempts_total"]) == {
        ("tessera.index", "succeeded"): 1,
        ("tessera.render", "cancelled"): 1,
        ("tessera.render", "expired"): 1,
        ("tessera.render", "failed"): 1,
        ("tessera.render", "given back"): 1,
    }
    assert scraped["tessera_running_attempts"] == {
        ("tessera.index",): 0, ("tessera.render",): 1, ("tessera.rendition",): 0,
        ("tessera.candidates",): 0, ("tessera.sketch",): 0,
    }  # fmt: skip


def test_expired_leases_and_failed_publishes_have_counters(scraped: dict[str, dict[Labels, float]]) -> None:
    assert scraped["tessera_expired_leases_total"] == {(): 1}
    assert scraped["tessera_failed_publishes_total"] == {(): 3}


BOUNDS = ("0.1", "0.5", "1.0", "2.0", "5.0", "10.0", "30.0", "60.0", "300.0", "1800.0", "+Inf")


@pytest.mark.parametrize(
    ("lane", "within", "total"),
    [
        ("interactive", (0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2), 42.0),
        ("indexing", (0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0.25),
        ("bulk", (1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3), 2001.0),
    ],
)
def test_waits_are_a_histogram_for_each_lane(
    scraped: dict[str, dict[Labels, float]], lane: str, within: tuple[int, ...], total: float
) -> None:
    buckets = scraped["tessera_job_wait_seconds_bucket"]
    assert [buckets[lane, bound] if (lane, bound) in buckets else buckets[bound, lane] for bound in BOUNDS] == [
        *within
    ]
    assert scraped["tessera_job_wait_seconds_count"][(lane,)] == within[-1]
    assert scraped["tessera_job_wait_seconds_sum"][(lane,)] == total


def test_phases_have_a_count_and_a_sum(scraped: dict[str, dict[Labels, float]]) -> None:
    index, reading, matching = (
        ("tessera.index", "indexing"), ("tessera.render", "reading"), ("tessera.render", "matching")
    )  # fmt: skip
    assert scraped["tessera_phase_seconds_count"] == {index: 1, reading: 1, matching: 2}
    assert scraped["tessera_phase_seconds_sum"] == {index: 4.0, reading: 1.5, matching: 5.0}


def test_the_oldest_queued_job_of_a_lane_has_an_age(services: Services) -> None:
    live_through_a_day(services)
    with services.sessions() as session:
        oldest = statistics.count(session, NOON + HOUR).oldest
    assert oldest == {Lane.INTERACTIVE: timedelta(), Lane.INDEXING: timedelta(), Lane.BULK: HOUR}


def test_the_age_is_of_the_databases_clock_and_0_where_none_waits(scraped: dict[str, dict[Labels, float]]) -> None:
    ages = scraped["tessera_oldest_queued_job_age_seconds"]
    # The day was in 2020; each year since has 365 days at least.
    assert ages.pop(("bulk",)) > 5 * 365 * 86_400
    assert ages == {("interactive",): 0, ("indexing",): 0}


def test_photos_that_are_still_to_be_indexed_are_counted_while_their_job_goes_on(
    client: FlaskClient, services: Services
) -> None:
    def left() -> float:
        return float(re.findall(r"^tessera_photos_to_index (\S+)$", client.get("/metrics").text, re.MULTILINE)[0])

    bells = []
    for count in (30, 12):
        identity = uuid4()
        source = [NewSource(SourceKind.PHOTO, "p", "k")]
        with services.sessions.begin() as session:
            bells.append(place_tile_set(session, identity, "p", source, services.ring_again))
            assert jobs.claim(session, bells[-1].job_id, NOON, HOUR) is not None
        with services.sessions.begin() as session:
            sources = session.scalars(select(Source.id).where(Source.tile_set_id == identity)).all()
            parts.lay_out(session, identity, sources, [Listing("a", count), Listing("b", 5)])
            lease = parts.claim(session, identity, NOON, HOUR, 3)
            assert lease is not None
            parts.beat(session, lease, NOON, HOUR, 10)
    assert left() == 30 + 12 + 2 * 5 - 2 * 10
    with services.sessions.begin() as session:
        jobs.cancel(session, [bells[0].job_id], NOON)
    assert left() == 12 + 5 - 10


def test_an_empty_database_counts_zeros(client: FlaskClient) -> None:
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    assert {name: len(family.samples) for name, family in families.items()} == {
        "tessera_jobs": 5 * 3 * 5,
        "tessera_oldest_queued_job_age_seconds": 3,
        "tessera_photos_to_index": 1,
        "tessera_store_look_timestamp_seconds": 1,
        "tessera_store_blobs": 1,
        "tessera_withheld_blobs": 1,
        "tessera_trash_blobs": 1,
        "tessera_trash_bytes": 1,
        "tessera_failed_publishes": 1,
        "tessera_attempts": 5 * 5,
        "tessera_running_attempts": 5,
        "tessera_expired_leases": 1,
        "tessera_job_wait_seconds": 3 * 13,
        "tessera_phase_seconds": 0,
    }
    assert {sample.value for family in families.values() for sample in family.samples} == {0}


def test_every_metric_has_its_line_in_the_reference(lite: FlaskClient) -> None:
    described = set(re.findall(r"^\| `(tessera_\w+)` \|", (DOCS / "reference/metrics.md").read_text(), re.MULTILINE))
    families = text_string_to_metric_families(lite.get("/metrics").text)
    assert described == {family.name + "_total" * (family.type == "counter") for family in families}


def test_a_server_shows_its_metrics_to_whoever_has_the_token(server: FlaskClient) -> None:
    response = server.get("/metrics", headers=BEARER)
    assert (response.status_code, response.mimetype) == (200, "text/plain")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}])
def test_a_server_answers_401_to_a_scrape_without_the_token(server: FlaskClient, headers: dict[str, str]) -> None:
    response = server.get("/metrics", headers=headers)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert response.get_json()["code"] == "token_needed"


def test_metrics_without_a_database_are_a_503(gone: Services) -> None:
    response = assemble(gone).test_client().get("/metrics")
    assert (response.status_code, response.get_json()["code"]) == (503, "database_unavailable")


# Messages that did not reach the queue


@pytest.fixture
def tile_set(services: Services, indexed: Callable[..., TileSet]) -> str:
    return str(indexed(services).id)


def failed_rings(services: Services) -> list[int]:
    """Of every job that was not begun, in the order in which they were made."""
    with services.sessions() as session:
        return list(session.scalars(select(Job.failed_rings).where(Job.attempt == 0).order_by(Job.id)))


def order_photos(client: FlaskClient, target: bytes, **headers: str) -> Any:
    form = {"photos": (io.BytesIO(target), "p.png")}
    return client.post("/api/v1/tile-sets", data=form, headers=headers)


def test_a_tile_set_whose_message_failed_is_counted(client: FlaskClient, services: Services, target: bytes) -> None:
    without_redis(services)
    assert order_photos(client, target).status_code == 202
    assert failed_rings(services) == [1]


def test_a_mosaic_whose_message_failed_is_counted(
    client: FlaskClient, services: Services, tile_set: str, target: bytes
) -> None:
    without_redis(services)
    form = {"tile_set": tile_set, "target": (io.BytesIO(target), "t.png")}
    assert client.post("/api/v1/mosaics", data=form).status_code == 202
    assert failed_rings(services) == [1]


def test_of_a_batch_the_one_message_that_was_tried_is_counted(
    client: FlaskClient, services: Services, tile_set: str, target: bytes
) -> None:
    without_redis(services)
    targets = [(io.BytesIO(target), f"{number}.png") for number in range(3)]
    assert client.post("/api/v1/batches", data={"tile_set": tile_set, "targets": targets}).status_code == 202
    assert failed_rings(services) == [1, 0, 0]


def test_a_sweep_counts_its_failed_message_too(services: Services) -> None:
    with services.sessions.begin() as session:
        add(session, Lane.BULK, NOON)
    without_redis(services)
    sweep(services)
    assert failed_rings(services) == [1]


def test_a_message_that_arrives_is_not_counted(client: FlaskClient, services: Services, target: bytes) -> None:
    assert order_photos(client, target).status_code == 202
    assert failed_rings(services) == [0]


BELLS = [Doorbell(JobKind.RENDER, number, Lane.BULK) for number in (1, 2, 3)]


def test_bells_that_were_not_rung_are_handed_back(sqlite_services: Services) -> None:
    assert queue.ring_all(BELLS) == []
    without_redis(sqlite_services)
    assert queue.ring_all(BELLS) == BELLS


def test_a_failure_that_cannot_be_counted_fails_nobody(
    gone: Services, sqlite_services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    without_redis(sqlite_services)
    ring_all(gone.sessions, BELLS)
    assert "a failed ring was not counted" in "".join(capsys.readouterr())


# Which request was that


def test_the_id_that_a_request_brings_is_echoed_and_stored(
    lite: FlaskClient, sqlite_services: Services, target: bytes
) -> None:
    response = order_photos(lite, target, **{"X-Request-ID": "Order_17.b-2"})
    assert response.headers["X-Request-ID"] == "Order_17.b-2"
    with sqlite_services.sessions() as session:
        assert session.scalars(select(Job.request_id)).all() == ["Order_17.b-2"]


def test_a_request_without_an_id_gets_one_and_so_does_its_job(
    lite: FlaskClient, sqlite_services: Services, target: bytes
) -> None:
    identity = order_photos(lite, target).headers["X-Request-ID"]
    assert FRESH_ID.fullmatch(identity)
    with sqlite_services.sessions() as session:
        assert session.scalars(select(Job.request_id)).all() == [identity]


@pytest.mark.parametrize("malformed", ["", "two words", "x" * 65, "<b>", "größe", "a/b"])
def test_a_malformed_id_is_replaced(lite: FlaskClient, malformed: str) -> None:
    assert FRESH_ID.fullmatch(lite.get("/livez", headers={"X-Request-ID": malformed}).headers["X-Request-ID"])


def test_an_id_of_64_characters_is_kept(lite: FlaskClient) -> None:
    assert lite.get("/livez", headers={"X-Request-ID": "x" * 64}).headers["X-Request-ID"] == "x" * 64


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/nowhere", BEARER, 404),
        ("/nowhere", BEARER, 303),
        ("/api/v1/mosaics", {}, 401),
        ("/livez", {"Host": "evil.example"}, 400),
        ("/metrics", BEARER, 503),
    ],
)
def test_errors_carry_the_id_too(
    sqlite_services: Services, tmp_path: Path, path: str, headers: dict[str, str], status: int
) -> None:
    changes = {"mode": "server", "access_token": TOKEN, "database_url": f"sqlite:///{tmp_path}/removed/t.db"}
    broken = open_services(Settings(**(sqlite_services.settings.model_dump() | changes)))
    response = assemble(broken).test_client().get(path, headers={"X-Request-ID": "mine", **headers})
    assert (response.status_code, response.headers["X-Request-ID"]) == (status, "mine")


def test_a_thread_forgets_a_request_once_it_is_answered(lite: FlaskClient) -> None:
    first, second = (lite.get("/livez").headers["X-Request-ID"] for _ in range(2))
    assert first != second
    assert structlog.contextvars.get_contextvars() == {}


def test_every_request_has_one_line_in_the_log_but_those_of_machines(start: Callable[..., Process]) -> None:
    web = start()
    for path in ("/livez", "/readyz", "/metrics", "/static/style.css", "/api/v1/mosaics", "/nowhere"):
        web.get(path, **{"X-Request-ID": "asked" + path.replace("/", "-")})
    lines = web.lines("answered")
    assert [(line["method"], line["path"], line["status"], line["request_id"]) for line in lines] == [
        ("GET", "/api/v1/mosaics", 200, "asked-api-v1-mosaics"),
        ("GET", "/nowhere", 404, "asked-nowhere"),
    ]
    assert all(line["level"] == "info" and line["duration_ms"] >= 0 for line in lines)


def test_a_line_about_a_job_names_the_request_that_ordered_it(
    start: Callable[..., Process], sqlite_services: Services, target: bytes
) -> None:
    web = start(REDIS_URL=CLOSED_REDIS)
    requests.post(
        f"{web.address}/api/v1/tile-sets", files={"photos": ("p.png", target)}, timeout=60,
        headers={"X-Request-ID": "mine"},
    )  # fmt: skip
    with sqlite_services.sessions() as session:
        job_id = session.scalars(select(Job.id)).one()
    (line,) = web.lines("doorbell did not ring")
    assert (line["job_id"], line["request_id"]) == (job_id, "mine")


def test_a_worker_logs_the_id_of_the_request_that_ordered_its_job(
    start: Callable[..., Process], sqlite_services: Services, target: bytes, wait_for: Callable[..., Any]
) -> None:
    worker = start(Lane.INDEXING)
    order_photos(assemble(sqlite_services).test_client(), target, **{"X-Request-ID": "mine"})
    (line,) = wait_for(lambda: worker.lines("ended"))
    with sqlite_services.sessions() as session:
        assert (line["job_id"], line["request_id"]) == (session.scalars(select(Job.id)).one(), "mine")
