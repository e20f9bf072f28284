"""Cells of several sizes: where they lie, what they cost, the rules that they keep, what is laid and told of them."""

import csv
import json
import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from cli.main import tessera
from models.errors import InvalidOrder
from models.rules import kept_placements, printing, repeats, spans
from models.rules.grid import cut
from models.rules.order_words import Shape
from models.rules.orders import MosaicOrder
from worker import parallel
from worker.core import features, quadtree, sizes
from worker.core.assignment.spacing import Spacing
from worker.core.costs import Lists
from worker.core.edits import Edit, edited
from worker.core.energy.descent import Limits
from worker.core.energy.far_view import FarView
from worker.core.energy.sized_descent import SizedDescent
from worker.core.features import Cut
from worker.core.fitted import Fitted
from worker.core.losses import find
from worker.core.matcher import Choice, Prices, Sides
from worker.core.measures.quality import known
from worker.core.sizes import Sizes
from worker.core.views import Views
from worker.rendering import bands, kept_placement, placement, sizing
from worker.rendering.bands import Bands, without_surplus
from worker.rendering.kept_placement import KeptPlacement
from worker.rendering.tile_loader import Laid
from worker.tile_index import index

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 13), st.integers(1, 10))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def silent(*_):
    """Progress that nobody looks at."""


def random_spans(seed, columns, rows):
    """Sizes of cells, of which some blocks are large, and some places empty."""
    random = np.random.default_rng(seed)
    taken, cells = random.random((rows, columns)) < random.choice([0.0, 0.1]), []
    for span, share in ((4, 0.5), (2, 0.4), (1, 1.0)):
        for row, column in product(range(0, rows - span + 1, span), range(0, columns - span + 1, span)):
            block = slice(row, row + span), slice(column, column + span)
            if not taken[block].any() and random.random() < share:
                taken[block] = True
                cells.append((column, row, span))
    cells = cells or [(0, 0, 1)]
    found = spans.laid_out(cells, columns, rows)
    return np.frombuffer(found, np.uint8).reshape(rows, columns), cells


def places_of(cell):
    """The rows and columns that a cell covers, given its column, row and span."""
    column, row, span = cell
    return [(row + down, column + right) for down, right in product(range(span), repeat=2)]


# Where they lie


def naive_spans(samples, filled, bound):
    """The blocks of a target, given its samples in Oklab, (rows, columns, n, 3), one block after the other."""
    rows, columns = filled.shape
    cells, taken = [], ~filled
    for span in (4, 2, 1):
        for row, column in product(range(0, rows - span + 1, span), range(0, columns - span + 1, span)):
            block = slice(row, row + span), slice(column, column + span)
            inside = samples[block].reshape(-1, 3)
            deviation = math.sqrt(sum(channel.var() for channel in inside.T))
            if not taken[block].any() and (span == 1 or deviation <= bound):
                cells.append((column, row, span))
                taken[block] = True
    return sorted(cells)


def oklab(srgb):
    """Oklab as B. Ottosson wrote it down, for one colour of 0 to 255."""
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in srgb)]
    r, g, b = light
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    middle = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def corners(found):
    """The column, row and span of every cell."""
    return sorted(
        (spans.corner(int(column), int(found[row, column])), spans.corner(int(row), int(found[row, column])),
         int(found[row, column]))
        for row, column in zip(*np.nonzero(found), strict=True)
    )  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(SEEDS, SHAPES, st.sampled_from([0.01, 0.05, 0.1]), st.booleans())
