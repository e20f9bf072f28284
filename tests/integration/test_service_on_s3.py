"""The whole path once with a store on S3: upload, queue, worker, mosaic, download; and what the sweep clears away."""

import io
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cli.service import processes
from cli.service.doctor import doctor
from models import database
from models.rules import blob_keys
from models.rules.lifecycle import Lane
from models.services import Services
from models.storage import BucketStore
from models.tables import Mosaic
from worker.jobs import garbage, trash

ORDER = {"cells_across": "24", "tile_size": "16", "detail": "0.6", "max_uses": "100"}


@pytest.fixture(scope="module")
def installation(
    s3_server: Any,
    new_installation: Callable[..., AbstractContextManager[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    address = f"s3://{s3_server.new_bucket()}/tessera"
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment.items():
            patch.setenv(name, value)
        with new_installation("postgresql", STORE=address, CACHE=str(cache)) as installed:
            yield installed


@pytest.fixture(scope="module")
def services(installation: Any) -> Services:
    opened: Services = installation.services()
    assert isinstance(opened.store, BucketStore)
    return opened


@pytest.fixture(scope="module")
def tile_set(installation: Any, photos: dict[str, bytes]) -> dict[str, Any]:
    made: dict[str, Any] = installation.tile_set(photos)
    assert (made["job"]["error"], made["tile_count"]) == (None, len(photos))
    return made


@pytest.fixture(scope="module")
def mosaic(installation: Any, tile_set: dict[str, Any], target: bytes) -> dict[str, Any]:
    done: dict[str, Any] = installation.final(installation.order(tile_set, target, **ORDER)["url"])
    assert done["job"]["error"] is None
    return done


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_mosaic_is_the_one_that_the_command_makes_without_a_store(
    installation: Any, mosaic: dict[str, Any], photos: dict[str, bytes], target: bytes, tessera: str, tmp_path: Path
) -> None:
    for name, data in {**photos, "target.png": target}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "placement.json").write_bytes(installation.get(mosaic["placement"]).content)
    order = ["--cells", "24", "--tile-size", "16", "--detail", "0.6", "--max-uses", "100"]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    picture = installation.get(mosaic["picture"])
    assert len(picture.content) == mosaic["bytes"]
    for options in (order, ["--placement", "placement.json"]):
        command = [tessera, "render", "target.png", "--tiles", "folder", *options, "--out", "o.png", "--force"]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        np.testing.assert_array_equal(pixels(picture.content), pixels((tmp_path / "o.png").read_bytes()))


def test_another_file_of_a_mosaic_shows_the_same(installation: Any, mosaic: dict[str, Any]) -> None:
    ordered = installation.post(mosaic["renditions"], json={"format": "tiff", "dpi": 150})
    assert ordered.status_code == 202, ordered.text
    made = installation.final(ordered.json()["url"])
    assert made["job"]["error"] is None
    file = installation.get(made["file"]).content
    np.testing.assert_array_equal(pixels(file), pixels(installation.get(mosaic["picture"]).content))
    assert Image.open(io.BytesIO(file)).info["dpi"] == (150, 150)


def test_a_part_of_a_picture_can_be_asked_for(installation: Any, mosaic: dict[str, Any]) -> None:
    whole = installation.get(mosaic["picture"]).content
    part = installation.get(mosaic["picture"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])


def test_the_end_of_a_large_picture_is_read_without_its_beginning(
    installation: Any, services: Services, s3_server: Any, tile_set: dict[str, Any], target: bytes
) -> None:
    done = installation.final(installation.order(tile_set, target, **ORDER)["url"])
    data = os.urandom(30 << 20)
    with services.sessions.begin() as session:
        picture = session.get_one(Mosaic, UUID(done["id"])).first
        assert picture.key is not None
        picture.byte_count = len(data)
        services.store.put(picture.key, data)
        key = picture.key
    before = len(s3_server.requests(bucket_of(installation)))
    part = installation.get(done["picture"], headers={"Range": f"bytes={len(data) - 100}-"})
    assert (part.status_code, part.content) == (206, data[-100:])
    asked = [line for line in s3_server.requests(bucket_of(installation))[before:] if key in line]
    assert len(asked) == 2
    assert installation.get(done["picture"]).content == data


def bucket_of(installation: Any) -> str:
    return str(installation.settings["STORE"].split("/")[2])


def test_a_second_mosaic_asks_for_no_photo_again(
    installation: Any, s3_server: Any, mosaic: dict[str, Any], tile_set: dict[str, Any], target: bytes
) -> None:
    before = len(s3_server.requests(bucket_of(installation)))
    done = installation.final(installation.order(tile_set, target, **ORDER)["url"])
    assert done["job"]["error"] is None
    asked = s3_server.requests(bucket_of(installation))[before:]
    assert [line for line in asked if "/photos/" in line or "index" in line] == []


def test_what_no_row_names_is_cleared_away_and_the_rest_stays(
    installation: Any, services: Services, mosaic: dict[str, Any]
) -> None:
    never_ordered = [blob_keys.target(uuid4()) for _ in range(3)]
    for key in never_ordered:
        services.store.put(key, b"x")
    before = {blob.key for blob in services.store.list()}
    with services.sessions() as session:
        now = database.now(session)
    assert garbage.collect(services, now + timedelta(hours=2)) >= 3
    after = {blob.key for blob in services.store.list()}
    assert not after & set(never_ordered)
    assert {each.former for each in trash.entries(services.store)} >= set(never_ordered)
    assert {key for key in before if "/tiles/" in key} <= after
    assert installation.get(mosaic["picture"]).ok


def doctor_says(installation: Any, monkeypatch: pytest.MonkeyPatch, **more: str) -> tuple[int, str]:
    for name, value in (installation.settings | more).items():
        monkeypatch.setenv(f"TESSERA_{name}", value)
    said = CliRunner().invoke(doctor)
    return said.exit_code, said.output


def test_the_doctor_tries_the_bucket_and_the_cache(
    installation: Any, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, said = doctor_says(installation, monkeypatch)
    assert f"ok       store              {installation.settings['STORE']}\n" in said
    assert f"ok       cache              {installation.settings['CACHE']}" in said
    assert list(services.store.list("doctor")) == []


def test_the_doctor_names_a_bucket_that_is_not_there(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = doctor_says(installation, monkeypatch, STORE="s3://no-such-bucket")
    assert code == 1
    assert "MISSING  store              There is no bucket 'no-such-bucket' at" in said


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    installation: Any, tile_set: dict[str, Any], target: bytes, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("in the way")
    installation.processes["interactive-worker"].terminate()
    installation.processes["interactive-worker"].wait()
    installation.start_one("interactive-worker", processes.lane_worker(Lane.INTERACTIVE, 2), CACHE=f"{in_the_way}/x")
    done = installation.final(installation.order(tile_set, target, **ORDER)["url"])
    assert done["job"]["error"] is None
