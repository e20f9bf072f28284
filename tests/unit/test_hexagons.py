"""Cells that are hexagons: which pixels belong to them, where they lie, and what is compared."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import plain
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.errors import InvalidOrder
from models.rules.formats import Format
from models.rules.grid import cut
from models.rules.order_words import Fit, Shape
from models.rules.orders import MosaicOrder
from models.rules.print_planning import Print, plan
from models.rules.printing import of_grid
from worker.core import outline
from worker.core.cells import coverage, of_cells
from worker.core.fitted import Fitted
from worker.core.lattice import HEXAGONS
from worker.core.losses import cost, cut_to, find
from worker.core.measures.miniature import Miniature, as_it_lies
from worker.core.measures.similarity import ssim
from worker.core.views import Views
from worker.decoding import images
from worker.rendering import bands
from worker.rendering.bands import Bands, without_surplus
from worker.rendering.masking import masked
from worker.rendering.tile_loader import Laid

SAMPLES = 16
"""Points along a side of a pixel at which the naive way looks."""
WIDTHS = [1, 2, 3, 4, 5, 6, 7, 8, 13, 31]


def silent(*_):
    """Progress that nobody looks at."""


def ordered(across, tile, **more):
    return MosaicOrder(across, tile_size=tile, shape=Shape.HEXAGON, **{"tint": 0.0} | more)


def laid(grid, order, pixels, slots, target=None):
    """The mosaic of some tiles, as one array."""
    width, height = (math.ceil(side) for side in grid.target_size)
    target = images.fitted(np.zeros((height, width, 3), np.uint8) if target is None else target, grid)
    small = np.repeat(np.repeat(pixels.mean(axis=(1, 2), keepdims=True), 4, 1), 4, 2)
    made = Bands([Laid(pixels, small, slots)], target, grid, order)
    return np.concatenate(list(without_surplus(made.all(silent), grid)))


def inside(x, y, width, height, overlap, corner):
    """Whether points lie in a hexagon whose corners above and below are at `corner`."""
    depth = np.minimum(y, height - y) / (overlap or 1e-9)
    return (
        (depth >= 0) & (x >= corner * (1 - depth)) & (x < corner + (width - corner) * depth) & (x >= 0) & (x < width)
    )


# Which pixels belong to a cell


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5, 8, 16])
def test_a_hexagon_has_its_published_area(parts):
    side = 1 / math.sqrt(3)  # of a regular hexagon of width 1, which is 2 * side high
    assert outline.shares(HEXAGONS, parts).mean() * 2 * side == pytest.approx(3 * math.sqrt(3) / 2 * side**2)


def test_the_shares_of_sixteen_parts_are_a_hand_sum():
    slanted, upright = [1 / 4, 3 / 4, 3 / 4, 1 / 4], [1] * 4
    assert outline.shares(HEXAGONS, 4).tolist() == [slanted, upright, upright, slanted]


@pytest.mark.parametrize("form", [Format.JPEG, Format.PNG])
@pytest.mark.parametrize("tile", WIDTHS)
def test_white_photos_make_a_white_mosaic_in_every_pixel(tile, form):
    order = ordered(5, tile, format=form)
    grid = cut(90, 70, order)
    slots = np.zeros((grid.rows, 5), np.intp)
    slots[0, 0] = -1 if form is Format.PNG else 0  # so that there is alpha
    made = laid(grid, order, np.full((1, grid.tile_height, tile, 3), 255, np.uint8), slots)
    assert made.shape[:2] == grid.mosaic_size[::-1]
    assert (made[:, :, :3] == 255).all()
    if form is Format.PNG:
        assert (made[grid.pitch :, :, 3] == 255).all()


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 24), st.fractions(Fraction(1, 2), 2, max_denominator=9), st.booleans()
)
def test_a_mosaic_is_the_one_that_is_laid_point_by_point(seed, tile, shape, with_empty):
    random = np.random.default_rng(seed)
    order = MosaicOrder(
        cell_width=24, cell_height=round(24 * shape), tile_size=tile, tint=0.0, shape=Shape.HEXAGON, fit=Fit.RESIZE
    )
    grid = cut(60, 70, order)
    pixels = random.integers(0, 256, (6, grid.tile_height, tile, 3), dtype=np.uint8)
    slots = random.integers(-with_empty, 6, (grid.rows, grid.columns))
    found = laid(grid, order, pixels, slots)
    width, height = grid.mosaic_size
    y, x = ((np.mgrid[: height * SAMPLES, : width * SAMPLES] + 0.5) / SAMPLES).astype(np.float64)
    canvas, owners = np.zeros((*y.shape, 4)), np.zeros(y.shape, int)
    for row, column in product(range(grid.rows), range(grid.columns)):
        even = row % 2 == 0
        left, top = column * tile - even * grid.outside, row * grid.pitch - grid.overlap
        corner = grid.outside if even else tile - grid.outside
        # The lower corners lie where the cells of the row below meet, and so do the upper ones.
        mine = inside(x - left, y - top, tile, grid.tile_height, grid.overlap, corner)
        owners += mine
        if slots[row, column] >= 0:
            at = (y[mine] - top).astype(int), (x[mine] - left).astype(int)
            canvas[mine] = np.column_stack([pixels[slots[row, column]][at], np.full(len(at[0]), 255)])
    assert (owners == 1).mean() > 0.99  # all but points on an edge
    sums = canvas.reshape(height, SAMPLES, width, SAMPLES, 4).mean(axis=(1, 3))
    alpha = sums[:, :, 3:]
    colours = np.where(alpha > 0, sums[:, :, :3] * 255 / np.maximum(alpha, 1e-9), 255)
    if found.shape[2] == 4:
        assert np.abs(found[:, :, 3:] - alpha).max() <= 255 / SAMPLES
        solid = alpha[:, :, 0] > 250
        assert np.abs(found[:, :, :3] - colours)[solid].max(initial=0) <= 255 / SAMPLES
    else:
        assert np.abs(found - colours).max() <= 255 / SAMPLES
        assert np.abs(found - colours).mean() < 2


@pytest.mark.parametrize("tile", [7, 40])
def test_the_height_of_bands_changes_no_byte(tile, monkeypatch):
    random = np.random.default_rng(tile)
    order = ordered(6, tile, tint=0.3)
    grid = cut(90, 70, order)
    pixels = random.integers(0, 256, (5, grid.tile_height, tile, 3), dtype=np.uint8)
    slots, target = random.integers(0, 5, (grid.rows, 6)), plain.noise(1, 70, 90)
    whole = laid(grid, order, pixels, slots, target)
    monkeypatch.setattr(bands, "BAND_BYTES", 1)
    assert np.array_equal(laid(grid, order, pixels, slots, target), whole)


def test_a_mosaic_that_is_all_target_shows_the_whole_target():
    order = ordered(6, 20, blend=1.0, fit=Fit.RESIZE)
    grid = cut(110, 83, order)
    assert grid.target_size == (110, 83)
    target = np.asarray(Image.fromarray(plain.noise(5, 9, 11)).resize((110, 83), Image.Resampling.BICUBIC))
    found = laid(grid, order, np.zeros((1, grid.tile_height, 20, 3), np.uint8), np.zeros((grid.rows, 6), int), target)
    expected = np.asarray(Image.fromarray(target).resize(grid.mosaic_size, Image.Resampling.BICUBIC))
    assert np.abs(found.astype(int) - expected).max() <= 1


# Where cells lie


def test_rows_of_regular_hexagons_are_three_quarters_of_their_height_apart():
    grid = cut(600, 400, ordered(10, 51))
    width = 600 / 9.5
    assert float(grid.cell_height) == pytest.approx(2 / math.sqrt(3) * width, rel=1e-5)
    assert (
        grid.rows == 7
    )  # of 72.93 pixels, of which three quarters are a row's: (400 / 72.93 + 1 / 4) / (3 / 4) = 7.65
    assert float(grid.target_size[1]) == pytest.approx(72.93 * (3 * 7 - 1) / 4, abs=0.1)
    assert (grid.pitch, grid.overlap, grid.tile_height) == (44, 15, 59)  # 51 * sqrt(3) / 2 = 44.17, and a third
    assert grid.mosaic_size == (10 * 51 - 25, 7 * 44 - 15)


def test_a_cell_of_an_ordered_size_is_a_stretched_hexagon():
    grid = cut(240, 100, MosaicOrder(cell_width=20, cell_height=16, shape=Shape.HEXAGON))
    assert (grid.cell_width, grid.cell_height) == (20, 16)
    assert (grid.columns, grid.rows) == (12, 8)  # 11.5 * 20 = 230; 12 * 8 - 4 = 92, and nine rows would be 104


@pytest.mark.parametrize("size", [(600, 400), (400, 600)])
def test_the_tiles_of_a_print_are_as_large_on_paper_as_is_said(size):
    made = plan(Print("60x40cm", tile="20mm", shape=Shape.HEXAGON), Format.JPEG)
    order = MosaicOrder(**made.order_fields, shape=Shape.HEXAGON, format=Format.JPEG)
    grid = cut(*size, order)
    told = of_grid(grid, order)
    assert sorted(grid.mosaic_size) == [4_724, 7_087]
    assert (grid.mosaic_size[0] > grid.mosaic_size[1]) == (size[0] > size[1])
    wide, high = told.tile
    assert (wide, high) == (pytest.approx(20, abs=0.6), pytest.approx(20 * 2 / math.sqrt(3), abs=0.7))
    assert wide * (grid.columns - 0.5) == pytest.approx(grid.mosaic_size[0] / 300 * 25.4)
    assert high * (3 * grid.rows - 1) / 4 == pytest.approx(grid.mosaic_size[1] / 300 * 25.4)
    assert 0 <= grid.tiled_size[1] - grid.mosaic_size[1] <= grid.rows
    assert (told.columns, told.rows) == (grid.columns, grid.rows)


@pytest.mark.parametrize("across", [5, 19])
def test_a_print_that_lies_the_other_way_has_the_cells_that_its_plan_says(across):
    order = MosaicOrder(across, mosaic_width=900, mosaic_height=600, shape=Shape.HEXAGON)
    upright = cut(400, 600, order)
    told = of_grid(cut(600, 400, order), order).turned
    assert (told.columns, told.rows, told.pixels) == (upright.columns, upright.rows, upright.mosaic_size)


def test_cells_that_are_higher_than_the_target_are_refused_with_what_would_do():
    with pytest.raises(InvalidOrder, match="take at least 8 cells across") as refused:
        cut(1_000, 80, ordered(4, 50))
    assert "Regular cells, 4 across, are higher" in str(refused.value)
    assert cut(1_000, 80, ordered(8, 50)).rows == 1
    with pytest.raises(InvalidOrder):
        cut(1_000, 80, ordered(7, 50))


def test_too_many_cells_are_refused_with_what_would_do():
    with pytest.raises(InvalidOrder, match=r"limit is 1,000,000[.] Take 930 cells across"):
        cut(1_000, 1_000, ordered(1_000, 1))
    assert cut(1_000, 1_000, ordered(930, 1)).cell_count <= 1_000_000


# What is compared


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 4), st.sampled_from([1, 2, 4]))
def test_the_means_of_cells_are_those_of_the_points_in_them(seed, columns, rows, subcells):
    target = Fitted(plain.noise(seed, 9, 11), Fraction(11), Fraction(9), HEXAGONS)
    across, down = target.width / (columns - Fraction(1, 2)), target.height * 4 / (3 * rows - 1)
    more = math.ceil(max(across, down))
    wide = np.pad(target.pixels, ((more, more), (more, more), (0, 0)), "edge")
    y, x = (np.mgrid[:512, :512] + 0.5) / 512
    there = inside(x, y, 1, 1, 0.25, 0.5).reshape(16, 32, 16, 32).mean(axis=(1, 3))
    found = of_cells(target, columns, rows, subcells).reshape(rows, columns, subcells, subcells, 3)
    for row, column in product(range(rows), range(columns)):
        left = more + (column - Fraction(1 - row % 2, 2)) * across
        top = more + row * down * 3 / 4 - down / 4
        fine = np.array(plain.means(wide, left, top, across, down, 16)) * there[:, :, None]
        parts = subcells, 16 // subcells, subcells, 16 // subcells
        expected = fine.reshape(*parts, 3).sum(axis=(1, 3)) / there.reshape(parts).sum(axis=(1, 3))[:, :, None]
        np.testing.assert_allclose(found[row, column], expected, atol=0.3)


def test_what_lies_outside_a_hexagon_changes_nothing():
    shares = outline.shares(HEXAGONS, 16).repeat(2, axis=0).repeat(2, axis=1)
    thumb = plain.noise(3, 1, 32, 32)
    other = np.where(shares[:, :, None] > 0, thumb, 255 - thumb)
    windows, turns = np.array([[0, 0, 2_048, 2_048]], np.uint16), np.array([0], np.uint8)
    views = Views.each(windows, turns, HEXAGONS)
    for subcells in (1, 4):
        found = [views.means(one.astype(np.uint8), subcells) for one in (thumb, other)]
        assert np.array_equal(*found)
    lie = Views.each(windows, np.array([1], np.uint8), HEXAGONS)
    turned = np.rot90(thumb, axes=(1, 2))
    np.testing.assert_allclose(lie.means(thumb, 1), views.means(np.ascontiguousarray(turned), 1))


def test_a_sub_cell_counts_by_how_much_of_it_is_in_the_cell():
    loss = cut_to(find("grid-rgb", subcells=4, detail=0.5), HEXAGONS)
    one = np.zeros((3, 4, 4, 3))
    one[1, 0, 0], one[2, 1, 1] = 30, 30
    even, corner, middle = loss.features([one])
    # A corner has a quarter of its part in the cell, and the cell has twelve of its sixteen parts.
    assert cost(loss, even, middle) == pytest.approx(30**2 / 12)
    assert cost(loss, even, corner) == pytest.approx(30**2 / 12 / 4)
    balanced = find("balanced", subcells=4, detail=0.5)
    means = [plain.noise(1, 2, 1, 1).astype(float), plain.noise(2, 2, 4, 4).astype(float)]
    assert np.array_equal(cut_to(balanced, HEXAGONS).features(means)[:, :6], balanced.features(means)[:, :6])


def test_a_small_picture_is_laid_as_the_mosaic_is():
    order, random = ordered(5, 24), np.random.default_rng(4)
    grid = cut(90, 70, order)
    tiles = np.repeat(np.repeat(random.integers(0, 256, (9, 4, 4, 3)), grid.tile_height // 4, 1), 6, 2)
    pixels = tiles.astype(np.uint8)
    assert pixels.shape[1] == grid.tile_height == 28
    slots = random.integers(0, 9, (grid.rows, 5))
    made = laid(grid, order, pixels, slots)
    small = Miniature(5, grid.rows, 24, 28, HEXAGONS)
    for row, top in product(range(grid.rows), (0, 14)):
        strip = pixels[slots[row], top : top + 14].swapaxes(0, 1).reshape(14, -1, 3)
        small.add(row, top, strip)
    seen = as_it_lies(small.pixels, 4, HEXAGONS)
    height, width = seen.shape[:2]
    expected = made.reshape(height, 7, width, 6, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(seen, expected, atol=0.5 + 255 / 16)
    assert np.abs(seen - expected).mean() < 1


def test_a_cell_is_left_empty_by_the_part_of_the_mask_in_its_hexagon():
    mask = np.zeros((80, 100), np.uint8)
    mask[:, 50:] = 255
    grid = masked(cut(100, 80, ordered(3, 10)), mask)
    # Cells are 40 wide: -20 to 20, 20 to 60, 60 to 100; in odd rows 0 to 40, 40 to 80, 80 to 120.
    filled = np.frombuffer(grid.filled, np.uint8).reshape(grid.rows, 3)
    assert filled[:2].tolist() == [[0, 0, 1], [0, 1, 1]]
    seen = Fitted(mask, Fraction(100), Fraction(80), HEXAGONS)
    # Of the middle cell, 10 of its 40 pixels across: a quarter of the width at full height, less two slants.
    assert coverage(seen, 3, grid.rows)[0, 1] == pytest.approx(255 * (1 / 4 - 1 / 16) / (3 / 4) * 5 / 6, abs=2)


def test_a_single_row_of_hexagons_can_be_measured():
    # Two lines of a cell's four are shown of it, of which a window for SSIM has one.
    assert ssim(np.full((2, 6, 3), 255.0), np.full((2, 6, 3), 255.0)) == 1
    # (2 * 0 * 255 + c1) / (0 + 255 ** 2 + c1), c1 = (0.01 * 255) ** 2
    assert ssim(np.zeros((2, 6, 3)), np.full((2, 6, 3), 255.0)) == pytest.approx(6.5025 / (65025 + 6.5025))
