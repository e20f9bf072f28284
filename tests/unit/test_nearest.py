"""The nearest tile, against plain loops, against scipy's tree and against every distance in double precision."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from skimage.color import deltaE_ciede2000

from worker import parallel
from worker.core.colour import ciede2000
from worker.core.losses import Metric
from worker.core.search import ciede2000 as ciede2000_search
from worker.core.search import nearest as nearest_search
from worker.core.search import pruned
from worker.core.search.nearest import PROPOSALS, nearest

FEW = st.integers(0, 3).map(float)
LEVELS = st.integers(0, 255).map(float)
ANY = st.floats(0, 255, allow_subnormal=False)
SEEDS = st.integers(0, 2**32 - 1)
PLAIN = [Metric.EUCLIDEAN, Metric.MANHATTAN]
WIDTHS = [2, 4, 22, 64, 65, 100, 192, 768]
"""Up to 64 the distances themselves prune, from 65 on two projections do, with 24 and up to 128 components."""


def colours(values, least, most):
    return st.lists(st.tuples(values, values, values), min_size=least, max_size=most)


def found(cells, tiles, metric=Metric.EUCLIDEAN, threads=1):
    return nearest(np.array(cells), np.array(tiles), metric, threads=threads).tolist()


def plain_loop(cells, tiles, metric=Metric.EUCLIDEAN):
    """The reference: every tile is looked at in turn, and only a smaller distance replaces an earlier one."""
    answer = []
    for red, green, blue in cells:
        best, best_distance = -1, math.inf
        for number, (r, g, b) in enumerate(tiles):
            if metric is Metric.MANHATTAN:
                distance = abs(red - r) + abs(green - g) + abs(blue - b)
            else:
                distance = (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2
            if distance < best_distance:
                best, best_distance = number, distance
        answer.append(best)
    return answer


class Stopped(Exception):
    """Somebody has seen enough."""


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As a rendering does: threads of the linear algebra and our own would wait for each other."""
    with parallel.one_thread_each():
        yield


# Three numbers


@pytest.mark.parametrize("metric", PLAIN)
@settings(deadline=None)
@given(cells=colours(FEW, 1, 20), tiles=colours(FEW, 1, 80))
def test_ties_and_duplicates_go_to_the_lower_number_as_in_the_plain_loop(metric, cells, tiles):
    assert found(cells, tiles, metric) == plain_loop(cells, tiles, metric)


@pytest.mark.parametrize("metric", PLAIN)
@settings(deadline=None)
@given(cells=colours(LEVELS, 1, 20), tiles=colours(LEVELS, 1, 40))
def test_whole_colours_find_what_the_plain_loop_finds(metric, cells, tiles):
    assert found(cells, tiles, metric) == plain_loop(cells, tiles, metric)


@pytest.mark.parametrize("metric", PLAIN)
@settings(deadline=None)
@given(cells=colours(ANY, 1, 20), tiles=colours(ANY, 1, 40))
def test_any_colours_find_what_the_plain_loop_finds(metric, cells, tiles):
    assert found(cells, tiles, metric) == plain_loop(cells, tiles, metric)


@pytest.mark.parametrize("metric", Metric)
@settings(deadline=None, max_examples=50)
@given(tile=st.tuples(ANY, ANY, ANY), count=st.integers(1, 3 * PROPOSALS[1]), cells=colours(ANY, 1, 5))
def test_among_equal_tiles_the_first_is_taken(metric, tile, count, cells):
    assert found(cells, [tile] * count, metric) == [0] * len(cells)


@settings(deadline=None, max_examples=30)
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
    assert found([(100.0, 100.0, 100.0)], far + sphere) == [len(far)]


@pytest.mark.parametrize("block", [1, 64 << 20])
@settings(deadline=None, max_examples=10)
@given(st.randoms(use_true_random=False))
def test_more_ties_than_even_the_second_search_proposes_are_searched_whole(block, random):
    # All whole points 9 steps along the axes from the cell: 4 * 9^2 + 2 = 326, more than are ever proposed.
    span = range(-9, 10)
    diamond = [
        (50.0 + x, 50.0 + y, 50.0 + z) for x in span for y in span for z in span if abs(x) + abs(y) + abs(z) == 9
    ]
    assert len(diamond) == 326 > PROPOSALS[-1]
    random.shuffle(diamond)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest_search, "BLOCK_BYTES", block)
        cells = [(50.0, 50.0, 50.0)] * 3 + [(50.0, 50.0, 51.0)]
        assert found(cells, diamond, Metric.MANHATTAN) == plain_loop(cells, diamond, Metric.MANHATTAN)


