"""The means of sub-cells, by hand, by plain loops over fractions of pixels, and by Pillow."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from plain import means, noise, overlap

from worker.core import descriptors
from worker.core.descriptors import LATTICE, area_weights, of_pictures, of_tiles

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 9)
SUBCELLS = st.integers(1, 6)
SIXTEEN = np.arange(1, 17, dtype=np.uint8).reshape(1, 4, 4, 1).repeat(3, axis=3)
"""A thumb of four lines: 1 to 4, 5 to 8, 9 to 12, 13 to 16."""


def seen(width, height, shape):
    """The share of a photo's width, and of its height, that its largest crop of a shape shows."""
    return (
        min(Fraction(1), Fraction(height * shape[0], width * shape[1])),
        min(Fraction(1), Fraction(width * shape[1], height * shape[0])),
    )


# Weights


@settings(deadline=None)
@given(length=st.integers(1, 12), subcells=st.integers(1, 16), ends=st.tuples(st.integers(0, 64), st.integers(0, 64)))
def test_the_weight_of_a_pixel_is_how_much_of_it_lies_in_the_stretch(length, subcells, ends):
    start, stop = sorted(end * length * LATTICE // 64 for end in ends)
    expected = []
    for part in range(subcells):
        first, last = ((start + Fraction((stop - start) * edge, subcells)) / LATTICE for edge in (part, part + 1))
        expected.append([float(overlap(pixel, first, last) * LATTICE * subcells) for pixel in range(length)])
    assert area_weights(length, start, stop - start, subcells).tolist() == expected


@settings(deadline=None)
@given(length=st.integers(1, 300), subcells=st.integers(1, 16))
def test_the_weights_of_a_stretch_are_whole_and_add_up_to_its_length(length, subcells):
    weights = area_weights(length, 0, LATTICE * length, subcells)
    assert (weights == np.rint(weights)).all()
    assert weights.sum(axis=1).tolist() == [LATTICE * length] * subcells
    assert weights.sum(axis=0).tolist() == [LATTICE * subcells] * length


@pytest.mark.parametrize("block", [1, 100, 1_000, 5_000])
def test_the_size_of_the_blocks_changes_nothing(block, monkeypatch):
    thumbs = noise(2, 9, 8, 8)
    sizes = np.array([(10, 20), (20, 10), (10, 20)] * 3)
    before = [of_tiles(thumbs, sizes, (3, 2), 3), of_pictures(thumbs, 5)]
    monkeypatch.setattr(descriptors, "BLOCK_BYTES", block)
    after = [of_tiles(thumbs, sizes, (3, 2), 3), of_pictures(thumbs, 5)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


# Pictures


def test_the_mean_of_a_picture_by_hand():
    # Sums of 7, 255 and 27 over three pixels.
    assert of_pictures(np.uint8([[[[1, 0, 9], [2, 0, 9], [4, 255, 9]]]]), 1).tolist() == [[[[7 / 3, 85, 9]]]]


@settings(deadline=None, max_examples=50)
@given(count=st.integers(1, 3), width=SIDES, height=SIDES, subcells=SUBCELLS, seed=SEEDS)
def test_the_means_of_pictures_are_those_of_the_plain_loop_to_the_last_bit(count, width, height, subcells, seed):
    pictures = noise(seed, count, height, width)
    expected = [means(picture, 0, 0, width, height, subcells) for picture in pictures]
    assert of_pictures(pictures, subcells).tolist() == expected


@pytest.mark.parametrize("lines", [2**16, 2**17 + 1])
def test_the_mean_of_a_picture_whose_sums_no_single_holds_is_exact_too(lines):
    picture = np.full((1, lines, 1, 3), 255, np.uint8)
    picture[0, ::2] = 254
    levels = 255 * (lines // 2) + 254 * (lines - lines // 2)
    assert of_pictures(picture, 1).ravel().tolist() == [levels / lines] * 3


@settings(deadline=None, max_examples=30)
@given(wide=st.integers(1, 8), high=st.integers(1, 8), subcells=SUBCELLS, seed=SEEDS)
def test_where_the_parts_divide_the_sides_pillows_box_gives_the_same(wide, high, subcells, seed):
    picture = noise(seed, high * subcells, wide * subcells)
    for channel in range(3):  # A picture of floats is not rounded.
        whole = Image.fromarray(picture[..., channel].astype(np.float32))
        expected = whole.resize((subcells, subcells), Image.Resampling.BOX)
        np.testing.assert_allclose(of_pictures(picture[None], subcells)[0, ..., channel], expected, atol=1e-4)


# Tiles


def test_a_wide_photo_loses_its_left_and_right_and_a_high_one_its_top_and_bottom():
    wide = of_tiles(SIXTEEN, np.array([[20, 10]]), (1, 1), 2)[0, :, :, 0]
    high = of_tiles(SIXTEEN, np.array([[10, 20]]), (1, 1), 2)[0, :, :, 0]
    # Seen are the columns 2 and 3 in full height: (2 + 6) / 2, (3 + 7) / 2; or the rows 2 and 3 in full width.
    assert wide.tolist() == [[4, 5], [12, 13]]
    assert high.tolist() == [[5.5, 7.5], [9.5, 11.5]]


def test_wide_tiles_show_all_of_a_photo_of_their_shape_and_crop_a_square_one():
    same = of_tiles(SIXTEEN, np.array([[600, 300]]), (50, 25), 1)
    square = of_tiles(SIXTEEN, np.array([[300, 300]]), (50, 25), 2)[0, :, :, 0]
    assert same.ravel().tolist() == [8.5] * 3
    assert square.tolist() == [[5.5, 7.5], [9.5, 11.5]]


@settings(deadline=None, max_examples=50)
@given(
    side=st.sampled_from([1, 2, 4, 8]),
    crop=st.integers(1, 64),
    wide=st.booleans(),
    subcells=st.integers(1, 4),
    seed=SEEDS,
)
def test_a_crop_that_ends_at_a_step_is_that_of_the_plain_loop_to_the_last_bit(side, crop, wide, subcells, seed):
    # A photo of 64 by `crop` in a square tile shows crop / 64 of its width.
    thumb, size = noise(seed, side, side), ((64, crop) if wide else (crop, 64))
    share = seen(*size, (1, 1))
    left, top = ((1 - part) * side / 2 for part in share)
    ours = of_tiles(thumb[None], np.array([size]), (1, 1), subcells)[0]
    assert ours.tolist() == means(thumb, left, top, share[0] * side, share[1] * side, subcells)


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=4),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    subcells=st.integers(1, 4),
    seed=SEEDS,
)
def test_photos_of_any_size_are_cropped_to_any_shape_within_half_a_step_an_edge(sizes, shape, subcells, seed):
    side = 8
    thumbs = noise(seed, len(sizes), side, side)
    ours = of_tiles(thumbs, np.array(sizes, np.uint32), shape, subcells)
    for thumb, size, found in zip(thumbs, sizes, ours, strict=True):
        share = seen(*size, shape)
        left, top = ((1 - part) * side / 2 for part in share)
        exact = means(thumb, left, top, share[0] * side, share[1] * side, subcells)
        # Where an edge is half a step off, so much of the sub-cell is of another colour, at most by 255.
        stretch = max(float(min(share) * side / subcells), 1 / LATTICE)
        assert np.abs(found - exact).max() <= 255 * 2 / (2 * LATTICE) / stretch + 1e-9


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (2, 3), (4, 1)])
@pytest.mark.parametrize("box", [(0, 0, 512, 512), (0, 100, 512, 356), (120, 0, 376, 512), (30, 60, 480, 210)])
def test_the_means_of_a_photographs_thumb_are_those_of_the_photograph(photographs, shape, box):
    with Image.open(photographs / "astronaut.png") as photograph:
        photo = photograph.convert("RGB").crop(box)
    thumb = np.asarray(photo.resize((64, 64), Image.Resampling.BOX))
    across, down = (float(part) for part in seen(*photo.size, shape))
    middle = (photo.width * (1 - across) / 2, photo.height * (1 - down) / 2)
    crop = (*middle, photo.width - middle[0], photo.height - middle[1])
    expected = np.asarray(photo.resize((4, 4), Image.Resampling.BOX, box=crop), float)
    ours = of_tiles(thumb[None], np.array([photo.size]), shape, 4)[0]
    # Whole pixels of the thumb and of Pillow's box are rounded or counted in full.
    assert np.abs(ours - expected).mean() < 1.5
    assert np.abs(ours - expected).max() < 8


