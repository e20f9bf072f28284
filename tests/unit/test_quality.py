"""The quality report, against scikit-image, scipy, hand sums and plain loops."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from worker.core.measures import advice
from worker.core.measures.fine import fine
from worker.core.measures.quality import cell_means, equal_neighbours, known, measure, smallest_distance, worst_cells
from worker.core.measures.similarity import ACROSS, BAND, far_difference, psnr, psnr_blur, ssim

REC_709 = (0.2126, 0.7152, 0.0722)
GREYS = np.array([[0.0, 0, 0], [64, 64, 64], [128, 128, 128], [192, 192, 192], [255, 255, 255]])
SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7))
PLACEMENTS = SHAPES.flatmap(lambda shape: arrays(np.intp, shape, elements=st.integers(0, 12)))


WIDE = 2, ACROSS // 4 + 3
"""Rows and columns of a mosaic that is looked at in two parts side by side."""


def two_pictures(rows, columns, seed=0):
    dice = np.random.default_rng(seed)
    one = dice.uniform(0, 255, (4 * rows, 4 * columns, 3))
    return one, np.clip(one + dice.normal(0, 25, one.shape), 0, 255)


def report(target, mosaic, placement, tiles=GREYS):
    before = known(target, np.asarray(placement), tiles, adapted=0.25)
    return measure(before, mosaic, cost=2.5, lower_bound=2.0, change=0.5)


def plain_distance(placement):
    places = [(row, column) for row, line in enumerate(placement) for column, _ in enumerate(line)]
    found = [
        math.dist(one, other)
        for number, one in enumerate(places)
        for other in places[number + 1 :]
        if placement[one] == placement[other]
    ]
    return min(found, default=None)


# Likeness of two pictures


def test_psnr_is_that_of_scikit_image():
    one, other = two_pictures(3, 5)
    assert psnr(one, other) == pytest.approx(peak_signal_noise_ratio(one, other, data_range=255), rel=1e-12)


def test_equal_pictures_have_infinite_psnr():
    one, _ = two_pictures(2, 2)
    assert psnr(one, one.copy()) == math.inf


@pytest.mark.parametrize("shape", [(2, 2), (2, 9), (10, 3), (6, 8)])
def test_ssim_is_that_of_scikit_image(shape):
    one, other = two_pictures(*shape)
    theirs = structural_similarity(one @ REC_709, other @ REC_709, data_range=255)
    assert ssim(one, other) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("shape", [(BAND // 4 + 3, 2), WIDE])
def test_ssim_of_a_picture_of_several_parts_is_that_of_scikit_image(shape):
    one, other = two_pictures(*shape)
    theirs = structural_similarity(one @ REC_709, other @ REC_709, data_range=255)
    assert ssim(one, other) == pytest.approx(theirs, abs=1e-12)


def test_ssim_of_a_bright_and_almost_flat_picture_is_not_lost_in_rounding():
    one, other = two_pictures(5, 5)
    one, other = 254 + one / 1e3, 254 + other / 1e3
    theirs = structural_similarity(one @ REC_709, other @ REC_709, data_range=255)
    assert ssim(one, other) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1)])
def test_ssim_of_a_picture_lower_than_seven_pixels_has_windows_of_three(shape):
    one, other = two_pictures(*shape)
    theirs = structural_similarity(one @ REC_709, other @ REC_709, data_range=255, win_size=3)
    assert ssim(one, other) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("side", "window"), [(5, 5), (6, 5), (7, 7)])
def test_ssim_takes_the_largest_odd_window_that_fits(side, window):
    one, other = (picture[:side] for picture in two_pictures(2, 3))
    theirs = structural_similarity(one @ REC_709, other @ REC_709, data_range=255, win_size=window)
    assert ssim(one, other) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (BAND // 4 + 3, 2), WIDE])
def test_psnr_after_a_blur_is_that_of_scipys_gaussian(shape):
    one, other = two_pictures(*shape)
    seen = [gaussian_filter(picture, (4, 4, 0), mode="reflect", truncate=3.0) for picture in (one, other)]
    assert psnr_blur(one, other) == pytest.approx(peak_signal_noise_ratio(*seen, data_range=255), rel=1e-9)


def test_a_checkerboard_of_light_is_its_mean_light_from_afar():
    board = 255.0 * (np.indices((64, 64)).sum(axis=0) % 2)[..., None].repeat(3, axis=2)
    half_the_light, half_the_code = np.full_like(board, 187.516), np.full_like(board, 127.5)
    assert far_difference(board, half_the_light) < 0.05
    assert far_difference(board, half_the_code) > 15


def test_a_checkerboard_of_pixels_is_grey_from_afar():
    board = 255.0 * (np.indices((32, 32)).sum(axis=0) % 2)[..., None].repeat(3, axis=2)
    grey = np.full_like(board, 127.5)
    assert (psnr(board, grey), psnr_blur(board, grey) > 50) == (pytest.approx(6.0206, abs=1e-4), True)


def from_across_the_room(picture):
    """The reference: scipy blurs what scikit-image makes of sRGB on its way to L*a*b*."""
    encoded = picture / 255
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = gaussian_filter(light, (6, 6, 0), mode="reflect", truncate=3)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (30, 40), (BAND // 4 + 3, 2), WIDE])
def test_the_difference_from_afar_is_that_of_scipys_gaussian_on_light(shape):
    one, other = two_pictures(*shape)
    theirs = deltaE_ciede2000(from_across_the_room(one), from_across_the_room(other)).mean()
    assert far_difference(one, other) == pytest.approx(theirs, abs=0.01)


def test_a_checkerboard_of_pixels_from_afar_is_the_grey_of_half_the_light():
    board = 255.0 * (np.indices((48, 48)).sum(axis=0) % 2)[..., None].repeat(3, axis=2)
    # The code value 188 sends out half the light of 255, by IEC 61966-2-1; 128 but a fifth.
    assert far_difference(board, np.full_like(board, 187.5)) < 0.1
    assert far_difference(board, np.full_like(board, 127.5)) > 15


def test_a_picture_differs_from_itself_by_nothing_from_afar():
    one, _ = two_pictures(3, 5)
    assert far_difference(one, one.copy()) == 0


# Repeats


@settings(deadline=None)
@given(PLACEMENTS)
def test_the_smallest_distance_is_that_of_the_plain_loop(placement):
    assert smallest_distance(placement) == plain_distance(placement)


@settings(deadline=None)
@given(SHAPES, st.data())
def test_the_smallest_distance_of_few_repeats_is_that_of_the_plain_loop(shape, data):
    size = shape[0] * shape[1]
    numbers = np.arange(size)
    one, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    numbers[one] = numbers[other]
    placement = numbers.reshape(shape)
    assert smallest_distance(placement) == plain_distance(placement)


def test_a_later_pair_may_be_the_nearest_one():
    # From (0, 3) to (3, 0) 18, from (3, 0) to (3, 4) 16, and from the first to the third 10, all squared.
    placement = np.arange(25).reshape(5, 5)
    placement[0, 3] = placement[3, 0] = placement[3, 4] = 99
    assert smallest_distance(placement) == math.sqrt(10)


def test_no_tile_twice_means_no_distance():
    assert smallest_distance(np.arange(12).reshape(3, 4)) is None


@pytest.mark.parametrize("shape", [(1, 250_000), (250_000, 1), (500, 500)])
def test_a_checkerboard_of_two_tiles_repeats_on_its_diagonals_however_large_it_is(shape):
    placement = np.indices(shape).sum(axis=0) % 2
    assert smallest_distance(placement) == (2.0 if 1 in shape else math.sqrt(2))


@settings(deadline=None)
@given(PLACEMENTS)
def test_equal_neighbours_are_those_of_the_plain_loop(placement):
    rows, columns = placement.shape
    pairs = [
        placement[row, column] == placement[row + down, column + right]
        for row in range(rows)
        for column in range(columns)
        for down, right in ((0, 1), (1, 0))
        if row + down < rows and column + right < columns
    ]
    assert equal_neighbours(placement) == pytest.approx(sum(pairs) / len(pairs) if pairs else 0.0)


def test_tiles_are_counted():
    target, mosaic = two_pictures(2, 3)
    figures = report(target, mosaic, [[4, 1, 4], [0, 4, 1]])
    assert (figures.distinct_tiles, figures.most_uses) == (3, 3)


# The report


def test_cell_means_are_those_of_four_by_four_pixels():
    picture, _ = two_pictures(2, 3)
    assert cell_means(picture)[1, 2] == pytest.approx(picture[4:8, 8:12].reshape(16, 3).sum(axis=0) / 16)


def test_de00_is_the_mean_over_cells_as_in_scikit_image():
    target, mosaic = two_pictures(4, 3)
    one, other = (
        rgb2lab(
            np.stack([picture[r : r + 4, c : c + 4].mean(axis=(0, 1)) for r in (0, 4, 8, 12) for c in (0, 4, 8)])
            / 255
        )
        for picture in (target, mosaic)
    )
    figures = report(target, mosaic, np.zeros((4, 3), np.intp))
    assert figures.de00 == pytest.approx(deltaE_ciede2000(one, other).mean(), abs=2e-3)


def test_psnr1_does_not_see_what_happens_inside_a_cell():
    target = np.full((4, 8, 3), 100.0)
    mosaic = target.copy()
    mosaic[0::2], mosaic[1::2] = 100 + 25.5 - 60, 100 + 25.5 + 60
    assert report(target, mosaic, [[0, 1]]).psnr1 == pytest.approx(20.0)


def test_the_worst_cells_are_ten_and_ties_go_row_by_row():
    differences = np.array([[1.0, 9, 3, 3], [3, 3, 3, 3], [3, 3, 3, 8]])
    worst = [(cell.column, cell.row, cell.de00) for cell in worst_cells(differences)]
    assert worst == [
        (1, 0, 9),
        (3, 2, 8),
        *((c, 0, 3) for c in (2, 3)),
        *((c, 1, 3) for c in range(4)),
        (0, 2, 3),
        (1, 2, 3),
    ]


def test_fewer_than_ten_cells_are_all_worst():
    assert len(worst_cells(np.zeros((2, 3)))) == 6


def test_the_report_of_equal_pictures_is_json_without_infinity():
    target, _ = two_pictures(1, 2)
    figures = json.loads(json.dumps(asdict(report(target, target, [[0, 1]])), allow_nan=False))
    assert [figures[name] for name in ("psnr1", "psnr_blur", "smallest_distance", "de00")] == [None, None, None, 0.0]


def test_what_was_measured_elsewhere_is_passed_on():
    figures = report(*two_pictures(1, 1), [[0]])
    assert (figures.cost, figures.lower_bound, figures.change) == (2.5, 2.0, 0.5)


@pytest.mark.parametrize(("one", "other"), [((4, 8, 3), (4, 4, 3)), ((8, 4, 3), (4, 8, 3)), ((4, 8, 4), (4, 8, 3))])
def test_pictures_that_do_not_fit_the_placement_are_an_error(one, other):
    with pytest.raises(ValueError, match="must be 4 pixels a cell of 2 x 1 cells, not"):
        report(np.zeros(one), np.zeros(other), [[0, 1]])


def test_the_arguments_are_left_as_they_were():
    target, mosaic = two_pictures(2, 2)
    kept = [target.copy(), mosaic.copy(), np.array([[0, 1], [1, 0]]), GREYS.copy()]
    report(target, mosaic, placement := np.array([[0, 1], [1, 0]]))
    for now, before in zip((target, mosaic, placement, GREYS), kept, strict=True):
        np.testing.assert_array_equal(now, before)


# Advice


def test_a_colour_that_no_tile_comes_near_is_named_and_counted():
    cells = np.full((4, 25, 3), 128.0)
    cells[0, :13] = (0, 0, 139)
    said = advice.on_colours(cells, GREYS, np.full((4, 25), 2))
    assert said == ["Your tiles lack dark blues: 13 cells (13 %) found nothing near."]


def test_a_near_tile_that_a_rule_kept_away_is_no_gap():
    cells = np.full((1, 4, 3), 128.0)
    assert advice.on_colours(cells, GREYS, np.array([[2, 4, 2, 4]])) == []


def test_a_colour_is_far_from_a_difference_of_ten_on():
    greys = np.arange(0.0, 256, 4)[:, None].repeat(3, 1)
    known = rgb2lab(greys / 255)
    apart = deltaE_ciede2000(known[:, None], known[None])
    near = np.argwhere((apart > 9.5) & (apart < 10.5))
    assert len(near) > 10
    for cell, tile in near:
        said = advice.on_colours(greys[cell][None, None], greys[tile][None], np.zeros((1, 1), np.intp))
        assert len(said) == (apart[cell, tile] > 10)


def test_nothing_is_said_of_a_gap_in_less_than_one_cell_in_a_hundred():
    cells = np.full((3, 100, 3), 128.0)
    cells[0, :2] = (0, 0, 139)
    assert advice.on_colours(cells, GREYS, np.full((3, 100), 2)) == []


@pytest.mark.parametrize(("cells", "lines"), [(100, 1), (101, 0)])
def test_a_gap_is_named_from_one_cell_in_a_hundred_on(cells, lines):
    wanted = np.full((1, cells, 3), 128.0)
    wanted[0, 0] = (0, 0, 139)
    assert len(advice.on_colours(wanted, GREYS, np.full((1, cells), 2))) == lines


@pytest.mark.parametrize(("lightness", "lines"), [(53.0, 0), (70.0, 1)])
def test_a_colour_counts_as_lacking_when_it_is_more_than_ten_de00_away(lightness, lines):
    """Of neutral greys dE00 is the difference of L* over S_L, 1 at L* = 50: here 1.6 and 17 or so from the tile."""
    linear = ((lightness + 16) / 116) ** 3
    grey = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    tile = np.array([[119.0, 119.0, 119.0]])
    said = advice.on_colours(np.full((1, 1, 3), grey), tile, np.zeros((1, 1), np.intp))
    assert len(said) == lines


def test_three_gaps_are_named_the_most_frequent_first():
    cells = np.array([[(255, 0, 0)] + [(0, 255, 0)] * 3 + [(0, 0, 255)] * 2 + [(255, 255, 0)] * 4], np.float64)
    said = advice.on_colours(cells, GREYS, np.zeros((1, 10), np.intp))
    assert [line.split(":")[0] for line in said] == [
        "Your tiles lack light yellows",
        "Your tiles lack light greens",
        "Your tiles lack blues",
    ]


def test_shades_of_one_name_are_one_gap():
    cells = np.array([[(0, 0, 139), (0, 0, 120), (10, 0, 130), (0, 10, 110)]], np.float64)
    assert advice.on_colours(cells, GREYS, np.zeros((1, 4), np.intp)) == [
        "Your tiles lack dark blues: 4 cells (100 %) found nothing near."
    ]


@pytest.mark.parametrize(
    ("colour", "name"),  # by their names in CSS Color 4
    [
        ((0, 0, 0), "blacks"),
        ((245, 245, 245), "whites"),
        ((128, 128, 128), "greys"),
        ((64, 64, 64), "dark greys"),
        ((211, 211, 211), "light greys"),
        ((255, 0, 0), "reds"),
        ((128, 0, 0), "dark reds"),
        ((255, 165, 0), "oranges"),
        ((139, 69, 19), "browns"),
        ((255, 255, 0), "light yellows"),
        ((0, 128, 0), "greens"),
        ((0, 100, 0), "dark greens"),
        ((64, 224, 208), "light turquoises"),
        ((30, 144, 255), "blues"),
        ((0, 0, 128), "dark blues"),
        ((173, 216, 230), "light blues"),
        ((128, 0, 128), "dark purples"),
        ((255, 105, 180), "pinks"),
    ],
)
def test_colours_are_called_what_css_calls_them(colour, name):
    assert advice.name_of(np.array(colour, np.float64)) == name


def test_equal_tiles_side_by_side_are_mentioned_only_when_they_are_many():
    assert [len(advice.on_repeats(share)) for share in (0.0, 0.1, 0.11)] == [0, 0, 1]


def test_a_faultless_mosaic_gets_no_advice():
    target = GREYS[[0, 1, 2, 3]].repeat(16, axis=0).reshape(1, 4, 4, 4, 3).swapaxes(1, 2).reshape(4, 16, 3)
    assert report(target, target, [[0, 1, 2, 3]]).advice == ()


def test_the_report_gives_advice_on_colours_and_on_repeats():
    target, mosaic = np.zeros((4, 8, 3)), np.zeros((4, 8, 3))
    target[..., 2] = 139
    assert report(target, mosaic, [[0, 0]]).advice == (
        "Your tiles lack dark blues: 2 cells (100 %) found nothing near.",
        "Equal tiles touch in 100 % of places: more tiles, or a minimum distance, would spread them.",
    )


# Fine parts


def naively_fine(target, mosaic, side):
    """Return the same by loops and scikit-image, of pictures that are blocks of `side` pixels."""
    small = [
        np.array(
            [
                [(each[y : y + side, x : x + side] @ REC_709).mean() for x in range(0, each.shape[1], side)]
                for y in range(0, each.shape[0], side)
            ]
        )
        for each in (target, mosaic)
    ]
    _, found = structural_similarity(*small, data_range=255, full=True)
    inside = [(y, x) for y in range(3, found.shape[0] - 3) for x in range(3, found.shape[1] - 3)]
    detail = {(y, x): small[0][y - 3 : y + 4, x - 3 : x + 4].var() for y, x in inside}
    most = sorted(inside, key=lambda place: -detail[place])[: round(len(inside) / 10)]
    return np.mean([found[place] for place in most])


@pytest.mark.parametrize(("shape", "side"), [((5, 9), 1), ((20, 48), 2), ((72, 60), 3)])
def test_fine_parts_are_the_similarity_where_the_target_has_the_most_detail(shape, side):
    one, other = two_pictures(*shape)
    one[: 2 * shape[0]] = one[: 2 * shape[0]].mean()  # the upper half is calm
    other[: 2 * shape[0]] = 255 - other[: 2 * shape[0]]  # and what is wrong there counts for nothing
    assert fine(one, other) == pytest.approx(naively_fine(one, other, side), abs=1e-9)
    assert fine(one, one) == pytest.approx(1, abs=1e-12)


def test_a_picture_of_one_colour_has_no_fine_parts():
    grey, (one, _) = np.full((40, 40, 3), 127.0), two_pictures(10, 10)
    assert fine(grey, one) is None


def test_fine_parts_that_stay_empty_count_for_nothing():
    one, other = two_pictures(12, 12)
    one[24:] = one[24:].mean() + (one[24:] - one[24:].mean()) / 8  # less detail below
    seen = np.zeros((48, 48), bool)
    seen[28:] = True
    other[:24], other[24:] = 0, one[24:]
    assert fine(one, other) < 0.5
    assert fine(one, other, seen) == pytest.approx(1, abs=1e-12)
    assert fine(one, other, np.zeros((48, 48), bool)) == fine(one, other)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 300), (300, 1)])
def test_the_smallest_and_the_narrowest_mosaics_have_fine_parts(shape):
    one, other = two_pictures(*shape)
    assert fine(one, other) <= 1
