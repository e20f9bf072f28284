"""Clients that are slow, many, or from elsewhere: the web process goes on answering, in little memory."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
import requests

from cli.service import processes
from models.rules import blob_keys
from models.services import open_services
from models.settings import Settings
from models.tables import TileSet

HEARD_SECONDS = 10.0
"""With generous room for a loaded machine: what is promised is an answer at once."""
MANY = 90
"""More than the threads of a process, and more than may wait."""
PICTURE_BYTES = 24 << 20
BOUNDARY = "x"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Web:
    """A web process of eight threads, and a picture that it can send."""

    port: int
    pid: int
    picture: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, head: str) -> socket.socket:
        made = socket.socket()
        # Little room, so that what is not read is soon not sent.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        made.settimeout(30)
        made.connect(("127.0.0.1", self.port))
        made.sendall(head.encode())
        return made

    def mebibytes(self) -> float:
        return sum(each.memory_info().rss for each in psutil.Process(self.pid).children()) / (1 << 20)

    def longest_silence(self, seconds: float) -> float:
        """Return how long `/livez` gave no answer at most, asked again and again on new connections."""
        longest, last = 0.0, time.monotonic()
        until = last + seconds
        while time.monotonic() < until:
            with suppress(requests.RequestException):
                assert requests.get(f"{self.address}/livez", timeout=60).ok
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            time.sleep(0.05)
        return max(longest, time.monotonic() - last)


@pytest.fixture(scope="module")
def web(
    new_database: Callable[[str], str],
    indexed: Callable[..., TileSet],
    tmp_path_factory: pytest.TempPathFactory,
    wait_for: Callable[..., Any],
) -> Iterator[Web]:
    folder, content = tmp_path_factory.mktemp("web"), bytes(32)
    given = {
        "MODE": "embedded", "DATABASE_URL": new_database("sqlite"), "STORE": f"file://{folder / 'store'}",
        # Nobody rings here.
        "REDIS_URL": f"redis+socket://{folder / 'redis.sock'}", "SECRET_KEY": "only for the tests, and long enough",
    }  # fmt: skip
    services = open_services(Settings(**{name.lower(): value for name, value in given.items()}))
    tile_set = indexed(services, [content])
    services.store.put(blob_keys.tile(tile_set.id, content.hex()), b"\xff\xd8\xff" + bytes(PICTURE_BYTES))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {f"TESSERA_{name}": value for name, value in given.items()}
    command = processes.gunicorn(f"127.0.0.1:{port}", 1, 8)
    with (folder / "web.log").open("wb") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    made = Web(port, running.pid, f"/tile-sets/{tile_set.id}/photos/{content.hex()}/picture")
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


@contextmanager
def dripping(clients: list[socket.socket]) -> Iterator[None]:
    """Send a byte on each connection every half second."""
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(0.5):
            for client in clients:
                with suppress(OSError):
                    client.send(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


HEADS = {
    "silent": "",
    "heads": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ",
    "plain-bodies": "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\n",
    "uploads": "POST /tile-sets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n"
    f"Content-Type: {FORM}\r\n\r\n",
    "chunks": "POST /api/v1/tile-sets HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
    f"Content-Type: {FORM}\r\n\r\nfffff\r\n",
    "refused": "POST /tile-sets HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://elsewhere.example\r\n"
    f"Content-Length: 100000000\r\nContent-Type: {FORM}\r\n\r\n",
    "pictures": "GET {picture} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}
ENDED = {"heads", "uploads", "pictures"}
"""Of each way in which a client is ended, one is waited for."""


@pytest.mark.parametrize("kind", HEADS)
def test_slow_clients_keep_nobody_waiting_and_are_ended(
    web: Web, kind: str, wait_for: Callable[..., Any], record_property: Callable[[str, object], None]
) -> None:
    before = web.mebibytes()
    with ExitStack() as stack:
        clients = [web.connect(HEADS[kind].format(picture=web.picture)) for _ in range(MANY)]
        for client in clients:
            stack.callback(client.close)
        moving = [] if kind in {"silent", "pictures"} else clients
        with dripping(moving):
            longest = web.longest_silence(4)
            record_property("longest_silence", round(longest, 3))
            record_property("mebibytes", round(web.mebibytes() - before, 1))
            threads = sum(each.num_threads() for each in psutil.Process(web.pid).children())
            record_property("threads", threads)
            assert longest < HEARD_SECONDS
            if kind in ENDED:
                wait_for(lambda: connections(web) == 0, 90)


def test_one_connection_too_many_ends_the_one_whose_head_has_been_coming_longest(
    web: Web, has_ended: Callable[[socket.socket], bool]
) -> None:
    with ExitStack() as stack:
        clients = [web.connect(HEADS["heads"]) for _ in range(processes.CONNECTIONS)]
        for client in clients:
            stack.callback(client.close)
        assert requests.get(f"{web.address}/livez", timeout=60).ok
        ended = [has_ended(client) for client in clients]
        assert ended[0]
        assert sum(ended) < 5


def connections(web: Web) -> int:
    """Return how many connections the process holds."""
    held = [each for child in psutil.Process(web.pid).children() for each in child.net_connections("tcp")]
    return sum(each.status == psutil.CONN_ESTABLISHED for each in held)


def test_a_page_elsewhere_is_refused_before_its_body_is_read_and_hears_it(web: Web) -> None:
    head = HEADS["refused"]
    with web.connect(head) as client:
        # Not a byte of the body is there yet.
        assert client.recv(12) == b"HTTP/1.1 403"
    for path, sent in (
        ("/tile-sets", {"files": {"photos": ("p.png", bytes(40 << 20))}}),
        ("/login", {"data": "a=b"}),
    ):
        for origin in ("http://elsewhere.example", "null", f"http://127.0.0.1:{web.port}.elsewhere.example"):
            answer = requests.post(f"{web.address}{path}", headers={"Origin": origin}, timeout=60, **sent)
            assert (answer.status_code, "another site" in answer.text) == (403, True)
    for site in ("cross-site", "same-site"):
        answer = requests.post(f"{web.address}/login", headers={"Sec-Fetch-Site": site}, timeout=60)
        assert answer.status_code == 403


def test_who_sends_all_of_a_refused_body_before_reading_hears_why(web: Web) -> None:
    body = bytes(16 << 20)
    head = f"POST /tile-sets HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: null\r\nContent-Length: {len(body)}\r\n\r\n"
    with web.connect(head) as client:
        client.sendall(body)
        assert client.recv(12) == b"HTTP/1.1 403"


def test_a_request_that_comes_with_the_end_of_the_one_before_is_answered(web: Web) -> None:
    # A body is not read of what nobody may send there: it comes when the answer is on its way already.
    put = "PUT /api/v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
    with web.connect(f"{put}\r\n") as client:
        assert client.recv(12) == b"HTTP/1.1 405"
        client.sendall(f"12345{put}Connection: close\r\n\r\n12345".encode())
        assert b"HTTP/1.1 405" in b"".join(iter(lambda: client.recv(4_096), b""))


def test_no_header_moves_a_request_to_another_address(web: Web) -> None:
    # A proxy's filter looks at the address alone.
    for header, path in (("PATH_INFO", "/livez"), ("SCRIPT_NAME", "/elsewhere")):
        answer = requests.get(f"{web.address}/nowhere", headers={header: path}, timeout=60)
        assert (header, answer.status_code) == (header, 404)


def parts(count: int, head: str, text: bytes) -> bytes:
    piece = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + text + b"\r\n"
    return piece * count


FORMS = {
    "fields": parts(200, 'name="a"', bytes(700_000)),
    "many-fields": parts(9_000, 'name="a"', bytes(4_000)),
    "headers": parts(9_000, 'name="a"\r\nX-Long: ' + "x" * 4_000, b""),
    "many-headers": parts(20, 'name="a"\r\n' + "a:\r\n" * 200_000, b""),
    "headers-of-files": parts(9_000, 'name="photos"; filename="a.png"\r\nX-Long: ' + "x" * 4_000, b"x"),
    "long-names": parts(9_000, f'name="photos"; filename="{"x" * 4_000}"', b"x"),
    "before-the-first": b"x" * (40 << 20),
    "after-the-last": f"--{BOUNDARY}--".encode() + b"x" * (40 << 20),
}
OF_API = {"many-fields", "headers-of-files"}


@pytest.mark.parametrize("kind", FORMS)
def test_what_is_held_of_a_form_is_counted_together(
    web: Web, kind: str, record_property: Callable[[str, object], None]
) -> None:
    before, began, peak = web.mebibytes(), time.monotonic(), [0.0]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peak.append(web.mebibytes() - before)

    watching = threading.Thread(target=watch)
    watching.start()
    body = FORMS[kind] + f"--{BOUNDARY}--\r\n".encode()
    address = f"{web.address}{'/api/v1' if kind in OF_API else ''}/tile-sets"
    answer = requests.post(address, data=body, headers={"Content-Type": FORM}, timeout=120)
    ended.set()
    watching.join()
    record_property("seconds", round(time.monotonic() - began, 2))
    record_property("mebibytes", round(max(peak), 1))
    assert answer.status_code == 413
    assert max(peak) < 100
