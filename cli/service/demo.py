"""The demo: makes a tile set of crops of real photographs, and a first mosaic, through the web API."""

import importlib.util
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import click
import numpy as np
import requests

from models.errors import BadConfiguration, TesseraError
from models.rules.names import DEMO
from worker.decoding import images

TARGET = "astronaut.png"
PHOTOGRAPHS = (
    "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg",
    "camera.png", "coins.png", "moon.png", "brick.png", "grass.png", "gravel.png",
)  # fmt: skip
CROPS_EACH = 120
SIDES = (40, 160)
SEED = 20_261_123
WAIT_SECONDS = 300


class DemoFailed(TesseraError):
    """The demo could not be made."""

    code = "demo_failed"


@cache
def session() -> requests.Session:
    """Return an HTTP session for our own web server, which never uses a proxy."""
    made = requests.Session()
    made.trust_env = False
    return made


def photographs() -> list[Path]:
    """Return the paths of the photographs that come with scikit-image.

    Raises:
        BadConfiguration: scikit-image is not installed.
    """
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        raise BadConfiguration("The demo needs scikit-image's photographs: pip install scikit-image")
    folder = Path(package.origin).parent / "data"
    return [folder / name for name in PHOTOGRAPHS if (folder / name).is_file()]


def run(address: str, paths: list[Path]) -> None:
    """Make the demo, unless it exists already, and print its address.

    Raises:
        DemoFailed: a job failed, or took too long.
        requests.RequestException: the web server did not answer.
    """
    api = f"{address}/api/v1"
    tile_set = _tile_set(api, paths)
    mosaic = _mosaic(api, address, paths, tile_set)
    click.echo(f"The first mosaic is ready: {address}/mosaics/{mosaic['id']}")


def crops(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield names and JPEG bytes of square crops, always the same ones."""
    dice = np.random.default_rng(SEED)
    for path in paths:
        pixels = images.decode(path.read_bytes())
        height, width, _ = pixels.shape
        for number in range(CROPS_EACH):
            side = int(dice.integers(*SIDES))
            top, left = int(dice.integers(height - side + 1)), int(dice.integers(width - side + 1))
            yield (
                f"{path.stem}-{number:03}.jpg",
                images.encode_jpeg(pixels[top : top + side, left : left + side]),
            )


def pack(file: IO[bytes], paths: list[Path]) -> None:
    """Write a zip of the crops."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in crops(paths):
            archive.writestr(name, data)


def keep(path: Path) -> None:
    """Keep a zip of the crops, from which the first page makes a set to play with; none without scikit-image."""
    if path.exists() or importlib.util.find_spec("skimage") is None:
        return
    new = path.with_name(f"{path.name}.new")
    with suppress(OSError):
        with new.open("wb") as file:
            pack(file, photographs())
        new.replace(path)


def _tile_set(api: str, paths: list[Path]) -> dict[str, Any]:
    for found in _checked(session().get(f"{api}/tile-sets", timeout=10))["items"]:
        if found["name"] == DEMO and found["job"]["state"] == "succeeded":
            return dict(found)
    click.echo(f"Demo: cutting {len(paths) * CROPS_EACH:,} tiles out of {len(paths)} photographs …")
    file = BytesIO()
    pack(file, paths)
    file.seek(0)
    sent = session().post(f"{api}/tile-sets", data={"name": DEMO}, files={"archive": ("demo.zip", file)}, timeout=60)
    return _finished(api, "tile-sets", _checked(sent))


def _mosaic(api: str, address: str, paths: list[Path], tile_set: dict[str, Any]) -> dict[str, Any]:
    for found in _checked(session().get(f"{api}/mosaics", timeout=10))["items"]:
        if found["tile_set"] == tile_set["id"] and found["job"]["state"] == "succeeded":
            return dict(found)
    target = next(path for path in paths if path.name == TARGET)
    order = {"tile_set": tile_set["id"], "cells_across": "64", "tile_size": "40", "format": "jpeg"}
    with target.open("rb") as file:
        sent = session().post(f"{api}/mosaics", data=order, files={"target": (target.name, file)}, timeout=60)
    ordered = _checked(sent)
    click.echo(f"Demo: rendering a first mosaic, {address}/mosaics/{ordered['id']} …")
    return _finished(api, "mosaics", ordered)


def _finished(api: str, kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_SECONDS
    while not thing["job"]["final"]:
        if time.monotonic() > deadline:
            raise DemoFailed(f"its job is still {thing['job']['state']} after {WAIT_SECONDS} seconds.")
        time.sleep(0.3)
        thing = _checked(session().get(f"{api}/{kind}/{thing['id']}", timeout=10))
    if thing["job"]["state"] != "succeeded":
        raise DemoFailed(str((thing["job"]["error"] or {}).get("detail", "its job was cancelled.")))
    return thing


def _checked(response: requests.Response) -> dict[str, Any]:
    if not response.ok:
        raise DemoFailed(response.json().get("detail", response.reason))
    answer: dict[str, Any] = response.json()
    return answer
