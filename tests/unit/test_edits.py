"""Placements of which a part stays, against every placement there is and against scipy's dense solver."""

import math
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from models.errors import InvalidOrder
from models.rules.repeats import pattern
from worker import parallel
from worker.core import features
from worker.core.assignment.assign import Rules, assign
from worker.core.assignment.least_uses import with_least_uses
from worker.core.assignment.must_use import best_places
from worker.core.assignment.repair import NoRoom, Start, repaired
from worker.core.assignment.solvers import GRAIN
from worker.core.assignment.spacing import NOBODY, Spacing
from worker.core.colour import slope_of_lab
from worker.core.edits import Edit, edited, laid
from worker.core.features import Cut
from worker.core.fitted import Fitted
from worker.core.losses import find
from worker.core.matcher import Prices, Sides, choose
from worker.core.views import Views

SEEDS = st.integers(0, 2**32 - 1)
DISTANCES = st.sampled_from([0, 1.5, 2, 2.5, 3])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As a rendering does."""
    with parallel.one_thread_each():
        yield


def silent(_done, _total):
    """Progress that nobody looks at."""


def rules_of(columns, rows, tile_count, max_uses, distance, least=0):
    """The rules as an order's check hands them on; an order that it refuses is no example."""
    try:
        proof = pattern(columns, rows, tile_count, max_uses, distance)
    except InvalidOrder:
        assume(False)
    return Rules(max_uses, distance, None if proof is None else (proof.count, proof.step), least)


def keeps(tiles, columns, max_uses, distance):
    """Whether a placement keeps the rules; every two cells are looked at. `NOBODY` breaks none."""
    places = [(*divmod(cell, columns), tile) for cell, tile in enumerate(tiles) if tile != NOBODY]
    near = any(
        one[2] == other[2] and math.dist(one[:2], other[:2]) < distance
        for number, one in enumerate(places)
        for other in places[:number]
    )
    uses = Counter(tile for *_, tile in places)
    return not near and (max_uses is None or all(count <= max_uses for count in uses.values()))


MOST_PLACEMENTS, BLOCK = 20_000_000, 1 << 15
"""More would take minutes; and how many are in memory at once."""


def every_placement(kept, tile_count, columns, max_uses, distance):
    """Yield every placement that keeps the rules and what is kept, in blocks of (any, cells) tiles; all are tried."""
    free, places = np.flatnonzero(kept == NOBODY), [divmod(cell, columns) for cell in range(len(kept))]
    near = [
        pair for pair in combinations(range(len(kept)), 2) if math.dist(*(places[cell] for cell in pair)) < distance
    ]
    for first in range(0, tile_count ** len(free), BLOCK):
        numbers = np.arange(first, min(first + BLOCK, tile_count ** len(free)))
        tiles = np.repeat(kept[:, None], len(numbers), axis=1).astype(np.int8)
        for cell in free:
            numbers, tiles[cell] = np.divmod(numbers, tile_count)
        good = np.ones(tiles.shape[1], bool)
        for one, other in near:
            good &= tiles[one] != tiles[other]
        if max_uses is not None:
            for tile in range(tile_count):
                good &= (tiles == tile).sum(axis=0) <= max_uses
        yield tiles.T[good]


# The cells that are kept, and the rules around them


