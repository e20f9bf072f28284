"""What of a folder is looked at: clutter, patterns, linked folders."""

from itertools import islice

import pytest

from models.errors import InvalidOrder
from models.rules.clutter import is_clutter, lies_in_clutter
from worker.file_filter import Sieve
from worker.folder_scan import walk


def made(top, *paths):
    for path in paths:
        file = top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"photo")
    return top


def found(top, *exclude, follow_links=False):
    """Return the names that are found, a thousand at most: a circle would have no end."""
    sieve = Sieve(exclude, follow_links=follow_links)
    return [file.name for file in islice(walk(str(top), sieve), 1_000)], sieve.passed_over


CLUTTER = (
    "@eaDir/a.jpg", "2026/@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/a.jpg", ".thumbnails/a.jpg",
    "__MACOSX/a.jpg",
    "$RECYCLE.BIN/a.jpg", ".Trash-1000/files/a.jpg", ".Trashes/a.jpg", "My Previews.lrdata/a.jpg", "@Recycle/a.jpg",
    "System Volume Information/a.jpg", "lost+found/a.jpg", "IMG_1.xmp", "IMG_1.JPG.XMP", "IMG_1.AAE", "IMG_1.json",
    "IMG_1.THM", "Thumbs.db", "THUMBS.DB", ".DS_Store", "._IMG_1.jpg", ".hidden/a.jpg", "desktop.ini",
    "Catalog.lrcat",
)  # fmt: skip


@pytest.mark.parametrize("path", CLUTTER)
def test_what_is_no_photo_of_ones_own_is_counted_and_not_looked_at(tmp_path, path):
    names, passed_over = found(made(tmp_path, path, "a.jpg"))
    assert names == ["a.jpg"]
    assert sum(passed_over) == 1
    assert lies_in_clutter(path)


@pytest.mark.parametrize(
    "path",
    [
        "a.jpg",
        "eaDir/a.jpg",
        "recycle/a.jpg",
        "json/a.jpg",
        "xmp.jpg",
        "Thumbs.db.jpg",
        "a.thm.png",
        "thm",
        "x#recycle/a",
    ],
)
def test_what_only_sounds_like_it_is_looked_at(tmp_path, path):
    assert found(made(tmp_path, path)) == ([path], (0, 0, 0))
    assert not lies_in_clutter(path)


def test_a_file_named_as_a_folder_of_clutter_is_looked_at(tmp_path):
    assert found(made(tmp_path, "lost+found")) == (["lost+found"], (0, 0, 0))
    assert not is_clutter("@eaDir", folder=False)


TREE = "a.jpg", "b.png", "trips/a.jpg", "trips/deep/c.png", "trips/deep/d.jpg", "Screens/e.jpg", "[1].jpg", "#f.jpg"


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        # Of gitignore(5): without a slash at any depth, with one from the top, ** for any number of folders.
        (["*.png"], ["#f.jpg", "Screens/e.jpg", "[1].jpg", "a.jpg", "trips/a.jpg", "trips/deep/d.jpg"]),
        (["/a.jpg", "deep"], ["#f.jpg", "Screens/e.jpg", "[1].jpg", "b.png", "trips/a.jpg"]),
        (["a.jpg", "[[]1].jpg"], ["#f.jpg", "Screens/e.jpg", "b.png", "trips/deep/c.png", "trips/deep/d.jpg"]),
        (["trips/deep/"], ["#f.jpg", "Screens/e.jpg", "[1].jpg", "a.jpg", "b.png", "trips/a.jpg"]),
        (["deep", "Screens/"], ["#f.jpg", "[1].jpg", "a.jpg", "b.png", "trips/a.jpg"]),
        (["**/deep/*.jpg", "?.png", "screens"], ["#f.jpg", "Screens/e.jpg", "[1].jpg", "a.jpg", "trips/a.jpg"]),
        (["*", "!a.jpg"], ["a.jpg"]),
        (["#f.jpg", "trips"], ["Screens/e.jpg", "[1].jpg", "a.jpg", "b.png"]),
    ],
)  # fmt: skip
def test_patterns_are_those_of_a_gitignore(tmp_path, exclude, left):
    assert found(made(tmp_path, *TREE), *exclude)[0] == left


def test_what_a_pattern_leaves_out_is_counted_a_folder_as_one(tmp_path):
    assert found(made(tmp_path, *TREE), "deep", "*.png", "Screens")[1] == (1, 2, 0)


def test_a_pattern_with_an_exclamation_mark_takes_clutter_in_again(tmp_path):
    top = made(tmp_path, "@eaDir/a.jpg", "a.json", ".hidden/a.jpg", "b.xmp")
    assert found(top, "!@eaDir/", "!*.json") == (["@eaDir/a.jpg", "a.json"], (1, 1, 0))


@pytest.mark.parametrize("pattern", ["", "  ", "!", "a\nb"])
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(InvalidOrder, match="pattern"):
        Sieve([pattern])


@pytest.fixture
def linked(tmp_path):
    """A folder with a link to another, to itself, and to a folder below it."""
    elsewhere = made(tmp_path / "elsewhere", "z.jpg", "deep/y.jpg", "@eaDir/x.jpg")
    top = made(tmp_path / "top", "a.jpg", "sub/b.jpg")
    (top / "m").symlink_to(elsewhere)
    (top / "n").symlink_to(top)
    (top / "sub" / "up").symlink_to(top / "sub")
    (elsewhere / "back").symlink_to(top)
    (elsewhere / "again").symlink_to(elsewhere / "deep")
    return top


def test_linked_folders_are_counted_unless_somebody_wants_them(linked):
    assert found(linked) == (["a.jpg", "sub/b.jpg"], (0, 0, 3))


def test_linked_folders_are_gone_into_once_and_never_in_circles(linked):
    names, passed_over = found(linked, follow_links=True)
    assert names == ["a.jpg", "m/again/y.jpg", "m/z.jpg", "sub/b.jpg"]
    assert passed_over == (0, 1, 0)


def test_many_folders_that_all_link_to_each_other_are_each_gone_into_once(tmp_path):
    names = [f"{number:02}" for number in range(20)]
    for name in names:
        made(tmp_path, f"{name}/a.jpg")
        for other in names:
            (tmp_path / name / f"to-{other}").symlink_to(tmp_path / other)
    assert len(found(tmp_path, follow_links=True)[0]) == len(names)


def test_a_pattern_is_about_the_path_by_which_a_linked_folder_is_known(linked):
    assert found(linked, "m/deep", "m/again", follow_links=True)[0] == ["a.jpg", "m/z.jpg", "sub/b.jpg"]
    assert found(linked, "m", follow_links=True)[0] == ["a.jpg", "sub/b.jpg"]


def test_a_hidden_link_in_a_circle_is_counted_and_one_in_sight_is_a_line(tmp_path):
    for name in (".circle", "circle"):
        (tmp_path / name).symlink_to(tmp_path / name)
    assert found(tmp_path) == (["circle"], (1, 0, 0))


def test_linked_folders_come_in_the_order_of_names(linked):
    assert found(linked, follow_links=True)[0] == sorted(found(linked, follow_links=True)[0])
