"""Colours, against scikit-image, against published tables and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

from worker.core.colour import ciede2000, lab, lab_of_even_chroma, linear, oklab

LEVEL = st.floats(0, 255, allow_subnormal=False)
COLOURS = st.lists(st.tuples(LEVEL, LEVEL, LEVEL), min_size=1, max_size=20)
LAB = st.tuples(st.floats(0, 100), st.floats(-128, 128), st.floats(-128, 128))

# Table 1 of G. Sharma, W. Wu, E. N. Dalal, Color Research and Application 30(1), 2005: two colours and their dE00.
SHARMA = [
    ((50.0000, 2.6772, -79.7751), (50.0000, 0.0000, -82.7485), 2.0425),
    ((50.0000, 3.1571, -77.2803), (50.0000, 0.0000, -82.7485), 2.8615),
    ((50.0000, 2.8361, -74.0200), (50.0000, 0.0000, -82.7485), 3.4412),
    ((50.0000, -1.3802, -84.2814), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, -1.1848, -84.8006), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, -0.9009, -85.5211), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, 0.0000, 0.0000), (50.0000, -1.0000, 2.0000), 2.3669),
    ((50.0000, -1.0000, 2.0000), (50.0000, 0.0000, 0.0000), 2.3669),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0009), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0010), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0011), 7.2195),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0012), 7.2195),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0009, -2.4900), 4.8045),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0010, -2.4900), 4.8045),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0011, -2.4900), 4.7461),
    ((50.0000, 2.5000, 0.0000), (50.0000, 0.0000, -2.5000), 4.3065),
    ((50.0000, 2.5000, 0.0000), (73.0000, 25.0000, -18.0000), 27.1492),
    ((50.0000, 2.5000, 0.0000), (61.0000, -5.0000, 29.0000), 22.8977),
    ((50.0000, 2.5000, 0.0000), (56.0000, -27.0000, -3.0000), 31.9030),
    ((50.0000, 2.5000, 0.0000), (58.0000, 24.0000, 15.0000), 19.4535),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.1736, 0.5854), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.2972, 0.0000), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 1.8634, 0.5757), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.2592, 0.3350), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((61.2901, 3.7196, -5.3901), (61.4292, 2.2480, -4.9620), 1.8731),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]
# Where the hues are exactly opposite, rounding decides which way round is the shorter one.
OPPOSITE = (9, 13)

# B. Ottosson, 2020: CIE XYZ and the Oklab it gives, to three digits.
OTTOSSON = [
    ((0.950, 1.000, 1.089), (1.000, 0.000, 0.000)),
    ((1.000, 0.000, 0.000), (0.450, 1.236, -0.019)),
    ((0.000, 1.000, 0.000), (0.922, -0.671, 0.263)),
    ((0.000, 0.000, 1.000), (0.153, -1.415, -0.449)),
]
# XYZ to linear sRGB, CSS Color Module Level 4, section 18.
XYZ_TO_LINEAR = [
    [3.2409699419, -1.5373831776, -0.4986107603],
    [-0.9692436363, 1.8759675015, 0.0415550574],
    [0.0556300797, -0.2039769589, 1.0569715142],
]


def encoded(light):
    """sRGB, 0 to 255, of linear light; outside 0 to 1 the curve goes on."""
    return 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(
    ("level", "light"),
    [(0, 0.0), (1, 1 / 255 / 12.92), (10, 10 / 255 / 12.92), (128, 0.21586050), (188, 0.50288646), (255, 1.0)],
)
def test_linear_light_is_that_of_the_standard(level, light):
    assert linear(np.array([float(level)]))[0] == pytest.approx(light, abs=1e-8)


@settings(deadline=None)
@given(st.floats(0, 1))
def test_linear_light_encoded_again_is_the_light_it_was(light):
    assert linear(np.array([encoded(light)]))[0] == pytest.approx(light, abs=1e-6)


@settings(deadline=None)
@given(COLOURS)
def test_lab_is_that_of_scikit_image(colours):
    # Its white is the tabled (0.95047, 1, 1.08883), ours the sum of the matrix: they differ in the sixth digit.
    expected = rgb2lab(np.array(colours)[None] / 255)[0]
    np.testing.assert_allclose(lab(np.array(colours)), expected, atol=0.02)


@pytest.mark.parametrize(
    ("srgb", "expected"),
    [  # B. Lindbloom's calculator, sRGB under D65.
        ((255, 0, 0), (53.2408, 80.0925, 67.2032)),
        ((0, 255, 0), (87.7347, -86.1827, 83.1793)),
        ((0, 0, 255), (32.2970, 79.1875, -107.8602)),
    ],
)
def test_lab_of_the_primaries_is_the_tabled_one(srgb, expected):
    np.testing.assert_allclose(lab(np.array(srgb, float)), expected, atol=0.02)


@pytest.mark.parametrize("level", [0, 1, 9, 10, 11, 64, 128, 255])
@pytest.mark.parametrize("space", [lab, lab_of_even_chroma, oklab])
def test_a_grey_has_no_colour(space, level):
    lightness, a, b = space(np.full(3, float(level)))
    assert (a, b) == (pytest.approx(0, abs=1e-4), pytest.approx(0, abs=1e-4))
    assert 0 <= lightness <= 100 + 1e-9


@pytest.mark.parametrize(("srgb", "white"), [(lab, 100), (lab_of_even_chroma, 100), (oklab, 1)])
def test_black_is_nothing_and_white_is_the_most(srgb, white):
    ends = srgb(np.array([[0.0] * 3, [255.0] * 3]))
    np.testing.assert_allclose(ends, [[0, 0, 0], [white, 0, 0]], atol=1e-6)


@pytest.mark.filterwarnings("ignore:invalid value encountered in power")  # of the colours outside sRGB alone
@pytest.mark.parametrize(("xyz", "expected"), OTTOSSON)
def test_oklab_is_that_of_ottossons_table(xyz, expected):
    light = [sum(weight * part for weight, part in zip(row, xyz, strict=True)) for row in XYZ_TO_LINEAR]
    np.testing.assert_allclose(oklab(np.array([encoded(part) for part in light])), expected, atol=1.2e-3)


@pytest.mark.parametrize(
    ("srgb", "expected"),
    [  # CSS Color Module Level 4: the primaries and secondaries in Oklab.
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 255, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 255), (0.45201, -0.03246, -0.31153)),
        ((255, 255, 0), (0.96798, -0.07137, 0.19857)),
        ((0, 255, 255), (0.90540, -0.14944, -0.03940)),
        ((255, 0, 255), (0.70167, 0.27457, -0.16916)),
    ],
)
def test_oklab_of_the_primaries_is_the_published_one(srgb, expected):
    np.testing.assert_allclose(oklab(np.array(srgb, float)), expected, atol=1e-4)


@settings(deadline=None)
@given(COLOURS)
def test_even_chroma_is_the_formula_written_out(colours):
    for ours, (lightness, a, b) in zip(lab_of_even_chroma(np.array(colours)), lab(np.array(colours)), strict=True):
        chroma, hue = math.hypot(a, b), math.atan2(b, a)
        chroma = math.log(1 + 0.045 * chroma) / 0.045
        expected = lightness, chroma * math.cos(hue), chroma * math.sin(hue)
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def test_even_chroma_adds_up_steps_divided_by_the_weight_of_chroma():
    # The sum of dC / (1 + 0.045 C) in ten thousand steps up to the chroma of red.
    a, b = lab(np.array([255.0, 0, 0]))[1:]
    step = math.hypot(a, b) / 10_000
    total = sum(step / (1 + 0.045 * (number + 0.5) * step) for number in range(10_000))
    assert math.hypot(*lab_of_even_chroma(np.array([255.0, 0, 0]))[1:]) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize(
    ("one", "other", "expected"), [pair for number, pair in enumerate(SHARMA) if number not in OPPOSITE]
)
def test_ciede2000_is_that_of_sharmas_table(one, other, expected):
    assert ciede2000(np.array(one), np.array(other)) == pytest.approx(expected, abs=5.1e-5)
    assert ciede2000(np.array(other), np.array(one)) == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.parametrize("number", OPPOSITE)
def test_ciede2000_of_opposite_hues_is_that_of_one_way_round(number):
    one, other, expected = SHARMA[number]
    ways = [pytest.approx(expected, abs=5.1e-5), pytest.approx(SHARMA[number + 1][2], abs=2e-4)]
    assert ciede2000(np.array(one), np.array(other)) in ways


@settings(deadline=None)
@given(st.lists(st.tuples(LAB, LAB), min_size=1, max_size=20))
def test_ciede2000_is_that_of_scikit_image(pairs):
    one, other = np.array(pairs).swapaxes(0, 1)
    hues = [np.degrees(np.arctan2(side[:, 2], side[:, 1])) for side in (one, other)]
    # Opposite hues are left out: there rounding decides. Chroma too small to be seen has no hue to speak of.
    sure = np.abs(np.abs(hues[0] - hues[1]) - 180) > 1
    sure &= np.hypot(one[:, 1], one[:, 2]) * np.hypot(other[:, 1], other[:, 2]) > 1e-6
    np.testing.assert_allclose(ciede2000(one, other)[sure], deltaE_ciede2000(one, other)[sure], atol=1e-6)


@settings(deadline=None)
@given(one=LAB, other=LAB)
def test_ciede2000_is_no_less_than_nothing_and_nothing_of_a_colour_from_itself(one, other):
    assert ciede2000(np.array(one), np.array(one)) == 0
    assert ciede2000(np.array(one), np.array(other)) >= 0


@settings(deadline=None)
@given(level=st.floats(0, 100), other=LAB)
def test_ciede2000_of_a_grey_is_the_same_both_ways(level, other):
    grey = np.array([level, 0.0, 0.0])
    assert ciede2000(grey, np.array(other)) == pytest.approx(ciede2000(np.array(other), grey), rel=1e-9, abs=1e-9)


def test_ciede2000_of_greys_by_hand():
    # The mean L* is 50, so S_L = 1 and the difference is that of lightness.
    assert ciede2000(np.array([40.0, 0, 0]), np.array([60.0, 0, 0])) == pytest.approx(20)
    # From black to white too: Sharma's formula divides by S_L of the mean.
    assert ciede2000(np.array([0.0, 0, 0]), np.array([100.0, 0, 0])) == pytest.approx(100)


def test_ciede2000_in_single_precision_stays_single_and_near():
    pairs = np.random.default_rng(8).uniform([0, -90, -90], [100, 90, 90], (2, 2_000, 3))
    single = ciede2000(*pairs.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, ciede2000(*pairs), rtol=1e-4)


def test_ciede2000_broadcasts():
    cells, tiles = (np.random.default_rng(seed).uniform(-40, 60, (count, 3)) for seed, count in ((1, 4), (2, 5)))
    table = ciede2000(cells[:, None, :], tiles[None, :, :])
    assert table.shape == (4, 5)
    for row, column in ((0, 0), (3, 4), (2, 1)):
        assert table[row, column] == ciede2000(cells[row], tiles[column])


@pytest.mark.parametrize("space", [linear, lab, lab_of_even_chroma, oklab])
def test_the_argument_is_left_as_it_was(space):
    colours = np.array([[3.0, 200.0, 77.0]])
    space(colours)
    assert colours.tolist() == [[3, 200, 77]]
