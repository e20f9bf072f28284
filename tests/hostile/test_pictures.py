"""Pictures made to do harm, or only strange: the right pixels or a clear refusal, in little memory.

What `tests/unit/test_images.py` asks of PNG and JPEG is asked here of every format that can hold it.
"""

import json
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from pypdfium2 import PdfDocument

from models.errors import TooManyPixels, UnusablePicture
from models.rules.formats import Format
from models.rules.orders import MosaicOrder
from worker.core.windows import WHOLE
from worker.decoding import headers, images
from worker.local_index import folder_index
from worker.rendering import writer
from worker.rendering.pipeline import render
from worker.tile_index import index

BOMB_MEBIBYTES = 100
"""What a refusal may take: Pillow reads up to 64 MiB of text out of a PNG before it has had enough."""
WAYS = {
    "decode": images.decode,
    "tile": lambda data: images.tiles(data, 5, 4, [WHOLE])[0],
    "thumb": lambda data: images.thumb(data, 8),
    "prepared": lambda data: images.prepared(data, 8, 16),
    "size": images.size,
}
ROOT = Path(images.__file__).parents[2]
NASTY = sorted((ROOT.parent / "shared/photos/nasty").glob("*/"))
"""Folders of files that broke other programs; they are not part of the project."""


def random_values(*shape, top=256, seed=3):
    return np.random.default_rng(seed).integers(0, top, shape)


def over_white(colour, alpha):
    """Colours of 0 to 255 under an alpha of 0 to 1, laid over white."""
    return colour * alpha + 255.0 * (1 - alpha)


# Files made by hand


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(values, colour_type, bits=16, before=b"", squeezed=None, size=None):
    """A PNG without filters. Source: PNG (3rd edition), 11.2.1; colour types 0 grey, 2 RGB, 4 and 6 with alpha."""
    height, width = size or values.shape[:2]
    if squeezed is None:
        dtype = ">u2" if bits == 16 else "u1"
        squeezed = zlib.compress(b"".join(b"\0" + row.astype(dtype).tobytes() for row in values))
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", header) + before + chunk(b"IDAT", squeezed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff(size, body, order="<", **more):
    """A TIFF of one strip or tile. Source: TIFF 6.0, section 2; the names are the tags' numbers with a `t` before."""
    width, height = size
    tags = {256: (width,), 257: (height,), 258: (8,), 259: (1,), 262: (1,), 277: (1,)}
    tags |= {int(name[1:]): value for name, value in more.items()}
    place, count = (324, 325) if 322 in tags else (273, 279)
    tags |= {place: (0,), count: (len(body),)} | ({} if 322 in tags else {278: (height,)})
    start = 8 + 2 + 12 * len(tags) + 4
    long = b"".join(struct.pack(f"{order}{len(v)}I", *v) for v in tags.values() if len(v) > 1)
    tags[place] = (start + len(long),)
    table, at = b"", start
    for number, value in sorted(tags.items()):
        words = struct.pack(f"{order}{len(value)}I", *value)
        if len(value) > 1:
            table += struct.pack(f"{order}HHII", number, 4, len(value), at)
            at += len(words)
        else:
            table += struct.pack(f"{order}HHI", number, 4, 1) + words
    long = b"".join(struct.pack(f"{order}{len(v)}I", *v) for _, v in sorted(tags.items()) if len(v) > 1)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    return head + table + b"\0" * 4 + long + body


