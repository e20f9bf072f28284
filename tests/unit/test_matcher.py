"""A tile and a turn for every cell, against every tile in every turn and against scipy's dense solver."""

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from models.errors import InvalidOrder
from models.rules.order_words import LossName
from models.rules.repeats import pattern
from worker import parallel
from worker.core import features
from worker.core import matcher as choosing
from worker.core.assignment.assign import Rules, assign
from worker.core.cells import of_cells
from worker.core.descriptors import of_tiles
from worker.core.features import Cut
from worker.core.fitted import Fitted
from worker.core.losses import cost, find
from worker.core.matcher import Sides, choose, distinguishable
from worker.core.orientations import allowed
from worker.core.views import Views

SEEDS = st.integers(0, 2**32 - 1)
NAMES = [name.value for name in LossName]
SHAPES = [(1, 1), (3, 2), (2, 5)]
WAYS = [(False, False), (True, False), (False, True), (True, True)]
FREE = Rules()
TURNED = [
    lambda picture: picture,
    np.rot90,
    lambda picture: np.rot90(picture, 2),
    lambda picture: np.rot90(picture, 3),
    np.fliplr,
    lambda picture: np.rot90(np.fliplr(picture)),
    lambda picture: np.rot90(np.fliplr(picture), 2),
    lambda picture: np.rot90(np.fliplr(picture), 3),
]


def silent(_done, _total):
    """Progress that nobody looks at."""


def loss_of(name):
    return find(name, subcells=3, detail=0.5)


