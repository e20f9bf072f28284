"""Targets whose colours are moved towards those of the tiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.core.adaptation import table
from worker.core.colour import oklab, srgb_of_oklab
from worker.core.fitted import Fitted
from worker.decoding import images

SEEDS = st.integers(0, 2**32 - 1)


def moved(colours, cells, tiles, share):
    """Colours (n, 3) looked up as a rendering does."""
    picture = Fitted.whole(np.uint8([colours]))
    return (
        images.recoloured(picture, table(np.array(cells, float), np.array(tiles, float), share)).pixels[0].astype(int)
    )


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_oklab_and_back_is_the_same_colour(colour):
    np.testing.assert_allclose(srgb_of_oklab(oklab(np.array(colour, float))), colour, atol=0.01)


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS)
def test_nothing_moves_where_the_share_is_nothing_or_the_tiles_show_everything(seed):
    dice = np.random.default_rng(seed)
    colours = dice.integers(0, 256, (40, 3))
    every = np.array(np.meshgrid([0, 255], [0, 255], [0, 255])).reshape(3, -1).T.repeat(20, axis=0)
    few = dice.integers(0, 256, (5, 3))
    assert abs(moved(colours, colours, few, 0.0) - colours).max() <= 1
    # The reach in a direction between two of these corners is a little less than at them.
    assert np.median(abs(moved(colours, colours, every, 1.0) - colours)) <= 1


def test_greys_are_squeezed_between_the_darkest_and_the_lightest_tile():
    greys = np.arange(0, 256, 15)[:, None].repeat(3, axis=1)
    tiles = np.linspace(60, 200, 200)[:, None].repeat(3, axis=1)
    after = moved(greys, greys, tiles, 1.0)
    assert (np.diff(after[:, 0]) > 0).all()
    assert after[0, 0] == pytest.approx(62, abs=8)
    assert after[-1, 0] == pytest.approx(197, abs=8)
    half = moved(greys, greys, tiles, 0.5)
    assert greys[0, 0] < half[0, 0] < after[0, 0]


@pytest.mark.parametrize("tiles", [(120, 230), (150, 160), (85, 90)])
def test_a_target_that_is_wholly_darker_than_the_tiles_keeps_its_contrasts(tiles):
    greys = np.arange(20, 81, 15)[:, None].repeat(3, axis=1)
    after = moved(greys, greys, np.linspace(*tiles, 100)[:, None].repeat(3, axis=1), 1.0)[:, 0]
    assert (np.diff(after) > 0).all()
    assert tiles[0] - 12 < after[0] < after[-1] < tiles[1] + 12


def test_a_hue_that_the_tiles_lack_becomes_grey_and_one_that_they_have_stays():
    dice = np.random.default_rng(1)
    reds = np.column_stack([dice.integers(120, 256, 300), dice.integers(0, 60, 300), dice.integers(0, 60, 300)])
    greys = dice.integers(0, 256, (300, 1)).repeat(3, axis=1)
    target = np.concatenate([reds, reds[:, ::-1]])
    red, blue = moved([[200, 30, 30], [30, 30, 200]], target, np.concatenate([reds, greys]), 1.0)
    assert np.hypot(*oklab(red.astype(float))[1:]) > 0.8 * np.hypot(*oklab(np.array([200.0, 30, 30]))[1:])
    assert np.hypot(*oklab(blue.astype(float))[1:]) < 0.25 * np.hypot(*oklab(np.array([30.0, 30, 200]))[1:])


@pytest.mark.parametrize("tiles", [[[9, 9, 9]], [[0, 0, 0]], [[255, 255, 255]], [[255, 0, 0]]])
def test_a_single_tile_gives_colours_and_no_fault(tiles):
    colours = np.random.default_rng(2).integers(0, 256, (50, 3))
    lights = [oklab(moved(colours, some, tiles, 1.0).astype(float))[:, 0] for some in (colours, colours[:1])]
    for light in lights:
        assert np.isfinite(light).all()
    wanted = oklab(np.array(tiles, float))[0, 0]
    assert abs(np.median(lights[0]) - wanted) < 0.1