def squeezed_zeros(count):
    """So many zero bytes, or up to a mebibyte more, deflated without ever having them all: one block again and again.

    Source: RFC 1950, where the sums of Adler-32 over n zeros are 1 and n.
    """
    press, room = zlib.compressobj(9, wbits=-15), bytes(1 << 20)
    press.compress(room)
    press.flush(zlib.Z_FULL_FLUSH)
    block = press.compress(room) + press.flush(zlib.Z_FULL_FLUSH)
    blocks = -(-count // len(room))
    return b"\x78\xda" + block * blocks + b"\x03\0" + struct.pack(">HH", blocks * len(room) % 65_521, 1)


def changed(data, at, layout, *values):
    data = bytearray(data)
    struct.pack_into(layout, data, at, *values)
    return bytes(data)


def small(form, **options):
    headers.load_plugins()
    file = BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(file, form, **options)
    return file.getvalue()


def webp_extended():
    """A WebP whose canvas is 65,500 x 65,500 by its extended header. Source: RFC 9649, 2.7.1."""
    picture = small("WEBP", lossless=True)[12:]
    side = (65_499).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0" * 4 + side + side + picture
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_frame():
    """A GIF of 8 x 8 pixels with a frame of 65,535 x 65,535."""
    data = small("GIF")
    return changed(data, data.index(b",\0\0\0\0") + 5, "<HH", 65_535, 65_535)


def jpeg_2000():
    """A JPEG 2000 file of 65,500 x 65,500 pixels in one tile, by its box and by its code stream."""
    data = small("JPEG2000")
    data = changed(data, data.index(b"ihdr") + 4, ">II", 65_500, 65_500)
    return changed(data, data.index(b"\xff\x4f\xff\x51") + 8, ">6I", 65_500, 65_500, 0, 0, 65_500, 65_500)


HEADERS = {
    "png": png(None, 2, 8, squeezed=b"", size=(65_500, 65_500)),
    "png-one-bit": png(None, 0, 1, squeezed=b"", size=(65_500, 65_500)),
    "jpeg": changed(small("JPEG"), small("JPEG").index(b"\xff\xc0") + 5, ">HH", 65_500, 65_500),
    "jpeg-progressive": changed(
        small("JPEG", progressive=True), small("JPEG", progressive=True).index(b"\xff\xc2") + 5, ">HH", 65_500, 65_500
    ),
    "gif": changed(small("GIF"), 6, "<HH", 65_500, 65_500),
    "gif-frame": gif_frame(),
    "bmp": changed(small("BMP"), 18, "<ii", 65_500, 65_500),
    "bmp-upside-down": changed(small("BMP"), 18, "<ii", 65_500, -65_500),
    "tiff": tiff((65_500, 65_500), b"\0"),
    "tiff-big-endian": tiff((65_500, 65_500), b"\0", ">"),
    # One bit of Group 4 says that a whole line is as the one above: 65,500 lines in 8 kB.
    "tiff-fax": tiff((65_500, 65_500), b"\xff" * 8_188, t258=(1,), t259=(4,), t262=(0,)),
    # 14 bits a side is what a simple WebP can say. Source: RFC 6386, 9.1, and RFC 9649, 3.4.
    "webp": changed(small("WEBP"), small("WEBP").index(b"\x9d\x01\x2a") + 3, "<HH", 16_383, 16_383),
    "webp-lossless": changed(
        small("WEBP", lossless=True), small("WEBP", lossless=True).index(b"VP8L") + 9, "<I", 16_382 | 16_382 << 14
    ),
    # As many as their own libraries would take.
    "avif": changed(small("AVIF"), small("AVIF").index(b"ispe") + 8, ">II", 16_000, 16_000),
    "heic": changed(small("HEIF"), small("HEIF").index(b"ispe") + 8, ">II", 16_000, 16_000),
    "jpeg-2000": jpeg_2000(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bomb", HEADERS)
def test_a_header_that_promises_more_pixels_than_anyone_has_is_refused_in_no_memory(peak, bomb, way):
    with peak() as seen, pytest.raises(TooManyPixels, match="pixels; the limit is"):
        WAYS[way](HEADERS[bomb])
    assert seen.growth < 10


@pytest.mark.parametrize("way", WAYS)
def test_an_extended_webp_that_lies_about_its_canvas_is_refused_in_no_memory(peak, way):
    with peak() as seen, pytest.raises(UnusablePicture):
        WAYS[way](webp_extended())
    assert seen.growth < 10


@pytest.fixture(scope="module")
def bombs():
    """Small files that inflate for real."""
    side, text = 30_000, squeezed_zeros(500_000_000)
    many = b"".join(chunk(b"zTXt", b"%d\0\0" % n + zlib.compress(bytes(1_000_000))) for n in range(200))
    white = np.full((2, 2, 3), 255)
    return {
        "png-pixels": png(None, 0, 1, squeezed=squeezed_zeros(40_000 * 5_001), size=(40_000, 40_000)),
        "png-profile": png(white, 2, 8, chunk(b"iCCP", b"p\0\0" + text)),
        "png-text": png(white, 2, 8, chunk(b"zTXt", b"t\0\0" + text)),
        "png-international-text": png(white, 2, 8, chunk(b"iTXt", b"t\0\1\0\0\0" + text)),
        "png-many-texts": png(white, 2, 8, many),
        "tiff-tile": tiff((16, 16), squeezed_zeros(side * side), t259=(8,), t322=(side,), t323=(side,)),
        "tiff-tile-of-nothing": tiff((16, 16), bytes(99), t259=(5,), t322=(side,), t323=(side,)),
        "tiff-pixels": tiff((side, side), squeezed_zeros(side * side), t259=(8,)),
    }


BOMBS = ("png-pixels", "tiff-tile", "tiff-tile-of-nothing", "tiff-pixels")
BOMBS_BESIDE = ("png-profile", "png-text", "png-international-text", "png-many-texts")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_inflates_to_hundreds_of_megabytes_is_refused_in_bounded_memory(peak, bombs, name, way):
    with peak() as seen, pytest.raises(UnusablePicture):
        WAYS[way](bombs[name])
    assert seen.growth < BOMB_MEBIBYTES


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BOMBS_BESIDE)
def test_what_inflates_beside_the_pixels_of_a_png_is_dropped_in_bounded_memory(peak, bombs, name, way):
    with peak() as seen:
        WAYS[way](bombs[name])
    assert seen.growth < BOMB_MEBIBYTES
    assert np.unique(images.decode(bombs[name])).tolist() == [255]


def test_what_a_png_holds_beyond_its_pixels_is_never_inflated(peak):
    data = png(None, 2, 8, squeezed=squeezed_zeros(300_000_000), size=(2, 2))
    with peak() as seen:
        assert images.decode(data).tolist() == [[[0] * 3] * 2] * 2
    assert seen.growth < 10


def test_what_a_tiff_holds_beyond_its_pixels_is_never_inflated(peak):
    data = tiff((16, 16), squeezed_zeros(300_000_000), t259=(8,), t278=(2**32 - 1,))
    with peak() as seen:
        assert np.unique(images.decode(data)).tolist() == [0]
    assert seen.growth < 10


@pytest.mark.parametrize("name", [b"pixi", b"ispe"])
@pytest.mark.parametrize("way", WAYS)
def test_a_property_that_must_be_understood_and_whose_name_is_no_text_is_refused(way, name):
    """libvips quotes the name in its error. Source: ISO/IEC 23008-12, 9.3: a high bit makes a property essential."""
    data = bytearray(small("AVIF"))
    place = data.index(b"ipma") + 4 + 4 + 4 + 2  # full box, entries, item
    for number in range(data[place]):
        data[place + 1 + number] |= 0x80
    with pytest.raises(UnusablePicture):
        WAYS[way](bytes(data).replace(name, b"\x82\xbd\xe4v"))


def test_of_ten_thousand_frames_the_first_is_decoded(peak, encoded, noise):
    first, more = Image.new("RGB", (200, 200), "red"), Image.new("RGB", (200, 200), "blue")
    data = encoded(first, "GIF", save_all=True, append_images=[more, first] * 100)
    trailer = data[-1:]
    data = data[:-1] + data[data.rindex(b"\x21\xf9\x04") : -1] * 10_000 + trailer
    with peak() as seen:
        assert np.unique(images.decode(data).reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]
    assert seen.growth < 20


def test_a_tiff_whose_directory_leads_back_to_itself_gives_its_pixels():
    data = tiff((2, 1), b"\x00\xff")
    (count,) = struct.unpack_from("<H", data, 8)
    assert images.decode(changed(data, 10 + 12 * count, "<I", 8)).tolist() == [[[0] * 3, [255] * 3]]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("field", range(9))
def test_a_tiff_whose_tag_counts_four_billion_values_is_pixels_or_refused(peak, field):
    data = changed(tiff((2, 1), b"\x00\xff"), 10 + 12 * field + 4, "<I", 2**32 - 1)
    with peak() as seen:
        try:
            assert images.decode(data).shape[2] == 3
        except UnusablePicture as error:
            assert error.code in {"not_a_picture", "damaged_picture", "truncated_picture"}  # noqa: PT017 - one of two
    assert seen.growth < 10


# Files that break off

SHORTENED = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("GIF", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_deflate"}),
    ("TIFF", {"compression": "jpeg"}),
    ("AVIF", {}),
    ("AVIF", {"quality": 100, "subsampling": "4:4:4"}),
    ("HEIF", {}),
    ("HEIF", {"tile_size": 16}),
    ("JPEG2000", {}),
    ("JPEG2000", {"no_jp2": True, "irreversible": True}),
]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize(("form", "options"), SHORTENED)
def test_a_picture_cut_at_every_tenth_byte_is_all_its_pixels_or_refused(encoded, noise, form, options):
    data = encoded(noise(20, 30), form, **options)
    ways = {
        **WAYS,
        "thumb": lambda data: images.thumb(data, 8)[0],
        "prepared": lambda data: images.prepared(data, 8, 16).thumb,
    }
    whole = {name: way(data) for name, way in ways.items()}
    for cut in range(0, len(data), 10):
        for name, way in ways.items():
            with suppress(UnusablePicture):
                np.testing.assert_array_equal(way(data[:cut]), whole[name], f"{name} of the first {cut} bytes")


# Strange, and right


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3)])
def test_a_png_of_sixteen_bits_is_scaled_to_eight(colour_type, channels):
    values = random_values(5, 7, channels, top=65_536)
    expected = np.broadcast_to(values / 257, (5, 7, 3))
    np.testing.assert_allclose(images.decode(png(values, colour_type)), expected, atol=1)


