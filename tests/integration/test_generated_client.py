"""A client that a program wrote from the OpenAPI document goes the whole way with a running service."""

import importlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image

CONFIG = {
    "content_type_overrides": dict.fromkeys(
        ["image/png", "image/jpeg", "image/webp", "image/avif", "image/tiff", "application/zip"],
        "application/octet-stream",
    ),
    "post_hooks": [],
}
"""What docs/how-to/use-the-api.md says: without it files are not read into the client's own kind of file."""


class Client:
    """What was generated, and a connection to one service."""

    def __init__(self, package: str, installation: Any) -> None:
        self.package = package
        client = self.module("client")
        quiet = {"httpx_args": {"trust_env": False}, "raise_on_unexpected_status": True}
        if installation.mode == "server":
            token = installation.settings["ACCESS_TOKEN"]
            self.connection = client.AuthenticatedClient(base_url=installation.address, token=token, **quiet)
        else:
            self.connection = client.Client(base_url=installation.address, **quiet)

    def module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self.package}.{name}")

    def model(self, name: str, /, **fields: Any) -> Any:
        return getattr(self.module("models"), name)(**fields)

    def file(self, name: str, data: bytes) -> Any:
        return self.module("types").File(payload=io.BytesIO(data), file_name=name)

    def ask(self, tag: str, name: str, /, *words: object, **more: Any) -> Any:
        """Call a function of the client; return what it made of the answer."""
        return self.module(f"api.{tag}.{name}").sync(*words, client=self.connection, **more)


@pytest.fixture(scope="module")
def client(installation: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(installation.get("/api/v1/openapi.json").text)
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(CONFIG))
    package = f"tessera_client_{installation.mode}"
    command = ["generate", "--path", "openapi.json", "--config", "config.yml", "--meta", "none", "--fail-on-warning"]
    tool = Path(sys.executable).with_name("openapi-python-client")
    done = subprocess.run([tool, *command, "--output-path", package], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    try:
        yield Client(package, installation)
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def tile_set(
    client: Client, photos: dict[str, bytes], zipped: Callable[..., bytes], wait_for: Callable[..., Any]
) -> Any:
    zip_file = client.file("photos.zip", zipped(photos))
    form = client.model("TileSetIn", name="Holidays", archive=[zip_file], dedupe=False, keep_originals=True)
    made = client.ask("tile_sets", "create_tile_set", body=form)
    assert (made.name, made.dedupe, made.keep_originals, type(made.id)) == ("Holidays", False, True, UUID)
    return wait_for(lambda: finished(client.ask("tile_sets", "get_tile_set", made.id)))


def finished(shown: Any) -> Any:
    return shown if shown.job.final else None


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_set_a_mosaic_and_its_picture(
    client: Client, tile_set: Any, photos: dict[str, bytes], target: bytes, wait_for: Callable[..., Any]
) -> None:
    assert (tile_set.job.state.value, tile_set.tile_count, tile_set.skipped) == ("succeeded", len(photos), [])
    order = client.model(
        "MosaicIn", tile_set=tile_set.id, target=client.file("t.png", target), cells_across=12, tile_size=8,
        flips=True, detail=0.25, min_distance=1.5,
    )  # fmt: skip
    made = client.ask("mosaics", "create_mosaic", body=order)
    assert (made.order.flips, made.order.turns, made.order.detail, made.picture) == (True, False, 0.25, None)
    done = wait_for(lambda: finished(client.ask("mosaics", "get_mosaic", made.id)))
    assert (done.job.state.value, done.job.error, done.columns, done.rows) == ("succeeded", None, 12, 8)
    picture = client.ask("mosaics", "get_mosaic_picture", done.id).payload.read()
    assert (sha256(picture).hexdigest(), len(picture)) == (done.sha256, done.bytes_)
    assert pixels(picture).shape == (done.height, done.width, 3) == (64, 96, 3)


def test_only_what_changed_is_sent_and_a_part_of_a_file_if_that_is_asked_for(
    client: Client, tile_set: Any, target: bytes, wait_for: Callable[..., Any]
) -> None:
    order = client.model("MosaicIn", tile_set=tile_set.id, target=client.file("t.png", target), cells_across=6)
    made = client.ask("mosaics", "create_mosaic", body=order)
    done = wait_for(lambda: finished(client.ask("mosaics", "get_mosaic", made.id)))
    asked = client.module("api.mosaics.get_mosaic").sync_detailed
    first = asked(done.id, client=client.connection)
    assert asked(done.id, client=client.connection, if_none_match=first.headers["ETag"]).status_code == 304
    whole = client.ask("mosaics", "get_mosaic_picture", done.id).payload.read()
    part = client.ask("mosaics", "get_mosaic_picture", done.id, range_="bytes=10-19").payload.read()
    assert part == whole[10:20]
    beyond = client.ask("mosaics", "get_mosaic_picture", done.id, range_="bytes=999999999-")
    assert (beyond.status, type(beyond).__name__) == (416, "Problem")


def test_a_batch_and_its_archive(client: Client, tile_set: Any, target: bytes, wait_for: Callable[..., Any]) -> None:
    targets = [client.file(f"{name}.png", target) for name in ("anna", "ben")]
    order = client.model("BatchIn", tile_set=tile_set.id, name="Guests", targets=targets, cells_across=6, tile_size=8)
    made = client.ask("batches", "create_batch", body=order)
    assert (made.name, made.total) == ("Guests", 2)

    def final() -> Any:
        shown = client.ask("batches", "get_batch", made.id)
        return shown if shown.final else None

    assert wait_for(final).states.additional_properties == {"succeeded": 2}
    archive = client.ask("batches", "get_batch_archive", made.id)
    names = zipfile.ZipFile(archive.payload).namelist()
    assert names == ["0001-anna.png", "0002-ben.png"]


def test_the_photos_of_a_set_page_by_page(client: Client, tile_set: Any) -> None:
    first = client.ask("tiles", "list_tiles", tile_set.id, limit=2)
    assert (len(first.items), first.next_ is None) == (2, False)
    content = first.items[0].content
    assert client.ask("tiles", "ban_tile", tile_set.id, content).banned is True
    assert client.ask("tiles", "allow_tile", tile_set.id, content).banned is False
    assert pixels(client.ask("tiles", "get_tile_preview", tile_set.id, content).payload.read()).ndim == 3
    original = client.ask("tiles", "get_tile_original", tile_set.id, content).payload.read()
    assert sha256(original).hexdigest() == content


def test_what_is_wrong_comes_as_a_problem(client: Client, tile_set: Any, target: bytes) -> None:
    order = client.model("MosaicIn", tile_set=tile_set.id, target=client.file("t.png", target), cells_across=5000)
    refused = client.ask("mosaics", "create_mosaic", body=order)
    assert (refused.status, refused.code, refused.field) == (422, "invalid_order", "cells_across")
    assert refused.detail == "The cells across must be from 1 to 1,000, not 5,000."
    missing = client.ask("mosaics", "get_mosaic", uuid4())
    assert (missing.status, missing.code, missing.type_) == (404, "not_found", "urn:tessera:problem:not_found")
    again = client.ask("tile_sets", "resume_tile_set", tile_set.id)
    assert (again.status, again.code) == (409, "not_retryable")
    renamed = client.ask("tile_sets", "rename_tile_set", tile_set.id, body=client.model("NameIn", name="Sea"))
    assert renamed.name == "Sea"
