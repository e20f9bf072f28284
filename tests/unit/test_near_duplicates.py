"""Photos that are nearly the same: bursts of real photographs, and a plain version of the definition."""

from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from scipy.ndimage import uniform_filter

from worker.core import near_duplicates as module
from worker.core.near_duplicates import alike
from worker.decoding import images

NAMES = (
    "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg",
    "brick.png", "grass.png", "gravel.png", "coins.png", "camera.png", "moon.png",
)  # fmt: skip


@pytest.fixture(scope="module")
def photos(photographs):
    """Two different crops of each photograph, 200 pixels a side."""
    crops = []
    for name in NAMES:
        with Image.open(photographs / name) as photograph:
            rgb = photograph.convert("RGB")
        side = min(rgb.size) // 2
        for left, top in ((0, 0), (rgb.width - side, rgb.height - side)):
            crops.append(rgb.crop((left, top, left + side, top + side)).resize((200, 200), Image.Resampling.LANCZOS))
    return crops


@pytest.fixture(scope="module")
def measured(encoded):
    """The thumbs and sizes of pictures as JPEG files."""

    def measure(pictures, quality=90):
        made = [images.thumb(encoded(picture, "JPEG", quality=quality), 32) for picture in pictures]
        return np.stack([thumb for thumb, _ in made]), np.array([size for _, size in made], np.uint32)

    return measure


def moved(photo, share):
    """A photo taken again with the camera a little to the side: what both show is `1 - share` of each."""
    step = round(share * photo.width)
    return photo.crop((step, step, photo.width, photo.height))


BURSTS = {
    "saved at 95": (lambda photo: photo, 95),
    "saved at 75": (lambda photo: photo, 75),
    "saved at 50": (lambda photo: photo, 50),
    "half as large": (lambda photo: photo.resize((100, 100), Image.Resampling.LANCZOS), 90),
    "twice as large": (lambda photo: photo.resize((400, 400), Image.Resampling.BICUBIC), 90),
    "brighter": (lambda photo: ImageEnhance.Brightness(photo).enhance(1.03), 90),
    "darker": (lambda photo: ImageEnhance.Brightness(photo).enhance(0.97), 90),
    "moved by 1 %": (lambda photo: moved(photo, 0.01), 90),
    "moved by 2 %": (lambda photo: moved(photo, 0.02), 90),
    "all of it": (lambda photo: ImageEnhance.Brightness(moved(photo, 0.01)).enhance(1.02), 75),
}


@pytest.mark.parametrize("kind", BURSTS)
def test_photos_of_a_burst_stand_for_each_other_and_for_no_other(photos, measured, kind):
    change, quality = BURSTS[kind]
    once, again = measured(photos), measured([change(photo) for photo in photos], quality)
    found = alike(*(np.concatenate(pair) for pair in zip(once, again, strict=True)))
    assert (found % len(photos)).tolist() == [*range(len(photos))] * 2
    assert len(set(found.tolist())) == len(photos)


def test_different_photos_stand_for_themselves(photos, measured):
    assert alike(*measured(photos)).tolist() == [*range(len(photos))]


def test_a_photo_and_its_mirror_image_are_different(photos, measured):
    mirrored = [photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for photo in photos[:6]]
    assert alike(*measured(photos[:6] + mirrored)).tolist() == [*range(12)]


def test_the_larger_photo_stands_and_the_lower_number_of_equal_ones(noise):
    thumbs = np.stack([noise(32, 32)] * 4)
    assert alike(thumbs, np.array([[10, 9], [10, 10], [20, 5], [9, 10]], np.uint32)).tolist() == [1, 1, 1, 1]


def test_sizes_beyond_thirty_two_bits_of_area_are_compared_well(noise):
    thumbs = np.stack([noise(32, 32)] * 2)
    assert alike(thumbs, np.array([[300, 300], [65_537, 65_536]], np.uint32)).tolist() == [1, 1]


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_even_surfaces_of_one_colour_are_the_same_and_those_of_two_are_not(colour):
    other = np.array(colour) ^ 60
    thumbs = np.broadcast_to(np.array([colour, other, colour], np.uint8)[:, None, None], (3, 32, 32, 3))
    assert alike(thumbs, np.ones((3, 2), np.uint32)).tolist() == [0, 1, 0]


