"""Prints: from a size on paper to cells and pixels, and back from a file to its size on paper."""

import json
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from pypdfium2 import PdfDocument

from cli.main import tessera
from models.errors import InvalidOrder
from models.rules import grid, paper
from models.rules.formats import Format
from models.rules.order_words import Fit
from models.rules.orders import MosaicOrder
from models.rules.print_planning import Print
from models.rules.print_planning import plan as planned
from worker.rendering import writer
from worker.rendering.bands import without_surplus
from worker.tile_index.index import Index, smaller_count

INCH = 25.4
X_AND_Y_RESOLUTION = 282, 283
FORMATS = st.sampled_from([*Format])


def quiet(phase, done, total):
    """Take no notice."""


def order_of(plan, **more):
    return MosaicOrder(**plan.order_fields, **more)


def on_paper(path):
    """Width and height in millimetres at which a file says that it is to be printed."""
    if path.read_bytes()[:4] == b"%PDF":
        return [points / 72 * INCH for points in PdfDocument(path)[0].get_size()]
    with Image.open(path) as image:
        density = image.info.get("dpi") or [image.getexif()[tag] for tag in X_AND_Y_RESOLUTION]
        return [pixels / float(dpi) * INCH for pixels, dpi in zip(image.size, density, strict=True)]


# --- sizes and names


@pytest.mark.parametrize("number", range(7))
def test_the_sheets_of_iso_216_are_halves_of_one_square_metre_of_the_shape_of_the_square_root_of_two(number):
    # The rule of the standard: each is the former one folded, rounded down to whole millimetres.
    short, long = round(1000 * 2**-0.25), round(1000 * 2**0.25)
    for _ in range(number):
        short, long = long // 2, short
    assert paper.size(f"A{number}") == (short, long)


@pytest.mark.parametrize("name", ["4r", "5r", "6r", "8r", "10r", "11r"])
def test_a_photo_print_is_as_many_inches_wide_as_its_name_says_and_two_or_three_inches_longer(name):
    # The rule of these names, which have no standard: three inches from 11 on.
    width = int(name.removesuffix("r"))
    assert paper.size(name) == (width * paper.MM_PER_INCH, (width + (3 if width > 10 else 2)) * paper.MM_PER_INCH)


@pytest.mark.parametrize(("text", "millimetres"), [
    ("60x40cm", (600, 400)),
    ("600mm x 40 cm", (600, 400)),
    ("24X16in", (609.6, 406.4)),
    ("1m\N{MULTIPLICATION SIGN}70.5cm", (1000, 705)),
    ("letter", (215.9, 279.4)),
    ("3R", (88.9, 127)),
])  # fmt: skip
def test_a_size_is_read_in_millimetres_centimetres_metres_and_inches(text, millimetres):
    assert tuple(map(float, paper.size(text))) == millimetres


@pytest.mark.parametrize(("text", "sentence"), [
    ("0x40cm", "from 1 cm to 10 m, not 0 mm"),
    ("-60x40cm", "not -600 mm"),
    ("1kmx40cm", "not 1,000,000 mm"),
    ("999999999.999999kmx1cm", "from 1 cm to 10 m"),
    ("60x40", "has no unit; write a size such as 60x40cm"),
    ("nanxnancm", "is no size on paper; write such as 60x40cm"),
    ("infx40cm", "is no size on paper"),
    ("60x40x20cm", "is no size on paper"),
    ("A9", "such as A4, A5, A6."),
    ("leter", "such as LETTER."),
    ("4x", "such as 10R, 11R, 2R"),
    ("", "is no size on paper"),
    ("6" * 5_000 + "cm", "is no size on paper"),
])  # fmt: skip
def test_what_is_no_size_on_paper_is_refused(text, sentence):
    with pytest.raises(InvalidOrder, match=re.escape(sentence)) as refusal:
        paper.size(text)
    assert refusal.value.field == "print"
    assert len(str(refusal.value)) < 300


# --- plans


