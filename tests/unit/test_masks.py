"""Cells that a mask leaves empty: which they are, that they are in no rule, and what files show there."""

import csv
import json
import math
from fractions import Fraction

import numpy as np
import pytest
import pyvips
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from cli.main import tessera
from models.errors import InvalidOrder
from models.rules import repeats
from models.rules.grid import cut
from models.rules.orders import MosaicOrder
from worker import parallel
from worker.core import features
from worker.core.assignment.assign import Rules
from worker.core.cells import coverage
from worker.core.edits import Edit, edited
from worker.core.features import Cut
from worker.core.fitted import Fitted
from worker.core.losses import find
from worker.core.matcher import Prices, Sides, choose
from worker.core.measures.quality import equal_neighbours, known, measure, smallest_distance
from worker.core.views import Views
from worker.decoding import images
from worker.rendering.masking import masked
from worker.tile_index import index


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def target(tmp_path, photographs):
    """A picture of 240 x 160 pixels."""
    path = tmp_path / "target.png"
    with Image.open(photographs / "coffee.png") as image:
        image.convert("RGB").resize((240, 160)).save(path)
    return path


@pytest.fixture
def mask(tmp_path):
    """White in a triangle, black elsewhere; twice as large as the target."""
    path = tmp_path / "mask.png"
    image = Image.new("L", (480, 320), 0)
    ImageDraw.Draw(image).polygon([(0, 0), (380, 30), (100, 310)], fill=255)
    image.save(path)
    return path


@pytest.fixture
def run(folder, tmp_path):
    """Run `tessera render` in this process, with cells of 20 x 20 pixels in 12 columns and 8 rows."""

    def run(target, *words, out="mosaic.png"):
        command = ["render", str(target), "--tiles", str(folder), "--cells", "12", "--tile-size", "16"]
        return CliRunner().invoke(tessera, [*command, "--out", str(tmp_path / out), *map(str, words)])

    return run


def shares(mask, columns, rows):
    """The mean of a mask in each cell by Pillow's own reduction, which is exact for whole pixels."""
    with Image.open(mask) as image:
        return (
            np.asarray(image).reshape(rows, image.height // rows, columns, image.width // columns).mean(axis=(1, 3))
        )


def test_the_coverage_of_cells_that_cut_pixels_is_a_hand_sum():
    mask = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)
    found = coverage(Fitted.whole(mask), 2, 1)
    assert found.tolist() == [[255 / 3, 255 / 3]]
    assert coverage(Fitted(mask, Fraction(5, 2), Fraction(1)), 1, 1).tolist() == [[255 / 2.5]]


def test_a_cell_that_is_half_covered_is_kept_and_one_with_less_is_empty():
    grid = cut(6, 2, MosaicOrder(cells_across=3))
    mask = np.array([[255, 255, 255, 0, 255, 254], [0, 0, 0, 0, 255, 255]], np.uint8)
    assert masked(grid, mask).filled == bytes([1, 0, 1])


def test_a_mask_that_is_white_everywhere_changes_nothing():
    grid = cut(6, 4, MosaicOrder(cells_across=3))
    assert masked(grid, np.full((4, 6), 255, np.uint8)) == grid == masked(grid, None)


@pytest.mark.parametrize("suffix", ["png", "webp", "avif", "tif"])
def test_a_file_is_clear_in_exactly_the_empty_cells(run, target, mask, tmp_path, suffix):
    result = run(target, "--mask", mask, out=f"mosaic.{suffix}")
    assert result.exit_code == 0, result.stderr
    found = pyvips.Image.new_from_file(str(tmp_path / f"mosaic.{suffix}"))
    assert (found.width, found.height, found.bands) == (12 * 16, 8 * 16, 4)
    alpha = found[3].numpy()
    opaque = (shares(mask, 12, 8) >= 127.5).repeat(16, axis=0).repeat(16, axis=1)
    assert np.array_equal(alpha > 127, opaque)
    assert suffix == "avif" or set(np.unique(alpha)) == {0, 255}


