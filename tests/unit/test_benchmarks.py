"""What the benchmarks compute of their own, by cases made by hand."""

import importlib
import sys
from collections.abc import Callable, Iterator
from math import log10
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[2] / "benchmarks"
NEARER = {"psnr1": 25.0, "de00": 6.0, "ssim4": 0.50, "far": 3.0, "psnr_blur": 31.0}
FARTHEST = {"psnr1": 20.0, "de00": 12.0, "ssim4": 0.30, "far": 9.0, "psnr_blur": 25.0}
FARTHER = {"psnr1": 24.0, "de00": 8.0, "ssim4": 0.44, "far": 4.0, "psnr_blur": 30.0}


@pytest.fixture(scope="module")
def benchmark_module() -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of benchmarks/, whose modules import each other by their names alone."""
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - before:
        if (FOLDER / f"{name}.py").is_file():
            del sys.modules[name]


def test_equal_neighbours_are_a_share_of_the_pairs_across_and_down(benchmark_module):
    regularity = benchmark_module("regularity")
    # Pairs across: 1 1, 1 2, 3 1, 1 2; down: 1 3, 1 1, 2 2. Three of seven are equal.
    assert regularity.equal_neighbours(np.array([[1, 1, 2], [3, 1, 2]])) == pytest.approx(3 / 7)


def test_a_woven_pattern_is_all_lattice_though_no_neighbours_are_equal(benchmark_module):
    regularity = benchmark_module("regularity")
    down, across = np.mgrid[:20, :30]
    woven = across % 4 + 4 * (down % 4)
    assert regularity.equal_neighbours(woven) == 0
    assert regularity.lattice(woven) == 1


def test_a_lattice_may_lean_to_the_left(benchmark_module):
    regularity = benchmark_module("regularity")
    # Every row is the one above, moved two to the left; on the right new photos come in.
    placement = np.arange(5)[None] + 2 * np.arange(5)[:, None]
    assert regularity.lattice(placement) == 1


@pytest.mark.parametrize(("period", "seen"), [(12, 1.0), (13, 0.0)])
def test_offsets_of_more_than_twelve_cells_are_no_lattice(benchmark_module, period, seen):
    regularity = benchmark_module("regularity")
    assert regularity.lattice(np.arange(40)[None] % period) == seen


def test_random_photos_make_no_lattice(benchmark_module):
    regularity = benchmark_module("regularity")
    placed = np.random.default_rng(1).integers(1_000, size=(40, 60))
    assert regularity.lattice(placed) < 0.02


def test_even_use_is_one(benchmark_module):
    assert benchmark_module("regularity").most_uses(np.arange(12).reshape(3, 4) % 6, 6) == 1


@pytest.mark.parametrize("worse", ["psnr1", "de00", "ssim4"])
def test_a_win_is_one_by_all_three_measures(benchmark_module, worse):
    nearness = benchmark_module("nearness")
    assert nearness.beats(NEARER, FARTHER)
    assert not nearness.beats(NEARER | {worse: FARTHER[worse]}, FARTHER)


def test_the_section_counts_wins_and_says_of_how_many(benchmark_module):
    quality = benchmark_module("quality")
    lost = {"free": FARTHER, "apart": NEARER, "default": FARTHER, "metapixel0": NEARER, "metapixel5": FARTHEST}
    won = {"free": NEARER, "apart": NEARER, "default": NEARER, "metapixel0": FARTHER, "metapixel5": FARTHER}
    measured = list(quality.wins([lost, won]))
    figures = {one.key: (one.value, one.bar, one.met, one.samples) for one in measured}
    assert figures == {
        "quality.wins.free": (1, "== 2", False, (0, 1)),
        "quality.wins.apart": (2, "== 2", True, (1, 1)),
        "quality.default.wins.apart": (2, "== 2", True, (1, 1)),
        "quality.default.wins.free": (1, ">= 1", True, (0, 1)),
    }


def test_gains_are_over_the_first_edition(benchmark_module):
    quality = benchmark_module("quality")
    pair = {"frozen": FARTHER, "free": NEARER, "default": FARTHER | {"far": 3.2, "psnr_blur": 29.5}}
    figures = {one.key: one.value for one in quality.gained([pair, pair])}
    assert figures == pytest.approx(
        {
            "quality.gain.psnr1": 1.0,
            "quality.gain.de00": -0.25,
            "quality.gain.ssim4": 0.06,
            "quality.far.free": 0.75,
            "quality.far.default": 0.8,
            "quality.default.cost": -0.5,
        }
    )


def test_two_greys_are_as_far_apart_from_afar_as_from_near(benchmark_module):
    score = benchmark_module("score")
    one, other = (np.full((20, 30, 3), level, np.uint8) for level in (100, 110))
    scored = score.score(one, other, 3, 2)
    assert scored["far"] == pytest.approx(scored["de00"])
    assert scored["psnr1"] == pytest.approx(10 * log10(255**2 / 10**2))


def test_a_chequer_of_black_and_white_looks_from_afar_like_the_grey_of_half_the_light(benchmark_module):
    score = benchmark_module("score")
    down, across = np.mgrid[:160, :240]
    chequer = np.repeat(((down + across) % 2 * 255)[..., None], 3, axis=2).astype(np.uint8)
    # Half of white's light is sRGB 187.5, not 127.5. Source: IEC 61966-2-1.
    even = np.full_like(chequer, 188)
    assert score.score(chequer, even, 6, 4)["far"] < 0.2


def test_the_view_from_afar_is_blurred_by_one_and_a_half_cells(benchmark_module):
    score = benchmark_module("score")
    black = np.zeros((160, 160, 3), np.uint8)
    black[:, 80:] = 255
    light = score.seen_from_afar(black, 40, 40)[80, :, 0]
    # An edge becomes the normal distribution: one standard deviation, 6 pixels of 4 a cell, is 84.1 % of the light.
    assert np.interp(0.8413, light, np.arange(160) + 0.5) - 80 == pytest.approx(6, abs=0.05)


def test_the_kept_features_are_those_of_the_first_edition(benchmark_module):
    frozen = benchmark_module("frozen")
    white, black = np.full((16, 16, 3), 255, np.uint8), np.zeros((16, 16, 3), np.uint8)
    one, other = (frozen.of_target(each, 1, 1)[0].astype(float) for each in (white, black))
    # By hand: 0.5 (3 of R, G, B + 1 of L*) + 0.5 * 5 of the luma.
    assert ((one - other) ** 2).sum() == pytest.approx(4.5, abs=1e-5)


def test_the_kept_choice_looks_at_the_middle_of_oblong_photos(benchmark_module):
    frozen = benchmark_module("frozen")
    thumbs = np.zeros((2, 32, 32, 3), np.uint8)
    thumbs[0, :, 8:24] = 200
    thumbs[1] = 150
    target = np.full((8, 8, 3), 200, np.uint8)
    placed = frozen.match(target, (2, 2), thumbs, np.array([[200, 100], [100, 100]]), 1)
    assert placed.tolist() == [[0, 0], [0, 0]]


def test_the_kept_mosaic_shows_the_very_middle_of_oblong_photos(benchmark_module, tmp_path):
    pixels = np.random.default_rng(7).integers(256, size=(133, 201, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    laid = benchmark_module("frozen").laid([tmp_path / "photo.png"], np.array([[0, 0]]), 133)
    # 34 columns of pixels are left out on either side; nothing is scaled.
    assert np.array_equal(laid, np.concatenate([pixels[:, 34:167]] * 2, axis=1))


def test_a_sample_of_photos_is_the_same_every_time_and_holds_no_photo_twice(benchmark_module):
    samples = benchmark_module("tile_samples")
    drawn = samples.drawn(50, 20)
    assert drawn == samples.drawn(50, 20)
    assert len({photo for photo, _, _ in drawn}) == 20
    assert len(samples.drawn(50, 90)) == 50


@pytest.mark.parametrize(("shape", "size"), [((3, 2), (120, 80)), ((1, 1), (100, 100)), ((2, 3), (66, 100))])
def test_a_sample_is_cut_to_the_largest_window_of_a_shape(benchmark_module, shape, size):
    pixels = np.broadcast_to(np.arange(120, dtype=np.uint8)[None, :, None], (100, 120, 3))
    cut = benchmark_module("tile_samples").cut(pixels, shape, 1.0)
    assert cut.shape == (size[1], size[0], 3)
    assert cut[0, -1, 0] == 119


def test_a_portrait_is_cropped_to_upright_cells(benchmark_module, tmp_path):
    targets = benchmark_module("targets")
    Image.new("RGB", (130, 250)).save(tmp_path / "tall.png")
    (tmp_path / "out").mkdir()
    targets.main(tmp_path / "out", [tmp_path / "tall.png"])
    assert (tmp_path / "out" / "grids.json").read_text() == '{"tall": [40, 60]}'
    assert Image.open(tmp_path / "out" / "tall.png").size == (120, 180)