def test_a_poster_of_60_by_40_centimetres_has_50_by_33_tiles_of_12_millimetres():
    # 600 / 12 = 50; 400 / 12 = 33.3. 600 mm / 25.4 x 300 = 7,086.6 pixels, 400 mm 4,724.4; 7,087 / 50 = 141.7.
    plan = planned(Print("60x40cm"), Format.JPEG)
    assert (plan.columns, plan.rows, plan.pixels, plan.tile_pixels) == (50, 33, (7_087, 4_724), (142, 144))


def test_the_bleed_makes_the_picture_larger_on_every_side():
    # 606 / 25.4 x 300 = 7,157.5; 406 / 25.4 x 300 = 4,795.3.
    plan = planned(Print("60x40cm", bleed=3), Format.JPEG)
    assert plan.pixels == (7_157, 4_795)


def test_cells_across_say_how_large_a_tile_is():
    plan = planned(Print("A4", cells=21), Format.JPEG)
    assert (plan.columns, plan.rows) == (21, 30)


def test_a_png_says_whole_pixels_in_a_metre_so_its_pixels_are_counted_by_those():
    # 150 dpi are 5,905.51 pixels in a metre, 11,811.02 in two; a PNG says 5,906, which makes 11,812.
    assert planned(Print("2x1m", 150), Format.PNG).pixels == (11_812, 5_906)
    assert planned(Print("2x1m", 150), Format.JPEG).pixels == (11_811, 5_906)


SIDES = st.integers(100, 12_000).map(lambda tenths: Fraction(tenths, 10))
PRINTS = st.builds(
    lambda width, height, dpi, tile: Print(f"{float(width)}x{float(height)}mm", dpi, f"{tile / 10}mm"),
    SIDES, SIDES, st.integers(127, 1_200), st.integers(10, 400),
)  # fmt: skip


def plan_or_not(asked, form):
    """The plan; prints that are refused say nothing here."""
    try:
        return planned(asked, form)
    except InvalidOrder:
        assume(False)


@given(PRINTS, FORMATS)
def test_from_127_dpi_on_the_size_on_paper_is_right_to_a_tenth_of_a_millimetre(asked, form):
    plan = plan_or_not(asked, form)
    for size, side in zip(plan.size, paper.size(asked.size), strict=True):
        assert abs(size - side) <= Fraction(1, 10)


@given(PRINTS, FORMATS, st.integers(1, 3_000), st.integers(1, 3_000), st.sampled_from([*Fit]))
def test_every_plan_is_an_order_that_any_target_can_have(asked, form, width, height, fit):
    plan = plan_or_not(asked, form)
    cut = grid.cut(width, height, order_of(plan, format=form, fit=fit))
    turned = (width - height) * (plan.pixels[0] - plan.pixels[1]) < 0
    assert cut.mosaic_size == (plan.pixels[::-1] if turned else plan.pixels)
    assert (cut.columns, cut.rows) == ((plan.rows, plan.columns) if turned else (plan.columns, plan.rows))
    assert all(0 <= rest < 2 for rest in (w - seen - 2 * left for w, seen, left in zip(
        (width, height), cut.target_size, (cut.left, cut.top), strict=True)))  # fmt: skip


@pytest.mark.parametrize(("asked", "form", "proposal", "other"), [
    (Print("A0", tile="0.5mm"), Format.PNG, r"tiles of at least ([\d.]+ mm)", "tile"),
    (Print("10mx1cm", tile="9mm"), Format.PNG, r"tiles of at least ([\d.]+ mm)", "tile"),
    (Print("A0", cells=1_000), Format.PNG, r"at most ([\d,]+) cells", "cells"),
    (Print("10x9.9m", 1_200), Format.PNG, r"at most ([\d,]+) dpi", "dpi"),
    (Print("10x9.9m", 808), Format.PNG, r"at most ([\d,]+) dpi", "dpi"),
    (Print("2x0.3m", 1_200), Format.JPEG, r"at most ([\d,]+) dpi", "dpi"),
    (Print("A0", 300, "20cm"), Format.PNG, r"at most ([\d,]+) dpi", "dpi"),
])  # fmt: skip
def test_beyond_a_limit_the_nearest_possible_is_proposed(asked, form, proposal, other):
    with pytest.raises(InvalidOrder) as refusal:
        planned(asked, form)
    (found,) = re.findall(proposal, str(refusal.value))
    value = found if other == "tile" else int(found.replace(",", ""))
    planned(replace(asked, **{other: value}), form)
    beyond = f"{float(found.removesuffix(' mm')) - 0.1:.1f}mm" if other == "tile" else value + 1
    with pytest.raises(InvalidOrder):
        planned(replace(asked, **{other: beyond}), form)