def test_two_photos_of_the_same_broad_shapes_and_other_details_are_different(noise):
    shapes = np.linspace(0, 180, 32, dtype=np.uint8)[:, None, None]
    detailed = np.stack([shapes + noise(32, 32, seed) // 4 for seed in (1, 2)])
    one, other = module.outline(detailed)
    assert np.linalg.norm(one - other) < module.NEAR
    assert alike(detailed, np.ones((2, 2), np.uint32)).tolist() == [0, 1]


def test_the_noise_of_an_even_surface_is_no_detail(noise):
    speckled = np.stack([120 + noise(32, 32, seed) // 226 for seed in (1, 2)])
    assert alike(speckled, np.ones((2, 2), np.uint32)).tolist() == [0, 0]


@pytest.mark.parametrize(("levels", "found"), [(11, [0, 0]), (13, [0, 1])])
def test_even_surfaces_are_the_same_up_to_a_distance_of_three_tenths_which_is_twelve_levels(levels, found):
    thumbs = np.stack([np.full((32, 32, 3), 100 + added, np.uint8) for added in (0, levels)])
    assert alike(thumbs, np.ones((2, 2), np.uint32)).tolist() == found


def test_grain_is_the_same_from_a_correlation_of_one_half_on():
    one, other = np.random.default_rng(3).standard_normal((2, 32, 32))
    found, expected = [], []
    for share in np.linspace(0.4, 0.6, 81):
        mixed = share * one + sqrt(1 - share**2) * other
        greys = [np.rint(128 + 30 * np.clip(grain, -4, 4)) for grain in (one, mixed)]
        pair = [grey.astype(np.uint8)[None, :, :, None].repeat(3, 3) for grey in greys]
        found.append(bool(module.same_grain(*pair)[0]))
        # What is left of each beside its averages over 5 x 5 pixels, without the rim that a move takes away.
        left, right = ((grey - uniform_filter(grey, 5, mode="nearest"))[1:-1, 1:-1] for grey in greys)
        expected.append(bool((left * right).sum() >= 0.5 * sqrt((left**2).sum() * (right**2).sum())))
    assert found == expected
    assert {True, False} == set(found)


@pytest.mark.parametrize(("by", "same"), [(0, True), (1, True), (2, False)])
def test_grain_may_have_moved_by_one_pixel_and_no_more(noise, by, same):
    thumb = noise(32, 32)
    shifted = np.roll(thumb, (by, -by), axis=(0, 1))
    assert module.same_grain(thumb[None], shifted[None]).tolist() == [same]


def test_of_nothing_nothing_is_alike():
    assert alike(np.empty((0, 32, 32, 3), np.uint8), np.empty((0, 2), np.uint32)).tolist() == []


def plain_outline(thumb):
    """By the definition, a number at a time."""
    corners = product(range(0, 32, 4), range(0, 32, 4))
    squares = [[thumb[top + y, left + x].tolist() for y in range(4) for x in range(4)] for top, left in corners]
    parts = [[sum(pixel[channel] for pixel in square) / 16 for channel in range(3)] for square in squares]
    mean = [sum(part[channel] for part in parts) / 64 for channel in range(3)]
    structure = [part[channel] - mean[channel] for part in parts for channel in range(3)]
    contrast = sqrt(sum(value**2 for value in structure) / 192 + 10**2)
    return [value / 40 / sqrt(3) for value in mean] + [value / contrast / sqrt(192) for value in structure]


def plain_grain(thumb):
    """Lightness less its mean over 5 x 5 pixels, of which those outside repeat the edge."""
    light = thumb.mean(axis=2)
    around = np.pad(light, 2, mode="edge")
    means = [[around[row : row + 5, column : column + 5].mean() for column in range(32)] for row in range(32)]
    return light - np.array(means)


def plain_same(one, other):
    if sum((a - b) ** 2 for a, b in zip(plain_outline(one), plain_outline(other), strict=True)) > 0.3**2:
        return False
    still, grain = plain_grain(one)[1:31, 1:31], plain_grain(other)
    best = -1.0
    for down, across in product(range(3), range(3)):
        under = grain[down : down + 30, across : across + 30]
        top = (still * under).sum() + 900
        best = max(best, top / sqrt(((still**2).sum() + 900) * ((under**2).sum() + 900)))
    return best >= 0.5


def plain_alike(thumbs, sizes):
    order = sorted(range(len(thumbs)), key=lambda number: (-int(sizes[number][0]) * int(sizes[number][1]), number))
    standing, stands_for = [], {}
    for number in order:
        stands_for[number] = next((one for one in standing if plain_same(thumbs[number], thumbs[one])), number)
        if stands_for[number] == number:
            standing.append(number)
    return [stands_for[number] for number in range(len(thumbs))]


def chain(photos, measured):
    """Photos that creep away from where the burst began, mixed, in several sizes."""
    pictures = [photo.crop((step, 0, step + 150, 150)) for photo in photos[:6] for step in range(0, 32, 4)]
    thumbs, sizes = measured(pictures)
    sizes[::5] += 1
    mixed = np.random.default_rng(2).permutation(len(thumbs))
    return thumbs[mixed], sizes[mixed]


@pytest.mark.parametrize("few", [1, 5, 64])
def test_the_search_finds_what_the_plain_version_finds_however_it_is_divided(photos, measured, monkeypatch, few):
    monkeypatch.setattr(module, "FEW", few)
    monkeypatch.setattr(module, "RUN", 3 * few)
    thumbs, sizes = chain(photos, measured)
    found = alike(thumbs, sizes).tolist()
    assert found == plain_alike(thumbs, sizes)
    assert 6 < len(set(found)) < 40


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 60))
def test_the_search_agrees_with_the_plain_version_on_noisy_copies(seed, spread, light):
    dice = np.random.default_rng(seed)
    bases = dice.integers(0, 256, (2, 32, 32, 3))
    noise, shift = dice.integers(-spread, spread + 1, (5, 32, 32, 3)), dice.integers(0, light + 1, (5, 1, 1, 3))
    noisy = bases[dice.integers(0, 2, 5)] // 4 + noise + shift
    thumbs = np.clip(noisy + 40, 0, 255).astype(np.uint8)
    sizes = dice.integers(1, 4, (5, 2)).astype(np.uint32)
    assert alike(thumbs, sizes).tolist() == plain_alike(thumbs, sizes)
