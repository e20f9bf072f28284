"""A part of a target: the mosaic is the one that a picture cut beforehand makes."""

from fractions import Fraction

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cli.main import tessera
from models.errors import InvalidOrder
from models.rules.grid import cut
from models.rules.order_words import Fit, Shape
from models.rules.orders import MosaicOrder
from worker.decoding import images
from worker.rendering import masking

ORIENTATION = 0x0112
SHARES = st.floats(0, 1, allow_subnormal=False)
SIDES = st.integers(1, 40_000)


def order(crop, **fields):
    left, top, width, height = crop
    return MosaicOrder(**({"cells_across": 1, "fit": Fit.RESIZE} | fields), crop_left=left, crop_top=top,
                       crop_width=width, crop_height=height)  # fmt: skip


@given(st.tuples(SIDES, SIDES), st.tuples(SHARES, SHARES, SHARES, SHARES))
def test_a_part_lies_within_the_picture_and_no_edge_is_farther_off_than_half_a_pixel(size, crop):
    left, top, width, height = crop
    try:
        part = order(crop).part(*size)
    except InvalidOrder:
        assert left == 1 or top == 1 or width == 0 or height == 0 or left + width > 1 or top + height > 1
        return
    for first, count, pixels, start, share in (
        (part.left, part.width, size[0], left, width), (part.top, part.height, size[1], top, height)
    ):  # fmt: skip
        assert 0 <= first < first + count <= pixels
        begins, ends = Fraction(start) * pixels, (Fraction(start) + Fraction(share)) * pixels
        bound = Fraction("0.51") if count > 1 else Fraction("1.51")  # where an edge is moved to keep a pixel
        assert abs(first - begins) <= bound
        assert abs(first + count - ends) <= bound


@given(st.tuples(SIDES, SIDES))
def test_no_crop_and_one_of_everything_are_the_whole(size):
    assert order((0, 0, None, None)).part(*size) == order((0, 0, 1, 1)).part(*size) == (0, 0, *size)


@pytest.mark.parametrize(
    ("crop", "field", "sentence"),
    [
        (
            (0.5, 0, 0.6, 1),
            "crop_width",
            "begins at 0.5 and is 0.6 of the width ends outside the picture; take at most",
        ),
        ((0, 0.75, 1, 0.5), "crop_height", "is 0.5 of the height ends outside the picture; take at most 0.25."),
        ((1, 0, None, None), "crop_left", "The left edge of the crop must be less than 1, not 1."),
        ((0, 0, 0, 1), "crop_width", "The width of the crop must be more than 0, not 0."),
        ((float("nan"), 0, 1, 1), "crop_left", "The left edge of the crop must be from 0 to 1, not nan."),
        ((0, 0, float("inf"), 1), "crop_width", "The width of the crop must be from 0 to 1, not inf."),
        ((0, -0.1, 1, 1), "crop_top", "The top edge of the crop must be from 0 to 1, not -0.1."),
    ],
)
def test_what_is_no_part_is_one_sentence_at_its_field(crop, field, sentence):
    with pytest.raises(InvalidOrder) as refused:
        order(crop)
    assert refused.value.field == field
    assert sentence in str(refused.value)


def test_shares_that_were_rounded_may_end_a_trace_beyond_the_edge():
    assert order((0.3333333, 0, 0.6666668, 1)).part(300, 1) == (100, 0, 200, 1)


@pytest.mark.parametrize("crop", [(0.25, 0.1, 0.5, 0.6), (0.9, 0.9, None, None), (0, 0, 1e-9, 1e-9)])
@pytest.mark.parametrize("shape", [Shape.RECTANGLE, Shape.HEXAGON])
@pytest.mark.parametrize("number", [1, 6])
def test_what_is_shown_is_what_numpy_cuts_out_of_the_upright_picture(encoded, noise, number, shape, crop):
    # Orientation 6: the first line of the file is the right-hand side of the picture.
    upright = noise(80, 121)
    exif = Image.Exif()
    exif[ORIENTATION] = number
    file = encoded(Image.fromarray(upright if number == 1 else np.rot90(upright)), "PNG", exif=exif)
    left, top, width, height = crop
    ends = (left + (width or 1 - left), top + (height or 1 - top))
    x, y = (round(121 * left), round(80 * top))
    reference = upright[y : max(y + 1, round(80 * ends[1])), x : max(x + 1, round(121 * ends[0]))]
    asked = order(crop, cells_across=2, shape=shape)
    pixels = images.decode(file)
    shown = images.fitted(pixels, cut(pixels.shape[1], pixels.shape[0], asked))
    alone = MosaicOrder(2, fit=Fit.RESIZE, shape=shape)
    whole = images.fitted(reference, cut(reference.shape[1], reference.shape[0], alone))
    np.testing.assert_array_equal(shown.pixels, whole.pixels)
    assert (shown.width, shown.height) == (whole.width, whole.height)
    assert np.shares_memory(shown.pixels, pixels)


