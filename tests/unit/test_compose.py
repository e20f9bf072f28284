"""Tiles side by side, tinted and blended, by hand and by plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.core.compose import band, blended, tinted


def test_tiles_lie_in_the_order_of_their_places():
    tiles = np.array([[[[1] * 3, [2] * 3], [[3] * 3, [4] * 3]], [[[5] * 3, [6] * 3], [[7] * 3, [8] * 3]]], np.uint8)
    laid = band(tiles, np.array([1, 0, 1]))
    assert laid[:, :, 0].tolist() == [[5, 6, 1, 2, 5, 6], [7, 8, 3, 4, 7, 8]]


def test_the_channels_of_a_pixel_stay_together():
    assert band(np.array([[[[9, 8, 7]]]], np.uint8), np.array([0, 0])).tolist() == [[[9, 8, 7], [9, 8, 7]]]


def test_a_band_of_tiles_that_are_not_square_is_what_pasting_by_hand_gives():
    tiles = np.random.default_rng(3).integers(0, 256, (4, 5, 2, 3), dtype=np.uint8)
    places = [2, 0, 3, 3, 1]
    expected = np.zeros((5, 10, 3), np.uint8)
    for column, place in enumerate(places):
        expected[:, 2 * column : 2 * column + 2] = tiles[place]
    np.testing.assert_array_equal(band(tiles, np.array(places)), expected)


def test_each_cell_of_a_row_gets_its_own_tint():
    # Two cells of 2 x 2 pixels: the first a little redder, the second a little less blue.
    strip = np.full((2, 4, 3), 100, np.uint8)
    moved = tinted(strip, np.array([[10.0, 0, 0], [0, 0, -20]]))
    assert moved.tolist() == [[[110, 100, 100]] * 2 + [[100, 100, 80]] * 2] * 2


def test_tinted_colours_are_cut_off_at_black_and_white():
    strip = np.uint8([[[0, 255, 200]]])
    assert tinted(strip, np.array([[-1.0, 1, 255]])).tolist() == [[[0, 255, 255]]]
    assert tinted(strip, np.array([[255.0, -255, -255]])).tolist() == [[[255, 0, 0]]]


def test_a_tint_is_rounded_to_whole_levels_and_halves_to_the_even_one():
    strip = np.full((1, 2, 3), 100, np.uint8)
    shifts = np.array([[0.49, 0.5, 0.51], [-1.5, -2.5, 1.5]])
    assert tinted(strip, shifts).tolist() == [[[100, 100, 101], [98, 98, 102]]]


@settings(deadline=None)
@given(height=st.integers(1, 4), width=st.integers(1, 4), cells=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_tinted_is_what_the_plain_loop_gives(height, width, cells, seed):
    dice = np.random.default_rng(seed)
    strip = dice.integers(0, 256, (height, cells * width, 3), dtype=np.uint8)
    shifts = dice.uniform(-300, 300, (cells, 3))
    expected = np.empty(strip.shape, int)
    for y, x, channel in np.ndindex(strip.shape):
        expected[y, x, channel] = min(255, max(0, int(strip[y, x, channel]) + round(shifts[x // width, channel])))
    assert tinted(strip, shifts).tolist() == expected.tolist()


def test_a_blend_by_hand():
    # A quarter of the way from 10 to 50, from 50 to 10, and from 0 to 255 (63.75).
    assert blended(np.uint8([[[10, 50, 0]]]), np.uint8([[[50, 10, 255]]]), 0.25).tolist() == [[[20, 40, 64]]]


def test_a_blend_of_halves_goes_to_the_even_level():
    assert blended(np.uint8([[[0, 1, 2]]]), np.uint8([[[1, 2, 3]]]), 0.5).tolist() == [[[0, 2, 2]]]


@pytest.mark.parametrize(("share", "seen"), [(0.0, 0), (1.0, 1)])
def test_nothing_of_an_overlay_leaves_the_tiles_and_all_of_it_hides_them(share, seen):
    both = np.random.default_rng(4).integers(0, 256, (2, 7, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(blended(both[0], both[1], share), both[seen])


@settings(deadline=None)
@given(tile=st.integers(0, 255), over=st.integers(0, 255), share=st.floats(0, 1, width=32))
def test_a_blend_is_the_level_nearest_to_the_weighted_mean(tile, over, share):
    found = blended(np.full((1, 1, 3), tile, np.uint8), np.full((1, 1, 3), over, np.uint8), share)
    assert abs(int(found[0, 0, 0]) - ((1 - share) * tile + share * over)) <= 0.5 + 1e-4


def test_tinting_and_blending_leave_their_arguments_as_they_were():
    strip, overlay, shifts = np.full((1, 2, 3), 9, np.uint8), np.full((1, 2, 3), 99, np.uint8), np.full((2, 3), 7.5)
    tinted(strip, shifts)
    blended(strip, overlay, 0.5)
    assert (strip.max(), overlay.max(), shifts.max()) == (9, 99, 7.5)
