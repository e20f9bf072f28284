"""From a target and an index to a mosaic."""

import errno
import json
import math
import os
import sqlite3
from contextlib import closing
from dataclasses import asdict
from fractions import Fraction
from hashlib import sha256
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio
from threadpoolctl import threadpool_info

from models.errors import DamagedIndex, InvalidOrder, NotAPicture, StorageFull, UnreadableFile
from models.rules.formats import Format
from models.rules.grid import Grid
from models.rules.order_words import Crops, Fit, LossName, Shape
from models.rules.orders import MosaicOrder
from worker.core.matcher import Choice
from worker.decoding import images
from worker.local_index import kept_tiles
from worker.rendering import bands
from worker.rendering.pipeline import render
from worker.rendering.tile_loader import fetched
from worker.tile_index import index


def quiet(_phase: str, _done: int, _total: int) -> None:
    """Show nothing."""


class Photos:
    """Photos in memory, their index, and which of them were read."""

    def __init__(self, files: list[bytes]) -> None:
        self.by_content = {sha256(data).digest(): data for data in files}
        thumbs = [(data, *images.thumb(data, index.SIDE)) for data in files]
        self.tiles = index.of_tiles(index.Tile(sha256(data).digest(), size, thumb) for data, thumb, size in thumbs)
        self.opened: list[bytes] = []

    def read(self, content: bytes) -> bytes:
        self.opened.append(content)
        return self.by_content[content]

    def pixels(self, number: int) -> np.ndarray:
        return pixels_of(self.by_content[self.tiles.content[number].tobytes()])