@pytest.mark.parametrize(("colour_type", "channels"), [(4, 2), (6, 4)])
def test_a_png_of_sixteen_bits_with_alpha_lies_over_white(colour_type, channels):
    values = random_values(5, 7, channels, top=65_536)
    expected = over_white(values[..., :-1] / 257, values[..., -1:] / 65_535)
    np.testing.assert_allclose(images.decode(png(values, colour_type)), np.broadcast_to(expected, (5, 7, 3)), atol=2)


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3)])
def test_the_transparent_colour_of_a_png_of_sixteen_bits_becomes_white(colour_type, channels):
    values = random_values(5, 7, channels, top=65_536)
    clear = values[2, 3].copy()
    values[4, 6] = clear
    expected = np.broadcast_to(values / 257, (5, 7, 3)).copy()
    expected[2, 3] = expected[4, 6] = 255
    data = png(values, colour_type, before=chunk(b"tRNS", clear.astype(">u2").tobytes()))
    np.testing.assert_allclose(images.decode(data), expected, atol=1)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("channels", "more"), [(1, {}), (3, {"t262": (2,)}), (4, {"t262": (2,), "t338": (2,)})])
def test_a_tiff_of_sixteen_bits_is_scaled_to_eight(order, channels, more):
    values = random_values(5, 7, channels, top=65_536)
    alpha = values[..., 3:] / 65_535 if channels == 4 else 1
    expected = over_white(values[..., :3] / 257, alpha)
    body = values.astype(f"{order}u2").tobytes()
    data = tiff((7, 5), body, order, t258=(16,) * channels, t277=(channels,), **more)
    np.testing.assert_allclose(images.decode(data), np.broadcast_to(expected, (5, 7, 3)), atol=2)