@settings(deadline=None, max_examples=150)
@given(
    seed=SEEDS,
    columns=st.integers(1, 4),
    rows=st.integers(1, 3),
    tile_count=st.integers(2, 5),
    max_uses=st.sampled_from([None, 1, 2, 3]),
    distance=DISTANCES,
    kept_count=st.integers(0, 6),
)
def test_kept_cells_stay_and_the_rules_hold_wherever_that_is_possible(
    seed, columns, rows, tile_count, max_uses, distance, kept_count
):
    dice, count = np.random.default_rng(seed), columns * rows
    assume(tile_count ** (count - min(kept_count, count)) <= MOST_PLACEMENTS)
    rules = rules_of(columns, rows, tile_count, max_uses, distance)
    costs = dice.random((count, tile_count), np.float32)
    kept = np.full(count, NOBODY)
    for cell in dice.permutation(count)[:kept_count].tolist():
        tried = kept.copy()
        tried[cell] = dice.integers(tile_count)
        kept = tried if keeps(tried.tolist(), columns, max_uses, distance) else kept
    start = Start(kept, kept != NOBODY, np.zeros(count))
    free, least = np.flatnonzero(kept == NOBODY), math.inf
    for tiles in every_placement(kept, tile_count, columns, max_uses, distance):
        least = min(least, costs[free, tiles[:, free]].sum(axis=1).min(initial=math.inf))
    try:
        found = assign(costs.__getitem__, columns, rows, tile_count, rules, silent, start=start)
    except NoRoom:
        assert least == math.inf
        return
    assert least < math.inf
    assert (found.tiles[kept != NOBODY] == kept[kept != NOBODY]).all()
    assert keeps(found.tiles.tolist(), columns, max_uses, distance)
    assert found.lower_bound <= least * (1 + 1e-5) + GRAIN
    assert found.cost == pytest.approx(costs[free, found.tiles[free]].sum(), rel=1e-5)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, count=st.integers(4, 40), kept_count=st.integers(0, 30), uses=st.integers(1, 3))
def test_where_uses_are_limited_the_others_cost_as_little_as_they_can(seed, count, kept_count, uses):
    dice = np.random.default_rng(seed)
    tile_count = -(-count // uses) + 3
    costs = dice.random((count, tile_count), np.float32)
    kept = np.full(count, NOBODY)
    some = dice.permutation(count)[:kept_count]
    kept[some] = dice.permutation(np.repeat(np.arange(tile_count), uses))[: len(some)]
    start = Start(kept, kept != NOBODY, np.zeros(count))
    found = assign(costs.__getitem__, count, 1, tile_count, Rules(uses), silent, start=start)
    left = uses - np.bincount(kept[kept != NOBODY], minlength=tile_count)
    slots, free = np.repeat(np.arange(tile_count), left), np.flatnonzero(kept == NOBODY)
    table = costs[free][:, slots].astype(float)
    least = table[linear_sum_assignment(table)].sum()
    assert (found.tiles[some] == kept[some]).all()
    assert keeps(found.tiles.tolist(), count, uses, 0)
    assert least - 1e-4 <= found.cost <= least + GRAIN * len(free) + 1e-4


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, distance=DISTANCES, max_uses=st.sampled_from([None, 4, 6]))
def test_of_a_whole_placement_only_cells_change_that_break_a_rule_beside_a_kept_one(seed, distance, max_uses):
    columns, rows, tile_count = 8, 6, 20
    dice, count = np.random.default_rng(seed), columns * rows
    rules = rules_of(columns, rows, tile_count, max_uses, distance)
    costs = dice.random((count, tile_count), np.float32)
    before = assign(costs.__getitem__, columns, rows, tile_count, rules, silent).tiles
    cell, tile = int(dice.integers(count)), int(dice.integers(tile_count))
    pinned, kept = before.copy(), np.zeros(count, np.bool_)
    pinned[cell], kept[cell] = tile, True
    start = Start(pinned, kept, costs[np.arange(count), pinned])
    spacing = Spacing.of(columns, rows, distance)
    after = repaired(costs.__getitem__, start, spacing, max_uses or count, tile_count)
    assert after[cell] == tile
    assert keeps(after.tolist(), columns, max_uses, distance)
    for other in np.flatnonzero(after != pinned).tolist():
        near = math.dist(divmod(cell, columns), divmod(other, columns)) < distance
        assert pinned[other] == tile
        assert near or max_uses


def test_the_others_list_only_tiles_that_the_kept_cells_leave():
    dice = np.random.default_rng(2)
    costs = (np.arange(300) / 300 + 0.1 * dice.random((220, 300))).astype(np.float32)
    kept = np.concatenate([np.arange(200), np.full(20, NOBODY)])
    start = Start(kept, kept != NOBODY, np.zeros(220))
    found = assign(costs.__getitem__, 220, 1, 300, Rules(1), silent, start=start)
    table = costs[200:, 200:].astype(float)
    assert found.cost == pytest.approx(table[linear_sum_assignment(table)].sum(), abs=20 * GRAIN)


