"""Assignments under repeat rules, against every assignment there is and against scipy's dense solver."""

import subprocess
import sys
from collections import Counter
from itertools import combinations, product
from math import isqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from models.errors import InvalidOrder
from models.rules.repeats import pattern
from worker.core.assignment import assign as assign_module
from worker.core.assignment import solvers
from worker.core.assignment.assign import Rules, assign
from worker.core.assignment.least_uses import with_least_uses
from worker.core.assignment.lower_bound import apart_bound
from worker.core.assignment.prices import learn_prices
from worker.core.assignment.shortlist import lowest
from worker.core.assignment.solvers import GRAIN, cheapest, dense_utilities
from worker.core.assignment.spacing import NOBODY, Spacing

SEEDS = st.integers(0, 2**32 - 1)
DISTANCES = st.sampled_from([0, 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7, 20])


def silent(done, total):
    """Progress that nobody looks at."""


def found(costs, columns, rows, max_uses=None, min_distance=0.0, progress=silent):
    """Assign with the pattern that the order's check would hand on."""
    costs = np.asarray(costs, np.float32)
    proof = pattern(columns, rows, costs.shape[1], max_uses, min_distance)
    rules = Rules(max_uses, min_distance, None if proof is None else (proof.count, proof.step))
    return assign(costs.__getitem__, columns, rows, costs.shape[1], rules, progress)


def broken(tiles, columns, max_uses, distance):
    """Name the rules that are broken; every two cells are looked at."""
    places = [divmod(cell, columns) for cell in range(len(tiles))]
    near = [
        (a, b)
        for a, b in combinations(range(len(tiles)), 2)
        if tiles[a] == tiles[b]
        and (places[a][0] - places[b][0]) ** 2 + (places[a][1] - places[b][1]) ** 2 < distance**2
    ]
    return [f"{a} is too near {b}" for a, b in near] + [
        f"tile {tile} has {uses} uses" for tile, uses in Counter(tiles).items() if max_uses and uses > max_uses
    ]


def cheapest_of_all(costs, columns, max_uses, distance):
    """The reference: every assignment there is."""
    cells, tiles = costs.shape
    return min(
        sum(costs[cell, tile] for cell, tile in enumerate(choice))
        for choice in product(range(tiles), repeat=cells)
        if not broken(choice, columns, max_uses, distance)
    )


def dense_optimum(costs, max_uses):
    columns = np.repeat(costs.astype(np.float64), max_uses, axis=1)
    return columns[linear_sum_assignment(columns)].sum()


@st.composite
def orders(draw, side, most_tiles, uses):
    columns, rows, tiles = draw(st.integers(1, side)), draw(st.integers(1, side)), draw(st.integers(1, most_tiles))
    max_uses, distance = draw(uses), draw(DISTANCES)
    try:
        pattern(columns, rows, tiles, max_uses, distance)
    except InvalidOrder:
        assume(False)
    return columns, rows, tiles, max_uses, distance


def dice(seed, columns, rows, tiles, most=9):
    """Whole costs, many of them equal."""
    return np.random.default_rng(seed).integers(0, most + 1, (columns * rows, tiles)).astype(np.float64)


@settings(deadline=None, max_examples=300)
@given(orders(14, 120, st.none() | st.integers(1, 40)), st.integers(0, 99))
def test_no_rule_is_ever_broken(order, seed):
    columns, rows, tiles, max_uses, distance = order
    result = found(dice(seed, columns, rows, tiles), columns, rows, max_uses, distance)
    assert broken(result.tiles.tolist(), columns, max_uses, distance) == []


@settings(deadline=None, max_examples=150)
@given(orders(14, 120, st.none() | st.integers(1, 40)))
def test_no_rule_is_broken_where_every_cell_wants_the_same_tile(order):
    columns, rows, tiles, max_uses, distance = order
    costs = np.broadcast_to(np.arange(tiles) ** 2.0, (columns * rows, tiles))
    result = found(costs, columns, rows, max_uses, distance)
    assert broken(result.tiles.tolist(), columns, max_uses, distance) == []


