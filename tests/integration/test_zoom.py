"""What the zoom viewer asks for: the tiles of a mosaic's pyramid, and the photos in its cells."""

import io
import json
from collections.abc import Callable
from uuid import UUID
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from models.rules.formats import Format
from models.rules.order_words import Shape


@pytest.fixture
def ordered(noisy_set: Callable[[int], UUID], mosaic_of: Callable[..., UUID]) -> Callable[..., str]:
    """Order a mosaic, make it, and return the address of its page."""
    tile_set = noisy_set(5)
    usual = {"cells_across": 8, "tile_size": 100, "turns": True}
    return lambda **fields: f"/mosaics/{mosaic_of(tile_set, **usual | fields)}"


def zoom_of(client: FlaskClient, page: str) -> str:
    """Return where the first file of a mosaic is zoomed into, but for the ending."""
    files = client.get(f"/api/v1{page}/renditions").get_json()["items"]
    return f"{page}/zoom/{files[0]['id']}"


def test_the_tiles_of_the_last_level_are_the_mosaic(client: FlaskClient, ordered: Callable[..., str]) -> None:
    page, picture = ordered(format=Format.PYRAMID, file_quality=100), ordered(format=Format.PNG)
    zoom = zoom_of(client, page)
    described = ET.fromstring(client.get(f"{zoom}.dzi").text)  # noqa: S314 - ours
    size, overlap = int(described.attrib["TileSize"]), int(described.attrib["Overlap"])
    width, height = (int(described[0].attrib[side]) for side in ("Width", "Height"))
    expected = np.asarray(Image.open(io.BytesIO(client.get(f"{picture}/picture").data)))
    assert expected.shape == (height, width, 3)
    level = (max(width, height) - 1).bit_length()
    seen = np.zeros_like(expected)
    for row, column in np.ndindex(-(-height // size), -(-width // size)):
        answer = client.get(f"{zoom}_files/{level}/{column}_{row}.jpg")
        assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
        tile = np.asarray(Image.open(io.BytesIO(answer.data)))
        left, top = (max(0, size * number - overlap) for number in (column, row))
        seen[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    assert np.abs(seen.astype(int) - expected).mean() < 3
    assert client.get(f"{zoom}_files/0/0_0.jpg").status_code == 200


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
    same = [[*place, 1] for place, cell in document.items() if cell["content"] == document[5, 2]["content"]]
    assert (one["name"], one["uses"]) == (document[5, 2]["photo"], len(same))
    assert sorted(one["places"]) == sorted(same)


def test_a_larger_cell_is_told_once_and_by_any_place_that_it_covers(
    client: FlaskClient, ordered: Callable[..., str]
) -> None:
    page = ordered(adaptive=1.0, cells_across=20, tile_size=10)
    cells = json.loads(client.get(f"{page}/placement.json").text)["cells"]
    large = next(cell for cell in cells if cell["span"] == 4)
    left, top = large["column"], large["row"]
    told = client.get(f"{page}/cells?left={left}&top={top}&right={left + 3}&bottom={top + 3}").get_json()["cells"]
    assert [(cell["column"], cell["row"], cell["span"]) for cell in told] == [(left, top, 4)]
    assert (told[0]["window"], told[0]["turn"]) == (large["window"], large["turn"])
    same = [[cell["column"], cell["row"], cell["span"]] for cell in cells if cell["content"] == large["content"]]
    for column, row in ((left, top), (left + 3, top), (left + 1, top + 2)):
        one = client.get(f"{page}/cells/{column}/{row}").get_json()
        assert (one["name"], one["uses"], sorted(one["places"])) == (large["photo"], len(same), sorted(same))


NO_CELL = "There is no such cell; the mosaic has 8 x 5 cells, counted from 0."


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("zoom_files/99/0_0.jpg", 404, "There is no such tile."),
        ("zoom_files/0/1_0.jpg", 404, "There is no such tile."),
        ("zoom_files/0/0_0.png", 404, "There is nothing at this address."),
        ("cells/8/0", 404, NO_CELL),
        (
            "cells/0/99999999999999999999",
            404,
            NO_CELL,
        ),
        ("cells/-1/0", 404, "There is nothing at this address."),
    ],
)
def test_what_is_not_there_is_a_404(
    client: FlaskClient, ordered: Callable[..., str], path: str, status: int, sentence: str
) -> None:
    page = ordered(format=Format.PYRAMID)
    answer = client.get(f"{zoom_of(client, page)}{path[4:]}" if path.startswith("zoom") else f"{page}/{path}")
    assert (answer.status_code, sentence in answer.text) == (status, True)


def test_at_most_a_hundred_cells_are_told_at_once(client: FlaskClient, ordered: Callable[..., str]) -> None:
    page = ordered(cells_across=40, tile_size=4)
    answer = client.get(f"{page}/cells?right=99999999999999999999&bottom=99999999999999999999")
    assert (answer.status_code, "At most 100 cells are told at once; ask for fewer." in answer.text) == (422, True)
    for nowhere in ("left=5&right=1", "left=999&top=999&right=1&bottom=1"):
        assert client.get(f"{page}/cells?{nowhere}").get_json()["cells"] == []
    assert len(client.get(f"{page}/cells?left=-3&top=x&right=99").get_json()["cells"]) == 40


def test_what_is_no_pyramid_or_not_made_yet_says_so(client: FlaskClient, ordered: Callable[..., str]) -> None:
    picture, waiting = ordered(), ordered(format=Format.PYRAMID, made=False)
    answer = client.get(f"{zoom_of(client, picture)}.dzi")
    assert (answer.status_code, "is no zoom pyramid" in answer.text) == (404, True)
    answer = client.get(f"{zoom_of(client, waiting)}.dzi")
    assert (answer.status_code, "is not made yet" in answer.text) == (409, True)
    other = zoom_of(client, picture).replace(picture, waiting)
    assert client.get(f"{other}.dzi").status_code == 404, "of another mosaic"


def test_the_address_of_a_tile_names_its_rendition(client: FlaskClient, ordered: Callable[..., str]) -> None:
    page = ordered(format=Format.PYRAMID)
    assert client.get(f"{zoom_of(client, page)}_files/0/0_0.jpg").headers["Cache-Control"].endswith("immutable")
    assert client.get(f"{page}/zoom_files/0/0_0.jpg").status_code == 404
