"""Prices beside the losses: the view from afar and near repeats, against sums over all pairs of cells."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from models.errors import InvalidOrder
from models.rules.repeats import pattern
from worker import parallel
from worker.core import features
from worker.core.assignment.assign import Rules
from worker.core.assignment.spacing import Spacing
from worker.core.colour import lab_of_light, linear, slope_of_lab
from worker.core.costs import Costs, Lists
from worker.core.energy import far_view, near_repeats
from worker.core.energy.descent import Descent, Limits
from worker.core.energy.far_view import FarView
from worker.core.features import Cut
from worker.core.fitted import Fitted
from worker.core.losses import Metric, cost, find
from worker.core.matcher import Prices, Sides, choose
from worker.core.views import Views

SEEDS = st.integers(0, 2**32 - 1)
LOSSES = ["balanced", "mean-rgb", "mean-rgb-manhattan", "ciede2000", "grid-rgb"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As a rendering does."""
    with parallel.one_thread_each():
        yield


def silent(_done, _total):
    """Progress that nobody looks at."""


def scene(seed, columns, rows, photo_count, entries):
    """Lists of a few photos for each cell, their light, and the far view of a random target."""
    dice = np.random.default_rng(seed)
    count, entries = columns * rows, min(entries, photo_count)
    photos = np.stack([np.sort(dice.permutation(photo_count)[:entries]) for _ in range(count)]).astype(np.int32)
    lists = Lists(photos, np.zeros((count, entries), np.uint8), dice.random((count, entries), np.float32))
    light = dice.random((count, entries, 3)).astype(np.float32)
    return lists, light, FarView.of(dice.random((count, 3)), 3.0)


def naive_energy(lists, light, far, price, columns, photo_count, chosen):
    """The whole cost of a placement, pair by pair."""
    places = [divmod(cell, columns) for cell in range(len(chosen))]
    cells = range(len(chosen))
    errors = [
        slope_of_lab(far.light[cell].astype(float))
        / 100
        @ (light[cell, chosen[cell]] - far.light[cell]).astype(float)
        for cell in cells
    ]
    photos = [lists.photos[cell, chosen[cell]] for cell in cells]
    total = sum(float(lists.costs[cell, chosen[cell]]) for cell in cells)
    for one in cells:
        for other in cells:
            down, across = places[one][0] - places[other][0], places[one][1] - places[other][1]
            if down**2 + across**2 <= 36:
                blur = math.exp(-(down**2 + across**2) / 9) / (9 * math.pi)
                total += far.weight * blur * float(errors[one] @ errors[other])
            if one < other and photos[one] == photos[other]:
                total += price * 0.05 * min(1, photo_count / len(cells))
                if down**2 + across**2 <= 36:
                    touching = 8.0 if down**2 + across**2 <= 2 else 1.0
                    total += price * touching * math.exp(-(down**2 + across**2) / 9)
    return total


def descent_of(seed, size, photo_count, price, rules=(None, 0.0), least=0):
    lists, light, far = scene(seed, *size, photo_count, 7)
    chosen = np.random.default_rng(seed).integers(0, lists.photos.shape[1], len(lists.photos))
    limits = Limits(Spacing.of(*size, rules[1]), rules[0] or len(chosen), least)
    about = lists, light, far, price, size[0], photo_count
    return Descent(lists, chosen, far, light, price, limits, photo_count), about


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, size=st.tuples(st.integers(1, 16), st.integers(1, 9)), photo_count=st.integers(1, 9))
def test_the_whole_cost_is_that_of_all_pairs_before_and_after(seed, size, photo_count):
    descent, about = descent_of(seed, size, photo_count, 0.05)
    before = naive_energy(*about, descent.chosen)
    assert descent.energy() == pytest.approx(before, rel=1e-4)
    descent.run(silent)
    after = naive_energy(*about, descent.chosen)
    assert descent.energy() == pytest.approx(after, rel=1e-4)
    assert after <= before * (1 + 1e-5)


def test_when_nothing_changes_no_cell_gains_by_any_other_entry_of_its_list():
    descent, about = descent_of(3, (9, 8), 12, 0.05)
    for _ in "12":  # so small a grid needs more sweeps than pictures do
        descent.run(silent)
    best, pair = naive_energy(*about, descent.chosen), 0.05 * 0.05 * 12 / 72
    for cell in range(72):
        for entry in range(7):
            other = descent.chosen.copy()
            other[cell] = entry
            assert naive_energy(*about, other) >= best - 1e-5 - 2 * pair  # which a change far away moves


