"""From photos to an index."""

import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DamagedIndex, NoUsableTiles, UnreadableFile, UnusablePicture
from worker import arrays, index
from worker import rows as module


class Photo:
    """A photo in memory."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self._data = data

    def read(self) -> bytes:
        return self._data


class Gone:
    """A photo that the system would not give up."""

    name = "gone.jpg"

    def read(self) -> bytes:
        raise UnreadableFile("The file cannot be read: gone.")


def quiet(_phase: str, _done: int, _total: int) -> None:
    """Show nothing."""


def described(photos, threads=2):
    return list(index.describe(photos, len(photos), quiet, threads=threads))


@pytest.fixture
def tiles(cuts):
    return described([Photo(f"{number}.png", data) for number, data in enumerate(cuts[:30])])


def test_the_thumb_of_a_photo_of_its_size_is_the_photo(encoded, noise):
    pixels = noise(32, 32)
    assert index.measure(encoded(pixels)).thumb.tolist() == pixels.tolist()


def test_the_thumb_is_the_whole_photo_squeezed_by_area_averages(encoded, noise):
    # 96 x 64 pixels: each of the thumb's is the mean of 3 x 2 of them, rounded once along and once across.
    pixels = noise(64, 96)
    means = pixels.reshape(32, 2, 32, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(index.measure(encoded(pixels)).thumb, means, atol=1)


def test_a_row_names_its_photo_by_the_sha_256_of_the_file(cuts):
    assert index.measure(cuts[0]).content == sha256(cuts[0]).digest()


def test_a_row_says_the_size_of_the_photo(encoded, noise):
    assert index.measure(encoded(noise(70, 90))).size == (90, 70)


def test_a_large_jpeg_is_measured_at_a_scale_of_at_least_sixty_four_pixels(encoded, noise):
    # 1,000 x 600 at an eighth is 125 x 75.
    assert index.measure(encoded(noise(600, 1_000), "JPEG")).size == (125, 75)


def test_the_mean_of_a_large_jpegs_thumb_is_within_one_level_of_that_of_all_its_pixels(photographs, encoded):
    with Image.open(photographs / "rocket.jpg") as image:
        pixels = np.asarray(image.convert("RGB"))
    thumb = index.measure(encoded(pixels, "JPEG")).thumb
    np.testing.assert_allclose(thumb.mean(axis=(0, 1)), pixels.reshape(-1, 3).mean(axis=0), atol=1)


def test_bytes_that_are_no_picture_cannot_be_measured():
    with pytest.raises(UnusablePicture):
        index.measure(b"no picture")


@pytest.mark.parametrize("threads", [1, 4])
def test_photos_are_described_in_the_order_given(cuts, threads):
    names = [f"{number}.png" for number in range(100)]
    photos = [Photo(name, data) for name, data in zip(names, cuts, strict=False)]
    assert [tile.name for tile in described(photos, threads)] == names


def test_a_bad_photo_is_a_line_with_its_reason_and_stops_nothing(cuts):
    found = described(
        [Photo("a.png", cuts[0]), Photo("b.txt", b"text"), Photo("c", b""), Gone(), Photo("d", cuts[1])]
    )
    assert [getattr(item, "code", "tile") for item in found] == [
        "tile", "not_a_picture", "empty_file", "unreadable_file", "tile",
    ]  # fmt: skip


def test_every_usable_photo_is_handed_over_to_be_kept(cuts):
    kept = {}
    photos = [Photo("a", cuts[0]), Photo("b", b"text"), Photo("c", cuts[1])]
    list(index.describe(photos, 3, quiet, threads=2, keep=kept.__setitem__))
    assert kept == {sha256(data).digest(): data for data in (cuts[0], cuts[1])}


def test_progress_counts_every_photo(cuts):
    told = []
    photos = [Photo("a", cuts[0]), Photo("b", b"text")]
    list(index.describe(photos, 2, lambda *news: told.append(news), threads=2))
    assert told == [("indexing", 1, 2), ("indexing", 2, 2)]


def test_what_progress_raises_stops_the_work(cuts):
    def stop(_phase: str, _done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(index.describe([Photo("a", cuts[0])], 1, stop, threads=1))


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


def test_a_photo_that_is_there_twice_is_one_tile_and_a_line(cuts):
    photos = [Photo("one.png", cuts[0]), Photo("two.png", cuts[1]), Photo("one.png", cuts[0])]
    found = described(photos)
    assert len(index.of_tiles(found)) == 2
    assert index.doubles(found) == [index.Skipped("one.png", "duplicate", "The same file as one.png.")]


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


def test_several_indexes_become_one_as_if_all_photos_had_been_indexed_together(saved, tiles):
    parts = [index.of_tiles(tiles[:12]), index.of_tiles(tiles[8:20]), index.of_tiles(tiles[20:])]
    together = saved(lambda file: index.merged(parts, file)).read_bytes()
    assert together == saved(lambda file: index.save(index.of_tiles(tiles), file)).read_bytes()


def test_rows_are_gathered_a_block_at_a_time(saved, tiles, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    parts = [index.of_tiles(tiles[::2]), index.of_tiles(tiles[1::2])]
    assert rows(index.load(saved(lambda file: index.merged(parts, file)))) == naive(tiles)


def test_photos_that_are_not_wanted_are_left_out_of_an_index_of_several(saved, tiles):
    banned = {tile.content for tile in tiles[5:9]}
    parts = [index.of_tiles(tiles[:12]), index.of_tiles(tiles[6:])]
    assert rows(index.load(saved(lambda file: index.merged(parts, file, banned)))) == naive(tiles[:5] + tiles[9:])


def test_contents_that_end_in_zeros_are_told_apart(saved, tiles):
    ends = [b"\0" * 32, b"a" + b"\0" * 31, b"a\0a" + b"\0" * 29, b"\xff" * 32]
    made = [index.Tile("", content, tile.size, tile.thumb) for content, tile in zip(ends, tiles, strict=False)]
    parts = [index.of_tiles(made[::2]), index.of_tiles(made[1::2])]
    assert rows(index.load(saved(lambda file: index.merged(parts, file)))) == naive(made)


@pytest.mark.parametrize("wanted", ["no part", "none of it"])
def test_an_index_of_several_without_a_row_is_refused(saved, tiles, wanted):
    parts = [] if wanted == "no part" else [index.of_tiles(tiles)]
    with pytest.raises(NoUsableTiles):
        saved(lambda file: index.merged(parts, file, {tile.content for tile in tiles}))


def test_arrays_that_are_no_index_are_called_damaged(saved, tiles):
    made = index.of_tiles(tiles)
    for wrong in (
        {"content": made.content, "size": made.size},
        {"content": made.content, "size": made.size, "thumb": made.thumb[:-1]},
        {"content": made.content, "size": made.size.astype(np.int64), "thumb": made.thumb},
        {"content": made.content[:0], "size": made.size[:0], "thumb": made.thumb[:0]},
    ):
        path = saved(lambda file, wrong=wrong: arrays.save(file, index.KIND, index.VERSION, wrong))
        with pytest.raises(DamagedIndex, match=r"it is no index of photos.; index the photos again"):
            index.load(path)


def test_an_index_of_another_version_is_called_so(saved, tiles):
    made = vars(index.of_tiles(tiles))
    path = saved(lambda file: arrays.save(file, index.KIND, index.VERSION + 1, made))
    with pytest.raises(DamagedIndex, match="of another version"):
        index.load(path)


def test_an_index_that_is_not_there_is_called_damaged(tmp_path):
    with pytest.raises(DamagedIndex):
        index.load(tmp_path / "none.safetensors")


def test_the_examples_in_the_documentation_read_an_index(tmp_path, monkeypatch, tiles, capsys):
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "index-v3.safetensors").open("wb") as file:
        index.save(index.of_tiles(tiles), file)
    page = (Path(index.__file__).parents[1] / "docs/reference/index-format.md").read_text()
    first, second = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(first, {})  # noqa: S102 - our own page
    assert capsys.readouterr().out.startswith(f"30 tiles; the first: {naive(tiles)[0][0][0]:02x}")
    known = {}
    exec(second, known)  # noqa: S102 - the same
    assert known["thumbs"].tolist() == [row[2] for row in naive(tiles)]
