"""Uploads of many files in one temporary file, against io.BytesIO."""

import gc
import io
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from web.uploads import Slice, SpoolingRequest

WRITES = st.lists(st.binary(max_size=200), max_size=6)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 300)),
        st.tuples(st.just("start"), st.integers(0, 1_200)),
        st.tuples(st.just("here"), st.integers(-400, 400)),
        st.tuples(st.just("end"), st.integers(-1_200, 0)),
    ),
    max_size=15,
)
WHENCE = {"start": io.SEEK_SET, "here": io.SEEK_CUR, "end": io.SEEK_END}


@settings(deadline=None)
@given(before=st.binary(max_size=50), writes=WRITES, after=st.binary(max_size=50), moves=MOVES)
def test_a_part_reads_and_seeks_like_a_file_of_its_own(before, writes, after, moves):
    with tempfile.TemporaryFile() as spool:
        Slice(spool).write(before)
        part, model = Slice(spool), io.BytesIO()
        for data in writes:
            assert part.write(data) == model.write(data)
        Slice(spool).write(after)
        for move, amount in moves:
            if move == "read":
                assert part.read(amount) == model.read(amount)
                continue
            origin = {"start": 0, "here": model.tell(), "end": len(model.getvalue())}[move]
            target = min(max(origin + amount, 0), len(model.getvalue()))
            assert part.seek(amount, WHENCE[move]) == model.seek(target)
            assert part.tell() == model.tell()


@settings(deadline=None)
@given(contents=st.lists(st.binary(max_size=300), min_size=1, max_size=6), order=st.randoms(use_true_random=False))
def test_parts_of_one_spool_do_not_touch_each_other(contents, order):
    with tempfile.TemporaryFile() as spool:
        parts = []
        for data in contents:
            parts.append((Slice(spool), data))
            parts[-1][0].write(data)
        order.shuffle(parts)
        for part, data in parts:
            part.seek(0)
            assert part.read() == data


def test_a_part_reads_on_through_a_buffer():
    with tempfile.TemporaryFile() as spool:
        part = Slice(spool)
        part.write(b"one\ntwo\nthree")
        part.seek(0)
        assert list(io.BufferedReader(part)) == [b"one\n", b"two\n", b"three"]


def test_a_part_can_be_read_written_and_sought():
    with tempfile.TemporaryFile() as spool:
        part = Slice(spool)
        assert (part.readable(), part.writable(), part.seekable()) == (True, True, True)


def request_with(contents):
    """A request that uploads files, as a browser sends them."""
    builder = EnvironBuilder(method="POST", data={"photos": [(io.BytesIO(data), "p.png") for data in contents]})
    try:
        return SpoolingRequest(builder.get_environ())
    finally:
        builder.close()


@pytest.fixture
def contents():
    """More files, each above the size at which Werkzeug would open one of its own for it."""
    return [os.urandom(600_000) for _ in range(12)]


def test_every_file_of_a_request_comes_as_it_was_sent(contents):
    request = request_with(contents)
    assert [file.stream.read() for file in request.files.getlist("photos")] == contents
    request.close()


def test_many_large_files_open_one_file(contents):
    request = request_with(contents)
    gc.collect()  # what other tests left open goes now, and not while we count
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert len(request.files.getlist("photos")) == 12
    assert len(list(Path("/proc/self/fd").iterdir())) - before == 1
    request.close()


def test_the_file_goes_with_the_request(contents):
    request = request_with(contents)
    gc.collect()  # what other tests left open goes now, and not while we count
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert len(request.files.getlist("photos")) == 12
    request.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_request_without_files_closes_in_peace():
    request = request_with([])
    assert request.files.getlist("photos") == []
    request.close()
