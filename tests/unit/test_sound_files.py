"""Sound files that something about them used to spoil: they are read, or refused in words that are true."""

import struct

import numpy as np
import pytest
from PIL import Image

from models.errors import DamagedPicture, KindNotRead, TruncatedPicture
from worker import images
from worker.core import cicp


def decoded_or_code(data):
    try:
        return images.decode(data)
    except TruncatedPicture as error:
        return error.code


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}], ids=str)
@pytest.mark.parametrize("cut", [1, 2])
def test_a_jpeg_without_its_last_marker_gives_every_pixel(encoded, noise, options, cut):
    data = encoded(noise(40, 60), "JPEG", **options)
    np.testing.assert_array_equal(images.decode(data[:-cut]), images.decode(data))


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=str)
def test_a_jpeg_cut_anywhere_else_is_truncated_or_every_pixel(encoded, noise, options):
    data = encoded(noise(24, 32), "JPEG", **options)
    whole = images.decode(data)
    for length in range(700, len(data) - 2, 7):
        found = decoded_or_code(data[:length])
        assert found == "truncated_picture" or (np.abs(found.astype(int) - whole) <= 1).all(), length


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0" + bytes(8), b"Exif\0\0\0\x08\0\x02", b"Exif\0\0II*\0\xff\xff\xff\xff"], ids=str
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_broken_metadata_is_dropped_and_the_picture_read(encoded, noise, form, exif):
    options = {"lossless": True} if form == "WEBP" else {}
    sound = encoded(noise(9, 9), form, **options)
    np.testing.assert_array_equal(
        images.decode(encoded(noise(9, 9), form, exif=exif, **options)), images.decode(sound)
    )


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_the_profile_of_grey_is_followed_at_any_depth_and_with_alpha(encoded, mode, form):
    # Linear light of one fifth is 123.5 of 255 in sRGB. Source: IEC 61966-2-1.
    profile = cicp.icc_profile(1, 8, grey=True)
    grey = Image.fromarray(np.full((4, 4), 51 * 257, np.uint16)) if mode == "I;16" else Image.new("L", (4, 4), 51)
    picture = Image.merge("LA", [grey, Image.new("L", (4, 4), 255)]) if mode == "LA" else grey
    np.testing.assert_allclose(images.decode(encoded(picture, form, icc_profile=profile)), 123.5, atol=1.5)


def test_a_profile_that_only_calls_itself_srgb_is_followed(encoded):
    profile = cicp.icc_profile(1, 8).replace(b"Made of numbers", b"sRGB of numbers")
    data = encoded(Image.new("RGB", (4, 4), (51, 51, 51)), icc_profile=profile)
    np.testing.assert_allclose(images.decode(data), 123.5, atol=1.5)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("how", ["R03", "ColorSpace"])
def test_adobe_rgb_that_exif_alone_tells_is_converted(encoded, form, how):
    picture = Image.new("RGB", (16, 16), (180, 120, 60))
    exif = Image.Exif()
    exif[0x0112] = 1
    inside = exif.get_ifd(0x8769)
    inside[0xA001] = 2 if how == "ColorSpace" else 65_535
    if how == "R03":
        inside[0xA005] = {1: "R03"}
    options = {"quality": 100} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
    told = images.decode(encoded(picture, form, exif=exif, **options))
    profiled = images.decode(encoded(picture, form, icc_profile=cicp.adobe_rgb(), **options))
    assert np.abs(profiled.astype(int) - (180, 120, 60)).max() > 8
    np.testing.assert_array_equal(told, profiled)


def test_a_jpeg_of_twelve_bits_is_refused_by_its_kind(encoded, noise):
    data = bytearray(encoded(noise(16, 16), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = 0xC1, 12
    with pytest.raises(KindNotRead, match="a JPEG of 12 bits a sample, a kind that Tessera does not read"):
        images.decode(bytes(data))


def test_a_heic_of_a_thousand_parts_is_refused_by_its_kind(encoded, noise):
    data = bytearray(encoded(noise(64, 64), "HEIF"))
    count = data.index(b"iinf") + 8
    assert struct.unpack_from(">H", data, count)[0] > 0
    struct.pack_into(">H", data, count, 1_025)
    with pytest.raises(KindNotRead, match="a HEIC of more than 1,000 parts"):
        images.decode(bytes(data))


def test_the_size_of_a_file_that_only_libvips_opens_is_read_from_its_header(encoded, noise):
    from handmade import Tiff, tiff  # noqa: PLC0415 - the one test here that needs it

    samples = noise(30, 20).astype(np.uint8)
    data = tiff(samples, Tiff(2, 8, order=">", big=True))
    assert images.size(data) == (20, 30)
    np.testing.assert_array_equal(images.decode(data), samples)


def test_what_no_reader_can_decode_is_called_damaged(encoded, noise):
    with pytest.raises(DamagedPicture):
        images.decode(encoded(noise(30, 30), "TIFF")[:60])
