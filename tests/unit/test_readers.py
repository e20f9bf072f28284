"""Every kind of samples that a file may hold: the right pixels, or a refusal that says which kind is not read.

The files are laid out by hand from known samples, so what is right comes from the formats' definitions alone.
"""

import itertools
import os
import struct
import zlib

import numpy as np
import pytest
from handmade import DEFLATE, FLOAT, INT, NONE, PACKBITS, UINT, Tiff, bmp, png, tiff, with_directory

from models.errors import DamagedPicture, KindNotRead
from worker.decoding import cicp, images, readers, tiff_tags

ROUNDS = int(os.environ.get("TESSERA_CORPUS_ROUNDS", "150"))
SEED = int(os.environ.get("TESSERA_FUZZ_SEED", "1"))
NEGATIVE, GREY, RGB, PALETTE, INKS = 0, 1, 2, 3, 5
COLOURS = {NEGATIVE: 1, GREY: 1, RGB: 3, PALETTE: 1, INKS: 4, 6: 3, 8: 3}
HEIGHT, WIDTH = 21, 18
KINDS = sorted(
    (readers.PILLOW | readers.PILLOW_LITTLE_ENDIAN | readers.VIPS)
    - {(6, UINT, 8), (8, UINT, 8), (8, UINT, 16), (8, INT, 16)}
)
"""What is read, but for YCbCr and L*a*b*, which have tests of their own."""


def drawn(dice, how):
    """Random samples of a TIFF, associated ones no larger than their alpha."""
    shape = (HEIGHT, WIDTH, COLOURS[how.photometric] + (how.extra is not None))
    if how.form == FLOAT:
        samples = dice.random(shape).astype(f"f{how.bits // 8}")
    else:
        width = 8 if how.bits <= 8 else 16 if how.bits <= 16 else 32
        samples = dice.integers(0, 1 << how.bits, shape, dtype=np.uint64).astype(f"u{width // 8}")
    if how.extra == readers.ASSOCIATED:
        samples[:, :, :-1] = np.minimum(samples[:, :, :-1], samples[:, :, -1:])
    return samples


def seen(samples, how, palette=None):
    """What a TIFF shows over white, 0 to 255, by the definitions of TIFF 6.0."""
    light = samples.astype(float) / (1.0 if how.form == FLOAT else (1 << how.bits) - 1)
    count = COLOURS[how.photometric]
    colours, alpha = light[:, :, :count], light[:, :, count:]
    if how.extra == readers.ASSOCIATED:
        colours = colours / np.maximum(alpha, 1e-9)
    if how.photometric == NEGATIVE:
        colours = 1 - colours
    elif how.photometric == PALETTE:
        colours = palette[samples[:, :, 0]] / 65_535
    elif how.photometric == INKS:
        colours = (1 - colours[:, :, :3]) * (1 - colours[:, :, 3:])
    elif how.form == FLOAT and how.photometric == RGB:  # light, not its code: IEC 61966-2-2
        colours = np.where(colours <= 0.0031308, 12.92 * colours, 1.055 * colours ** (1 / 2.4) - 0.055)
    if how.extra in (readers.ASSOCIATED, readers.UNASSOCIATED):
        colours = colours * alpha + 1 - alpha
    return np.broadcast_to(255 * colours, (HEIGHT, WIDTH, 3))


def judged(dice, how):
    """Decode a TIFF of random samples; return how far it is off at most, and None where its kind is not read."""
    samples, palette, more = drawn(dice, how), None, {}
    if how.photometric == PALETTE:
        palette = 257 * dice.integers(0, 256, (1 << how.bits, 3))
        more = {320: ("H", palette.T.ravel().tolist())}
    how = Tiff(**(vars(how) | {"more": more}))
    try:
        decoded = images.decode(tiff(samples, how))
    except DamagedPicture:
        pytest.fail(f"called damaged: {how}")
    except KindNotRead as refused:
        assert " a kind that Tessera does not read" in str(refused)  # noqa: PT017 - one of two right answers
        return None
    assert decoded.shape == (HEIGHT, WIDTH, 3)
    return np.abs(decoded - seen(samples, how, palette)).max()


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", [False, True], ids=["together", "planes"])
def test_samples_that_a_reader_is_trusted_with_come_out_right(kind, order, planar):
    photometric, form, bits = kind
    planar = planar and kind in readers.VIPS_PLANES
    order = "<" if kind in readers.PILLOW_LITTLE_ENDIAN else order
    off = judged(np.random.default_rng(3), Tiff(photometric, bits, form, order=order, planar=planar))
    assert off is not None
    assert off <= 2


@pytest.mark.parametrize("kind", sorted(readers.PILLOW_LITTLE_ENDIAN), ids=str)
def test_samples_of_which_pillow_is_trusted_with_one_order_alone_are_right_or_refused_in_the_other(kind):
    photometric, form, bits = kind
    off = judged(np.random.default_rng(3), Tiff(photometric, bits, form, order=">"))
    assert off is None or off <= 2