def test_a_jpeg_is_white_in_the_empty_cells_however_it_is_tinted_and_blended(run, target, mask, tmp_path):
    assert run(target, "--mask", mask, "--tint", 1, "--blend", 0.5, out="mosaic.jpg").exit_code == 0
    found = pyvips.Image.new_from_file(str(tmp_path / "mosaic.jpg"))
    assert found.bands == 3
    empty = (shares(mask, 12, 8) < 127.5).repeat(16, axis=0).repeat(16, axis=1)
    inside = empty & np.roll(empty, 8, 0) & np.roll(empty, -8, 0) & np.roll(empty, 8, 1) & np.roll(empty, -8, 1)
    assert inside.any()
    assert (found.numpy()[inside] >= 250).all()


def test_colours_of_a_masked_mosaic_that_is_opaque_are_those_of_its_photos(run, target, mask, tmp_path):
    """The file that Pillow reads has in each filled cell what the whole mosaic has there, where nothing is shared."""
    alone = ["--far", 0, "--spread", 0, "--placement-out"]
    assert run(target, *alone, tmp_path / "whole.csv", out="whole.png").exit_code == 0
    assert run(target, *alone, tmp_path / "part.csv", "--mask", mask).exit_code == 0
    whole, part = (pyvips.Image.new_from_file(str(tmp_path / name)).numpy() for name in ("whole.png", "mosaic.png"))
    there = part[:, :, 3] == 255
    assert np.array_equal(part[there, :3], whole[there])
    lines = (tmp_path / "whole.csv").read_text().splitlines()
    some = (tmp_path / "part.csv").read_text().splitlines()
    kept = shares(mask, 12, 8) >= 127.5
    assert some == [lines[0], *(line for line, there in zip(lines[1:], kept.ravel(), strict=True) if there)]


def test_the_alpha_of_a_target_is_its_mask(run, target, mask, tmp_path):
    with Image.open(target) as image, Image.open(mask) as shape:
        image.putalpha(shape.resize(image.size, Image.Resampling.BOX))
        image.save(tmp_path / "cut.png")
    assert run(tmp_path / "cut.png", "--mask", "alpha").exit_code == 0
    with Image.open(tmp_path / "mosaic.png") as found:
        alpha = np.asarray(found)[::16, ::16, 3]
    assert np.array_equal(alpha == 255, shares(mask, 12, 8) >= 127.5)


def test_a_mask_is_turned_upright_as_its_camera_says(tmp_path):
    image = Image.new("L", (4, 2), 0)
    image.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    image.save(tmp_path / "mask.png", exif=exif)
    assert images.mask((tmp_path / "mask.png").read_bytes()).tolist() == [[0, 255], [0, 0], [0, 0], [0, 0]]


def test_what_is_transparent_in_a_mask_is_black(tmp_path):
    Image.fromarray(np.uint8([[[255, 255, 255, 0], [255, 255, 255, 255], [0, 0, 0, 255]]])).save(
        tmp_path / "mask.png"
    )
    assert images.mask((tmp_path / "mask.png").read_bytes()).tolist() == [[0, 255, 0]]


def test_the_placement_and_the_report_have_no_empty_cell_and_the_placement_is_laid_again(run, target, mask, tmp_path):
    words = ["--mask", mask, "--no-repeats", "--report", tmp_path / "report.json"]
    assert run(target, *words, "--placement-out", tmp_path / "placement.json").exit_code == 0
    kept = shares(mask, 12, 8) >= 127.5
    document = json.loads((tmp_path / "placement.json").read_text())
    assert {(cell["row"], cell["column"]) for cell in document["cells"]} == set(zip(*np.nonzero(kept), strict=True))
    quality = json.loads((tmp_path / "report.json").read_text())["quality"]
    assert quality["distinct_tiles"] == kept.sum()
    assert quality["worst_cells"]
    assert all(kept[worst["row"], worst["column"]] for worst in quality["worst_cells"])
    again = run(target, "--mask", mask, "--placement", tmp_path / "placement.json", out="again.png")
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "mosaic.png").read_bytes()