@settings(deadline=None, max_examples=40)
@given(
    seed=SEEDS,
    size=st.tuples(st.integers(1, 12), st.integers(1, 8)),
    photo_count=st.integers(4, 60),
    limits=st.tuples(st.sampled_from([None, 1, 2, 5]), st.sampled_from([0, 1.5, 2, 4, 7.5])),
    min_uses=st.integers(0, 2),
    name=st.sampled_from(LOSSES),
)
def test_under_prices_no_rule_is_broken_and_threads_change_nothing(seed, size, photo_count, limits, min_uses, name):
    max_uses, distance = limits
    if distance or min_uses > (max_uses or 2) or min_uses * photo_count > size[0] * size[1]:
        min_uses = 0
    try:
        proof = pattern(*size, photo_count, max_uses, distance)
    except InvalidOrder:
        assume(False)
    rules = Rules(max_uses, distance, None if proof is None else (proof.count, proof.step), min_uses)
    one, three = (priced(seed, size, photo_count, rules, name, threads=threads) for threads in (1, 3))
    for name_ in ("tiles", "windows", "orientations", "costs"):
        assert (getattr(one, name_) == getattr(three, name_)).all()
    places = [(*place, int(one.tiles[place])) for place in np.ndindex(one.tiles.shape)]
    for a, b in combinations(places, 2):
        assert a[2] != b[2] or math.dist(a[:2], b[:2]) >= distance
    uses = np.bincount(one.tiles.ravel(), minlength=photo_count)
    assert min_uses <= uses.min()
    assert uses.max() <= (max_uses or len(places))
    assert one.lower_bound <= one.costs.sum() * (1 + 1e-6)


def priced(seed, size, photo_count, rules, name, *, threads):
    """Choose photos for a random target, with both prices, all crops and two orientations."""
    dice = np.random.default_rng(seed)
    cut, loss = Cut(*size, (3, 2)), find(name, subcells=3, detail=0.5)
    target = dice.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8).repeat(4, axis=0).repeat(6, axis=1)
    thumbs = dice.integers(0, 256, (photo_count, 8, 8, 3), dtype=np.uint8)
    sizes = dice.choice([6, 8, 12], (photo_count, 2))
    views = Views.of(sizes, cut.tile_shape, [0, 4], slide=True, keep=0.64)
    fitted = Fitted.whole(target)
    sides = Sides(features.of_cells(loss, fitted, cut), features.of_views(loss, thumbs, views), views)
    unit = float(cost(loss, sides.cells[:1], sides.photos[:1, 0])[0])
    prices = Prices(
        0.2 * unit, 0.01 * unit, features.light_of_cells(fitted, cut), features.light_of_views(thumbs, views)
    )
    return choose(loss, sides, cut, rules, prices, threads=threads, progress=silent)


