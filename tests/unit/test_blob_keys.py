"""The names of blobs."""

import inspect
from datetime import UTC, datetime
from uuid import UUID

import pytest

from models.rules import blob_keys
from models.rules.blob_keys import Key, Kind, Thrown

ONE = UUID("00000000-0000-0000-0000-000000000001")
TWO = UUID("00000000-0000-0000-0000-000000000002")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (blob_keys.upload(ONE, "3"), f"tile-sets/{ONE}/uploads/3"),
        (blob_keys.tile(ONE, "00ff"), f"tile-sets/{ONE}/tiles/00ff"),
        (blob_keys.preview_of_tile(ONE, "00ff"), f"tile-sets/{ONE}/previews/00ff"),
        (blob_keys.original(ONE, "00ff"), f"tile-sets/{ONE}/originals/00ff"),
        (blob_keys.listing(ONE, "2-1", 7), f"tile-sets/{ONE}/listings/2-1/7.json"),
        (blob_keys.part(ONE, "7-1"), f"tile-sets/{ONE}/parts/7-1.safetensors"),
        (blob_keys.index(ONE, "2"), f"tile-sets/{ONE}/2/index.safetensors"),
        (blob_keys.plot(ONE, "2"), f"tile-sets/{ONE}/2/plot.png"),
        (blob_keys.palette(ONE, "2"), f"tile-sets/{ONE}/2/palette.png"),
        (blob_keys.target(ONE), f"mosaics/{ONE}/target"),
        (blob_keys.mask(ONE), f"mosaics/{ONE}/mask"),
        (blob_keys.batch_target(ONE, 7), f"batches/{ONE}/targets/7"),
        (blob_keys.picture(ONE, "2", "png"), f"mosaics/{ONE}/2/mosaic.png"),
        (blob_keys.preview(ONE, "2"), f"mosaics/{ONE}/2/preview.jpg"),
        (blob_keys.thumbnail(ONE, "2"), f"mosaics/{ONE}/2/thumbnail.webp"),
        (blob_keys.large_thumbnail(ONE, "2"), f"mosaics/{ONE}/2/thumbnail-large.webp"),
        (blob_keys.target_preview(ONE, "2"), f"mosaics/{ONE}/2/target.jpg"),
        (blob_keys.partial(ONE, "2", 250), f"mosaics/{ONE}/2/partial-250.jpg"),
        (blob_keys.placement(ONE, "2"), f"mosaics/{ONE}/2/placement.safetensors"),
        (blob_keys.sketch(ONE, "2"), f"mosaics/{ONE}/2/sketch.webp"),
        (blob_keys.small_target(ONE, "2"), f"mosaics/{ONE}/2/small-target"),
    ],
)
def test_a_key_begins_with_the_kind_of_thing_and_its_id(key, name):
    assert key == name


def test_two_attempts_never_write_the_same_outputs():
    outputs = [
        blob_keys.index(ONE, "1"), blob_keys.index(ONE, "2"), blob_keys.plot(ONE, "1"), blob_keys.plot(ONE, "2"),
        blob_keys.part(ONE, "7-1"), blob_keys.part(ONE, "7-2"), blob_keys.palette(ONE, "1"),
        blob_keys.palette(ONE, "2"), blob_keys.picture(ONE, "1", "png"), blob_keys.picture(ONE, "2", "png"),
        blob_keys.preview(ONE, "1"), blob_keys.preview(ONE, "2"), blob_keys.picture(TWO, "1", "png"),
    ]  # fmt: skip
    assert len(set(outputs)) == len(outputs)