def test_a_placement_with_a_photo_in_an_empty_cell_is_refused(run, target, mask, tmp_path):
    assert run(target, "--placement-out", tmp_path / "whole.json").exit_code == 0
    result = run(target, "--mask", mask, "--placement", tmp_path / "whole.json", out="again.png")
    assert result.exit_code == 2
    assert "which the mask leaves empty" in result.stderr
    assert not (tmp_path / "again.png").exists()


def test_locked_cells_stay_beside_empty_ones(run, target, mask, tmp_path):
    assert run(target, "--mask", mask, "--placement-out", tmp_path / "first.csv").exit_code == 0
    header, one, *_ = (tmp_path / "first.csv").read_text().splitlines()
    (tmp_path / "lock.csv").write_text(f"{header}\n{one}\n")
    words = ["--mask", mask, "--no-repeats", "--lock", tmp_path / "lock.csv", "--placement-out", tmp_path / "new.csv"]
    result = run(target, *words, out="new.png")
    assert result.exit_code == 0, result.stderr
    lines = list(csv.DictReader((tmp_path / "new.csv").open()))
    assert lines[0]["photo"] == next(csv.DictReader((tmp_path / "first.csv").open()))["photo"]
    assert len({line["photo"] for line in lines}) == len(lines) == (shares(mask, 12, 8) >= 127.5).sum()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("black.png", "The mask leaves every cell empty"),
        ("flat.png", "another shape than the target's 240 x 160"),
        ("text.png", "text.png: The file is not a picture"),
        ("missing.png", "missing.png cannot be read: No such file or directory."),
        ("alpha", "The target has no transparent pixel"),
    ],
)
def test_a_mask_that_cannot_be_used_is_a_sentence_and_nothing_is_written(run, target, tmp_path, name, said):
    Image.new("L", (240, 160), 0).save(tmp_path / "black.png")
    Image.new("L", (240, 140), 255).save(tmp_path / "flat.png")
    (tmp_path / "text.png").write_text("words")
    result = run(target, "--mask", name if name == "alpha" else tmp_path / name)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "mosaic.png").exists()


def test_a_file_with_the_name_alpha_is_a_mask_by_its_path(run, target, mask, tmp_path, monkeypatch):
    mask.rename(tmp_path / "alpha")
    monkeypatch.chdir(tmp_path)
    assert run(target, "--mask", "./alpha").exit_code == 0
    assert run(target, "--mask", "alpha").exit_code == 2


def test_a_mask_is_never_overwritten(run, target, mask):
    before = mask.read_bytes()
    result = run(target, "--mask", mask, "--force", out=mask.name)
    assert result.exit_code == 2
    assert mask.read_bytes() == before


def test_as_many_photos_are_enough_as_cells_are_filled(run, target, mask):
    filled = int((shares(mask, 12, 8) >= 127.5).sum())
    said = run(target, "--mask", mask, "--no-repeats", "--dry-run").stdout
    assert f"filled    {filled} of them" in said
    assert f"{filled} different ones are enough" in said


# The rules, whatever the mask