def test_a_manhattan_neighbour_that_is_far_in_a_straight_line_is_found():
    # Eleven tiles at (6, 6, 6) and a little more are 10.4 away in a straight line, but 18 along the axes; one at
    # (17, 0, 0) is farther than all of them, and nearer along the axes.
    tiles = [(6.0, 6.0, 6.0 + number / 100) for number in range(11)] + [(17.0, 0.0, 0.0)]
    assert found([(0.0, 0.0, 0.0)], tiles, Metric.MANHATTAN) == [11]
    assert found([(0.0, 0.0, 0.0)], tiles) == [0]


@pytest.mark.parametrize("metric", PLAIN)
def test_equally_near_colours_are_found_for_many_cells_at_once(metric):
    # 8 corners around each cell at equal distance, and 27 cells: every corner is shared.
    axis = [0.0, 2.0, 4.0, 6.0]
    tiles = [(x, y, z) for z in axis for y in axis for x in axis]
    cells = [(x, y, z) for z in (1.0, 3.0, 5.0) for y in (1.0, 3.0, 5.0) for x in (1.0, 3.0, 5.0)]
    assert found(cells, tiles, metric) == plain_loop(cells, tiles, metric)


@pytest.mark.parametrize(("metric", "p"), [(Metric.EUCLIDEAN, 2), (Metric.MANHATTAN, 1)])
def test_the_distances_are_those_of_scipys_tree(metric, p):
    dice = np.random.default_rng(7)
    cells, tiles = dice.uniform(0, 255, (2_000, 3)), dice.uniform(0, 255, (5_000, 3))
    ours = np.linalg.norm(cells - tiles[nearest(cells, tiles, metric, threads=1)], ord=p, axis=1)
    np.testing.assert_allclose(ours, cKDTree(tiles).query(cells, p=p)[0], rtol=1e-12)


# CIEDE2000

SOME_LAB = st.tuples(
    st.sampled_from([0.0, 40.0, 50.0, 60.0, 100.0]),
    st.sampled_from([-60.0, 0.0, 2.5, 60.0]),
    st.sampled_from([-70.0, 0.0, 30.0]),
)
ANY_LAB = st.tuples(st.floats(0, 100), st.floats(-128, 128), st.floats(-128, 128))


def lowest_of_all(cells, tiles):
    """The reference: every difference there is, and the first of the smallest."""
    return ciede2000(np.array(cells)[:, None, :], np.array(tiles)[None, :, :]).argmin(axis=1).tolist()


@settings(deadline=None)
@given(cells=st.lists(SOME_LAB, min_size=1, max_size=20), tiles=st.lists(SOME_LAB, min_size=1, max_size=60))
def test_ciede2000_ties_and_duplicates_go_to_the_lower_number(cells, tiles):
    assert found(cells, tiles, Metric.CIEDE2000) == lowest_of_all(cells, tiles)


@settings(deadline=None)
@given(cells=st.lists(ANY_LAB, min_size=1, max_size=20), tiles=st.lists(ANY_LAB, min_size=1, max_size=60))
def test_any_lab_colours_find_the_smallest_ciede2000(cells, tiles):
    assert found(cells, tiles, Metric.CIEDE2000) == lowest_of_all(cells, tiles)


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize(
    ("exponent", "span"), [(-324, 20), (-170, 20), (-162, 0.5), (-161, 0.5), (-160, 2), (-155, 20)]
)
def test_colours_whose_differences_have_a_square_of_nothing_are_ties(exponent, span, grey):
    dice = np.random.default_rng(-exponent)
    cells, tiles = (10.0 ** dice.uniform(exponent, exponent + span, (n, 3)) for n in (600, 60))
    cells[::2], tiles[::3] = 0, 0
    if not grey:
        cells[:, 0] = tiles[:, 0] = 50
    assert found(cells, tiles, Metric.CIEDE2000) == lowest_of_all(cells, tiles)