def scene(seed, cut, tile_count):
    """A target, and thumbs of photos of different sizes, all of a few smooth colours."""
    dice = np.random.default_rng(seed)
    blocks = dice.integers(0, 256, (cut.rows * 2, cut.columns * 2, 3), dtype=np.uint8)
    target = blocks.repeat(3, axis=0).repeat(4, axis=1)
    thumbs = dice.integers(0, 256, (tile_count, 4, 4, 3), dtype=np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    return target, thumbs, dice.choice([6, 8, 9, 12], (tile_count, 2))


def sides_of(loss, target, thumbs, sizes, cut, turns):
    """The features of cells and of whole photos."""
    views = Views.of(sizes, cut.tile_shape, turns, slide=False, keep=1.0)
    cells = features.of_cells(loss, Fitted.whole(target), cut)
    return Sides(cells, features.of_views(loss, thumbs, views), views)


def chosen(loss, target, thumbs, sizes, cut, turns, rules=FREE, *, threads=1, progress=silent):
    """Choose as a rendering does that crops nothing and pays no price."""
    sides = sides_of(loss, target, thumbs, sizes, cut, turns)
    return choose(loss, sides, cut, rules, None, threads=threads, progress=progress)


def table(loss, target, thumbs, sizes, cut, turns):
    """The reference: (cells, tiles, turns) costs; photos are turned one by one, and only then looked at."""
    cells = loss.features(
        [of_cells(Fitted.whole(target), cut.columns, cut.rows, subcells) for subcells in loss.subcells]
    )
    costs = np.empty((len(cells), len(thumbs), len(turns)))
    for tile, (thumb, (width, height)) in enumerate(zip(thumbs, sizes.tolist(), strict=True)):
        for place, turn in enumerate(turns):
            size = (height, width) if turn in (1, 3, 5, 7) else (width, height)
            picture = np.ascontiguousarray(TURNED[turn](thumb))[None]
            means = [of_tiles(picture, np.array([size]), cut.tile_shape, subcells) for subcells in loss.subcells]
            for cell in range(len(cells)):
                costs[cell, tile, place] = cost(loss, cells[cell], loss.features(means)[0])
    return costs


def least(loss):
    """What a difference in the cost is at least, to be seen in single precision."""
    return {"ciede2000": 1e-5, "euclidean": 2e-3 * loss.scale, "manhattan": 1e-9}[loss.metric.value]


def rules_for(cut, tile_count, max_uses, distance):
    """The rules as an order's check hands them on; an order that it refuses is no example."""
    try:
        proof = pattern(cut.columns, cut.rows, tile_count, max_uses, distance)
    except InvalidOrder:
        assume(False)
    return Rules(max_uses, distance, None if proof is None else (proof.count, proof.step))


def broken(tiles, max_uses, distance):
    """The pairs of equal tiles that are too near, and the tiles with too many uses."""
    places = [(*place, int(tiles[place])) for place in np.ndindex(tiles.shape)]
    near = [
        (one, other)
        for one, other in combinations(places, 2)
        if one[2] == other[2] and math.dist(one[:2], other[:2]) < distance
    ]
    return near + [pair for pair in Counter(tiles.ravel().tolist()).items() if max_uses and pair[1] > max_uses]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As a rendering does: threads of the linear algebra and our own would wait for each other."""
    with parallel.one_thread_each():
        yield


# Without rules


@pytest.mark.parametrize(("flips", "turns"), WAYS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_no_tile_in_no_turn_is_better(name, shape, flips, turns):
    loss, cut, ways = loss_of(name), Cut(3, 2, shape), allowed(flips=flips, turns=turns)
    things = scene(NAMES.index(name), cut, 7)
    found = chosen(loss, *things, cut, ways)
    costs = table(loss, *things, cut, ways)
    here = costs[np.arange(6), found.tiles.ravel(), [ways.index(turn) for turn in found.orientations.ravel()]]
    np.testing.assert_allclose(found.costs.ravel(), here, rtol=2e-6, atol=1e-9)
    np.testing.assert_allclose(here, costs.min(axis=(1, 2)), rtol=1e-6, atol=least(loss))
    assert found.lower_bound == pytest.approx(here.sum())


@settings(deadline=None, max_examples=40)
@given(
    name=st.sampled_from(NAMES),
    way=st.sampled_from(WAYS),
    shape=st.sampled_from(SHAPES),
    columns=st.integers(1, 4),
    rows=st.integers(1, 3),
    tile_count=st.integers(1, 6),
    seed=SEEDS,
)
def test_whatever_the_scene_no_tile_in_no_turn_is_better(name, way, shape, columns, rows, tile_count, seed):
    loss, cut, ways = loss_of(name), Cut(columns, rows, shape), allowed(flips=way[0], turns=way[1])
    things = scene(seed, cut, tile_count)
    found = chosen(loss, *things, cut, distinguishable(ways, loss, cut))
    costs = table(loss, *things, cut, ways)
    best = costs.min(axis=(1, 2))
    here = costs[
        np.arange(len(costs)), found.tiles.ravel(), [ways.index(turn) for turn in found.orientations.ravel()]
    ]
    np.testing.assert_allclose(here, best, rtol=1e-6, atol=least(loss))
    np.testing.assert_allclose(found.costs.ravel(), here, rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMES if loss_of(name).subcells != (1,)])
@pytest.mark.parametrize("turn", range(8))
def test_a_photo_that_fits_only_in_one_turn_is_turned_so(name, turn):
    # The cell is the photo turned, so that its cost there is nothing.
    loss, cut = loss_of(name), Cut(1, 1, (1, 1))
    photo = np.random.default_rng(8).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    target = np.ascontiguousarray(TURNED[turn](photo))
    found = chosen(loss, target, photo[None], np.array([[32, 32]]), cut, allowed(flips=True, turns=True))
    assert found.orientations.tolist() == [[turn]]
    assert found.costs[0, 0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_lying_photo_is_turned_into_a_standing_cell_where_its_edges_are_wanted(name):
    # Only when it is turned is all of the photo seen; as it is, the white edges are lost that make it lighter.
    white, red, blue = [255] * 3, [255, 0, 0], [0, 0, 255]
    photo = np.uint8([white, red, blue, white])[None, None].repeat(4, axis=1)
    target = np.rot90(photo[0]).repeat(6, axis=0).repeat(3, axis=1)
    cut = Cut(1, 1, (1, 2))
    found = chosen(loss_of(name), np.ascontiguousarray(target), photo, np.array([[20, 10]]), cut, [0, 1])
    assert found.orientations.tolist() == [[1]]
    assert found.costs[0, 0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("rules", [FREE, Rules(max_uses=6)])
@pytest.mark.parametrize("name", NAMES)
def test_of_equal_photos_the_first_is_taken_and_of_equal_turns_the_photo_as_it_is(name, rules):
    cut = Cut(3, 2, (1, 1))
    target, thumbs, _ = scene(3, cut, 4)
    ring = thumbs[:, :1, :1].repeat(8, axis=1).repeat(8, axis=2)  # Of one colour each, the same in every turn.
    twice, sizes = np.concatenate([ring, ring]), np.full((8, 2), 8)
    found = chosen(loss_of(name), target, twice, sizes, cut, allowed(flips=True, turns=True), rules)
    assert found.orientations.max() == 0
    if rules.none:
        assert found.tiles.max() < 4


@pytest.mark.parametrize("name", ["balanced", "grid-rgb", "pixels"])
def test_between_a_later_turn_and_a_later_tile_that_are_equal_the_lower_tile_wins(name):
    # The second photo is the first one mirrored, and the cell is the second photo.
    photo = np.random.default_rng(5).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    thumbs, cut = np.stack([photo, photo[:, ::-1]]), Cut(1, 1, (1, 1))
    found = chosen(loss_of(name), thumbs[1], thumbs, np.full((2, 2), 16), cut, [0, 4])
    assert (found.tiles.tolist(), found.orientations.tolist()) == ([[0]], [[4]])


def test_a_choice_lies_as_the_cells_do():
    # Three grey cells above three, each of which is one of the tiles.
    levels = np.uint8([[10, 60, 20], [50, 30, 40]])
    target = levels.repeat(4, axis=0).repeat(4, axis=1)[:, :, None].repeat(3, axis=2)
    thumbs = np.uint8([10, 20, 30, 40, 50, 60])[:, None, None, None] * np.ones((6, 4, 4, 3), np.uint8)
    found = chosen(loss_of("mean-rgb"), target, thumbs, np.full((6, 2), 4), Cut(3, 2, (1, 1)), [0])
    assert found.tiles.tolist() == [[0, 5, 1], [4, 2, 3]]
    assert found.costs.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert found.orientations.dtype == np.uint8


@pytest.mark.parametrize("name", ["balanced", "ciede2000", "pixels"])
def test_threads_change_nothing(name):
    cut = Cut(6, 5, (3, 2))
    things = scene(11, cut, 30)
    one, three = (chosen(loss_of(name), *things, cut, [0, 1, 4], threads=threads) for threads in (1, 3))
    assert (one.tiles == three.tiles).all()
    assert (one.orientations == three.orientations).all()


# Rules


@settings(deadline=None, max_examples=12)
@given(
    way=st.sampled_from(WAYS),
    shape=st.sampled_from(SHAPES),
    size=st.tuples(st.integers(1, 5), st.integers(1, 4)),
    tile_count=st.integers(1, 24),
    limits=st.tuples(st.sampled_from([None, 1, 2, 3, 7]), st.sampled_from([0, 1, 1.5, 2, 3, 5])),
    seed=SEEDS,
)
@pytest.mark.parametrize("name", NAMES)
def test_no_rule_is_ever_broken_and_the_costs_are_true(name, way, shape, size, tile_count, limits, seed):
    loss, cut, ways = loss_of(name), Cut(*size, shape), allowed(flips=way[0], turns=way[1])
    max_uses, distance = limits
    rules = rules_for(cut, tile_count, max_uses, distance)
    things = scene(seed, cut, tile_count)
    found = chosen(loss, *things, cut, ways, rules)
    assert broken(found.tiles, max_uses, distance) == []
    sides = sides_of(loss, *things, cut, ways)
    per_turn = cost(loss, sides.cells[:, None, :], sides.photos[found.tiles.ravel()])
    # Each tile lies in its best turn.
    np.testing.assert_allclose(found.costs.ravel(), per_turn.min(axis=1), rtol=2e-6)
    assert [ways[place] for place in per_turn.argmin(axis=1)] == found.orientations.ravel().tolist()
    assert found.lower_bound <= found.costs.sum()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_without_repeats_the_sum_is_within_a_hundredth_of_scipys(name, way):
    loss, cut, ways = loss_of(name), Cut(5, 4, (3, 2)), allowed(flips=way[0], turns=way[1])
    things = scene(20 + NAMES.index(name), cut, 26)
    found = chosen(loss, *things, cut, ways, Rules(max_uses=1))
    costs = table(loss, *things, cut, ways).min(axis=2)
    cells, tiles = linear_sum_assignment(costs)
    best = costs[cells, tiles].sum()
    assert len(set(found.tiles.ravel().tolist())) == 20
    assert best * (1 - 1e-6) <= found.costs.sum() <= best * 1.01
    assert found.lower_bound <= best * (1 + 1e-5)
    # It says something: more than that each cell can not do better than its nearest tile.
    assert found.lower_bound >= costs.min(axis=1).sum() * (1 - 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_lower_bound_is_that_of_the_assignment_of_the_true_costs(name):
    loss, cut, ways = loss_of(name), Cut(5, 4, (3, 2)), allowed(flips=True, turns=True)
    things, rules = scene(7, cut, 12), rules_for(cut, 12, None, 3)
    found = chosen(loss, *things, cut, ways, rules)
    costs = table(loss, *things, cut, ways).min(axis=2).astype(np.float32)
    expected = assign(costs.__getitem__, 5, 4, 12, rules, silent)
    assert expected.lower_bound < expected.cost
    assert found.lower_bound == pytest.approx(expected.lower_bound, rel=1e-4)
    assert found.costs.sum() == pytest.approx(expected.cost, rel=1e-3)


@pytest.mark.parametrize("name", ["mean-rgb", "mean-rgb-manhattan", "ciede2000", "balanced"])
def test_pairs_in_blocks_of_any_size_cost_the_same(name, monkeypatch):
    cut = Cut(5, 4, (1, 1))
    things = scene(31, cut, 26)
    whole = chosen(loss_of(name), *things, cut, [0, 4], Rules(max_uses=1))
    monkeypatch.setattr(choosing, "BLOCK_BYTES", 1)
    one_by_one = chosen(loss_of(name), *things, cut, [0, 4], Rules(max_uses=1))
    assert (whole.tiles == one_by_one.tiles).all()


@pytest.mark.parametrize("rules", [Rules(max_uses=9), Rules(min_distance=1.0)])
@pytest.mark.parametrize("name", ["mean-rgb", "grid-rgb", "ciede2000"])
def test_rules_that_do_not_bind_change_nothing(name, rules):
    # Nine cells can not use one tile more than nine times, and neighbours are 1 apart.
    loss, cut = loss_of(name), Cut(3, 3, (3, 2))
    things = scene(41, cut, 8)
    free, ruled = (chosen(loss, *things, cut, [0, 1], kept) for kept in (FREE, rules))
    np.testing.assert_allclose(ruled.costs, free.costs, rtol=1e-6, atol=least(loss))


# Turns that a loss can tell apart


ALL = list(range(8))


@pytest.mark.parametrize("name", [name for name in NAMES if loss_of(name).subcells == (1,)])
def test_a_mean_tells_no_turn_of_a_square_tile_apart_and_two_of_any_other(name):
    assert distinguishable(ALL, loss_of(name), Cut(1, 1, (50, 50))) == [0]
    assert distinguishable(ALL, loss_of(name), Cut(1, 1, (50, 49))) == [0, 1]
    assert distinguishable([0, 4], loss_of(name), Cut(1, 1, (50, 49))) == [0]
    assert distinguishable([0, 1, 2, 3], loss_of(name), Cut(1, 1, (49, 50))) == [0, 1]
    assert distinguishable([0], loss_of(name), Cut(1, 1, (49, 50))) == [0]


@pytest.mark.parametrize("name", [name for name in NAMES if loss_of(name).subcells != (1,)])
@pytest.mark.parametrize("ways", [[0], [0, 4], [0, 1, 2, 3], ALL])
def test_a_loss_that_sees_within_the_cell_tells_all_turns_apart(name, ways):
    for shape in SHAPES:
        assert distinguishable(ways, loss_of(name), Cut(1, 1, shape)) == ways


@settings(deadline=None, max_examples=30)
@given(name=st.sampled_from(NAMES), way=st.sampled_from(WAYS), shape=st.sampled_from(SHAPES), seed=SEEDS)
def test_the_turns_left_out_would_cost_what_one_that_is_kept_does(name, way, shape, seed):
    loss, cut, ways = loss_of(name), Cut(2, 2, shape), allowed(flips=way[0], turns=way[1])
    things, kept = scene(seed, cut, 3), distinguishable(ways, loss, cut)
    every, few = (table(loss, *things, cut, some) for some in (ways, kept))
    np.testing.assert_allclose(few.min(axis=2), every.min(axis=2), rtol=1e-9, atol=1e-9)


# Features


def test_features_are_per_cell_and_per_tile_and_turn():
    loss, cut = loss_of("balanced"), Cut(3, 2, (3, 2))
    sides = sides_of(loss, *scene(1, cut, 5), cut, [0, 1, 4])
    assert sides.cells.shape == (6, 3 + 3 + 16)
    assert sides.photos.shape == (5, 3, 3 + 3 + 16)


def test_the_arguments_are_left_as_they_were():
    loss, cut = loss_of("grid-rgb"), Cut(3, 2, (3, 2))
    things = scene(1, cut, 8)
    kept = [array.copy() for array in things]
    for array in things:
        array.flags.writeable = False
    chosen(loss, *things, cut, ALL)
    chosen(loss, *things, cut, ALL, Rules(max_uses=1))
    for array, before in zip(things, kept, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("rules", [FREE, Rules(max_uses=1)])
def test_what_progress_raises_stops_the_choice(rules):
    cut = Cut(3, 2, (1, 1))

    def stop(_done, _total):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        chosen(loss_of("grid-rgb"), *scene(1, cut, 8), cut, [0], rules, progress=stop)


@pytest.mark.parametrize("name", ["mean-lab", "mean-oklab"])
def test_threads_do_not_change_the_features_of_few_photos(name):
    thumbs = np.random.default_rng(3).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    views = Views.of(np.full((3, 2), 8), (1, 1), [0], slide=False, keep=1.0)
    one, two, three = (features.of_views(find(name, subcells=2, detail=0.5), thumbs, views, n) for n in (1, 2, 3))
    assert one.tobytes() == two.tobytes() == three.tobytes()
