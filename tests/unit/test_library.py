"""A folder of photos with its index in a cache: what is opened again, and what is told."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from cli import library
from models.errors import NoUsableTiles, UnreadableFile


def quiet(_phase: str, _done: int, _total: int) -> None:
    """Show nothing."""


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def opened(folder, cache):
    """Open the folder as a new run of the program would."""
    return lambda: library.open_folder(folder, quiet, cache)


def names(photos):
    """The files behind the tiles, in the order of their names."""
    return sorted(Path(path).name for path in photos.paths.values())


def reasons(photos):
    return {line.name: line.code for line in photos.skipped}


def cache_file(cache, name):
    (found,) = cache.rglob(name)
    return found


def test_the_first_run_opens_every_photo(opened):
    photos = opened()
    assert (photos.opened_count, len(photos.tiles), photos.skipped) == (40, 40, [])


def test_the_second_run_opens_nothing(opened):
    opened()
    assert opened().opened_count == 0


def test_the_second_run_has_the_same_tiles(opened):
    np.testing.assert_array_equal(opened().tiles, opened().tiles)


def test_the_second_run_knows_where_every_photo_lies(opened):
    first = opened().paths
    assert opened().paths == first


def test_a_tile_gives_the_bytes_of_its_photo(opened, cuts):
    opened()
    photos = opened()
    assert {photos.read(row["content"].tobytes()) for row in photos.tiles} == set(cuts[:40])


def test_an_added_photo_is_the_only_one_opened(opened, folder, cuts):
    opened()
    (folder / "new.png").write_bytes(cuts[50])
    photos = opened()
    assert (photos.opened_count, len(photos.tiles), "new.png" in names(photos)) == (1, 41, True)


def test_a_changed_photo_is_the_only_one_opened(opened, folder, cuts):
    opened()
    (folder / "007.png").write_bytes(cuts[50])
    photos = opened()
    assert (photos.opened_count, len(photos.tiles)) == (1, 40)
    assert photos.read(next(c for c, path in photos.paths.items() if path.endswith("007.png"))) == cuts[50]


def test_a_photo_of_the_same_size_and_another_time_is_opened(opened, folder):
    opened()
    os.utime(folder / "007.png", ns=(0, 1))
    assert opened().opened_count == 1


def test_a_removed_photo_is_dropped_and_none_is_opened(opened, folder):
    opened()
    (folder / "007.png").unlink()
    photos = opened()
    assert (photos.opened_count, len(photos.tiles), "007.png" in names(photos)) == (0, 39, False)


def test_the_run_after_a_removal_opens_nothing(opened, folder):
    opened()
    (folder / "007.png").unlink()
    opened()
    photos = opened()
    assert (photos.opened_count, len(photos.tiles)) == (0, 39)


def test_a_photo_replaced_by_another_is_one_removed_and_one_opened(opened, folder, cuts):
    opened()
    (folder / "007.png").unlink()
    (folder / "new.png").write_bytes(cuts[50])
    photos = opened()
    assert (photos.opened_count, len(photos.tiles)) == (1, 40)


def test_a_copy_under_another_name_is_one_tile_and_a_line(opened, folder):
    shutil.copy(folder / "003.png", folder / "zz-copy.png")
    photos = opened()
    assert (len(photos.tiles), reasons(photos)) == (40, {"zz-copy.png": "duplicate"})


def test_the_second_run_reports_a_copy_as_the_first_did(opened, folder):
    shutil.copy(folder / "003.png", folder / "zz-copy.png")
    first = opened().skipped
    assert opened().skipped == first


def test_a_copy_takes_the_place_of_an_original_that_was_removed(opened, folder):
    shutil.copy(folder / "003.png", folder / "zz-copy.png")
    opened()
    (folder / "003.png").unlink()
    photos = opened()
    assert (len(photos.tiles), "zz-copy.png" in names(photos)) == (40, True)


def test_photos_in_sub_folders_are_found(opened, folder, cuts):
    (folder / "holiday" / "2024").mkdir(parents=True)
    (folder / "holiday" / "2024" / "deep.png").write_bytes(cuts[50])
    assert "deep.png" in names(opened())


@pytest.mark.parametrize("place", [".hidden.png", ".cache/photo.png", ".git/deep/photo.png"])
def test_hidden_files_and_folders_are_ignored(opened, folder, cuts, place):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_bytes(cuts[50])
    assert len(opened().tiles) == 40


def test_a_linked_folder_is_not_followed(opened, folder):
    (folder / "round").symlink_to(folder)
    photos = opened()
    assert (len(photos.tiles), photos.skipped) == (40, [])


def test_a_broken_link_and_a_pipe_are_no_photos(opened, folder):
    (folder / "broken.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "pipe.png")
    photos = opened()
    assert (len(photos.tiles), photos.skipped) == (40, [])


def test_files_that_are_no_photos_are_lines_with_their_reasons(opened, folder, cuts):
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"remember the milk")
    (folder / "half.png").write_bytes(cuts[50][: len(cuts[50]) // 2])
    photos = opened()
    assert len(photos.tiles) == 40
    assert reasons(photos) == {
        "empty.jpg": "empty_file", "half.png": "truncated_picture", "notes.txt": "not_a_picture",
    }  # fmt: skip


def test_the_second_run_reports_the_same_lines_without_opening_the_files(opened, folder):
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"remember the milk")
    first = opened().skipped
    photos = opened()
    assert (photos.opened_count, photos.skipped) == (0, first)


def test_a_file_of_more_than_the_limit_is_a_line_and_is_not_read(opened, folder):
    with (folder / "huge.jpg").open("wb") as file:
        file.truncate(library.MAX_PHOTO_BYTES + 1)
    assert reasons(opened()) == {"huge.jpg": "unreadable_file"}


def test_a_photo_whose_name_is_no_text_is_a_tile(opened, folder, cuts):
    (folder / os.fsdecode(b"\xff\xfe.png")).write_bytes(cuts[50])
    assert (len(opened().tiles), opened().opened_count) == (41, 0)


def test_a_photo_that_may_not_be_read_is_a_line(without_rights, cuts, tmp_path):
    with without_rights() as place:
        (place / "good.png").write_bytes(cuts[0])
        (place / "locked.png").write_bytes(cuts[1])
        (place / "locked.png").chmod(0)
        assert reasons(library.open_folder(place, quiet, place / ".cache")) == {"locked.png": "unreadable_file"}


def test_a_photo_that_may_be_read_again_is_a_tile_again(without_rights, cuts):
    with without_rights() as place:
        (place / "good.png").write_bytes(cuts[0])
        (place / "locked.png").write_bytes(cuts[1])
        (place / "locked.png").chmod(0)
        library.open_folder(place, quiet, place / ".cache")
        (place / "locked.png").chmod(0o600)
        assert names(library.open_folder(place, quiet, place / ".cache")) == ["good.png", "locked.png"]


def test_a_sub_folder_that_may_not_be_opened_is_a_line(without_rights, cuts):
    with without_rights() as place:
        (place / "good.png").write_bytes(cuts[0])
        (place / "locked").mkdir(mode=0)
        assert list(reasons(library.open_folder(place, quiet, place / ".cache")).values()) == ["unreadable_file"]


@pytest.mark.parametrize(
    "damage",
    [b"", b"\0" * 200, b"{", b"null", b"{}", b"[1, 2]", b'[["a", 1, 2]]', b'[["a", 1, 2, "no hex", null, null]]'],
    ids=["empty", "zeros", "broken", "null", "object", "numbers", "short", "no-hex"],
)
def test_a_damaged_list_of_files_is_made_anew(opened, cache, damage):
    opened()
    cache_file(cache, "files-*.json").write_bytes(damage)
    photos = opened()
    assert (photos.opened_count, len(photos.tiles), opened().opened_count) == (40, 40, 0)


@pytest.mark.parametrize("damage", [b"", b"\0" * 200, b"PK\x03\x04" + b"\0" * 40], ids=["empty", "zeros", "zip"])
def test_a_damaged_index_is_made_anew(opened, cache, damage):
    opened()
    cache_file(cache, "index-*.npy").write_bytes(damage)
    photos = opened()
    assert (photos.opened_count, len(photos.tiles), opened().opened_count) == (40, 40, 0)


def test_an_index_that_breaks_off_is_made_anew(opened, cache):
    opened()
    file = cache_file(cache, "index-*.npy")
    file.write_bytes(file.read_bytes()[:-5])
    photos = opened()
    assert (photos.opened_count, len(photos.tiles)) == (40, 40)


def test_a_photo_that_the_index_lacks_is_opened_again(opened, cache, folder):
    opened()
    file = cache_file(cache, "files-*.json")
    kept = json.loads(file.read_bytes())
    kept["files"][3][3] = "00" * 32
    file.write_text(json.dumps(kept))
    photos = opened()
    assert (photos.opened_count, len(photos.tiles)) == (1, 40)


def test_a_cache_that_cannot_be_written_costs_time_and_not_the_tiles(folder, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    photos = library.open_folder(folder, quiet, tmp_path / "file" / "cache")
    assert len(photos.tiles) == 40


def test_two_folders_have_two_indexes(opened, folder, cache, tmp_path, cuts):
    opened()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "one.png").write_bytes(cuts[50])
    assert len(library.open_folder(tmp_path / "other", quiet, cache).tiles) == 1
    assert opened().opened_count == 0


def test_the_photos_folder_is_left_as_it_was(opened, folder):
    before = sorted(path.name for path in folder.iterdir())
    opened()
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_cache_holds_two_files_and_no_leftovers(opened, cache):
    opened()
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 2


def test_a_folder_that_is_not_there_is_refused(cache, tmp_path):
    with pytest.raises(NoUsableTiles, match="There is no folder"):
        library.open_folder(tmp_path / "nowhere", quiet, cache)


def test_a_file_instead_of_a_folder_is_refused(cache, folder):
    with pytest.raises(NoUsableTiles, match="There is no folder"):
        library.open_folder(folder / "000.png", quiet, cache)


def test_an_empty_folder_is_refused(cache, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoUsableTiles, match="holds no files"):
        library.open_folder(tmp_path / "empty", quiet, cache)


@pytest.mark.parametrize("run", ["first", "second"])
def test_a_folder_without_one_usable_photo_is_refused_with_a_reason(cache, tmp_path, run):
    place = tmp_path / "texts"
    place.mkdir()
    (place / "a.txt").write_bytes(b"text")
    (place / "b.jpg").write_bytes(b"")
    for _ in range(("first", "second").index(run)):
        with pytest.raises(NoUsableTiles):
            library.open_folder(place, quiet, cache)
    with pytest.raises(NoUsableTiles, match=r"None of the 2 files .* usable photo; a.txt: The file is not a picture"):
        library.open_folder(place, quiet, cache)


def test_a_folder_whose_last_photo_went_is_refused(cache, tmp_path, cuts):
    place = tmp_path / "photos"
    place.mkdir()
    (place / "a.png").write_bytes(cuts[0])
    library.open_folder(place, quiet, cache)
    (place / "a.png").unlink()
    with pytest.raises(NoUsableTiles):
        library.open_folder(place, quiet, cache)


def test_a_photo_that_went_after_it_was_indexed_is_named(opened, folder):
    photos = opened()
    (folder / "000.png").unlink()
    content = next(content for content, path in photos.paths.items() if path.endswith("000.png"))
    with pytest.raises(UnreadableFile, match=r"000\.png can no longer be read"):
        photos.read(content)


def test_a_list_left_over_from_an_older_index_is_not_mixed_with_a_newer_one(opened, cache, folder, cuts):
    opened()
    older = cache_file(cache, "files-*.json").read_bytes()
    (folder / "new.png").write_bytes(cuts[55])
    opened()
    cache_file(cache, "files-*.json").write_bytes(older)
    (folder / "new.png").unlink()
    photos = opened()
    assert len(photos.tiles) == 40
    assert all(photos.read(row["content"].tobytes()) for row in photos.tiles)
