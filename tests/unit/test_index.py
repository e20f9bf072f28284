"""From photos to an index."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DamagedIndex, NoUsableTiles, UnreadableFile, UnusablePicture
from worker import index


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
    assert index.measure(encoded(pixels))["thumb"].tolist() == pixels.tolist()


def test_the_thumb_is_the_whole_photo_squeezed_by_area_averages(encoded, noise):
    # 96 x 64 pixels: each of the thumb's is the mean of 3 x 2 of them, rounded once along and once across.
    pixels = noise(64, 96)
    means = pixels.reshape(32, 2, 32, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(index.measure(encoded(pixels))["thumb"], means, atol=1)


def test_a_row_names_its_photo_by_the_sha_256_of_the_file(cuts):
    assert index.measure(cuts[0])["content"].tobytes() == sha256(cuts[0]).digest()


def test_a_row_says_the_size_of_the_photo(encoded, noise):
    row = index.measure(encoded(noise(70, 90)))
    assert (row["width"], row["height"]) == (90, 70)


def test_a_large_jpeg_is_measured_at_a_scale_of_at_least_sixty_four_pixels(encoded, noise):
    # 1,000 x 600 at an eighth is 125 x 75.
    row = index.measure(encoded(noise(600, 1_000), "JPEG"))
    assert (row["width"], row["height"]) == (125, 75)


def test_the_mean_of_a_large_jpegs_thumb_is_within_one_level_of_that_of_all_its_pixels(photographs, encoded):
    with Image.open(photographs / "rocket.jpg") as image:
        pixels = np.asarray(image.convert("RGB"))
    thumb = index.measure(encoded(pixels, "JPEG"))["thumb"]
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


def test_an_index_is_ordered_by_the_content_of_its_photos(tiles):
    contents = [row["content"].tobytes() for row in index.assemble(tiles)[0]]
    assert contents == sorted(tile.content for tile in tiles)


def test_an_index_does_not_depend_on_the_order_of_the_photos(tiles):
    np.testing.assert_array_equal(index.assemble(tiles)[0], index.assemble(tiles[::-1])[0])


def test_a_photo_that_is_there_twice_is_one_tile_and_a_line(cuts):
    photos = [Photo("one.png", cuts[0]), Photo("two.png", cuts[1]), Photo("copy.png", cuts[0])]
    rows, doubles = index.assemble(described(photos))
    assert (len(rows), doubles) == (2, [index.Skipped("copy.png", "duplicate", "The same file as one.png.")])


def test_an_index_of_nothing_is_refused():
    with pytest.raises(NoUsableTiles):
        index.assemble([])


def test_an_index_reads_as_it_was_written(tmp_path, tiles):
    rows = index.assemble(tiles)[0]
    with (tmp_path / "index.npy").open("wb") as file:
        index.save(rows, file)
    np.testing.assert_array_equal(index.load(tmp_path / "index.npy"), rows)


def npy(array: np.ndarray) -> bytes:
    file = BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an array",
        b"\x93NUMPY\x01\x00",
        npy(np.zeros(3)),
        npy(np.zeros((2, 2), index.ROW)),
        npy(np.zeros(0, index.ROW)),
        npy(np.zeros(9, index.ROW))[:-20],
        npy(np.array([{"a": "pickle"}], object)),
        b"PK\x03\x04 the beginning of a zip",
        b"PK\x05\x06" + b"\0" * 18,
    ],
    ids=["empty", "text", "header", "version", "shape", "no-rows", "truncated", "pickle", "zip", "empty-zip"],
)
def test_a_damaged_index_is_called_damaged(tmp_path, data):
    (tmp_path / "index.npy").write_bytes(data)
    with pytest.raises(DamagedIndex, match="index the photos again"):
        index.load(tmp_path / "index.npy")


def test_an_index_that_is_not_there_is_called_damaged(tmp_path):
    with pytest.raises(DamagedIndex):
        index.load(Path(tmp_path / "none.npy"))
