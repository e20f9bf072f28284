"""Bytes to pixels: the right ones, or a clear refusal."""

import resource
import struct
import zlib
from fractions import Fraction
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from models.errors import (
    DamagedPicture,
    EmptyFile,
    NotAPicture,
    TooManyPixels,
    UnusablePicture,
)
from models.rules.grid import cut
from models.rules.order_words import Fit
from models.rules.orders import MosaicOrder
from worker.core.fitted import Fitted
from worker.core.windows import WHOLE, Window, largest
from worker.decoding import images

ORIENTATION, GPS, MAKE = 0x0112, 0x8825, 0x010F
FORMS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF", "JPEG2000")

# How the stored pixels of each orientation come from the upright ones. Source: CIPA DC-008 (Exif 3.0), 4.6.5.1.6,
# where the value says at which side of the scene the stored row 0 and column 0 lie.
STORED = {
    1: lambda a: a,  # row 0 is the top, column 0 the left
    2: lambda a: a[:, ::-1],  # top, right
    3: lambda a: a[::-1, ::-1],  # bottom, right
    4: lambda a: a[::-1],  # bottom, left
    5: lambda a: a.swapaxes(0, 1),  # row 0 is the left, column 0 the top
    6: lambda a: np.rot90(a, 1),  # right, top
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),  # right, bottom
    8: lambda a: np.rot90(a, -1),  # left, bottom
}


def oriented(number):
    exif = Image.Exif()
    exif[ORIENTATION] = number
    return exif


def as_decoded_by_pillow(data):
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def upright(noise):
    """Pixels that look different every way they are turned; not square."""
    return noise(6, 10, seed=1)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("number", range(1, 9))
def test_every_orientation_comes_out_upright(encoded, upright, form, number):
    stored = np.ascontiguousarray(STORED[number](upright))
    options = {"lossless": True} if form == "WEBP" else {}
    np.testing.assert_array_equal(images.decode(encoded(stored, form, exif=oriented(number), **options)), upright)


@pytest.mark.parametrize("number", range(1, 9))
def test_every_orientation_of_a_jpeg_comes_out_upright(encoded, number):
    # One red quarter at the top left of a blue picture survives JPEG's losses.
    upright = np.full((64, 96, 3), (0, 0, 255), np.uint8)
    upright[:32, :48] = (255, 0, 0)
    stored = np.ascontiguousarray(STORED[number](upright))
    decoded = images.decode(encoded(stored, "JPEG", quality=95, subsampling=0, exif=oriented(number)))
    assert decoded.shape == upright.shape
    assert np.abs(decoded.astype(int) - upright).max() <= 8


@pytest.mark.parametrize("number", [1, 6])
def test_a_jpeg_at_reduced_scale_still_has_the_asked_size_once_it_is_upright(encoded, noise, number):
    stored = np.ascontiguousarray(STORED[number](noise(800, 400)))
    height, width, _ = images.decode(encoded(stored, "JPEG", exif=oriented(number)), at_least=(60, 120)).shape
    # 400 x 800 at an eighth is 50 x 100, too small; at a quarter it is 100 x 200.
    assert (width, height) == (100, 200)


def test_an_unknown_orientation_is_taken_as_upright(encoded, upright):
    np.testing.assert_array_equal(images.decode(encoded(upright, exif=oriented(77))), upright)


@pytest.mark.parametrize(
    "entry",
    [
        struct.pack(">HHI4s", ORIENTATION, 2, 3, b"up\0\0"),
        struct.pack(">HHII", ORIENTATION, 5, 1, 9_999),
        struct.pack(">HHI4s", ORIENTATION, 7, 4, b"\xff\xfe\xfd\xfc"),
    ],
    ids=["text", "out-of-reach", "undefined"],
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_an_orientation_that_is_no_number_is_taken_as_upright(encoded, upright, entry):
    # An Exif block of one entry. Source: TIFF 6.0, section 2.
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + b"\0" * 4
    np.testing.assert_array_equal(images.decode(encoded(upright, exif=exif)), upright)


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"big_tiff": True})],
)
def test_a_lossless_format_gives_every_pixel(encoded, upright, form, options):
    np.testing.assert_array_equal(images.decode(encoded(upright, form, **options)), upright)


