"""AVIF, HEIC and JPEG 2000: every pixel of a lossless file, whatever it says of how it is to be seen.

Lossless AVIF is written by libvips, so that it is not one library that agrees with itself.
"""

import struct
import subprocess
import sys
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
import pyvips
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from models.errors import DamagedPicture, NotAPicture, TooManyPixels
from worker.core.windows import WHOLE
from worker.decoding import cicp, images

ORIENTATION = 0x0112
EXACT = {"HEIF": {"quality": -1, "chroma": 444, "matrix_coefficients": 0}, "JPEG2000": {}}
# How the stored pixels of each orientation come from the upright ones. Source: CIPA DC-008 (Exif 3.0), 4.6.5.1.6.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.fixture
def exact(encoded):
    """Write a picture so that no pixel is lost."""

    def write(pixels, form, **options):
        if form == "AVIF":
            picture = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
            picture = picture.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb")
            return picture.heifsave_buffer(compression="av1", lossless=True, **options)
        return encoded(np.ascontiguousarray(pixels), form, **EXACT[form], **options)

    return write


def values(*shape, top=256, seed=3):
    return np.random.default_rng(seed).integers(0, top, shape)


def over_white(colour, alpha):
    return colour * alpha + 255.0 * (1 - alpha)


# Boxes. Source: ISO/IEC 14496-12, 4.2.


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def with_property(data, kind, body):
    """An AVIF whose one picture has one property more, as its last."""
    made, data = box(kind, body), bytearray(data)
    for name in (b"meta", b"iprp", b"ipma", b"ipco"):
        at = data.index(name) - 4
        grown = len(made) * (name != b"ipma") + (name != b"ipco")
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + grown)
    # Where the items' bytes are; version 0, each one extent of four bytes after a base of four.
    at = data.index(b"iloc") + 4
    assert data[at : at + 6] == bytes([0, 0, 0, 0, 0x44, 0x40])
    for number in range(struct.unpack_from(">H", data, at + 6)[0]):
        place = at + 8 + 18 * number + 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(made) + 1)
    # One association more for the one item, with its number, and essential.
    at = data.index(b"ipma") + 4
    count, shared = data[at + 10], data.index(b"ipco") - 4
    end = shared + struct.unpack_from(">I", data, shared)[0]
    number = sum(1 for _ in inside(data[shared + 8 : end - len(made)])) + 1
    data[at + 10] = count + 1
    data[at + 11 + count : at + 11 + count] = bytes([0x80 | number])
    data[end - len(made) : end - len(made)] = made
    return bytes(data)


def inside(data):
    while data:
        (length,) = struct.unpack_from(">I", data)
        yield data[:length]
        data = data[length:]


# Pixels


@pytest.mark.parametrize("form", ["AVIF", "HEIF", "JPEG2000"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (6, 10), (61, 47), (130, 90)])
def test_a_lossless_file_gives_every_pixel(exact, noise, form, height, width):
    pixels = noise(height, width)
    np.testing.assert_array_equal(images.decode(exact(pixels, form)), pixels)


def test_a_bare_code_stream_gives_every_pixel(exact, noise):
    data = exact(noise(30, 40), "JPEG2000", no_jp2=True)
    assert data[:4] == b"\xff\x4f\xff\x51"
    np.testing.assert_array_equal(images.decode(data), noise(30, 40))


def test_a_heic_of_many_parts_gives_every_pixel(exact, noise):
    data = exact(noise(150, 200), "HEIF", tile_size=64)
    assert data.count(b"hvc1") == 3 * 4
    np.testing.assert_array_equal(images.decode(data), noise(150, 200))


