"""What every store must do; the folder store does it."""

import errno
import io
from pathlib import Path

import pytest

from models.errors import BadConfiguration, StorageFull, StorageUnreadable
from models.storage import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def keys(store: Store) -> list[str]:
    return sorted(blob.key for blob in store.list())


def test_what_is_put_can_be_got(store: Store) -> None:
    store.put("a/b", b"bytes")
    assert store.get("a/b") == b"bytes"


def test_a_file_and_a_path_can_be_put_as_well_as_bytes(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"from a path")
    store.put("path", path)
    store.put("file", io.BytesIO(b"from a file"))
    assert (store.get("path"), store.get("file")) == (b"from a path", b"from a file")


def test_putting_again_replaces(store: Store) -> None:
    store.put("a", b"old")
    store.put("a", b"new")
    assert store.get("a") == b"new"


def test_a_stream_tells_the_size_and_gives_every_byte(store: Store) -> None:
    data = bytes(range(256)) * 20_000
    store.put("large", io.BytesIO(data))
    size, chunks = store.stream("large")
    assert (size, b"".join(chunks)) == (len(data), data)


def test_an_opened_blob_can_be_sought_and_read_like_a_file(store: Store) -> None:
    data = bytes(range(256)) * 10_000
    store.put("large", data)
    with store.open("large") as file:
        file.seek(-10, io.SEEK_END)
        assert file.read() == data[-10:]
        file.seek(1_000_000)
        assert file.read(3) == data[1_000_000:1_000_003]


def test_the_path_of_a_blob_holds_its_bytes(store: Store) -> None:
    store.put("a/b", b"bytes")
    assert store.path("a/b").read_bytes() == b"bytes"


def test_the_size_of_a_blob_is_known_without_reading_it(store: Store) -> None:
    store.put("a", b"12345")
    assert store.size("a") == 5


def test_deleted_blobs_are_gone_and_deleting_again_is_no_error(store: Store) -> None:
    store.put("a", b"1")
    store.put("b", b"2")
    store.delete(["a"])
    store.delete(["a"])
    assert keys(store) == ["b"]


def test_a_list_names_what_lies_below_a_prefix(store: Store) -> None:
    for key in ("x/1", "x/2", "y/1"):
        store.put(key, b".")
    assert sorted(blob.key for blob in store.list("x")) == ["x/1", "x/2"]


@pytest.mark.parametrize("ask", ["get", "stream", "open", "path", "size"])
def test_what_is_not_there_is_a_clear_error(store: Store, ask: str) -> None:
    with pytest.raises(StorageUnreadable, match="holds nothing under 'nowhere'"):
        getattr(store, ask)("nowhere")


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


def test_a_folder_that_cannot_be_made_is_a_bad_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadConfiguration, match="cannot be used"):
        Store(tmp_path / "file" / "store")
