"""Sound files that something about them used to spoil: they are read, or refused in words that are true."""

import struct
import zlib

import numpy as np
import pytest
from handmade import FLOAT, Tiff, bmp, chunk, tiff
from PIL import Image

from models.errors import DamagedPicture, KindNotRead, TruncatedPicture
from worker.core.windows import WHOLE
from worker.decoding import cicp, images


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


def test_a_profile_that_is_not_far_from_srgb_is_followed(encoded):
    # (20 / 255) ** 2.2 = 0.0037 of the light, which is 12.1 of 255 in sRGB. Source: IEC 61966-2-1.
    data = encoded(Image.new("RGB", (4, 4), (20, 20, 20)), icc_profile=cicp.icc_profile(1, 4))
    np.testing.assert_allclose(images.decode(data), 12, atol=1)


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
    said = images.decode(encoded(picture, form, exif=exif, **options))
    profiled = images.decode(encoded(picture, form, icc_profile=cicp.adobe_rgb(), **options))
    assert np.abs(profiled.astype(int) - (180, 120, 60)).max() > 8
    np.testing.assert_array_equal(said, profiled)


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
    samples = noise(30, 20).astype(np.uint8)
    data = tiff(samples, Tiff(2, 8, order=">", big=True))
    assert images.size(data) == (20, 30)
    np.testing.assert_array_equal(images.decode(data), samples)


def test_what_no_reader_can_decode_is_called_damaged(encoded, noise):
    with pytest.raises(DamagedPicture):
        images.decode(encoded(noise(30, 30), "TIFF")[:60])


def test_what_the_first_frame_of_a_gif_does_not_draw_is_blank(encoded):
    data = bytearray(encoded(Image.new("RGB", (3, 2), "red"), "GIF"))
    struct.pack_into("<HH", data, 6, 7, 5)  # the canvas
    struct.pack_into("<HH", data, data.index(b"\x2c\0\0\0\0") + 1, 2, 1)  # where the frame lies
    shown = np.full((5, 7, 3), 255)
    shown[1:3, 2:5] = 255, 0, 0
    np.testing.assert_array_equal(images.decode(bytes(data)), shown)


def lossless_jpeg(side, level):
    """One grey level by ITU-T T.81, annex H: the first sample by its distance from 128, the others by no distance."""
    frame = struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\0"
    table = b"\0" + bytes([1, 1]) + bytes(14) + bytes([0, 7])  # the codes 0 for no bits, 10 for seven
    scan = b"\x01\x01\0\x01\0\0"
    bits = "10" + f"{level - 128:07b}" + "0" * (side * side - 1)
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    segments = ((0xC3, frame), (0xC4, table), (0xDA, scan))
    heads = b"".join(bytes([0xFF, mark]) + struct.pack(">H", 2 + len(each)) + each for mark, each in segments)
    return b"\xff\xd8" + heads + body + b"\xff\xd9"


def test_a_lossless_jpeg_is_read_where_a_reduced_scale_would_do_too():
    data = lossless_jpeg(200, 200)
    assert np.unique(images.decode(data)).tolist() == [200]
    assert np.unique(images.tiles(data, 16, 16, [WHOLE])[0]).tolist() == [200]
    assert np.unique(images.thumb(data, 8)[0]).tolist() == [200]
    assert np.unique(images.prepared(data, 8, 32).thumb).tolist() == [200]


