"""Rows of cells that are moved by half a cell: where cells lie, what is in them, and the rules between them."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import plain
import pytest
import pyvips
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from cli.main import tessera
from models.errors import InvalidOrder
from models.rules import printing, repeats
from models.rules.grid import cut
from models.rules.order_words import Fit, Shape
from models.rules.orders import MosaicOrder
from worker import parallel
from worker.core import features
from worker.core.assignment.assign import Rules
from worker.core.assignment.spacing import Spacing
from worker.core.cells import coverage, of_cells
from worker.core.costs import Lists
from worker.core.edits import Edit, edited
from worker.core.energy import far_view, near_repeats
from worker.core.energy.descent import Descent, Limits
from worker.core.energy.far_view import FarView
from worker.core.features import Cut
from worker.core.fitted import Fitted
from worker.core.lattice import BRICKS, HEXAGONS
from worker.core.lattice import of as lattice_of
from worker.core.losses import cut_to, find
from worker.core.matcher import Prices, Sides, choose
from worker.core.measures.miniature import as_it_lies
from worker.core.measures.quality import equal_neighbours, smallest_distance
from worker.core.views import Views
from worker.rendering.bands import Bands, without_surplus
from worker.rendering.masking import masked
from worker.rendering.tile_loader import Laid
from worker.tile_index import index

SHAPES = st.tuples(st.integers(2, 9), st.integers(1, 9))
DISTANCES = st.sampled_from([0.0, 1.1, 1.2, 1.5, 1.73, 2.0, 2.9, 3.0, 4.5])
LATTICES = st.sampled_from([BRICKS, HEXAGONS])


def silent(*_):
    """Progress that nobody looks at."""


def centre(cell, columns, lattice=BRICKS):
    """Where the centre of a cell lies, in cells; rows of regular hexagons are sqrt(3) / 2 of their width apart."""
    row, column = divmod(int(cell), columns)
    return column + row % 2 / 2, row * (math.sqrt(3) / 2 if lattice is HEXAGONS else 1)


def apart(one, other, columns, lattice=BRICKS):
    return round(math.dist(centre(one, columns, lattice), centre(other, columns, lattice)), 9)


def keeps(tiles, max_uses, least, distance, count, lattice):
    """Whether a placement keeps the rules; every two cells are looked at."""
    columns, held = tiles.shape[1], tiles.ravel()
    there = np.flatnonzero(held >= 0).tolist()
    near = any(
        held[one] == held[other] and apart(one, other, columns, lattice) < distance
        for number, one in enumerate(there)
        for other in there[:number]
    )
    uses = np.bincount(held[there], minlength=count)
    return not near and uses.max() <= (max_uses or len(there)) and uses.min() >= least


# Where the cells lie


def test_a_row_shows_half_a_cell_less_than_it_has():
    grid = cut(600, 400, MosaicOrder(10, tile_size=51, shape=Shape.BRICK))
    assert grid.cell_width == grid.cell_height == Fraction(600 * 2, 19)
    assert (grid.columns, grid.rows) == (10, 6)  # 400 / 63.2 is 6.3
    assert grid.target_size == (600, 6 * Fraction(1200, 19))
    assert grid.mosaic_size == (10 * 51 - 25, 6 * 51)


@pytest.mark.parametrize(("fit", "columns", "width"), [("crop", 8, 75), ("resize", 8, 78)])
def test_cells_of_an_ordered_size_fill_the_target_but_for_a_part_of_one(fit, columns, width):
    grid = cut(78, 30, MosaicOrder(cell_width=10, cell_height=10, fit=Fit(fit), shape=Shape.BRICK))
    assert (grid.columns, grid.target_size[0]) == (columns, width)  # 8 - 1/2 cells of 10, or of 10.4


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), SHAPES, st.integers(1, 4), st.sampled_from([Fraction(0), Fraction(1, 3)]))
def test_cells_are_means_of_their_places_and_beyond_an_edge_of_the_nearest_pixels(seed, shape, subcells, hidden):
    columns, rows = shape
    width, height = 3 * columns + seed % 5, 2 * rows + 1
    target = Fitted(plain.noise(seed, height, width), width - hidden, height - hidden, lattice=BRICKS)
    across, down = target.width / (columns - Fraction(1, 2)), target.height / rows
    more = math.ceil(across / 2)
    wide = np.pad(target.pixels, ((0, 0), (more, more), (0, 0)), "edge")
    found = of_cells(target, columns, rows, subcells).reshape(rows, columns, subcells, subcells, 3)
    for row, column in product(range(rows), range(columns)):
        left = more + (column - Fraction(1 - row % 2, 2)) * across
        expected = plain.means(wide, left, row * down, across, down, subcells)
        np.testing.assert_allclose(found[row, column], expected, atol=1e-9)


def test_the_coverage_of_moved_cells_is_a_hand_sum():
    mask = Fitted(np.array([[255, 0, 0], [255, 0, 0]], np.uint8), Fraction(3), Fraction(2), lattice=BRICKS)
    # Cells of two pixels: from -1 and from 1 in the first row, from 0 and from 2 in the second.
    assert coverage(mask, 2, 2).tolist() == [[255, 0], [127.5, 0]]


def test_a_picture_of_all_cells_is_moved_row_by_row():
    picture = np.arange(24).reshape(4, 6)  # 2 rows and 3 columns of cells of 2 x 2 pixels
    assert as_it_lies(picture, 2, BRICKS).tolist() == [
        [1, 2, 3, 4, 5], [7, 8, 9, 10, 11], [12, 13, 14, 15, 16], [18, 19, 20, 21, 22]
    ]  # fmt: skip


@pytest.mark.parametrize("side", [1, 4, 5])
def test_tiles_lie_where_their_cells_are(side):
    random = np.random.default_rng(side)
    order = MosaicOrder(4, tile_size=side, shape=Shape.BRICK, tint=0.0)
    grid = cut(70, 60, order)
    pixels = random.integers(0, 256, (5, side, side, 3), dtype=np.uint8)
    slots = random.integers(-1, 5, (grid.rows, 4))
    laid = Laid(pixels, np.zeros((5, 4, 4, 3)), slots)
    target = Fitted(plain.noise(1, 60, 70), Fraction(70), Fraction(60), lattice=BRICKS)
    bands = Bands([laid], target, grid, order)
    found = np.concatenate(list(without_surplus(bands.all(silent), grid)))
    half = side // 2
    canvas = np.zeros((grid.rows * side, 4 * side + half, 4), np.uint8)
    canvas[:, :, :3] = 255
    for row, column in zip(*np.nonzero(slots >= 0), strict=True):
        top, left = row * side, column * side + row % 2 * half
        canvas[top : top + side, left : left + side, :3] = pixels[slots[row, column]]
        canvas[top : top + side, left : left + side, 3] = 255
    assert np.array_equal(found, canvas[:, half : 4 * side])


# Rules and prices between them


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 2**32 - 1), SHAPES, DISTANCES, LATTICES)
def test_what_is_too_near_a_cell_is_found_in_every_way(seed, shape, distance, lattice):
    (columns, rows), random = shape, np.random.default_rng(seed)
    spacing = Spacing.of(columns, rows, distance, lattice)
    cells = np.arange(columns * rows)
    near = [
        [other for other in cells if other != cell and apart(cell, other, columns, lattice) < distance]
        for cell in cells
    ]
    assert spacing.binds == any(near) or not any(near)
    held, tiles = random.integers(-1, 6, len(cells)), random.integers(0, 6, (len(cells), 3))
    clashing = [[tile in held[some] for tile in row] for some, row in zip(near, tiles, strict=True)]
    for cell in cells:
        assert sorted(spacing.around(cells, cell)) == near[cell]
    assert spacing._clashes_by_steps(held, cells, tiles).tolist() == clashing
    assert spacing._clashes_by_uses(held, cells, tiles).tolist() == clashing


@settings(deadline=None, max_examples=60)
@given(st.tuples(st.integers(1, 20), st.integers(1, 20)), DISTANCES.filter(lambda distance: distance > 1), LATTICES)
def test_cells_that_choose_together_are_all_near_or_all_far(shape, distance, lattice):
    columns, rows = shape
    spacing = Spacing.of(columns, rows, distance, lattice)
    seen = set()
    for cells in spacing.sparse():
        seen |= set(cells.tolist())
        assert all(
            apart(one, other, columns, lattice) >= distance for one in cells for other in cells if one != other
        )
    assert seen == set(range(columns * rows))
    seen = set()
    for cells, groups in spacing.blocks(1):
        seen |= set(cells.tolist())
        for (one, first), (other, second) in product(zip(cells, groups, strict=True), repeat=2):
            if one != other:
                assert (apart(one, other, columns, lattice) < distance) == (first == second) or first != second
                assert first == second or apart(one, other, columns, lattice) >= distance
    assert seen == set(range(columns * rows))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1), SHAPES, st.integers(3, 40),
    st.tuples(st.sampled_from([None, 1, 2, 5]), st.sampled_from([0, 0, 1]), DISTANCES), st.booleans(), st.booleans(),
    st.sampled_from([Shape.BRICK, Shape.HEXAGON]),
)  # fmt: skip
def test_a_rule_is_never_broken_between_moved_rows(seed, shape, count, asked, priced, with_mask, cells):
    (columns, rows), (uses, least, distance), lattice = shape, asked, lattice_of(cells)
    random = np.random.default_rng(seed)
    filled = random.random((rows, columns)) < (0.6 if with_mask else 2)
    assume(filled.any() and not (least and distance > 1))
    order = MosaicOrder(
        cell_width=4, cell_height=4, max_uses=uses, min_uses=least or None, min_distance=distance, shape=cells
    )
    size = 4 * columns - 2, 3 * rows - 1 if cells is Shape.HEXAGON else 4 * rows
    grid = cut(*size, order)
    assert (grid.columns, grid.rows) == (columns, rows)
    if with_mask:
        grid = masked(grid, (255 * as_it_lies(filled.repeat(4, 0).repeat(4, 1), 4, lattice)).astype(np.uint8))
        filled = np.frombuffer(grid.filled or bytes([1] * filled.size), np.bool_).reshape(rows, columns)
    try:
        pattern = repeats.of_order(order, size, grid, count)
    except InvalidOrder:
        assume(False)
    proof = None if pattern is None else (pattern.count, pattern.step)
    rules = Rules(uses, distance, proof, least, lattice)
    thumbs = random.integers(0, 256, (count, index.SIDE, index.SIDE, 3), dtype=np.uint8)
    views = Views.of(np.full((count, 2), 100), (1, 1), [0], slide=False, keep=0.64, lattice=lattice)
    loss, cut_ = cut_to(find("balanced", subcells=4, detail=0.5), lattice), Cut(columns, rows, (1, 1), lattice)
    target = Fitted(
        random.integers(0, 256, (*size[::-1], 3), dtype=np.uint8),
        Fraction(size[0]),
        Fraction(size[1]),
        lattice=lattice,
    )
    sides = Sides(features.of_cells(loss, target, cut_), features.of_views(loss, thumbs, views), views)
    light = features.light_of_cells(target, cut_), features.light_of_views(thumbs, views)
    work = loss, sides, cut_, rules, Prices(0.1, 0.1, *light) if priced else None
    with parallel.one_thread_each():
        if with_mask:
            chosen = edited(*work, Edit.none(filled.ravel()), thumbs, threads=1, progress=silent)
        else:
            chosen = choose(*work, threads=1, progress=silent)
    assert np.array_equal(chosen.tiles >= 0, filled)
    assert keeps(chosen.tiles, uses, least, distance, count, lattice)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(2, 16), st.integers(1, 16)), LATTICES)
def test_the_cost_of_a_placement_counts_every_pair_of_cells_by_their_true_distance(seed, shape, lattice):
    (columns, rows), random = shape, np.random.default_rng(seed)
    count = columns * rows
    lists = Lists(
        np.array([random.permutation(9)[:3] for _ in range(count)], np.int32), np.zeros((count, 3), np.uint8),
        random.random((count, 3)).astype(np.float32),
    )  # fmt: skip
    light, chosen = random.random((count, 3, 3)).astype(np.float32), random.integers(0, 3, count)
    far = FarView.of(random.random((count, 3)), 0.7)
    descent = Descent(lists, chosen, far, light, 0.4, Limits(Spacing.of(columns, rows, 0, lattice), count), 9)
    cells = np.arange(count)
    held, errors = lists.photos[cells, chosen], far.errors(cells, light)[cells, chosen].astype(np.float64)
    cost = float(lists.costs[cells, chosen].sum(dtype=np.float64))
    for one, other in product(range(count), repeat=2):
        distance = apart(one, other, columns, lattice)
        if one != other and held[one] == held[other]:
            cost += 0.4 / 2 * 0.05 * min(1, 9 / count)
        if abs(one // columns - other // columns) > 6 or distance > 6:
            continue
        # A Gaussian of 1.5 cells against itself is one of 1.5 * sqrt(2). A hexagon's area is sqrt(3) / 2.
        blur = math.exp(-(distance**2) / (4 * 1.5**2)) / (4 * math.pi * 1.5**2)
        blur *= math.sqrt(3) / 2 if lattice is HEXAGONS else 1
        cost += 0.7 * blur * float(errors[one] @ errors[other])
        if one != other and held[one] == held[other]:
            cost += 0.4 / 2 * math.exp(-(distance**2) / 9) * (8 if distance**2 <= 2 else 1)
    assert descent.energy() == pytest.approx(cost, rel=1e-4)
    before = descent.energy()
    descent.run(silent)
    assert descent.energy() <= before * (1 + 1e-6)


def test_tables_of_steps_are_those_of_the_true_distances():
    prices, blur = near_repeats.prices(BRICKS), far_view.autocorrelation(BRICKS)
    assert prices[7, 6] == prices[7, 5] == pytest.approx(8 * math.exp(-1.25 / 9))  # half a cell right, and left
    assert blur[7, 6] == blur[7, 5] == pytest.approx(math.exp(-1.25 / 9) * blur[6, 6])


# What is measured, and written


def test_the_smallest_distance_is_between_true_centres():
    assert smallest_distance(np.array([[1, 2], [1, 3]]), BRICKS) == pytest.approx(math.sqrt(1.25))
    assert smallest_distance(np.array([[2, 1], [1, 3]]), BRICKS) == pytest.approx(math.sqrt(1.25))
    assert smallest_distance(np.array([[1, 2], [3, 1]]), BRICKS) == pytest.approx(math.sqrt(1.5**2 + 1))
    assert smallest_distance(np.array([[1, 2], [3, 4], [1, 5]]), BRICKS) == 2


@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(1, 9), st.integers(1, 9)), LATTICES)
def test_the_smallest_distance_is_that_of_all_pairs(seed, shape, lattice):
    tiles = np.random.default_rng(seed).integers(0, 12, shape)
    held, columns = tiles.ravel(), shape[1]
    all_pairs = [
        apart(one, other, columns, lattice)
        for one in range(len(held))
        for other in range(one)
        if held[one] == held[other]
    ]  # fmt: skip
    assert smallest_distance(tiles, lattice) == (pytest.approx(min(all_pairs)) if all_pairs else None)


def test_a_cell_lies_above_two_others():
    tiles = np.array([[1, 2, 3], [2, 4, 3], [5, 2, 6]])
    # Beside: 0 of 6. Straight below: 3 and 3, 0 below. To the left below, or above: 2 and 2 twice.
    assert equal_neighbours(tiles, BRICKS) == 3 / (6 + 6 + 4)


@pytest.fixture(params=["brick", "hexagon"])
def run(request, folder, tmp_path, photographs, monkeypatch):
    """Run `tessera render` on a picture of 240 x 160 pixels in this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Image.open(photographs / "coffee.png") as image:
        image.convert("RGB").resize((240, 160)).save(tmp_path / "target.png")

    def run(*words, out="mosaic.png"):
        command = ["render", str(tmp_path / "target.png"), "--tiles", str(folder), "--shape", request.param]
        return CliRunner().invoke(tessera, [*command, "--out", str(tmp_path / out), *map(str, words)])

    return run