@pytest.mark.parametrize(
    ("form", "options"), [("AVIF", {"quality": 100}), ("HEIF", {"quality": -1}), ("JPEG2000", {})]
)
def test_grey_becomes_three_equal_channels(encoded, form, options):
    grey = values(40, 30).astype(np.uint8)
    decoded = images.decode(encoded(grey, form, **options))
    np.testing.assert_array_equal(decoded, np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("form", ["AVIF", "HEIF", "JPEG2000"])
def test_alpha_lies_over_white(exact, form):
    pixels = values(40, 30, 4).astype(np.uint8)
    expected = over_white(pixels[..., :3], pixels[..., 3:] / 255)
    np.testing.assert_allclose(images.decode(exact(pixels, form)), expected, atol=0.51)


def test_alpha_that_is_multiplied_in_already_is_not_multiplied_again():
    alpha = values(40, 30, 1, seed=4)
    pixels = np.minimum(values(40, 30, 3), alpha)
    file, stored = BytesIO(), np.concatenate([pixels, alpha], axis=2).astype(np.uint8)
    pillow_heif.encode("RGBa", (30, 40), stored.tobytes(), file, **EXACT["HEIF"])
    assert pillow_heif.open_heif(file).mode == "RGBa"
    np.testing.assert_allclose(images.decode(file.getvalue()), pixels + (255.0 - alpha), atol=1)


@pytest.mark.parametrize("bits", [10, 12])
def test_a_heic_of_more_bits_is_scaled_to_eight(bits):
    pixels = values(40, 30, 3, top=2**bits).astype(np.uint16)
    file = BytesIO()
    pillow_heif.encode(f"RGB;{bits}", (30, 40), pixels.tobytes(), file, bit_depth=bits, **EXACT["HEIF"])
    assert pillow_heif.open_heif(file).info["bit_depth"] == bits
    np.testing.assert_allclose(images.decode(file.getvalue()), pixels / (2**bits - 1) * 255, atol=1)


@pytest.mark.parametrize("bits", [10, 12])
def test_an_avif_of_more_bits_is_scaled_to_eight(exact, bits):
    pixels = values(40, 30, 3, top=2**bits)
    data = exact((pixels << (16 - bits)).astype(np.uint16), "AVIF", bitdepth=bits)
    np.testing.assert_allclose(images.decode(data), pixels / (2**bits - 1) * 255, atol=0.51)


@pytest.mark.parametrize("bits", [10, 12])
def test_a_grey_heic_of_more_bits_is_scaled_to_eight(bits):
    grey = values(40, 30, top=2**bits).astype(np.uint16)
    file = BytesIO()
    pillow_heif.encode(f"L;{bits}", (30, 40), grey.tobytes(), file, bit_depth=bits, quality=-1)
    np.testing.assert_allclose(images.decode(file.getvalue())[..., 1], grey / (2**bits - 1) * 255, atol=1)


def test_a_grey_jpeg_2000_of_sixteen_bits_is_scaled_to_eight(encoded):
    grey = values(40, 30, top=65_536).astype(np.uint16)
    np.testing.assert_allclose(images.decode(encoded(grey, "JPEG2000"))[..., 2], grey / 257, atol=0.51)


@pytest.mark.parametrize("form", ["AVIF", "HEIF", "JPEG2000"])
def test_a_photograph_that_lost_a_little_is_still_that_photograph(photographs, encoded, form):
    with Image.open(photographs / "coffee.png") as photograph:
        pixels = np.asarray(photograph.convert("RGB"))
    options = {"quality_mode": "dB", "quality_layers": [40]} if form == "JPEG2000" else {"quality": 90}
    decoded = images.decode(encoded(pixels, form, **options))
    # A turn, a wrong profile or a channel out of place would be ten times as far.
    assert np.abs(decoded.astype(int) - pixels).mean() < 3


# Which picture, and which part of it


def test_a_heic_of_several_pictures_gives_the_one_that_it_names_as_its_first(encoded, noise):
    other = Image.fromarray(noise(40, 30, seed=1))
    data = encoded(other, "HEIF", save_all=True, append_images=[noise_image(noise)], primary_index=1, **EXACT["HEIF"])
    np.testing.assert_array_equal(images.decode(data), noise(24, 36, seed=2))


def noise_image(noise):
    return Image.fromarray(noise(24, 36, seed=2))


def test_a_heic_without_the_picture_that_it_names_is_refused(encoded, noise):
    # Its first is to be the thumbnail of another, which is then the only picture. Source: ISO/IEC 23008-12, 6.4.4.
    data = encoded(noise(80, 60), "HEIF", thumbnails=[32])
    data = data.replace(b"pitm\0\0\0\0\0\1", b"pitm\0\0\0\0\0\2")
    with pytest.raises(DamagedPicture, match="does not hold the picture that it names as its first"):
        images.decode(data)


def test_an_animated_avif_gives_its_first_frame(encoded):
    frames = [Image.new("RGB", (32, 24), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:], quality=100, subsampling="4:4:4")
    assert data[8:12] == b"avis"
    np.testing.assert_allclose(images.decode(data).reshape(-1, 3), [[255, 0, 0]] * (32 * 24), atol=3)


def test_the_small_picture_inside_a_heic_is_never_taken_for_it(encoded):
    data = encoded(Image.new("RGB", (640, 480), "navy"), "HEIF", thumbnails=[128])
    assert b"thmb" in data
    assert images.thumb(data, 8)[1] == (640, 480)


@pytest.mark.parametrize(
    ("aperture", "offset", "seen"),
    # Width and height of what is seen, how far its middle lies from the picture's, and its left, top, right, bottom.
    [
        ((20, 10), (0, 0), (10, 15, 30, 25)),
        ((20, 10), (-10, 15), (0, 30, 20, 40)),
        ((21, 40), (0, 0), (9, 0, 30, 40)),
    ],
)
@pytest.mark.parametrize("number", [1, 6])
def test_of_an_avif_with_a_crop_that_part_is_seen(exact, noise, aperture, offset, seen, number):
    pixels, (left, top, right, bottom) = noise(40, 40), seen
    numbers = [part for value in (*aperture, *offset) for part in (value, 1)]
    data = with_property(exact(pixels, "AVIF"), b"clap", struct.pack(">IIIIiIiI", *numbers))
    part = pixels[top:bottom, left:right]
    if number == 6:
        # A quarter to the right, which is three to the left. Source: ISO/IEC 23008-12, 6.5.10.
        data, part = with_property(data, b"irot", b"\3"), np.rot90(part, -1)
    np.testing.assert_array_equal(images.decode(data), part)
    assert images.size(data) == part.shape[1::-1]


# How it lies


def oriented(number):
    exif = Image.Exif()
    exif[ORIENTATION] = number
    return exif.tobytes()


@pytest.mark.parametrize("number", range(1, 9))
def test_every_orientation_of_a_heic_comes_out_upright_once(exact, noise, number):
    # The encoder says it twice: by boxes, which count, and in Exif, which does not.
    data, upright = exact(STORED[number](noise(24, 40)), "HEIF", exif=oriented(number)), noise(24, 40)
    assert (b"irot" in data or b"imir" in data) == (number != 1)
    np.testing.assert_array_equal(images.decode(data), upright)
    np.testing.assert_array_equal(images.tiles(data, 40, 24, [WHOLE])[0], upright)
    assert images.size(data) == (40, 24)


# Turns to the left in quarters, and a mirror that lies (0) or stands (1). Source: ISO/IEC 23008-12, 6.5.10, 6.5.12.
BOXES = {1: (0, None), 2: (0, 1), 3: (2, None), 4: (0, 0), 5: (1, 0), 6: (3, None), 7: (3, 0), 8: (1, None)}


@pytest.mark.parametrize("number", range(1, 9))
def test_every_orientation_of_an_avif_comes_out_upright_once(exact, noise, number):
    upright, (turns, mirror) = noise(24, 40), BOXES[number]
    data = with_property(exact(STORED[number](upright), "AVIF"), b"irot", bytes([turns]))
    if mirror is not None:
        data = with_property(data, b"imir", bytes([mirror]))
    np.testing.assert_array_equal(images.decode(data), upright)
    np.testing.assert_array_equal(images.tiles(data, 40, 24, [WHOLE])[0], upright)
    assert images.size(data) == (40, 24)
    # And libheif, which is not what decodes it here, says the same.
    np.testing.assert_array_equal(pyvips.Image.new_from_buffer(data, "").numpy(), upright)


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_an_orientation_that_exif_alone_tells_does_not_count(encoded, form):
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[:12] = 200
    # Written under a neighbour's number, so that the encoder makes no box of it.
    exif = oriented(6).replace(b"\x01\x12", b"\x01\x13")
    data = encoded(pixels, form, exif=exif, quality=95)
    assert data.count(b"\0\1\x01\x13") == 1
    data = data.replace(b"\0\1\x01\x13", b"\0\1\x01\x12")
    np.testing.assert_allclose(images.decode(data), pixels, atol=12)
    assert images.size(data) == (40, 24)


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_an_orientation_that_xmp_alone_tells_does_not_count(encoded, form):
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[:12] = 200
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf tiff:Orientation=\"1\"/></x:xmpmeta>"
    data = encoded(pixels, form, xmp=xmp, quality=95)
    rotated = data.replace(b'Orientation="1"', b'Orientation="6"')
    assert rotated != data
    np.testing.assert_allclose(images.decode(rotated), pixels, atol=12)


# Colours

P3_TO_SRGB = ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))
"""Linear Display P3 to linear sRGB. Source: CSS Color Module Level 4, sample code."""
BT2020_TO_SRGB = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
"""Source: ITU-R BT.2407-0, equation 2."""
COLOUR = (170, 120, 90)


