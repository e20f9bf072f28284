"""Mosaics to files."""

import os
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from models.errors import StorageFull, TesseraError
from models.rules import file_types
from models.rules.formats import LOSSY, Format
from worker.libvips import pyvips
from worker.rendering import png, writer

PICTURES = [form for form in Format if form not in {Format.PYRAMID, Format.PDF}]
"""What Pillow reads; `test_pyramid` and `test_pdf` have the rest."""
OF_AN_ANIMATION = {"loop", "background", "timestamp", "duration"}
"""What Pillow says of every WebP and AVIF."""

LEVELS = """
import sys
from contextlib import suppress
from pathlib import Path
import numpy as np
from models.rules.formats import Format
from worker.rendering import writer

def bands():
    for _ in range(10):
        yield np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)
        for each in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):
                if each.readlink().name.startswith("#"):
                    print("without a name")

writer.write(bands(), (800, 6_000), Path(sys.argv[1]), Format.PYRAMID_TIFF, lambda *_: None)
"""
"""Writes a picture, and says whether levels lie in files without a name, as Linux lists them."""


def quiet(phase, done, total):
    """Take no notice."""


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


def written(path, pixels, form, **more):
    half = len(pixels) // 2
    writer.write(iter([pixels[:half], pixels[half:]]), (pixels.shape[1], len(pixels)), path, form, quiet, **more)


def psnr(pixels, others):
    """In dB."""
    return 10 * np.log10(255**2 / np.square(pixels.astype(float) - others).mean())


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


@pytest.mark.parametrize("lines", [1, 7, 500])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_bytes_of_a_png_depend_on_neither_bands_nor_threads(monkeypatch, lines, threads):
    pixels = np.random.default_rng(5).integers(0, 200, (500, 900, 3), np.uint8)
    whole, pieces = BytesIO(), BytesIO()
    png.write(iter([pixels]), (900, 500), whole, 300)
    monkeypatch.setattr(png, "THREADS", threads)
    png.write((pixels[top : top + lines] for top in range(0, 500, lines)), (900, 500), pieces, 300)
    assert pieces.getvalue() == whole.getvalue()
    assert whole.getvalue().count(b"IDAT") == 4  # the header, two pieces, the end
    np.testing.assert_array_equal(np.asarray(Image.open(pieces)), pixels)


@pytest.mark.parametrize("form", [form for form in Format if form not in LOSSY])
def test_a_format_that_loses_nothing_holds_every_pixel(tmp_path, photograph, form):
    written(tmp_path / "out", photograph, form)
    np.testing.assert_array_equal(pixels_of(tmp_path / "out"), photograph)


@pytest.mark.parametrize("form", [form for form in PICTURES if form in LOSSY])
def test_a_lossy_format_looks_like_its_bands(tmp_path, photograph, form):
    written(tmp_path / "out", photograph, form)
    assert psnr(pixels_of(tmp_path / "out"), photograph) > 36


@pytest.mark.parametrize("form", [form for form in PICTURES if form in LOSSY])
def test_more_quality_is_nearer_and_larger(tmp_path, photograph, form):
    for quality in (20, 95):
        written(tmp_path / f"{quality}", photograph, form, quality=quality)
    assert (tmp_path / "20").stat().st_size < (tmp_path / "95").stat().st_size / 2
    assert psnr(pixels_of(tmp_path / "20"), photograph) + 5 < psnr(pixels_of(tmp_path / "95"), photograph)


@pytest.mark.parametrize("form", PICTURES)
def test_a_file_says_that_it_is_srgb(tmp_path, noise, form):
    written(tmp_path / "out", noise(8, 8), form)
    with Image.open(tmp_path / "out") as image:
        if form is Format.PNG:  # which has a chunk for it. Source: PNG (3rd edition), 11.3.2.5.
            assert image.info["srgb"] == 0
            return
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        assert ImageCms.getProfileDescription(profile).strip() == "sRGB"
        levels = Image.fromarray(noise(64, 64, seed=5))
        through = ImageCms.profileToProfile(levels, profile, ImageCms.createProfile("sRGB"))
        assert np.abs(np.asarray(through).astype(int) - levels).max() <= 1


@pytest.mark.parametrize("form", PICTURES)
@pytest.mark.parametrize("dpi", [1, 8, 29, 72, 137, 300, 2_400])
def test_a_file_says_how_many_dots_lie_on_an_inch(tmp_path, noise, form, dpi):
    written(tmp_path / "out", noise(8, 8), form, dpi=dpi)
    with Image.open(tmp_path / "out") as image:
        # A PNG counts whole pixels of a metre. Source: PNG (3rd edition), 11.3.4.3.
        assert resolution(image) == pytest.approx((dpi, dpi), abs=0.0254 / 2 if form is Format.PNG else 1e-6)


def resolution(image):
    """What a file says of the dots per inch: its own field, or Exif's. Source: CIPA DC-008, 4.6.4."""
    exif = image.getexif()
    assert exif.get(ExifTags.Base.ResolutionUnit, 2) == 2
    own = (exif.get(ExifTags.Base.XResolution), exif.get(ExifTags.Base.YResolution))
    return image.info.get("dpi", own)