@pytest.mark.parametrize("bits", [1, 8, 16])
@pytest.mark.parametrize("white", [0, 1])
def test_a_tiff_says_whether_zero_is_white(bits, white):
    values = random_values(4, 8, top=2**bits)
    body = (
        np.packbits(values.astype(bool), axis=1).tobytes() if bits == 1 else values.astype(f"<u{bits // 8}").tobytes()
    )
    expected = values / (2**bits - 1) * 255
    decoded = images.decode(tiff((8, 4), body, t258=(bits,), t262=(white,)))
    np.testing.assert_allclose(decoded[..., 0], expected if white else 255 - expected, atol=0.5)


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("BMP", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "group4"}),
        ("TIFF", {"compression": "packbits"}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_one_bit_is_black_and_white_in_every_format(encoded, form, options):
    bits = random_values(5, 7, top=2).astype(bool)
    decoded = images.decode(encoded(Image.fromarray(bits), form, **options))
    np.testing.assert_array_equal(decoded, np.repeat(bits[..., None] * np.uint8(255), 3, axis=2))


@pytest.mark.parametrize(
    ("form", "options"),
    [("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True, "exact": True})],
)
def test_alpha_lies_over_white_in_every_format(encoded, form, options):
    values = random_values(6, 8, 4).astype(np.uint8)
    decoded = images.decode(encoded(Image.fromarray(values), form, **options))
    np.testing.assert_allclose(decoded, over_white(values[..., :3], values[..., 3:] / 255), atol=0.51)


def test_the_fourth_byte_of_a_plain_bitmap_is_no_alpha(encoded):
    # With the header of Windows 3 it is reserved.
    values = random_values(6, 8, 4).astype(np.uint8)
    np.testing.assert_array_equal(images.decode(encoded(Image.fromarray(values), "BMP")), values[..., :3])


@pytest.fixture
def palette():
    """A picture of four colours, which of them lies where, and the colours."""
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90], [100, 110, 120]])
    numbers = random_values(6, 8, top=4).astype(np.uint8)
    picture = Image.frombytes("P", (8, 6), numbers.tobytes())
    picture.putpalette(colours.ravel().tolist())
    return picture, numbers, colours


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF"])
def test_a_palette_gives_its_colours_in_every_format(encoded, palette, form):
    picture, numbers, colours = palette
    np.testing.assert_array_equal(images.decode(encoded(picture, form)), colours[numbers])


