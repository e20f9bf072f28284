"""Photos of more pixels than are ever in memory at once."""

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
import pyvips
from PIL import Image

from models.errors import TooManyPixels
from models.rules.order_words import MAX_STREAMED_PIXELS
from worker.core.windows import WHOLE
from worker.decoding import images, plain_jpeg
from worker.decoding.sandbox import Sandbox

WIDTH, HEIGHT = 20_000, 10_000
MEASURE = """
import resource, sys
from worker.core.windows import WHOLE
from worker.decoding import images
data = open(sys.argv[1], "rb").read()
images.prepared(images.encode_jpeg(images.decode(open(sys.argv[2], "rb").read())), 32, 1024)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made = images.prepared(data, 32, 1024)
images.thumb(data, 32)
images.tiles(data, 64, 64, [WHOLE])[0]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, *made.size)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory, photographs):
    """A JPEG of 200 megapixels: one photograph, enlarged; written line by line."""
    path = tmp_path_factory.mktemp("large") / "large.jpg"
    photo = pyvips.Image.new_from_file(str(photographs / "chelsea.png"), access="sequential")
    enlarged = photo.resize(WIDTH / photo.width, vscale=HEIGHT / photo.height, kernel="linear")
    enlarged.crop(0, 0, WIDTH, HEIGHT).jpegsave(str(path), Q=60)
    return path


def test_a_photo_of_two_hundred_megapixels_is_read_in_bounded_memory(large, photographs):
    command = [sys.executable, "-c", MEASURE, large, photographs / "chelsea.png"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    more, width, height = map(int, ended.stdout.split())
    assert (width, height) == (WIDTH, HEIGHT)
    # In kB. All pixels would be 600,000, those of an eighth are 12,500.
    assert more < 100_000


def test_it_is_the_photo(large, photographs):
    with Image.open(photographs / "chelsea.png") as photo:
        small = np.asarray(photo.convert("RGB").resize((32, 32), Image.Resampling.BOX)).astype(float)
    assert np.abs(images.thumb(large.read_bytes(), 32)[0] - small).mean() < 3


def test_a_decoder_that_may_not_have_the_memory_of_all_its_pixels_reads_it_too(large):
    sandbox = Sandbox(60, 256 << 20)
    try:
        made = sandbox.prepared(large.read_bytes(), 32, 1_024)
    finally:
        sandbox.close()
    assert made.size == (WIDTH, HEIGHT)
    with Image.open(BytesIO(made.tile)) as tile:
        assert tile.size == (1_024, 512)


def resized(data, width, height):
    """A JPEG whose frame says another size. Source: T.81, B.2.2."""
    at = next(data.index(mark) for mark in (b"\xff\xc0", b"\xff\xc2") if mark in data)
    return data[: at + 5] + height.to_bytes(2) + width.to_bytes(2) + data[at + 9 :]


def scanned_apart(data):
    """The header of a JPEG whose scan holds one component of three."""
    at = data.index(b"\xff\xda")
    return data[:at] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + data[at + 14 :]


@pytest.mark.parametrize("what", ["progressive", "several scans", "png", "tiff"])
def test_what_would_be_in_memory_as_a_whole_is_refused_by_the_limit(encoded, noise, what):
    pixels = noise(16, 16)
    plain = resized(encoded(pixels, "JPEG"), WIDTH, HEIGHT)
    data = {
        "progressive": lambda: resized(encoded(pixels, "JPEG", progressive=True), WIDTH, HEIGHT),
        "several scans": lambda: scanned_apart(plain),
        "png": lambda: encoded(Image.new("1", (16_384, 8_193)), "PNG"),
        "tiff": lambda: encoded(Image.new("1", (16_384, 8_193)), "TIFF", compression="group4"),
    }[what]()
    assert not plain_jpeg.is_streamed(data)
    for read in (
        lambda: images.thumb(data, 32),
        lambda: images.prepared(data, 32, 64),
        lambda: images.tiles(data, 8, 8, [WHOLE])[0],
    ):
        with pytest.raises(TooManyPixels, match="the limit is 128,000,000"):
            read()


def test_beyond_a_thousand_megapixels_nothing_is_read(encoded, noise):
    data = resized(encoded(noise(16, 16), "JPEG"), 40_000, 25_001)
    assert plain_jpeg.is_streamed(data)
    with pytest.raises(TooManyPixels, match=f"the limit is {MAX_STREAMED_PIXELS:,}"):
        images.thumb(data, 32)


def test_a_target_is_decoded_whole_and_keeps_its_limit(large):
    for read in (images.size, images.decode):
        with pytest.raises(TooManyPixels, match=r"20,000 x 10,000 = 200,000,000 pixels; the limit is 128,000,000"):
            read(large.read_bytes())


@pytest.mark.parametrize(
    "how", [{}, {"quality": 95}, {"restart_marker_blocks": 4}, {"icc_profile": b"p" * 70_000}], ids=str
)
def test_a_baseline_jpeg_is_decoded_line_by_line_whatever_stands_before_its_pixels(encoded, noise, how):
    data = encoded(noise(64, 64), "JPEG", **how)
    assert plain_jpeg.is_streamed(data)
    assert not plain_jpeg.is_streamed(encoded(noise(64, 64), "JPEG", progressive=True, **how))
    assert plain_jpeg.is_streamed(encoded(Image.fromarray(noise(64, 64)).convert("L"), "JPEG"))


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"no jpeg at all", b"\xff\xd8" + b"\xff\xfe\0\0" * 99]
)
def test_what_is_no_jpeg_is_not(data):
    assert not plain_jpeg.is_streamed(data)