@settings(deadline=None, max_examples=60)
@given(orders(3, 4, st.none() | st.integers(1, 9)), st.integers(0, 99))
def test_the_cost_and_its_bound_embrace_the_least_of_all_assignments(order, seed):
    columns, rows, tiles, max_uses, distance = order
    assume(tiles ** (columns * rows) <= 5_000)
    costs = dice(seed, columns, rows, tiles)
    least = cheapest_of_all(costs, columns, max_uses, distance)
    result = found(costs, columns, rows, max_uses, distance)
    assert result.lower_bound - 1e-3 <= least <= result.cost
    assert result.cost == sum(costs[cell, tile] for cell, tile in enumerate(result.tiles))
    if distance <= 1 or max_uses == 1:
        assert result.cost == least


@settings(deadline=None, max_examples=100)
@given(orders(9, 40, st.integers(1, 9)), st.integers(0, 99), st.sampled_from([1, 9, 1_000]))
def test_uses_alone_are_kept_at_the_cost_of_the_dense_solver(order, seed, most):
    columns, rows, tiles, max_uses, _ = order
    costs = dice(seed, columns, rows, tiles, most)
    result = found(costs, columns, rows, max_uses)
    assert result.cost == dense_optimum(costs, max_uses)
    assert result.lower_bound <= result.cost


