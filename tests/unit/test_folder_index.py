"""A folder of photos with its index in a cache: what is opened again, and what is reported."""

import fcntl
import json
import os
import re
import shutil
import signal
import threading
import time
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import NoUsableTiles, UnreadableFile
from worker.local_index import folder_index, process_pool
from worker.local_index.cache_entry import DAMAGED
from worker.local_index.checkpoints import MAX_PHOTO_BYTES


def quiet(_phase: str, _done: int, _total: int) -> None:
    """Show nothing."""


def opening(folder, cache):
    return folder_index.open_folder(str(folder), quiet, str(cache))


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def opened(folder, cache):
    """Open the folder as a new run of the program would."""
    return lambda: opening(folder, cache)


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
    np.testing.assert_array_equal(opened().tiles.thumb, opened().tiles.thumb)


def test_the_second_run_knows_where_every_photo_lies(opened):
    first = opened().paths
    assert opened().paths == first


def test_a_tile_gives_the_bytes_of_its_photo(opened, cuts):
    opened()
    photos = opened()
    assert {photos.read(row.tobytes()) for row in photos.tiles.content} == set(cuts[:40])


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


def test_a_link_in_a_circle_is_a_line_and_keeps_nothing_else_from_coming(opened, folder):
    (folder / "circle.png").symlink_to(folder / "circle.png")
    photos = opened()
    (line,) = photos.skipped
    assert (len(photos.tiles), line.name, line.code) == (40, "circle.png", "unreadable_file")
    assert line.sentence == "The file cannot be read: Too many levels of symbolic links."


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
        file.truncate(MAX_PHOTO_BYTES + 1)
    assert reasons(opened()) == {"huge.jpg": "unreadable_file"}


def test_a_photo_whose_name_is_no_text_is_a_tile(opened, folder, cuts):
    (folder / os.fsdecode(b"\xff\xfe.png")).write_bytes(cuts[50])
    assert (len(opened().tiles), opened().opened_count) == (41, 0)


def test_a_photo_that_may_not_be_read_is_a_line(without_rights, cuts, tmp_path):
    with without_rights() as place:
        (place / "good.png").write_bytes(cuts[0])
        (place / "locked.png").write_bytes(cuts[1])
        (place / "locked.png").chmod(0)
        assert reasons(opening(place, place / ".cache")) == {"locked.png": "unreadable_file"}


def test_a_photo_that_may_be_read_again_is_a_tile_again(without_rights, cuts):
    with without_rights() as place:
        (place / "good.png").write_bytes(cuts[0])
        (place / "locked.png").write_bytes(cuts[1])
        (place / "locked.png").chmod(0)
        opening(place, place / ".cache")
        (place / "locked.png").chmod(0o600)
        assert names(opening(place, place / ".cache")) == ["good.png", "locked.png"]


def test_a_sub_folder_that_may_not_be_opened_is_a_line(without_rights, cuts):
    with without_rights() as place:
        (place / "good.png").write_bytes(cuts[0])
        (place / "locked").mkdir(mode=0)
        assert list(reasons(opening(place, place / ".cache")).values()) == ["unreadable_file"]


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
    cache_file(cache, "index-*.safetensors").write_bytes(damage)
    photos = opened()
    assert (photos.opened_count, len(photos.tiles), opened().opened_count) == (40, 40, 0)


def test_an_index_that_breaks_off_is_made_anew(opened, cache):
    opened()
    file = cache_file(cache, "index-*.safetensors")
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
    photos = opening(folder, tmp_path / "file" / "cache")
    assert (len(photos.tiles), photos.note[:27]) == (40, "The index cannot be kept in")


def test_two_folders_have_two_indexes(opened, folder, cache, tmp_path, cuts):
    opened()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "one.png").write_bytes(cuts[50])
    assert len(opening(tmp_path / "other", cache).tiles) == 1
    assert opened().opened_count == 0


def test_the_photos_folder_is_left_as_it_was(opened, folder):
    before = sorted(path.name for path in folder.iterdir())
    opened()
    assert sorted(path.name for path in folder.iterdir()) == before


def kept(cache):
    """The names of the files that are kept, but for the lock, without what differs from run to run."""
    return sorted(
        re.sub("-[0-9a-f]{16}", "", path.name) for path in cache.rglob("*") if path.name != "lock" and path.is_file()
    )


def test_the_cache_holds_two_files_and_no_leftovers(opened, cache):
    opened()
    assert kept(cache) == ["files-v4.json", "index-v4.safetensors"]


