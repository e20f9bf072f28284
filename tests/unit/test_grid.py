"""How a target is cut into cells."""

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from models.errors import InvalidOrder
from models.rules import grid
from models.rules.formats import Format
from models.rules.order_words import MAX_PICTURE_PIXELS, Fit, Limits
from models.rules.orders import MosaicOrder

SIDES = st.integers(1, 5_000)
CROPS = st.builds(MosaicOrder, cells_across=st.integers(1, 1_000), tile_size=st.just(1)) | st.builds(
    MosaicOrder, cell_width=st.integers(1, 4_096), cell_height=st.integers(1, 4_096), tile_size=st.just(1)
)
RESIZES = CROPS.map(lambda order: replace(order, fit=Fit.RESIZE))


def cut_or_not(width, height, order):
    """The grid; orders that are refused say nothing here."""
    try:
        return grid.cut(width, height, order)
    except InvalidOrder:
        assume(False)


def test_sixty_cells_across_six_hundred_by_four_hundred_are_forty_rows_of_ten_pixels():
    cut = grid.cut(600, 400, MosaicOrder(cells_across=60, tile_size=50))
    assert cut == grid.Grid(
        columns=60, rows=40, left=0, top=0, cell_width=10, cell_height=10, tile_width=50, tile_height=50
    )


def test_a_cell_need_not_be_a_whole_number_of_pixels():
    # 600 / 310 = 60/31 pixels; 400 * 31 / 60 = 206.67 rows; 206 of them are 398.7 pixels, so 1.3 are lost.
    cut = grid.cut(600, 400, MosaicOrder(cells_across=310))
    assert (cut.columns, cut.rows, cut.cell_width, cut.cell_height) == (310, 206, Fraction(60, 31), Fraction(60, 31))
    assert cut.target_size == (600, Fraction(12_360, 31))


def test_what_a_crop_loses_goes_from_both_sides_at_a_whole_pixel():
    # 645 / 60 = 10.75 pixels; 38 rows are 408.5 of 409. Cells of 100 x 100 leave 45 and 9.
    assert grid.cut(645, 409, MosaicOrder(cells_across=60)).top == 0
    cut = grid.cut(645, 409, MosaicOrder(cell_width=100, cell_height=100))
    assert (cut.left, cut.top, cut.target_size) == (22, 4, (600, 400))


def test_resizing_shows_the_whole_target_in_the_count_of_cells_that_is_nearest_to_square():
    # Square cells: rows = 60 * 409 / 645 = 38.05.
    cut = grid.cut(645, 409, MosaicOrder(cells_across=60, fit=Fit.RESIZE))
    assert (cut.columns, cut.rows, cut.target_size) == (60, 38, (645, 409))
    assert (cut.tile_width, cut.tile_height) == (50, 50)


def test_a_stretched_cell_leaves_the_tile_in_the_shape_that_was_asked_for():
    # One cell of 3 x 2 pixels: the tile is square all the same.
    cut = grid.cut(3, 2, MosaicOrder(cells_across=1, fit=Fit.RESIZE))
    assert (cut.cell_width, cut.cell_height, cut.tile_width, cut.tile_height) == (3, 2, 50, 50)


def test_resizing_to_cells_of_a_given_size_takes_the_nearest_count():
    # 100 / 12 = 8.33 and 100 / 8 = 12.5, which Python rounds to the even 12.
    cut = grid.cut(100, 100, MosaicOrder(cell_width=12, cell_height=8, fit=Fit.RESIZE))
    assert (cut.columns, cut.rows) == (8, 12)


@pytest.mark.parametrize("fit", Fit)
def test_there_may_be_more_cells_than_the_target_has_pixels(fit):
    cut = grid.cut(10, 10, MosaicOrder(cells_across=40, fit=fit))
    assert (cut.columns, cut.rows, cut.target_size) == (40, 40, (10, 10))


def test_cells_of_a_given_size_are_cut_to_that_size():
    cut = grid.cut(100, 90, MosaicOrder(cell_width=12, cell_height=8))
    assert (cut.columns, cut.rows, cut.cell_width, cut.cell_height) == (8, 11, 12, 8)


def test_the_height_of_a_tile_follows_the_shape_of_the_cell():
    # 30 wide for 12 x 8 cells: 30 * 8 / 12 = 20.
    cut = grid.cut(120, 80, MosaicOrder(cell_width=12, cell_height=8, tile_size=30))
    assert (cut.tile_width, cut.tile_height) == (30, 20)


def test_a_tile_is_at_least_one_pixel_high():
    assert grid.cut(100, 100, MosaicOrder(cell_width=100, cell_height=1, tile_size=1)).tile_height == 1


def test_the_size_of_the_mosaic_is_the_tiles_side_by_side():
    assert grid.cut(600, 400, MosaicOrder(cells_across=60, tile_size=7)).mosaic_size == (420, 280)


