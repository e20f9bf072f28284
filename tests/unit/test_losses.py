"""Every loss by its name, against its formula written out for one cell and one tile."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000

from models.rules.order_words import MAX_SUBCELLS, MIN_SUBCELLS, LossName
from worker.core.losses import NAMES, Metric, cost, find

DETAILS = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
SEEDS = st.integers(0, 2**32 - 1)


# The formulas, in numbers alone. A picture is a list of lines of (r, g, b).


def flat(picture):
    return [pixel for line in picture for pixel in line]


def mean(picture):
    pixels = flat(picture)
    return [sum(pixel[channel] for pixel in pixels) / len(pixels) for channel in range(3)]


def linear(level):
    share = level / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def lab(colour):
    r, g, b = map(linear, colour)
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / (0.4124564 + 0.3575761 + 0.1804375)
    y = (0.2126729 * r + 0.7151522 * g + 0.0721750 * b) / (0.2126729 + 0.7151522 + 0.0721750)
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / (0.0193339 + 0.1191920 + 0.9503041)
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def even(colour):
    lightness, a, b = lab(colour)
    chroma = math.hypot(a, b)
    smaller = math.log(1 + 0.045 * chroma) / (0.045 * chroma) if chroma else 1
    return lightness, a * smaller, b * smaller


def oklab(colour):
    r, g, b = map(linear, colour)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def luma(colour):
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def squares(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def weighted(one, other, power):
    weights = 0.2126, 0.7152, 0.0722
    return math.sqrt(sum(w**power * (a - b) ** 2 for w, a, b in zip(weights, one, other, strict=True)))


def balanced(cell, tile, detail):
    one, other = mean(cell), mean(tile)
    colour = squares([v / 255 for v in one], [v / 255 for v in other])
    colour += squares([v / 100 for v in even(one)], [v / 100 for v in even(other)])
    apart = [(luma(a) - luma(b)) / 255 for a, b in zip(flat(cell), flat(tile), strict=True)]
    structure = 5.5 * sum(d * d for d in apart) / 16
    return math.sqrt((1 - detail) * colour + detail * structure)


def over_sub_cells(cell, tile, colour, count):
    pairs = list(zip(flat(cell), flat(tile), strict=True))
    return math.sqrt(sum(squares(colour(a), colour(b)) for a, b in pairs) / (count * len(pairs)))


FORMULAS = {
    "balanced": balanced,
    "mean-rgb": lambda cell, tile, _: math.dist(mean(cell), mean(tile)),
    "mean-rgb-manhattan": lambda cell, tile, _: sum(abs(a - b) for a, b in zip(mean(cell), mean(tile), strict=True)),
    "mean-rgb-luma": lambda cell, tile, _: weighted(mean(cell), mean(tile), 1),
    "mean-rgb-luma-squared": lambda cell, tile, _: weighted(mean(cell), mean(tile), 2),
    "mean-lab": lambda cell, tile, _: math.dist(lab(mean(cell)), lab(mean(tile))),
    "mean-oklab": lambda cell, tile, _: math.dist(oklab(mean(cell)), oklab(mean(tile))),
    "ciede2000": lambda cell, tile, _: float(deltaE_ciede2000(lab(mean(cell)), lab(mean(tile)))),
    "grid-rgb": lambda cell, tile, _: over_sub_cells(cell, tile, lambda colour: colour, 3),
    "grid-oklab": lambda cell, tile, _: over_sub_cells(cell, tile, oklab, 1),
    "pixels": lambda cell, tile, _: over_sub_cells(cell, tile, lambda colour: colour, 3),
}
SIDES = {"balanced": 4, "pixels": 16}


def features(loss, picture):
    """Give a loss the means that it asks for of a picture whose pixels are the sub-cells of its finest grid."""
    side = len(picture)
    assert set(loss.subcells) <= {1, side}
    whole = np.array([[[mean(picture)]]])
    return loss.features([whole if subcells == 1 else np.array(picture)[None] for subcells in loss.subcells])


def found(name, cell, tile, *, subcells=4, detail=0.5):
    loss = find(name, subcells=subcells, detail=detail)
    return math.sqrt(cost(loss, features(loss, cell)[0], features(loss, tile)[0]))


def pictures(side, seed):
    """Two pictures; often flat or alike, as the sides of the colour space are."""
    dice = np.random.default_rng(seed)
    pair = dice.uniform(0, 255, (2, side, side, 3))
    if seed % 3 == 0:
        pair[0] = pair[0, 0, 0]
    return pair.tolist()


def test_there_is_a_loss_for_every_name_and_a_formula_for_every_loss():
    assert set(NAMES) == {name.value for name in LossName} == set(FORMULAS)


@settings(deadline=None, max_examples=25)
@given(detail=DETAILS, seed=SEEDS)
@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_is_its_formula(name, detail, seed):
    cell, tile = pictures(SIDES.get(name, 4), seed)
    assert found(name, cell, tile, detail=detail) == pytest.approx(FORMULAS[name](cell, tile, detail), rel=1e-7)


@pytest.mark.parametrize("subcells", range(MIN_SUBCELLS, MAX_SUBCELLS + 1))
@pytest.mark.parametrize("name", ["grid-rgb", "grid-oklab"])
def test_a_grid_may_have_from_2_to_16_sub_cells_a_side(name, subcells):
    cell, tile = pictures(subcells, subcells)
    loss = find(name, subcells=subcells, detail=0.5)
    assert loss.subcells == (subcells,)
    assert features(loss, cell).shape == (1, 3 * subcells**2)
    assert found(name, cell, tile, subcells=subcells) == pytest.approx(FORMULAS[name](cell, tile, 0.5), rel=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_tile_that_is_the_cell_costs_nothing(name):
    cell, _ = pictures(SIDES.get(name, 4), 1)
    assert found(name, cell, cell) == 0


@pytest.mark.parametrize("name", FORMULAS)
def test_the_cost_is_the_loss_squared_of_every_cell_and_tile(name):
    loss = find(name, subcells=2, detail=0.5)
    side = max(loss.subcells)
    some = [pictures(side, seed)[seed % 2] for seed in range(1, 6)]
    rows = np.concatenate([features(loss, picture) for picture in some])
    table = cost(loss, rows[:2, None, :], rows[None, 2:, :])
    expected = [[FORMULAS[name](cell, tile, 0.5) ** 2 for tile in some[2:]] for cell in some[:2]]
    np.testing.assert_allclose(table, expected, rtol=1e-7)


def test_the_articles_losses_by_hand():
    # The means differ by 3, 4 and 12: sqrt(9 + 16 + 144) = 13, and 3 + 4 + 12 = 19.
    cell, tile = [[[10, 20, 30]]], [[[13, 16, 42]]]
    assert found("mean-rgb", cell, tile) == pytest.approx(13)
    assert found("mean-rgb-manhattan", cell, tile) == pytest.approx(19)


def test_the_weighted_losses_by_hand():
    assert found("mean-rgb-luma", [[[0, 0, 0]]], [[[0, 100, 0]]]) == pytest.approx(100 * math.sqrt(0.7152))
    assert found("mean-rgb-luma-squared", [[[0, 0, 0]]], [[[0, 100, 0]]]) == pytest.approx(71.52)


def test_black_is_100_from_white_in_lab_and_1_in_oklab():
    assert found("mean-lab", [[[0, 0, 0]]], [[[255, 255, 255]]]) == pytest.approx(100)
    assert found("ciede2000", [[[0, 0, 0]]], [[[255, 255, 255]]]) == pytest.approx(100)
    assert found("mean-oklab", [[[0, 0, 0]]], [[[255, 255, 255]]]) == pytest.approx(1, abs=1e-6)


def test_a_mean_hides_what_a_grid_sees():
    half, grey = [[[0] * 3, [255] * 3], [[255] * 3, [0] * 3]], [[[127.5] * 3] * 2] * 2
    assert found("mean-rgb", half, grey) == 0
    assert found("grid-rgb", half, grey, subcells=2) == pytest.approx(127.5)


def test_pixels_is_the_root_of_the_mean_squared_error_at_16_by_16():
    # One channel of one of the 256 pixels is off by 160: 160^2 / (3 * 256) = 33.33...
    cell = [[[50] * 3 for _ in range(16)] for _ in range(16)]
    tile = [[list(pixel) for pixel in line] for line in cell]
    tile[3][7][1] += 160
    assert find("pixels", subcells=4, detail=0.5).subcells == (16,)
    assert found("pixels", cell, tile) ** 2 == pytest.approx(100 / 3)
    assert found("pixels", cell, tile) ** 2 == pytest.approx(np.square(np.subtract(cell, tile)).mean())


def test_without_detail_only_the_average_counts():
    dark, light = [[0] * 3, [255] * 3] * 2, [[255] * 3, [0] * 3] * 2
    assert found("balanced", [dark] * 4, [light] * 4, detail=0.0) == 0
    assert found("balanced", [dark] * 4, [light] * 4, detail=0.5) == pytest.approx(math.sqrt(0.5 * 5.5))


def test_with_all_detail_no_hue_counts():
    # Red 100 has the luma of green 100 * 0.2126 / 0.7152.
    red, green = [100, 0, 0], [0, 100 * 0.2126 / 0.7152, 0]
    assert found("balanced", [[red] * 4] * 4, [[green] * 4] * 4, detail=1.0) == pytest.approx(0, abs=1e-9)
    assert found("balanced", [[red] * 4] * 4, [[green] * 4] * 4, detail=0.5) > 0.1


def test_with_all_detail_black_is_the_root_of_5_and_a_half_from_white():
    black, white = [[[0] * 3] * 4] * 4, [[[255] * 3] * 4] * 4
    assert found("balanced", black, white, detail=1.0) == pytest.approx(math.sqrt(5.5))
    # Without: |dm|^2 = 3 and |dE|^2 = 1.
    assert found("balanced", black, white, detail=0.0) == pytest.approx(2)


def test_detail_belongs_to_the_balanced_loss_and_sub_cells_to_grids():
    for name in FORMULAS:
        cell, tile = pictures(SIDES.get(name, 4), 7)
        same = {round(found(name, cell, tile, detail=detail), 9) for detail in (0.0, 0.5, 1.0)}
        assert len(same) == (3 if name == "balanced" else 1), name
        grids = {find(name, subcells=subcells, detail=0.5).subcells for subcells in (2, 3)}
        assert len(grids) == (2 if name.startswith("grid-") else 1), name


def test_only_two_losses_are_not_euclidean():
    metrics = {name: find(name, subcells=4, detail=0.5).metric for name in NAMES}
    assert {name for name, metric in metrics.items() if metric is not Metric.EUCLIDEAN} == {
        "mean-rgb-manhattan",
        "ciede2000",
    }
    assert (metrics["mean-rgb-manhattan"], metrics["ciede2000"]) == (Metric.MANHATTAN, Metric.CIEDE2000)


def test_means_are_left_as_they_were():
    for name in NAMES:
        loss = find(name, subcells=2, detail=0.5)
        means = [np.full((2, subcells, subcells, 3), 77.0) for subcells in loss.subcells]
        for array in means:
            array.flags.writeable = False
        rows = loss.features(means)
        rows.flags.writeable = False
        cost(loss, rows[0], rows[1])
        assert all((array == 77).all() for array in means)


def test_no_such_loss_is_an_error():
    with pytest.raises(KeyError, match="best"):
        find("best", subcells=4, detail=0.5)


def test_costs_are_reckoned_in_double_precision():
    # Single precision has 24 bits: there, 2**24 less a half is 2**24 again.
    large, half = np.float32([2**24]), np.float32([0.5])
    assert cost(find("mean-rgb", subcells=1, detail=0.5), large, half) == (2**24 - 0.5) ** 2
