"""Tiles of zoom pyramids, read by range."""

import zipfile
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from models.errors import NotFound, NotReady
from models.storage.folder import FolderStore
from web import pyramids
from worker.libvips import pyvips

KEY = "mosaics/1/pyramid.szi"


@pytest.fixture
def stored(tmp_path):
    def store(width, height, container="zip"):
        pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
        file = tmp_path / "some name.zip"
        pyvips.Image.new_from_array(pixels).dzsave(
            str(file), container=container, tile_size=256, overlap=0, suffix=".jpg"
        )
        made = next(tmp_path.glob("some*"))
        blobs = FolderStore(tmp_path / "store")
        blobs.put(KEY, made)
        return blobs, zipfile.ZipFile(made)

    return store


@pytest.mark.parametrize(("width", "height"), [(1, 1), (256, 257), (1_000, 700)])
@pytest.mark.parametrize("container", ["zip", "szi"])
def test_every_tile_is_the_one_that_the_zip_has(stored, width, height, container):
    blobs, zipped = stored(width, height, container)
    known = pyramids.opened(blobs, KEY)
    described = ET.fromstring(known.description)  # noqa: S314 - written a line above
    assert (described.get("TileSize"), described.get("Overlap")) == ("256", "0")
    assert (described[0].get("Width"), described[0].get("Height")) == (str(width), str(height))
    names = [name for name in zipped.namelist() if "_files/" in name and name.endswith(".jpg")]
    assert len(known.tiles) == len(names)
    for name in names:
        level, rest = name.split("/")[-2:]
        column, row = rest.removesuffix(".jpg").split("_")
        assert pyramids.tile(blobs, KEY, (int(level), int(column), int(row))) == zipped.read(name)


def test_the_tiles_are_stored_so_that_a_range_is_a_file(stored):
    _, zipped = stored(600, 600)
    assert {entry.compress_type for entry in zipped.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize("place", [(0, 0, 1), (10, 4, 0), (11, 0, 0), (99, 0, 0)])
def test_a_tile_outside_the_picture_is_not_found(stored, place):
    blobs, _ = stored(1_000, 700)
    with pytest.raises(NotFound, match="There is no such tile"):
        pyramids.tile(blobs, KEY, place)


def test_a_pyramid_of_too_many_tiles_is_not_shown(stored, monkeypatch):
    blobs, _ = stored(1_000, 700)
    monkeypatch.setattr(pyramids, "MOST_TILES", 20)
    with pytest.raises(NotReady, match="too large to be shown here"):
        pyramids.opened(blobs, KEY)


def test_the_directory_of_a_pyramid_that_is_too_large_is_not_read(stored, monkeypatch):
    blobs, zipped = stored(1_000, 700)
    with blobs.open(KEY) as file:
        assert pyramids._entry_count(file) == len(zipped.infolist())
    monkeypatch.setattr(pyramids, "MOST_TILES", 20)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(NotReady, match="too large to be shown here"):
        pyramids.opened(blobs, KEY)


def test_the_number_of_files_in_a_large_zip_is_found_in_its_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as zipped:
        for number in range(70_000):
            zipped.writestr(f"{number}", b"")
    with (tmp_path / "many.zip").open("rb") as file:
        assert pyramids._entry_count(file) == 70_000
