"""Tiles of earlier mosaics: what is found again, what is thrown away, and what can go wrong with their file."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from worker.local_index import kept_tiles
from worker.local_index.kept_tiles import KeptTiles

MB = 1 << 20
TODAY = 500_000
TILE_BYTES = 7_500
ROOT = Path(__file__).parents[2]


def tile(number: int, byte_count: int = TILE_BYTES) -> bytes:
    """Pixels that differ from tile to tile."""
    return (number.to_bytes(4) * (byte_count // 4 + 1))[:byte_count]


def key(number: int) -> bytes:
    return b"key %d" % number


def keep(path, numbers, *, most_bytes=64 * MB, hour=TODAY):
    with closing(KeptTiles(str(path), most_bytes, hour)) as kept:
        for number in numbers:
            kept.keep(key(number), tile(number))


def found(path, numbers, *, most_bytes=64 * MB, hour=TODAY, byte_count=TILE_BYTES):
    """Which of some tiles are there; each must have its own pixels."""
    with closing(KeptTiles(str(path), most_bytes, hour)) as kept:
        pixels = kept.find([key(number) for number in numbers], byte_count)
    there = [number for number, data in zip(numbers, pixels, strict=True) if data is not None]
    assert [pixels[list(numbers).index(number)] for number in there] == [tile(number) for number in there]
    return there


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept.sqlite"


def test_a_tile_is_found_by_the_next_mosaic_and_others_are_not(path):
    keep(path, [1, 2])
    assert found(path, [3, 2, 1]) == [2, 1]


def test_a_tile_of_another_size_than_asked_for_is_not_found(path):
    keep(path, [1])
    assert found(path, [1], byte_count=TILE_BYTES - 1) == []


def test_a_tile_whose_pixels_have_changed_is_not_found_and_can_be_kept_again(path):
    keep(path, [1, 2])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE pixels SET pixels = zeroblob(?) WHERE tile = 1", (TILE_BYTES,))
    assert found(path, [1, 2]) == [2]
    keep(path, [1])
    assert found(path, [1, 2]) == [1, 2]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM pixels").fetchone() == (2,)


@pytest.mark.parametrize("junk", [b"no database at all" * 600, b"SQLite format 3\0" + bytes(8_000)])
def test_a_file_that_is_no_database_is_made_anew(path, junk):
    path.write_bytes(junk)
    keep(path, [1])
    assert found(path, [1]) == [1]


def test_a_file_with_other_tables_is_made_anew(path):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE tiles (of_another_program TEXT)")
    keep(path, [1])
    keep(path, [1])
    assert found(path, [1]) == [1]


def test_a_file_that_is_damaged_inside_is_thrown_away_and_made_anew_by_the_next_mosaic(path):
    keep(path, range(200))
    with path.open("r+b") as file:
        file.seek(2 * kept_tiles.PAGE_BYTES)
        file.write(os.urandom(40 * kept_tiles.PAGE_BYTES))
    for _ in range(2):
        keep(path, range(200))
    assert found(path, range(200)) == list(range(200))


def test_the_file_stays_within_its_limit_and_what_was_used_longest_ago_goes_first(path):
    keep(path, range(100), hour=TODAY - 3)
    keep(path, range(100, 200), hour=TODAY - 2)
    assert found(path, range(50), hour=TODAY - 1) == list(range(50))
    keep(path, range(200, 270), most_bytes=2 * MB)
    assert path.stat().st_size <= 2 * MB
    gone = sorted(set(range(270)) - set(found(path, range(270))))
    assert gone == list(range(50, 50 + len(gone)))
    # 2 MB are 256 pages of 8,192 bytes, and a tile fills one; a tenth of them is left free for what comes.
    assert 20 <= len(gone) <= 50


def test_one_mosaic_keeps_no_more_than_there_is_room_for(path):
    keep(path, range(2_000), most_bytes=MB)
    assert path.stat().st_size <= MB
    assert 100 < len(found(path, range(2_000))) <= 128


def test_nothing_is_kept_and_no_file_made_without_room(tmp_path):
    with kept_tiles.opened(0, str(tmp_path)) as kept:
        assert kept is None
    assert list(tmp_path.iterdir()) == []


def test_the_file_lies_in_a_folder_that_only_its_owner_can_read(tmp_path):
    with kept_tiles.opened(MB, str(tmp_path)) as kept:
        kept.keep(key(1), tile(1))
    (made,) = (tmp_path / "tiles").iterdir()
    assert made.parent.stat().st_mode & 0o777 == 0o700
    assert found(made, [1]) == [1]


@pytest.mark.parametrize("cache", ["/dev/null/cache", "/proc/cache"])
def test_where_no_file_can_be_made_nothing_is_kept_and_nothing_fails(cache):
    with kept_tiles.opened(MB, cache) as kept:
        kept.keep(key(1), tile(1))
        kept.flush()
        assert kept.find([key(1)], TILE_BYTES) == [None]


def test_a_folder_in_the_files_place_is_left_alone(path):
    path.mkdir()
    keep(path, [1])
    assert found(path, [1]) == []
    assert path.is_dir()


def test_a_full_disk_loses_the_new_tiles_alone(path):
    keep(path, range(20))
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
    try:
        keep(path, range(20, 400))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert found(path, range(400)) == list(range(20))


def test_a_file_that_another_process_holds_is_done_without(path, monkeypatch):
    monkeypatch.setattr(kept_tiles, "WAIT_SECONDS", 0.05)
    keep(path, [1])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        keep(path, [2])
        assert found(path, [1, 2]) == [1]
    keep(path, [2])
    assert found(path, [1, 2]) == [1, 2]


WRITER = """
import sys
sys.path.insert(0, "tests/unit")
from test_kept_tiles import keep
for first in range(int(sys.argv[2]), int(sys.argv[3]), 20):
    keep(sys.argv[1], range(first, first + 20))
    print(first, flush=True)
"""


def writing(path, first, end):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, path, str(first), str(end)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_several_processes_may_keep_tiles_at_once(path):
    writers = [writing(path, first, first + 200) for first in (0, 200, 100)]
    assert [(writer.communicate()[0].count("\n"), writer.returncode) for writer in writers] == [(10, 0)] * 3
    assert found(path, range(400)) == list(range(400))
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM pixels").fetchone() == (400,)


def test_what_was_kept_before_a_process_was_killed_is_found(path):
    with writing(path, 0, 100_000) as writer:
        for _ in range(5):
            writer.stdout.readline()
        writer.kill()
    assert found(path, range(100)) == list(range(100))