def test_the_transparent_colour_of_a_gif_becomes_white(encoded, palette):
    picture, numbers, colours = palette
    colours[2] = 255
    np.testing.assert_array_equal(images.decode(encoded(picture, "GIF", transparency=2)), colours[numbers])


def test_every_colour_of_a_palette_has_its_own_transparency(encoded, palette):
    picture, numbers, colours = palette
    alpha = np.array([0, 128, 255, 64])
    decoded = images.decode(encoded(picture, transparency=bytes(alpha.tolist())))
    np.testing.assert_allclose(decoded, over_white(colours, alpha[:, None] / 255)[numbers], atol=0.51)


def test_inks_of_a_tiff_come_out_as_light(encoded):
    inks = random_values(5, 7, 4).astype(np.uint8)
    light = (255.0 - inks[..., :3]) * (255.0 - inks[..., 3:]) / 255
    decoded = images.decode(encoded(Image.frombytes("CMYK", (7, 5), inks.tobytes()), "TIFF"))
    np.testing.assert_allclose(decoded, light, atol=0.51)


def test_inks_of_a_jpeg_with_black_come_out_as_light(encoded):
    inks = (40, 90, 140, 60)
    data = encoded(Image.new("CMYK", (16, 16), inks), "JPEG", quality=100)
    # Adobe's marker means that the file holds 255 minus the ink; T.872, 6.5.3.
    assert b"Adobe" in data
    light = [(255 - ink) * (255 - inks[3]) / 255 for ink in inks[:3]]
    np.testing.assert_allclose(images.decode(data).reshape(-1, 3), [light] * 256, atol=2)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("gamma", "curve"), [(1.0, lambda light: light), (1.8, lambda light: light**1.8)])
def test_a_profile_of_another_gamma_is_followed_in_every_format(encoded, form, gamma, curve):
    options = {"lossless": True} if form == "WEBP" else {"quality": 100} if form == "JPEG" else {}
    data = encoded(Image.new("RGB", (8, 8), (180, 180, 180)), form, icc_profile=grey_profile(gamma), **options)
    light = curve(180 / 255)
    # Source: IEC 61966-2-1.
    expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(images.decode(data)[4, 4], [expected] * 3, atol=2)


