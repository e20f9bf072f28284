"""Tiles of zoom pyramids through gunicorn: `viewers.py PHOTOS TARGET SCRATCH` prints each one's milliseconds as JSON.

Twenty viewers look at a mosaic at once: each asks for the tiles of one view after another, at any place and level.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import requests
from installation import PATIENCE, Service, running, zipped

from models.rules.formats import PYRAMID_TILE
from models.rules.lifecycle import Lane

VIEWERS, SECONDS, PAUSE = 20, 20.0, 1.0
"""How many there are, how long they look, and how long at each view."""
ACROSS, DOWN = 4, 3
"""Tiles of a view: a window of 1,000 x 750 pixels."""
GIGAPIXEL, SMALL = 400, 40
"""Cells across, of 100 pixels: 40,000 x 25,000 pixels; and 4,000 x 2,500 for moto, which reads a whole file for each
range of it: of 50 MB that alone takes 250 ms when eight ask at once."""
TILE_SIZE, RATIO = 100, 1.6
S3_PORT = 18_643
AWS = {
    "AWS_ACCESS_KEY_ID": "only-for-a-benchmark", "AWS_SECRET_ACCESS_KEY": "only-for-a-benchmark",
    "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{S3_PORT}",
    "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
}  # fmt: skip


def mosaic(service: Service, photos: Path, target: Path, cells: int, scratch: Path) -> str:
    """Make a mosaic as a zoom pyramid; return the address of its page."""
    service.worker()
    service.worker(lane=Lane.INTERACTIVE)
    tile_set = service.final(service.send(zipped(photos, scratch / "photos.zip", len(list(photos.iterdir())))))
    order = {"tile_set": tile_set["id"], "cells_across": cells, "tile_size": TILE_SIZE, "format": "pyramid"}
    with target.open("rb") as file:
        answer = service.session.post(
            f"{service.address}/api/v1/mosaics", data=order, files={"target": file}, timeout=PATIENCE
        )
    answer.raise_for_status()
    return f"{service.address}/mosaics/{service.final(answer.json()['url'])['id']}"


def viewed(page: str, cells: int) -> list[float]:
    """Return the milliseconds of every tile that the viewers asked for; without the first of all."""
    levels = _levels(TILE_SIZE * cells, round(TILE_SIZE * cells / RATIO))
    requests.get(f"{page}/zoom_files/0/0_0.jpg", timeout=60).raise_for_status()
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(VIEWERS) as pool:
        looking = [pool.submit(_look, page, levels, until, np.random.default_rng(seed)) for seed in range(VIEWERS)]
        return [each for one in looking for each in one.result()]


def _look(page: str, levels: list[tuple[int, int, int]], until: float, dice: np.random.Generator) -> list[float]:
    """Return the milliseconds of one viewer's tiles."""
    took = []
    time.sleep(dice.random() * PAUSE)
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < until:
            level, columns, rows = levels[dice.integers(len(levels))]
            left, top = dice.integers(columns - ACROSS + 1), dice.integers(rows - DOWN + 1)
            for number in range(ACROSS * DOWN):
                column, row = left + number % ACROSS, top + number // ACROSS
                began = time.perf_counter()
                session.get(f"{page}/zoom_files/{level}/{column}_{row}.jpg", timeout=60).raise_for_status()
                took.append(1_000 * (time.perf_counter() - began))
            time.sleep(PAUSE)
    return took


def _levels(width: int, height: int) -> list[tuple[int, int, int]]:
    """Return the levels that are larger than a view, each with its columns and rows of tiles."""
    last, found = (max(width, height) - 1).bit_length(), []
    for level in range(last + 1):
        columns, rows = (-(-side // (PYRAMID_TILE << (last - level))) for side in (width, height))
        if columns >= ACROSS and rows >= DOWN:
            found.append((level, columns, rows))
    return found


@contextmanager
def bucket() -> Iterator[str]:
    """Lend a bucket of moto's, in a process of its own."""
    os.environ.update(AWS)
    command = [sys.executable, "-P", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(S3_PORT)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while server.poll() is None:
            try:
                requests.put(f"{AWS['AWS_ENDPOINT_URL']}/benchmark", timeout=5).raise_for_status()
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield "s3://benchmark/tessera"
    finally:
        server.terminate()
        server.wait(30)


def main(photos: Path, target: Path, scratch: Path) -> dict[str, list[float]]:
    """Return the milliseconds by the kind of store."""
    took = {}
    with running() as service:
        took["folder"] = viewed(mosaic(service, photos, target, GIGAPIXEL, scratch), GIGAPIXEL)
    with bucket() as store, running(store) as service:
        took["s3"] = viewed(mosaic(service, photos, target, SMALL, scratch), SMALL)
    return took


if __name__ == "__main__":
    print(json.dumps(main(*map(Path, sys.argv[1:]))))
