"""How much the exact searches look at: what a bound leaves is counted, since a looser one finds the same."""

from contextlib import contextmanager

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from skimage.color import deltaE_ciede2000

from worker.core import descriptors
from worker.core.assignment.shortlist import blocks
from worker.core.losses import Metric
from worker.core.search import ciede2000 as ciede2000_search
from worker.core.search import nearest as nearest_search
from worker.core.search import pruned
from worker.core.search.nearest import nearest


@contextmanager
def counted(place, name):
    """Count the pairs that a function answers for; it does what it did."""
    real, pairs = getattr(place, name), []

    def counting(*arguments):
        answer = real(*arguments)
        pairs.append(answer.size)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, counting)
        yield pairs


def found(cells, tiles, metric=Metric.EUCLIDEAN):
    return nearest(cells, tiles, metric, threads=1).tolist()


# Three numbers

SPAN = range(-10, 11)
EQUALLY_NEAR = [(x, y, z) for x in SPAN for y in SPAN for z in SPAN if x * x + y * y + z * z == 101]
FARTHER = [(10, 1, 1), *((11 + number, 0, 0) for number in range(200))]


@pytest.mark.parametrize(
    ("equal", "looked_at"),
    [
        (1, 2), (2, 2 + 16), (15, 2 + 16), (16, 2 + 16 + 128), (127, 2 + 16 + 128),
        (128, 2 + 16 + 128 + 128 + len(FARTHER)),
    ],
)  # fmt: skip
def test_the_tree_proposes_more_only_where_as_many_as_it_proposed_are_equally_near(equal, looked_at):
    tiles = np.array(EQUALLY_NEAR[:equal] + FARTHER, np.float64)
    with counted(nearest_search, "_distances") as pairs:
        assert found(np.zeros((1, 3)), tiles) == [0]
    assert sum(pairs) == looked_at


@pytest.mark.parametrize(("equal", "in_the_tree"), [(8, 8 + 100), (9, 1 + 100)])
def test_the_tree_is_spared_tiles_of_one_colour_where_they_are_many(equal, in_the_tree, monkeypatch):
    planted = []

    def plant(points):
        planted.append(len(points))
        return cKDTree(points)

    monkeypatch.setattr(nearest_search, "KDTree", plant)
    tiles = np.array([(5, 5, 5)] * equal + [(10 + number, 3 * number, 0) for number in range(100)], np.float64)
    assert found(np.array([(5.0, 5, 6)]), tiles) == [0]
    assert planted == [in_the_tree]


# CIEDE2000

S_L = 1 + 0.015 * (100 - 50) ** 2 / (20 + (100 - 50) ** 2) ** 0.5
"""What divides a difference of lightness, at its largest: at white and at black."""


def at_least(cell, tile):
    """Return what the square of CIEDE2000 cannot be below, whatever the hues; written after Sharma's formulas."""
    (light, a, b), (other_light, other_a, other_b) = cell, tile
    chroma = 1.5 * ((a * a + b * b) ** 0.5 + (other_a**2 + other_b**2) ** 0.5) / 2
    turned = 2 * (chroma**7 / (chroma**7 + 25**7)) ** 0.5 * 3**0.5 / 2  # R_T, whose angle is 60 degrees at most
    across = ((a - other_a) ** 2 + (b - other_b) ** 2) / (1 + 0.045 * chroma) ** 2
    return ((light - other_light) / S_L) ** 2 + (1 - turned / 2) * across