def test_a_lossless_webp_gives_every_pixel(encoded, upright):
    np.testing.assert_array_equal(images.decode(encoded(upright, "WEBP", lossless=True)), upright)


def test_a_real_photograph_is_what_pillow_alone_reads(photographs):
    data = (photographs / "coffee.png").read_bytes()
    np.testing.assert_array_equal(images.decode(data), as_decoded_by_pillow(data))


def test_a_photograph_as_a_jpeg_is_what_pillow_alone_reads(photographs, encoded):
    data = encoded(as_decoded_by_pillow((photographs / "coffee.png").read_bytes()), "JPEG")
    np.testing.assert_array_equal(images.decode(data), as_decoded_by_pillow(data))


def test_grey_becomes_three_equal_channels(encoded):
    grey = np.array([[0, 100, 255]], np.uint8)
    assert images.decode(encoded(Image.fromarray(grey))).tolist() == [[[0] * 3, [100] * 3, [255] * 3]]


def test_sixteen_bit_grey_is_scaled_not_cut_off(encoded):
    # 65,535 / 255 = 257: 0, 1, 2, 128, 255 times 257.
    grey = np.array([[0, 257, 514, 128 * 257, 65_535]], np.uint16)
    decoded = images.decode(encoded(Image.fromarray(grey)))
    assert decoded[0, :, 0].tolist() == [0, 1, 2, 128, 255]