def pixels_of(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def all_photos(cuts):
    return Photos(cuts)


@pytest.fixture
def photos(cuts):
    return Photos(cuts[:60])


@pytest.fixture(scope="module")
def coffee(photographs):
    return (photographs / "coffee.png").read_bytes()


ALONE = {"crops": Crops.NONE, "far": 0.0, "spread": 0.0}
"""Every cell gets the photo that is nearest to it, whole and whatever lies around it."""


@pytest.fixture
def make(tmp_path):
    """Render into a file of its own, and return what was made and where."""

    def run(target, photos, *, threads=2, progress=quiet, kept=None, shown=None, **fields):
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.png"
        order = MosaicOrder(**fields)
        made = render(
            target, order, photos.tiles, photos.read, out, threads=threads, progress=progress, kept=kept, shown=shown
        )
        return made, out

    return run


@pytest.fixture
def kept(tmp_path):
    """Open the tiles that are kept."""
    return lambda: kept_tiles.opened(64 << 20, str(tmp_path / "cache"))


def plain_mean(pixels, left, top, width, height, unit=1):
    """The mean of a rectangle, a pixel at a time; `pixels` is what Pillow's `load()` gives, of `unit` units each."""
    red = green = blue = 0
    for y in range(top // unit, -(-(top + height) // unit)):
        high = min((y + 1) * unit, top + height) - max(y * unit, top)
        for x in range(left // unit, -(-(left + width) // unit)):
            share = high * (min((x + 1) * unit, left + width) - max(x * unit, left))
            r, g, b = pixels[x, y]
            red, green, blue = red + share * r, green + share * g, blue + share * b
    area = width * height
    return red / area, green / area, blue / area


def plain_distance(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def plain_method(target, photos, cells_across):
    """The article's method by plain loops: the mean of every photo and of every cell, and all distances between them.

    Returns, for every cell from the top left, the distance to every tile of the index.
    """
    means = []
    for content in photos.tiles.content:
        with Image.open(BytesIO(photos.by_content[content.tobytes()])) as image:
            means.append(plain_mean(image.load(), 0, 0, image.width, image.height))
    with Image.open(BytesIO(target)) as image:
        # A pixel has as many units as there are cells across, so a cell has as many as there are pixels across.
        pixels, side, unit = image.load(), image.width, cells_across
        rows = image.height * unit // side
        top = (image.height * unit - rows * side) // unit // 2 * unit
        cells = [
            plain_mean(pixels, column * side, top + row * side, side, side, unit)
            for row in range(rows)
            for column in range(cells_across)
        ]
    return [[plain_distance(cell, mean) for mean in means] for cell in cells]


@pytest.mark.parametrize("cells_across", [60, 43])
def test_every_cell_gets_a_tile_as_near_as_the_plain_method_finds(make, coffee, all_photos, cells_across):
    distances = plain_method(coffee, all_photos, cells_across)
    made, _ = make(coffee, all_photos, cells_across=cells_across, tile_size=4, loss=LossName.MEAN_RGB, **ALONE)
    chosen = made.placement.ravel().tolist()
    assert [row[tile] for row, tile in zip(distances, chosen, strict=True)] == [min(row) for row in distances]


def test_among_tiles_of_one_colour_the_lowest_number_is_taken(make, coffee, encoded):
    # The same colour in files of different length: different photos, equal means.
    photos = Photos([encoded(np.full((side, side, 3), 90, np.uint8)) for side in range(4, 24)])
    assert np.unique(make(coffee, photos, cells_across=10, **ALONE)[0].placement).tolist() == [0]


def test_the_mosaic_shows_in_every_cell_the_tile_that_was_placed_there(make, coffee, photos):
    # Tiles as large as the photos: nothing is resampled.
    made, out = make(coffee, photos, cells_across=20, tile_size=32, crops=Crops.NONE, tint=0)
    mosaic = pixels_of(out.read_bytes())
    expected = np.zeros((made.grid.rows * 32, 20 * 32, 3), np.uint8)
    for row in range(made.grid.rows):
        for column in range(20):
            tile = photos.pixels(made.placement[row, column])
            expected[32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = tile
    np.testing.assert_array_equal(mosaic, expected)


def test_the_placement_has_a_place_for_every_cell(make, coffee, photos):
    assert make(coffee, photos, cells_across=30)[0].placement.shape == (20, 30)


def test_the_distinct_tiles_are_those_that_were_opened(make, coffee, photos):
    made, _ = make(coffee, photos, cells_across=30)
    assert made.quality.distinct_tiles == len(set(photos.opened))


def test_a_photo_that_lies_in_many_cells_is_opened_once(make, coffee, photos):
    make(coffee, photos, cells_across=30)
    assert len(photos.opened) == len(set(photos.opened))


def test_cells_that_are_not_square_get_tiles_of_their_shape(make, coffee, photos):
    # 600 / 24 = 25 columns, 400 / 16 = 25 rows; 30 * 16 / 24 = 20 pixels high.
    made, out = make(coffee, photos, cell_width=24, cell_height=16, tile_size=30)
    assert made.placement.shape == (25, 25)
    assert pixels_of(out.read_bytes()).shape == (25 * 20, 25 * 30, 3)


def test_the_size_of_a_tile_does_not_change_which_tile_lies_where(make, coffee, photos):
    small, _ = make(coffee, photos, cells_across=25, tile_size=3)
    large, _ = make(coffee, photos, cells_across=25, tile_size=40)
    np.testing.assert_array_equal(small.placement, large.placement)


def test_a_resized_target_keeps_what_a_crop_would_lose(make, encoded):
    # 100 pixels make 7 cells of 14: a crop to 98 loses the white column at the left. Stretched it stays, and its
    # share of a cell, 255 * 7 / 100 = 18, is nearer to 30 than to 0.
    target = np.zeros((100, 100, 3), np.uint8)
    target[:, 0] = 255
    tiles = [encoded(np.full((8, 8, 3), level, np.uint8)) for level in (0, 30)]
    fields = {"cell_width": 14, "cell_height": 14, "tile_size": 8, "loss": LossName.MEAN_RGB} | ALONE
    cropped, _ = make(encoded(target), Photos(tiles), **fields)
    resized, _ = make(encoded(target), Photos(tiles), fit=Fit.RESIZE, **fields)
    assert (cropped.quality.distinct_tiles, resized.quality.distinct_tiles) == (1, 2)


def test_a_jpeg_is_written_when_a_jpeg_is_ordered(make, coffee, photos):
    _, out = make(coffee, photos, cells_across=10, tile_size=8, format=Format.JPEG)
    with Image.open(out) as image:
        assert (image.format, image.size) == ("JPEG", (80, 48))


def test_the_same_order_gives_the_same_bytes_with_one_thread_and_with_four(make, coffee, photos):
    fields = {"cells_across": 40, "tile_size": 12}
    mosaics = [make(coffee, photos, threads=threads, **fields)[1].read_bytes() for threads in (1, 4, 4)]
    assert mosaics[0] == mosaics[1] == mosaics[2]


def test_progress_tells_the_phases_in_their_order(make, coffee, photos):
    phases = []
    make(coffee, photos, cells_across=10, progress=lambda phase, _done, _total: phases.append(phase))
    assert list(dict.fromkeys(phases)) == ["reading", "matching", "fetching tiles", "composing", "encoding"]


@pytest.mark.parametrize(
    "fields",
    [{"loss": LossName.MEAN_RGB}, {"loss": LossName.CIEDE2000}, {"max_uses": 9}, {"min_distance": 3.0}, {}],
    ids=["tree", "ciede2000", "uses", "distance", "bounds"],
)
def test_matching_rises_on_one_scale_to_its_end(make, coffee, photos, fields):
    reported = []
    make(coffee, photos, cells_across=20, **fields, progress=lambda *news: reported.append(news))
    shares = [count for phase, *count in reported if phase == "matching"]
    assert (shares[0], shares[-1], shares == sorted(shares)) == ([0, 100], [100, 100], True)
    assert {total for _, total in shares} == {100}


def test_progress_ends_every_count_at_its_total(make, coffee, photos):
    last = {}
    made, _ = make(coffee, photos, cells_across=10, progress=lambda phase, *count: last.update({phase: count}))
    tiles, cells = made.quality.distinct_tiles, made.grid.rows * made.grid.columns
    assert (last["fetching tiles"], last["composing"]) == ((tiles, tiles), (cells, cells))
    assert last["encoding"] == (100, 100)


@pytest.mark.parametrize("stop_at", ["matching", "fetching tiles", "composing", "encoding"])
def test_what_progress_raises_stops_the_rendering(make, coffee, photos, stop_at):
    def stop(phase: str, _done: int, _total: int) -> None:
        if phase == stop_at:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        make(coffee, photos, cells_across=10, progress=stop)


def test_a_target_that_is_no_picture_is_refused(make, photos):
    with pytest.raises(NotAPicture):
        make(b"no picture", photos, cells_across=10)


def test_an_order_that_does_not_fit_the_target_is_refused(make, encoded, noise, photos):
    with pytest.raises(InvalidOrder):
        make(encoded(noise(5, 5)), photos, cell_width=6, cell_height=1)


def test_a_photo_that_has_gone_since_it_was_indexed_is_said_so(make, coffee, photos):
    def gone(_content: bytes) -> bytes:
        raise UnreadableFile("It has gone.")

    photos.read = gone
    with pytest.raises(DamagedIndex, match="can no longer be used: It has gone"):
        make(coffee, photos, cells_across=10)


def test_a_photo_that_is_no_picture_any_more_is_not_taken_for_a_bad_target(make, coffee, photos):
    photos.read = lambda _content: b"no picture"
    with pytest.raises(DamagedIndex, match="not a picture"):
        make(coffee, photos, cells_across=10)


def test_no_room_for_the_tiles_is_said_so(make, coffee, photos, monkeypatch):
    def full(_file: int, _start: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageFull, match="no room left"):
        make(coffee, photos, cells_across=10)


def test_a_mosaic_of_its_own_cells_is_the_target_again(make, encoded, photographs):
    # Every cell of the target is among the tiles, so every cell finds itself, or one of exactly its mean.
    coffee = pixels_of((photographs / "coffee.png").read_bytes())
    cells = [coffee[y : y + 20, x : x + 20] for y in range(0, 400, 20) for x in range(0, 600, 20)]
    _, out = make(encoded(coffee), Photos([encoded(cell) for cell in cells]), cells_across=30, tile_size=20)
    difference = np.abs(pixels_of(out.read_bytes()).astype(int) - coffee)
    assert math.isclose(difference.mean(), 0, abs_tol=0.1)


# Turns, rules, colour


@pytest.fixture
def arrow():
    """A photo that looks different in each of the eight ways in which it can lie: 40 x 40 pixels in four by four."""
    levels = np.array([[250, 200, 150, 100], [0, 0, 0, 90], [0, 0, 0, 80], [0, 60, 0, 70]], np.uint8)
    return np.repeat(np.kron(levels, np.ones((10, 10), np.uint8))[:, :, None], 3, axis=2)


def eight_ways(pixels):
    mirrored = pixels[:, ::-1]
    return [np.rot90(side, quarters) for side in (pixels, mirrored) for quarters in range(4)]


def test_with_flips_and_turns_one_photo_makes_a_target_of_all_its_eight_ways(make, encoded, arrow):
    target = np.concatenate(eight_ways(arrow), axis=1)
    fields = {"cells_across": 8, "tile_size": 40, "flips": True, "turns": True, "detail": 1}
    made, out = make(encoded(target), Photos([encoded(arrow)]), **fields)
    np.testing.assert_array_equal(pixels_of(out.read_bytes()), target)
    assert (made.quality.psnr1, made.quality.ssim4, made.quality.cost) == (None, 1, 0)


def test_flips_alone_mirror_and_do_not_turn(make, encoded, arrow):
    target = np.concatenate(eight_ways(arrow), axis=1)
    made, out = make(encoded(target), Photos([encoded(arrow)]), cells_across=8, tile_size=40, flips=True, detail=1)
    shown = pixels_of(out.read_bytes())
    assert np.unique(made.orientations).tolist() == [0, 4]
    np.testing.assert_array_equal(shown[:, :40], arrow)
    np.testing.assert_array_equal(shown[:, 160:200], arrow[:, ::-1])


def test_a_photo_that_lies_in_eight_ways_is_opened_once(make, encoded, arrow):
    photos = Photos([encoded(arrow)])
    target = encoded(np.concatenate(eight_ways(arrow), axis=1))
    make(target, photos, cells_across=8, tile_size=40, flips=True, turns=True, detail=1)
    assert len(photos.opened) == 1


def test_a_wide_photo_that_is_turned_is_cropped_as_a_high_one(make, encoded, noise):
    # Cells of 20 x 40: the photo, 80 x 40, fills one when it is turned, and loses three quarters when it is not.
    wide = np.kron(noise(4, 8), np.ones((10, 10, 1), np.uint8))
    target = np.rot90(wide)[::2, ::2]
    _, out = make(encoded(target), Photos([encoded(wide)]), cell_width=20, cell_height=40, tile_size=40, turns=True)
    np.testing.assert_array_equal(pixels_of(out.read_bytes()), np.rot90(wide))


def nearest_equal(placement):
    """The least distance between two cells of one tile, pair by pair."""
    cells = [(row, column, tile) for (row, column), tile in np.ndenumerate(placement)]
    return min(math.hypot(a[0] - b[0], a[1] - b[1]) for i, a in enumerate(cells) for b in cells[:i] if a[2] == b[2])


def test_equal_tiles_keep_their_distance(make, coffee, photos):
    made, _ = make(coffee, photos, cells_across=24, tile_size=4, min_distance=3.5)
    assert nearest_equal(made.placement) >= 3.5
    assert made.quality.smallest_distance == nearest_equal(made.placement)


def test_no_tile_lies_more_often_than_allowed(make, coffee, photos):
    made, _ = make(coffee, photos, cells_across=12, tile_size=4, max_uses=2)
    assert np.bincount(made.placement.ravel()).max() <= 2


def test_without_repeats_every_tile_is_another(make, coffee, photos):
    made, _ = make(coffee, photos, cells_across=8, tile_size=4, no_repeats=True)
    assert made.quality.distinct_tiles == made.placement.size == 40


def test_rules_together_are_kept_together(make, coffee, photos):
    made, _ = make(coffee, photos, cells_across=12, tile_size=4, max_uses=3, min_distance=4, flips=True, turns=True)
    assert np.bincount(made.placement.ravel()).max() <= 3
    assert nearest_equal(made.placement) >= 4


def test_a_photo_whose_tiles_are_kept_is_not_opened_and_the_bytes_are_the_same(make, coffee, photos, kept):
    fields = {"cells_across": 8, "flips": True, "turns": True}
    _, plain = make(coffee, photos, **fields)
    with kept() as tiles:
        make(coffee, photos, kept=tiles, **fields)
    photos.opened.clear()
    with kept() as tiles:
        _, again = make(coffee, photos, kept=tiles, **fields)
    assert photos.opened == []
    assert again.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize(
    ("fields", "missing"),
    [({}, 0), ({"tint": 0.4}, 0), ({"shape": Shape.BRICK}, 0), ({"shape": Shape.HEXAGON}, 3)],
    ids=str,
)
def test_what_is_shown_of_it_grows_by_rows_into_the_mosaic_and_changes_no_byte(make, coffee, photos, fields, missing):
    """Of hexagons the last row's three lines of four that no other row covers are not shown."""
    shown = []

    def show(so_far, done, total):
        shown.append((so_far().copy(), done, total))

    made, out = make(coffee, photos, cells_across=10, **fields, shown=show)
    columns, rows = made.grid.columns, made.grid.rows
    assert [counts for _, *counts in shown] == [[columns * (row + 1), columns * rows] for row in range(rows)]
    heights = [len(picture) for picture, *_ in shown]
    assert heights == sorted(heights)
    assert len(set(heights)) >= rows - 1
    with Image.open(out) as file:
        whole = np.asarray(file.convert("RGB"), float)
    there = whole[: round(len(whole) * heights[-1] / (heights[-1] + missing))]
    assert np.abs(shown[-1][0].mean(axis=(0, 1)) - there.mean(axis=(0, 1))).max() < 2
    assert make(coffee, photos, cells_across=10, **fields)[1].read_bytes() == out.read_bytes()


def test_while_tiles_are_laid_and_measured_a_matrix_product_has_one_thread(make, coffee, photos):
    seen = {}

    def look(phase, _done, _total):
        seen.setdefault(phase, set()).update(
            each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"
        )

    make(coffee, photos, cells_across=8, tint=0.5, progress=look)
    assert {phase: seen[phase] for phase in ("fetching tiles", "composing", "encoding")} == {
        "fetching tiles": {1},
        "composing": {1},
        "encoding": {1},
    }


def test_what_other_mosaics_kept_of_a_photo_changes_no_byte(encoded, noise, kept):
    """A photo is decoded at the scale that its smallest window needs, so a large one differs beside a small one."""
    photo = encoded(noise(640, 640), "JPEG")
    content = np.frombuffer(sha256(photo).digest(), np.uint8)[None]
    whole, part = (0, 0, 2048, 2048), (0, 0, 256, 256)

    def laid(*windows, side, tiles=None):
        shape = 1, len(windows)
        windows = np.array([windows], np.uint16)
        choice = Choice(np.zeros(shape, int), np.zeros(shape, np.uint8), np.zeros(shape), 0.0, windows)
        grid = Grid(len(windows), 1, 0, 0, Fraction(1), Fraction(1), side, side)
        with fetched(choice, content, grid, lambda _: photo, threads=1, progress=quiet, kept=tiles) as found:
            return np.asarray(found.pixels[found.slots[0]])

    orders = [((whole,), 40), ((whole, part), 40), ((part,), 40), ((whole,), 80), ((whole,), 40)]
    for windows, side in orders:
        with kept() as tiles:
            np.testing.assert_array_equal(laid(*windows, side=side, tiles=tiles), laid(*windows, side=side))


def test_a_photo_of_which_one_tile_is_missing_is_opened(make, coffee, photos, kept, tmp_path):
    with kept() as tiles:
        make(coffee, photos, cells_across=8, kept=tiles)
    with closing(sqlite3.connect(tmp_path / "cache" / "tiles" / "kept-v1.sqlite")) as database, database:
        (gone,) = database.execute("SELECT key FROM tiles LIMIT 1").fetchone()
        database.execute("DELETE FROM tiles WHERE key = ?", (gone,))
    photos.opened.clear()
    with kept() as tiles:
        make(coffee, photos, cells_across=8, kept=tiles)
    assert photos.opened == [gone[:32]]


def test_a_rule_that_cannot_be_met_is_refused_before_a_photo_is_opened(make, coffee, photos):
    phases = []
    with pytest.raises(InvalidOrder, match=r"^96 cells, 60 tiles: allow 2 uses, or at most \d+x\d+ cells\.$"):
        make(coffee, photos, cells_across=12, no_repeats=True, progress=lambda phase, *_: phases.append(phase))
    assert (phases, photos.opened) == (["reading"], [])


def test_a_grid_that_a_refusal_proposes_is_accepted(make, coffee, photos):
    with pytest.raises(InvalidOrder) as refused:
        make(coffee, photos, cells_across=11, no_repeats=True)
    columns, rows = map(int, str(refused.value).removesuffix(" cells.").rpartition(" ")[2].split("x"))
    made, _ = make(coffee, photos, cells_across=columns, tile_size=4, no_repeats=True)
    assert made.placement.shape == (rows, columns)


@pytest.mark.parametrize("loss", LossName)
def test_every_loss_gives_the_same_bytes_whatever_the_threads(make, coffee, photos, loss):
    fields = {"cells_across": 15, "tile_size": 4, "loss": loss, "flips": True}
    assert (
        make(coffee, photos, threads=1, **fields)[1].read_bytes()
        == make(coffee, photos, threads=3, **fields)[1].read_bytes()
    )


def cell_means(pixels, columns, rows):
    height, width, _ = pixels.shape
    return pixels.reshape(rows, height // rows, columns, width // columns, 3).mean(axis=(1, 3))


def test_a_full_tint_gives_every_cell_its_own_mean(make, encoded, noise):
    # Tiles and cells of soft contrast, so that nothing is cut off at 0 or 255.
    def soft(seed):
        return (100 + noise(8, 8, seed) // 6).astype(np.uint8)

    target = np.concatenate([soft(seed) + np.uint8(seed) for seed in range(6)], axis=1)
    photos = Photos([encoded(soft(seed)) for seed in range(20, 24)])
    made, out = make(encoded(target), photos, cells_across=6, tile_size=8, tint=1)
    shown, wanted = cell_means(pixels_of(out.read_bytes()), 6, 1), cell_means(target, 6, 1)
    np.testing.assert_allclose(shown, wanted, atol=0.5)
    assert made.quality.change > 0


def test_half_a_tint_goes_half_the_way(make, encoded):
    target, tile = np.full((8, 8, 3), 100, np.uint8), np.full((8, 8, 3), 200, np.uint8)
    _, out = make(encoded(target), Photos([encoded(tile)]), cells_across=1, tile_size=8, tint=0.5)
    assert np.unique(pixels_of(out.read_bytes())).tolist() == [150]


def test_a_full_blend_is_the_target(make, coffee, photos):
    made, out = make(coffee, photos, cells_across=60, tile_size=10, blend=1)
    np.testing.assert_array_equal(pixels_of(out.read_bytes()), pixels_of(coffee))
    assert (made.quality.psnr1, made.quality.de00) == (None, 0)


def test_a_blend_has_no_seams_between_the_cells(make, photos, encoded):
    # A smooth slope, enlarged: neighbouring lines differ alike everywhere, also where one row of cells ends.
    slope = np.repeat(np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[:, None, None], 100, axis=1), 3, axis=2)
    _, out = make(encoded(slope), photos, cells_across=10, tile_size=40, blend=1)
    steps = np.diff(pixels_of(out.read_bytes())[10:-10, 0, 0].astype(int))
    assert set(steps.tolist()) <= {0, 1}


def test_a_blend_of_cells_that_cut_pixels_is_the_same_in_bands_of_any_height(make, coffee, photos, monkeypatch):
    fields = {"cells_across": 7, "tile_size": 30, "blend": 1}
    _, whole = make(coffee, photos, **fields)
    monkeypatch.setattr(bands, "BAND_BYTES", 3_000)
    _, lines = make(coffee, photos, **fields)
    apart = pixels_of(whole.read_bytes()).astype(int) - pixels_of(lines.read_bytes())
    assert np.abs(apart).max() <= 1


def test_without_adjustment_the_report_says_that_nothing_was_changed(make, coffee, photos):
    assert make(coffee, photos, cells_across=10, tile_size=8, tint=0)[0].quality.change == 0


# Quality


def test_the_quality_is_that_of_the_finished_file(make, coffee, photos):
    # Tiles of 8 pixels: at 4 pixels a cell each is the mean of 2 x 2. scikit-image measures.
    made, out = make(coffee, photos, cells_across=60, tile_size=8, tint=0.3, blend=0.1)
    mosaic = pixels_of(out.read_bytes()).astype(float)
    target1, mosaic1 = cell_means(pixels_of(coffee), 60, 40), cell_means(mosaic, 60, 40)
    difference = deltaE_ciede2000(rgb2lab(target1 / 255), rgb2lab(mosaic1 / 255)).mean()
    assert made.quality.psnr1 == pytest.approx(peak_signal_noise_ratio(target1, mosaic1, data_range=255))
    assert made.quality.de00 == pytest.approx(difference, abs=0.01)


def test_without_rules_the_cost_is_its_own_lower_bound(make, coffee, photos):
    quality = make(coffee, photos, cells_across=10, tile_size=8, far=0.0, spread=0.0)[0].quality
    assert quality.cost == quality.lower_bound > 0


def test_a_rule_costs_something_and_the_lower_bound_says_how_little_it_could(make, coffee, photos):
    free = make(coffee, photos, cells_across=12, tile_size=4, far=0.0, spread=0.0)[0].quality
    ruled = make(coffee, photos, cells_across=12, tile_size=4, max_uses=3)[0].quality
    assert free.cost <= ruled.lower_bound <= ruled.cost


def test_the_report_can_be_written_as_json_and_read_again(make, coffee, photos):
    report = asdict(make(coffee, photos, cells_across=10, tile_size=8)[0].quality)
    again = json.loads(json.dumps(report, allow_nan=False))
    assert (again["psnr1"], len(again["worst_cells"])) == (report["psnr1"], 10)


# The target's colours


def test_a_target_that_is_too_light_for_the_photos_is_moved_and_the_report_says_by_how_much(make, encoded):
    light = np.linspace(150, 250, 60, dtype=np.uint8)[None, :, None].repeat(40, axis=0).repeat(3, axis=2)
    photos = Photos([encoded(np.full((8, 8, 3), level, np.uint8)) for level in range(20, 140, 3)])
    plain, moved = (make(encoded(light), photos, cells_across=30, adapt=share)[0] for share in (0.0, 1.0))
    assert (plain.quality.adapted, moved.quality.adapted > 10) == (0.0, True)
    # As it is, one photo is nearest to nearly all of it; moved, its tones are those of the photos.
    assert plain.quality.distinct_tiles < moved.quality.distinct_tiles
    # All else is measured against the target as it was.
    assert moved.quality.de00 > plain.quality.de00
