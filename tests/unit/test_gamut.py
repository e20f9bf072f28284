"""The colours of a tile set, drawn."""

import numpy as np
import pytest

from worker.core import gamut

WHITE, BLACK, RED, GREEN = ([255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0])


def inked(panel: np.ndarray, colour: list[int]) -> tuple[float, float]:
    """Return where the middle of what has a colour lies, in shares of the panel, from the left and from below."""
    rows, columns = np.nonzero((panel == colour).all(axis=2))
    side = len(panel) - 1
    return columns.mean() / side, 1 - rows.mean() / side


def panels(means: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    drawn = gamut.plot(np.array(means, float))
    assert drawn.shape == (gamut.PANEL, 2 * gamut.PANEL, 3)
    return drawn[:, : gamut.PANEL], drawn[:, gamut.PANEL :]


def test_grey_lies_in_the_middle_and_light_above_dark() -> None:
    above, beside = panels([BLACK, WHITE])
    assert inked(above, WHITE) == pytest.approx((0.5, 0.5), abs=0.01)
    (_, white), (_, black) = inked(beside, WHITE), inked(beside, BLACK)
    assert (white, black) == (pytest.approx(0.96, abs=0.02), pytest.approx(0.04, abs=0.02))


def test_red_lies_right_and_green_left_and_both_above_the_middle() -> None:
    # Oklab of sRGB's red is (0.628, 0.225, 0.126), of its green (0.866, -0.234, 0.179): B. Ottosson, 2020.
    above, beside = panels([RED, GREEN])
    room, inset = (gamut.PANEL - 2 * gamut.MARGIN) / gamut.PANEL, gamut.MARGIN / gamut.PANEL
    for ink, a, b in ((RED, 0.225, 0.126), (GREEN, -0.234, 0.179)):
        expected = tuple(0.5 + room * value / gamut.CHROMA / 2 for value in (a, b))
        assert inked(above, ink) == pytest.approx(expected, abs=0.01)
        assert inked(beside, ink)[0] == pytest.approx(inset + room * np.hypot(a, b) / gamut.CHROMA, abs=0.01)
    assert inked(beside, GREEN)[1] > inked(beside, RED)[1]


def test_the_most_colourful_colour_lies_just_within_the_rim():
    # Of sRGB that is magenta, with a chroma of 0.3225: B. Ottosson, 2020.
    _, beside = panels([[255, 0, 255]])
    assert 0.9 < inked(beside, [255, 0, 255])[0] < 1 - gamut.MARGIN / gamut.PANEL


def test_light_dots_lie_over_dark_ones() -> None:
    above, _ = panels([WHITE, BLACK])
    assert not (above == BLACK).all(axis=2).any()


def test_a_strip_gives_each_colour_its_share_from_dark_to_light() -> None:
    strip = gamut.palette(np.array([WHITE, RED, RED, BLACK], float))
    assert strip.shape == (48, 640, 3)
    assert (strip[:, :160] == BLACK).all()
    assert (strip[:, 160:480] == RED).all()
    assert (strip[:, 480:] == WHITE).all()


def test_a_strip_of_many_colours_is_the_same_every_time() -> None:
    means = np.random.default_rng(3).random((30_000, 3)) * 255
    strip = gamut.palette(means)
    assert np.array_equal(strip, gamut.palette(means))
    lightness = gamut.oklab(strip[0].astype(float))[:, 0]
    assert (np.diff(lightness) >= 0).all()


def test_a_set_of_one_tile_has_a_strip_of_its_colour() -> None:
    assert (gamut.palette(np.array([GREEN], float)) == GREEN).all()