def test_a_block_is_whole_where_the_target_deviates_little_in_it(seed, shape, bound, masked):
    (columns, rows), random = shape, np.random.default_rng(seed)
    noise = random.integers(0, 60, (4 * rows, 4 * columns, 3)) * random.random((4 * rows, 4 * columns, 1)) ** 3
    base = random.integers(0, 190, ((rows + 3) // 4, (columns + 3) // 4, 3)).repeat(16, 0).repeat(16, 1)
    pixels = (base[: 4 * rows, : 4 * columns] + noise).astype(np.uint8)
    filled = random.random((rows, columns)) < 0.95 if masked else np.ones((rows, columns), np.bool_)
    found = quadtree.spans_of(Fitted.whole(pixels), filled, bound, 4)
    colours = np.array([[oklab(pixel) for pixel in line] for line in pixels])
    samples = colours.reshape(rows, 4, columns, 4, 3).swapaxes(1, 2).reshape(rows, columns, 16, 3)
    assert corners(found) == naive_spans(samples, filled, bound)


def test_a_calm_target_gives_the_largest_cells_and_noise_the_smallest():
    calm = np.full((64, 64, 3), 120, np.uint8)
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    filled = np.ones((16, 16), np.bool_)
    assert quadtree.spans_of(Fitted.whole(calm), filled, 0.04, 4)[filled].tolist().count(4) == 16
    assert (quadtree.spans_of(Fitted.whole(noise), filled, 0.04, 4) == 1).all()


@settings(deadline=None, max_examples=60)
@given(SEEDS, SHAPES)
def test_every_place_belongs_to_the_cell_that_covers_it_and_to_no_other(seed, shape):
    found, cells = random_spans(seed, *shape)
    owners = Sizes(found).owners.reshape(found.shape)
    covered = {}
    for cell in cells:
        for place in places_of(cell):
            assert place not in covered
            covered[place] = cell
    for row, column in np.ndindex(found.shape):
        seat = spans.seat_of(found.tobytes(), found.shape[1], column, row)
        if (row, column) not in covered:
            assert (owners[row, column], seat) == (-1, None)
            continue
        left, top, span = covered[row, column]
        assert seat == (spans.seat(left, span), spans.seat(top, span))
        assert divmod(owners[row, column], found.shape[1]) == seat[::-1]
    assert corners(found) == sorted(cells)


@pytest.mark.parametrize("span", spans.SPANS)
def test_the_seat_in_documents_is_that_in_arrays(span):
    assert spans.seat(8, span) - 8 == sizes.before(span)


@pytest.mark.parametrize(
    "cells", [[(1, 0, 2)], [(0, 0, 4), (2, 2, 1)], [(4, 0, 4)], [(0, 0, 1), (0, 0, 1)], [(8, 0, 1)]]
)
def test_cells_that_cannot_lie_there_are_refused(cells):
    with pytest.raises(ValueError, match=r"\(.+\)") as refusal:
        spans.laid_out(cells, 7, 4)
    assert refusal.value.args[0] == cells[-1]


# What is compared, and what it costs


@pytest.mark.parametrize(("span", "name"), [(2, "balanced"), (4, "balanced"), (4, "mean-rgb"), (2, "grid-oklab")])
def test_larger_cells_are_compared_as_cells_of_that_size_are(span, name):
    pixels = np.random.default_rng(3).integers(0, 256, (40, 72, 3), dtype=np.uint8)
    target, loss = Fitted.whole(pixels), find(name, subcells=4, detail=0.5)
    found, _ = random_spans(5, 18, 10)
    cut_ = Cut(18, 10, (1, 1), sizes=Sizes(found))
    part = Fitted.whole(pixels[: 10 // span * span * 4, : 18 // span * span * 4])
    coarse = Cut(18 // span, 10 // span, (1, 1))
    seats = np.argwhere(found == span)
    blocks = [row // span * coarse.columns + column // span for row, column in seats]
    numbers = [row * 18 + column for row, column in seats]
    assert numbers
    expected = features.of_cells(loss, part, coarse)[blocks]
    np.testing.assert_allclose(features.of_cells(loss, target, cut_)[numbers], expected, atol=1e-5)
    light = features.light_of_cells(part, coarse)[blocks]
    np.testing.assert_allclose(features.light_of_cells(target, cut_)[numbers], light, atol=1e-12)


def naive_energy(about, chosen):
    """The whole cost of a placement of cells of several sizes, by all pairs of places and of blocks."""
    lists, light, far, price, photo_count, found, cells = about
    total, laid, pair = 0.0, [], price * 0.05 * min(1, photo_count / len(cells))
    for column, row, span in cells:
        seat = spans.seat(row, span) * found.shape[1] + spans.seat(column, span)
        error = far.slopes[seat].astype(float) @ (light[seat, chosen[seat]] - far.light[seat]).astype(float)
        laid.append((lists.photos[seat, chosen[seat]], error, (column, row, span)))
        total += float(lists.costs[seat, chosen[seat]])
    for a, (photo, error, one) in enumerate(laid):
        for b, (other_photo, other_error, other) in enumerate(laid):
            total += pair * (a < b and photo == other_photo)
            for (y, x), (v, u) in product(places_of(one), places_of(other)):
                square = (y - v) ** 2 + (x - u) ** 2
                if square <= 36:
                    total += far.weight * math.exp(-square / 9) / (9 * math.pi) * float(error @ other_error)
                    if a < b and photo == other_photo:
                        total += price * math.exp(-square / 9) * (8 if square <= 2 else 1)
            square = ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) / one[2] ** 2
            if a < b and photo == other_photo and one[2] == other[2] > 1 and square <= 36:
                total += one[2] ** 2 * price * math.exp(-square / 9) * (8 if square <= 2 else 1)
    return total


@settings(deadline=None, max_examples=25)
@given(SEEDS, SHAPES, st.integers(1, 6), st.sampled_from([None, 3]))
def test_the_whole_cost_is_that_of_all_places_and_never_rises(seed, shape, photo_count, uses):
    dice, (found, cells) = np.random.default_rng(seed), random_spans(seed, *shape)
    count, entries = found.size, min(4, photo_count)
    photos = np.stack([np.sort(dice.permutation(photo_count)[:entries]) for _ in range(count)]).astype(np.int32)
    photos[found.ravel() == 0] = photo_count
    lists = Lists(photos, np.zeros((count, entries), np.uint8), dice.random((count, entries), np.float32))
    light = dice.random((count, entries, 3)).astype(np.float32)
    far = FarView.of(dice.random((count, 3)), 3.0)
    limits = Limits(Spacing.of(*shape, 0), uses or count, sizes=Sizes(found))
    with parallel.one_thread_each():
        descent = SizedDescent(lists, dice.integers(0, entries, count), far, light, 0.05, limits, photo_count)
        about = lists, light, far, 0.05, photo_count, found, cells
        before = naive_energy(about, descent.chosen)
        assert descent.energy() == pytest.approx(before, rel=1e-4)
        for _ in range(8):  # a run ends after three sweeps, whether or not anything could still change
            descent.run(silent)
        after = naive_energy(about, descent.chosen)
        assert descent.energy() == pytest.approx(after, rel=1e-4)
    assert after <= before * (1 + 1e-5)
    if uses is None and len(cells) < 20:  # no cell gains by any other entry of its list
        for seat, entry in product(np.flatnonzero(found).tolist(), range(entries)):
            other = descent.chosen.copy()
            other[seat] = entry
            # By less than pairs far away cost, which changed since it chose.
            assert naive_energy(about, other) >= after * (1 - 1e-4) - 2 * 0.05 * 0.05


def centre(cell):
    """The centre of a cell."""
    column, row, span = cell
    return column + span / 2, row + span / 2


@settings(max_examples=50, deadline=None)
@given(
    SEEDS, SHAPES, st.integers(3, 40),
    st.tuples(st.sampled_from([None, 1, 2, 5]), st.sampled_from([0, 0, 1]), st.sampled_from([0.0, 1.5, 2.0, 4.0])),
    st.booleans(), st.sampled_from(["balanced", "mean-rgb", "ciede2000"]),
)  # fmt: skip
def test_a_rule_is_never_broken_and_threads_change_nothing(seed, shape, count, asked, priced, name):
    (columns, rows), (uses, least, distance) = shape, asked
    assume(not (least and distance > 1))
    found, cells = random_spans(seed, columns, rows)
    random, size = np.random.default_rng(seed), (columns * 4, rows * 4)
    order = MosaicOrder(columns, max_uses=uses, min_uses=least or None, min_distance=distance, fit="resize")
    grid = sizing.given(replace(cut(*size, order), filled=(found > 0).tobytes()), found)
    try:
        rules = placement.rules_of(order, size, grid, count)
    except InvalidOrder:
        assume(False)
    target = Fitted.whole(random.integers(0, 256, (rows * 4, columns * 4, 3), dtype=np.uint8))
    thumbs = random.integers(0, 256, (count, index.SIDE, index.SIDE, 3), dtype=np.uint8)
    views = Views.of(np.full((count, 2), 100), (1, 1), [0], slide=False, keep=0.64)
    loss, sized = find(name, subcells=4, detail=0.5), Sizes(found) if grid.spans else None
    cut_ = Cut(columns, rows, (1, 1), sizes=sized)
    light = features.light_of_cells(target, cut_), features.light_of_views(thumbs, views)
    sides = Sides(
        features.of_cells(loss, target, cut_), features.of_views(loss, thumbs, views), views,
        None if sized is None else sized.areas,
    )  # fmt: skip
    prices, edit = Prices(0.1, 0.1, *light) if priced else None, Edit.none((found > 0).ravel())

    def chosen(threads):
        with parallel.one_thread_each():
            return edited(loss, sides, cut_, rules, prices, edit, thumbs, threads=threads, progress=silent)

    one, three = chosen(1), chosen(3)
    for each in ("tiles", "windows", "orientations", "costs", "lower_bound"):
        assert np.array_equal(getattr(one, each), getattr(three, each))
    assert np.array_equal(one.tiles >= 0, found > 0)
    tiles = {cell: one.tiles[spans.seat(cell[1], cell[2]), spans.seat(cell[0], cell[2])] for cell in cells}
    for a, b in product(cells, repeat=2):
        assert a == b or tiles[a] != tiles[b] or math.dist(centre(a), centre(b)) >= distance
    used = np.bincount(list(tiles.values()), minlength=count)
    assert least <= used.min()
    assert used.max() <= (uses or len(cells))
    assert one.lower_bound <= sum(cell[2] ** 2 * one.costs[spans.seat(cell[1], cell[2]), spans.seat(cell[0], cell[2])]
                                  for cell in cells) * (1 + 1e-6)  # fmt: skip


def test_more_photos_may_be_needed_than_for_equal_cells_but_never_fewer_than_are_proved():
    order = MosaicOrder(8, min_distance=2.0)
    grid = cut(80, 80, order)
    assert repeats.of_order(order, (80, 80), grid, 4).count == 4
    sized = replace(grid, spans=bytes(64), filled=b"\1" * 64)
    assert repeats.of_order(order, (80, 80), sized, 16).count >= math.ceil(
        math.sqrt(3) / 2 * (2 + math.sqrt(0.5)) ** 2
    )


@settings(deadline=None, max_examples=40)
@given(SEEDS, SHAPES)
def test_the_report_counts_cells_and_measures_between_their_centres(seed, shape):
    found, cells = random_spans(seed, *shape)
    random = np.random.default_rng(seed)
    tiles = np.where(found > 0, random.integers(0, 5, found.shape), -1)
    laid = {cell: tiles[spans.seat(cell[1], cell[2]), spans.seat(cell[0], cell[2])] for cell in cells}
    report = known(
        np.zeros((4 * found.shape[0], 4 * found.shape[1], 3)),
        tiles,
        np.zeros((5, 3)),
        adapted=0.0,
        sizes=Sizes(found),
    )
    assert sorted(report.uses) == sorted(np.unique(list(laid.values()), return_counts=True)[1])
    distances = [
        math.dist(centre(a), centre(b)) for a, b in product(cells, repeat=2) if a != b and laid[a] == laid[b]
    ]
    assert report.smallest_distance == (pytest.approx(min(distances)) if distances else None)
    owner = {place: cell for cell in cells for place in places_of(cell)}
    pairs = [
        laid[cell] == laid[owner[next_to]]
        for (row, column), cell in owner.items()
        for next_to in ((row + 1, column), (row, column + 1))
        if next_to in owner and owner[next_to] != cell
    ]
    assert report.equal_neighbours == pytest.approx(np.mean(pairs) if pairs else 0.0)
    costs = random.random(found.shape) * (found > 0)
    assert report.sum_of(costs) == pytest.approx((costs * found.astype(float) ** 2).sum())


# What is laid


@pytest.mark.parametrize("lines", [1, 7, 1000])
@pytest.mark.parametrize(("side", "size"), [(3, None), (8, None), (8, (97, 60))])
def test_each_tile_lies_over_all_of_its_cell_in_bands_of_any_height(monkeypatch, side, size, lines):
    found, cells = random_spans(side, 13, 8)
    random, order = np.random.default_rng(side), MosaicOrder(13, tile_size=side, tint=0.0)
    grid = replace(sizing.given(cut(130, 80, order), found), exact_size=size)
    monkeypatch.setattr(bands, "BAND_BYTES", lines * 13 * side * 3)
    layers, canvas = [], np.full((8 * side, 13 * side, 4), (255, 255, 255, 0), np.uint8)
    for span in (1, 2, 4):
        tiles = random.integers(0, 256, (3, span * side, span * side, 3), dtype=np.uint8)
        slots = np.full((8, 13), -1)
        for column, row, size_ in cells:
            if size_ == span:
                number = random.integers(3)
                slots[row : row + span, column : column + span] = number
                top, left = row * side, column * side
                canvas[top : top + span * side, left : left + span * side, :3] = tiles[number]
                canvas[top : top + span * side, left : left + span * side, 3] = 255
        layers.append(Laid(tiles, np.zeros((3, 4 * span, 4 * span, 3)), slots, span))
    laid = Bands(layers, Fitted.whole(np.zeros((80, 130, 3), np.uint8)), grid, order)
    whole = np.concatenate(list(laid.all(silent)))
    assert np.array_equal(whole, canvas[..., : whole.shape[2]])
    assert sum(len(strip) for strip in without_surplus(laid.all(silent), grid)) == grid.mosaic_size[1]


def test_what_is_kept_is_read_again_and_each_cell_is_found_by_any_of_its_places(tmp_path):
    found, cells = random_spans(11, 13, 9)
    random = np.random.default_rng(2)
    tiles = np.where(found > 0, random.integers(0, 4, found.shape), -1)
    choice = Choice(
        tiles, random.integers(0, 8, found.shape, np.uint8), random.random(found.shape), 0.5,
        random.integers(1, 9, (*found.shape, 4)).astype(np.uint16),
    )  # fmt: skip
    content = random.integers(0, 256, (4, 32), dtype=np.uint8)
    kept_placement.save(KeptPlacement(content, choice, (130, 90), None, found), tmp_path / "p")
    again = kept_placement.load(tmp_path / "p")
    assert np.array_equal(again.choice.tiles, tiles)
    assert np.array_equal(again.spans, found)
    kept = kept_placements.opened(tmp_path / "p")
    told = {(cell.column, cell.row, cell.span): cell for cell in kept.cells({})}
    assert sorted(told) == sorted(cells)
    for cell in cells:
        number = tiles[spans.seat(cell[1], cell[2]), spans.seat(cell[0], cell[2])]
        assert told[cell].content == content[number].tobytes().hex()
        for row, column in places_of(cell):
            assert kept.cell(column, row, {}) == told[cell]
            assert cell in kept.lying([told[cell].content], len(cells))[told[cell].content].places


# On the command line


@pytest.fixture
def target(tmp_path):
    """A picture of 320 x 240 pixels: a plain sky over noise."""
    pixels = np.random.default_rng(4).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    pixels[:130] = (120, 150, 200)
    path = tmp_path / "target.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def run(folder, target, tmp_path):
    """Run `tessera render` in this process, with 16 x 12 of the finest cells."""

    def run(*words, out="mosaic.png"):
        command = ["render", str(target), "--tiles", str(folder), "--cells", "16", "--tile-size", "12"]
        return CliRunner().invoke(tessera, [*command, "--out", str(tmp_path / out), *map(str, words)])

    return run


def test_a_calm_sky_gets_large_photos_and_the_same_placement_lays_the_same_bytes(run, tmp_path):
    documents = {ending: tmp_path / f"placement.{ending}" for ending in ("json", "csv")}
    for ending, path in documents.items():
        made = run(
            "--adaptive", 0.5, "--placement-out", path, "--report", tmp_path / "report.json", out=f"{ending}.png"
        )
        assert made.exit_code == 0, made.output
    assert (
        "108 cells on 16 x 12, 12 of them larger" in made.output
    )  # of 6 rows of sky, 4 blocks of 4 x 4 and 8 of 2 x 2
    assert (tmp_path / "json.png").read_bytes() == (tmp_path / "csv.png").read_bytes()
    cells = json.loads(documents["json"].read_text())["cells"]
    with documents["csv"].open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(cell["column"], cell["row"], cell["span"]) for cell in cells] == [
        (int(line["column"]), int(line["row"]), int(line["span"])) for line in lines
    ]
    for ending, path in documents.items():
        words = [] if ending == "json" else ["--adaptive", 0.5]
        laid = run("--placement", path, *words, out=f"again-{ending}.png")
        assert laid.exit_code == 0, laid.output
        assert (tmp_path / f"again-{ending}.png").read_bytes() == (tmp_path / "json.png").read_bytes()


def test_a_ban_changes_photos_and_no_sizes(run, tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    run("--adaptive", 0.5, "--placement-out", first)
    cells = json.loads(first.read_text())["cells"]
    banned = next(cell["photo"] for cell in cells if cell["span"] == 4)
    made = run("--placement", first, "--ban", banned, "--placement-out", second, out="second.png")
    assert made.exit_code == 0, made.output
    after = json.loads(second.read_text())["cells"]
    where = [[(cell["column"], cell["row"], cell["span"]) for cell in some] for some in (cells, after)]
    assert where[0] == where[1]
    assert banned not in {cell["photo"] for cell in after}
    assert all(one == other for one, other in zip(cells, after, strict=True) if one["photo"] != banned)


def test_where_nothing_is_calm_the_mosaic_is_the_one_of_equal_cells(run, tmp_path):
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)).save(
        tmp_path / "target.png"
    )
    assert run("--adaptive", 0.3, out="adaptive.png").exit_code == 0
    assert run(out="equal.png").exit_code == 0
    assert (tmp_path / "adaptive.png").read_bytes() == (tmp_path / "equal.png").read_bytes()


def test_a_block_with_a_cell_that_the_mask_leaves_empty_is_split(run, tmp_path):
    mask = np.full((240, 320), 255, np.uint8)
    mask[20:40, 40:60] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    made = run("--adaptive", 0.5, "--mask", tmp_path / "mask.png", "--placement-out", tmp_path / "p.csv")
    assert made.exit_code == 0, made.output
    with (tmp_path / "p.csv").open(newline="") as file:
        covered = [
            (int(line["column"]) + right, int(line["row"]) + down)
            for line in csv.DictReader(file)
            for right, down in product(range(int(line["span"])), repeat=2)
        ]
    assert sorted(covered) == sorted(set(product(range(16), range(12))) - {(2, 1)})
    with Image.open(tmp_path / "mosaic.png") as image:
        alpha = np.asarray(image)[..., 3]
    assert (alpha == 0).sum() == 12 * 12
    assert not alpha[12:24, 24:36].any()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda cells: [cell | {"span": 3} for cell in cells], "has a span that is not 1, 2 or 4"),
        (lambda cells: cells[1:], "it covers 176 of the finest cells, not the 192"),
        (lambda cells: [cells[0] | {"span": 2}, *cells[1:]], "it covers 180 of the finest cells, not the 192"),
        (
            lambda cells: [cells[0], cells[1] | {"column": 3}, *cells[2:]],
            "column 3, row 0: a cell of 4 x 4 cannot lie",
        ),
    ],
)
def test_a_placement_whose_cells_do_not_fit_is_refused(run, tmp_path, change, sentence):
    path = tmp_path / "p.json"
    run("--adaptive", 0.5, "--placement-out", path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"cells": change(document["cells"])}))
    refused = run("--placement", path, out="no.png")
    assert refused.exit_code == 2
    assert sentence in refused.output.replace("\n", " ")
    assert not (tmp_path / "no.png").exists()