def test_a_tiff_of_any_samples_and_any_layout_is_right_or_refused_by_its_kind():
    dice = np.random.default_rng(SEED)
    forms = [(UINT, (1, 2, 4, 6, 8, 10, 12, 14, 16, 32)), (FLOAT, (16, 32, 64)), (INT, (8, 16, 32))]
    kinds = [(form, bits) for form, each in forms for bits in each]
    answers = []
    for number in range(ROUNDS):
        form, bits = kinds[dice.integers(len(kinds))]
        photometric = int(dice.choice([NEGATIVE, GREY, RGB, PALETTE, INKS]))
        extra = (
            [None, 0, readers.ASSOCIATED, readers.UNASSOCIATED][dice.integers(4)]
            if photometric in (0, 1, 2)
            else None
        )
        how = Tiff(
            photometric,
            bits,
            form,
            planar=bool(dice.integers(2)),
            order="<>"[dice.integers(2)],
            big=bool(dice.integers(2)),
            tiled=bool(dice.integers(2)),
            compression=int(dice.choice([NONE, DEFLATE, PACKBITS])),
            extra=extra,
        )
        if photometric == PALETTE and (bits > 8 or form != UINT):
            continue
        off = judged(dice, how)
        assert off is None or off <= 3, (number, off, how)
        answers.append(off)
    assert sum(off is not None for off in answers) > len(answers) / 8


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        (Tiff(GREY, 32, INT), "grey samples in 32-bit signed numbers"),
        (Tiff(GREY, 64, FLOAT), "grey samples in 64-bit floating numbers"),
        (Tiff(RGB, 12), "several samples a pixel of 12 bits"),
        (Tiff(GREY, 8, planar=True, extra=2), "grey and alpha in planes"),
        (Tiff(RGB, 8, planar=True, tiled=True), "tiles in planes"),
        (Tiff(GREY, 4, extra=2), "several samples a pixel of 4 bits"),
        (Tiff(NEGATIVE, 8, extra=1), "negatives or 8-bit numbers that were multiplied by their alpha"),
        (Tiff(32_845, 16), "LogLuv samples in 16-bit whole numbers"),
        (Tiff(INKS, 8, extra=2), "CMYK samples with alpha"),
        (Tiff(INKS, 16, extra=1), "CMYK samples with alpha"),
        (Tiff(INKS, 8, more={332: ("H", [2])}), "other inks than cyan, magenta, yellow and black"),
        (Tiff(RGB, 8, compression=34_712), r"a rare compression \(number 34,712\)"),
        (Tiff(RGB, 8, compression=50_002, tiled=True), r"a rare compression \(number 50,002\)"),
        (Tiff(GREY, 32, compression=50_000), "grey samples in 32-bit whole numbers, compressed by Zstandard"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_tiff_that_nobody_reads_is_refused_by_its_kind_and_not_called_damaged(how, kind):
    samples = np.zeros(
        (4, 4, COLOURS.get(how.photometric, 3) + (how.extra is not None)),
        f"{'f' if how.form == FLOAT else 'u'}{max(16, how.bits) // 8}",
    )
    with pytest.raises(KindNotRead, match=f"The file is a TIFF of {kind}"):
        images.decode(tiff(samples, how))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("lab", "rgb"), [((100, 0, 0), (255, 255, 255)), ((53.6, 0, 0), (128, 128, 128)), ((0, 0, 0), (0, 0, 0))]
)
def test_lab_comes_out_as_its_grey(bits, lab, rgb):
    # L* 53.6 is the light of sRGB's 128 (21.6 %). Source: CIE 15, 8.2.1; TIFF 6.0, section 23 for the form.
    top = (1 << bits) - 1
    samples = np.full((6, 6, 3), (round(lab[0] / 100 * top), 0, 0), f"u{bits // 8}")
    np.testing.assert_allclose(images.decode(tiff(samples, Tiff(8, bits)))[0, 0], rgb, atol=1.5)


def test_uncompressed_ycbcr_with_quarter_chroma_comes_out_right():
    # TIFF 6.0, section 21: of each 2 x 2 pixels four Y, then Cb and Cr. Grey of 100, then red by BT.601.
    unit = bytes([100, 100, 100, 100, 128, 128]) + bytes([76, 76, 76, 76, 85, 255])
    how = Tiff(6, 8, more={530: ("H", [2, 2]), 278: ("I", [2])})
    tags = {
        256: ("I", [4]), 257: ("I", [2]), 258: ("H", [8, 8, 8]), 259: ("H", [1]), 262: ("H", [6]), 273: ("I", [8]),
        277: ("H", [3]), 278: ("I", [2]), 279: ("I", [len(unit)]), 530: ("H", [2, 2]),
    }  # fmt: skip
    decoded = images.decode(with_directory(unit, tags, how))
    np.testing.assert_allclose(decoded[:, :2], 100, atol=1)
    np.testing.assert_allclose(decoded[:, 2:], np.broadcast_to((254, 0, 0), (2, 2, 3)), atol=2)


PNG_KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)]


