"""How a target is cut into cells."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models import grid
from models.errors import InvalidOrder
from models.orders import MAX_PICTURE_PIXELS, Fit, Format, MosaicOrder

SIDES = st.integers(1, 5_000)


def test_sixty_cells_across_six_hundred_by_four_hundred_are_forty_rows_of_ten_pixels():
    cut = grid.cut(600, 400, MosaicOrder(cells_across=60, tile_size=50))
    assert cut == grid.Grid(columns=60, rows=40, cell_width=10, cell_height=10, tile_width=50, tile_height=50)


def test_cropping_loses_what_does_not_fill_a_cell():
    # 645 // 60 = 10 pixels a cell; 409 // 10 = 40 rows.
    assert grid.cut(645, 409, MosaicOrder(cells_across=60)).target_size == (600, 400)


def test_resizing_keeps_the_shape_of_the_target():
    # Square cells: rows = 60 * 409 / 645 = 38.05; side = 645 / 60 = 10.75, to the nearest whole pixel.
    cut = grid.cut(645, 409, MosaicOrder(cells_across=60, fit=Fit.RESIZE))
    assert (cut.columns, cut.rows, cut.cell_width, cut.cell_height) == (60, 38, 11, 11)


def test_resizing_to_cells_of_a_given_size_takes_the_nearest_count():
    # 100 / 12 = 8.33 and 100 / 8 = 12.5, which Python rounds to the even 12.
    cut = grid.cut(100, 100, MosaicOrder(cell_width=12, cell_height=8, fit=Fit.RESIZE))
    assert (cut.columns, cut.rows) == (8, 12)


def test_resizing_can_give_more_cells_than_the_target_has_pixels():
    assert grid.cut(10, 10, MosaicOrder(cells_across=40, fit=Fit.RESIZE)).target_size == (40, 40)


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


@given(width=SIDES, height=SIDES, columns=st.integers(1, 1_000))
def test_a_crop_by_count_has_as_many_columns_as_asked_and_lies_inside_the_target(width, height, columns):
    try:
        cut = grid.cut(width, height, MosaicOrder(cells_across=columns, tile_size=1))
    except InvalidOrder:
        assume(False)
    assert cut.columns == columns
    assert cut.cell_width == cut.cell_height
    assert cut.target_size[0] <= width
    assert cut.target_size[1] <= height


@given(width=SIDES, height=SIDES, columns=st.integers(1, 1_000))
def test_a_crop_by_count_leaves_no_room_for_a_larger_cell_or_another_row(width, height, columns):
    try:
        cut = grid.cut(width, height, MosaicOrder(cells_across=columns, tile_size=1))
    except InvalidOrder:
        assume(False)
    assert (cut.cell_width + 1) * columns > width
    assert (cut.rows + 1) * cut.cell_height > height


@given(width=SIDES, height=SIDES, cell_width=st.integers(1, 4_096), cell_height=st.integers(1, 4_096))
def test_a_crop_by_size_leaves_less_than_a_cell_over(width, height, cell_width, cell_height):
    try:
        cut = grid.cut(width, height, MosaicOrder(cell_width=cell_width, cell_height=cell_height, tile_size=1))
    except InvalidOrder:
        assume(False)
    assert 0 <= width - cut.target_size[0] < cell_width
    assert 0 <= height - cut.target_size[1] < cell_height


@given(width=SIDES, height=SIDES, columns=st.integers(1, 1_000))
def test_a_crop_is_refused_only_when_a_cell_would_have_no_pixel_or_not_fit_or_there_are_too_many(
    width, height, columns
):
    try:
        grid.cut(width, height, MosaicOrder(cells_across=columns, tile_size=1))
        refused = False
    except InvalidOrder:
        refused = True
    side = width // columns
    assert refused == (side == 0 or side > height or columns * (height // side) > 250_000)


@given(width=SIDES, height=SIDES, columns=st.integers(1, 1_000))
def test_the_cells_across_that_a_refusal_proposes_can_be_had(width, height, columns):
    assume(columns <= width and width // columns > height)
    with pytest.raises(InvalidOrder, match="take at least") as refused:
        grid.cut(width, height, MosaicOrder(cells_across=columns))
    proposed = int(str(refused.value).split("take at least ")[1].split(" ")[0].replace(",", ""))
    assume(proposed <= 1_000)
    assert grid.cut(width, height, MosaicOrder(cells_across=proposed, tile_size=1)).rows >= 1


@given(width=SIDES, height=SIDES, columns=st.integers(1, 1_000))
def test_resizing_by_count_always_has_as_many_columns_as_asked(width, height, columns):
    assume(columns * max(1, round(height * columns / width)) <= 250_000)
    cut = grid.cut(width, height, MosaicOrder(cells_across=columns, tile_size=1, fit=Fit.RESIZE))
    assert cut.columns == columns


def test_a_target_narrower_than_the_cells_across_cannot_be_cropped():
    with pytest.raises(InvalidOrder, match="at most 59, or fit it by resize"):
        grid.cut(59, 400, MosaicOrder(cells_across=60))


def test_a_cell_larger_than_the_target_cannot_be_cropped():
    with pytest.raises(InvalidOrder, match="larger than the target"):
        grid.cut(100, 100, MosaicOrder(cell_width=10, cell_height=101))


def test_a_quarter_of_a_million_cells_is_the_most():
    # 1,000 x 250 cells are 250,000.
    assert grid.cut(1_000, 250, MosaicOrder(cells_across=1_000, tile_size=1)).cell_count == 250_000


def test_a_row_beyond_a_quarter_of_a_million_cells_is_refused():
    with pytest.raises(InvalidOrder, match="251,000 cells; the limit is 250,000"):
        grid.cut(1_000, 251, MosaicOrder(cells_across=1_000, tile_size=1))


def test_a_billion_pixels_is_the_largest_mosaic():
    # 1,000 x 250 cells of 64 x 64 = 1,024,000,000.
    with pytest.raises(InvalidOrder, match="64,000 x 16,000 pixels; the limit is 1,000,000,000"):
        grid.cut(1_000, 250, MosaicOrder(cells_across=1_000, tile_size=64))


def test_a_jpeg_longer_than_its_format_allows_is_refused():
    # 66 x 1,000 = 66,000 pixels; JPEG ends at 65,500 (libjpeg's JPEG_MAX_DIMENSION).
    with pytest.raises(InvalidOrder, match="JPEG ends at 65,500"):
        grid.cut(66, 1, MosaicOrder(cells_across=66, tile_size=1_000, format=Format.JPEG))


def test_a_png_may_be_longer_than_a_jpeg():
    assert grid.cut(66, 1, MosaicOrder(cells_across=66, tile_size=1_000)).mosaic_size == (66_000, 1_000)


def test_a_target_is_not_resized_to_more_pixels_than_a_picture_may_have():
    # 1 x 31,250 cells of 4,096 x 4,096: the stretched target alone would have 524,288,000,000 pixels.
    with pytest.raises(InvalidOrder):
        grid.cut(1, MAX_PICTURE_PIXELS, MosaicOrder(cell_width=4_096, cell_height=4_096, fit=Fit.RESIZE))