@pytest.mark.parametrize("name", LOSSES)
def test_the_bound_under_prices_is_no_more_than_the_cost_of_the_free_choice(name):
    # Oblong cells, so that each photo offers several windows, and more photos than a list proposes.
    dice = np.random.default_rng(7)
    cut, loss = Cut(9, 8, (6, 1)), find(name, subcells=3, detail=0.5)
    target = dice.integers(0, 256, (8, 9, 3), dtype=np.uint8).repeat(4, axis=0).repeat(6, axis=1)
    thumbs = dice.integers(0, 256, (300, 2, 2, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    views = Views.of(np.full((300, 2), 16), cut.tile_shape, [0], slide=True, keep=0.64)
    fitted = Fitted.whole(target)
    sides = Sides(features.of_cells(loss, fitted, cut), features.of_views(loss, thumbs, views), views)
    light = features.light_of_cells(fitted, cut), features.light_of_views(thumbs, views)
    unit = float(cost(loss, sides.cells[:1], sides.photos[:1, 0])[0])
    free, priced_too = (
        choose(loss, sides, cut, Rules(), prices, threads=1, progress=silent)
        for prices in (None, Prices(0.2 * unit, 0.01 * unit, *light))
    )
    assert priced_too.lower_bound == pytest.approx(free.costs.sum(), rel=1e-4)
    assert priced_too.costs.sum() > priced_too.lower_bound


def test_a_photo_that_must_stay_somewhere_is_not_taken_from_its_last_cells():
    descent, about = descent_of(5, (12, 9), 9, 0.2, least=3)
    kept = np.bincount(about[0].photos[np.arange(108), descent.chosen], minlength=9)
    descent.run(silent)
    after = np.bincount(about[0].photos[np.arange(108), descent.chosen], minlength=9)
    assert (after >= np.minimum(kept, 3)).all()
    assert (after != kept).any()


def test_equal_photos_leave_each_other_where_others_cost_hardly_more():
    # Six photos of nearly one cost in a row of cells, of which all start with the first.
    lists = Lists(
        np.tile(np.arange(6, dtype=np.int32), (40, 1)),
        np.zeros((40, 6), np.uint8),
        np.float32([[0, 1e-4, 2e-4, 3e-4, 4e-4, 5e-4]] * 40),
    )
    far, light = FarView.of(np.full((40, 3), 0.5), 0.0), np.zeros((40, 6, 3), np.float32)
    limits = Limits(Spacing.of(40, 1, 0), 40)
    descent = Descent(lists, np.zeros(40, np.intp), far, light, 0.01, limits, 6)
    descent.run(silent)
    assert (descent.chosen[1:] != descent.chosen[:-1]).all()
    still = Descent(lists, np.zeros(40, np.intp), far, light, 1e-9, limits, 6)
    still.run(silent)
    assert still.chosen.max() == 0


def test_dark_and_light_photos_alternate_to_a_grey_that_none_of_them_has():
    # As halftones do: from afar their light adds up to that of the target.
    count = 24 * 24
    lists = Lists(
        np.tile(np.int32([0, 1]), (count, 1)), np.zeros((count, 2), np.uint8), np.zeros((count, 2), np.float32)
    )
    light = np.tile(np.float32([[0.1] * 3, [0.9] * 3]), (count, 1, 1))
    far = FarView.of(np.full((count, 3), 0.5), 1.0)
    descent = Descent(lists, np.zeros(count, np.intp), far, light, 0.0, Limits(Spacing.of(24, 24, 0), count), 2)
    for _ in "12":  # all start alike, which takes more sweeps than pictures do
        descent.run(silent)
    mosaic = light[0, descent.chosen, 0].reshape(24, 24)
    seen = gaussian_filter(mosaic, 1.5, mode="reflect")
    assert abs(seen[6:-6, 6:-6] - 0.5).mean() < 0.05
    assert 0.45 < mosaic.mean() < 0.55


def test_the_autocorrelation_is_that_of_the_blur():
    wide = np.zeros((41, 41))
    wide[20, 20] = 1
    twice = gaussian_filter(gaussian_filter(wide, 1.5, truncate=6), 1.5, truncate=6)
    steps = np.arange(-6, 7)
    near = steps[:, None] ** 2 + steps**2 <= 36
    np.testing.assert_allclose(far_view.autocorrelation(), twice[14:27, 14:27] * near, atol=2e-4)


def test_the_price_of_a_pair_is_the_same_from_both_sides_and_ends_at_six_cells():
    prices = near_repeats.prices()
    assert (prices == prices[::-1, ::-1]).all()
    assert prices[6, 6] == prices[0, 0] == 0
    assert prices[6, 12] == pytest.approx(math.exp(-4))
    assert prices[5, 5] == pytest.approx(8 * math.exp(-2 / 9))


@settings(deadline=None)
@given(colour=st.tuples(*[st.floats(0, 255)] * 3))
def test_the_slope_of_lab_is_that_of_small_steps_of_light(colour):
    light = linear(np.array(colour))
    for channel in range(3):
        step = np.zeros(3)
        step[channel] = 1e-6
        by_steps = (lab_of_light(light + step) - lab_of_light(light)) / 1e-6
        np.testing.assert_allclose(slope_of_lab(light)[:, channel], by_steps, rtol=2e-2, atol=0.5)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, name=st.sampled_from(LOSSES), length=st.integers(1, 12))
def test_a_list_has_the_photos_that_cost_least_in_the_views_that_cost_least(seed, name, length):
    dice = np.random.default_rng(seed)
    loss = find(name, subcells=2, detail=0.5)
    width = 22 if name == "balanced" else 12 if name == "grid-rgb" else 3
    cells, photos = dice.random((5, width)) * 60, dice.random((9, 3, width)) * 60
    there = np.column_stack([np.ones(9, np.bool_), dice.random((9, 2)) < 0.6])
    costs = np.array([[[cost(loss, cell, view) for view in photo] for photo in photos] for cell in cells])
    costs = np.where(there, costs, np.inf)
    lists = Costs(loss, cells, photos, there).lists(length, threads=2, progress=silent)
    best = np.sort(costs.min(axis=2), axis=1)[:, : min(length, 9)]
    proposed = loss.metric is Metric.EUCLIDEAN or length * 4 >= 9
    if proposed:
        np.testing.assert_allclose(np.sort(lists.costs, axis=1), best, rtol=1e-3, atol=1e-3 * best.max())
    rows = np.arange(5)[:, None]
    np.testing.assert_allclose(lists.costs, costs[rows, lists.photos, lists.views], rtol=1e-3, atol=1e-3 * best.max())
    assert there[lists.photos, lists.views].all()