@pytest.mark.parametrize(("colour_type", "bits"), PNG_KINDS)
@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "one colour clear"])
def test_a_png_of_every_colour_type_and_depth_comes_out_right(colour_type, bits, clear):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    samples = np.random.default_rng(bits).integers(0, 1 << bits, (9, 11, channels)).astype("u2" if bits > 8 else "u1")
    light = samples / ((1 << bits) - 1)
    alpha = light[:, :, -1:] if colour_type in (4, 6) else np.ones((9, 11, 1))
    chunks = []
    if clear and colour_type in (0, 2):
        chosen = samples[4, 5]
        chunks = [(b"tRNS", struct.pack(f">{channels}H", *chosen.tolist()))]
        alpha = ~(samples == chosen).all(axis=2)[:, :, None]
    colours = light[:, :, :3] if channels > 2 else light[:, :, :1]
    expected = np.broadcast_to(255 * (colours * alpha + 1 - alpha), (9, 11, 3))
    assert np.abs(images.decode(png(samples, colour_type, bits, chunks)) - expected).max() <= 2


LINEAR = struct.pack("4B", 1, 8, 0, 1)


@pytest.mark.parametrize(("colour_type", "bits"), [kind for kind in PNG_KINDS if kind[1] >= 8])
def test_a_png_that_tells_its_colours_by_numbers_is_converted(colour_type, bits):
    # Linear light of one fifth is 0.4845 in sRGB, 123.5 of 255. Source: IEC 61966-2-1; H.273 for the number 8.
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    top = (1 << bits) - 1
    samples = np.full((3, 3, channels), round(top / 5), "u2" if bits > 8 else "u1")
    if colour_type in (4, 6):
        samples[:, :, -1] = top
    decoded = images.decode(png(samples, colour_type, bits, [(b"cICP", LINEAR)]))
    np.testing.assert_allclose(decoded, 123.5, atol=1.5)


def test_numbers_count_before_a_profile_in_a_png(encoded):
    linear = images.decode(png(np.full((3, 3, 3), 51, np.uint8), 2, 8, [(b"cICP", LINEAR)]))

    profile = (b"iCCP", b"other\0\0" + zlib.compress(cicp.icc_profile(9, 4)))
    both = images.decode(png(np.full((3, 3, 3), 51, np.uint8), 2, 8, [profile, (b"cICP", LINEAR)]))
    np.testing.assert_array_equal(both, linear)


def test_a_png_in_the_range_of_video_is_refused_by_its_kind():
    with pytest.raises(KindNotRead, match="a PNG whose colours are in the range of video"):
        images.decode(png(np.zeros((3, 3, 3), np.uint8), 2, 8, [(b"cICP", struct.pack("4B", 1, 13, 0, 0))]))


MASKS = [
    (0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F), (0xF00, 0xF0, 0xF), (0xFF0000, 0xFF00, 0xFF),
    (0xFF, 0xFF00, 0xFF0000), (0xFF000000, 0xFF0000, 0xFF00), (0x3FF00000, 0xFFC00, 0x3FF),
]  # fmt: skip


@pytest.mark.parametrize(("masks", "header"), list(itertools.product(MASKS, [40, 52, 56, 108, 124])))
def test_a_bitmap_of_bit_fields_is_right_or_refused_by_its_kind(masks, header):
    bits = 16 if max(masks) <= 0xFFFF else 32
    values = np.random.default_rng(7).integers(0, 1 << bits, (5, 7), dtype=np.uint64)
    expected = np.stack([(values & mask) / mask * 255 for mask in masks], axis=-1)
    try:
        decoded = images.decode(bmp(values, bits, masks, header=header))
    except KindNotRead as refused:
        assert "bit fields of an unusual layout" in str(refused)  # noqa: PT017 - one of two right answers
    else:
        assert np.abs(decoded - expected).max() <= 2


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("header", [12, 40, 124])
@pytest.mark.parametrize("top_down", [False, True])
def test_a_bitmap_with_a_palette_comes_out_right(bits, header, top_down):
    dice = np.random.default_rng(bits)
    palette = dice.integers(0, 256, (1 << bits, 3))
    values = dice.integers(0, 1 << bits, (6, 13)).astype(np.uint8)
    data = bmp(values, bits, palette=palette.tolist(), header=header, top_down=top_down and header > 12)
    np.testing.assert_array_equal(images.decode(data), palette[values])


def test_of_a_directory_no_more_is_looked_at_than_its_first_tags_and_their_first_values():
    numbers = range(1_000, 6_000)
    entries = b"".join(struct.pack("<HHII", number, 3, 1, 7) for number in numbers)
    many = tiff_tags.of(b"II*\0" + struct.pack("<IH", 8, len(numbers)) + entries)
    assert dict(many) == dict.fromkeys(numbers[: tiff_tags.MOST_TAGS], (7,))
    long = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 258, 3, 10_000, 22) + bytes(20_000)
    assert tiff_tags.of(long)[258] == (0,) * tiff_tags.MOST_VALUES
