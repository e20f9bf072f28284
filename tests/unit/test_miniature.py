"""A mosaic in small, against plain loops over fractions of pixels and against Pillow."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from worker.core.measures import miniature
from worker.core.measures.miniature import Miniature, assembled
from worker.core.measures.similarity import CELL_SIDE


def fed(mosaic, columns, rows, heights):
    """Let a mosaic's lines pass by, in strips of the given heights over and over, cut off where a row ends."""
    tile_height, tile_width = mosaic.shape[0] // rows, mosaic.shape[1] // columns
    small, turn = Miniature(columns, rows, tile_width, tile_height), 0
    for row in range(rows):
        top = 0
        while top < tile_height:
            lines = min(heights[turn % len(heights)], tile_height - top)
            first = row * tile_height + top
            small.add(row, top, mosaic[first : first + lines])
            top, turn = top + lines, turn + 1
    return small.pixels


def overlaps(length):
    """How much of each of a tile's pixels lies in each of the CELL_SIDE stretches of its side."""
    edges = [Fraction(length * part, CELL_SIDE) for part in range(CELL_SIDE + 1)]
    return [
        [(max(Fraction(0), min(pixel + 1, last) - max(pixel, first)), pixel) for pixel in range(length)]
        for first, last in pairwise(edges)
    ]


def by_hand(mosaic, columns, rows):
    """The reference: every pixel of the small one from the shares of the large one's pixels in it."""
    tile_height, tile_width = mosaic.shape[0] // rows, mosaic.shape[1] // columns
    down, across = overlaps(tile_height), overlaps(tile_width)
    area = Fraction(tile_width * tile_height, CELL_SIDE * CELL_SIDE)
    small = np.empty((CELL_SIDE * rows, CELL_SIDE * columns, 3))
    for y, x, channel in np.ndindex(small.shape):
        top, left = y // CELL_SIDE * tile_height, x // CELL_SIDE * tile_width
        total = sum(
            high * wide * int(mosaic[top + line, left + column, channel])
            for high, line in down[y % CELL_SIDE]
            if high
            for wide, column in across[x % CELL_SIDE]
            if wide
        )
        small[y, x, channel] = total / area
    return small


@settings(deadline=None, max_examples=30)
@given(
    columns=st.integers(1, 3),
    rows=st.integers(1, 3),
    width=st.integers(1, 9),
    height=st.integers(1, 9),
    heights=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_strips_of_any_height_give_the_averages_of_the_plain_loop(columns, rows, width, height, heights, seed):
    mosaic = np.random.default_rng(seed).integers(0, 256, (rows * height, columns * width, 3), dtype=np.uint8)
    np.testing.assert_allclose(fed(mosaic, columns, rows, heights), by_hand(mosaic, columns, rows), rtol=2**-23)


def test_a_row_that_is_added_in_pieces_has_the_averages_of_the_plain_loop(monkeypatch):
    monkeypatch.setattr(miniature, "PIECE_VALUES", 100)
    mosaic = np.random.default_rng(2).integers(0, 256, (7, 9 * 5, 3), dtype=np.uint8)
    np.testing.assert_allclose(fed(mosaic, 9, 1, [4]), by_hand(mosaic, 9, 1), rtol=2**-23)


def test_where_a_tile_has_four_pixels_a_side_the_small_one_is_the_mosaic():
    mosaic = np.random.default_rng(1).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fed(mosaic, 3, 2, [3]), mosaic)


def test_where_the_sides_divide_pillows_box_gives_the_same():
    mosaic = np.random.default_rng(1).integers(0, 256, (2 * 24, 3 * 40, 3), dtype=np.uint8)
    small = fed(mosaic, 3, 2, [7])
    for channel in range(3):  # A picture of floats is not rounded.
        whole = Image.fromarray(mosaic[..., channel].astype(np.float32))
        expected = whole.resize((3 * CELL_SIDE, 2 * CELL_SIDE), Image.Resampling.BOX)
        np.testing.assert_allclose(small[..., channel], expected, atol=1e-4)


def test_the_largest_white_tile_is_white_to_the_last_bit():
    strip = np.full((64, 1_024, 3), 255, np.uint8)
    small = Miniature(1, 1, 1_024, 1_024)
    for top in range(0, 1_024, 64):
        small.add(0, top, strip)
    assert small.pixels.tolist() == [[[255] * 3] * CELL_SIDE] * CELL_SIDE


def test_a_strip_is_left_as_it_was():
    strip = np.full((2, 3, 3), 7, np.uint8)
    strip.flags.writeable = False
    Miniature(1, 1, 3, 2).add(0, 0, strip)
    assert strip.max() == 7


def test_means_of_sub_cells_are_assembled_where_they_lie():
    # Two rows of two cells of 2 x 2: 1 to 4 lie in the first cell, 5 to 8 in the second, and so on.
    means = np.arange(1.0, 17).reshape(4, 2, 2, 1).repeat(3, axis=3)
    assert assembled(means, 2)[..., 0].tolist() == [[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 15, 16]]


@pytest.mark.parametrize("parts", [1, 3, 4])
def test_assembled_is_what_pasting_by_hand_gives(parts):
    means = np.random.default_rng(3).uniform(0, 255, (6, parts, parts, 3))
    expected = np.zeros((2 * parts, 3 * parts, 3))
    for cell in range(6):
        top, left = cell // 3 * parts, cell % 3 * parts
        expected[top : top + parts, left : left + parts] = means[cell]
    np.testing.assert_array_equal(assembled(means, 3), expected)