def test_a_placement_of_moved_rows_is_laid_again(run, tmp_path):
    words = "--cells", 12, "--tile-size", 15, "--min-distance", 3, "--tint", 0.3, "--blend", 0.2
    assert run(*words, "--placement-out", tmp_path / "placement.json").exit_code == 0
    again = run("--placement", tmp_path / "placement.json", out="again.png")
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "mosaic.png").read_bytes()


def test_a_print_of_moved_rows_has_its_exact_size(run, tmp_path):
    result = run("--print", "50x33mm", "--tile", "5mm", "--dpi", 150, out="print.png")
    assert result.exit_code == 0, result.stderr
    found = pyvips.Image.new_from_file(str(tmp_path / "print.png"))
    assert (found.width, found.height) == (round(50 / 25.4 * 150), round(33 / 25.4 * 150))


def test_too_few_cells_for_moved_rows_are_a_sentence(run, tmp_path):
    result = run("--cells", 1)
    assert result.exit_code == 2
    assert "at least 2 cells across" in result.stderr
    assert not (tmp_path / "mosaic.png").exists()


@pytest.mark.parametrize(
    ("size", "order"),
    [
        ((900, 600), {"cell_width": 1_000, "cell_height": 100, "fit": Fit.RESIZE}),
        ((400, 900), {"cells_across": 3, "mosaic_width": 900, "mosaic_height": 100}),
    ],
)
def test_rows_of_one_cell_cannot_be_moved(size, order):
    with pytest.raises(InvalidOrder, match="Rows of one cell cannot be moved by half a cell"):
        cut(*size, MosaicOrder(shape=Shape.BRICK, **order))


def test_the_tiles_of_a_print_whose_rows_are_moved_are_as_wide_as_they_are_shown():
    order = MosaicOrder(cells_across=26, mosaic_width=1_807, mosaic_height=1_217, dpi=150, shape=Shape.BRICK)
    width = 1_807 / 150 * 25.4
    assert [
        float(printing.of_order(order).tile[0]),
        float(printing.of_grid(cut(900, 600, order), order).tile[0]),
    ] == (pytest.approx([width / 25.5] * 2, abs=0.02))