@pytest.mark.parametrize("tile", range(9))
def test_with_no_more_tiles_than_the_pattern_has_colours_any_tile_can_be_kept(tile):
    costs = np.random.default_rng(3).random((600, 9), np.float32)
    proof = pattern(30, 20, 9, None, 3)
    kept = np.full(600, NOBODY)
    kept[[7, 310]] = tile, (tile + 1) % 9
    start = Start(kept, kept != NOBODY, np.zeros(600))
    rules = Rules(None, 3, (proof.count, proof.step))
    found = assign(costs.__getitem__, 30, 20, 9, rules, silent, start=start)
    assert found.tiles[[7, 310]].tolist() == [tile, (tile + 1) % 9]
    assert keeps(found.tiles.tolist(), 30, None, 3)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, count=st.integers(6, 60), again=st.booleans())
def test_cells_that_are_kept_give_nothing_to_tiles_that_lack_uses(seed, count, again):
    dice, tile_count = np.random.default_rng(seed), 5
    costs = dice.random((count, tile_count), np.float32)
    tiles, kept = dice.integers(0, 2, count), np.ones(count, np.bool_)
    kept[dice.permutation(count)[:5]] = False
    held = with_least_uses(costs.__getitem__, tiles, tile_count, 1, silent, kept=kept, again=again)
    assert (held[kept] == tiles[kept]).all()
    assert np.bincount(held, minlength=tile_count).min() >= 1


# Photos that have to appear


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, count=st.integers(1, 5), tile_count=st.integers(1, 4), asked=st.integers(1, 3))
def test_photos_that_have_to_appear_make_the_whole_dearer_by_as_little_as_they_can(seed, count, tile_count, asked):
    dice, asked = np.random.default_rng(seed), min(asked, count, tile_count)
    costs = dice.random((count, tile_count), np.float32)
    tiles = dice.permutation(tile_count)[:asked]
    nowhere = np.full(count, NOBODY)
    places = best_places(costs.__getitem__, tiles, np.arange(count), nowhere, tile_count)
    assert len(set(places.tolist())) == asked
    held = costs.argmin(axis=1)
    held[places] = tiles
    least = min(
        costs[np.arange(count), list(each)].sum()
        for each in product(range(tile_count), repeat=count)
        if set(tiles.tolist()) <= set(each)
    )
    assert costs[np.arange(count), held].sum() == pytest.approx(least, abs=asked * GRAIN + 1e-5)


def test_of_many_photos_and_cells_each_has_the_place_that_scipy_finds():
    dice = np.random.default_rng(5)
    costs, held = dice.random((400, 60), np.float32), dice.integers(0, 60, 400)
    tiles, cells = np.arange(0, 60, 2), np.arange(50, 400)
    more = (costs[cells][:, tiles] - costs[cells, held[cells]][:, None]).T.astype(float)
    places = best_places(costs.__getitem__, tiles, cells, held, 60)
    assert set(places.tolist()) <= set(cells.tolist())
    assert len(set(places.tolist())) == len(tiles)
    mine = (costs[places, tiles] - costs[places, held[places]]).sum()
    assert mine == pytest.approx(more[linear_sum_assignment(more)].sum(), abs=len(tiles) * GRAIN)


# Whole edits, by features and views


CUT = Cut(9, 7, (1, 1))
CELLS = 63


def scene(seed, name="balanced", photo_count=30, *, priced=True):
    """A random target, photos of several shapes, and their views."""
    dice = np.random.default_rng(seed)
    target = Fitted.whole(dice.integers(0, 256, (42, 54, 3), dtype=np.uint8))
    thumbs = dice.integers(0, 256, (photo_count, 8, 8, 3), dtype=np.uint8)
    loss = find(name, subcells=3, detail=0.5)
    sizes = dice.choice([6, 8, 12], (photo_count, 2))
    views = Views.of(sizes, CUT.tile_shape, range(8), slide=True, keep=0.64)
    sides = Sides(features.of_cells(loss, target, CUT), features.of_views(loss, thumbs, views), views)
    light = features.light_of_cells(target, CUT), features.light_of_views(thumbs, views)
    return loss, sides, thumbs, Prices(1.0, 0.02, *light) if priced else None


