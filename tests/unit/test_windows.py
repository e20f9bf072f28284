"""The windows that photos offer, and what is seen of a photo through them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rules import placements
from worker.core.descriptors import of_windows
from worker.core.orientations import allowed, lies_across
from worker.core.views import Views
from worker.core.windows import STEPS, WHOLE, Window, largest, offered

SIDES = st.integers(1, 9_000)
RATIOS = st.integers(1, 40)


@settings(deadline=None)
@given(size=st.tuples(SIDES, SIDES), shape=st.tuples(RATIOS, RATIOS), keep=st.floats(0.1, 1.0), slide=st.booleans())
def test_every_window_lies_within_the_photo_and_is_offered_once(size, shape, keep, slide):
    windows = offered(size, shape, slide=slide, keep=keep)
    assert windows[0] == largest(size, shape)
    assert len(set(windows)) == len(windows)
    for left, top, width, height in windows:
        assert min(left, top) >= 0
        assert min(width, height) > 0
        assert max(left + width, top + height) <= STEPS


@settings(deadline=None)
@given(size=st.tuples(SIDES, SIDES), keep=st.floats(0.1, 1.0))
def test_a_zoom_keeps_the_share_of_the_largest_window_that_was_asked_for(size, keep):
    windows = offered(size, (3, 2), slide=True, keep=keep)
    full = windows[0].width * windows[0].height
    # A window ends at a step, so each side may be half a step off.
    for window in windows:
        slack = (window.width + window.height + 1) / full
        assert window.width * window.height / full >= keep - slack


def test_a_photo_of_the_cells_shape_offers_itself_whole_and_five_zooms():
    windows = offered((400, 400), (50, 50), slide=True, keep=0.25)
    assert windows == [
        WHOLE,
        Window(512, 512, 1024, 1024),
        Window(0, 0, 1024, 1024),
        Window(1024, 0, 1024, 1024),
        Window(0, 1024, 1024, 1024),
        Window(1024, 1024, 1024, 1024),
    ]


def test_a_photo_twice_as_wide_as_the_cell_offers_its_middle_and_both_ends():
    assert [window[:2] for window in offered((800, 400), (1, 1), slide=True, keep=1)] == [(512, 0), (0, 0), (1024, 0)]
    assert [window[:2] for window in offered((400, 800), (1, 1), slide=True, keep=1)] == [(0, 512), (0, 0), (0, 1024)]


def test_a_panorama_offers_more_windows_along_it_but_not_without_end():
    assert len(offered((300, 100), (1, 1), slide=True, keep=1)) == 5
    assert len(offered((9000, 100), (1, 1), slide=True, keep=1)) == 7
    assert offered((9000, 100), (1, 1), slide=False, keep=1) == [largest((9000, 100), (1, 1))]


@pytest.mark.parametrize("window", [Window(0, 0, 1024, 2048), Window(256, 512, 512, 1024), WHOLE])
def test_what_is_seen_through_a_window_is_the_mean_of_its_pixels(window):
    thumbs = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    left, top, right, bottom = (
        edge * 8 // STEPS
        for edge in (window.left, window.top, window.left + window.width, window.top + window.height)
    )
    expected = thumbs[:, top:bottom, left:right].mean(axis=(1, 2))
    np.testing.assert_allclose(of_windows(thumbs, [window], 1)[:, 0, 0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("orientation", allowed(flips=True, turns=True))
def test_a_view_is_the_window_cut_out_and_then_turned(orientation):
    thumbs = np.random.default_rng(2).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    sizes = np.array([[32, 32], [32, 32]])
    views = Views.of(sizes, (2, 1), [orientation], slide=True, keep=1.0)
    seen = views.means(thumbs, 2)
    for photo, view in np.ndindex(views.there.shape):
        left, top, width, height = (views.windows[views.kinds[photo], view].astype(int) // 64).tolist()
        cut = thumbs[photo, top : top + height, left : left + width]
        assert (width < height) == lies_across(orientation)
        picture = np.rot90(cut[:, ::-1] if orientation >= 4 else cut, orientation % 4)
        down, across = picture.shape[0] // 2, picture.shape[1] // 2
        expected = picture.reshape(2, down, 2, across, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(seen[photo, view], expected, rtol=1e-12)


def test_photos_that_offer_fewer_views_have_the_rest_marked():
    views = Views.of(np.array([[10, 10], [20, 10], [10, 10]]), (1, 1), [0], slide=True, keep=1.0)
    assert views.there.tolist() == [[True, False, False], [True, True, True], [True, False, False]]
    assert views.means(np.full((3, 4, 4, 3), 9, np.uint8), 1)[~views.there].max() == 0


def test_a_document_counts_windows_in_the_steps_of_the_core():
    assert (placements.STEPS, placements.WHOLE) == (STEPS, WHOLE)