def linear(signal):
    """Source: IEC 61966-2-1."""
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def encoded_srgb(light):
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def coded(encoded, form, primaries, transfer, colour=COLOUR):
    """A picture of one colour, named by code points of H.273."""
    picture = Image.new("RGB", (64, 64), colour)
    if form == "HEIF":
        names = {"color_primaries": primaries, "transfer_characteristics": transfer}
        return encoded(picture, form, **EXACT["HEIF"], **names)
    data = encoded(picture, form, quality=100, subsampling="4:4:4")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
@pytest.mark.parametrize(
    ("primaries", "transfer", "matrix", "light"),
    [
        (1, 13, np.eye(3), linear),
        (2, 2, np.eye(3), linear),
        (1, 1, np.eye(3), linear),
        (12, 13, P3_TO_SRGB, linear),
        (9, 14, BT2020_TO_SRGB, linear),
        (1, 8, np.eye(3), lambda signal: signal),
        (1, 4, np.eye(3), lambda signal: signal**2.2),
        (1, 5, np.eye(3), lambda signal: signal**2.8),
        (1, 17, np.eye(3), lambda signal: signal**2.6),
        (12, 8, P3_TO_SRGB, lambda signal: signal),
    ],
)
def test_colours_that_are_named_by_numbers_are_converted_to_srgb(encoded, form, primaries, transfer, matrix, light):
    decoded = images.decode(coded(encoded, form, primaries, transfer)).reshape(-1, 3)
    expected = encoded_srgb(np.array(matrix) @ light(np.array(COLOUR) / 255))
    np.testing.assert_allclose(decoded, [expected] * len(decoded), atol=3)