def edit_of(choice=None, *, kept=(), must_use=()):
    """An edit of a whole placement, or of nothing; the cells named stay."""
    mask = np.zeros(CELLS, np.bool_)
    mask[list(kept)] = True
    must = np.array(must_use, np.intp)
    if choice is None:
        empty = np.full(CELLS, NOBODY), np.zeros((CELLS, 4), np.uint16), np.zeros(CELLS, np.uint8)
        return Edit(*empty, mask, must, 0.0)
    tiles, turns = choice.tiles.ravel().copy(), choice.orientations.ravel().copy()
    return Edit(tiles, choice.windows.reshape(-1, 4).copy(), turns, mask, must, choice.lower_bound)


def solved(things, edit, rules=None):
    loss, sides, thumbs, prices = things
    return edited(loss, sides, CUT, rules or Rules(), prices, edit, thumbs, threads=1, progress=silent)


def chosen(things, rules=None):
    loss, sides, _, prices = things
    return choose(loss, sides, CUT, rules or Rules(), prices, threads=1, progress=silent)


def with_only(edit, cells, tiles):
    """The same with these cells alone, which are kept, and in which these photos lie in any view."""
    edit.tiles[cells], edit.kept[cells] = tiles, True
    return edit


def check_costs(things, choice):
    """Every cell costs what its photo costs in the window and the turn that are said of it."""
    loss, sides, thumbs, _ = things
    again = laid(loss, sides.cells, CUT, edit_of(choice, kept=range(CELLS)), thumbs)
    np.testing.assert_allclose(choice.costs, again.costs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["balanced", "mean-rgb", "ciede2000", "pixels"])
def test_a_whole_placement_costs_as_it_stands_what_it_cost_when_it_was_chosen(name):
    loss, sides, thumbs, prices = scene(1, name)
    before = chosen((loss, sides, thumbs, prices))
    after = laid(loss, sides.cells, CUT, edit_of(before, kept=range(CELLS)), thumbs)
    for attribute in ("tiles", "windows", "orientations"):
        np.testing.assert_array_equal(getattr(after, attribute), getattr(before, attribute))
    np.testing.assert_allclose(after.costs, before.costs, rtol=1e-5, atol=1e-7)
    assert after.lower_bound == pytest.approx(before.lower_bound, rel=1e-5)


@pytest.mark.parametrize("name", ["balanced", "mean-rgb-manhattan", "ciede2000"])
def test_without_rules_and_prices_the_others_are_the_best_there_are(name):
    things = scene(2, name, priced=False)
    free = chosen(things)
    after = solved(things, with_only(edit_of(), [4, 40], [7, 7]))
    others = np.delete(np.arange(CELLS), [4, 40])
    assert after.tiles.ravel()[[4, 40]].tolist() == [7, 7]
    np.testing.assert_array_equal(after.tiles.ravel()[others], free.tiles.ravel()[others])
    np.testing.assert_array_equal(after.windows.reshape(-1, 4)[others], free.windows.reshape(-1, 4)[others])


def test_a_photo_that_is_locked_without_a_window_lies_in_its_best_view():
    loss, sides, *_ = things = scene(3, priced=False)
    after = solved(things, with_only(edit_of(), [11], [5]))
    costs = ((sides.cells[11] - sides.photos[5]) ** 2).sum(axis=1) * loss.scale
    assert after.costs.ravel()[11] == pytest.approx(costs[sides.views.there[5]].min(), rel=1e-4)