def test_a_placement_of_another_grid_is_refused_for_its_grid(run, tmp_path):
    path = tmp_path / "p.json"
    run("--adaptive", 0.5, "--placement-out", path)
    refused = run("--placement", path, "--cells", 20, out="no.png")
    assert refused.exit_code == 2
    assert "it is of another grid: 16 x 12 cells, not 20 x 15" in refused.output.replace("\n", " ")


def test_a_lock_of_other_sizes_is_refused_and_one_of_the_same_is_kept(run, tmp_path):
    sized, equal = tmp_path / "sized.csv", tmp_path / "equal.csv"
    run("--adaptive", 0.5, "--placement-out", sized)
    run("--placement-out", equal)
    for words, side in ((["--lock", sized], 4), (["--lock", equal, "--adaptive", 0.5], 1)):
        refused = run(*words, out="no.png")
        assert refused.exit_code == 2
        assert f"a cell of {side} x {side} in column 0, row 0, where there is none" in refused.output.replace(
            "\n", " "
        )
    sized.write_text("".join(sized.read_text().splitlines(keepends=True)[:3]))
    kept = tmp_path / "kept.csv"
    made = run("--adaptive", 0.5, "--lock", sized, "--placement-out", kept)
    assert made.exit_code == 0, made.output
    assert kept.read_text().startswith(sized.read_text())