def test_what_earlier_versions_left_is_cleared_away(opened, cache, folder):
    opened()
    place = cache_file(cache, "files-*.json").parent
    for name in ("index-v2-0123456789abcdef.npy", "files-v2.json", "files-v4.json-0123456789abcdef"):
        (place / name).write_bytes(b"old")
    (folder / "000.png").unlink()
    opened()
    assert kept(cache) == ["files-v4.json", "index-v4.safetensors"]


def test_a_folder_that_is_not_there_is_refused(cache, tmp_path):
    with pytest.raises(NoUsableTiles, match="There is no folder"):
        opening(tmp_path / "nowhere", cache)


def test_a_file_instead_of_a_folder_is_refused(cache, folder):
    with pytest.raises(NoUsableTiles, match="There is no folder"):
        opening(folder / "000.png", cache)


def test_an_empty_folder_is_refused(cache, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoUsableTiles, match="holds no files"):
        opening(tmp_path / "empty", cache)


@pytest.mark.parametrize("run", ["first", "second"])
def test_a_folder_without_one_usable_photo_is_refused_with_a_reason(cache, tmp_path, run):
    place = tmp_path / "texts"
    place.mkdir()
    (place / "a.txt").write_bytes(b"text")
    (place / "b.jpg").write_bytes(b"")
    for _ in range(("first", "second").index(run)):
        with pytest.raises(NoUsableTiles):
            opening(place, cache)
    with pytest.raises(NoUsableTiles, match=r"None of the 2 files .* usable photo; a.txt: The file is not a picture"):
        opening(place, cache)


def test_a_folder_whose_last_photo_went_is_refused(cache, tmp_path, cuts):
    place = tmp_path / "photos"
    place.mkdir()
    (place / "a.png").write_bytes(cuts[0])
    opening(place, cache)
    (place / "a.png").unlink()
    with pytest.raises(NoUsableTiles):
        opening(place, cache)


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
    assert all(photos.read(row.tobytes()) for row in photos.tiles.content)


@pytest.fixture
def no_decoder(monkeypatch):
    """From now on, pictures cannot be decoded, neither here nor in processes that are forked from here."""

    def broken(*_args, **_options):
        raise MemoryError

    def breaks():
        monkeypatch.setattr(Image, "frombytes", broken)
        monkeypatch.setattr(Image, "open", broken)

    return breaks


def test_a_moved_photo_costs_a_hash_and_is_not_decoded(opened, folder, no_decoder):
    first = opened()
    (folder / "deep").mkdir()
    (folder / "007.png").rename(folder / "deep" / "other.png")
    no_decoder()
    photos = opened()
    assert (photos.opened_count, photos.skipped, "other.png" in names(photos)) == (1, [], True)
    np.testing.assert_array_equal(photos.tiles.thumb, first.tiles.thumb)


def test_a_photo_with_a_new_time_costs_a_hash_and_is_not_decoded(opened, folder, no_decoder):
    opened()
    os.utime(folder / "007.png", ns=(0, 1))
    no_decoder()
    photos = opened()
    assert (photos.opened_count, photos.skipped) == (1, [])


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_another_photo_of_the_same_size_with_another_time_is_opened(opened, folder, encoded, noise, seconds):
    photo = folder / "same-size.bmp"
    photo.write_bytes(encoded(noise(32, 32, 1), "BMP"))
    before, first = photo.stat(), opened()
    photo.write_bytes(encoded(noise(32, 32, 2), "BMP"))
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns + seconds * 10**9))
    assert photo.stat().st_size == before.st_size
    again = opened()
    assert (again.opened_count, len(again.tiles)) == (1, len(first.tiles))
    assert (
        len({bytes(content) for tiles in (again.tiles, first.tiles) for content in tiles.content})
        == len(first.tiles) + 1
    )


def test_without_a_decoder_a_changed_photo_would_be_no_tile(opened, folder, no_decoder, cuts):
    opened()
    (folder / "007.png").write_bytes(cuts[50])
    no_decoder()
    assert reasons(opened()) == {"007.png": "too_many_pixels"}