@pytest.mark.parametrize("priced", [False, True])
@pytest.mark.parametrize(
    ("max_uses", "distance", "least"), [(None, 0, 0), (4, 0, 0), (5, 2.5, 0), (4, 0, 1), (None, 3, 0)]
)
def test_locked_cells_keep_their_windows_and_all_rules_hold(max_uses, distance, least, priced):
    things = scene(4, priced=priced)
    rules = rules_of(9, 7, 30, max_uses, distance, least)
    before, kept = chosen(things, rules), [0, 10, 33, 34, 62]
    edit = edit_of(before, kept=kept)
    edit.tiles[~edit.kept], edit.windows[~edit.kept] = NOBODY, 0
    edit.windows[10], edit.orientations[10] = (17, 19, 500, 600), 5
    edit.tiles[33] = int(before.costs.argmax()) % 30
    assert keeps(np.where(edit.kept, edit.tiles, NOBODY).tolist(), 9, max_uses, distance)
    after = solved(things, edit, rules)
    check_costs(things, after)
    assert after.tiles.ravel()[kept].tolist() == edit.tiles[kept].tolist()
    assert after.windows.reshape(-1, 4)[10].tolist() == [17, 19, 500, 600]
    assert after.orientations.ravel()[10] == 5
    assert keeps(after.tiles.ravel().tolist(), 9, max_uses, distance)
    assert np.bincount(after.tiles.ravel(), minlength=30).min() >= least
    assert after.lower_bound <= after.costs.sum() * (1 + 1e-6)


@pytest.mark.parametrize("priced", [False, True])
def test_one_pin_in_a_whole_placement_changes_nothing_but_what_it_is_too_near_to(priced):
    things = scene(5, priced=priced)
    rules = rules_of(9, 7, 30, None, 2.5)
    before = chosen(things, rules)
    edit = edit_of(before)
    tile = int(before.tiles[3, 5])
    near = {cell for cell in range(CELLS) if math.dist(divmod(cell, 9), (3, 4)) < 2.5}
    after = solved(things, with_only(edit, [3 * 9 + 4], [tile]), rules)
    changed = np.flatnonzero(after.tiles.ravel() != before.tiles.ravel()).tolist()
    assert 3 * 9 + 5 in changed
    assert set(changed) <= near
    assert set(changed) <= {31} | set(np.flatnonzero(before.tiles.ravel() == tile).tolist())
    assert keeps(after.tiles.ravel().tolist(), 9, None, 2.5)
    same = np.setdiff1d(np.arange(CELLS), changed)
    np.testing.assert_array_equal(after.windows.reshape(-1, 4)[same], before.windows.reshape(-1, 4)[same])


@pytest.mark.parametrize("seed", range(6, 12))
def test_a_cell_that_is_emptied_gets_the_photo_at_which_the_whole_cost_is_least(seed):
    loss, sides, thumbs, prices = things = scene(seed)
    before = chosen(things)
    edit = edit_of(before)
    edit.tiles[20] = NOBODY
    odd = np.array([11, 12, 19, 21, 28, 29])
    edit.windows[odd] = 1500, 1500, 250, 250
    views = Views.each(edit.windows[odd], edit.orientations[odd])
    odd_light = features.light_of_views(thumbs[edit.tiles[odd]], views)[:, 0]
    after = solved(things, edit)

    def whole(photo, view):
        """What changes with the photo of cell 20: its loss, the error seen from afar, and near repeats."""
        light = [
            prices.photo_light[one, two] for one, two in zip(before.tiles.ravel(), seen(before, sides), strict=True)
        ]
        light[20] = prices.photo_light[photo, view]
        light = np.array(light)
        light[odd] = odd_light
        return energy(things, np.where(np.arange(CELLS) == 20, photo, before.tiles.ravel()), light) + (
            ((sides.cells[20] - sides.photos[photo, view]).astype(float) ** 2).sum() * loss.scale
        )

    pairs = np.argwhere(sides.views.there)
    best = {}
    for photo, view in pairs.tolist():
        own = ((sides.cells[20] - sides.photos[photo, view]) ** 2).sum()
        if photo not in best or own < best[photo][0]:
            best[photo] = own, view
    least = min(best, key=lambda photo: whole(photo, best[photo][1]))
    assert after.tiles.ravel()[20] == least
    assert (np.delete(after.tiles.ravel(), 20) == np.delete(before.tiles.ravel(), 20)).all()


