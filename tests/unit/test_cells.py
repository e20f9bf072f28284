"""The means of the sub-cells of a target, by hand and by plain loops over fractions of pixels."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import mean, means, noise

from models.errors import InvalidOrder
from models.rules.grid import cut
from models.rules.order_words import Fit
from models.rules.orders import MosaicOrder
from worker.core import cells
from worker.core.cells import of_cells, of_rows
from worker.core.fitted import Fitted
from worker.decoding import images

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 9)
SUBCELLS = st.integers(1, 6)


def one_by_one(target, columns, rows, subcells):
    """The reference: the means of all cells of a target, one after the other."""
    width, height = target.width / columns, target.height / rows
    return [
        means(target.pixels, column * width, row * height, width, height, subcells)
        for row in range(rows)
        for column in range(columns)
    ]


def of_whole(pixels, columns, rows, subcells):
    return of_cells(Fitted.whole(np.asarray(pixels, np.uint8)), columns, rows, subcells)


def grey(*lines):
    return np.array(lines, np.uint8)[:, :, None].repeat(3, axis=2)


def test_the_mean_of_a_cell_by_hand():
    # (10 + 20 + 30 + 41) / 4 = 25.25; (0 + 0 + 0 + 255) / 4 = 63.75; (1 + 2 + 3 + 4) / 4 = 2.5.
    cell = [[[10, 0, 1], [20, 0, 2]], [[30, 0, 3], [41, 255, 4]]]
    assert of_whole(cell, 1, 1, 1).tolist() == [[[[25.25, 63.75, 2.5]]]]


def test_sub_cells_that_cut_a_pixel_by_hand():
    # Three pixels in two subcells: (10 + 20 / 2) / 1.5 = 40 / 3 and (20 / 2 + 40) / 1.5 = 100 / 3.
    assert of_whole(grey([10, 20, 40]), 1, 1, 2)[0, :, :, 0].tolist() == [[40 / 3, 100 / 3]] * 2


def test_cells_that_cut_a_pixel_by_hand():
    # The same pixels as two cells.
    assert of_whole(grey([10, 20, 40]), 2, 1, 1)[:, 0, 0, 0].tolist() == [40 / 3, 100 / 3]


def test_cells_smaller_than_a_pixel_have_its_colour_or_that_of_two_by_hand():
    # Two pixels in three cells: the one in the middle has a third of each, so half of its own width.
    assert of_whole(grey([10, 40]), 3, 1, 1)[:, 0, 0, 0].tolist() == [10, 25, 40]


def test_what_is_not_seen_of_the_last_pixels_does_not_count_by_hand():
    # A pixel and a half across, and one and a half down: 1 + 3 / 2 + 5 / 2 + 9 / 4 over 9 / 4.
    target = Fitted(grey([1, 3], [5, 9]), Fraction(3, 2), Fraction(3, 2))
    assert of_cells(target, 1, 1, 1).ravel().tolist() == [pytest.approx(29 / 9)] * 3


def test_cells_are_listed_row_by_row_from_the_top_left():
    assert of_whole(grey([1, 2, 3], [4, 5, 6]), 3, 2, 1)[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_sub_cells_are_listed_row_by_row_too():
    assert of_whole(grey([1, 2, 3, 4], [5, 6, 7, 8]), 2, 1, 2)[..., 0].tolist() == [
        [[1, 2], [5, 6]],
        [[3, 4], [7, 8]],
    ]


@settings(deadline=None, max_examples=100)
@given(
    columns=st.integers(1, 7), rows=st.integers(1, 7), width=SIDES, height=SIDES, subcells=SUBCELLS, seed=SEEDS,
    hidden=st.tuples(*[st.fractions(0, 1, max_denominator=12).filter(lambda part: part < 1)] * 2),
)  # fmt: skip
def test_the_means_of_cells_are_those_of_the_plain_loop_to_the_last_bit(
    columns, rows, width, height, subcells, seed, hidden
):
    target = Fitted(noise(seed, height, width), width - hidden[0], height - hidden[1])
    assert of_cells(target, columns, rows, subcells).tolist() == one_by_one(target, columns, rows, subcells)


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    order=st.builds(MosaicOrder, cells_across=st.integers(1, 30), fit=st.sampled_from(Fit))
    | st.builds(MosaicOrder, cell_width=st.integers(1, 12), cell_height=st.integers(1, 12), fit=st.sampled_from(Fit)),
    seed=SEEDS,
)
def test_what_a_grid_shows_of_a_target_is_the_plain_means_of_where_its_cells_lie(size, order, seed):
    pixels = noise(seed, *size[::-1])
    try:
        grid = cut(*size, order)
    except InvalidOrder:
        return
    expected = [
        mean(pixels, left, top, left + grid.cell_width, top + grid.cell_height)
        for top in (grid.top + row * grid.cell_height for row in range(grid.rows))
        for left in (grid.left + column * grid.cell_width for column in range(grid.columns))
    ]
    found = of_cells(images.fitted(pixels, grid), grid.columns, grid.rows, 1)
    assert found[:, 0, 0].tolist() == expected


@settings(deadline=None, max_examples=30)
@given(first=st.integers(0, 6), count=st.integers(1, 7), seed=SEEDS)
def test_some_rows_are_the_same_as_among_all(first, count, seed):
    target, some = Fitted.whole(noise(seed, 10, 9)), range(first, min(first + count, 7))
    rows = of_cells(target, 4, 7, 2).reshape(7, 4, 2, 2, 3)[first : some.stop]
    np.testing.assert_array_equal(of_rows(target, 4, 7, 2, some).reshape(rows.shape), rows)


@pytest.mark.parametrize("block", [1, 100, 1_000, 5_000])
@pytest.mark.parametrize(("columns", "rows"), [(4, 5), (3, 2), (60, 50)])
def test_the_size_of_the_blocks_changes_nothing(block, columns, rows, monkeypatch):
    target = noise(1, 35, 44)
    before = of_whole(target, columns, rows, 3)
    monkeypatch.setattr(cells, "BLOCK_BYTES", block)
    np.testing.assert_array_equal(of_whole(target, columns, rows, 3), before)


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (7, 11)])
def test_a_large_white_target_neither_overflows_nor_fills_the_memory(columns, rows):
    # 6,000 * 6,000 * 255 = 9.18e9 is beyond 32 bits, and 108 MB of pixels are 864 MB of doubles.
    target = np.full((6_000, 6_000, 3), 255, np.uint8)
    tracemalloc.start()
    try:
        assert np.unique(of_whole(target, columns, rows, 1)).tolist() == [255]
        assert tracemalloc.get_traced_memory()[1] < 4 * cells.BLOCK_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("width", "height", "columns", "rows"), [(128_000, 1_000, 1_000, 7), (1, 250_000, 1, 249_999), (3, 2, 500, 500)]
)
def test_the_longest_lines_and_the_smallest_cells_are_exact(width, height, columns, rows):
    # Where every pixel is white, any sum that lost a bit shows.
    target = np.full((height, width, 3), 255, np.uint8)
    assert np.unique(of_whole(target, columns, rows, 2)).tolist() == [255]


def test_a_sum_beyond_what_single_precision_holds_is_exact():
    # A third of 100,001 bright lines of odd levels: some 19,200,000 units, three to a pixel.
    lines = noise(5, 100_001, 1) | 129
    third = lines[:33_333, 0].astype(int).sum(axis=0) * 3 + 2 * lines[33_333, 0].astype(int)
    assert of_whole(lines, 1, 3, 1)[0, 0, 0].tolist() == [float(Fraction(int(level), 100_001)) for level in third]


def test_a_target_with_an_alpha_channel_is_an_error():
    with pytest.raises(ValueError, match=r"must be \(H, W, 3\), not \(4, 6, 4\)"):
        of_whole(np.zeros((4, 6, 4)), 1, 1, 1)


def test_the_target_is_left_as_it_was():
    pixels = noise(1, 6, 6)
    kept = pixels.copy()
    pixels.flags.writeable = False
    of_whole(pixels, 4, 3, 4)
    assert (pixels == kept).all()
