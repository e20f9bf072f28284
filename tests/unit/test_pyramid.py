"""Zoom pyramids, read by Python's zipfile and Pillow, which know nothing of what wrote them."""

import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from models.rules import file_types
from models.rules.formats import Format
from worker.rendering import pyramid, writer

DZI = "{http://schemas.microsoft.com/deepzoom/2008}"


def quiet(phase, done, total):
    """Take no notice."""


def written(path, pixels, **more):
    writer.write(iter([pixels]), (pixels.shape[1], len(pixels)), path, Format.PYRAMID, quiet, **more)
    return path


def level_of(archive, level, size):
    """Put the tiles of a level together as OpenSeadragon does: each at a multiple of its size, less its overlap."""
    about = ET.fromstring(archive.read("mosaic/mosaic.dzi"))  # noqa: S314 - written a line above
    step, overlap = int(about.get("TileSize")), int(about.get("Overlap"))
    whole = Image.new("RGB", size)
    for row in range(-(-size[1] // step)):
        for column in range(-(-size[0] // step)):
            data = archive.read(f"mosaic/mosaic_files/{level}/{column}_{row}.{about.get('Format')}")
            with Image.open(BytesIO(data)) as tile:
                whole.paste(tile, (max(0, column * step - overlap), max(0, row * step - overlap)))
    return np.asarray(whole)


def psnr(pixels, others):
    return 10 * np.log10(255**2 / np.square(pixels.astype(float) - others).mean())


@pytest.fixture
def photograph(photographs):
    with Image.open(photographs / "coffee.png") as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def made(tmp_path, photograph):
    return written(tmp_path / "out.szi", photograph)


def test_the_deepest_level_is_the_picture(made, photograph):
    with zipfile.ZipFile(made) as archive:
        whole = level_of(archive, 10, (600, 400))  # 2**10 is the first power of two from 600 on
    assert psnr(whole, photograph) > 36


def test_each_level_is_half_as_large_down_to_a_pixel(made, photograph):
    with zipfile.ZipFile(made) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        assert {int(name.split("/")[2]) for name in names} == set(range(11))
        half = level_of(archive, 9, (300, 200))
        with Image.open(BytesIO(archive.read("mosaic/mosaic_files/0/0_0.jpg"))) as least:
            assert least.size == (1, 1)
    assert psnr(half, Image.fromarray(photograph).reduce(2)) > 36


def test_its_description_tells_the_size_and_the_tiles(made):
    with zipfile.ZipFile(made) as archive:
        about = ET.fromstring(archive.read("mosaic/mosaic.dzi"))  # noqa: S314 - written a line above
    size = about.find(f"{DZI}Size")
    assert (about.tag, about.attrib) == (f"{DZI}Image", {"Format": "jpg", "Overlap": "1", "TileSize": "254"})
    assert size.attrib == {"Width": "600", "Height": "400"}


def test_every_entry_is_stored_and_sound(made):
    with zipfile.ZipFile(made) as archive:
        assert archive.testzip() is None
        entries = archive.infolist()
        assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
        data = made.read_bytes()
        for entry in entries:
            assert archive.read(entry) in data[entry.header_offset :][: entry.file_size + 200]


def test_it_holds_no_time_and_says_who_made_it(made):
    with zipfile.ZipFile(made) as archive:
        texts = [archive.read(name) for name in archive.namelist() if name.endswith(".xml")]
        assert [b'date="0000-00-00T00:00:00.000000Z"' in text for text in texts] == [True, True]
        assert b"Tessera" in archive.comment
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())
    assert file_types.made_here(made.read_bytes()[-file_types.MARK_BYTES :])


def test_more_quality_is_nearer(tmp_path, photograph):
    far, near = (written(tmp_path / f"{quality}.szi", photograph, quality=quality) for quality in (20, 95))
    assert far.stat().st_size < near.stat().st_size / 2
    with zipfile.ZipFile(far) as one, zipfile.ZipFile(near) as other:
        worse, better = (level_of(each, 10, (600, 400)) for each in (one, other))
    assert psnr(worse, photograph) + 5 < psnr(better, photograph)


@pytest.mark.parametrize("size", [(1, 1), (254, 254), (255, 254), (700, 3)])
def test_a_pyramid_of_any_size_can_be_put_together(tmp_path, size):
    pixels = np.asarray(Image.linear_gradient("L").convert("RGB").resize(size))
    with zipfile.ZipFile(written(tmp_path / "out.szi", pixels)) as archive:
        whole = level_of(archive, (max(size) - 1).bit_length(), size)
    assert np.abs(whole.astype(int) - pixels).max() <= 8
    assert np.abs(pyramid.joined(tmp_path / "out.szi", max(size)).astype(int) - pixels).max() <= 8


def test_a_preview_of_a_pyramid_looks_like_it(tmp_path, made, photograph):
    writer.write_preview(made, tmp_path / "preview.jpg")
    with Image.open(tmp_path / "preview.jpg") as image:
        assert psnr(np.asarray(image), photograph) > 33


def test_a_preview_of_a_large_pyramid_is_no_larger_than_any_other(tmp_path, photograph):
    large = np.asarray(Image.fromarray(photograph).resize((4_000, 2_667)))
    writer.write_preview(written(tmp_path / "out.szi", large), tmp_path / "preview.jpg")
    with Image.open(tmp_path / "preview.jpg") as image:
        assert image.size == (1_600, 1_067)
        assert psnr(np.asarray(image), Image.fromarray(large).resize(image.size)) > 30


def test_the_command_line_writes_one(tmp_path, folder, photographs, tessera):
    out = tmp_path / "out.szi"
    words = ["render", photographs / "coffee.png", "--tiles", folder, "--cells", "20", "--tile-size", "31"]
    subprocess.run([tessera, *words, "--out", out], check=True, capture_output=True)
    subprocess.run([tessera, *words, "--out", tmp_path / "out.png"], check=True, capture_output=True)
    with Image.open(tmp_path / "out.png") as image, zipfile.ZipFile(out) as archive:
        assert psnr(level_of(archive, 10, image.size), np.asarray(image)) > 30
    subprocess.run([tessera, *words, "--out", out], check=True, capture_output=True)  # ours, so it may be replaced
    assert not [path for path in Path(tmp_path).iterdir() if path.name.startswith(".tessera")]