def test_the_count_of_cells_is_columns_times_rows():
    assert grid.cut(600, 400, MosaicOrder(cells_across=60)).cell_count == 2_400


@given(width=SIDES, height=SIDES, order=CROPS)
def test_a_crop_lies_inside_the_target_and_loses_less_than_a_cell_each_way(width, height, order):
    cut = cut_or_not(width, height, order)
    seen_width, seen_height = cut.target_size
    assert 0 <= width - seen_width < cut.cell_width
    assert 0 <= height - seen_height < cut.cell_height
    # As much goes from one side as from the other, but for less than a pixel and a half.
    assert 0 <= (width - seen_width) - 2 * cut.left < 2
    assert 0 <= (height - seen_height) - 2 * cut.top < 2


@given(width=SIDES, height=SIDES, columns=st.integers(1, 1_000))
def test_a_crop_by_count_has_square_cells_as_many_as_asked_and_loses_nothing_across(width, height, columns):
    cut = cut_or_not(width, height, MosaicOrder(cells_across=columns, tile_size=1))
    assert (cut.columns, cut.target_size[0], cut.left) == (columns, width, 0)
    assert cut.cell_width == cut.cell_height


@given(side=SIDES, columns=st.integers(1, 500), fit=st.sampled_from(Fit))
def test_the_grid_of_a_square_target_is_square(side, columns, fit):
    cut = grid.cut(side, side, MosaicOrder(cells_across=columns, fit=fit))
    assert (cut.columns, cut.rows, cut.target_size) == (columns, columns, (side, side))


@given(width=SIDES, height=SIDES, order=RESIZES)
def test_a_stretch_shows_all_and_changes_a_side_by_no_more_than_half_a_cell(width, height, order):
    cut = cut_or_not(width, height, order)
    assert cut.target_size == (width, height)
    wide = Fraction(width, order.cells_across) if order.cells_across else order.cell_width
    high = wide if order.cells_across else order.cell_height
    assert cut.columns == 1 or abs(cut.columns * wide - width) <= Fraction(wide) / 2
    assert cut.rows == 1 or abs(cut.rows * high - height) <= Fraction(high) / 2


@given(width=SIDES, height=SIDES, columns=st.integers(1, 1_000))
def test_a_crop_is_refused_only_when_a_cell_would_not_fit_or_there_are_too_many(width, height, columns):
    try:
        grid.cut(width, height, MosaicOrder(cells_across=columns, tile_size=1))
        refused = False
    except InvalidOrder:
        refused = True
    rows = height * columns // width
    assert refused == (rows == 0 or columns * rows > 1_000_000)