@pytest.mark.parametrize("seed", range(4))
def test_no_tile_is_nearer_by_scikit_images_ciede2000(seed):
    dice = np.random.default_rng(seed)
    spread = (2, 8, 30, 60)[seed]
    cells, tiles = (np.column_stack([dice.uniform(0, 100, n), dice.normal(0, spread, (n, 2))]) for n in (200, 900))
    table = deltaE_ciede2000(cells[:, None, :], tiles[None, :, :])
    ours = table[np.arange(200), nearest(cells, tiles, Metric.CIEDE2000, threads=1)]
    np.testing.assert_allclose(ours, table.min(axis=1), atol=1e-6)


def test_ciede2000_between_blues_is_not_misled_by_the_straight_line():
    # Sharma's pairs: dE00 is 1.0000 and 2.0425, but in Lab 1.38 and 4.01 apart; and a lightness 1.5 off is 1.5 away.
    cell = (50.0, 0.0, -82.7485)
    tiles = [(50.0, 2.6772, -79.7751), (51.5, 0.0, -82.7485), (50.0, -1.3802, -84.2814)]
    assert found([cell], tiles, Metric.CIEDE2000) == [2]


def test_every_cell_of_every_block_is_led_past_what_is_nearer_in_a_straight_line(monkeypatch):
    monkeypatch.setattr(ciede2000_search, "PROPOSALS", 1)
    monkeypatch.setattr(ciede2000_search, "PAIRS", 1)
    cell = (50.0, 0.0, -82.7485)
    tiles = [(50.0, 2.6772, -79.7751), (51.5, 0.0, -82.7485), (50.0, -1.3802, -84.2814)]
    assert ciede2000_search.nearest_by_ciede2000(np.array([cell] * 3), np.array(tiles)).tolist() == [2, 2, 2]


@pytest.mark.parametrize("pairs", [1, 7, 500])
def test_ciede2000_in_blocks_of_any_size_is_the_same(pairs, monkeypatch):
    dice = np.random.default_rng(3)
    cells, tiles = (dice.integers(0, 8, (n, 3)) * 12.0 for n in (60, 90))
    monkeypatch.setattr(ciede2000_search, "PAIRS", pairs)
    assert found(cells, tiles, Metric.CIEDE2000) == lowest_of_all(cells, tiles)


def test_ciede2000_reports_how_far_it_is_and_stops_when_asked_to(monkeypatch):
    monkeypatch.setattr(ciede2000_search, "PAIRS", 40)
    cells, reported = np.random.default_rng(1).uniform(0, 90, (50, 3)), []
    nearest(cells, cells, Metric.CIEDE2000, threads=1, progress=lambda *done: reported.append(done))
    assert reported[-1] == (50, 50)
    assert len(reported) > 1
    assert all(early[0] < late[0] for early, late in pairwise(reported))

    def stop(_done, _total):
        raise Stopped

    with pytest.raises(Stopped):
        nearest(cells, cells, Metric.CIEDE2000, threads=1, progress=stop)


# Many numbers


def brute(cells, tiles):
    """The reference: every squared distance in double precision, and the first of the smallest."""
    cells, tiles = (np.asarray(side, np.float32).astype(np.float64) for side in (cells, tiles))
    return [int(((tiles - cell) ** 2).sum(axis=1).argmin()) for cell in cells]


@pytest.mark.parametrize("width", WIDTHS)
@settings(deadline=None, max_examples=15)
@given(
    cell_count=st.integers(1, 12),
    tile_count=st.one_of(st.integers(1, 20), st.integers(21, 200)),
    values=st.integers(1, 3),
    offset=st.sampled_from([0, 100, 10_000]),
    varied=st.sampled_from([1, 3, 10, 768]),
    seed=SEEDS,
)
def test_few_different_numbers_and_so_many_ties_give_the_lowest(
    width, cell_count, tile_count, values, offset, varied, seed
):
    # Only some of the columns vary, so that equal distances and equal tiles are many.
    dice = np.random.default_rng(seed)
    cells, tiles = (np.full((count, width), float(offset)) for count in (cell_count, tile_count))
    for side in (cells, tiles):
        side[:, :varied] += dice.integers(0, values, side[:, :varied].shape)
    assert found(cells, tiles) == brute(cells, tiles)


@pytest.mark.parametrize("width", WIDTHS)
@settings(deadline=None, max_examples=10)
@given(tile_count=st.integers(1, 150), noise=st.sampled_from([1e-4, 0.1, 10.0]), seed=SEEDS)
def test_cells_that_are_nearly_tiles_find_what_every_distance_finds(width, tile_count, noise, seed):
    dice = np.random.default_rng(seed)
    tiles = dice.normal(0, 50, (tile_count, width))
    cells = tiles[dice.integers(0, tile_count, 10)] + dice.normal(0, noise, (10, width))
    assert found(cells, tiles) == brute(cells, tiles)


