"""Plain JPEGs by the shortest way: the same pixels as by Pillow's own, and nothing where a file is not plain."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from worker.decoding import images, plain_jpeg


def by_pillow(data, side):
    """The thumb as Pillow's usual functions make it."""
    with Image.open(BytesIO(data)) as image:
        size = image.size
        image.draft(None, (2 * side, 2 * side))
        return image.resize((side, side), Image.Resampling.BOX).tobytes(), size


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
    assert plain_jpeg.thumb(data, 32) == by_pillow(data, 32)


@pytest.mark.parametrize("side", [1, 7, 32, 100])
def test_a_thumb_may_have_any_side(encoded, photo, side):
    data = encoded(photo, "JPEG")
    assert plain_jpeg.thumb(data, side) == by_pillow(data, side)


@pytest.mark.parametrize("at_least", [(1, 1), (50, 50), (57, 38), (113, 20), (20, 151), (451, 300), (900, 900)])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_is_decoded_at_the_scale_and_to_the_pixels_that_pillow_makes(encoded, photo, at_least, progressive):
    data = encoded(photo, "JPEG", progressive=progressive)
    with Image.open(BytesIO(data)) as image:
        image.draft(None, at_least)
        expected = image.size, image.tobytes()
    made = plain_jpeg.decoded(data, at_least)
    assert (made.size, made.tobytes()) == expected


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


def segments(data):
    """The segments of a JPEG before its pixels, from the first after SOI, and all the rest. Source: T.81, B.1.1."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        found.append(data[at:end])
        at = end
    return found, data[at:]


def segment(marker, body):
    return b"\xff" + bytes([marker]) + (len(body) + 2).to_bytes(2) + body


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return segment(0xE1, exif.tobytes())


BESIDE = {
    "nothing": [],
    "another": [exif_of(8)],
    "xmp": [segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")],
    "a stranger's": [segment(0xE1, b"Other\0things"), segment(0xED, b"Photoshop 3.0\0")],
    "a comment": [segment(0xFE, b"Exif\0\0")],
    "filling": [b"\xff\xff"],
}


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"restart_marker_blocks": 3}], ids=str)
def test_exif_counts_the_same_for_thumb_tile_size_and_picture_wherever_it_stands(encoded, photo, how, beside):
    before, rest = segments(encoded(photo.resize((90, 60)), "JPEG", **how))
    for place in range(len(before) + 1):
        data = b"\xff\xd8" + b"".join([*before[:place], exif_of(6), *BESIDE[beside], *before[place:]]) + rest
        with Image.open(BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        assert plain_jpeg.thumb(data, 32) is None
        assert upright.size == (60, 90)
        assert images.thumb(data, 32)[1] == images.prepared(data, 32, 100).size == images.size(data) == upright.size
        np.testing.assert_array_equal(images.decode(data), np.asarray(upright))
        squeezed = np.asarray(upright.resize((32, 32), Image.Resampling.BOX))
        np.testing.assert_array_equal(images.thumb(data, 32)[0], squeezed)
        np.testing.assert_array_equal(images.prepared(data, 32, 100).thumb, squeezed)


@pytest.mark.parametrize("how", [{}, {"progressive": True}], ids=str)
def test_exif_after_the_pixels_have_begun_counts_nowhere(encoded, photo, how):
    # Between two scans, and after the end.
    data = encoded(photo.resize((90, 60)), "JPEG", **how)
    last = data.rindex(b"\xff\xda") if how else len(data)
    for at in (last, len(data)):
        late = data[:at] + exif_of(6) + data[at:]
        assert plain_jpeg.thumb(late, 32) == by_pillow(data, 32)
        assert images.prepared(late, 32, 100).size == images.size(late) == (90, 60)
        np.testing.assert_array_equal(images.decode(late), images.decode(data))


def test_a_second_frame_is_left_to_the_judge(encoded, photo):
    before, rest = segments(encoded(photo, "JPEG"))
    frame = next(each for each in before if each[1] == 0xC0)
    assert plain_jpeg.thumb(b"\xff\xd8" + b"".join([*before, frame]) + rest, 32) is None


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_a_file_that_is_not_plain_has_no_thumb_here(encoded, photo, kind):
    data = NOT_PLAIN[kind](photo, encoded)
    assert (plain_jpeg.thumb(data, 32), plain_jpeg.decoded(data, (32, 32))) == (None, None)


@pytest.mark.parametrize("at", range(0, 700, 7))
def test_a_spoilt_file_is_judged_as_it_was_before(encoded, photo, at):
    # Where the short way gives a thumb at all, it is the long way's.
    data = bytearray(encoded(photo.resize((90, 90)), "JPEG", quality=50))
    data[at] ^= 0x55
    short = plain_jpeg.thumb(bytes(data), 32)
    if short is not None:
        assert short == by_pillow(bytes(data), 32)


def test_a_picture_beyond_the_limit_is_left_to_the_judge(encoded, photo, monkeypatch):
    data = encoded(photo, "JPEG")
    monkeypatch.setattr(plain_jpeg, "MOST_PIXELS", photo.width * photo.height - 1)
    assert plain_jpeg.thumb(data, 32) is None
    np.testing.assert_array_equal(images.thumb(data, 32)[0].tobytes(), by_pillow(data, 32)[0])


def test_a_height_that_comes_later_is_left_to_the_judge(encoded, photo):
    data = encoded(photo, "JPEG")
    at = data.index(b"\xff\xc0")
    assert plain_jpeg.thumb(data[: at + 5] + b"\0\0" + data[at + 7 :], 32) is None