def gradient(columns, rows, tiles, seed):
    """Squared distances from the colours of a smooth picture to scattered ones: plain areas want the same tiles."""
    y, x = np.divmod(np.arange(columns * rows), columns)
    cells = np.stack([x / columns, y / rows, (x // 4 % 2) * 0.1], axis=1) ** 3
    colours = np.random.default_rng(seed).random((tiles, 3))
    return ((cells[:, None] - colours) ** 2).sum(axis=2)


@pytest.mark.parametrize(
    ("tiles", "max_uses"), [(800, 1), (760, 1), (1_500, 1), (260, 3), (90, 10), (30, 26), (9, 90)]
)
def test_crowded_tiles_are_shared_out_within_a_hundredth_of_the_optimum(tiles, max_uses):
    costs = gradient(38, 20, tiles, seed=3)
    result = found(costs, 38, 20, max_uses)
    optimum = dense_optimum(costs, max_uses)
    assert result.cost <= 1.01 * optimum
    assert 0.9 * optimum <= result.lower_bound <= optimum * (1 + 1e-5)


def test_several_samples_and_parts_still_come_near_the_optimum():
    costs = gradient(101, 60, 7_000, seed=4)
    result = found(costs, 101, 60, 1)
    assert broken_uses(result.tiles, 1) == 0
    assert result.cost <= 1.05 * result.lower_bound


def apart(cells, tiles, seed):
    """Return squared distances between points of a cube."""
    dice = np.random.default_rng(seed)
    places = dice.uniform(0, 1, (cells, 3)), dice.uniform(0, 1, (tiles, 3))
    return cdist(*places, "sqeuclidean")


def test_cells_that_met_once_meet_others_and_come_nearer_the_optimum(monkeypatch):
    monkeypatch.setattr(assign_module, "TOGETHER", 100)
    costs = apart(600, 75, seed=3)
    # After one turn the cost is 1.050 times the optimum, after two it is 1.033.
    assert found(costs, 30, 20, 8).cost <= 1.04 * dense_optimum(costs, 8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_pass_less_is_dearer(seed, monkeypatch):
    costs = apart(900, 60, seed)
    cost = found(costs, 30, 30, min_distance=3).cost
    monkeypatch.setattr(assign_module, "PASSES", 3)
    assert cost < found(costs, 30, 30, min_distance=3).cost


def broken_uses(tiles, max_uses):
    return int((np.bincount(tiles) > max_uses).sum())


def one_by_one(costs, columns, max_uses, distance):
    """The cost when every cell in turn takes the cheapest tile that those before it leave."""
    held, total = [], 0.0
    for cell, row in enumerate(costs):
        y, x = divmod(cell, columns)
        near = {
            tile
            for other, tile in enumerate(held)
            if (other // columns - y) ** 2 + (other % columns - x) ** 2 < distance * distance
        }
        free = (tile for tile in row.argsort(kind="stable").tolist() if tile not in near)
        held.append(next(tile for tile in free if max_uses is None or held.count(tile) < max_uses))
        total += row[held[-1]]
    return total


@pytest.mark.parametrize(("max_uses", "distance"), [(None, 5), (3, 5), (None, 2), (10, 1.5), (None, 12), (2, 18)])
def test_a_distance_costs_less_than_when_each_cell_takes_in_turn_what_is_left(max_uses, distance):
    costs = gradient(38, 20, 4_000, seed=5)
    result = found(costs, 38, 20, max_uses, distance)
    assert broken(result.tiles.tolist(), 38, max_uses, distance) == []
    assert result.lower_bound <= result.cost < one_by_one(costs, 38, max_uses, distance)


@pytest.mark.parametrize(("seed", "optimum"), [(0, 791), (1, 859)])
def test_cells_choose_again_until_the_cost_comes_within_a_quarter_of_the_optimum(seed, optimum):
    """The optima are those of an integer program: scipy.optimize.milp, a variable for each cell and tile."""
    result = found(dice(seed, 10, 8, 14, most=99), 10, 8, min_distance=2.5)
    assert optimum <= result.cost <= 1.25 * optimum


def test_where_there_is_one_way_but_for_names_it_is_found():
    # A chessboard of two tiles: cell 0 costs nothing with tile 1, so white is 1 and black is 0.
    costs = np.array([[5.0, 0], [0, 0], [0, 0], [0, 0]])
    assert found(costs, 2, 2, None, 1.4).tiles.tolist() == [1, 0, 0, 1]


def test_rules_that_bind_nothing_give_the_nearest_tile():
    costs = dice(1, 5, 4, 30)
    result = found(costs, 5, 4, 20, 1.0)
    assert result.tiles.tolist() == costs.argmin(axis=1).tolist()
    assert result.lower_bound == result.cost == costs.min(axis=1).sum()


def test_equal_tiles_are_taken_from_the_lower_number_on():
    result = found(np.zeros((6, 9)), 3, 2, 2)
    assert sorted(result.tiles.tolist()) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(("max_uses", "distance"), [(1, 0), (2, 3), (None, 4)])
def test_equal_input_gives_an_equal_answer(max_uses, distance):
    costs = gradient(30, 20, 700, seed=6)
    first, second = (found(costs, 30, 20, max_uses, distance) for _ in range(2))
    assert first.tiles.tolist() == second.tiles.tolist()
    assert (first.cost, first.lower_bound) == (second.cost, second.lower_bound)


def test_progress_rises_to_its_end():
    reported = []
    found(gradient(30, 20, 700, seed=6), 30, 20, 2, 3, lambda done, total: reported.append((done, total)))
    shares = [done / total for done, total in reported]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    # Prices come first and settling last, a third each; neither passes in silence.
    assert any(0 < share < 1 / 3 for share in shares)
    assert any(2 / 3 < share < 1 for share in shares)
    assert len({total for _, total in reported}) == 1


def test_the_costs_are_asked_for_in_small_blocks_and_few_times():
    costs, asked = gradient(50, 30, 3_000, seed=7).astype(np.float32), []

    def counting(cells):
        asked.append(len(cells))
        return costs[cells]

    assign(counting, 50, 30, 3_000, Rules(2, 0.0, None), silent)
    assert max(asked) * 3_000 * 4 <= 16 << 20
    assert sum(asked) <= 3.5 * 1_500


def test_more_cells_than_uses_are_an_error():
    with pytest.raises(ValueError, match="6 cells do not fit 2 tiles of 2 uses"):
        assign(np.zeros((6, 2), np.float32).__getitem__, 3, 2, 2, Rules(2), silent)


@pytest.mark.parametrize(
    ("rules", "words"), [(Rules(None, 2.0), "at most 9"), (Rules(3, 2.0, (4, 2)), "more than 3")]
)
def test_a_distance_without_its_pattern_is_an_error(rules, words):
    with pytest.raises(ValueError, match=words):
        assign(np.zeros((16, 9), np.float32).__getitem__, 4, 4, 9, rules, silent)


@pytest.mark.parametrize(
    ("rules", "none"), [(Rules(), True), (Rules(None, 1.0), True), (Rules(9), False), (Rules(None, 1.1), False)]
)
def test_rules_know_whether_anything_is_asked_for(rules, none):
    assert rules.none is none


@settings(deadline=None)
@given(st.integers(1, 3_000), st.integers(1, 60), st.integers(0, 99))
def test_the_lowest_values_of_a_row_are_those_of_a_sort(width, count, seed):
    values = np.random.default_rng(seed).integers(0, 500, (3, width)).astype(np.float32)
    places = lowest(values, count)
    assert places.shape == (3, min(count, width))
    assert (np.diff(places, axis=1) > 0).all()
    np.testing.assert_array_equal(np.sort(np.take_along_axis(values, places, 1)), np.sort(values, axis=1)[:, :count])


def test_the_lowest_values_of_a_row_with_few_numbers_are_places_of_their_own():
    values = np.full((2, 400), np.inf, np.float32)
    values[0, 399], values[1, :3] = 1, 2
    places = lowest(values, 10)
    assert [len(set(row)) for row in places.tolist()] == [10, 10]
    assert 399 in places[0]
    assert {0, 1, 2} <= set(places[1].tolist())


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), st.integers(0, 99))
def test_a_sparse_choice_costs_what_the_dense_solver_finds(n, m, room, seed):
    assume(n <= m * room)
    costs = dice(seed, n, 1, m)
    rows, columns = (place.ravel() for place in np.indices((n, m)))
    chosen = cheapest(rows, columns, costs.ravel(), np.full(m, room))
    assert rows[chosen].tolist() == list(range(n))
    assert max(Counter(columns[chosen].tolist()).values()) <= room
    assert costs.ravel()[chosen].sum() == dense_optimum(costs, room)


@pytest.mark.parametrize("grains", range(3))
def test_an_edge_that_costs_next_to_nothing_is_chosen(grains):
    costs = np.array([GRAIN * grains, 2.0, 1.0])  # which are 1 in the mean, but for a grain or less
    assert cheapest(np.array([0, 0, 1]), np.array([0, 1, 2]), costs, np.ones(3, np.intp)).tolist() == [0, 2]


def test_every_row_may_leave_for_a_column_of_its_own_that_is_dearer_than_any_full_choice():
    edges = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), np.array([3.0, 5, 4, 2]), np.array([1, 2])
    rows, columns, costs, room = solvers._with_escapes(*edges)
    assert (rows[4:].tolist(), columns[4:].tolist(), room[2:].tolist()) == ([0, 1, 2], [2, 3, 4], [1, 1, 1])
    assert costs[4:].min() > 3 * 5


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(0, 6), st.integers(0, 99))
def test_utilities_and_their_prices_add_up_to_the_optimum(n, more, seed):
    # Strong duality: what the rows pay, less the prices, is the least cost.
    costs = dice(seed, n, 1, n + more)
    utilities = dense_utilities(costs)
    prices = np.maximum(0, (utilities[:, None] - costs).max(axis=0))
    assert utilities.sum() - prices.sum() == pytest.approx(dense_optimum(costs, 1))


def test_a_sample_of_everything_has_exact_prices():
    costs = dice(5, 10, 10, 40, 1_000)
    prices = learn_prices(costs.astype(np.float32).__getitem__, 100, 40, 3, lambda: None)
    assert (costs + prices).min(axis=1).sum() - 3 * prices.sum() == pytest.approx(dense_optimum(costs, 3))


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(1.05, 15), st.integers(0, 99))
def test_who_is_too_near_is_found_in_all_three_ways(columns, rows, distance, seed):
    random = np.random.default_rng(seed)
    spacing = Spacing.of(columns, rows, distance)
    held = random.integers(NOBODY, 6, columns * rows)
    cells = random.permutation(columns * rows)[:5]
    tiles = np.argsort(random.random((len(cells), 6)), axis=1)[:, :4]
    places = np.stack(np.divmod(np.arange(columns * rows), columns), axis=1)
    near = ((places[:, None] - places) ** 2).sum(axis=2) < distance**2
    np.fill_diagonal(near, val=False)
    expected = [
        [bool((held[near[cell]] == tile).any()) for tile in row] for cell, row in zip(cells, tiles, strict=True)
    ]
    assert spacing._clashes_by_steps(held, cells, tiles).tolist() == expected
    assert spacing._clashes_by_uses(held, cells, tiles).tolist() == expected
    assert spacing.clashes(held, cells, tiles).tolist() == expected
    assert [sorted(spacing.around(held, cell)) for cell in cells] == [sorted(held[near[cell]]) for cell in cells]


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(1.05, 12), st.integers(0, 3))
def test_blocks_hold_near_cells_and_lie_far_apart(columns, rows, distance, turn):
    seen = set()
    for cells, groups in Spacing.of(columns, rows, distance).blocks(turn):
        seen.update(cells.tolist())
        y, x = np.divmod(cells, columns)
        near = (y[:, None] - y) ** 2 + (x[:, None] - x) ** 2 < distance**2
        assert (near == (groups[:, None] == groups)).all()
    assert seen == set(range(columns * rows))


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(1.05, 12))
def test_sparse_cells_are_far_from_each_other(columns, rows, distance):
    seen = []
    for cells in Spacing.of(columns, rows, distance).sparse():
        seen += cells.tolist()
        y, x = np.divmod(cells, columns)
        squares = (y[:, None] - y) ** 2 + (x[:, None] - x) ** 2
        assert (squares[squares > 0] >= distance**2).all()
    assert sorted(seen) == list(range(columns * rows))


