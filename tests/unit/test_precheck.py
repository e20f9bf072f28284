"""A first look at an uploaded picture's header."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from models.errors import EmptyFile, InvalidOrder, NotAPicture, TooLarge, TooManyPixels
from models.rules.lattices import Effort
from models.rules.order_words import LARGEST, Limits
from models.rules.orders import MosaicOrder
from models.rules.repeats import QUICK
from web import precheck
from worker.decoding import images

ENOUGH = 1 << 30
ANY = MosaicOrder(cells_across=1)


def verdict(data, max_bytes=ENOUGH, order=ANY, limits=LARGEST):
    """What the look says: the code of the refusal and its sentence, or nothing."""
    try:
        precheck.judge(BytesIO(data), "photo", max_bytes, order, 1_000, Effort(QUICK), limits)
    except (EmptyFile, InvalidOrder, NotAPicture, TooLarge, TooManyPixels) as error:
        return error.code, str(error)
    return None


def png_header(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "MPO", "AVIF", "HEIF", "JPEG2000"])
def test_every_format_that_the_worker_reads_passes(encoded, noise, form):
    assert verdict(encoded(noise(30, 20), form)) is None


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_both_kinds_of_webp_pass(encoded, noise, options):
    assert verdict(encoded(noise(30, 20), "WEBP", **options)) is None


def test_a_big_endian_tiff_passes():
    # A directory of two entries, width 3 and height 2 (TIFF 6.0, sections 2 and 8).
    entries = struct.pack(">HHII", 256, 4, 1, 3) + struct.pack(">HHII", 257, 4, 1, 2)
    assert verdict(b"MM\x00*" + struct.pack(">IH", 8, 2) + entries + b"\0" * 4) == verdict(png_header(3, 2))


def test_a_big_tiff_passes_as_the_worker_reads_it(encoded, noise):
    assert verdict(encoded(noise(30, 20), "TIFF", big_tiff=True)) is None


def test_a_bmp_of_os2_passes(noise):
    # Its width and height have two bytes each (BITMAPCOREHEADER); read as four they promise billions of pixels.
    rows = noise(30, 20).tobytes()
    data = b"BM" + struct.pack("<IHHI", 26 + len(rows), 0, 0, 26) + struct.pack("<IHHHH", 12, 20, 30, 1, 24) + rows
    assert images.decode(data).shape == (30, 20, 3)
    assert verdict(data) is None


def test_a_webp_that_asks_to_be_shown_larger_passes(encoded, noise):
    data = bytearray(encoded(noise(30, 20), "WEBP"))
    # The two highest bits of width and height say how to scale (RFC 6386, 9.1).
    data[27] |= 0x40
    data[29] |= 0xC0
    assert images.decode(bytes(data)).shape == (30, 20, 3)
    assert verdict(data) is None


def test_an_empty_file_is_refused():
    assert verdict(b"") == ("empty_file", "photo is empty.")


@pytest.mark.parametrize(
    "data",
    [
        b"text",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\xff\xd8",
        b"\0" * 40,
    ],
    ids=["text", "wave", "half-jpeg", "zeros"],
)
def test_what_belongs_to_no_format_is_refused(data):
    code, sentence = verdict(data)
    assert (code, sentence[:20]) == ("not_a_picture", "photo is not a pictu")


def test_a_format_that_is_known_but_not_read_is_named():
    assert verdict(b"8BPS\0\1") == (
        "not_a_picture",
        (
            "photo is a Photoshop picture (PSD), which Tessera does not read; "
            "it reads JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF, HEIC and JPEG 2000."
        ),
    )


def test_as_many_bytes_as_the_limit_pass(encoded, noise):
    data = encoded(noise(30, 20))
    assert verdict(data, max_bytes=len(data)) is None


def test_one_byte_beyond_the_limit_is_refused(encoded, noise):
    data = encoded(noise(30, 20))
    assert verdict(data, max_bytes=len(data) - 1)[0] == "too_large"


def test_as_many_pixels_as_the_limit_pass():
    assert verdict(png_header(10_000, 12_800)) is None


def test_a_header_that_promises_one_row_more_than_the_limit_is_refused():
    assert verdict(png_header(12_800, 10_001)) == (
        "too_many_pixels",
        "photo has 12,800 x 10,001 = 128,012,800 pixels; the limit is 128,000,000.",
    )


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\x00", b"RIFF\0\0\0\0WEBP",
             b"\0\0\0\x1cftypavif", b"\0\0\0\x1cftypheic", b"\xff\x4f\xff\x51"]
)  # fmt: skip
def test_a_header_that_breaks_off_is_left_to_the_worker(data):
    assert verdict(data) is None


def test_a_look_leaves_the_file_at_its_beginning(encoded, noise):
    file = BytesIO(encoded(noise(30, 20)))
    file.seek(17)
    precheck.judge(file, "photo", ENOUGH, ANY, 1_000, Effort(QUICK))
    assert file.tell() == 0


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "JPEG2000"])
def test_an_order_that_does_not_fit_the_picture_is_refused_at_once(encoded, noise, form):
    code, sentence = verdict(encoded(noise(30, 20), form), order=MosaicOrder(cell_width=31, cell_height=31))
    assert (code, sentence.split(";")[0]) == (
        "invalid_order",
        "A cell of 31 x 31 pixels is larger than the target (20 x 30)",
    )


@pytest.mark.parametrize("form", ["JPEG", "GIF", "BMP"])
def test_an_order_that_would_fit_a_turned_picture_is_refused_where_the_header_tells_that_it_is_not(
    encoded, noise, form
):
    lying = MosaicOrder(cell_width=30, cell_height=20)
    assert verdict(encoded(noise(30, 20), form), order=lying)[0] == "invalid_order"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_an_order_is_held_against_the_upright_size(encoded, noise, form, orientation):
    # Stored 20 wide and 30 high, shown 30 wide: a cell of 30 x 20 fits.
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = MosaicOrder(cell_width=30, cell_height=20)
    assert verdict(encoded(noise(30, 20), form, exif=exif.tobytes()), order=lying) is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "MPO", "AVIF", "HEIF", "JPEG2000"])
def test_an_order_that_the_worker_can_meet_is_never_refused(encoded, noise, form):
    assert verdict(encoded(noise(30, 20), form), order=MosaicOrder(cell_width=20, cell_height=30)) is None


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_an_order_is_not_held_against_what_a_crop_takes_away(encoded, noise, form):
    # HEVC has no picture of 30 x 20: 64 x 64 are coded, and cropped. A thousand tiles do for 600 cells of one pixel.
    order = MosaicOrder(cell_width=1, cell_height=1, no_repeats=True)
    assert verdict(encoded(noise(30, 20), form), order=order) is None


def test_a_mosaic_beyond_the_limits_of_a_service_is_refused():
    order = MosaicOrder(cells_across=100, tile_size=10)
    assert verdict(png_header(100, 100), order=order, limits=Limits(10_000, 1_000_000)) is None
    for limits, said in (
        (Limits(9_999), "the limit is 9,999."),
        (Limits(pixels=999_999), "the limit is 999,999 in all"),
    ):
        code, sentence = verdict(png_header(100, 100), order=order, limits=limits)
        assert code == "invalid_order"
        assert said in sentence
