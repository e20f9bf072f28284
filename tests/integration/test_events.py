"""Server-sent events by a real web server: they come, they end, and they hold no thread."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from statistics import quantiles
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid4

import pytest
import requests

from cli.service import processes
from models import database, jobs
from models.jobs import Counted, Lease
from models.placing import StoredFile, place_mosaic
from models.rules import blob_keys
from models.rules.orders import MosaicOrder
from models.services import Services, open_services
from models.settings import Settings
from models.tables import TileSet
from web.streams import MOST_STREAMS

PAGES, THREADS = 200, 8
BAR_SECONDS = 0.3


class Web(NamedTuple):
    """A web server without workers, and the services that it has."""

    port: int
    services: Services
    tile_set: TileSet

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def order(self, target: bytes) -> tuple[UUID, int]:
        identity = uuid4()
        stored = StoredFile("t.png", blob_keys.target(identity))
        self.services.store.put(stored.key, target)
        with self.services.sessions.begin() as session:
            order, span = MosaicOrder(cells_across=5), self.services.ring_again
            return identity, place_mosaic(session, identity, self.tile_set.id, stored, order, span).job_id

    def claim(self, job_id: int) -> Lease:
        with self.services.sessions.begin() as session:
            lease = jobs.claim(session, job_id, database.now(session), self.services.settings.lease_span)
        assert lease is not None
        return lease

    def beat(self, lease: Lease, done: int) -> None:
        with self.services.sessions.begin() as session:
            span = self.services.settings.lease_span
            jobs.beat(session, lease, database.now(session), span, "composing", done / 100, Counted(done, 100))

    def cancel(self, job_id: int) -> None:
        with self.services.sessions.begin() as session:
            jobs.cancel(session, [job_id], database.now(session))


class Page:
    """A page that waits: the browser's end of a stream."""

    def __init__(self, web: Web, path: str) -> None:
        self.connection = socket.create_connection(("127.0.0.1", web.port))
        self.connection.settimeout(60)
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        self.said = b""

    def until(self, words: str) -> None:
        """Read until it was sent some words."""
        while words.encode() not in self.said:
            came = self.connection.recv(1 << 16)
            assert came, self.said
            self.said += came

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


@pytest.fixture(scope="module")
def web(
    new_database: Callable[[str], str], indexed: Callable[..., TileSet], tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int], wait_for: Callable[..., Any],
) -> Iterator[Web]:  # fmt: skip
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    given = {
        "MODE": "embedded", "DATABASE_URL": new_database("sqlite"), "STORE": f"file://{folder / 'store'}",
        "REDIS_URL": f"redis+socket://{folder / 'redis.sock'}", "SECRET_KEY": "only for the tests, and long enough",
    }  # fmt: skip
    services = open_services(Settings(**{name.lower(): value for name, value in given.items()}))
    made = Web(port, services, indexed(services))
    environment = os.environ | {f"TESSERA_{name}": value for name, value in given.items()}
    with (folder / "web.log").open("wb") as log:
        command = processes.gunicorn(f"127.0.0.1:{port}", 1, THREADS)
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_for(lambda: answers(made))
        yield made
    finally:
        running.terminate()
        running.wait()
    assert "Traceback" not in (folder / "web.log").read_text()


def answers(web: Web) -> bool:
    try:
        return requests.get(f"{web.address}/livez", timeout=5).ok
    except requests.RequestException:
        return False


def test_a_page_is_told_of_each_change_and_let_go_when_the_job_is_final(web: Web, target: bytes) -> None:
    mosaic, job_id = web.order(target)
    with Page(web, f"/mosaics/{mosaic}/events") as page:
        page.until("it is next")
        assert b"Content-Type: text/event-stream" in page.said
        lease = web.claim(job_id)
        web.beat(lease, 40)
        page.until("40 of 100 cells")
        web.cancel(job_id)
        page.until("data-final")
        page.until("0\r\n\r\n")
        assert page.connection.recv(1) == b""


def test_a_tile_set_tells_too_and_a_final_one_has_nothing_to_tell(web: Web) -> None:
    answer = requests.get(f"{web.address}/tile-sets/{web.tile_set.id}/events", timeout=60)
    assert (answer.status_code, answer.content) == (204, b"")
    fragment = requests.get(f"{web.address}/tile-sets/{web.tile_set.id}/progress", timeout=60).text
    assert "data-final" in fragment


@pytest.mark.parametrize("path", ["mosaics", "tile-sets"])
@pytest.mark.parametrize("what", ["events", "progress"])
def test_what_does_not_exist_is_a_404(web: Web, path: str, what: str) -> None:
    assert requests.get(f"{web.address}/{path}/{uuid4()}/{what}", timeout=60).status_code == 404


def test_two_hundred_open_pages_delay_nobody(web: Web, target: bytes) -> None:
    ordered = [web.order(target) for _ in range(20)]
    lease = web.claim(ordered[0][1])
    with ExitStack() as stack:
        paths = [f"/mosaics/{ordered[number % 20][0]}/events" for number in range(PAGES)]
        pages = [stack.enter_context(Page(web, path)) for path in paths]
        for page in pages:
            page.until("data-percent")
        took = []
        for done in range(1, 61):
            web.beat(lease, done)
            began = time.monotonic()
            assert requests.get(f"{web.address}/mosaics/new", timeout=60).ok
            took.append(time.monotonic() - began)
        for page in pages[::20]:
            page.until("60 of 100 cells")
        assert quantiles(took, n=20)[-1] < BAR_SECONDS
    for _, job_id in ordered:
        web.cancel(job_id)


def test_beyond_the_most_a_page_asks_by_itself_until_one_goes(
    web: Web, target: bytes, wait_for: Callable[..., Any]
) -> None:
    mosaic, job_id = web.order(target)
    path = f"/mosaics/{mosaic}/events"
    wait_for(lambda: room(web, path))
    with ExitStack() as stack:
        pages = [stack.enter_context(Page(web, path)) for _ in range(MOST_STREAMS)]
        for page in pages:
            page.until("data-percent")
        assert requests.get(f"{web.address}{path}", timeout=60).status_code == 204
        assert "it is next" in requests.get(f"{web.address}/mosaics/{mosaic}/progress", timeout=60).text
        pages[7].connection.close()
        wait_for(lambda: room(web, path))
    web.cancel(job_id)


def room(web: Web, path: str) -> bool:
    """Whether there is room for another stream, which is closed at once."""
    with requests.get(f"{web.address}{path}", timeout=60, stream=True) as answer:
        return answer.status_code == 200
