"""From photos to an index."""

import re
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits

from models.errors import DamagedIndex, NoUsableTiles
from models.rules import array_file
from worker.decoding import images
from worker.tile_index import index
from worker.tile_index import rows as module


@pytest.fixture
def tiles(cuts, measured):
    return [measured(data) for data in cuts[:30]]


def test_the_thumb_of_a_photo_of_its_size_is_the_photo(encoded, noise):
    pixels = noise(32, 32)
    assert images.thumb(encoded(pixels), 32)[0].tolist() == pixels.tolist()


def test_the_thumb_is_the_whole_photo_squeezed_by_area_averages(encoded, noise):
    # 96 x 64 pixels: each of the thumb's is the mean of 3 x 2 of them, rounded once along and once across.
    pixels = noise(64, 96)
    means = pixels.reshape(32, 2, 32, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(images.thumb(encoded(pixels), 32)[0], means, atol=1)


def test_the_size_of_a_photo_comes_with_its_thumb(encoded, noise):
    assert images.thumb(encoded(noise(70, 90)), 32)[1] == (90, 70)


def test_a_large_jpeg_is_measured_at_a_scale_of_at_least_sixty_four_pixels(encoded, noise):
    data = encoded(noise(600, 1_000), "JPEG")
    with Image.open(BytesIO(data)) as image:
        image.draft(None, (64, 64))
        assert image.size == (125, 75)  # an eighth
        reduced = np.asarray(image.resize((32, 32), Image.Resampling.BOX))
    thumb, size = images.thumb(data, 32)
    np.testing.assert_array_equal(thumb, reduced)
    assert size == (1_000, 600)


def test_the_mean_of_a_large_jpegs_thumb_is_within_one_level_of_that_of_all_its_pixels(photographs, encoded):
    with Image.open(photographs / "rocket.jpg") as image:
        pixels = np.asarray(image.convert("RGB"))
    thumb = images.thumb(encoded(pixels, "JPEG"), 32)[0]
    np.testing.assert_allclose(thumb.mean(axis=(0, 1)), pixels.reshape(-1, 3).mean(axis=0), atol=1)


def test_near_duplicates_are_looked_for_with_one_thread_a_product_and_without_those_that_are_not_used(noise):
    seen = []

    class Watched(np.ndarray):
        """Thumbs that note, when they are read, how many threads a product of matrices takes."""

        def __getitem__(self, key):
            seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
            return np.asarray(super().__getitem__(key))

    one = noise(32, 32)
    content = np.arange(4, dtype=np.uint8)[:, None] + np.zeros((4, 32), np.uint8)
    size = np.array([[9, 9], [90, 90], [30, 30], [20, 20]], np.uint32)
    made = index.Index(content, size, np.stack([one, one, one, noise(32, 32)[::-1]]).view(Watched))
    hashes = [row.tobytes().hex() for row in content]
    with threadpool_limits(limits=2, user_api="blas"):
        assert index.near_duplicates(made) == {hashes[0]: hashes[1], hashes[2]: hashes[1]}
        assert index.near_duplicates(made, {hashes[1]}) == {hashes[0]: hashes[2]}
    assert set(seen) == {1}


def test_looking_for_near_duplicates_lets_a_mapped_file_go(tmp_path, noise):
    count = 5_000
    dice = np.random.default_rng(4)
    thumbs = dice.integers(0, 256, (count, 32, 32, 3), np.uint8)
    content = dice.integers(0, 256, (count, 32), np.uint8)
    path = tmp_path / "index"
    with path.open("w+b") as file:
        index.save(index.Index(content, np.ones((count, 2), np.uint32), thumbs), file)
    made = index.load(path)
    assert index.near_duplicates(made) == {}
    pages = [block for block in Path("/proc/self/smaps").read_text().split("VmFlags") if str(path) in block]
    resident = sum(int(line.split()[1]) for block in pages for line in block.splitlines() if line.startswith("Rss:"))
    assert resident < thumbs.nbytes >> 12  # a quarter, in kB


def rows(made):
    """An index as plain values, a row for each photo."""
    return list(zip(made.content.tolist(), made.size.tolist(), made.thumb.tolist(), strict=True))


def naive(tiles):
    """The rows of an index by its definition."""
    different = {tile.content: (list(tile.content), list(tile.size), tile.thumb.tolist()) for tile in tiles}
    return [different[content] for content in sorted(different)]


def test_an_index_has_a_row_for_every_different_photo_in_the_order_of_their_contents(tiles):
    assert rows(index.of_tiles(tiles + tiles[:5])) == naive(tiles)


def test_an_index_does_not_depend_on_the_order_of_the_photos(tiles):
    assert rows(index.of_tiles(tiles)) == rows(index.of_tiles(tiles[::-1]))


def test_an_index_of_nothing_is_refused():
    with pytest.raises(NoUsableTiles):
        index.of_tiles([])


@pytest.fixture
def saved(tmp_path):
    """Write something as the file of an index, and return its path."""

    def save(write):
        path = tmp_path / "index.safetensors"
        with path.open("wb") as file:
            write(file)
        return path

    return save


def test_an_index_reads_as_it_was_written(saved, tiles):
    assert rows(index.load(saved(lambda file: index.save(index.of_tiles(tiles), file)))) == naive(tiles)


def test_rows_can_be_selected(tiles):
    assert rows(index.of_tiles(tiles).selected(np.array([1, 4]))) == [naive(tiles)[1], naive(tiles)[4]]


@pytest.fixture
def together(saved, tmp_path):
    """Write several lists of tiles as indexes, and return the file that they become."""

    def merge(*parts, leave_out=frozenset()):
        files = [
            saved(partial(index.save, index.of_tiles(tiles))).rename(tmp_path / f"{n}")
            for n, tiles in enumerate(parts)
        ]
        index.merged(files, tmp_path / "together", leave_out)
        return tmp_path / "together"

    return merge


def test_several_indexes_become_one_as_if_all_photos_had_been_indexed_together(together, saved, tiles):
    made = together(tiles[:12], tiles[8:20], tiles[20:]).read_bytes()
    assert made == saved(partial(index.save, index.of_tiles(tiles))).read_bytes()


def test_more_indexes_than_may_be_open_become_one(together, tiles, monkeypatch):
    monkeypatch.setattr(index, "MOST_OPEN", 4)
    unwanted = {tile.content for tile in tiles[:9]}
    made = together(*([tile] for tile in tiles), leave_out=unwanted)
    assert rows(index.load(made)) == naive(tiles[9:])


def test_rows_are_gathered_a_block_at_a_time(together, tiles, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    assert rows(index.load(together(tiles[::2], tiles[1::2]))) == naive(tiles)


def test_photos_that_are_not_wanted_are_left_out_of_an_index_of_several(together, tiles):
    unwanted = {tile.content for tile in tiles[5:9]}
    assert rows(index.load(together(tiles[:12], tiles[6:], leave_out=unwanted))) == naive(tiles[:5] + tiles[9:])


def test_contents_that_end_in_zeros_are_told_apart(together, tiles):
    ends = [b"\0" * 32, b"a" + b"\0" * 31, b"a\0a" + b"\0" * 29, b"\xff" * 32]
    made = [index.Tile(content, tile.size, tile.thumb) for content, tile in zip(ends, tiles, strict=False)]
    assert rows(index.load(together(made[::2], made[1::2]))) == naive(made)


@pytest.mark.parametrize("count", [0, 1])
def test_an_index_of_several_without_a_row_is_refused(together, tiles, count):
    with pytest.raises(NoUsableTiles):
        together(*[tiles] * count, leave_out={tile.content for tile in tiles})


def test_arrays_that_are_no_index_are_called_damaged(saved, tiles):
    made = index.of_tiles(tiles)
    for wrong in (
        {"content": made.content, "size": made.size},
        {"content": made.content, "size": made.size, "thumb": made.thumb[:-1]},
        {"content": made.content, "size": made.size.astype(np.int64), "thumb": made.thumb},
        {"content": made.content[:0], "size": made.size[:0], "thumb": made.thumb[:0]},
    ):
        path = saved(lambda file, wrong=wrong: array_file.save(file, index.KIND, index.VERSION, wrong))
        with pytest.raises(DamagedIndex, match=r"it is no index of photos.; index the photos again"):
            index.load(path)


def test_an_index_of_another_version_is_called_so(saved, tiles):
    made = vars(index.of_tiles(tiles))
    path = saved(lambda file: array_file.save(file, index.KIND, index.VERSION + 1, made))
    with pytest.raises(DamagedIndex, match="of another version"):
        index.load(path)


def test_an_index_that_is_not_there_is_called_damaged(tmp_path):
    with pytest.raises(DamagedIndex):
        index.load(tmp_path / "none.safetensors")


def test_the_examples_in_the_documentation_read_an_index(tmp_path, monkeypatch, tiles, capsys):
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "index.safetensors").open("wb") as file:
        index.save(index.of_tiles(tiles), file)
    page = (Path(index.__file__).parents[2] / "docs/reference/index-format.md").read_text()
    first, second = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(first, {})  # noqa: S102 - our own page
    assert capsys.readouterr().out.startswith(f"30 tiles; the first: {naive(tiles)[0][0][0]:02x}")
    known = {}
    exec(second, known)  # noqa: S102 - the same
    assert known["thumbs"].tolist() == [row[2] for row in naive(tiles)]