def keeps(tiles, max_uses, least, distance, count):
    """Whether a placement keeps the rules; every two cells are looked at."""
    places = [(y, x, tiles[y, x]) for y, x in zip(*np.nonzero(tiles >= 0), strict=True)]
    near = any(
        one[2] == other[2] and math.dist(one[:2], other[:2]) < distance
        for number, one in enumerate(places)
        for other in places[:number]
    )
    uses = np.bincount([tile for *_, tile in places], minlength=count)
    return not near and uses.max() <= (max_uses or len(places)) and uses.min() >= least


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(3, 30),
    st.tuples(st.sampled_from([None, 1, 2, 5]), st.sampled_from([0, 0, 1]), st.sampled_from([0.0, 1.5, 2.0, 3.0])),
    st.booleans(), st.sampled_from(["balanced", "mean-rgb", "ciede2000"]),
)  # fmt: skip
def test_a_rule_is_never_broken_with_empty_cells(seed, shape, count, asked, priced, loss):
    (columns, rows), (uses, least, distance) = shape, asked
    random = np.random.default_rng(seed)
    filled = random.random((rows, columns)) < random.choice([0.2, 0.6, 0.95])
    assume(filled.any() and not (least and distance > 1))
    target = random.integers(0, 256, (rows * 4, columns * 4, 3), dtype=np.uint8)
    order = MosaicOrder(columns, max_uses=uses, min_uses=least or None, min_distance=distance, fit="resize")
    grid = masked(cut(columns * 4, rows * 4, order), (255 * filled).astype(np.uint8).repeat(4, 0).repeat(4, 1))
    try:
        pattern = repeats.of_order(order, (columns * 4, rows * 4), grid, count)
    except InvalidOrder:
        assume(False)
    rules = Rules(uses, distance, None if pattern is None else (pattern.count, pattern.step), least)
    thumbs = random.integers(0, 256, (count, index.SIDE, index.SIDE, 3), dtype=np.uint8)
    views = Views.of(np.full((count, 2), 100), (1, 1), [0], slide=False, keep=0.64)
    found, cut_ = find(loss, subcells=4, detail=0.5), Cut(columns, rows, (1, 1))
    fitted = Fitted.whole(target)
    light = features.light_of_cells(fitted, cut_), features.light_of_views(thumbs, views)
    prices = Prices(0.1, 0.1, *light) if priced else None
    sides = Sides(features.of_cells(found, fitted, cut_), features.of_views(found, thumbs, views), views)
    with parallel.one_thread_each():
        chosen = edited(
            found, sides, cut_, rules, prices, Edit.none(filled.ravel()), thumbs, threads=1, progress=lambda *_: None
        )
    assert np.array_equal(chosen.tiles >= 0, filled)
    assert keeps(chosen.tiles, uses, least, distance, count)
    assert chosen.lower_bound <= chosen.costs.sum() + 1e-6
    assert (chosen.costs[~filled] == 0).all()


def test_cells_choose_as_without_a_mask_where_nothing_is_shared():
    random = np.random.default_rng(1)
    fitted = Fitted.whole(random.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    thumbs = random.integers(0, 256, (40, index.SIDE, index.SIDE, 3), dtype=np.uint8)
    views = Views.of(np.full((40, 2), 100), (1, 1), [0], slide=False, keep=0.64)
    loss, cut_ = find("balanced", subcells=4, detail=0.5), Cut(8, 6, (1, 1))
    sides = Sides(features.of_cells(loss, fitted, cut_), features.of_views(loss, thumbs, views), views)
    filled = random.random((6, 8)) < 0.5
    whole = choose(loss, sides, cut_, Rules(), None, threads=1, progress=lambda *_: None)
    part = edited(
        loss, sides, cut_, Rules(), None, Edit.none(filled.ravel()), thumbs, threads=1, progress=lambda *_: None
    )
    assert np.array_equal(part.tiles, np.where(filled, whole.tiles, -1))


# What is measured


def test_empty_cells_count_for_nothing_in_the_quality_report():
    random = np.random.default_rng(2)
    target, mosaic = random.uniform(0, 255, (2, 12, 16, 3))
    tiles = np.array([[1, 1, -1, -1], [0, -1, -1, 1], [2, 2, 2, -1]])
    shown = (tiles >= 0).repeat(4, axis=0).repeat(4, axis=1)

    def report(mosaic):
        before = known(target, tiles, np.zeros((3, 3)), adapted=0.0)
        return measure(before, mosaic, cost=1.0, lower_bound=1.0, change=0.0)

    found = report(mosaic)
    assert found == report(np.where(shown[:, :, None], mosaic, 7.0))
    assert (found.distinct_tiles, found.most_uses, len(found.worst_cells)) == (3, 3, 7)
    same = report(np.where(shown[:, :, None], target, 99.0))
    assert (same.psnr1, same.psnr_blur, same.de00, same.far) == (None, None, 0.0, 0.0)
    assert same.ssim4 == pytest.approx(1.0)


def test_empty_cells_are_no_neighbours_and_no_repeats():
    tiles = np.array([[-1, -1, 3], [-1, 5, 5]])
    assert equal_neighbours(tiles) == 1 / 2  # beside each other 5 and 5, above each other 3 and 5
    assert smallest_distance(tiles) == 1.0
    assert smallest_distance(np.array([[-1, 4], [-1, 2]])) is None