C, D65 = (0.310, 0.316), (0.3127, 0.3290)
SYSTEMS = {
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), C),  # NTSC of 1953: 47 CFR 73.682
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),  # PAL and SECAM: ITU-R BT.470
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),  # SMPTE 170M
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),  # SMPTE 240M
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), C),  # film through Wratten 25, 58 and 47
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),  # ITU-R BT.2020
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),  # DCI-P3: SMPTE RP 431-2
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),  # P3 under D65: SMPTE EG 432-1
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),  # EBU Tech 3213 as H.273 has it
}


def assert_corners(made, system):
    """Bradford's cones lead from a profile's own white back to that of the system. Source: ICC.1:2010, annex E."""
    profile = ImageCms.ImageCmsProfile(BytesIO(made)).profile
    *corners, (x, y) = system
    white = np.array([x / y, 1, (1 - x - y) / y])
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    back = np.linalg.inv(cones) @ np.diag(cones @ white / (cones @ (0.9642, 1, 0.8249))) @ cones
    primaries = [back @ primary[0] for primary in (profile.red_primary, profile.green_primary, profile.blue_primary)]
    np.testing.assert_allclose([seen[:2] / seen.sum() for seen in primaries], corners, atol=5e-4)
    np.testing.assert_allclose(sum(primaries), white, atol=5e-4)