HASH = "0f" * 32
EVERY_KEY = [
    (blob_keys.upload(ONE, "0f" * 16), Key(blob_keys.TILE_SETS, ONE, Kind.PASSING)),
    (blob_keys.listing(ONE, "2-1", 7), Key(blob_keys.TILE_SETS, ONE, Kind.PASSING, job=2)),
    (blob_keys.part(ONE, "7-00ff"), Key(blob_keys.TILE_SETS, ONE, Kind.PASSING)),
    (blob_keys.tile(ONE, HASH), Key(blob_keys.TILE_SETS, ONE, Kind.PHOTO, content=HASH)),
    (blob_keys.preview_of_tile(ONE, HASH), Key(blob_keys.TILE_SETS, ONE, Kind.PHOTO, content=HASH)),
    (blob_keys.original(ONE, HASH), Key(blob_keys.TILE_SETS, ONE, Kind.PHOTO, content=HASH)),
    (blob_keys.index(ONE, "20-1"), Key(blob_keys.TILE_SETS, ONE, Kind.RESULT, job=20)),
    (blob_keys.plot(ONE, "20-1"), Key(blob_keys.TILE_SETS, ONE, Kind.RESULT, job=20)),
    (blob_keys.palette(ONE, "20-1"), Key(blob_keys.TILE_SETS, ONE, Kind.RESULT, job=20)),
    (blob_keys.target(ONE), Key(blob_keys.MOSAICS, ONE, Kind.TARGET)),
    (blob_keys.mask(ONE), Key(blob_keys.MOSAICS, ONE, Kind.TARGET)),
    (blob_keys.batch_target(ONE, 7), Key(blob_keys.BATCHES, ONE, Kind.TARGET)),
    (blob_keys.picture(ONE, "3-2", "png"), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.preview(ONE, "3-2"), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.thumbnail(ONE, "3-2"), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.large_thumbnail(ONE, "3-2"), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.target_preview(ONE, "3-2"), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.partial(ONE, "3-2", 250), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.placement(ONE, "3-2"), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.sketch(ONE, "3-2"), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.small_target(ONE, "3-2"), Key(blob_keys.MOSAICS, ONE, Kind.RESULT, job=3)),
    (blob_keys.probe(ONE), Key(blob_keys.PROBES, ONE, Kind.PROBE)),
]
NOON = datetime(2026, 11, 28, 12, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(("key", "said"), EVERY_KEY)
def test_every_kind_of_key_is_known_for_what_it_is(key, said):
    assert Key.parsed(key) == said


@pytest.mark.parametrize(("key", "said"), EVERY_KEY)
@pytest.mark.parametrize("by_hand", [False, True])
def test_every_kind_of_key_comes_back_from_the_trash_as_it_was(key, said, by_hand):
    assert Thrown.parsed(blob_keys.thrown(key, NOON, by_hand=by_hand)) == Thrown(NOON, key, by_hand)


def test_no_function_that_makes_a_key_is_forgotten_here():
    made = {
        name
        for name, function in inspect.getmembers(blob_keys, inspect.isfunction)
        if function.__module__ == blob_keys.__name__ and name not in {"thrown", "generation", "is_ours", "dataclass"}
    }
    assert made == {
        "upload", "listing", "part", "tile", "preview_of_tile", "original", "index", "plot", "palette", "target",
        "mask", "batch_target", "picture", "preview", "thumbnail", "large_thumbnail",
        "target_preview", "partial", "placement",
        "sketch", "small_target", "probe",
    }  # fmt: skip
    assert len(EVERY_KEY) == len(made)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (f"tile-sets/{ONE}/photos/{HASH}", Kind.PHOTO),
        (f"tile-sets/{ONE}/3/index-v2.npy", Kind.RESULT),
        (f"tile-sets/{ONE}/uploads/0", Kind.PASSING),
    ],
)
def test_keys_of_former_versions_are_known(key, kind):
    found = Key.parsed(key)
    assert found is not None
    assert found.kind is kind


@pytest.mark.parametrize(
    "key",
    [
        "", "holiday.jpg", "tile-sets", "mosaics/target", "mosaics/holiday/target", f"mosaics/{ONE}",
        f"mosaics/{ONE}/",
        f"mosaics/{ONE}/target/", f"mosaics/{ONE}/target\n", f"mosaics/{ONE}/target#1", f"x/mosaics/{ONE}/target",
        f"Mosaics/{ONE}/target", f"mosaics/{str(TWO).replace('-', '')}/target", f"mosaics/{ONE}/3-2/notes.txt",
        f"mosaics/{ONE}/3-2/mosaic.png.bak", f"mosaics/{ONE}/٣/preview.jpg", f"tile-sets/{ONE}/tiles/00ff",
        f"tile-sets/{ONE}/tiles/{HASH.upper()}", f"tile-sets/{ONE}/tiles/{HASH}/x", f"tile-sets/{ONE}/tiles",
        f"batches/{ONE}/targets/a", f"batches/{ONE}/targets/-1", "doctor/notes", blob_keys.INSTALLATION,
        blob_keys.generation(ONE), blob_keys.thrown(blob_keys.target(ONE), NOON),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_key_is_not_ours(key):
    assert Key.parsed(key) is None


@pytest.mark.parametrize(
    "key",
    [
        "trash", "trash/", "trash/20261128T120001Z",
        f"trash/{blob_keys.target(ONE)}", "trash/20261128T120001Z/holiday.jpg",
        f"trash/20261328T120001Z/{blob_keys.target(ONE)}", f"rubbish/20261128T120001Z/{blob_keys.target(ONE)}",
        f"trash/20261128/{blob_keys.target(ONE)}", f"trash/2026112T120001Z/{blob_keys.target(ONE)}",
        f"trash/20261128T120001Z-by-magic/{blob_keys.target(ONE)}",
        f"trash/20261128T120001Z-by-hand-x/{blob_keys.target(ONE)}",
        f"trash/20261128T120001Z/{blob_keys.thrown(blob_keys.target(ONE), NOON)}",
    ],
)  # fmt: skip
def test_what_only_looks_like_trash_is_not_ours(key):
    assert Thrown.parsed(key) is None
