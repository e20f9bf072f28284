"""Copies on this machine: within a bound, whole, the least recently used first to go, and never in the way."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.errors import StorageFull, StorageUnreadable
from models.storage import SCRATCH, Cache

BOUND = 80_000
KEPT = 7
"""One part in eight stays free: seven blobs of 10,000 bytes lie within a bound of 80,000."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> Cache:
    return Cache(folder, BOUND)


class Source:
    """Blobs of 10,000 bytes; counts how often each is fetched."""

    def __init__(self) -> None:
        self.fetches: list[str] = []

    def content(self, name: str) -> bytes:
        return name.encode().ljust(10_000, b".")

    def read(self, cache: Cache, name: str) -> bytes:
        def fetch() -> bytes:
            self.fetches.append(name)
            return self.content(name)

        return cache.read(name, fetch)

    def path(self, cache: Cache, name: str) -> Path:
        def fetch() -> tuple[int, Iterator[bytes]]:
            self.fetches.append(name)
            data = self.content(name)
            return len(data), iter([data[:4_000], data[4_000:]])

        return cache.path(name, fetch)


@pytest.fixture
def source() -> Source:
    return Source()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def total(folder: Path) -> int:
    return sum(path.stat().st_size for path in files(folder))


def grow_old(folder: Path) -> None:
    """Make every copy look a minute less used, so that the order of what follows is clear."""
    for path in files(folder):
        used = path.stat().st_mtime - 60
        os.utime(path, (used, used))


def test_what_was_read_is_not_fetched_again(cache: Cache, source: Source, folder: Path) -> None:
    assert source.read(cache, "a") == source.content("a")
    assert source.read(Cache(folder, BOUND), "a") == source.content("a")
    assert source.fetches == ["a"]


def test_a_path_leads_to_the_same_copy(cache: Cache, source: Source) -> None:
    source.read(cache, "a")
    assert source.path(cache, "a").read_bytes() == source.content("a")
    assert source.path(cache, "b").read_bytes() == source.content("b")
    assert source.read(cache, "b") == source.content("b")
    assert source.fetches == ["a", "b"]


def test_the_bound_holds_and_what_was_used_longest_ago_goes_first(cache: Cache, source: Source, folder: Path) -> None:
    for name in "abcdefg":
        source.read(cache, name)
        grow_old(folder)
    source.read(cache, "a")
    grow_old(folder)
    source.read(cache, "h")
    assert total(folder) == KEPT * 10_000
    source.fetches.clear()
    for name in "acdefgh":
        source.read(cache, name)
    assert source.fetches == []
    source.read(cache, "b")
    assert source.fetches == ["b"]


def test_what_is_larger_than_the_bound_is_read_and_not_kept(folder: Path, source: Source) -> None:
    small = Cache(folder, 9_000)
    assert source.read(small, "a") == source.content("a")
    assert files(folder) == []


def test_a_path_is_given_even_of_what_is_larger_than_the_bound(folder: Path, source: Source) -> None:
    small = Cache(folder, 0)
    assert source.path(small, "a").read_bytes() == source.content("a")
    assert source.read(small, "b") == source.content("b")
    assert total(folder) == 10_000


def test_a_path_that_was_handed_out_outlasts_all_that_is_read_in_the_next_minute_and_no_longer(
    cache: Cache, source: Source, folder: Path
) -> None:
    paths = [source.path(cache, f"index {number}") for number in range(10)]
    for number in range(30):
        source.read(cache, f"photo {number}")
    assert all(path.exists() for path in paths)
    grow_old(folder)
    grow_old(folder)
    for number in range(KEPT):
        source.read(cache, f"picture {number}")
    assert not any(path.exists() for path in paths)
    assert total(folder) == KEPT * 10_000


def test_a_copy_from_the_far_future_goes_like_an_old_one(cache: Cache, source: Source, folder: Path) -> None:
    source.read(cache, "a")
    (copy,) = files(folder)
    later = time.time() + 86_400
    os.utime(copy, (later, later))
    for name in "bcdefgh":
        source.read(cache, name)
        for path in set(files(folder)) - {copy}:
            os.utime(path, (later + 1, later + 1))
    assert not copy.exists()