def test_of_a_line_of_30_000_pixels_a_part_is_cut():
    cells = cut(30_000, 1, order((0.5, 0, 0.1, 1), cells_across=100))
    assert (cells.columns, cells.rows, cells.left, cells.target_size) == (100, 1, 15_000, (3_000, 1))


def test_a_mask_is_of_the_whole_and_its_part_counts():
    mask = np.zeros((40, 80), np.uint8)
    mask[:, 60:] = 255
    cells = cut(80, 40, order((0.5, 0, 0.5, 1), cells_across=4))
    assert masking.filled(masking.masked(cells, mask)).tolist() == [[False, False, True, True]] * 4


@pytest.fixture
def files(tmp_path, encoded, noise):
    """A folder of photos, a picture and what numpy cuts out of it."""
    (tmp_path / "photos").mkdir()
    for number in range(12):
        (tmp_path / "photos" / f"{number}.png").write_bytes(encoded(noise(40, 40, seed=number)))
    pixels = noise(200, 300, seed=99)
    (tmp_path / "whole.png").write_bytes(encoded(pixels))
    (tmp_path / "part.png").write_bytes(encoded(pixels[20:140, 75:225]))
    return tmp_path


def run(files, target, *words, out):
    command = [
        "render",
        str(files / target),
        "--tiles",
        str(files / "photos"),
        "--out",
        str(files / out),
        "--cells",
        "10",
    ]
    return CliRunner().invoke(tessera, [*command, "--tile-size", "8", *words])


CROP = ("--crop", "0.25,0.1,0.5,0.6")


@pytest.mark.parametrize("words", [(), ("--adaptive", "1"), ("--adapt", "1", "--blend", "0.3"), ("--shape", "brick")])
def test_a_mosaic_of_a_part_has_the_bytes_of_one_of_the_part_as_a_file(files, words):
    for made in (run(files, "whole.png", *CROP, *words, out="a.png"), run(files, "part.png", *words, out="b.png")):
        assert made.exit_code == 0, made.output
    assert (files / "a.png").read_bytes() == (files / "b.png").read_bytes()


def test_a_placement_keeps_the_part_and_lays_the_same_again(files):
    assert run(files, "whole.png", *CROP, "--placement-out", str(files / "p.json"), out="a.png").exit_code == 0
    command = ["render", str(files / "whole.png"), "--tiles", str(files / "photos"), "--out", str(files / "b.png")]
    laid = CliRunner().invoke(tessera, [*command, "--placement", str(files / "p.json")])
    assert laid.exit_code == 0, laid.output
    assert (files / "a.png").read_bytes() == (files / "b.png").read_bytes()


def test_a_dry_run_names_the_part(files):
    said = run(files, "whole.png", *CROP, "--dry-run", out="a.png").stdout
    assert "crop      150 x 120 of them, from 75, 20 on" in said
    assert "nothing is cut off" in said


@pytest.mark.parametrize("text", ["", "1", "0,0,1", "0,0,1,1,1", "a,b,c,d", "0;0;1;1"])
def test_what_is_no_crop_is_a_usage_error(files, text):
    made = run(files, "whole.png", "--crop", text, out="a.png")
    assert (made.exit_code, "Traceback" in made.output, (files / "a.png").exists()) == (2, False, False)


def test_a_crop_that_is_no_number_is_a_sentence(files):
    made = run(files, "whole.png", "--crop", "nan,0,1,1", out="a.png")
    assert (made.exit_code, made.stderr) == (2, "tessera: The left edge of the crop must be from 0 to 1, not nan.\n")
