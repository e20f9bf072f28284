"""Pages that wait, and a visitor beside them: `watchers.py PHOTO SCRATCH` prints milliseconds and counts as JSON.

`WATCHERS` pages of `JOBS` unfinished mosaics are open while a visitor asks for an ordinary page again and again: once
with the pages sent events, once with the same pages asking every 1.5 seconds.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests
from installation import Service, running, zipped

WATCHERS, JOBS, SECONDS = 200, 50, 15.0
POLL_SECONDS, VISIT_SECONDS = 1.5, 0.05


def ordered(service: Service, photo: Path, scratch: Path) -> list[str]:
    """Return the addresses of pages of mosaics that no worker makes."""
    indexing = service.worker()
    photos = scratch / "some"
    photos.mkdir(exist_ok=True)
    (photos / photo.name).write_bytes(photo.read_bytes())
    tile_set = service.final(service.send(zipped(photos, scratch / "one.zip", 5)))
    indexing.terminate()
    pages = []
    for _ in range(JOBS):
        with photo.open("rb") as file:
            order = {"tile_set": tile_set["id"], "cells_across": 10}
            answer = service.session.post(
                f"{service.address}/api/v1/mosaics", data=order, files={"target": file}, timeout=60
            )
        answer.raise_for_status()
        pages.append(f"/mosaics/{answer.json()['id']}")
    return [pages[number % JOBS] for number in range(WATCHERS)]


def visited(service: Service) -> list[float]:
    """Return how many milliseconds each ordinary page took that a visitor asked for."""
    took, until = [], time.monotonic() + SECONDS
    while time.monotonic() < until:
        began = time.perf_counter()
        service.session.get(f"{service.address}/mosaics/new", timeout=60).raise_for_status()
        took.append(1_000 * (time.perf_counter() - began))
        time.sleep(VISIT_SECONDS)
    return took


@contextmanager
def sent_events(service: Service, pages: list[str]) -> Iterator[list[socket.socket]]:
    """Hold a stream for each page, once each has been sent how far its job is."""
    streams = []
    for page in pages:
        stream = socket.create_connection(("127.0.0.1", service.port))
        stream.sendall(f"GET {page}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        streams.append(stream)
    for stream in streams:
        stream.settimeout(60)
        said = b""
        while b"data-percent" not in said:
            if not (came := stream.recv(1 << 16)):
                raise RuntimeError(f"A stream ended early: {said!r}")
            said += came
    yield streams
    for stream in streams:
        stream.close()


@contextmanager
def asking(service: Service, pages: list[str]) -> Iterator[None]:
    """Have each page ask again and again."""
    ended = threading.Event()

    def ask(page: str) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not ended.wait(POLL_SECONDS):
                session.get(f"{service.address}{page}/progress", timeout=60)

    with ThreadPoolExecutor(len(pages)) as pool:
        for page in pages:
            pool.submit(ask, page)
        yield
        ended.set()


def main(photo: Path, scratch: Path) -> dict[str, object]:
    """Return the milliseconds of a visitor alone, beside pages that are sent events, and beside pages that ask."""
    with running() as service:
        pages = ordered(service, photo, scratch)
        web = psutil.Process(service.web.pid).children()[0]
        found: dict[str, object] = {"alone": visited(service)}
        with sent_events(service, pages) as streams:
            busy = sum(web.cpu_times()[:2])
            found["events"] = visited(service)
            found["events_cpu"] = (sum(web.cpu_times()[:2]) - busy) / SECONDS
            found["events_open"] = sum(_is_open(stream) for stream in streams)
        with asking(service, pages):
            found["asking"] = visited(service)
    return found


def _is_open(stream: socket.socket) -> bool:
    stream.setblocking(False)
    try:
        while stream.recv(1 << 16):
            pass
    except BlockingIOError:
        return True
    return False


if __name__ == "__main__":
    print(json.dumps(main(*map(Path, sys.argv[1:]))))