def test_the_same_photos_make_the_same_file_whatever_happened_to_them(opened, folder, cache, cuts):
    opened()
    once = cache_file(cache, "index-*.safetensors").read_bytes()
    (folder / "007.png").rename(folder / "moved.png")
    (folder / "new.png").write_bytes(cuts[50])
    (folder / "012.png").unlink()
    opened()
    assert cache_file(cache, "index-*.safetensors").read_bytes() != once
    (folder / "new.png").unlink()
    (folder / "back.png").write_bytes(cuts[12])
    opened()
    assert cache_file(cache, "index-*.safetensors").read_bytes() == once


def test_the_first_run_knows_of_no_changes(opened):
    assert opened().changes is None


def test_changes_are_counted(opened, folder, cuts):
    opened()
    (folder / "001.png").rename(folder / "moved.png")
    (folder / "002.png").unlink()
    (folder / "003.png").unlink()
    (folder / "004.png").write_bytes(cuts[50])
    for number in (51, 52, 53):
        (folder / f"new-{number}.png").write_bytes(cuts[number])
    os.utime(folder / "005.png", ns=(0, 1))
    assert opened().changes == (3, 1, 1, 2)
    assert opened().changes == (0, 0, 0, 0)


@pytest.mark.parametrize("damage", [b"", b"\0" * 200], ids=["empty", "zeros"])
@pytest.mark.parametrize("name", ["files-*.json", "index-*.safetensors"])
def test_a_person_is_told_that_the_cache_was_damaged(opened, cache, name, damage):
    assert opened().note == ""
    cache_file(cache, name).write_bytes(damage)
    assert (opened().note, opened().note) == (DAMAGED, "")


def test_one_flipped_bit_of_the_index_is_damage(opened, cache):
    opened()
    file = cache_file(cache, "index-*.safetensors")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    photos = opened()
    assert (photos.opened_count, photos.note) == (40, DAMAGED)


@pytest.fixture
def burst(folder, encoded, photographs):
    """The forty photos, and three pictures that are nearly the same; the second is the largest."""
    with Image.open(photographs / "chelsea.png") as photograph:
        for number, size in enumerate([(90, 60), (120, 80), (100, 66)]):
            (folder / f"cat-{number}.jpg").write_bytes(encoded(photograph.resize(size), "JPEG"))
    return folder


def test_near_duplicates_stay_unless_asked_otherwise(burst, cache):
    photos = opening(burst, cache)
    assert (len(photos.tiles), photos.skipped) == (43, [])


def test_near_duplicates_are_left_out_and_named_with_what_stands_for_them(burst, cache):
    photos = folder_index.open_folder(str(burst), quiet, str(cache), dedupe=True)
    assert len(photos.tiles) == 41
    assert sorted(photos.skipped) == [
        ("cat-0.jpg", "near_duplicate", "Nearly the same as cat-1.jpg."),
        ("cat-2.jpg", "near_duplicate", "Nearly the same as cat-1.jpg."),
    ]


ON_SIDE = Image.Exif()
ON_SIDE[0x0112] = 6


@pytest.mark.parametrize(
    ("large", "small"),
    [
        # Each is decoded at a scale of its own: the large one at 100 x 75 and 200 x 150.
        (("JPEG", (800, 600), {}), ("JPEG", (240, 180), {})),
        (("JPEG", (1_600, 1_200), {}), ("WEBP", (320, 240), {})),
        (("JPEG", (800, 600), {"progressive": True}), ("PNG", (200, 150), {})),
        (("JPEG", (800, 600), {"exif": ON_SIDE}), ("JPEG", (240, 180), {"exif": ON_SIDE})),
        (("JPEG", (1_600, 1_200), {"exif": ON_SIDE}), ("TIFF", (320, 240), {"tiffinfo": {0x0112: 6}})),
        (("MPO", (800, 600), {}), ("AVIF", (240, 180), {})),
        (("WEBP", (400, 300), {}), ("JPEG", (399, 300), {})),
        (("HEIF", (400, 300), {}), ("GIF", (320, 240), {})),
    ],
)
def test_the_photo_with_the_most_pixels_in_its_file_stands(photographs, encoded, tmp_path, cache, large, small):
    (tmp_path / "photos").mkdir()
    with Image.open(photographs / "chelsea.png") as photograph:
        for name, (form, size, how) in {"small": small, "large": large}.items():
            (tmp_path / "photos" / name).write_bytes(encoded(photograph.resize(size), form, **how))
    photos = folder_index.open_folder(str(tmp_path / "photos"), quiet, str(cache), dedupe=True)
    assert photos.skipped == [("small", "near_duplicate", "Nearly the same as large.")]