def test_a_tiff_is_tiled_and_deflated(tmp_path, photograph):
    written(tmp_path / "out", photograph, Format.TIFF)
    with Image.open(tmp_path / "out") as image:
        # Source: TIFF 6.0, section 15 (tiles), 14 (predictor); Technical Note 2 (8: deflate).
        assert [image.tag_v2[tag] for tag in (322, 323, 317, 259)] == [256, 256, 2, 8]


@pytest.mark.parametrize(("width", "height"), [(65_536, 256), (65_537, 128), (157_500, 64), (100_000_000, 16)])
def test_the_tiles_of_a_wide_tiff_are_lower(width, height):
    assert Format.TIFF.facts.options((width, 100), None)["tile_height"] == height


def test_each_level_of_a_pyramidal_tiff_is_a_page_of_half_the_size(tmp_path, photograph):
    even = photograph[:384, :512]
    written(tmp_path / "out", even, Format.PYRAMID_TIFF)
    with Image.open(tmp_path / "out") as image:
        assert image.n_frames == 2
        np.testing.assert_array_equal(np.asarray(image), even)
        image.seek(1)
        # Source: TIFF 6.0, section 8, NewSubfileType: 1 is a smaller copy of another picture of the file.
        assert (image.size, image.tag_v2[254], image.info["dpi"]) == ((256, 192), 1, (300, 300))
        means = even.reshape(192, 2, 256, 2, 3).mean(axis=(1, 3))
        assert np.abs(np.asarray(image) - means).max() <= 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists a process's open files")
def test_the_large_levels_of_a_pyramidal_tiff_wait_in_a_temporary_folder_that_is_there(tmp_path):
    made = subprocess.run(
        [sys.executable, "-c", LEVELS, tmp_path / "out"],
        env=os.environ | {"VIPS_DISC_THRESHOLD": "10k", "TMPDIR": str(tmp_path / "none")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "without a name" in made.stdout


def test_a_tiff_that_may_be_larger_than_four_gigabytes_is_a_bigtiff(tmp_path, photograph):
    plain, large = (Format.TIFF.facts.options(size, None) for size in ((30_000, 40_000), (40_000, 40_000)))
    assert set(large.items()) - set(plain.items()) == {("bigtiff", True), ("level", 1)}
    pyvips.Image.new_from_array(photograph).tiffsave(str(tmp_path / "out.tif"), **large)
    assert (tmp_path / "out.tif").read_bytes()[:4] == b"II+\0"  # BigTIFF: version 43
    np.testing.assert_array_equal(pixels_of(tmp_path / "out.tif"), photograph)


@pytest.mark.parametrize("form", Format)
def test_a_large_file_is_still_known_as_ours(tmp_path, noise, form):
    written(tmp_path / "out", noise(2_000, 2_000), form)
    assert file_types.made_here((tmp_path / "out").read_bytes())


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (Format.PNG, "PNG"),
        (Format.JPEG, "JPEG"),
        (Format.WEBP, "WEBP"),
        (Format.AVIF, "AVIF"),
        (Format.TIFF, "TIFF"),
        (Format.PYRAMID_TIFF, "TIFF"),
    ],
)
def test_the_format_is_the_one_that_was_asked(tmp_path, noise, form, name):
    writer.write(iter([noise(8, 8)]), (8, 8), tmp_path / "out", form, quiet)
    with Image.open(tmp_path / "out") as image:
        assert image.format == name


@pytest.mark.parametrize("form", PICTURES)
def test_a_mosaic_carries_no_metadata_but_who_made_it_and_how_it_is_shown(tmp_path, noise, form):
    writer.write(iter([noise(8, 8)]), (8, 8), tmp_path / "out", form, quiet)
    with Image.open(BytesIO((tmp_path / "out").read_bytes())) as image:
        texts = {name: value for name, value in image.info.items() if isinstance(value, str) and value != "raw"}
        assert set(texts) <= {"Software", "compression"}
        assert set(image.info) - set(texts) <= {"dpi", "xmp", "icc_profile", "exif", "srgb"} | OF_AN_ANIMATION
        told = [*image.getexif().values(), *image.getexif().get_ifd(ExifTags.IFD.Exif).values()]
        assert not any(isinstance(value, str) for value in told)