def far_enough(count, step, square):
    """Whether no two equal numbers (x + step * y) mod count lie nearer than the root of a square, by all steps."""
    reach = range(-isqrt(square), isqrt(square) + 1)
    near = ((x, y) for x in reach for y in reach if 0 < x * x + y * y < square)
    return all((x + step * y) % count for x, y in near)


@pytest.mark.parametrize("square", [2, 3, 4, 5, 9, 16, 25, 37, 50])
def test_sparse_cells_lie_in_as_few_batches_as_any_lattice_allows(square):
    batches = len(list(Spacing(60, 60, square).sparse()))
    assert any(far_enough(batches, step, square) for step in range(batches))
    assert not any(far_enough(count, step, square) for count in range(1, batches) for step in range(count))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("spread", [1, 1e-5])
@pytest.mark.parametrize("scale", [1, 1e4])
def test_the_bound_of_a_block_is_never_above_what_it_costs_at_least(scale, spread, seed):
    # Cells that are all too near each other: their least cost is that of an assignment of different tiles.
    costs = scale * (1 + spread * np.random.default_rng(seed).random((6, 9))).astype(np.float32)
    least = costs.astype(np.float64)[linear_sum_assignment(costs)].sum()
    tiles = np.tile(np.arange(9, dtype=np.int32), (6, 1))
    proved = apart_bound(Spacing.of(3, 2, 20), tiles, costs, 9)
    assert least * (1 - 1e-3) <= proved <= least


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("listed", [1, 2, 4])
def test_a_tile_that_a_cell_does_not_list_bids_as_much_as_the_dearest_that_it_lists(listed, seed):
    dice = np.random.default_rng(seed)
    tiles = np.stack([dice.permutation(5)[:listed] for _ in range(6)]).astype(np.int32)
    bids = dice.integers(1, 100, (6, listed)).astype(np.float32)
    costs = np.repeat(bids.max(axis=1, keepdims=True), 20, axis=1)
    np.put_along_axis(costs, tiles.astype(np.intp), bids, axis=1)
    least = costs[linear_sum_assignment(costs)].sum()
    assert apart_bound(Spacing.of(3, 2, 20), tiles, bids, 20) == pytest.approx(least, rel=1e-3)