def test_every_sixteen_bit_value_goes_to_the_nearest_eight_bit_value(encoded):
    values = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    nearest = [(2 * value + 257) // 514 for value in range(65_536)]
    assert images.decode(encoded(Image.fromarray(values)))[:, :, 1].ravel().tolist() == nearest


def test_floating_grey_up_to_one_fills_the_whole_range(encoded):
    grey = Image.fromarray(np.array([[0.0, 0.2, 1.0]], np.float32))
    assert images.decode(encoded(grey, "TIFF"))[0, :, 0].tolist() == [0, 51, 255]


def test_a_one_bit_picture_is_black_and_white(encoded):
    bits = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    assert images.decode(encoded(bits))[:, :, 2].tolist() == [[0, 255], [255, 0]]


def test_alpha_is_flattened_onto_white(encoded):
    # Half (128 / 255) of 100 over white: (100 * 128 + 255 * 127) / 255 = 177.2; none of it: white; all of it: 100.
    rgba = np.array([[[100, 100, 100, 128], [100, 0, 0, 0], [100, 50, 25, 255]]], np.uint8)
    assert images.decode(encoded(rgba)).tolist() == [[[177] * 3, [255] * 3, [100, 50, 25]]]


def test_grey_with_alpha_is_flattened_onto_white(encoded):
    grey = Image.merge("LA", [Image.new("L", (1, 1), 100), Image.new("L", (1, 1), 128)])
    assert images.decode(encoded(grey)).tolist() == [[[177, 177, 177]]]


def test_the_transparent_colour_of_a_palette_becomes_white(encoded):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((1, 0), 1)
    assert images.decode(encoded(picture, transparency=0)).tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_a_palette_without_transparency_gives_its_colours(encoded):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((1, 0), 1)
    assert images.decode(encoded(picture)).tolist() == [[[10, 20, 30], [40, 50, 60]]]


def test_the_transparent_colour_of_an_rgb_png_becomes_white(encoded):
    picture = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    assert images.decode(encoded(picture, transparency=(1, 2, 3))).tolist() == [[[255] * 3, [4, 5, 6]]]


def test_an_animated_gif_gives_its_first_frame(encoded):
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.unique(images.decode(data).reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


def test_an_animated_webp_gives_its_first_frame(encoded):
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("red", "lime")]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert np.unique(images.decode(data).reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


def test_the_several_pictures_of_a_telephones_jpeg_give_the_first(encoded):
    other = Image.new("RGB", (16, 16), "blue")
    data = encoded(Image.new("RGB", (16, 16), (200, 200, 200)), "MPO", save_all=True, append_images=[other])
    assert np.unique(images.decode(data)).tolist() == [200]


def test_a_cmyk_jpeg_comes_out_in_its_colours(encoded):
    # No black ink: red, green, blue are 255 minus cyan, magenta, yellow.
    inks = Image.new("CMYK", (16, 16), (55, 105, 155, 0))
    decoded = images.decode(encoded(inks, "JPEG", quality=100)).astype(int)
    assert np.abs(decoded - (200, 150, 100)).max() <= 2


def wide_profile():
    """A display profile with the primaries of Adobe RGB (1998), as ICC.1:2001-04 lays one out."""

    def number(value):
        return struct.pack(">i", round(value * 65_536))

    def colour(*values):
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    text = b"Wide\0"
    gamma = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(2.19921875 * 256), 0)
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 78
    tags = {
        b"desc": described + b"\0" * (-len(described) % 4),
        b"wtpt": colour(0.9642, 1, 0.8249),
        b"rXYZ": colour(*WIDE[0]),
        b"gXYZ": colour(*WIDE[1]),
        b"bXYZ": colour(*WIDE[2]),
        b"rTRC": gamma,
        b"gTRC": gamma,
        b"bTRC": gamma,
    }
    start, table, body = 132 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value
    head = struct.pack(">IIIIII", start + len(body), 0, 0x02100000, 0x6D6E7472, 0x52474220, 0x58595A20)
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp"
    head = head.ljust(68, b"\0") + b"".join(map(number, (0.9642, 1, 0.8249)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


# Primaries under D50, adapted by Bradford. Source: Adobe RGB (1998) Color Image Encoding; sRGB by B. Lindbloom.
WIDE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22250, 0.01393), (0.38506, 0.71688, 0.09710), (0.14308, 0.06062, 0.71417))


def wide_to_srgb(colour):
    """By hand: to light, through XYZ, and back by the curve of IEC 61966-2-1."""
    light = (np.array(colour) / 255) ** 2.19921875 @ np.array(WIDE) @ np.linalg.inv(np.array(SRGB))
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("colour", [(180, 120, 60), (100, 160, 120), (128, 128, 128)])
def test_a_wide_gamut_picture_is_converted_to_srgb(encoded, colour):
    data = encoded(Image.new("RGB", (4, 4), colour), icc_profile=wide_profile())
    np.testing.assert_allclose(images.decode(data)[0, 0], wide_to_srgb(colour), atol=1.5)


def test_a_wide_gamut_picture_with_alpha_is_converted_to_srgb(encoded):
    data = encoded(Image.new("RGBA", (4, 4), (180, 120, 60, 255)), icc_profile=wide_profile())
    np.testing.assert_allclose(images.decode(data)[0, 0], wide_to_srgb((180, 120, 60)), atol=1.5)


def test_a_wide_gamut_palette_is_converted_to_srgb(encoded):
    picture = Image.new("P", (4, 4))
    picture.putpalette([180, 120, 60])
    data = encoded(picture, icc_profile=wide_profile())
    np.testing.assert_allclose(images.decode(data)[0, 0], wide_to_srgb((180, 120, 60)), atol=1.5)


def test_a_picture_tagged_srgb_keeps_its_values(encoded, upright):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(images.decode(encoded(upright, icc_profile=profile)), upright)


@pytest.mark.parametrize("profile", [b"no profile at all", b"\0" * 200])
def test_an_unreadable_profile_is_passed_over(encoded, upright, profile):
    np.testing.assert_array_equal(images.decode(encoded(upright, icc_profile=profile)), upright)


def test_a_profile_for_another_kind_of_picture_is_passed_over(encoded):
    data = encoded(Image.new("L", (2, 2), 100), icc_profile=wide_profile())
    assert np.unique(images.decode(data)).tolist() == [100]


def test_an_empty_file_is_refused():
    with pytest.raises(EmptyFile):
        images.decode(b"")


@pytest.mark.parametrize(
    "data",
    [b"Dear reader, this is no picture.", b"\0" * 5_000, b"P6 1 1 255 abc"],
    ids=["text", "zeros", "ppm"],
)
def test_bytes_in_no_allowed_format_are_refused(data):
    with pytest.raises(NotAPicture, match="not a picture in a format that Tessera reads"):
        images.decode(data)


def test_a_format_that_is_known_but_not_read_is_named():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    with pytest.raises(NotAPicture, match="The file is an SVG drawing, which Tessera does not read; it reads JPEG, "):
        images.decode(svg)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("form", ["JPEG", "PNG", "HEIF", "AVIF", "JPEG2000", "TIFF"])
def test_a_beginning_without_a_header_is_damaged_and_says_what_it_began_as(encoded, noise, form):
    with pytest.raises(DamagedPicture, match=r"The file begins like an? .* picture, but its header cannot be read"):
        images.decode(encoded(noise(9, 9), form)[:20])


@pytest.mark.parametrize("form", ["EPS", "PDF", "ICO", "TGA", "PCX"])
def test_a_sound_picture_in_a_format_outside_the_list_is_refused(encoded, form):
    with pytest.raises(NotAPicture):
        images.decode(encoded(Image.new("RGB", (32, 32)), form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tenth", range(1, 10))
def test_a_truncated_picture_is_pixels_of_its_size_or_refused_as_unusable(encoded, noise, form, tenth):
    data = encoded(noise(40, 60), form)
    try:
        decoded = images.decode(data[: len(data) * tenth // 10])
    except UnusablePicture as error:
        assert str(error).endswith(".")  # noqa: PT017 - either way is right, and this is one of the two
    else:
        assert decoded.shape == (40, 60, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("tenth", range(3, 10))
def test_a_picture_cut_in_its_pixels_is_called_truncated(encoded, noise, form, tenth):
    data = encoded(noise(40, 60), form)
    with pytest.raises(UnusablePicture) as refused:
        images.decode(data[: len(data) * tenth // 10])
    assert refused.value.code == "truncated_picture"


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("form", FORMS)
def test_a_picture_with_any_byte_wrong_is_pixels_or_refused_as_unusable(encoded, noise, form):
    sound = encoded(noise(12, 16), form)
    dice = np.random.default_rng(5)
    outcomes = set()
    for _ in range(150):
        data = bytearray(sound)
        data[int(dice.integers(len(data)))] ^= int(dice.integers(1, 256))
        try:
            outcomes.add(images.decode(bytes(data), max_pixels=100_000).shape[2])
        except UnusablePicture as error:
            outcomes.add(error.code)
    assert outcomes <= {
        3,
        "not_a_picture",
        "kind_not_read",
        "too_many_pixels",
        "truncated_picture",
        "damaged_picture",
    }


def test_a_picture_with_damaged_pixels_is_refused(encoded, noise):
    data = bytearray(encoded(noise(40, 60)))
    start = data.index(b"IDAT") + 20
    data[start : start + 200] = b"\x55" * 200
    with pytest.raises(DamagedPicture):
        images.decode(bytes(data))


def png_bomb(width, height):
    """A PNG whose header promises `width` x `height` pixels and that holds a few bytes of them."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


def jpeg_bomb(width, height):
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    data = bytearray(file.getvalue())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_bomb(width, height):
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "GIF")
    data = bytearray(file.getvalue())
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def bmp_bomb(width, height):
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "BMP")
    data = bytearray(file.getvalue())
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


@pytest.mark.parametrize("bomb", [png_bomb, jpeg_bomb, gif_bomb, bmp_bomb])
def test_a_picture_that_promises_two_and_a_half_billion_pixels_is_refused_by_its_header(bomb):
    with pytest.raises(TooManyPixels, match="50,000 x 50,000 = 2,500,000,000 pixels; the limit is 128,000,000"):
        images.decode(bomb(50_000, 50_000))


def test_refusing_a_bomb_takes_no_memory():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooManyPixels):
        tile_of(png_bomb(50_000, 50_000), 50, 50)
    # Kilobytes; its pixels would take over seven million of them.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_picture_of_exactly_the_limit_is_decoded(encoded, noise):
    assert images.decode(encoded(noise(10, 20)), max_pixels=200).shape == (10, 20, 3)


def test_a_picture_of_one_pixel_more_than_the_limit_is_refused(encoded, noise):
    with pytest.raises(TooManyPixels, match="20 x 10 = 200 pixels; the limit is 199"):
        images.decode(encoded(noise(10, 20)), max_pixels=199)


def tile_of(data, width, height):
    """The middle of a photo as a tile."""
    return images.tiles(data, width, height, [largest(images.size(data), (width, height))])[0]


def test_a_tile_of_the_photos_own_size_is_the_photo(encoded, noise):
    photo = noise(20, 30)
    np.testing.assert_array_equal(tile_of(encoded(photo), 30, 20), photo)


def test_a_tile_is_the_middle_of_a_wide_photo(encoded):
    # Thirds: red, lime, blue. A square tile of a 3:1 photo is the middle third.
    photo = np.zeros((20, 60, 3), np.uint8)
    photo[:, :20, 0], photo[:, 20:40, 1], photo[:, 40:, 2] = 255, 255, 255
    tile = tile_of(encoded(photo), 20, 20)
    assert np.unique(tile.reshape(-1, 3), axis=0).tolist() == [[0, 255, 0]]


def test_a_tile_is_the_middle_of_a_high_photo(encoded):
    photo = np.zeros((60, 20, 3), np.uint8)
    photo[:20, :, 0], photo[20:40, :, 1], photo[40:, :, 2] = 255, 255, 255
    tile = tile_of(encoded(photo), 20, 20)
    assert np.unique(tile.reshape(-1, 3), axis=0).tolist() == [[0, 255, 0]]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 3), (3, 1_024), (1_024, 1)])
def test_a_tile_has_the_size_that_was_asked(encoded, noise, width, height):
    assert tile_of(encoded(noise(9, 14)), width, height).shape == (height, width, 3)


def test_a_tile_of_one_pixel_photo_is_that_pixel_everywhere(encoded):
    tile = tile_of(encoded(np.array([[[7, 8, 9]]], np.uint8)), 5, 4)
    assert np.unique(tile.reshape(-1, 3), axis=0).tolist() == [[7, 8, 9]]


def test_all_windows_of_a_photo_are_what_pillow_cuts_out_of_it(encoded, noise):
    photo = noise(64, 128)
    windows = [WHOLE, Window(0, 0, 1024, 2048), Window(512, 256, 512, 1024), Window(1536, 1024, 512, 1024)]
    tiles = images.tiles(encoded(photo), 20, 10, windows)
    boxes = [(0, 0, 128, 64), (0, 0, 64, 64), (32, 8, 64, 40), (96, 32, 128, 64)]
    picture = Image.fromarray(photo)
    for tile, box in zip(tiles, boxes, strict=True):
        expected = picture.crop(box).resize((20, 10), Image.Resampling.LANCZOS)
        inside = np.s_[2:-2, 2:-2]  # At its edges, a crop has no neighbours to be mixed with.
        np.testing.assert_allclose(tile[inside].astype(int), np.asarray(expected, int)[inside], atol=1)


def test_a_zoom_into_a_jpeg_is_as_sharp_as_the_tile_asks_for(encoded):
    # Lines one pixel wide: at half the scale, where the whole photo has enough pixels, they would be an even grey.
    lines = np.zeros((256, 256, 3), np.uint8)
    lines[:, ::2] = 255
    data = encoded(lines, "JPEG", quality=95, subsampling=0)
    whole, zoom = (images.tiles(data, 128, 128, [window])[0] for window in (WHOLE, Window(512, 512, 1024, 1024)))
    assert whole.std() < 5
    assert zoom.std() > 100


def test_a_tile_of_an_oriented_photo_is_upright(encoded):
    # Upright it is red above and blue below; orientation 6 stores it turned.
    upright = np.zeros((400, 200, 3), np.uint8)
    upright[:200, :, 0], upright[200:, :, 2] = 255, 255
    stored = np.ascontiguousarray(STORED[6](upright))
    tile = tile_of(encoded(stored, "JPEG", quality=95, subsampling=0, exif=oriented(6)), 20, 40)
    assert tile[5, 10, 0] > 200
    assert tile[35, 10, 2] > 200


def test_a_crop_shows_the_pixels_between_the_edges_and_copies_none(noise):
    # 13 x 9 pixels in cells of 9 x 5: 4 are left over each way.
    target = noise(9, 13)
    seen = images.fitted(target, cut(13, 9, MosaicOrder(cell_width=9, cell_height=5)))
    np.testing.assert_array_equal(seen.pixels, target[2:7, 2:11])
    assert np.shares_memory(seen.pixels, target)


def test_a_crop_that_ends_within_a_pixel_has_that_pixel_and_says_how_much_of_it(noise):
    # Three cells across 10 pixels are 10/3 wide; of 9 lines two rows show 20/3, and 7/3 are left over.
    target = noise(9, 10)
    seen = images.fitted(target, cut(10, 9, MosaicOrder(cells_across=3)))
    np.testing.assert_array_equal(seen.pixels, target[1:8])
    assert (seen.width, seen.height) == (10, Fraction(20, 3))


def test_resizing_shows_all_of_the_target_as_it_is(noise):
    target = noise(9, 13)
    seen = images.fitted(target, cut(13, 9, MosaicOrder(cells_across=4, fit=Fit.RESIZE)))
    assert seen.pixels is target or np.shares_memory(seen.pixels, target)
    assert (seen.pixels.shape, seen.width, seen.height) == (target.shape, 13, 9)


def test_a_stretch_of_lines_that_ends_within_a_pixel_shows_no_more():
    # Black but for the last half line, at twice the size: 16 black lines, and one that is nearly white.
    target = np.zeros((9, 6, 3), np.uint8)
    target[8:] = 255
    seen = Fitted(target, Fraction(6), Fraction(17, 2))
    whole = images.stretched(seen, 6, 17, (Fraction(0), Fraction(17, 2)))
    assert whole.shape == (17, 6, 3)
    assert whole[:12].max() == 0
    assert whole[15].max() < 128 < whole[16].min()


def test_resized_shows_no_more_than_is_seen():
    target = np.zeros((4, 40, 3), np.uint8)
    target[:, 20:] = 255
    seen = Fitted(target[:, :21], Fraction(41, 2), Fraction(4))
    # At twice the size 40 columns are black and one is white; of 21 columns two would be.
    twice = images.resized(seen, 41, 4)[0, :, 0]
    assert twice[39] < 128 < twice[40]


def test_a_jpeg_that_we_write_reads_as_what_it_was(photographs):
    pixels = as_decoded_by_pillow((photographs / "coffee.png").read_bytes())
    again = as_decoded_by_pillow(images.encode_jpeg(pixels))
    assert np.abs(again.astype(int) - pixels).mean() < 4


def test_a_jpeg_that_we_write_says_nothing_of_where_the_photo_was_taken(encoded, noise):
    exif = oriented(1)
    exif[MAKE] = "SecretCamera"
    exif[GPS] = {1: "N", 2: (52.0, 31.0, 12.0)}
    photo = encoded(noise(16, 16), "JPEG", exif=exif, comment=b"SecretComment", icc_profile=wide_profile())
    written = images.encode_jpeg(images.decode(photo))
    with Image.open(BytesIO(written)) as image:
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
    assert b"Secret" in photo
    assert b"Secret" not in written


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("number", range(1, 9))
def test_the_size_by_the_header_is_the_upright_one(encoded, noise, form, number):
    stored = np.ascontiguousarray(STORED[number](noise(30, 20)))
    assert images.size(encoded(stored, form, exif=oriented(number))) == (20, 30)


def test_the_size_of_too_large_a_picture_is_refused():
    with pytest.raises(TooManyPixels, match="2,500,000,000 pixels; the limit"):
        images.size(png_bomb(50_000, 50_000))


def test_the_size_is_read_without_the_pixels():
    assert images.size(png_bomb(4_000, 3_000)) == (4_000, 3_000)


def test_a_photo_of_more_than_fifty_million_pixels_is_refused_as_a_tile():
    with pytest.raises(TooManyPixels, match="10,000 x 5,001 = 50,010,000 pixels; the limit is 50,000,000"):
        tile_of(png_bomb(10_000, 5_001), 50, 50)