@pytest.mark.parametrize(("change", "field", "sentence"), [
    ({"dpi": 0}, "dpi", "The dots per inch must be from 1 to 2,400, not 0."),
    ({"dpi": 10**9}, "dpi", "not 1,000,000,000"),
    ({"tile": "0mm"}, "tile", "larger than 0 mm"),
    ({"tile": "-1mm"}, "tile", "not -1 mm"),
    ({"tile": "22cm"}, "tile", "larger than the paper, 210.0 x 297.0 mm; take tiles of at most 210 mm"),
    ({"tile": "12"}, "tile", "'12' is no size of the tile; write a length such as 12mm"),
    ({"tile": "nanmm"}, "tile", "is no size of the tile"),
    ({"bleed": -1}, "bleed", "from 0 to 50 mm, not -1 mm"),
    ({"bleed": 1_000}, "bleed", "not 1000 mm"),
    ({"cells": 0}, "cells_across", "from 1 to 1,000, not 0"),
    ({"dpi": 10, "tile": "1mm"}, "dpi", "a tile is less than a pixel"),
    ({"size": "1cmx10m", "tile": "1cm", "dpi": 11}, "tile", "Take a paper of another shape."),
])  # fmt: skip
def test_what_no_print_can_be_is_refused(change, field, sentence):
    with pytest.raises(InvalidOrder, match=re.escape(sentence)) as refusal:
        planned(replace(Print("A4"), **change), Format.PNG)
    assert refusal.value.field == field


# --- grids of an exact size


def test_a_target_of_another_shape_is_cropped_to_that_of_the_paper():
    # A target of 800 x 800 for 3:2 shows 800 x 533.3, from line 133 on.
    cut = grid.cut(800, 800, MosaicOrder(30, mosaic_width=3_000, mosaic_height=2_000))
    assert (cut.rows, cut.target_size, (cut.left, cut.top)) == (20, (800, Fraction(1_600, 3)), (0, 133))


def test_resizing_stretches_it_instead():
    cut = grid.cut(800, 800, MosaicOrder(30, mosaic_width=3_000, mosaic_height=2_000, fit=Fit.RESIZE))
    assert (cut.rows, cut.target_size) == (20, (800, 800))


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"mosaic_width": 5}, "needs both a width and a height"),
    ({"cells_across": None, "cell_width": 5, "cell_height": 5, "mosaic_width": 9, "mosaic_height": 9}, "goes with"),
    ({"mosaic_width": 0, "mosaic_height": 9}, "mosaic width must be from 1"),
])  # fmt: skip
def test_half_a_size_and_one_beside_a_cells_size_are_refused(fields, sentence):
    with pytest.raises(InvalidOrder, match=sentence):
        MosaicOrder(**{"cells_across": 10} | fields)


@pytest.mark.parametrize(("size", "sentence"), [
    ((9, 20), "A mosaic of 9 x 20 pixels has no room for 10 x 22 cells."),
    ((10_250, 10_250), "tiles of 1,025 x 1,025 pixels; the limit is 1,024 a side"),
    ((400_000, 250_010), "The mosaic would be 400,000 x 250,010 pixels; the limit is 100,000,000,000"),
])  # fmt: skip
def test_an_exact_size_that_cannot_be_is_refused(size, sentence):
    cells = 10 if size[0] < 99_999 else 1_000
    with pytest.raises(InvalidOrder, match=re.escape(sentence)):
        grid.cut(*size, MosaicOrder(cells, mosaic_width=size[0], mosaic_height=size[1]))


