"""Plain JPEGs by the shortest way: the same pixels as by Pillow's own, and nothing where a file is not plain."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from worker import images, jpeg


def by_pillow(data, side):
    """The thumb as Pillow's usual functions make it."""
    with Image.open(BytesIO(data)) as image:
        image.draft(None, (2 * side, 2 * side))
        return image.resize((side, side), Image.Resampling.BOX).tobytes(), image.size


@pytest.fixture(scope="module")
def photo(photographs):
    with Image.open(photographs / "chelsea.png") as image:
        return image.convert("RGB")


@pytest.mark.parametrize(
    "how",
    [
        {"quality": 20}, {"quality": 100}, {"progressive": True}, {"optimize": True}, {"subsampling": "4:4:4"},
        {"subsampling": "4:2:2"}, {"restart_marker_blocks": 3}, {"comment": "a note"}, {"dpi": (300, 300)},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("size", [(451, 300), (129, 128), (127, 500), (64, 64), (63, 200), (9, 5), (1, 1)])
def test_a_thumb_has_the_pixels_that_pillow_makes(encoded, photo, size, how):
    data = encoded(photo.resize(size), "JPEG", **how)
    assert jpeg.thumb(data, 32) == by_pillow(data, 32)


@pytest.mark.parametrize("side", [1, 7, 32, 100])
def test_a_thumb_may_have_any_side(encoded, photo, side):
    data = encoded(photo, "JPEG")
    assert jpeg.thumb(data, side) == by_pillow(data, side)


def turned(photo, encoded):
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(photo, "JPEG", exif=exif)


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
NOT_PLAIN = {
    "exif": turned,
    "profile": lambda photo, encoded: encoded(photo, "JPEG", icc_profile=PROFILE),
    "xmp": lambda photo, encoded: encoded(photo, "JPEG", xmp=b"<x/>"),
    "grey": lambda photo, encoded: encoded(photo.convert("L"), "JPEG"),
    "cmyk": lambda photo, encoded: encoded(photo.convert("CMYK"), "JPEG"),
    "adobe": lambda photo, encoded: encoded(photo, "JPEG", keep_rgb=True),
    "png": lambda photo, encoded: encoded(photo, "PNG"),
    "empty": lambda *_: b"",
    "no picture": lambda *_: b"\xff\xd8\xff\xe0 no picture",
    "endless": lambda *_: b"\xff\xd8" + b"\xff\xfe\0\0" * 1_000,
    "half": lambda photo, encoded: encoded(photo, "JPEG")[:9_000],
    "no pixels": lambda photo, encoded: encoded(photo, "JPEG")[:400],
}


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_a_file_that_is_not_plain_has_no_thumb_here(encoded, photo, kind):
    assert jpeg.thumb(NOT_PLAIN[kind](photo, encoded), 32) is None


@pytest.mark.parametrize("at", range(0, 700, 7))
def test_a_spoilt_file_is_judged_as_it_was_before(encoded, photo, at):
    # Where the short way gives a thumb at all, it is the long way's.
    data = bytearray(encoded(photo.resize((90, 90)), "JPEG", quality=50))
    data[at] ^= 0x55
    short = jpeg.thumb(bytes(data), 32)
    if short is not None:
        assert short == by_pillow(bytes(data), 32)


def test_a_picture_beyond_the_limit_is_left_to_the_judge(encoded, photo, monkeypatch):
    data = encoded(photo, "JPEG")
    monkeypatch.setattr(jpeg, "MOST_PIXELS", photo.width * photo.height - 1)
    assert jpeg.thumb(data, 32) is None
    np.testing.assert_array_equal(images.thumb(data, 32)[0].tobytes(), by_pillow(data, 32)[0])


def test_a_height_that_comes_later_is_left_to_the_judge(encoded, photo):
    data = encoded(photo, "JPEG")
    at = data.index(b"\xff\xc0")
    assert jpeg.thumb(data[: at + 5] + b"\0\0" + data[at + 7 :], 32) is None