def grey_profile(gamma):
    """The sRGB profile that Pillow makes, with another tone curve: ICC.1:2010, 10.16, a function of type 0."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    for number in range(count):
        name, at, _ = struct.unpack_from(">4sII", data, 132 + 12 * number)
        if name in {b"rTRC", b"gTRC", b"bTRC"}:
            struct.pack_into(">4sIHHi", data, at, b"para", 0, 0, 0, round(gamma * 65_536))
        if name == b"desc":
            place = data.find("sRGB".encode("utf-16-be"), at)
            data[place : place + 8] = "Test".encode("utf-16-be")
    return bytes(data)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("number", "stored"),
    # Source: CIPA DC-008 (Exif 3.0), 4.6.5.1.6.
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, 1)),
        (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
        (8, lambda a: np.rot90(a, -1)),
    ],
)
def test_tiles_and_thumbs_are_upright_whatever_the_orientation(encoded, noise, form, number, stored):
    upright, exif = noise(6, 10), Image.Exif()
    exif[0x0112] = number
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(np.ascontiguousarray(stored(upright)), form, exif=exif, **options)
    np.testing.assert_array_equal(images.tiles(data, 10, 6, [WHOLE])[0], upright)
    plain = images.thumb(encoded(upright), 4)
    np.testing.assert_array_equal(images.thumb(data, 4)[0], plain[0])
    assert images.thumb(data, 4)[1] == plain[1] == (10, 6)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".txt", ""])
def test_the_bytes_decide_what_a_file_is_and_not_its_name(tmp_path, encoded, noise, measured, ending):
    photos = [encoded(noise(6, 9, seed), form) for seed, form in enumerate(headers.FORMATS.values())]
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, data in enumerate(photos):
        (folder / f"{number}{ending}").write_bytes(data)
    found = folder_index.open_folder(str(folder), lambda *_: None, str(tmp_path / "cache"))
    assert found.skipped == []
    expected = index.of_tiles([measured(data) for data in photos])
    assert found.tiles.content.tolist() == expected.content.tolist()
    assert found.tiles.thumb.tolist() == expected.thumb.tolist()


# What a mosaic must not tell

SECRETS = (
    b"SECRET-MAKE",
    b"SECRET-GPS",
    b"SECRET-XMP",
    b"SECRET-COMMENT",
    b"SECRET-TEXT",
    b"SECRET-NAME",
    b"SECRET-ICC",
)


def secretive(pixels, form, encoded):
    """A picture that says all that a picture can about its maker."""
    exif = Image.Exif()
    exif[0x010F], exif[0x9286] = "SECRET-MAKE", b"ASCII\0\0\0SECRET-COMMENT"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: "SECRET-GPS"})
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRET-XMP</x:xmpmeta>"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + b"SECRET-ICC"
    picture = Image.fromarray(pixels)
    if form == "JPEG":
        thumbnail = encoded(picture.resize((8, 8)), "JPEG", comment="SECRET-TEXT")
        whole = encoded(picture, form, exif=exif, xmp=xmp, icc_profile=profile, comment="SECRET-COMMENT")
        # An application segment with a thumbnail in it, as cameras leave one.
        extra = b"JFXX\0\x10" + thumbnail
        return whole[:2] + b"\xff\xe0" + struct.pack(">H", len(extra) + 2) + extra + whole[2:]
    data = encoded(picture, form, exif=exif, icc_profile=profile)
    marks = chunk(b"tEXt", b"Comment\0SECRET-TEXT") + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    at = data.index(b"IDAT") - 4
    return data[:at] + marks + data[at:]


def marks_in(data):
    """What Pillow finds in a file beside the pixels, and beside who made it."""
    with Image.open(BytesIO(data)) as image:
        image.load()
        # A TIFF's own fields are among them; of the others' only numbers, such as the dots per inch.
        told = [*image.getexif().values(), *image.getexif().get_ifd(ExifTags.IFD.Exif).values()]
        assert image.format == "TIFF" or not any(isinstance(value, str) for value in told)
        assert image.format != "PNG" or told == []
        if "xmp" in image.info:
            assert re.findall(rb'xmp:\w+="(.*?)"|>([^<]+)<', image.info["xmp"]) == [(b"Tessera", b"")]
        assert image.info.get("Software", "Tessera") == "Tessera"
        return set(image.info) - {"xmp", "Software"}


NOTHING = {
    "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "srgb", "icc_profile", "exif", "compression",
    "loop", "background", "timestamp", "duration",
}  # fmt: skip
"""Numbers that every file of a format has, the dots per inch, and that the pixels are sRGB."""


@pytest.fixture(scope="module")
def talkative(encoded, noise):
    """A target, and photos for it, all with secrets."""
    photos = [secretive(noise(16, 16, seed), "JPEG" if seed % 2 else "PNG", encoded) for seed in range(12)]
    target = secretive(noise(40, 60, 99), "JPEG", encoded)
    assert {secret for secret in SECRETS if secret in target + b"".join(photos)} >= set(SECRETS[:5])
    return target, photos


@pytest.mark.parametrize("form", Format)
def test_a_mosaic_tells_nothing_of_what_its_pictures_told(tmp_path, talkative, measured, form):
    target, photos = talkative
    tiles = index.of_tiles(map(measured, photos))
    by_content = {sha256(data).digest(): data for data in photos}
    out = tmp_path / f"out{form.facts.suffix}"
    order = MosaicOrder(cells_across=6, tile_size=16, format=form)
    render(target, order, tiles, by_content.__getitem__, out, threads=1, progress=lambda *_: None)
    written = out.read_bytes()
    assert [secret for secret in SECRETS if secret in written] == []
    if form is Format.PDF:
        document = PdfDocument(written)
        assert document.get_metadata_dict(skip_empty=True) == {"Producer": "Tessera"}
        (picture,) = document[0].get_objects()
        written = bytes(picture.get_data(decode_simple=False))
    if form is Format.PYRAMID:
        with zipfile.ZipFile(out) as tiles:
            written = max((tiles.read(name) for name in tiles.namelist() if name.endswith(".jpg")), key=len)
    assert marks_in(written) <= NOTHING
    writer.write_preview(out, tmp_path / "preview.jpg")
    preview = (tmp_path / "preview.jpg").read_bytes()
    assert [secret for secret in SECRETS if secret in preview] == []
    assert marks_in(preview) <= NOTHING


@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_the_command_writes_a_mosaic_that_tells_nothing(tmp_path, talkative, extension):
    target, photos = talkative
    place = tmp_path / "SECRET-NAME-folder"
    place.mkdir()
    for number, data in enumerate(photos):
        (place / f"SECRET-NAME-{number}.bin.jpg").write_bytes(data)
    (tmp_path / "SECRET-NAME.jpg").write_bytes(target)
    out = tmp_path / f"mosaic.{extension}"
    command = [sys.executable, "-c", "from cli.main import tessera; tessera()", "render", "SECRET-NAME.jpg"]
    command += ["--tiles", str(place), "--cells", "6", "--tile-size", "16", "--out", str(out)]
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=60)
    written = out.read_bytes()
    assert [secret for secret in (*SECRETS, str(tmp_path).encode()) if secret in written] == []
    assert marks_in(written) <= NOTHING


# Files that broke other programs

OPEN = """
import json, resource, sys
from pathlib import Path
from models.errors import UnusablePicture
from worker.core.windows import WHOLE
from worker.decoding import images