def test_only_pairs_that_may_be_nearer_are_compared_by_ciede2000():
    dice = np.random.default_rng(11)
    cells, tiles = (np.column_stack([dice.uniform(0, 100, n), dice.normal(0, 20, (n, 2))]) for n in (40, 500))
    proposed = cKDTree(tiles).query(cells, k=8)[1]
    smallest = deltaE_ciede2000(cells[:, None], tiles[proposed]).min(axis=1)
    like_enough = [
        sum(abs(cell[0] - tile[0]) <= S_L * most for tile in tiles)
        for cell, most in zip(cells, smallest, strict=True)
    ]
    left = [
        sum(at_least(cell, tile) <= most**2 for tile in tiles) for cell, most in zip(cells, smallest, strict=True)
    ]
    with counted(ciede2000_search, "_bound") as bounds, counted(ciede2000_search, "ciede2000") as differences:
        found(cells, tiles, Metric.CIEDE2000)
    assert sum(bounds) == sum(like_enough)
    assert sum(differences) == 8 * 40 + sum(left)
    assert sum(left) < 0.1 * 40 * 500


# Many numbers


def test_few_numbers_are_compared_only_with_the_best_of_eight_stretches_and_with_what_is_as_near():
    dice = np.random.default_rng(12)
    cells, tiles = (dice.integers(0, 9, (n, 6)).astype(np.float32) for n in (50, 8 * 40))
    table = cdist(cells, tiles, "sqeuclidean")
    nearest_ones = np.count_nonzero(table == table.min(axis=1, keepdims=True))
    with counted(pruned._Search, "_distances") as pairs:
        assert found(cells, tiles) == table.argmin(axis=1).tolist()
    assert sum(pairs) == 8 * 50 + nearest_ones


def in_directions(count, many, dice):
    """Return cells and tiles of 300 numbers that vary in a few directions only, farther in the first."""
    directions = np.linalg.qr(dice.normal(0, 1, (300, count)))[0].T * (100 / np.arange(1, count + 1))[:, None]
    return ((dice.normal(0, 1, (n, count)) @ directions).astype(np.float32) for n in many)


def test_what_the_leading_components_tell_apart_is_asked_of_no_second_bound():
    cells, tiles = in_directions(24, (50, 8 * 40), np.random.default_rng(13))
    with (
        counted(pruned._Search, "_bounds") as bounds,
        counted(pruned._Search, "_distances") as pairs,
    ):
        assert found(cells, tiles) == cdist(cells, tiles).argmin(axis=1).tolist()
    assert sum(bounds) == 50
    assert sum(pairs) == 8 * 50 + 50


def test_the_second_bound_leaves_what_is_as_near_of_what_the_first_one_left():
    # With one tile in each stretch, the nearest of all is known before the bounds are asked.
    cells, tiles = in_directions(96, (400, 8), np.random.default_rng(14))
    tiles *= np.float32(0.1)  # so that the middle components decide
    with (
        counted(pruned._Search, "_bounds") as bounds,
        counted(pruned._Search, "_distances") as pairs,
    ):
        assert found(cells, tiles) == cdist(cells, tiles).argmin(axis=1).tolist()
    assert 400 < sum(bounds) < 0.5 * 8 * 400
    assert sum(pairs) == 8 * 400 + 400


# How much at once


def test_four_mebibytes_of_bounds_are_made_at_once():
    reported, tiles = [], np.random.default_rng(15).uniform(0, 1, (2 * 512, 4))
    nearest(np.zeros((2_500, 4)), tiles, Metric.EUCLIDEAN, threads=1, progress=lambda *done: reported.append(done))
    assert reported == [(1_024, 2_500), (2_048, 2_500), (2_500, 2_500)]


@pytest.mark.parametrize(("tiles", "pieces"), [(1 << 20, [4, 4, 2]), (1 << 21, [2] * 5), (1 << 23, [1] * 10)])
def test_an_assignment_asks_for_sixteen_mebibytes_of_costs_at_once_or_for_one_cell(tiles, pieces):
    assert [len(piece) for piece in blocks(np.arange(10), tiles)] == pieces


@pytest.mark.parametrize(
    ("each", "pieces"), [(0, [10]), (1 << 18, [4, 4, 2]), (1 << 20, [1] * 10), (1 << 21, [1] * 10)]
)
def test_pictures_are_averaged_by_the_mebibyte_or_one_by_one(each, pieces):
    assert [some.stop - some.start for some in descriptors._blocks(10, each)] == pieces
