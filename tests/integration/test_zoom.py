"""What the zoom viewer asks for: the tiles of a mosaic's pyramid, and the photos in its cells."""

import io
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from models.placing import NewSource, StoredFile, place_mosaic, place_tile_set
from models.rules import blob_keys
from models.rules.formats import Format
from models.rules.orders import MosaicOrder, Shape, SourceKind
from models.services import Services
from web.app import assemble
from worker.indexing import job as indexing_job
from worker.jobs import attempt
from worker.rendering import job as rendering_job


@pytest.fixture
def tile_set(services: Services, noise: Callable[..., np.ndarray], encoded: Callable[..., bytes]) -> UUID:
    """Five photos, indexed."""
    identity, sources = uuid4(), []
    for number in range(5):
        key = blob_keys.upload(identity, str(number))
        services.store.put(key, encoded(noise(40, 60, number)))
        sources.append(NewSource(SourceKind.PHOTO, f"{number}.png", key))
    with services.sessions.begin() as session:
        bell = place_tile_set(session, identity, "photos", sources, services.ring_again)
    attempt.run(services, bell.job_id, indexing_job.index_tile_set)
    return identity


@pytest.fixture
def ordered(services: Services, tile_set: UUID, target: bytes) -> Callable[..., str]:
    """Order a mosaic, make it, and return the address of its page."""

    def order(**fields: Any) -> str:
        identity = uuid4()
        stored = StoredFile("t.png", blob_keys.target(identity))
        services.store.put(stored.key, target)
        with services.sessions.begin() as session:
            wanted = MosaicOrder(**{"cells_across": 8, "tile_size": 100, "turns": True} | fields)
            bell = place_mosaic(session, identity, tile_set, stored, wanted, services.ring_again)
        attempt.run(services, bell.job_id, rendering_job.render_mosaic)
        return f"/mosaics/{identity}"

    return order


@pytest.fixture
def client(services: Services) -> FlaskClient:
    return assemble(services).test_client()


def test_the_tiles_of_the_last_level_are_the_mosaic(client: FlaskClient, ordered: Callable[..., str]) -> None:
    page, picture = ordered(format=Format.PYRAMID, file_quality=100), ordered(format=Format.PNG)
    described = ET.fromstring(client.get(f"{page}/zoom.dzi").text)  # noqa: S314 - ours
    size, overlap = int(described.attrib["TileSize"]), int(described.attrib["Overlap"])
    width, height = (int(described[0].attrib[side]) for side in ("Width", "Height"))
    expected = np.asarray(Image.open(io.BytesIO(client.get(f"{picture}/picture").data)))
    assert expected.shape == (height, width, 3)
    level = (max(width, height) - 1).bit_length()
    seen = np.zeros_like(expected)
    for row, column in np.ndindex(-(-height // size), -(-width // size)):
        answer = client.get(f"{page}/zoom_files/{level}/{column}_{row}.jpg")
        assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
        tile = np.asarray(Image.open(io.BytesIO(answer.data)))
        left, top = (max(0, size * number - overlap) for number in (column, row))
        seen[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    assert np.abs(seen.astype(int) - expected).mean() < 3
    assert client.get(f"{page}/zoom_files/0/0_0.jpg").status_code == 200


@pytest.mark.parametrize("shape", Shape)
def test_cells_are_told_as_the_placement_has_them(
    client: FlaskClient, ordered: Callable[..., str], shape: Shape
) -> None:
    page = ordered(shape=shape)
    document = {
        (cell["column"], cell["row"]): cell for cell in json.loads(client.get(f"{page}/placement.json").text)["cells"]
    }
    told = client.get(f"{page}/cells?left=2&top=1&right=5&bottom=3").get_json()
    assert [(cell["column"], cell["row"]) for cell in told["cells"]] == [
        (column, row) for row in (1, 2, 3) for column in (2, 3, 4, 5)
    ]
    for cell in told["cells"]:
        placed = document[cell["column"], cell["row"]]
        assert (cell["window"], cell["turn"]) == (placed["window"], placed["turn"])
        assert placed["content"] in cell["picture"]
        assert client.get(cell["picture"]).mimetype in {"image/png", "image/jpeg"}
    one = client.get(f"{page}/cells/5/2").get_json()
    same = [list(place) for place, cell in document.items() if cell["content"] == document[5, 2]["content"]]
    assert (one["name"], one["uses"]) == (document[5, 2]["photo"], len(same))
    assert sorted(one["places"]) == sorted(same)


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("zoom_files/99/0_0.jpg", 404, "There is no such tile."),
        ("zoom_files/0/1_0.jpg", 404, "There is no such tile."),
        ("zoom_files/0/0_0.png", 404, "There is nothing at this address."),
        ("cells/8/0", 404, "There is no such cell."),
        ("cells/0/99999999999999999999", 404, "There is no such cell."),
        ("cells/-1/0", 404, "There is nothing at this address."),
    ],
)
def test_what_is_not_there_is_a_404(
    client: FlaskClient, ordered: Callable[..., str], path: str, status: int, sentence: str
) -> None:
    answer = client.get(f"{ordered(format=Format.PYRAMID)}/{path}")
    assert (answer.status_code, sentence in answer.text) == (status, True)


def test_at_most_a_hundred_cells_are_told_at_once(client: FlaskClient, ordered: Callable[..., str]) -> None:
    page = ordered(cells_across=40, tile_size=4)
    answer = client.get(f"{page}/cells?right=99999999999999999999&bottom=99999999999999999999")
    assert (answer.status_code, "At most 100 cells are told at once." in answer.text) == (422, True)
    assert client.get(f"{page}/cells?left=5&right=1").get_json()["cells"] == []
    assert len(client.get(f"{page}/cells?left=-3&top=x&right=99").get_json()["cells"]) == 40


def test_a_mosaic_without_a_pyramid_says_so(client: FlaskClient, ordered: Callable[..., str]) -> None:
    answer = client.get(f"{ordered()}/zoom.dzi")
    assert (answer.status_code, "has no zoom pyramid; order one" in answer.text) == (409, True)