@pytest.mark.parametrize("number", SYSTEMS)
def test_every_system_of_colours_has_the_red_green_blue_and_white_of_its_standard(number):
    assert_corners(cicp.icc_profile(number, 8), SYSTEMS[number])


def test_a_grey_is_as_dark_among_other_primaries_as_among_those_of_srgb(encoded):
    greys = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    decoded = images.decode(encoded(Image.fromarray(greys), "PNG", icc_profile=cicp.icc_profile(12, 13)))
    np.testing.assert_array_equal(decoded, greys)


@pytest.mark.parametrize("made", [cicp.adobe_rgb(), cicp.icc_profile(12, 8), cicp.icc_profile(1, 8, grey=True)])
def test_a_profile_has_its_length_its_type_and_zeros_where_the_standard_wants_them(made):
    # Source: ICC.1:2001-04, 6.1 for the head, 6.2 for the table of tags, 6.5 for four zeros after the type of each.
    assert (len(made), made[36:40], made[100:128]) == (int.from_bytes(made[:4]), b"acsp", bytes(28))
    for name, start, length in struct.iter_unpack(">4sII", made[132 : 132 + 12 * int.from_bytes(made[128:132])]):
        kind = {b"XYZ": b"XYZ ", b"TRC": b"curv"}.get(name[1:], {b"wtpt": b"XYZ "}.get(name, name))
        assert (made[start : start + 8], start % 4) == (kind + bytes(4), 0)
        assert start + length <= len(made)


def test_adobe_rgb_has_the_corners_and_the_gamma_of_its_standard(encoded):
    # Source: Adobe RGB (1998) Color Image Encoding, 4.3.1 and 4.3.4.
    assert_corners(cicp.adobe_rgb(), ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65))
    greys = Image.new("RGB", (3, 3), (40, 40, 40))
    decoded = images.decode(encoded(greys, "PNG", icc_profile=cicp.adobe_rgb()))
    np.testing.assert_allclose(decoded, encoded_srgb((40 / 255) ** 2.19921875), atol=1)


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
@pytest.mark.parametrize(
    ("transfer", "signal", "nits"),
    # In per cent. White of paper, a grey card, and beyond. Source: ITU-R BT.2408-7, table 1.
    [(16, 58, 203), (16, 38, 26), (16, 75, 1000), (18, 75, 203), (18, 38, 26), (18, 100, 1000)],
)
def test_light_of_high_dynamic_range_is_measured_by_the_white_of_paper(encoded, form, transfer, signal, nits):
    grey = round(255 * signal / 100)
    decoded = images.decode(coded(encoded, form, 9, transfer, (grey, grey, grey))).reshape(-1, 3)
    expected = encoded_srgb(nits / 203)
    # The table has whole per cents, and a per cent is up to four levels.
    np.testing.assert_allclose(decoded, [[expected] * 3] * len(decoded), atol=5)


