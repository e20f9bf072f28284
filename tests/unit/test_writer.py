"""Mosaics to files."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from models.errors import StorageFull
from models.rules import file_types
from models.rules.formats import Format
from worker.rendering import writer


def quiet(phase, done, total):
    """Take no notice."""


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def photograph(photographs):
    with Image.open(photographs / "coffee.png") as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def full(tmp_path):
    """A file on a disk with no room left."""
    path = tmp_path / "full.png"
    path.symlink_to("/dev/full")
    return path


def test_a_png_holds_every_pixel_of_its_bands(tmp_path, noise):
    bands = [noise(5, 31, seed=1), noise(1, 31, seed=2), noise(7, 31, seed=3)]
    writer.write(iter(bands), (31, 13), tmp_path / "out.png", Format.PNG, quiet)
    np.testing.assert_array_equal(pixels_of(tmp_path / "out.png"), np.concatenate(bands))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 40), (3_000, 1_000)])
def test_libvips_reads_the_same_from_a_png_of_any_shape_in_one_band(tmp_path, noise, width, height):
    # The last one is more than is deflated at a time.
    pixels = noise(height, width)
    writer.write(iter([pixels]), (width, height), tmp_path / "out.png", Format.PNG, quiet)
    read = pyvips.Image.new_from_file(str(tmp_path / "out.png"), fail_on="warning")
    assert (read.format, read.interpretation) == ("uchar", "srgb")
    np.testing.assert_array_equal(read.numpy(), pixels)


def test_a_band_that_is_a_view_on_other_pixels_is_written_right(tmp_path, noise):
    wide = noise(4, 20)
    writer.write(iter([wide[:, ::2]]), (10, 4), tmp_path / "out.png", Format.PNG, quiet)
    np.testing.assert_array_equal(pixels_of(tmp_path / "out.png"), wide[:, ::2])


def test_a_jpeg_looks_like_its_bands(tmp_path, photograph):
    writer.write(iter([photograph[:200], photograph[200:]]), (600, 400), tmp_path / "out.jpg", Format.JPEG, quiet)
    assert np.abs(pixels_of(tmp_path / "out.jpg").astype(int) - photograph).mean() < 3


@pytest.mark.parametrize(("form", "name"), [(Format.PNG, "PNG"), (Format.JPEG, "JPEG")])
def test_the_format_is_the_one_that_was_asked(tmp_path, noise, form, name):
    writer.write(iter([noise(8, 8)]), (8, 8), tmp_path / "out", form, quiet)
    with Image.open(tmp_path / "out") as image:
        assert image.format == name


@pytest.mark.parametrize("form", list(Format))
def test_a_mosaic_carries_no_metadata_but_who_made_it(tmp_path, noise, form):
    writer.write(iter([noise(8, 8)]), (8, 8), tmp_path / "out", form, quiet)
    with Image.open(BytesIO((tmp_path / "out").read_bytes())) as image:
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "Software", "xmp"}


@pytest.mark.parametrize("form", list(Format))
def test_writing_leaves_nothing_but_the_picture(tmp_path, noise, form):
    writer.write(iter([noise(8, 8)]), (8, 8), tmp_path / "out", form, quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("form", list(Format))
def test_an_error_in_the_bands_leaves_no_scratch_file(tmp_path, noise, form):
    def bands():
        yield noise(4, 8)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        writer.write(bands(), (8, 8), tmp_path / "out", form, quiet)
    assert {path.name for path in tmp_path.iterdir()} <= {"out"}


@pytest.mark.parametrize("form", list(Format))
def test_a_disk_that_fills_up_is_said_so(full, noise, form):
    with pytest.raises(StorageFull, match="no room left"):
        writer.write(iter([noise(200, 300)]), (300, 200), full, form, quiet)


def test_a_preview_has_at_most_sixteen_hundred_pixels_a_side(tmp_path):
    Image.new("RGB", (3_200, 400), "teal").save(tmp_path / "wide.png")
    writer.write_preview(tmp_path / "wide.png", tmp_path / "preview.jpg")
    with Image.open(tmp_path / "preview.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (1_600, 200))


def test_a_small_mosaic_is_not_blown_up_for_its_preview(tmp_path, photograph):
    Image.fromarray(photograph).save(tmp_path / "small.png")
    writer.write_preview(tmp_path / "small.png", tmp_path / "preview.jpg")
    assert np.abs(pixels_of(tmp_path / "preview.jpg").astype(int) - photograph).mean() < 3


def test_a_preview_on_a_full_disk_is_said_so(tmp_path, full, photograph):
    Image.fromarray(photograph).save(tmp_path / "small.png")
    with pytest.raises(StorageFull):
        writer.write_preview(tmp_path / "small.png", full)


def test_the_version_is_libvips_own():
    assert [number.isdigit() for number in writer.version().split(".")] == [True] * 3


def test_the_same_bands_give_the_same_bytes(tmp_path, noise):
    def written(name: str) -> bytes:
        writer.write(iter([noise(50, 90)]), (90, 50), tmp_path / name, Format.PNG, quiet)
        return Path(tmp_path / name).read_bytes()

    assert written("one.png") == written("two.png")


def test_what_progress_raises_stops_the_encoding_and_comes_out_as_it_is(tmp_path):
    class Stopped(Exception):
        pass

    def stop(phase, done, total):
        raise Stopped(phase)

    rows = (np.full((20, 3_000, 3), level % 256, np.uint8) for level in range(150))
    with pytest.raises(Stopped, match="encoding"):
        writer.write(rows, (3_000, 3_000), tmp_path / "out.png", Format.PNG, stop)


@pytest.mark.parametrize("form", Format)
def test_a_file_of_each_format_is_what_is_said_of_it(tmp_path, noise, form):
    out = tmp_path / f"out{form.facts.suffix}"
    writer.write(iter([noise(9, 31, seed=1)]), (31, 9), out, form, quiet)
    with Image.open(out) as image:
        assert (image.get_format_mimetype(), image.size) == (form.facts.media_type, (31, 9))
        assert {Image.registered_extensions()[suffix] for suffix in form.facts.suffixes} == {image.format}
    assert file_types.made_here(out.read_bytes())


def test_the_longest_jpeg_that_may_be_ordered_can_be_written(tmp_path):
    longest = Format.JPEG.facts.max_side
    band = np.zeros((8, longest, 3), np.uint8)
    writer.write(iter([band]), (longest, 8), tmp_path / "out.jpg", Format.JPEG, quiet)
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (longest, 8)