def test_many_sizes_in_one_index_are_what_each_photo_gives_alone():
    dice = np.random.default_rng(5)
    thumbs, sizes = noise(5, 60, 6, 6), dice.choice([3, 5, 8, 1_000], (60, 2))
    together = of_tiles(thumbs, sizes, (3, 2), 3)
    alone = [of_tiles(thumbs[n : n + 1], sizes[n : n + 1], (3, 2), 3)[0] for n in range(60)]
    np.testing.assert_array_equal(together, alone)


def test_a_photo_a_thousand_times_as_wide_as_high_still_has_a_colour():
    thumb = np.full((1, 4, 4, 3), 77, np.uint8)
    sizes = np.array([[50_000, 1]])
    assert of_tiles(thumb, sizes, (1, 1_000), 2).ravel().tolist() == [77] * 12


def test_no_tiles_have_no_means():
    assert of_tiles(np.empty((0, 4, 4, 3), np.uint8), np.empty((0, 2), int), (1, 1), 2).shape == (0, 2, 2, 3)


def test_the_arguments_are_left_as_they_were():
    pictures, sizes = noise(1, 2, 6, 6), np.array([[3, 2], [2, 3]])
    kept = pictures.copy()
    for array in (pictures, sizes):
        array.flags.writeable = False
    of_tiles(pictures, sizes, (2, 1), 3)
    of_pictures(pictures, 2)
    assert (pictures == kept).all()
    assert sizes.tolist() == [[3, 2], [2, 3]]