@pytest.mark.parametrize("width", [4, 64, 65, 192])
@settings(deadline=None, max_examples=15)
@given(offset=st.sampled_from([1e4, -1e5]), seed=SEEDS)
def test_tiles_far_from_the_origin_are_told_apart(width, offset, seed):
    # |c|^2 - 2ct + |t|^2 in single precision would be off by 64 * 1e8 / 2^24 = 381; the tiles are 1 apart.
    dice = np.random.default_rng(seed)
    cells, tiles = (offset + dice.integers(0, 2, (count, width)) for count in (8, 60))
    assert found(cells, tiles) == brute(cells, tiles)


@pytest.mark.parametrize("width", [4, 65, 768])
@settings(deadline=None, max_examples=15)
@given(seed=SEEDS)
def test_cells_far_from_all_tiles_still_find_the_nearest(width, seed):
    dice = np.random.default_rng(seed)
    tiles = dice.integers(0, 3, (80, width)).astype(float)
    cells = dice.integers(0, 3, (8, width)) + dice.choice([-3_000, 3_000], (8, 1))
    assert found(cells, tiles) == brute(cells, tiles)


@pytest.mark.parametrize("width", [4, 64, 65, 192])
@settings(deadline=None, max_examples=15)
@given(seed=SEEDS)
def test_near_tiles_are_told_apart_though_others_are_far_away(width, seed):
    # Two crowds, 6,000 apart in every number: within a crowd single precision is rougher than the distances are.
    dice = np.random.default_rng(seed)
    cells, tiles = (
        dice.integers(0, 2, (count, width)) + dice.choice([-3_000.0, 3_000.0], (count, 1)) for count in (12, 80)
    )
    assert found(cells, tiles) == brute(cells, tiles)


@settings(deadline=None, max_examples=15)
@given(seed=SEEDS)
def test_what_the_leading_components_do_not_see_decides_where_they_are_equal(seed):
    # The tiles lie on a sphere in 24 directions; what is left, a hundredth of that and less, decides between them.
    dice = np.random.default_rng(seed)
    tiles = dice.normal(0, 1, (600, 100))
    tiles[:, 24:] *= 1e-3
    tiles[:, :24] *= 5 / np.linalg.norm(tiles[:, :24], axis=1, keepdims=True)
    cells = np.zeros((76, 100))
    cells[np.arange(76), 24 + np.arange(76)] = 3.0
    assert found(cells, tiles) == brute(cells, tiles)


@pytest.mark.parametrize("width", WIDTHS)
def test_equal_tiles_everywhere_give_the_first(width):
    dice = np.random.default_rng(width)
    cells, tile = dice.uniform(0, 1, (30, width)), dice.uniform(0, 1, width)
    assert found(cells, [tile] * 70) == [0] * 30


@pytest.mark.parametrize("width", WIDTHS)
def test_of_tiles_that_lie_twice_among_the_others_the_first_is_taken(width):
    dice = np.random.default_rng(width)
    tiles = dice.normal(0, 1, (50, width))
    assert found(tiles, np.concatenate([tiles, tiles, tiles])) == list(range(50))


@pytest.mark.parametrize("width", [22, 192, 768])
def test_the_distances_are_the_smallest_of_scipys_table(width):
    # Features as pictures have them: a few directions say most.
    dice = np.random.default_rng(width)
    directions = dice.normal(0, 1, (width, width)) / np.arange(1, width + 1)[:, None]
    cells, tiles = ((dice.normal(0, 20, (n, width)) @ directions).astype(np.float32) for n in (300, 4_500))
    table = cdist(cells.astype(float), tiles.astype(float))
    ours = table[np.arange(300), nearest(cells, tiles, Metric.EUCLIDEAN, threads=2)]
    np.testing.assert_allclose(ours, table.min(axis=1), rtol=1e-12)