def test_the_bound_of_several_blocks_is_the_sum_of_theirs():
    # Nine cells less than four apart are a block; all cells want the same tiles.
    spacing, costs = Spacing.of(9, 9, 4), np.broadcast_to(np.arange(1, 13, dtype=np.float32), (81, 12))
    tiles = np.tile(np.arange(12, dtype=np.int32), (81, 1))
    assert spacing.block_side == 3
    assert apart_bound(spacing, tiles, costs, 12) == pytest.approx(9 * sum(range(1, 10)), rel=1e-3)


@pytest.mark.parametrize(
    ("columns", "rows", "distance", "uses"), [(3, 1, 2, 2), (4, 1, 2, 2), (5, 1, 2, 3), (1, 7, 3, 3), (2, 2, 2, 1)]
)
def test_a_tile_has_as_many_uses_as_fit_into_a_line(columns, rows, distance, uses):
    assert Spacing.of(columns, rows, distance).most_uses == uses


def test_the_bound_on_a_tiles_uses_in_a_wide_grid_is_olers():
    # Of 11 x 11 cells, 2 apart: 2 / 3**0.5 * 100 / 4 of its area, 20 / 2 of its rim, and 1.
    assert Spacing.of(11, 11, 2).most_uses == int(28.867 + 10 + 1)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), st.integers(1, 12), DISTANCES)