@pytest.mark.parametrize("form", list(Format))
def test_writing_leaves_nothing_but_the_picture(tmp_path, noise, form):
    writer.write(iter([noise(8, 8)]), (8, 8), tmp_path / "out", form, quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("form", list(Format))
def test_an_error_in_the_bands_leaves_nothing_but_the_picture_that_was_begun(tmp_path, noise, form):
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


@pytest.mark.parametrize(
    ("large", "noise", "size"),
    [(False, False, (240, 320)), (False, True, (60, 80)), (True, False, (480, 640)), (True, True, (120, 160))],
)
def test_a_thumbnail_is_whole_and_small_however_fine_the_picture(tmp_path, large, noise, size):
    dice = np.random.default_rng(5)
    shape = (640, 480, 3) if large else (320, 240, 3)
    small = dice.integers(0, 256, shape) if noise else np.full(shape, (200, 30, 90))
    picture = small.astype(np.uint8).repeat(5, axis=0).repeat(5, axis=1)
    Image.fromarray(picture).save(tmp_path / "preview.jpg")
    data = writer.thumbnail(tmp_path / "preview.jpg", large=large)
    assert len(data) <= (40_000 if large else 20_000)
    with Image.open(BytesIO(data)) as image:
        assert (image.format, image.size) == ("WEBP", size)
        assert np.abs(np.asarray(image.convert("RGB")).mean((0, 1)) - picture.mean((0, 1))).max() < 4


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_what_is_transparent_is_white_in_a_preview_as_in_a_jpeg(tmp_path, ending):
    pixels = np.zeros((20, 30, 4), np.uint8)
    pixels[:, 15:] = 10, 20, 200, 255
    Image.fromarray(pixels).save(tmp_path / f"part.{ending}")
    writer.write_preview(tmp_path / f"part.{ending}", tmp_path / "preview.jpg")
    seen = pixels_of(tmp_path / "preview.jpg").astype(int)
    assert (seen[:, :8] > 250).all()
    assert np.abs(seen[:, 24:] - (10, 20, 200)).max() < 12


def test_a_preview_on_a_full_disk_is_said_so(tmp_path, full, photograph):
    Image.fromarray(photograph).save(tmp_path / "small.png")
    with pytest.raises(StorageFull):
        writer.write_preview(tmp_path / "small.png", full)


def test_the_version_is_libvips_own():
    assert [number.isdigit() for number in writer.version().split(".")] == [True] * 3


@pytest.mark.parametrize("form", Format)
def test_the_same_bands_give_the_same_bytes(tmp_path, photograph, form):
    for name in ("one", "two"):
        written(tmp_path / name, photograph, form)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("form", PICTURES)
def test_a_preview_of_each_format_looks_like_it(tmp_path, photograph, form):
    written(tmp_path / f"out{form.facts.suffix}", photograph, form)
    writer.write_preview(tmp_path / f"out{form.facts.suffix}", tmp_path / "preview.jpg")
    assert psnr(pixels_of(tmp_path / "preview.jpg"), photograph) > 34


def test_what_progress_raises_stops_the_encoding_and_comes_out_as_it_is(tmp_path):
    class Stopped(Exception):
        pass

    def stop(phase, done, total):
        raise Stopped(phase)

    rows = (np.full((20, 3_000, 3), level % 256, np.uint8) for level in range(150))
    with pytest.raises(Stopped, match="encoding"):
        writer.write(rows, (3_000, 3_000), tmp_path / "out.png", Format.PNG, stop)


@pytest.mark.parametrize("form", PICTURES)
def test_a_file_of_each_format_is_what_is_said_of_it(tmp_path, noise, form):
    out = tmp_path / f"out{form.facts.suffix}"
    writer.write(iter([noise(9, 31, seed=1)]), (31, 9), out, form, quiet)
    with Image.open(out) as image:
        assert (image.get_format_mimetype(), image.size) == (form.facts.media_type, (31, 9))
        known = Image.registered_extensions()  # which lack `.ptif`
        assert {known.get(suffix, "TIFF") for suffix in form.facts.suffixes} == {image.format}
    assert file_types.made_here(out.read_bytes())


@pytest.mark.parametrize("form", [Format.JPEG, Format.WEBP, Format.AVIF])
@pytest.mark.parametrize("upright", [False, True])
def test_the_longest_that_may_be_ordered_can_be_written_and_no_longer(tmp_path, form, upright):
    longest = form.facts.max_side
    for side in (longest, longest + 64):
        size = (8, side) if upright else (side, 8)
        assert bool(form.facts.limit(size, 300)) == (side > longest)
        band = np.zeros((size[1], size[0], 3), np.uint8)
        if side > longest:
            with pytest.raises(TesseraError):
                writer.write(iter([band]), size, tmp_path / "out", form, quiet)
        else:
            writer.write(iter([band]), size, tmp_path / "out", form, quiet)
            with Image.open(tmp_path / "out") as image:
                assert image.size == size


@pytest.mark.parametrize(
    ("form", "needed"),
    [(Format.PNG, "40,000,000 MB"), (Format.TIFF, "40,000,000 MB"), (Format.PYRAMID, "2,000,000 MB")],
)
def test_a_mosaic_that_no_disk_can_hold_is_refused_before_it_is_made(tmp_path, form, needed):
    with pytest.raises(
        StorageFull, match=rf"10,000,000 x 10,000,000 pixels needs at least some {needed}, but .* free;"
    ):
        writer.check_room(tmp_path / "out", (10_000_000, 10_000_000), form)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", Format)
def test_no_file_of_a_mosaic_is_smaller_than_the_room_that_is_asked_for(tmp_path, photograph, form):
    quality = 1 if form in LOSSY else None
    writer.check_room(tmp_path / "out", (600, 400), form)
    written(tmp_path / "out", photograph, form, quality=quality)
    if form is not Format.AVIF:  # of the lowest quality
        assert (tmp_path / "out").stat().st_size > form.facts.least_bytes((600, 400))
