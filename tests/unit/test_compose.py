"""Tiles side by side."""

import numpy as np

from worker.core.compose import band


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
