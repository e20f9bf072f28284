"""Which repeat rules can be kept, against a search through every pattern and a look at every pair of cells."""

import re
from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from models.errors import InvalidOrder
from models.rules.grid import cut
from models.rules.lattices import Effort, Pattern, Tired
from models.rules.orders import MosaicOrder
from models.rules.repeats import CUT_STEPS, LAST_CUTS, QUICK, of_order, pattern

SIDES = st.integers(1, 7)
DISTANCES = st.sampled_from([0, 0.5, 1, 1.2, 1.5, 2, 2.5, 3, 4, 4.5, 5, 7, 20])
USES = st.none() | st.integers(1, 12)


def colours(columns, rows, count, step):
    """The colour of every cell, by the definition."""
    return {(x, y): (x + step * y) % count for y in range(rows) for x in range(columns)}


def keeps(coloured, max_uses, distance):
    """The reference: every two cells are looked at."""
    if max_uses is not None and max(Counter(coloured.values()).values()) > max_uses:
        return False
    return all(
        (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 >= distance**2
        for a, b in combinations(coloured, 2)
        if coloured[a] == coloured[b]
    )


def some_pattern_keeps(columns, rows, tile_count, max_uses, distance):
    return any(
        keeps(colours(columns, rows, count, step), max_uses, distance)
        for count in range(1, tile_count + 1)
        for step in range(count)
    )


def accepted(*order):
    try:
        pattern(*order)
    except InvalidOrder:
        return False
    return True


def refusal(*order):
    with pytest.raises(InvalidOrder) as refused:
        pattern(*order)
    return refused.value.field, str(refused.value)


@settings(deadline=None, max_examples=150)
@given(SIDES, SIDES, st.integers(1, 12), USES, DISTANCES)
def test_an_order_is_accepted_if_and_only_if_some_pattern_keeps_its_rules(columns, rows, tiles, uses, distance):
    if distance <= 1 or uses == 1:
        possible = uses is None or columns * rows <= tiles * uses
    else:
        possible = some_pattern_keeps(columns, rows, tiles, uses, distance)
    assert accepted(columns, rows, tiles, uses, distance) == possible


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 25), st.integers(1, 25), st.integers(1, 300), st.none() | st.integers(2, 99), DISTANCES)
def test_the_pattern_keeps_the_rules_with_no_more_colours_than_tiles(columns, rows, tiles, uses, distance):
    try:
        found = pattern(columns, rows, tiles, uses, distance)
    except InvalidOrder:
        return
    if found is None:
        assert distance <= 1
    else:
        assert found.count <= tiles
        assert keeps(colours(columns, rows, found.count, found.step), uses, distance)


def plain_fewest(side, distance):
    """The fewest colours on a square grid, by trying one pattern after the other."""
    count = 1
    while not any(keeps(colours(side, side, count, step), None, distance) for step in range(count)):
        count += 1
    return count


@pytest.mark.parametrize("distance", [1.1, 1.5, 2, 2.2, 2.5, 3, 3.5, 4])
def test_no_pattern_has_fewer_colours_than_the_one_returned(distance):
    # A grid of 9 cells a side has room for every step that is too short, both ways.
    assert pattern(9, 9, 81, None, distance).count == plain_fewest(9, distance)


def too_near(columns, rows, distance):
    """The reference: every step from one cell of a grid to another that is shorter than a distance."""
    steps = ((x, y) for y in range(rows) for x in range(1 - columns, columns))
    return [(x, y) for x, y in steps if (y or x > 0) and x * x + y * y < distance * distance]


def fewest_anywhere(columns, rows, distance):
    """The fewest colours on a grid, by trying every pattern against every step."""
    near = too_near(columns, rows, distance)
    counts = range(1, columns * rows + 1)
    return next(count for count in counts for step in range(count) if all((x + step * y) % count for x, y in near))


@pytest.mark.parametrize("distance", [2, 3.7, 5, 6.5, 8, 30])
@pytest.mark.parametrize(
    ("columns", "rows"),
    [(2, 40), (40, 2), (3, 17), (5, 5), (5, 6), (6, 5), (9, 4), (4, 9), (8, 7), (13, 6), (12, 12)],
)
def test_at_the_edge_of_a_grid_one_tile_too_few_is_refused_and_the_fewest_are_enough(columns, rows, distance):
    # A grid that is narrower than the distance needs fewer tiles than the plane does.
    least = fewest_anywhere(columns, rows, distance)
    assert pattern(columns, rows, least, None, distance).count == least
    assert not accepted(columns, rows, least - 1, None, distance)
    # And with the fewest, each lies as often as that pattern has it.
    coloured = colours(columns, rows, least, pattern(columns, rows, least, None, distance).step)
    assert accepted(columns, rows, least, max(Counter(coloured.values()).values()), distance)