def seen(choice, sides):
    """The number of the view that each cell shows."""
    kinds = sides.views.kinds[choice.tiles.ravel()]
    windows = sides.views.windows[kinds] == choice.windows.reshape(-1, 1, 4)
    turns = sides.views.orientations[kinds] == choice.orientations.reshape(-1, 1)
    return (windows.all(axis=2) & turns & sides.views.offered[kinds]).argmax(axis=1)


def energy(things, tiles, light):
    """What a placement costs beyond its cells, pair by pair."""
    prices = things[3]
    errors = np.einsum("nij,nj->ni", slope_of_lab(prices.cell_light) / 100, light - prices.cell_light)
    total = 0.0
    for one, other in product(range(CELLS), repeat=2):
        down, across = one // 9 - other // 9, one % 9 - other % 9
        if max(abs(down), abs(across)) <= 6:
            total += (
                prices.far * math.exp(-(down**2 + across**2) / 9) / (9 * math.pi) * float(errors[one] @ errors[other])
            )
        if one < other and tiles[one] == tiles[other] and down**2 + across**2 <= 36:
            total += prices.repeats * (8 if down**2 + across**2 <= 2 else 1) * math.exp(-(down**2 + across**2) / 9)
    return total


@pytest.mark.parametrize("priced", [False, True])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("max_uses", "distance"), [(None, 0), (3, 0), (4, 2.5)])
def test_photos_that_have_to_appear_do_and_the_rules_hold(max_uses, distance, whole, priced):
    things = scene(7, priced=priced)
    rules = rules_of(9, 7, 30, max_uses, distance)
    before = chosen(things, rules)
    must = list(range(0, 30, 3))
    after = solved(things, edit_of(before if whole else None, must_use=must), rules)
    check_costs(things, after)
    assert set(must) <= set(after.tiles.ravel().tolist())
    assert keeps(after.tiles.ravel().tolist(), 9, max_uses, distance)


def test_what_has_to_appear_takes_no_cell_that_is_locked_and_needs_none_where_it_is_locked():
    things = scene(8, priced=False)
    edit = with_only(edit_of(must_use=[1, 2, 3]), list(range(61)), [1] * 61)
    after = solved(things, edit)
    assert after.tiles.ravel()[:61].tolist() == [1] * 61
    assert sorted(after.tiles.ravel()[61:].tolist()) == [2, 3]


def test_more_photos_that_have_to_appear_than_cells_are_refused():
    things = scene(8, priced=False)
    with pytest.raises(NoRoom):
        solved(things, with_only(edit_of(must_use=[1, 2, 3, 4]), list(range(61)), [1] * 61))


def test_least_uses_that_the_locked_cells_leave_no_room_for_are_refused():
    things = scene(8, priced=False)
    with pytest.raises(NoRoom):
        solved(things, with_only(edit_of(), list(range(40)), [1] * 40), Rules(min_uses=1))


def test_a_whole_placement_gives_away_only_as_many_cells_as_least_uses_need():
    things = scene(9)
    before = chosen(things, Rules(min_uses=1))
    lonely = int(np.bincount(before.tiles.ravel(), minlength=30).argmin())
    cell = int(np.flatnonzero(before.tiles.ravel() == lonely)[0])
    after = solved(things, with_only(edit_of(before), [cell], [(lonely + 1) % 30]), Rules(min_uses=1))
    assert np.bincount(after.tiles.ravel(), minlength=30).min() == 1
    assert np.count_nonzero(after.tiles.ravel() != before.tiles.ravel()) <= 2


def test_equal_edits_have_equal_answers():
    things = scene(10)
    one, other = (solved(things, edit_of(must_use=[3, 9]), rules_of(9, 7, 30, 4, 2)) for _ in range(2))
    np.testing.assert_array_equal(one.tiles, other.tiles)
    np.testing.assert_array_equal(one.windows, other.windows)