def test_no_tile_can_lie_more_often_than_the_bound_on_its_uses(columns, rows, distance):
    assume(distance > 1)
    # Row by row, whatever is far enough from all that lies: a packing that is good, if not the best.
    placed = []
    for y, x in product(range(rows), range(columns)):
        if all((y - v) ** 2 + (x - u) ** 2 >= distance**2 for v, u in placed):
            placed.append((y, x))
    assert len(placed) <= Spacing.of(columns, rows, distance).most_uses


def test_scipy_is_loaded_only_when_rules_ask_for_it():
    code = "import sys, worker.core.assignment.assign; print(any(name.startswith('scipy') for name in sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    )


@pytest.mark.parametrize(("tiles", "max_uses"), [(800, 1), (260, 3)])
def test_the_bound_is_what_the_prices_prove_and_not_the_cost_itself(tiles, max_uses):
    # Weak duality, written out: each cell's best bid, less what all uses are worth.
    costs = gradient(38, 20, tiles, seed=3).astype(np.float32)
    prices = learn_prices(costs.__getitem__, 760, tiles, max_uses, lambda: None).astype(np.float64)
    proved = (costs + prices).min(axis=1).sum() - max_uses * prices.sum()
    result = found(costs, 38, 20, max_uses)
    assert result.lower_bound == pytest.approx(proved, rel=1e-4)
    assert proved < dense_optimum(costs, max_uses) * (1 - 1e-4)


# At least so many uses


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, cell_count=st.integers(1, 40), tile_count=st.integers(1, 40), least=st.integers(1, 4))
def test_every_tile_gets_its_cells(seed, cell_count, tile_count, least):
    assume(least * tile_count <= cell_count)
    costs = np.random.default_rng(seed).random((cell_count, tile_count), np.float32)
    start = costs.argmin(axis=1)
    held = with_least_uses(costs.__getitem__, start, tile_count, least, silent)
    assert np.bincount(held, minlength=tile_count).min() >= least
    assert costs[np.arange(cell_count), held].sum() >= least_cost(costs, least) * (1 - 1e-5)


@pytest.mark.parametrize("least", [1, 2, 4])
def test_among_colours_the_least_uses_cost_little_more_than_scipys_optimum(least):
    dice = np.random.default_rng(6)
    cells, tiles = dice.random((400, 3)) ** 2, dice.random((90, 3))
    costs = cdist(cells, tiles, "sqeuclidean").astype(np.float32)
    held = with_least_uses(costs.__getitem__, costs.argmin(axis=1), 90, least, silent)
    best = least_cost(costs, least)
    assert best * (1 - 1e-5) <= costs[np.arange(400), held].sum() <= best * 1.25


def least_cost(costs, least):
    """The reference: as many columns of each tile as it must have, and free ones at each cell's least cost."""
    cell_count, tile_count = costs.shape
    columns = np.repeat(np.arange(tile_count), least)
    rest = np.repeat(costs.min(axis=1)[:, None], cell_count - len(columns), axis=1)
    table = np.concatenate([costs[:, columns], rest], axis=1)
    return table[linear_sum_assignment(table)].sum()


def test_tiles_that_have_enough_keep_their_number_at_most():
    costs = np.random.default_rng(4).random((30, 10), np.float32)
    start = np.repeat(np.arange(10), 3)
    assert (with_least_uses(costs.__getitem__, start, 10, 3, silent) == start).all()
    held = with_least_uses(costs.__getitem__, np.repeat(np.arange(5), 6), 10, 2, silent)
    assert np.bincount(held, minlength=10)[:5].max() <= 6
    assert np.bincount(held, minlength=10).min() >= 2