def test_a_file_in_use_may_go_and_its_reader_keeps_it(cache: Cache, source: Source, folder: Path) -> None:
    with source.path(cache, "a").open("rb") as file:
        for path in files(folder):
            path.unlink()
        assert file.read() == source.content("a")


@pytest.mark.parametrize("damage", ["truncated", "emptied", "lengthened", "flipped"])
@pytest.mark.parametrize("way", ["read", "path"])
def test_a_damaged_copy_is_fetched_anew(cache: Cache, source: Source, folder: Path, damage: str, way: str) -> None:
    source.read(cache, "a")
    (copy,) = files(folder)
    data = bytearray(copy.read_bytes())
    changed = {
        "truncated": data[:-1],
        "emptied": b"",
        "lengthened": data + b"x",
        "flipped": bytes([data[0] ^ 1]) + data[1:],
    }
    copy.write_bytes(changed[damage])
    got = source.read(cache, "a") if way == "read" else source.path(cache, "a").read_bytes()
    assert got == source.content("a")
    assert source.fetches == ["a", "a"]
    assert len(files(folder)) == 1


def test_what_somebody_else_keeps_in_the_folder_stays(cache: Cache, source: Source, folder: Path) -> None:
    for name in ("letter.txt", "aa/letter.txt", "parts/letter.txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(BOUND))
        os.utime(path, (0, 0))
    for name in "abcdefghijkl":
        source.read(cache, name)
    assert {path.name for path in files(folder) if path.name.startswith("letter")} == {"letter.txt"}
    assert len([path for path in files(folder) if path.name == "letter.txt"]) == 3
    assert total(folder) == 3 * BOUND + KEPT * 10_000


def test_what_cannot_be_fetched_leaves_nothing_behind(cache: Cache, folder: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"the beginning"
        raise StorageUnreadable("gone")

    with pytest.raises(StorageUnreadable, match="gone"):
        cache.path("a", lambda: (100, broken()))
    assert files(folder) == []


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process's temporary files go."""
    made = tmp_path / "scratch"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


def test_where_no_folder_can_be_made_everything_works_without(tmp_path: Path, source: Source, scratch: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    without = Cache(tmp_path / "file" / "cache", BOUND)
    assert source.read(without, "a") == source.content("a")
    path = source.path(without, "b")
    assert path.read_bytes() == source.content("b")
    assert path.parent.parent == scratch
    assert path.parent.name.startswith(SCRATCH)


@pytest.fixture
def any_user() -> Iterator[None]:
    """Be a user whom permissions hold, if that is root here."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(before)


def test_a_folder_that_is_read_only_serves_what_it_has(
    cache: Cache, source: Source, folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source.read(cache, "a")
    (copy,) = files(folder)
    copy.chmod(0o644)
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        path.chmod(0o555)
    for parent in [*tmp_path.parents, tmp_path]:
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    request.getfixturevalue("any_user")
    assert source.read(cache, "a") == source.content("a")
    assert source.read(cache, "b") == source.content("b")
    assert source.read(cache, "b") == source.content("b")
    assert source.path(cache, "b").read_bytes() == source.content("b")
    assert source.fetches.count("a") == 1


@contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """Let this process write no file beyond so many bytes; its own log may be longer, so it ends within the test."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_costs_the_copy_and_not_the_bytes(cache: Cache, source: Source, folder: Path) -> None:
    with full_disk(5_000):
        read = source.read(cache, "a")
    assert read == source.content("a")
    assert files(folder) == []


def test_without_room_for_a_file_anywhere_the_disk_is_full(cache: Cache, source: Source, scratch: Path) -> None:
    with full_disk(5_000), pytest.raises(StorageFull):
        source.path(cache, "a")
    assert list(scratch.iterdir()) == []


def test_threads_that_read_at_once_get_every_byte_and_keep_to_the_bound(
    cache: Cache, source: Source, folder: Path
) -> None:
    wrong: list[str] = []

    def read_on(start: int) -> None:
        for number in range(200):
            name = f"{(start + number * 7) % 20}"
            if source.read(cache, name) != source.content(name):
                wrong.append(name)

    threads = [threading.Thread(target=read_on, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert total(folder) <= BOUND


class Beaten(Cache):
    """A cache whose oldest copy is removed by another process just after this one has looked."""

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        found = sorted(super()._files())
        found[0][2].unlink()
        yield from found


def test_what_another_process_removed_first_leaves_room_as_well(source: Source, folder: Path) -> None:
    for name in "abcdefg":
        source.read(Cache(folder, BOUND), name)
        grow_old(folder)
    source.read(Beaten(folder, BOUND), "h")
    assert total(folder) == KEPT * 10_000


def test_what_is_lent_after_the_clock_was_looked_at_is_not_removed(
    source: Source, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abcdefg":
        source.read(Cache(folder, BOUND), name)
        grow_old(folder)
    looked = Cache._files

    def lends_first(cache: Cache) -> Iterator[tuple[float, int, Path]]:
        time.sleep(0.01)
        for name in "abcdefg":
            source.path(Cache(folder, BOUND), name)
        return looked(cache)

    monkeypatch.setattr(Cache, "_files", lends_first)
    source.read(Cache(folder, BOUND), "h")
    source.fetches.clear()
    for name in "abcdefg":
        source.read(Cache(folder, 10 * BOUND), name)
    assert source.fetches == []


def test_a_part_that_is_whole_and_will_be_lent_is_not_removed(source: Source, folder: Path) -> None:
    source.read(Cache(folder, BOUND), "a")
    part = folder / "parts" / "part-whole"
    part.write_bytes(bytes(70_000))
    os.utime(part, (time.time() + 60, time.time() + 60))
    source.read(Cache(folder, BOUND), "b")
    assert part.exists()


def test_a_copy_that_is_lent_while_it_is_about_to_go_stays(cache: Cache, source: Source, folder: Path) -> None:
    for name in "abcdefg":
        source.read(cache, name)
        grow_old(folder)
    (oldest,) = (path for path in files(folder) if path.read_bytes() == source.content("a"))
    home = os.open(oldest.parent, os.O_RDONLY)
    fcntl.flock(home, fcntl.LOCK_SH)
    other = threading.Thread(target=source.read, args=(Cache(folder, BOUND), "h"))
    other.start()
    other.join(0.3)
    os.utime(oldest, (time.time() + 60, time.time() + 60))
    os.close(home)
    other.join()
    assert oldest.read_bytes() == source.content("a")


def test_a_lent_copy_that_is_read_stays_lent(cache: Cache, source: Source) -> None:
    path = source.path(cache, "a")
    source.read(cache, "a")
    assert path.stat().st_mtime > time.time() + 30


READER = """
import sys, random
from pathlib import Path
from models.storage import Cache

cache, dice = Cache(Path(sys.argv[1]), 80_000), random.Random(sys.argv[2])
for _ in range(400):
    name = str(dice.randrange(20))
    data = name.encode().ljust(10_000, b".")
    assert cache.read(name, lambda: data) == data
    assert cache.path("index", lambda: (10_000, iter([b"i" * 10_000]))).read_bytes() == b"i" * 10_000
"""


def test_processes_that_read_at_once_get_every_byte_and_keep_to_the_bound(folder: Path) -> None:
    readers = [subprocess.Popen([sys.executable, "-c", READER, str(folder), str(seed)]) for seed in range(2)]
    assert [reader.wait() for reader in readers] == [0, 0]
    assert total(folder) <= BOUND
    assert list((folder / "parts").iterdir()) == []


FETCHER = """
import sys, time
from pathlib import Path
from models.storage import Cache

def slow():
    yield bytes(40_000)
    print("in the middle", flush=True)
    time.sleep(600)

Cache(Path(sys.argv[1]), 80_000).path("a", lambda: (50_000, slow()))
"""


def test_a_process_that_is_killed_while_it_fetches_leaves_no_copy_and_its_part_goes_in_time(
    cache: Cache, source: Source, folder: Path
) -> None:
    fetcher = subprocess.Popen([sys.executable, "-c", FETCHER, str(folder)], stdout=subprocess.PIPE)
    with fetcher:
        assert fetcher.stdout is not None
        assert fetcher.stdout.readline() == b"in the middle\n"
        fetcher.send_signal(signal.SIGKILL)
    (part,) = files(folder)
    assert source.read(cache, "a") == source.content("a")
    long_ago = time.time() - 3_600
    os.utime(part, (long_ago, long_ago))
    for name in "bcdefg":
        source.read(cache, name)
    assert not part.exists()
    assert total(folder) == KEPT * 10_000
