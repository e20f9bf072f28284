"""A file of named arrays; the independent reader and writer is the safetensors package."""

import json
import re
import tracemalloc
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from models.errors import DamagedIndex
from models.rules import array_file

KIND, VERSION = "numbers", 7
DAMAGED = r"The stored index f\.safetensors cannot be read \(it.*\); index the photos again\.$"


@pytest.fixture(scope="module")
def numbers():
    dice = np.random.default_rng(1)
    return {
        "small": dice.integers(0, 256, (5, 3, 2), dtype=np.uint8),
        "wide": dice.integers(0, 1 << 32, (4, 2), dtype=np.uint32),
        "real": dice.random(6),
        "none": np.empty((0, 3), np.float32),
    }


@pytest.fixture
def path(tmp_path, numbers):
    return written(tmp_path / "f.safetensors", numbers)


def written(path, made):
    with path.open("wb") as file:
        array_file.save(file, KIND, VERSION, made)
    return path


def load(path, kind, version):
    return {
        name: np.frombuffer(mapped.data, array_file.DTYPES[mapped.dtype]).reshape(mapped.shape)
        for name, mapped in array_file.opened(path, kind, version).items()
    }


def header_of(data):
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def refused(path, data, match=DAMAGED):
    path.write_bytes(data)
    with pytest.raises(DamagedIndex, match=match):
        load(path, KIND, VERSION)


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_arrays_read_as_they_were_written(path, numbers):
    same(load(path, KIND, VERSION), numbers)


def test_another_reader_of_the_format_reads_the_same(path, numbers):
    same(load_file(path), numbers)


def test_arrays_are_aligned_and_cannot_be_written_to(path):
    arrays = load(path, KIND, VERSION)
    assert arrays
    for array in arrays.values():
        assert array.flags.aligned
        assert not array.flags.writeable


def test_the_header_says_kind_and_version_and_the_sha_256_of_every_array(path, numbers):
    header, _ = header_of(path.read_bytes())
    metadata = header["__metadata__"]
    assert (metadata["kind"], metadata["version"]) == ("numbers", "7")
    for name, array in numbers.items():
        assert metadata[f"sha256 of {name}"] == sha256(array.tobytes()).hexdigest()


def test_the_header_says_its_own_sha_256_made_with_zeros_in_its_place(path):
    data = path.read_bytes()
    text = data[8 : 8 + int.from_bytes(data[:8], "little")]
    own = json.loads(text)["__metadata__"]["sha256"].encode()
    assert own.decode() == sha256(text.replace(own, b"0" * 64)).hexdigest()


def test_data_begin_at_a_multiple_of_eight(path):
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


def test_an_array_can_come_in_blocks(tmp_path, path, numbers):
    def in_rows(array):
        return array_file.Stream(
            array_file.NAMES[array.dtype.str], array.shape, [array[row : row + 1] for row in range(len(array))]
        )

    blocks = {name: in_rows(array) for name, array in numbers.items()}
    assert written(tmp_path / "blocks", blocks).read_bytes() == path.read_bytes()


def test_a_stream_that_is_not_as_long_as_announced_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="x was to have 6 bytes, not 4"):
        written(tmp_path / "f", {"x": array_file.Stream("U8", (3, 2), [np.zeros((2, 2), np.uint8)])})


def resident(path):
    """The bytes of a mapped file that are in this process, as the system counts them."""
    of_files = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
    return sum(
        1024 * int(re.search(r"^Rss: +(\d+) kB", each, re.MULTILINE).group(1))
        for each in of_files
        if each.partition("\n")[0].endswith(str(path))
    )


def test_a_mapped_array_can_be_saved_again_and_lets_its_pages_go(tmp_path, monkeypatch):
    monkeypatch.setattr(array_file, "BLOCK_BYTES", 1 << 18)
    ones = {"x": np.ones((16, 1 << 16), np.uint8)}
    large = written(tmp_path / "large", ones)
    mapped = load(large, KIND, VERSION)
    same(load(written(tmp_path / "again", mapped), KIND, VERSION), ones)
    assert resident(large) < 1 << 16


@pytest.mark.parametrize("view", [lambda array: array, lambda array: array[:3, 5:].T, memoryview])
def test_the_pages_of_a_mapped_array_are_let_go(tmp_path, view):
    large = written(tmp_path / "large", {"x": np.ones((16, 1 << 16), np.uint8)})
    mapped = load(large, KIND, VERSION)["x"]
    assert mapped.sum() == 1 << 20
    assert resident(large) >= 1 << 20
    array_file.let_go(view(mapped))
    assert resident(large) < 1 << 16
    assert mapped.sum() == 1 << 20


