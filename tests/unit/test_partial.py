"""The small pictures of a mosaic that is being laid."""

import numpy as np
import pytest

from worker.rendering import partial
from worker.rendering.partial import reduced


def test_squares_of_pixels_become_their_means():
    picture = np.arange(6 * 8 * 3, dtype=np.float32).reshape(6, 8, 3)
    naive = [
        [[picture[y : y + 2, x : x + 2, c].mean() for c in range(3)] for x in range(0, 8, 2)] for y in range(0, 6, 2)
    ]
    assert np.array_equal(reduced(picture, 4), np.rint(naive))


@pytest.mark.parametrize("side", [8, 100])
def test_a_small_picture_keeps_its_pixels(side):
    picture = np.full((4, 8, 3), 77.4, np.float32)
    assert np.array_equal(reduced(picture, side), np.full((4, 8, 3), 77))


def test_few_lines_of_a_wide_picture_are_still_a_picture():
    assert reduced(np.full((2, 4_000, 3), 9, np.float32), partial.SIDE).shape == (1, 2_000, 3)
