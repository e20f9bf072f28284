"""Turns, against loops over every pixel."""

import numpy as np
import pytest

from worker.core.orientations import AS_IT_IS, MIRRORED, allowed, lies_across, oriented


def by_hand(picture, turn):
    """The reference: mirrored, then a quarter counter-clockwise at a time, pixel by pixel."""
    if turn >= 4:
        picture = [list(reversed(line)) for line in picture]
    for _ in range(turn % 4):
        height, width = len(picture), len(picture[0])
        # What was the rightmost column, from the top down, becomes the topmost line.
        picture = [[picture[x][width - 1 - y] for x in range(height)] for y in range(width)]
    return picture


def letter():
    """A picture of 2 lines and 3 columns whose pixels are all different."""
    return np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


@pytest.mark.parametrize(
    ("flips", "turns", "expected"),
    [
        (False, False, [0]),
        (True, False, [0, 4]),
        (False, True, [0, 1, 2, 3]),
        (True, True, [0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_what_is_allowed_begins_with_the_photo_as_it_is(flips, turns, expected):
    assert allowed(flips=flips, turns=turns) == expected


def test_a_quarter_is_counter_clockwise():
    assert oriented(letter(), 1)[..., 0].tolist() == [[6, 15], [3, 12], [0, 9]]


def test_mirrored_is_left_for_right():
    assert oriented(letter(), MIRRORED)[..., 0].tolist() == [[6, 3, 0], [15, 12, 9]]


def test_as_it_is_changes_nothing():
    assert (oriented(letter(), AS_IT_IS) == letter()).all()


@pytest.mark.parametrize("turn", range(8))
def test_every_turn_is_that_of_the_plain_loop(turn):
    assert oriented(letter(), turn).tolist() == by_hand(letter().tolist(), turn)


@pytest.mark.parametrize("turn", range(8))
def test_many_pictures_are_turned_each_in_itself(turn):
    pictures = np.random.default_rng(2).integers(0, 256, (4, 2, 5, 3), dtype=np.uint8)
    assert oriented(pictures, turn).tolist() == [by_hand(picture.tolist(), turn) for picture in pictures]


def test_all_eight_are_different():
    square = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    assert len({oriented(square, turn).tobytes() for turn in range(8)}) == 8


@pytest.mark.parametrize("turn", range(8))
def test_width_and_height_change_places_where_it_lies_across(turn):
    assert oriented(letter(), turn).shape == ((3, 2, 3) if lies_across(turn) else (2, 3, 3))
    assert lies_across(turn) == (turn in (1, 3, 5, 7))


@pytest.mark.parametrize("turn", range(8))
def test_the_argument_is_left_as_it_was(turn):
    picture = letter()
    oriented(picture, turn)
    assert (picture == letter()).all()
