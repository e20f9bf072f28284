"""What every store must do: one in a folder, and one on S3 over real HTTP."""

import errno
import io
import os
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from models.errors import BadConfiguration, StorageFull, StorageUnreachable, StorageUnreadable
from models.rules.tile_set_words import SourceKind
from models.storage import BucketStore, Cache, FolderStore, Store, open_store
from worker.tile_sets import sources
from worker.tile_sets.sources import Photo, Zips

SOON = timedelta(milliseconds=300)


@pytest.fixture(params=["folder", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder, or a part of a fresh bucket; this process has the keys."""
    if request.param == "folder":
        return f"file://{tmp_path / 'store'}"
    return f"s3://{request.getfixturevalue('s3').new_bucket()}/a/prefix"


@pytest.fixture
def store(address: str, tmp_path: Path) -> Store:
    return open_store(address, tmp_path / "cache", 1 << 30)


@pytest.fixture
def bucket(s3: Any) -> str:
    return str(s3.new_bucket())


@pytest.fixture
def bucket_store(bucket: str, tmp_path: Path) -> BucketStore:
    return BucketStore(bucket, "", Cache(tmp_path / "cache", 1 << 30))


def keys(store: Store, prefix: str = "") -> list[str]:
    return sorted(blob.key for blob in store.list(prefix))


def test_what_is_put_can_be_got(store: Store) -> None:
    store.put("a/b", b"bytes")
    assert store.get("a/b") == b"bytes"


def test_a_file_and_a_path_can_be_put_as_well_as_bytes(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"from a path")
    store.put("path", path)
    store.put("file", io.BytesIO(b"from a file"))
    assert (store.get("path"), store.get("file")) == (b"from a path", b"from a file")


@pytest.mark.parametrize("size", [0, 1, 5 << 20, 11_000_001])
def test_a_file_is_hashed_while_it_is_put(store: Store, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    assert store.put_hashed("a", tmp_path / "file") == sha256(data).hexdigest()
    assert store.get("a") == data


class OddReader(FolderStore):
    """A store that reads what is put into it in some other way than obstore does."""

    def __init__(self, root: Path, read: Callable[[Any], object]) -> None:
        super().__init__(root)
        self.read = read

    def put(self, key: str, content: Any) -> None:
        self.read(content)


@pytest.mark.parametrize(
    "read",
    [
        lambda file: (file.read(5), file.seek(0), file.read()),
        lambda file: (file.seek(3), file.read()),
        lambda file: (file.readinto(bytearray(5)), file.read()),
        lambda file: file.readall(),
        lambda file: file.read(9),
        lambda file: file.tell(),
    ],
    ids=[
        "twice",
        "from its middle",
        "by another method at first",
        "by another method",
        "not to its end",
        "not at all",
    ],
)
def test_a_file_that_is_not_read_once_and_in_order_gets_no_hash(
    tmp_path: Path, read: Callable[[Any], object]
) -> None:
    (tmp_path / "file").write_bytes(bytes(range(10)))
    with pytest.raises(RuntimeError, match="read"):
        OddReader(tmp_path / "store", read).put_hashed("a", tmp_path / "file")


def test_a_blob_may_be_empty(store: Store) -> None:
    store.put("empty", b"")
    size, chunks = store.stream("empty")
    with store.open("empty") as file:
        assert (size, list(chunks), file.read(), store.path("empty").read_bytes()) == (0, [], b"", b"")


def test_putting_again_replaces(store: Store) -> None:
    store.put("a", b"old")
    store.put("a", b"new")
    assert store.get("a") == b"new"


def test_a_stream_tells_the_size_and_gives_every_byte(store: Store) -> None:
    data = os.urandom(11_000_001)
    store.put("large", io.BytesIO(data))
    size, chunks = store.stream("large")
    pieces = list(chunks)
    assert (size, b"".join(pieces)) == (len(data), data)
    assert max(map(len, pieces)) <= 4 << 20


def test_a_range_gives_its_bytes_alone_and_ends_where_the_blob_does(store: Store) -> None:
    store.put("a", bytes(range(100)))
    assert store.get_range("a", 10, 3) == bytes([10, 11, 12])
    assert store.get_range("a", 98, 10) == bytes([98, 99])
    assert store.get_range("a", 5, 0) == b""


def test_an_opened_blob_can_be_sought_and_read_like_a_file(store: Store, tmp_path: Path) -> None:
    data = os.urandom(21_000_000)
    (tmp_path / "same").write_bytes(data)
    store.put("large", data)
    with store.open("large") as file, (tmp_path / "same").open("rb") as same:
        for offset, whence, length in [
            (-10, io.SEEK_END, 20), (0, io.SEEK_SET, 1), (5, io.SEEK_CUR, 3), (4_194_300, io.SEEK_SET, 10),
            (20_000_000, io.SEEK_SET, 2_000_000), (30_000_000, io.SEEK_SET, 1), (3, io.SEEK_SET, 9_000_000),
        ]:  # fmt: skip
            assert file.seek(offset, whence) == same.seek(offset, whence)
            assert file.read(length) == same.read(length)
            assert file.tell() == same.tell()


def test_the_path_of_a_blob_holds_its_bytes(store: Store) -> None:
    store.put("a/b", b"bytes")
    assert store.path("a/b").read_bytes() == b"bytes"


def test_what_is_fetched_is_what_was_put(store: Store) -> None:
    store.put("a/b", b"bytes")
    assert (store.fetched("a/b"), store.fetched("a/b")) == (b"bytes", b"bytes")


def test_the_size_of_a_blob_is_known_without_reading_it(store: Store) -> None:
    store.put("a", b"12345")
    assert store.size("a") == 5


def test_what_is_moved_has_the_same_bytes_under_its_new_key_alone(store: Store) -> None:
    store.put("a/b", b"bytes")
    store.put("a/c", b"others")
    assert set(store.move({"a/b": "x/b", "a/c": "x/y/c", "nowhere": "x/d"})) == {"a/b", "a/c"}
    assert (store.get("x/b"), store.get("x/y/c"), keys(store)) == (b"bytes", b"others", ["x/b", "x/y/c"])


def test_what_is_moved_never_takes_the_place_of_another(store: Store) -> None:
    store.put("a", b"old")
    store.put("b", b"newer")
    assert list(store.move({"a": "b"})) == []
    assert (store.get("a"), store.get("b")) == (b"old", b"newer")


def test_what_is_moved_counts_as_written_now(store: Store) -> None:
    store.put("a", b"1")
    if isinstance(store, FolderStore):
        os.utime(store.folder / "a", (0, 0))
    store.move({"a": "b"})
    (blob,) = store.list()
    assert abs(blob.written_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_folder_that_is_empty_after_a_move_is_gone(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.put("a/b/c", b"1")
    store.put("a/d", b"2")
    store.move({"a/b/c": "x"})
    assert sorted(path.name for path in store.folder.rglob("*")) == ["a", "d", "x"]


def test_what_is_too_large_for_a_copy_on_the_server_goes_to_its_new_key_in_parts(
    bucket_store: BucketStore, bucket: str, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.storage.bucket.LARGEST_COPY_BYTES", 10 << 20)
    data = os.urandom(11 << 20)
    bucket_store.put("large", data)
    before = len(s3.requests(bucket))
    assert list(bucket_store.move({"large": "elsewhere"})) == ["large"]
    assert (bucket_store.get("elsewhere") == data, keys(bucket_store)) == (True, ["elsewhere"])
    assert sum("/elsewhere" in line and "partNumber=" in line for line in s3.requests(bucket)[before:]) == 3


def test_a_few_words_about_a_store_are_kept_once_or_over_others(store: Store) -> None:
    store.note("about", "first", over=False)
    store.note("about", "second", over=False)
    assert store.get("about") == b"first"
    store.note("about", "third", over=True)
    assert store.get("about") == b"third"


def test_a_store_tells_whether_it_holds_a_blob(store: Store) -> None:
    store.put("a/b", b"1")
    assert (store.holds("a/b"), store.holds("a"), store.holds("b")) == (True, False, False)


def test_deleted_blobs_are_gone_and_what_was_gone_is_no_error(store: Store) -> None:
    for key in ("a", "b", "c"):
        store.put(key, b"1")
    store.delete(["a"])
    store.delete(["nowhere", "a", "b"])
    store.delete([])
    assert keys(store) == ["c"]


def test_a_list_names_what_lies_below_a_prefix(store: Store) -> None:
    for key in ("x/1", "x/2", "xy/1", "y/1"):
        store.put(key, b".")
    assert keys(store, "x") == keys(store, "x/") == ["x/1", "x/2"]
    assert keys(store, "nothing") == []


def test_a_list_tells_when_and_how_large(store: Store) -> None:
    before = datetime.now(UTC)
    store.put("a", b"12345")
    (blob,) = store.list()
    assert blob.size_bytes == 5
    assert abs(blob.written_at - before) < timedelta(minutes=5)


def test_more_blobs_than_a_page_holds_are_listed_and_deleted(store: Store) -> None:
    names = [f"x/{number:04}" for number in range(1_001)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store.put(name, b"."), names))
    assert keys(store) == names
    store.delete(names)
    assert keys(store) == []


@pytest.mark.parametrize("ask", ["get", "stream", "open", "path", "size", "fetched"])
def test_what_is_not_there_is_a_clear_error(store: Store, ask: str) -> None:
    with pytest.raises(StorageUnreadable, match="holds nothing under 'nowhere'"):
        getattr(store, ask)("nowhere")


def test_a_range_of_nothing_is_a_clear_error(store: Store) -> None:
    with pytest.raises(StorageUnreadable, match="holds nothing under 'nowhere'"):
        store.get_range("nowhere", 0, 1)


class FullDisk(io.RawIOBase):
    """A file whose reading stops in the middle, as a write to a full disk does."""

    def __init__(self) -> None:
        self.left = 3

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return 100 << 20 if whence == io.SEEK_END else 0

    def tell(self) -> int:
        return 0

    def read(self, size: int = -1) -> bytes:
        self.left -= 1
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return b"x" * (5 << 20)


def test_a_disk_that_fills_up_is_storage_full_and_publishes_nothing(store: Store) -> None:
    store.put("a", b"whole")
    with pytest.raises(StorageFull):
        store.put("a", FullDisk())  # type: ignore[arg-type]
    assert store.get("a") == b"whole"
    assert keys(store) == ["a"]


WRITER = """
import io, sys, time
from pathlib import Path
from models.storage import open_store

class Slow(io.BytesIO):
    def read(self, size=-1):
        if self.tell() > 12 << 20:
            print("in the middle", flush=True)
            time.sleep(600)
        return super().read(size)

open_store(sys.argv[1], Path(sys.argv[2]), 0).put("a", Slow(bytes(20 << 20)))
"""


def test_a_writer_that_is_killed_in_the_middle_publishes_nothing(store: Store, address: str, tmp_path: Path) -> None:
    store.put("a", b"whole")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, address, str(tmp_path)], stdout=subprocess.PIPE)
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"in the middle\n"
        writer.send_signal(signal.SIGKILL)
    assert store.get("a") == b"whole"
    assert keys(store) == ["a"]


def test_a_folder_that_cannot_be_made_is_a_bad_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadConfiguration, match="cannot be used"):
        FolderStore(tmp_path / "file" / "store")


def test_what_a_folder_refuses_is_said_in_the_systems_words(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    (tmp_path / "store" / "mosaics").write_bytes(b"")
    for refused in (lambda: store.put("mosaics/1", b"x"), lambda: store.get("mosaics/1")):
        with pytest.raises(StorageUnreadable, match=r"^The store refused 'mosaics/1': Not a directory\.$"):
            refused()


def test_a_folder_tells_how_much_room_it_has_and_a_bucket_cannot(bucket_store: BucketStore, tmp_path: Path) -> None:
    room = os.statvfs(tmp_path)
    free = FolderStore(tmp_path / "store").free_bytes()
    assert abs(free - room.f_bavail * room.f_frsize) < 1 << 30
    assert bucket_store.free_bytes() is None


def test_a_large_blob_goes_to_a_bucket_in_parts(bucket_store: BucketStore, bucket: str, s3: Any) -> None:
    bucket_store.put("large", io.BytesIO(bytes(11 << 20)))
    assert sum("partNumber=" in line for line in s3.requests(bucket)) == 3
    assert bucket_store.size("large") == 11 << 20


def test_a_hundred_blobs_of_a_bucket_are_deleted_by_one_request(
    bucket_store: BucketStore, bucket: str, s3: Any
) -> None:
    names = [f"{number}" for number in range(100)]
    for name in names:
        bucket_store.put(name, b".")
    before = len(s3.requests(bucket))
    bucket_store.delete(names)
    assert len(s3.requests(bucket)) - before == 1


@pytest.mark.parametrize(("count", "size"), [(300, 100_000), (60, 1_500_000)])
def test_a_zip_in_a_bucket_is_read_by_range_and_little_more_than_once(
    count: int, size: int, bucket_store: BucketStore, bucket: str, s3: Any
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for number in range(count):
            made.writestr(f"{number}.jpg", os.urandom(size))
    bucket_store.put("zip", file.getvalue())
    photos = [Photo(f"{number}.jpg", SourceKind.ARCHIVE.value, "zip", number) for number in range(count)]
    before = len(s3.requests(bucket))
    zips = Zips(bucket_store)
    read = partial(sources.read, store=bucket_store, zips=zips, max_bytes=1 << 30)
    lengths = [len(data) for data in sources.each(read, photos, bucket_store)]
    zips.keep_only(())
    assert lengths == [size] * count
    blocks = -(-len(file.getvalue()) // (4 << 20))
    # A thread that the machine held up comes back to a block that is gone.
    assert len(s3.requests(bucket)) - before <= blocks * 5 // 4 + 3


def test_one_entry_of_a_zip_in_a_bucket_costs_its_blocks_alone(
    bucket_store: BucketStore, bucket: str, s3: Any
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for number in range(40):
            made.writestr(f"{number}.jpg", os.urandom(1_000_000))
    bucket_store.put("zip", file.getvalue())
    before = len(s3.requests(bucket))
    with bucket_store.open("zip") as opened, zipfile.ZipFile(opened) as archive:
        assert len(archive.read("3.jpg")) == 1_000_000
    asked = [line.split()[0] for line in s3.requests(bucket)[before:]]
    assert asked == ["HEAD", "GET", "GET"]


def test_what_was_fetched_from_a_bucket_is_not_asked_for_again(
    bucket_store: BucketStore, bucket: str, s3: Any, tmp_path: Path
) -> None:
    bucket_store.put("a", b"bytes")
    assert bucket_store.fetched("a") == b"bytes"
    before = len(s3.requests(bucket))
    another = BucketStore(bucket, "", Cache(tmp_path / "cache", 1 << 30))
    assert (another.fetched("a"), another.path("a").read_bytes()) == (b"bytes", b"bytes")
    assert len(s3.requests(bucket)) == before


def test_equal_keys_of_two_buckets_are_two_blobs_in_the_cache(s3: Any, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 1 << 30)
    for bucket, prefix in ((s3.new_bucket(), ""), (s3.new_bucket(), ""), (s3.new_bucket(), "x")):
        store = BucketStore(bucket, prefix, cache)
        store.put("a", bucket.encode())
        assert store.fetched("a") == bucket.encode()


def test_a_prefix_hides_what_lies_beside_it(bucket_store: BucketStore, bucket: str, tmp_path: Path) -> None:
    bucket_store.put("mine/a", b"1")
    bucket_store.put("other/b", b"2")
    mine = BucketStore(bucket, "mine", Cache(tmp_path / "cache", 1 << 30))
    assert (keys(mine), mine.get("a")) == (["a"], b"1")


def refused(ask: Callable[[], object], kind: type[Exception] = StorageUnreadable) -> str:
    with pytest.raises(kind) as error:
        ask()
    assert type(error.value) is kind
    return str(error.value)


def every_question(store: Store) -> Iterator[Callable[[], object]]:
    yield lambda: store.put("a", b"1")
    yield lambda: store.put("a", io.BytesIO(bytes(6 << 20)))
    yield lambda: store.get("a")
    yield lambda: list(store.list())
    yield lambda: store.delete(["a"])


def test_a_bucket_that_is_not_there_is_named(s3: Any, tmp_path: Path) -> None:
    store = open_store("s3://no-such-bucket/prefix", tmp_path / "cache", 1 << 30)
    sentence = f"There is no bucket 'no-such-bucket' at {s3.url}; make it, or correct its name."
    assert {refused(ask) for ask in every_question(store)} == {sentence}


def test_keys_that_are_refused_are_said_to_be(bucket_store: BucketStore, s3: Any) -> None:
    with s3.believing_nobody():
        sentences = {refused(ask) for ask in every_question(bucket_store)}
    assert {sentence.partition(";")[0] for sentence in sentences} == {
        f"S3 at {s3.url} refused the keys (InvalidAccessKeyId)"
    }


def test_an_endpoint_where_nobody_listens_is_unreachable(
    s3: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    store = BucketStore(bucket, "", Cache(tmp_path / "cache", 1 << 30), try_again=SOON)
    sentence = (
        "The store at http://127.0.0.1:1 does not answer; try again when it is up, or correct AWS_ENDPOINT_URL."
    )
    assert {refused(ask, StorageUnreachable) for ask in every_question(store)} == {sentence}


def test_an_endpoint_that_says_nothing_is_unreachable(
    s3: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        store = BucketStore(bucket, "", Cache(tmp_path / "cache", 1 << 30), silence=SOON, try_again=SOON)
        assert "does not answer" in refused(lambda: store.get("a"), StorageUnreachable)


def test_without_keys_it_is_keys_that_are_asked_for(
    s3: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    store = BucketStore(bucket, "", Cache(tmp_path / "cache", 1 << 30), try_again=SOON)
    sentence = "S3 needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    assert {refused(ask) for ask in every_question(store)} == {sentence}


def test_the_endpoint_of_s3_alone_goes_before_the_one_of_all_services(
    s3: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:1")
    store = BucketStore(bucket, "", Cache(tmp_path / "cache", 1 << 30), try_again=SOON)
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_a_bundle_of_certificates_that_is_not_there_is_a_bad_configuration(
    s3: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(BadConfiguration, match=r"AWS_CA_BUNDLE names a file that cannot be read: .*nowhere\.pem"):
        BucketStore(bucket, "", Cache(tmp_path / "cache", 1 << 30))