def test_what_was_said_of_near_duplicates_holds_until_something_else_is_said(burst, cache, cuts):
    folder_index.open_folder(str(burst), quiet, str(cache), dedupe=True)
    assert len(opening(burst, cache).tiles) == 41
    (burst / "new.png").write_bytes(cuts[50])
    assert len(opening(burst, cache).tiles) == 42
    assert len(folder_index.open_folder(str(burst), quiet, str(cache), dedupe=False).tiles) == 44
    assert len(opening(burst, cache).tiles) == 44


def test_an_index_with_near_duplicates_left_out_is_in_the_order_of_its_contents(burst, cache):
    whole = opening(burst, cache).tiles
    fewer = folder_index.open_folder(str(burst), quiet, str(cache), dedupe=True).tiles
    left = {content.tobytes() for content in fewer.content}
    kept = [number for number, content in enumerate(whole.content) if content.tobytes() in left]
    np.testing.assert_array_equal(fewer.thumb, whole.thumb[kept])


@pytest.fixture
def deadly(monkeypatch):
    """Make certain bytes kill whoever decodes them, as a hole in a decoder would."""
    decode, reader = Image.frombytes, Image.open

    def kills(data):
        def judged(function, given, *args, **options):
            held = (
                given.getvalue() if isinstance(given, BytesIO) else b"".join(a for a in args if isinstance(a, bytes))
            )
            if data in held:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(given, *args, **options)

        monkeypatch.setattr(Image, "frombytes", partial(judged, decode))
        monkeypatch.setattr(Image, "open", partial(judged, reader))

    return kills


def test_photos_that_kill_their_decoder_are_lines_and_all_others_are_tiles(opened, folder, deadly, cuts):
    for number in (0, 17, 39, 40, 41):
        (folder / f"{number:03}.png").write_bytes(cuts[number] + b"DEADLY")
    deadly(b"DEADLY")
    photos = opened()
    assert len(photos.tiles) == 37
    assert reasons(photos) == dict.fromkeys(
        ["000.png", "017.png", "039.png", "040.png", "041.png"], "damaged_picture"
    )
    assert opened().opened_count == 0


def test_threads_find_what_processes_find(folder, tmp_path, monkeypatch):
    (folder / "notes.txt").write_bytes(b"remember the milk")
    shutil.copy(folder / "003.png", folder / "zz-copy.png")
    forked = opening(folder, tmp_path / "one")
    monkeypatch.setattr(process_pool, "FORKS", False)
    monkeypatch.setattr(process_pool, "THREAD_CHUNK", 7)
    threaded = opening(folder, tmp_path / "other")
    assert (threaded.skipped, threaded.paths) == (forked.skipped, forked.paths)
    one, other = (cache_file(tmp_path / name, "index-*.safetensors").read_bytes() for name in ("one", "other"))
    assert one == other


def test_progress_counts_every_file_to_the_last(folder, cache):
    reported = []
    folder_index.open_folder(str(folder), lambda *news: reported.append(news), str(cache))
    assert reported[-1] == ("indexing", 40, 40)
    assert [done for _, done, _ in reported] == sorted(done for _, done, _ in reported)


def test_what_progress_raises_ends_the_work_and_what_was_measured_is_kept(folder, cache, monkeypatch):
    reader = Image.open

    def slowly(*args, **options):
        time.sleep(0.2)
        return reader(*args, **options)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(process_pool, "CHUNK", 1)
    monkeypatch.setattr(Image, "open", slowly)
    with pytest.raises(KeyboardInterrupt):
        folder_index.open_folder(str(folder), stop, str(cache))
    monkeypatch.undo()
    assert 0 < opening(folder, cache).opened_count < 40


def test_a_run_whose_index_another_run_replaced_meanwhile_begins_anew(opened, folder, cache, cuts):
    opened()
    os.utime(folder / "000.png", ns=(1, 1))
    waiting = [lambda: (folder / "new.png").write_bytes(cuts[50]), opened]

    def meanwhile(*_):
        while waiting:
            waiting.pop(0)()

    photos = folder_index.open_folder(str(folder), meanwhile, str(cache), dedupe=True)
    assert (len(photos.paths), len(list(cache.rglob("index-*")))) == (40, 1)
    after = opened()
    assert (len(after.paths), after.snapshot.dedupe, after.note) == (41, True, "")


def test_a_run_waits_while_another_reads_or_replaces_files(opened, cache):
    opened()
    with (cache_file(cache, "files-*.json").parent / "lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=opened)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
    waiting.join()