@given(width=st.integers(1, 60_000), height=SIDES, columns=st.integers(1, 1_000), fit=st.sampled_from(Fit))
@example(width=1, height=5_000, columns=60, fit=Fit.CROP)
@example(width=10_000, height=10, columns=60, fit=Fit.CROP)
@example(width=20_000, height=10, columns=60, fit=Fit.CROP)
def test_the_cells_across_that_a_refusal_proposes_can_be_had(width, height, columns, fit):
    order = MosaicOrder(cells_across=columns, tile_size=1, fit=fit)
    try:
        grid.cut(width, height, order)
    except InvalidOrder as refused:
        proposed = re.search(r"[Tt]ake (?:at least )?([\d,]+) cells across", str(refused))
        assert proposed is not None or -(-width // height) > 1_000
        assert proposed is None or grid.cut(
            width, height, replace(order, cells_across=int(proposed[1].replace(",", "")))
        )


@given(width=SIDES, height=SIDES, columns=st.integers(1, 1_000))
def test_resizing_by_count_always_has_as_many_columns_as_asked(width, height, columns):
    assume(columns * max(1, round(height * columns / width)) <= 250_000)
    cut = grid.cut(width, height, MosaicOrder(cells_across=columns, tile_size=1, fit=Fit.RESIZE))
    assert cut.columns == columns


def test_a_row_of_cells_that_is_higher_than_the_target_cannot_be_cropped():
    sentence = "Square cells, 9 across, are higher than the target (400 x 40); take at least 10 cells across, or fit"
    with pytest.raises(InvalidOrder, match=re.escape(sentence)):
        grid.cut(400, 40, MosaicOrder(cells_across=9))
    assert grid.cut(400, 40, MosaicOrder(cells_across=10)).rows == 1


def test_a_cell_larger_than_the_target_cannot_be_cropped():
    with pytest.raises(InvalidOrder, match="larger than the target"):
        grid.cut(100, 100, MosaicOrder(cell_width=10, cell_height=101))


def test_a_million_cells_are_the_most():
    assert grid.cut(1_000, 1_000, MosaicOrder(cells_across=1_000, tile_size=1)).cell_count == 1_000_000


def test_a_row_beyond_a_million_cells_is_refused():
    # 1,000 x 1,001 are 1,001,000; 999 x 1,000 fit.
    with pytest.raises(InvalidOrder, match=r"1,001,000 cells; the limit is 1,000,000\. Take 999 cells across\."):
        grid.cut(1_000, 1_001, MosaicOrder(cells_across=1_000, tile_size=1))


def test_a_hundred_billion_pixels_are_the_largest_mosaic():
    # 1,000 x 400 cells of 512 x 512 = 104,857,600,000.
    with pytest.raises(InvalidOrder, match="512,000 x 204,800 pixels; the limit is 100,000,000,000"):
        grid.cut(1_000, 400, MosaicOrder(cells_across=1_000, tile_size=512))
    assert grid.cut(1_000, 400, MosaicOrder(cells_across=1_000, tile_size=500)).mosaic_size == (500_000, 200_000)


def test_a_service_may_allow_fewer_cells_and_pixels():
    few = Limits(250_000, 1_000_000_000)
    assert grid.cut(1_000, 250, MosaicOrder(cells_across=1_000, tile_size=1), few).cell_count == 250_000
    with pytest.raises(InvalidOrder, match=r"251,000 cells; the limit is 250,000\. Take 996 cells across\."):
        grid.cut(1_000, 251, MosaicOrder(cells_across=1_000, tile_size=1), few)
    # 1,000 x 250 cells of 64 x 64 = 1,024,000,000.
    with pytest.raises(InvalidOrder, match="64,000 x 16,000 pixels; the limit is 1,000,000,000"):
        grid.cut(1_000, 250, MosaicOrder(cells_across=1_000, tile_size=64), few)


def test_a_jpeg_longer_than_its_format_allows_is_refused():
    # 66 x 1,000 = 66,000 pixels; JPEG ends at 65,500 (libjpeg's JPEG_MAX_DIMENSION).
    with pytest.raises(InvalidOrder, match="JPEG ends at 65,500"):
        grid.cut(66, 1, MosaicOrder(cells_across=66, tile_size=1_000, format=Format.JPEG))


@pytest.mark.parametrize(
    ("form", "target", "tile", "limit", "others"),
    [
        # A side of 2**14 - 1 (RFC 6386, 9.1), and 8,192 x 4,096 pixels.
        (
            Format.WEBP,
            (128, 1),
            128,
            "16,384 x 128 pixels; WebP ends at 16,383 a side",
            "PNG, JPEG, AVIF, TIFF, pyramidal TIFF, zoom pyramid or PDF",
        ),
        (
            Format.WEBP,
            (64, 33),
            128,
            "8,192 x 4,224 pixels; WebP ends at 33,554,432 pixels in all",
            "PNG, JPEG, AVIF, TIFF, pyramidal TIFF, zoom pyramid or PDF",
        ),
        # 35,651,584 = 8,192 x 4,352 (AV1 specification, A.3, level 6).
        (
            Format.AVIF,
            (113, 1),
            145,
            "16,385 x 145 pixels; AVIF ends at 16,384 a side",
            "PNG, JPEG, TIFF, pyramidal TIFF, zoom pyramid or PDF",
        ),
        (
            Format.AVIF,
            (64, 35),
            128,
            "8,192 x 4,480 pixels; AVIF ends at 35,651,584 pixels in all",
            "PNG, JPEG, TIFF, pyramidal TIFF, zoom pyramid or PDF",
        ),
        (
            Format.JPEG,
            (66, 1),
            1_000,
            "66,000 x 1,000 pixels; JPEG ends at 65,500 a side",
            "PNG, TIFF, pyramidal TIFF or zoom pyramid",
        ),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_those_that_can(form, target, tile, limit, others):
    with pytest.raises(InvalidOrder) as refused:
        grid.cut(*target, MosaicOrder(cells_across=target[0], tile_size=tile, format=form))
    assert str(refused.value) == f"The mosaic would be {limit}. Take {others}."


@pytest.mark.parametrize(
    ("form", "target", "tile", "size"),
    [
        (Format.WEBP, (64, 32), 128, (8_192, 4_096)),
        (Format.AVIF, (64, 34), 128, (8_192, 4_352)),
        (Format.AVIF, (128, 1), 128, (16_384, 128)),
    ],
)
def test_what_a_format_just_holds_may_be_ordered(form, target, tile, size):
    order = MosaicOrder(cells_across=target[0], tile_size=tile, format=form)
    assert grid.cut(*target, order).mosaic_size == size


def test_a_png_may_be_longer_than_a_jpeg():
    assert grid.cut(66, 1, MosaicOrder(cells_across=66, tile_size=1_000)).mosaic_size == (66_000, 1_000)


def test_a_target_of_one_pixel_across_may_have_cells_that_are_wider():
    # 128,000,000 / 4,096 = 31,250 rows, and no pixel is made up for them.
    cut = grid.cut(1, MAX_PICTURE_PIXELS, MosaicOrder(cell_width=4_096, cell_height=4_096, fit=Fit.RESIZE))
    assert (cut.columns, cut.rows, cut.target_size) == (1, 31_250, (1, MAX_PICTURE_PIXELS))