def with_chunks(data, *chunks):
    """A PNG with more before its pixels."""
    at = data.index(b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


PROFILE = b"linear\0\0" + zlib.compress(cicp.icc_profile(1, 8))
CONTROL = struct.pack(">IIIIIHHBB", 0, 9, 9, 0, 0, 1, 1, 0, 0)
STUMBLES = {
    "a text with a wrong sum": [chunk(b"tEXt", b"Title\0walk")[:-1] + b"!"],
    "a text that inflates to megabytes": [chunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(1 << 22)))],
    "a text packed in an unknown way": [chunk(b"zTXt", b"Title\0\7" + zlib.compress(b"walk"))],
    "a profile packed in an unknown way": [chunk(b"iCCP", b"linear\0\7" + PROFILE[8:])],
    "a profile with a wrong sum": [chunk(b"iCCP", PROFILE)[:-1] + b"!"],
    "a film without its first frame": [chunk(b"acTL", struct.pack(">II", 2, 0)), chunk(b"fdAT", bytes(9))],
    "a film whose frames are not in order": [
        chunk(b"acTL", struct.pack(">II", 2, 0)), chunk(b"fcTL", struct.pack(">I", 7) + CONTROL[4:]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", STUMBLES)
def test_what_a_png_holds_beside_its_picture_does_not_spoil_it(encoded, noise, name):
    sound = encoded(noise(9, 9))
    data = with_chunks(sound, *STUMBLES[name])
    np.testing.assert_array_equal(images.decode(data), images.decode(sound))
    assert images.size(data) == (9, 9)


def test_what_is_seen_of_a_png_counts_beside_what_is_damaged(encoded, noise):
    sound = with_chunks(encoded(noise(9, 9)), chunk(b"iCCP", PROFILE))
    assert np.abs(images.decode(sound).astype(int) - noise(9, 9)).max() > 20
    data = with_chunks(sound, *STUMBLES["a text with a wrong sum"])
    np.testing.assert_array_equal(images.decode(data), images.decode(sound))


@pytest.mark.parametrize("cut", [1, 5, 11, 12])
def test_a_png_whose_end_alone_is_cut_off_gives_every_pixel(encoded, noise, cut):
    data = encoded(noise(9, 9))
    np.testing.assert_array_equal(images.decode(data[:-cut]), noise(9, 9))


@pytest.mark.parametrize("cut", [21, 24, 30, 31, 36, 40, 100])
def test_a_png_that_ends_within_its_pixels_is_truncated(encoded, noise, cut):
    # The end's 12 bytes, the sum of the pixels' chunk and that within it: what is cut beyond these 20 is pixels.
    data = encoded(noise(30, 40))
    assert decoded_or_code(data[:-cut]) == "truncated_picture"


def test_a_png_with_damaged_pixels_is_damaged(encoded, noise):
    data = bytearray(encoded(noise(9, 9)))
    data[data.index(b"IDAT") + 30] ^= 255
    with pytest.raises(DamagedPicture):
        images.decode(bytes(data))


def test_the_profile_of_a_bitmap_is_followed():
    # Linear light of one fifth is 123.5 of 255 in sRGB. Source: IEC 61966-2-1.
    profile = cicp.icc_profile(1, 8)
    data = bytearray(bmp(np.full((4, 4), 0x333333), 24, header=124))
    data[70:74] = b"MBED"[::-1]
    struct.pack_into("<II", data, 126, len(data) - 14, len(profile))
    np.testing.assert_allclose(images.decode(bytes(data) + profile), 123.5, atol=1.5)
    struct.pack_into("<II", data, 126, 1 << 30, 1 << 30)
    assert np.unique(images.decode(bytes(data))).tolist() == [51]


def changed(data, *changes):
    """A file with other numbers at some places: (place, form, value)."""
    data = bytearray(data)
    for place, form, value in changes:
        struct.pack_into(form, data, place, value)
    return bytes(data)


GREY = np.zeros((4, 4), int)
PALETTE = [(0, 0, 0), (255, 255, 255)]
RARE = {
    "of 16-bit colours with alpha": bmp(GREY, 16, (0x7C00, 0x3E0, 0x1F, 0x8000), header=56),
    "of bit fields of an unusual layout": bmp(GREY, 16, (0xF00, 0xF0, 0xF, 0), header=56),
    "of bit fields with alpha": changed(bmp(GREY, 32, (1, 2, 4, 8), header=56), (30, "<I", 6)),
    "with a JPEG inside": changed(bmp(GREY, 24), (28, "<H", 0), (30, "<I", 4)),
    "with a header of OS/2": changed(bmp(GREY, 8, palette=PALETTE, header=64), (30, "<I", 4)),
    "of 2 bits a pixel": changed(bmp(GREY, 4, palette=PALETTE), (28, "<H", 2)),
    "with a palette of 300 colours": bmp(GREY, 8, palette=150 * PALETTE),
}


@pytest.mark.parametrize("kind", RARE)
def test_a_bitmap_of_a_rare_kind_is_refused_by_its_kind(kind):
    with pytest.raises(KindNotRead, match=f"The file is a BMP {kind}, a kind that Tessera does not read"):
        images.decode(RARE[kind])


def test_a_jpeg_2000_with_a_palette_is_refused_by_its_kind(encoded):
    data = bytearray(encoded(Image.new("L", (16, 16), 1), "JPEG2000"))
    header, colours = data.index(b"jp2h") - 4, data.index(b"colr") - 4
    struct.pack_into(">I", data, colours + 11, 16)  # sRGB
    (length,) = struct.unpack_from(">I", data, header)
    palette = b"pclr" + struct.pack(">HB", 3, 3) + b"\7\7\7" + bytes(6) + b"\xff\xff\xff"  # two of them are equal
    box = struct.pack(">I", 4 + len(palette)) + palette
    struct.pack_into(">I", data, header, length + len(box))
    data[header + length : header + length] = box
    with pytest.raises(KindNotRead, match="a JPEG 2000 with a palette"):
        images.decode(bytes(data))


@pytest.mark.parametrize("bits", [2, 7])
def test_a_jpeg_2000_of_few_bits_is_refused_by_its_kind(encoded, bits):
    data = bytearray(encoded(Image.new("RGB", (16, 16), "red"), "JPEG2000"))
    data[data.index(b"\xff\x4f\xff\x51") + 45] = bits - 1  # the second of its components
    with pytest.raises(KindNotRead, match=f"a JPEG 2000 of {bits} bits a sample"):
        images.decode(bytes(data))


def test_a_heif_of_another_coding_is_refused_by_its_kind(encoded, noise):
    data = encoded(noise(64, 64), "HEIF").replace(b"hvc1", b"unci")
    with pytest.raises(KindNotRead, match="a HEIF picture of uncompressed samples"):
        images.decode(data)


def test_a_jpeg_whose_header_makes_no_sense_is_damaged_and_of_no_kind(encoded, noise):
    data = encoded(noise(16, 16), "JPEG")
    with pytest.raises(DamagedPicture):
        images.decode(changed(data, (data.index(b"\xff\xc0") + 4, "B", 74)))


@pytest.mark.parametrize(("form", "what"), [("AVIF", "an AVIF"), ("PNG", "a PNG")])
def test_a_header_that_cannot_be_read_is_said_of_its_format_in_plain_english(encoded, noise, form, what):
    with pytest.raises(DamagedPicture, match=f"^The file begins like {what} picture, but its header"):
        images.decode(encoded(noise(16, 16), form)[:30])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("white", [1, 255, 65_535])
@pytest.mark.parametrize("beyond", [1, 1.02, np.nan, np.inf])
def test_floating_grey_is_as_bright_as_it_was_whatever_lies_beyond_its_white(order, white, beyond):
    samples = np.full((9, 9, 1), white / 5, np.float32)
    samples[0], samples[-1] = white, white * beyond
    shown = images.decode(tiff(samples, Tiff(1, 32, FLOAT, order=order)))
    np.testing.assert_allclose(shown[1:-1], 51, atol=1)
    np.testing.assert_array_equal(shown[0], 255)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_profile_of_sixteen_bit_colours_is_followed_before_they_are_cut_to_eight(order):
    # Linear light of 100 in 65,535 is 12.92 * 255 * 100 / 65,535 = 5.03 in sRGB (IEC 61966-2-1), and 0 in eight bits.
    profile = cicp.icc_profile(1, 8)
    data = tiff(np.full((4, 4, 3), 100, np.uint16), Tiff(2, 16, order=order, more={34_675: ("B", [*profile])}))
    entry, undefined = (struct.pack(f"{order}HHI", 34_675, kind, len(profile)) for kind in (1, 7))
    assert data.count(entry) == 1
    np.testing.assert_allclose(images.decode(data.replace(entry, undefined)), 5, atol=1)