def test_an_array_in_memory_has_no_pages_to_let_go():
    array = np.arange(5)
    array_file.let_go(array)
    assert array.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("by", [1, 0x20, 0x80, 0xFF])
def test_one_byte_changed_anywhere_is_damage(path, by):
    data = path.read_bytes()
    for at in range(len(data)):
        refused(path, data[:at] + bytes([data[at] ^ by]) + data[at + 1 :])


def test_a_file_that_breaks_off_anywhere_is_damaged(path):
    data = path.read_bytes()
    for length in range(len(data)):
        refused(path, data[:length])


def test_a_byte_too_many_is_damage(path):
    refused(path, path.read_bytes() + b"\0")


def test_another_kind_is_called_so(path):
    with pytest.raises(DamagedIndex, match="it is something else"):
        load(path, "letters", VERSION)


def test_another_version_is_called_so(path):
    with pytest.raises(DamagedIndex, match="it is of another version"):
        load(path, KIND, VERSION - 1)


def test_a_file_that_is_not_there_is_called_damaged(tmp_path):
    with pytest.raises(DamagedIndex, match="No such file"):
        load(tmp_path / "none", KIND, VERSION)


@pytest.mark.parametrize("metadata", [None, {"kind": KIND, "version": str(VERSION)}], ids=["none", "without sums"])
def test_a_file_of_another_writer_is_foreign(tmp_path, numbers, metadata):
    save_file(numbers, tmp_path / "f.safetensors", metadata)
    refused(tmp_path / "f.safetensors", (tmp_path / "f.safetensors").read_bytes())


def with_checksums(header, data=b""):
    """A file with a header of a stranger's making, and good checksums."""
    sums = {"sha256": "0" * 64, "sha256 of x": sha256(data).hexdigest()}
    header["__metadata__"] = {"kind": KIND, "version": str(VERSION), **sums}
    text = json.dumps(header).encode()
    text = text.replace(b"0" * 64, sha256(text).hexdigest().encode(), 1)
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 200,
        b"\xff" * 200,
        (1 << 63).to_bytes(8, "little") + b"{}" * 99,
        (1 << 40).to_bytes(8, "little"),
        (array_file.MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * (array_file.MAX_HEADER_BYTES + 9),
        (60_000).to_bytes(8, "little") + b"[" * 60_000,
        (60_000).to_bytes(8, "little") + b'{"a":' * 12_000,
        (50_000).to_bytes(8, "little") + b'{"x":' + b"9" * 49_994 + b"}",
        (4).to_bytes(8, "little") + b"null",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{}",
        (20).to_bytes(8, "little") + b'{"__metadata__":"x"}',
        (30).to_bytes(8, "little") + b'{"__metadata__":{"sha256":""}}',
        (30).to_bytes(8, "little") + b'{"__metadata__":{"sha256":12}}',
        with_checksums({"x": 3}),
        with_checksums({"x": {"dtype": "U8", "shape": [1]}}),
        with_checksums({"x": {"dtype": "BF16", "shape": [0], "data_offsets": [0, 0]}}),
        with_checksums({"x": {"dtype": "U8", "shape": [-1], "data_offsets": [1, 0]}}, b"\0"),
        with_checksums({"x": {"dtype": "U8", "shape": [2**70, 2**70], "data_offsets": [0, 2**140]}}, b"\0" * 9),
        with_checksums({"x": {"dtype": "U8", "shape": [1.0], "data_offsets": [0, 1]}}, b"\0"),
        with_checksums({"x": {"dtype": "U8", "shape": [True], "data_offsets": [0, 1]}}, b"\0"),
        with_checksums({"x": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}, b"\0\0"),
        with_checksums({"x": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}, b"\0"),
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
        b"PK\x05\x06" + b"\0" * 18,
    ],
)  # fmt: skip
def test_whatever_else_lies_there_is_damaged_and_takes_no_memory(tmp_path, data):
    tracemalloc.start()
    refused(tmp_path / "f.safetensors", data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_file_without_an_array_is_whole(tmp_path):
    assert load(written(tmp_path / "f", {}), KIND, VERSION) == {}


def test_an_impossible_shape_under_good_checksums_is_damaged(tmp_path):
    header = {"x": {"dtype": "U8", "shape": [0, 2**70], "data_offsets": [0, 0]}}
    refused(tmp_path / "f.safetensors", with_checksums(header), "cannot be read")


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_arbitrary_bytes_are_damaged(tmp_path_factory, data, counted):
    path = tmp_path_factory.getbasetemp() / "f.safetensors"
    refused(path, (len(data).to_bytes(8, "little") if counted else b"") + data)