def test_a_lock_of_equal_photos_is_refused_by_the_distance_that_cells_of_several_sizes_need(run, tmp_path):
    path = tmp_path / "lock.csv"
    run("--adaptive", 0.5, "--placement-out", path)
    with path.open(newline="") as file:
        one, other, *_ = csv.DictReader(file)
    assert [(line["column"], line["span"]) for line in (one, other)] == [("0", "4"), ("4", "4")]
    same = one | {"column": "4"}
    path.write_text("\n".join(",".join(line) for line in (one, one.values(), same.values())))
    refused = run("--adaptive", 0.5, "--lock", path, "--min-distance", 4, out="no.png")
    assert refused.exit_code == 2
    # Their centres are 4 cells apart; 4 + sqrt(1 / 2) is what is kept, so that any two sizes keep 4.
    assert "the rule of 4 cells between equal photos, and 4.71 where cells are of several sizes" in " ".join(
        refused.output.split()
    )


def test_a_tile_is_never_larger_than_tiles_may_be(run, tmp_path):
    path = tmp_path / "p.csv"
    made = run("--adaptive", 0.5, "--tile-size", 257, "--placement-out", path, "--force")  # 4 x 257 is above 1,024
    assert made.exit_code == 0, made.output
    with path.open(newline="") as file:
        assert {line["span"] for line in csv.DictReader(file)} == {"1", "2"}
    for words in (["--adaptive", 0.5], ["--placement", path]):
        refused = run(*words, "--tile-size", 513, out="no.png")
        assert refused.exit_code == 2
        assert "A cell of 2 x 2 would have a tile of 1,026 x 1,026 pixels" in refused.output.replace("\n", " ")


def test_bricks_are_refused_before_any_work(run, tmp_path):
    refused = run("--adaptive", 0.5, "--shape", "brick")
    assert refused.exit_code == 2
    assert "Adaptive cells are rectangles, not of the shape brick." in refused.output
    with pytest.raises(InvalidOrder):
        MosaicOrder(8, adaptive=0.5, shape=Shape.BRICK)


def test_a_print_warns_of_its_smallest_tiles_and_counts_no_cells_that_may_be_fewer():
    fields = {"cells_across": 100, "mosaic_width": 6000, "mosaic_height": 4000, "dpi": 300}
    equal, sized = (printing.of_order(MosaicOrder(**fields, adaptive=each)) for each in (0.0, 0.5))
    assert [len(plan.notes(40)) for plan in (equal, sized)] == [2, 1]
    assert sized.notes(40) == equal.notes(40)[:1]
    assert "Tiles of 5.1 mm are small" in sized.notes(40)[0]  # 6,000 pixels at 300 dpi are 508 mm


def test_a_dry_run_says_how_many_cells_there_will_be(run):
    assert "108 cells on 16 x 12, 12 of them larger" in run("--adaptive", 0.5, "--dry-run").output