@given(st.integers(1, 600), st.integers(1, 600), st.floats(0, 1_000), st.none() | st.integers(1, 99))
@example(88, 492, 1_000.0, None)
@settings(deadline=None, max_examples=30)
def test_as_many_tiles_as_cells_keep_any_rule(columns, rows, distance, uses):
    # Each lies once.
    assert accepted(columns, rows, columns * rows, uses, distance)


@pytest.mark.parametrize(
    ("distance", "count"),
    [
        (2**0.5 - 1e-9, 2),  # a chessboard
        (2, 4),  # alone in a square of two a side; three tiles would leave a knight's move and a diagonal
        (5**0.5 - 1e-9, 5),  # a knight's move apart, the lattice of (2, 1) and (-1, 2): 2 * 2 + 1 * 1
        (5, 23),  # the lattice of (5, 1) and (2, 5): 5 * 5 - 1 * 2
    ],
)
def test_known_lattices_have_their_known_number_of_colours(distance, count):
    assert pattern(60, 40, 2_400, None, distance).count == count


@pytest.mark.parametrize("distance", [6, 10, 20, 35, 60, 100, 150, 300])
def test_far_distances_need_little_more_than_the_densest_packing(distance):
    # Thue: no packing in the plane does with fewer than sqrt(3) / 2 * distance ** 2 cells for each.
    found = pattern(500, 500, 250_000, None, distance)
    assert 3**0.5 / 2 * distance**2 <= found.count <= 3**0.5 / 2 * (distance + 1) ** 2


@pytest.mark.parametrize(("columns", "rows"), [(30, 1), (1, 30)])
@pytest.mark.parametrize(("distance", "count"), [(4, 4), (4.5, 5), (29, 29), (30, 30), (999, 30)])
def test_a_single_line_needs_as_many_tiles_as_cells_in_a_distance(columns, rows, distance, count):
    assert pattern(columns, rows, 30, None, distance).count == count
    assert not accepted(columns, rows, count - 1, None, distance)


@pytest.mark.parametrize(
    "order",
    [
        (60, 40, 1, None, 0),
        (60, 40, 1, None, 1),
        (60, 40, 2_400, 1, 0),
        (60, 40, 1_200, 2, 0.9),
        (60, 40, 2_400, 1, 50),
    ],
)
def test_where_no_distance_binds_no_pattern_is_needed(order):
    assert pattern(*order) is None


@pytest.mark.parametrize("distance", [2, 5, 20])
def test_uses_that_fit_exactly_are_met_together_with_a_distance(distance):
    # Row after row through all tiles: the same one comes again 20 rows below.
    assert pattern(60, 40, 1_200, 2, distance) == Pattern(1_200, 60)


@pytest.mark.parametrize(
    ("order", "field", "sentence"),
    [
        (
            # 58 x 38 is 2,204; 59 x 39 is 2,301.
            (60, 40, 2_220, 1, 0),
            "max_uses",
            "2,400 cells, 2,220 tiles: allow 2 uses, or at most 58x38 cells.",
        ),
        ((2, 1, 1, 1, 0), "max_uses", "2 cells, 1 tile: allow 2 uses, or at most 1x1 cells."),
        (
            (3, 3, 1, 1, 2),
            "max_uses",
            "9 cells, 1 tile: allow 9 uses and ask for a distance of at most 1, or at most 1x1 cells.",
        ),
        (
            (60, 40, 12, None, 5),
            "min_distance",
            "A distance of 5 cells needs 23 tiles, not 12: ask for at most 3, or add photos.",
        ),
        (
            # A row of four: 1, 2, 3, 1 would be 3 apart.
            (4, 1, 3, None, 50),
            "min_distance",
            (
                "A distance of 50 cells on 4x1 cells, where each tile then lies once, needs 4 tiles, not 3: "
                "ask for at most 3, or add photos."
            ),
        ),
    ],
)
def test_a_refusal_says_what_would_meet_it(order, field, sentence):
    assert refusal(*order) == (field, sentence)


@pytest.mark.parametrize(
    ("least", "tile_count", "sentence"),
    [
        (
            2,
            2_220,
            (
                "2,400 cells, 2,220 tiles, each in 2 or more: that takes 4,440 cells; "
                "ask for at least 1 use, or for more cells, or use fewer photos."
            ),
        ),
        (
            1,
            2_401,
            (
                "2,400 cells, 2,401 tiles, each in 1 or more: that takes 2,401 cells; "
                "ask for more cells, or use fewer photos."
            ),
        ),
    ],
)
def test_least_uses_of_more_tiles_than_there_is_room_for_are_refused(least, tile_count, sentence):
    order = MosaicOrder(60, min_uses=least)
    with pytest.raises(InvalidOrder) as refused:
        of_order(order, (600, 400), cut(600, 400, order), tile_count)
    assert (refused.value.field, str(refused.value)) == ("min_uses", sentence)


