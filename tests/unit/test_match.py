"""The nearest tile, against a plain loop and against scipy's tree."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from worker.core.match import CANDIDATES, nearest_tiles

FEW = st.integers(0, 3).map(float)
LEVELS = st.integers(0, 255).map(float)
ANY = st.floats(0, 255, allow_subnormal=False)


def colours(values, least, most):
    return st.lists(st.tuples(values, values, values), min_size=least, max_size=most)


def plain_loop(cells, tiles):
    """The reference: every tile is looked at in turn, and only a smaller distance replaces an earlier one."""
    answer = []
    for red, green, blue in cells:
        best, best_distance = -1, math.inf
        for number, (r, g, b) in enumerate(tiles):
            distance = (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2
            if distance < best_distance:
                best, best_distance = number, distance
        answer.append(best)
    return answer


@settings(deadline=None)
@given(cells=colours(FEW, 1, 20), tiles=colours(FEW, 1, 80))
def test_ties_and_duplicates_go_to_the_lower_number_as_in_the_plain_loop(cells, tiles):
    assert nearest_tiles(np.array(cells), np.array(tiles)).tolist() == plain_loop(cells, tiles)


@settings(deadline=None)
@given(cells=colours(LEVELS, 1, 20), tiles=colours(LEVELS, 1, 40))
def test_whole_colours_find_what_the_plain_loop_finds(cells, tiles):
    assert nearest_tiles(np.array(cells), np.array(tiles)).tolist() == plain_loop(cells, tiles)


@settings(deadline=None)
@given(cells=colours(ANY, 1, 20), tiles=colours(ANY, 1, 40))
def test_any_colours_find_what_the_plain_loop_finds(cells, tiles):
    assert nearest_tiles(np.array(cells), np.array(tiles)).tolist() == plain_loop(cells, tiles)


@settings(deadline=None)
@given(tile=st.tuples(ANY, ANY, ANY), count=st.integers(1, 3 * CANDIDATES), cells=colours(ANY, 1, 5))
def test_among_equal_tiles_the_first_is_taken(tile, count, cells):
    assert nearest_tiles(np.array(cells), np.array([tile] * count)).tolist() == [0] * len(cells)


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_more_equally_near_colours_than_candidates_still_give_the_lowest_number(random):
    # All whole points at distance 9 from the cell: (9,0,0), (8,4,1), (7,4,4), (6,6,3) and their mirrors, 102 of them.
    span = range(-9, 10)
    sphere = [
        (100.0 + x, 100.0 + y, 100.0 + z) for x in span for y in span for z in span if x * x + y * y + z * z == 81
    ]
    assert len(sphere) == 102
    random.shuffle(sphere)
    far = [(200.0, 200.0, 200.0)] * random.randrange(5)
    assert nearest_tiles(np.array([(100.0, 100.0, 100.0)]), np.array(far + sphere)).tolist() == [len(far)]


def test_equally_near_colours_are_found_for_many_cells_at_once():
    # 8 corners around each cell at equal distance, and 27 cells: every corner is shared.
    axis = [0.0, 2.0, 4.0, 6.0]
    tiles = [(x, y, z) for z in axis for y in axis for x in axis]
    cells = [(x, y, z) for z in (1.0, 3.0, 5.0) for y in (1.0, 3.0, 5.0) for x in (1.0, 3.0, 5.0)]
    assert nearest_tiles(np.array(cells), np.array(tiles)).tolist() == plain_loop(cells, tiles)


def test_the_distances_are_those_of_scipys_tree():
    dice = np.random.default_rng(7)
    cells, tiles = dice.uniform(0, 255, (2_000, 3)), dice.uniform(0, 255, (5_000, 3))
    ours = np.linalg.norm(cells - tiles[nearest_tiles(cells, tiles)], axis=1)
    np.testing.assert_allclose(ours, cKDTree(tiles).query(cells)[0], rtol=1e-12)


def test_one_tile_is_nearest_to_everything():
    assert nearest_tiles(np.array([[0.0, 0, 0], [255, 255, 255]]), np.array([[9.0, 9, 9]])).tolist() == [0, 0]


def test_no_cells_need_no_tiles_chosen():
    assert nearest_tiles(np.empty((0, 3)), np.array([[1.0, 2, 3]])).tolist() == []


def test_the_arguments_are_left_as_they_were():
    cells, tiles = np.array([[3.0, 2, 1]]), np.array([[2.0, 2, 2], [1, 1, 1], [2, 2, 2]])
    nearest_tiles(cells, tiles)
    assert (cells.tolist(), tiles.tolist()) == ([[3, 2, 1]], [[2, 2, 2], [1, 1, 1], [2, 2, 2]])


def test_no_tiles_at_all_is_an_error():
    with pytest.raises(ValueError, match="tiles is empty"):
        nearest_tiles(np.zeros((1, 3)), np.empty((0, 3)))


@pytest.mark.parametrize(("cells", "tiles"), [((7, 4), (2, 3)), ((7, 3), (2, 2)), ((3,), (2, 3))])
def test_an_array_that_does_not_hold_colours_is_an_error(cells, tiles):
    with pytest.raises(ValueError, match=r"must be \(\*, 3\), not"):
        nearest_tiles(np.zeros(cells), np.zeros(tiles))
