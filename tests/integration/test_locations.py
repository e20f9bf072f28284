"""Parts of buckets that photos are imported from; the bucket is moto's, over HTTP."""

from pathlib import Path
from typing import Any

import pytest

from models.errors import EmptyFile, StorageUnreachable, StorageUnreadable, UnreadableFile
from models.storage import open_store
from worker.file_filter import Sieve
from worker.tile_sets import locations


@pytest.fixture
def bucket(s3: Any) -> str:
    return str(s3.new_bucket())


def names(address: str) -> list[str]:
    return [found.name for found in locations.files(address, Sieve())]


def test_only_what_lies_below_the_prefix_comes_and_nothing_hidden(s3: Any, bucket: str) -> None:
    for key in ("2026/a.jpg", "2026/b/c.jpg", "2026/.hidden.jpg", "2026/.git/d.jpg", "2026x/e.jpg", "f.jpg"):
        s3.put(bucket, key, b"x")
    assert names(f"s3://{bucket}/2026") == ["a.jpg", "b/c.jpg"]
    assert names(f"s3://{bucket}/2026/") == ["a.jpg", "b/c.jpg"]
    assert names(f"s3://{bucket}") == ["2026/a.jpg", "2026/b/c.jpg", "2026x/e.jpg", "f.jpg"]


@pytest.mark.parametrize(
    "key",
    ["a b.jpg", "50%.jpg", "100%25.jpg", "a#1.jpg", "a?b.jpg", "ü.jpg", "a+b.jpg", "a\\b.jpg", "a*[1].jpg", "~.jpg"],
)
def test_every_key_leads_back_to_its_bytes(s3: Any, bucket: str, key: str) -> None:
    s3.put(bucket, f"of {key}/{key}", b"this one")
    (found,) = locations.files(f"s3://{bucket}", Sieve())
    assert found.name == f"of {key}/{key}"
    assert locations.read(found.address, 100) == b"this one"


def test_more_keys_than_one_answer_holds_all_come(s3: Any, bucket: str) -> None:
    for number in range(1_003):
        s3.put(bucket, f"{number:04}.jpg", b"")
    assert names(f"s3://{bucket}") == [f"{number:04}.jpg" for number in range(1_003)]


def test_what_only_stands_for_a_folder_is_left_out(s3: Any, bucket: str) -> None:
    for key in ("photos/", "photos/deeper/"):
        s3.put(bucket, key, b"")
    s3.put(bucket, "photos/a.jpg", b"x")
    assert names(f"s3://{bucket}") == ["photos/a.jpg"]
    assert names(f"s3://{bucket}/photos") == ["a.jpg"]


def test_a_key_that_cannot_be_spoken_of_is_named(s3: Any, bucket: str) -> None:
    s3.put(bucket, "photos/a//b.jpg", b"x")
    s3.put(bucket, "other/c.jpg", b"x")
    with pytest.raises(StorageUnreadable, match=r'an empty part or a control character.*"photos/a//b.jpg"'):
        names(f"s3://{bucket}")
    assert names(f"s3://{bucket}/other") == ["c.jpg"]


def test_a_stamp_changes_with_the_size(s3: Any, bucket: str) -> None:
    s3.put(bucket, "a.jpg", b"x")
    (first,) = locations.files(f"s3://{bucket}", Sieve())
    (again,) = locations.files(f"s3://{bucket}", Sieve())
    open_store(f"s3://{bucket}", Path(), 0).put("a.jpg", b"xy")
    (changed,) = locations.files(f"s3://{bucket}", Sieve())
    assert first.stamp == again.stamp != changed.stamp


def test_what_cannot_be_had_says_why(s3: Any, bucket: str) -> None:
    s3.put(bucket, "empty.jpg", b"")
    s3.put(bucket, "large.jpg", b"12345")
    with pytest.raises(EmptyFile):
        locations.read(f"s3://{bucket}/empty.jpg", 4)
    with pytest.raises(UnreadableFile, match="more than 4 bytes"):
        locations.read(f"s3://{bucket}/large.jpg", 4)
    with pytest.raises(UnreadableFile, match="holds nothing under"):
        locations.read(f"s3://{bucket}/gone.jpg", 4)
    assert locations.read(f"s3://{bucket}/large.jpg", 5) == b"12345"


def test_a_photo_is_one_request(s3: Any, bucket: str) -> None:
    s3.put(bucket, "a.jpg", b"12345")
    before = len(s3.requests(bucket))
    locations.read(f"s3://{bucket}/a.jpg", 100)
    assert s3.requests(bucket)[before:] == [f"GET /{bucket}/a.jpg"]


def test_keys_that_are_refused_are_a_line_and_a_bucket_that_does_not_answer_is_no_fault_of_the_photo(
    s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.believing_nobody(), pytest.raises(UnreadableFile, match="refused the keys"):
        locations.read(f"s3://{bucket}/a.jpg", 100)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StorageUnreachable, match="does not answer"):
        locations.read("s3://not-there/a.jpg", 100)