# --- pixels


@pytest.mark.parametrize("height", [1, 3, 100])
def test_of_tiles_that_are_together_too_large_some_lose_their_last_line(noise, height):
    # 3 x 2 tiles of 4 x 3 pixels are 12 x 6. Of 10 x 5, the tiles end at 3, 6, 10 and at 2, 5.
    whole = noise(6, 12)
    cut = grid.cut(10, 5, MosaicOrder(3, mosaic_width=10, mosaic_height=5))
    assert (cut.rows, cut.tile_width, cut.tile_height) == (2, 4, 3)
    bands = (whole[top : top + height] for top in range(0, 6, height))
    expected = np.concatenate([
        np.concatenate([whole[y : y + down, x : x + across] for x, across in ((0, 3), (4, 3), (8, 4))], axis=1)
        for y, down in ((0, 2), (3, 3))
    ])  # fmt: skip
    np.testing.assert_array_equal(np.concatenate(list(without_surplus(bands, cut))), expected)


@pytest.mark.parametrize(("size", "dpi", "millimetres"), [
    ("30x20cm", 200, (300, 200)), ("12x8in", 200, (304.8, 203.2)), ("A4", 150, (210, 297)), ("A3", 127, (297, 420)),
    ("4R", 300, (101.6, 152.4)), ("15x10cm", 301, (150, 100)),
])  # fmt: skip
@pytest.mark.parametrize("form", [form for form in Format if form is not Format.PYRAMID])
def test_a_file_says_its_size_on_paper_to_a_tenth_of_a_millimetre(tmp_path, size, dpi, millimetres, form):
    plan = planned(Print(size, dpi), form)
    width, height = plan.pixels
    bands = iter([np.zeros((height, width, 3), np.uint8)])
    writer.write(bands, plan.pixels, tmp_path / "out", form, quiet, dpi=dpi)
    assert on_paper(tmp_path / "out") == pytest.approx(millimetres, abs=0.1)


# --- notes


def notes_of(asked, photos=10**6, small=0):
    return planned(asked, Format.JPEG).notes(photos, small)


def test_a_print_with_nothing_amiss_has_no_note():
    assert notes_of(Print("60x40cm")) == []


def test_small_tiles_few_photos_and_small_photos_have_a_sentence_each():
    # 60 / 0.6 = 100 across, 67 down: 6,700 cells, and 6,700 / 2,000 = 3.35. 7,087 / 100 = 70.9; 4,724 / 67 = 70.5.
    assert notes_of(Print("60x40cm", tile="6mm"), 2_000, 17) == [
        "Tiles of 6.0 mm are small: as a rule of thumb, photos are recognised from about 12 mm on.",
        "17 of 2,000 photos have fewer pixels than are printed, 71 x 71 a tile: that looks soft.",
        "6,700 cells are many for 2,000 photos: on average each photo would lie in 3.4 of them.",
    ]  # fmt: skip


def test_a_photo_is_small_if_either_side_has_fewer_pixels_than_the_tile():
    sizes = np.array([[142, 144], [141, 900], [900, 143], [900, 900]], np.uint32)
    photos = Index(np.zeros((4, 32), np.uint8), sizes, np.zeros((4, 32, 32, 3), np.uint8))
    assert smaller_count(photos, (142, 144)) == 2


# --- the command


