"""Folders that photos are imported from, with all that people have in them."""

import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from models.errors import EmptyFile, UnreadableFile
from worker.file_filter import Sieve
from worker.tile_sets import locations

Become = Callable[[], AbstractContextManager[Path]]


def names(folder: Path) -> list[str]:
    return [found.name for found in locations.files(folder.as_uri(), Sieve())]


def only(folder: Path) -> locations.Found:
    (found,) = locations.files(folder.as_uri(), Sieve())
    return found


def test_files_come_by_name_with_those_of_sub_folders(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg", "c/d.jpg", "c/e/f.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path) == ["a.jpg", "b.jpg", "c/d.jpg", "c/e/f.jpg"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".hidden.jpg").write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.jpg").write_bytes(b"x")
    assert names(tmp_path) == []


def test_a_link_to_a_file_is_read_and_one_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.jpg").write_bytes(b"there")
    here = tmp_path / "here"
    here.mkdir()
    (here / "file.jpg").symlink_to(tmp_path / "there" / "a.jpg")
    (here / "folder").symlink_to(tmp_path / "there")
    (here / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    assert names(here) == ["file.jpg"]
    assert locations.read(only(here).address, 100) == b"there"


def test_a_link_in_a_circle_is_one_line_and_keeps_nothing_else_from_coming(tmp_path: Path) -> None:
    (tmp_path / "circle.jpg").symlink_to(tmp_path / "circle.jpg")
    (tmp_path / "there.jpg").write_bytes(b"x")
    circle, there = locations.files(tmp_path.as_uri(), Sieve())
    assert (circle.name, circle.stamp, there.name) == ("circle.jpg", "", "there.jpg")
    with pytest.raises(UnreadableFile, match="Too many levels of symbolic links"):
        locations.read(circle.address, 100)


def test_a_folder_may_lie_deeper_than_python_may_call(tmp_path: Path) -> None:
    top = tmp_path / "deep"
    for depth in range(300, 1_201, 300):
        top.joinpath(*["d"] * depth).mkdir(parents=True)
    top.joinpath(*["d"] * 1_200, "a.jpg").write_bytes(b"x")
    try:
        found = names(top)
    finally:
        # pytest would clear it away by a recursion.
        subprocess.run(["rm", "-r", top], check=True)
    assert found == ["d/" * 1_200 + "a.jpg"]


def test_files_and_folders_come_in_one_order(tmp_path: Path) -> None:
    for name in ("a.jpg", "b/1.jpg", "b/2.jpg", "c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path) == ["a.jpg", "b/1.jpg", "b/2.jpg", "c.jpg"]


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert names(tmp_path) == []
    with pytest.raises(EmptyFile):
        locations.read((tmp_path / "pipe.jpg").as_uri(), 100)


@pytest.mark.parametrize(
    "name", ["a b.jpg", "50%.jpg", "a#1.jpg", "a?b.jpg", "ü.jpg", "a\nb.jpg", "100%25.jpg", "~.jpg"]
)
def test_every_name_leads_back_to_its_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this one")
    found = only(tmp_path)
    assert found.name == name
    assert locations.read(found.address, 100) == b"this one"


def test_a_name_that_is_no_text_leads_back_to_its_file(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"this one")
    found = only(tmp_path)
    assert found.address.endswith("/caf%E9.jpg")
    assert locations.read(found.address, 100) == b"this one"


def test_a_stamp_changes_with_the_size_and_with_the_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    os.utime(path, ns=(1, 1))
    first = only(tmp_path).stamp
    os.utime(path, ns=(1, 2))
    second = only(tmp_path).stamp
    path.write_bytes(b"xy")
    os.utime(path, ns=(1, 2))
    assert (first, second, only(tmp_path).stamp) == ("1:1", "1:2", "2:2")


def test_a_folder_that_cannot_be_opened_is_one_line(without_rights: Become) -> None:
    with without_rights() as place:
        (place / "closed").mkdir()
        (place / "open.jpg").write_bytes(b"x")
        (place / "closed").chmod(0)
        closed, opened = locations.files(place.as_uri(), Sieve())
    assert (closed.name, closed.trouble) == ("closed/", "The folder cannot be opened: Permission denied.")
    assert (opened.name, opened.trouble) == ("open.jpg", "")


def test_what_cannot_be_read_says_why(tmp_path: Path, without_rights: Become) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "large.jpg").write_bytes(b"12345")
    with pytest.raises(EmptyFile):
        locations.read((tmp_path / "empty.jpg").as_uri(), 4)
    with pytest.raises(UnreadableFile, match="more than 4 bytes"):
        locations.read((tmp_path / "large.jpg").as_uri(), 4)
    with pytest.raises(UnreadableFile, match="No such file"):
        locations.read((tmp_path / "gone.jpg").as_uri(), 4)
    with without_rights() as place:
        (place / "secret.jpg").write_bytes(b"x")
        (place / "secret.jpg").chmod(0)
        with pytest.raises(UnreadableFile, match="Permission denied"):
            locations.read((place / "secret.jpg").as_uri(), 4)


def test_the_address_of_a_folder_leads_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "my photos #1"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"x")
    assert [found.name for found in locations.files(locations.address_of(folder), Sieve())] == ["a.jpg"]