def profile_of_gamma(gamma):
    """The sRGB profile that Pillow makes, with another tone curve: ICC.1:2010, 10.16, a function of type 0."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for number in range(struct.unpack_from(">I", data, 128)[0]):
        name, at, _ = struct.unpack_from(">4sII", data, 132 + 12 * number)
        if name in {b"rTRC", b"gTRC", b"bTRC"}:
            struct.pack_into(">4sIHHi", data, at, b"para", 0, 0, 0, round(gamma * 65_536))
        if name == b"desc":
            place = data.find("sRGB".encode("utf-16-be"), at)
            data[place : place + 8] = "Test".encode("utf-16-be")
    return bytes(data)


def with_profile(data, profile):
    """A JPEG 2000 file with a profile in its header. Source: T.800, I.5.3.3."""
    start = data.index(b"colr") - 4
    (length,) = struct.unpack_from(">I", data, start)
    colour = box(b"colr", b"\2\0\0" + profile)
    head = data.index(b"jp2h") - 4
    (whole,) = struct.unpack_from(">I", data, head)
    grown = struct.pack(">I", whole + len(colour) - length)
    return data[:head] + grown + data[head + 4 : start] + colour + data[start + length :]


@pytest.mark.parametrize("form", ["AVIF", "HEIF", "JPEG2000"])
@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_a_profile_is_followed(encoded, form, gamma):
    picture, profile = Image.new("RGB", (64, 64), COLOUR), profile_of_gamma(gamma)
    if form == "JPEG2000":
        data = with_profile(encoded(picture, form), profile)
    else:
        options = EXACT["HEIF"] if form == "HEIF" else {"quality": 100, "subsampling": "4:4:4"}
        data = encoded(picture, form, icc_profile=profile, **options)
    expected = encoded_srgb((np.array(COLOUR) / 255) ** gamma)
    np.testing.assert_allclose(images.decode(data)[32, 32], expected, atol=3)


# What it costs

PLAIN = """
import sys
from worker.decoding import images
images.decode(sys.stdin.buffer.read())
print(sorted({"pillow_heif", "PIL.AvifImagePlugin", "PIL.ImageCms"} & sys.modules.keys()))
"""


def test_a_jpeg_loads_no_decoder_but_its_own(encoded, noise):
    command = [sys.executable, "-c", PLAIN]
    done = subprocess.run(command, input=encoded(noise(9, 9), "JPEG"), capture_output=True, check=True)
    assert done.stdout == b"[]\n"


# What is refused by the header


def test_a_heic_larger_than_the_limit_is_refused_however_little_of_it_is_shown(exact, noise):
    # HEVC has no picture of 30 x 40: 64 x 64 are coded, and cropped.
    data = bytearray(exact(noise(40, 30), "HEIF"))
    assert b"clap" in data
    at = data.index(b"ispe") + 8
    struct.pack_into(">II", data, at, 12_000, 12_000)
    with pytest.raises(TooManyPixels, match="12,000 x 12,000 = 144,000,000 pixels; the limit is 128,000,000"):
        images.decode(bytes(data))


@pytest.mark.parametrize(("name", "at"), [(b"ihdr", 4), (b"\xff\x4f\xff\x51", 8)])
def test_a_jpeg_2000_whose_header_and_code_stream_disagree_is_refused(exact, noise, name, at):
    data = bytearray(exact(noise(64, 64), "JPEG2000"))
    struct.pack_into(">I", data, data.index(name) + at, 12_000)
    with pytest.raises(DamagedPicture, match="says one thing of its picture, and its code stream another"):
        images.decode(bytes(data))


def test_a_jpeg_2000_of_more_components_than_colours_is_refused(exact, noise):
    data = bytearray(exact(noise(64, 64), "JPEG2000"))
    struct.pack_into(">H", data, data.index(b"\xff\x4f\xff\x51") + 40, 16_384)
    # Pillow looks only where the code stream comes at once.
    at = data.index(b"jp2c") - 4
    data[at:at] = box(b"free", b"")
    with pytest.raises(DamagedPicture, match="says one thing of its picture, and its code stream another"):
        images.decode(bytes(data))


@pytest.mark.parametrize("tags", [{50706: bytes([1, 7, 0, 0])}, {254: 1, 330: 8}])
def test_a_raw_photo_in_the_form_of_a_tiff_is_named_and_refused(encoded, noise, tags):
    # DNG 1.7, chapter 4: DNGVersion; TIFF/EP: a reduced picture first, and the photo in a directory below.
    directory = ImageFileDirectory_v2()
    for number, value in tags.items():
        directory[number] = value
    with pytest.raises(NotAPicture, match="The file is a camera's raw photo, which Tessera does not read"):
        images.decode(encoded(noise(9, 9), "TIFF", tiffinfo=directory))