@pytest.fixture
def run(folder, tmp_path, photographs, monkeypatch):
    """Run `tessera render` in this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    target = photographs / "coffee.png"

    def run(*words, out="poster.png", target=target):
        command = ["render", str(target), "--tiles", str(folder), "--out", str(tmp_path / out), *map(str, words)]
        return CliRunner().invoke(tessera, command)

    return run


@pytest.mark.parametrize("out", ["poster.png", "poster.jpg", "poster.pdf"])
def test_a_print_is_as_large_on_paper_as_was_asked(run, tmp_path, out):
    result = run("--print", "10x15cm", "--dpi", 150, "--bleed", "2.5mm", out=out)
    assert result.exit_code == 0, result.output
    # The target, 600 x 400, lies across, and so does the paper.
    assert on_paper(tmp_path / out) == pytest.approx((155, 105), abs=0.1)
    # 155 mm at 150 dpi are 915.4 pixels, and 915 of them 154.9 mm; 105 are 620.1.
    assert "on paper: 154.9 x 105.0 mm at 150 dpi, 13 x 9 tiles of 11.9 x 11.7 mm\n" in result.stdout
    # The photos have 32 x 32 pixels; 155 mm / 13 at 150 dpi are 70.4.
    assert "40 of 40 photos have fewer pixels than are printed" in result.stderr


def test_a_print_of_an_upright_target_is_upright(run, tmp_path, photographs):
    with Image.open(photographs / "coffee.png") as image:
        image.rotate(90, expand=True).save(tmp_path / "upright.png")
    run("--print", "15x10cm", "--dpi", 150, target=tmp_path / "upright.png")
    assert on_paper(tmp_path / "poster.png") == pytest.approx((100, 150), abs=0.1)


def test_the_report_holds_the_order_as_it_was_plan(run, tmp_path):
    run("--print", "15x10cm", "--dpi", 254, "--cells", 15, "--report", tmp_path / "report.json", out="poster.jpg")
    report = json.loads((tmp_path / "report.json").read_text())
    fields = {name: report["order"][name] for name in ("cells_across", "tile_size", "mosaic_width", "mosaic_height")}
    assert fields == {"cells_across": 15, "tile_size": 100, "mosaic_width": 1_500, "mosaic_height": 1_000}


def test_a_dry_run_shows_the_plan_and_writes_nothing(run, tmp_path, folder):
    before = sorted(tmp_path.rglob("*"))
    lines = run("--print", "60x40cm", "--bleed", "3mm", "--dry-run").stdout.splitlines()
    assert sorted(tmp_path.rglob("*")) == before
    # 606 / 12 = 50.5, of which the even number is taken; 50 x 406 / 606 = 33.5 by the pixels.
    assert lines[-4:] == [
        f"  mosaic    7,157 x 4,795 pixels, PNG, to {tmp_path / 'poster.png'}",
        "  paper     606.0 x 406.0 mm at 300 dpi, 50 x 33 tiles of 12.1 x 12.3 mm",
        "  note      1,650 cells are many for 40 photos: on average each photo would lie in 41.2 of them.",
        "  note      Whether the photos have enough pixels is known once the folder is indexed.",
    ]


def test_once_the_folder_is_indexed_a_dry_run_knows_which_photos_are_small(run, folder):
    CliRunner().invoke(tessera, ["index", str(folder)])
    lines = run("--print", "15x10cm", "--dry-run").stdout.splitlines()
    assert (
        "  note      40 of 40 photos have fewer pixels than are printed, 148 x 148 a tile: that looks soft." in lines
    )


@pytest.mark.parametrize(("words", "sentence"), [
    (["--print", "A4", "--tile-size", "50"], "--print and --tile-size contradict each other"),
    (["--print", "A4", "--cell-size", "9x9"], "--print and --cell-size contradict each other"),
    (["--print", "A4", "--cells", "9", "--tile", "12mm"], "--cells and --tile both say how many cells there are"),
    (["--tile", "12mm"], "--tile belongs to --print, which is not given."),
    (["--bleed", "3mm"], "A bleed belongs to a print; give its size on paper, too."),
    (["--print", "1x1km"], "from 1 cm to 10 m, not 1,000,000 mm"),
    (["--print", "A4", "--dpi", "0"], "The dots per inch must be from 1 to 2,400, not 0."),
    (["--print", "A9"], "'A9' is no size on paper"),
])  # fmt: skip
def test_a_print_that_cannot_be_is_one_sentence_and_nothing_is_written(run, tmp_path, words, sentence):
    result = run(*words)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert sentence in result.stderr
    assert not (tmp_path / "poster.png").exists()