@pytest.mark.parametrize("width", [4, 100, 768])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("block", "pair"), [(1, 1), (2_000, 50_000), (6 << 20, 1), (1, 16 << 20)])
def test_neither_threads_nor_blocks_change_the_answer(width, threads, block, pair, monkeypatch):
    dice = np.random.default_rng(width)
    cells, tiles = (dice.integers(0, 3, (count, width)).astype(float) for count in (40, 120))
    cells[:, 6:], tiles[:, 6:] = 1, 1
    monkeypatch.setattr(pruned, "BLOCK_BYTES", block)
    monkeypatch.setattr(pruned, "PAIR_BYTES", pair)
    assert found(cells, tiles, threads=threads) == brute(cells, tiles)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_long_search_tells_how_far_it_is(threads, monkeypatch):
    monkeypatch.setattr(pruned, "BLOCK_BYTES", 4 * 10 * 7)  # Seven cells of ten tiles.
    cells, reported = np.random.default_rng(1).uniform(0, 1, (24, 5)), []
    nearest(cells, cells[:10], Metric.EUCLIDEAN, threads=threads, progress=lambda *done: reported.append(done))
    assert reported == [(7, 24), (14, 24), (21, 24), (24, 24)]


@pytest.mark.parametrize("threads", [1, 3])
def test_what_progress_raises_stops_a_long_search(threads, monkeypatch):
    monkeypatch.setattr(pruned, "BLOCK_BYTES", 1)
    cells, reported = np.random.default_rng(1).uniform(0, 1, (50, 5)), []

    def stop(done, _total):
        reported.append(done)
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        nearest(cells, cells, Metric.EUCLIDEAN, threads=threads, progress=stop)
    assert reported == [1, 2, 3]


# The edges


@pytest.mark.parametrize("metric", Metric)
def test_one_tile_is_nearest_to_everything(metric):
    assert found([[0.0, 0, 0], [100, 100, 100]], [[9.0, 9, 9]], metric) == [0, 0]


@pytest.mark.parametrize("width", WIDTHS)
def test_one_tile_of_many_numbers_is_nearest_to_everything(width):
    assert found(np.arange(3.0 * width).reshape(3, width), np.ones((1, width))) == [0, 0, 0]


@pytest.mark.parametrize("metric", Metric)
def test_no_cells_need_no_tiles_chosen(metric):
    assert found(np.empty((0, 3)), [[1.0, 2, 3]], metric) == []


def test_no_cells_of_many_numbers_need_none_either():
    assert found(np.empty((0, 100)), np.ones((2, 100))) == []


@pytest.mark.parametrize(
    ("metric", "width"), [*((metric, 3) for metric in Metric), (Metric.EUCLIDEAN, 48), (Metric.EUCLIDEAN, 100)]
)
def test_the_arguments_are_left_as_they_were(metric, width):
    cells, tiles = (np.random.default_rng(seed).uniform(0, 90, (40, width)) for seed in (1, 2))
    kept = cells.copy(), tiles.copy()
    for side in (cells, tiles):
        side.flags.writeable = False
    nearest(cells, tiles, metric, threads=1)
    assert (cells == kept[0]).all()
    assert (tiles == kept[1]).all()


@pytest.mark.parametrize("metric", Metric)
def test_no_tiles_at_all_is_an_error(metric):
    with pytest.raises(ValueError, match="tiles is empty"):
        nearest(np.zeros((1, 3)), np.empty((0, 3)), metric, threads=1)


def test_no_tiles_of_many_numbers_is_an_error():
    with pytest.raises(ValueError, match="tiles is empty"):
        nearest(np.zeros((1, 48)), np.empty((0, 48)), Metric.EUCLIDEAN, threads=1)


@pytest.mark.parametrize("metric", [Metric.MANHATTAN, Metric.CIEDE2000])
@pytest.mark.parametrize(("cells", "tiles"), [((7, 4), (2, 3)), ((7, 3), (2, 2)), ((3,), (2, 3)), ((7, 4), (2, 4))])
def test_an_array_that_does_not_hold_colours_is_an_error(metric, cells, tiles):
    with pytest.raises(ValueError, match=r"must be \(\*, 3\), not"):
        nearest(np.zeros(cells), np.zeros(tiles), metric, threads=1)


@pytest.mark.parametrize(
    ("cells", "tiles"),
    [((7, 4), (2, 3)), ((7, 3), (2, 2)), ((3,), (2, 3)), ((7, 48), (2, 12)), ((2, 4, 4), (2, 4, 4))],
)
def test_cells_and_tiles_of_different_widths_are_an_error(cells, tiles):
    with pytest.raises(ValueError, match=r"must be \(\*, "):
        nearest(np.zeros(cells), np.zeros(tiles), Metric.EUCLIDEAN, threads=1)