def seen(way, data):
    try:
        pixels = way(data)
        return [str(pixels.dtype), pixels.ndim, pixels.shape[-1]]
    except UnusablePicture as error:
        return error.code

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
ways = (images.decode, lambda d: images.tiles(d, 50, 40, [WHOLE])[0], lambda d: images.thumb(d, 32)[0])
for path in sorted(Path(sys.argv[1]).iterdir()):
    print(json.dumps([path.name, *(seen(way, path.read_bytes()) for way in ways)]), flush=True)
"""
CODES = {
    "not_a_picture", "kind_not_read", "truncated_picture", "damaged_picture", "too_many_pixels", "empty_file",
}  # fmt: skip


@pytest.mark.skipif(not NASTY, reason="no folder shared/photos/nasty lies beside the checkout")
@pytest.mark.parametrize("folder", NASTY or [Path("shared/photos/nasty")], ids=lambda folder: folder.name)
def test_a_file_known_to_break_programs_is_pixels_or_refused(child, folder):
    lines = [json.loads(line) for line in child(OPEN, folder).splitlines()]
    wrong = [
        (name, answer)
        for name, *answers in lines
        for answer in answers
        if answer != ["uint8", 3, 3] and (not isinstance(answer, str) or answer not in CODES)
    ]
    assert (len(lines), wrong) == (len(list(folder.iterdir())), [])