@pytest.mark.parametrize(("least", "tile_count"), [(1, 2_400), (2, 1_200), (2_400, 1), (24, 100)])
def test_least_uses_that_just_fit_are_accepted(least, tile_count):
    order = MosaicOrder(60, min_uses=least, max_uses=least)
    assert of_order(order, (600, 400), cut(600, 400, order), tile_count) is None


def hold_to(sentence, columns, rows, tiles, uses, distance):
    """Find all that the sentence of a refusal proposes, and see it accepted."""
    more = re.search(r"allow ([\d,]+) uses?", sentence)
    apart = re.search(r"(?:distance of|ask for) at most ([\d.]*\d)", sentence)
    smaller = re.search(r"at most (\d+)x(\d+) cells", sentence)
    needed = re.search(r"needs ([\d,]+) tiles?, not", sentence)
    assert more or apart
    enough = int(more[1].replace(",", "")) if more else uses
    if " and ask for " in sentence:
        assert accepted(columns, rows, tiles, enough, float(apart[1]))
    else:
        assert not more or accepted(columns, rows, tiles, enough, distance)
        assert not apart or accepted(columns, rows, tiles, uses, float(apart[1]))
    assert not smaller or accepted(int(smaller[1]), int(smaller[2]), tiles, uses, distance)
    assert not needed or accepted(columns, rows, int(needed[1].replace(",", "")), None, distance)


@settings(deadline=None, max_examples=200)
@given(st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 200), USES, DISTANCES))
def test_every_proposal_of_a_refusal_is_accepted(order):
    assume(not accepted(*order))
    field, sentence = refusal(*order)
    assert field in {"max_uses", "min_distance"}
    hold_to(sentence, *order)


@settings(deadline=None)
@given(SIDES, SIDES, st.integers(1, 12), st.integers(2, 12), DISTANCES)
def test_the_uses_proposed_are_the_fewest(columns, rows, tiles, uses, distance):
    assume(not accepted(columns, rows, tiles, uses, distance))
    _, sentence = refusal(columns, rows, tiles, uses, distance)
    proposed = re.search(r"allow ([\d,]+) uses?[,.]", sentence)
    assume(proposed)
    assert not any(accepted(columns, rows, tiles, fewer, distance) for fewer in range(1, int(proposed[1])))


# Bounded effort

WIDE = st.integers(1, 500)
EFFORTS = st.sampled_from([0, 50, 500, 5_000, 50_000, QUICK])


def verdict(order, effort):
    """Whether an order is accepted, or nothing where that is not known, and the sentence of a refusal."""
    try:
        pattern(*order, None, Effort(effort))
    except Tired:
        return None, ""
    except InvalidOrder as refused:
        return False, str(refused)
    return True, ""


HARD = st.tuples(
    WIDE,
    WIDE,
    st.integers(1, 500) | st.integers(1, 250_000),
    st.none() | st.integers(1, 12) | st.integers(1, 250_000),
    st.sampled_from([1.5, 2, 5, 9.5, 20, 100, 1_000]) | st.floats(0, 1_000),
)


@settings(deadline=None, max_examples=60)
@given(HARD, EFFORTS)
def test_little_effort_gives_the_same_answer_or_none(order, effort):
    found, _ = verdict(order, effort)
    assert found in {None, accepted(*order)}


@settings(deadline=None, max_examples=60)
@given(HARD, EFFORTS)
def test_what_a_refusal_proposes_can_be_had_however_little_effort_was_made(order, effort):
    found, sentence = verdict(order, effort)
    assume(found is False)
    hold_to(sentence, *order)


def test_efforts_that_share_one_take_no_more_than_there_is():
    whole = Effort(100)
    part = whole.quarter()
    with pytest.raises(Tired):
        part.spend(26)
    whole.spend(75)
    with pytest.raises(Tired):
        whole.spend(1)


def test_no_more_grids_are_cut_on_trial_than_the_effort_allows():
    cut = []
    with pytest.raises(InvalidOrder):
        pattern(1_000, 1_000, 900_000, 1, 0, lambda across: cut.append(across) or [], Effort(20 * CUT_STEPS))
    assert 1 <= len(cut) <= 20 + LAST_CUTS


def test_a_pattern_cannot_be_changed():
    with pytest.raises(AttributeError):
        Pattern(5, 2).count = 3


@pytest.mark.parametrize("size", [(600, 400), (400, 600)])
@pytest.mark.parametrize("tile_count", [500, 501, 502, 503, 1_300])
def test_a_print_is_told_of_a_grid_that_it_can_have_as_it_lies(size, tile_count):
    order = MosaicOrder(50, mosaic_width=7_087, mosaic_height=4_724, no_repeats=True)
    with pytest.raises(InvalidOrder) as refused:
        of_order(order, size, cut(*size, order), tile_count)
    ((columns, rows),) = re.findall(r"at most (\d+)x(\d+) cells", str(refused.value))
    made = [cut(*size, replace(order, cells_across=across)) for across in range(8, 51)]
    assert (int(columns), int(rows)) in {(each.columns, each.rows) for each in made}
