"""Mean colours, by hand and by plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.core.grid import cell_means, mean_colour


def test_the_mean_of_a_cell_by_hand():
    # (10 + 20 + 30 + 41) / 4 = 25.25; (0 + 0 + 0 + 255) / 4 = 63.75; (1 + 2 + 3 + 4) / 4 = 2.5.
    cell = [[[10, 0, 1], [20, 0, 2]], [[30, 0, 3], [41, 255, 4]]]
    assert cell_means(np.array(cell, np.uint8), 1, 1).tolist() == [[25.25, 63.75, 2.5]]


def test_cells_are_listed_row_by_row_from_the_top_left():
    target = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)[:, :, None].repeat(3, axis=2)
    assert cell_means(target, 3, 2)[:, 0].tolist() == [1, 2, 3, 4, 5, 6]


@settings(deadline=None)
@given(
    columns=st.integers(1, 6),
    rows=st.integers(1, 6),
    width=st.integers(1, 5),
    height=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_means_of_cells_of_any_shape_are_those_of_the_plain_loop(columns, rows, width, height, seed):
    target = np.random.default_rng(seed).integers(0, 256, (rows * height, columns * width, 3), dtype=np.uint8)
    expected = []
    for row in range(rows):
        for column in range(columns):
            sums = [0, 0, 0]
            for y in range(row * height, (row + 1) * height):
                for x in range(column * width, (column + 1) * width):
                    for channel in range(3):
                        sums[channel] += int(target[y, x, channel])
            expected.append([total / (width * height) for total in sums])
    assert cell_means(target, columns, rows).tolist() == expected


def test_a_large_white_cell_does_not_overflow():
    # 6,000 * 6,000 * 255 = 9.18e9 is beyond 32 bits.
    assert cell_means(np.full((6_000, 6_000, 3), 255, np.uint8), 1, 1).tolist() == [[255, 255, 255]]


@pytest.mark.parametrize(("columns", "rows"), [(4, 2), (3, 3)])
def test_a_target_that_is_no_whole_number_of_cells_is_an_error(columns, rows):
    with pytest.raises(ValueError, match="6 x 4 x 3 is not a whole number"):
        cell_means(np.zeros((4, 6, 3), np.uint8), columns, rows)


def test_a_target_with_an_alpha_channel_is_an_error():
    with pytest.raises(ValueError, match="6 x 4 x 4 is not a whole number"):
        cell_means(np.zeros((4, 6, 4), np.uint8), 1, 1)


def test_the_mean_of_a_photo_by_hand():
    # Sums of 7, 255 and 27 over three pixels.
    assert mean_colour(np.array([[[1, 0, 9], [2, 0, 9], [4, 255, 9]]], np.uint8)).tolist() == [7 / 3, 85, 9]


@settings(deadline=None)
@given(width=st.integers(1, 40), height=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_the_mean_of_a_photo_is_the_sum_of_whole_numbers_divided_once(width, height, seed):
    photo = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = [sum(photo[:, :, channel].ravel().tolist()) / (width * height) for channel in range(3)]
    assert mean_colour(photo).tolist() == expected
