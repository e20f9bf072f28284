"""The names of blobs."""

from uuid import UUID

import pytest

from models import keys

ONE = UUID("00000000-0000-0000-0000-000000000001")
TWO = UUID("00000000-0000-0000-0000-000000000002")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (keys.upload(ONE, 3), f"tile-sets/{ONE}/uploads/3"),
        (keys.photo(ONE, b"\x00\xff"), f"tile-sets/{ONE}/photos/00ff"),
        (keys.index(ONE, "2", 1), f"tile-sets/{ONE}/2/index-v1.npy"),
        (keys.target(ONE), f"mosaics/{ONE}/target"),
        (keys.batch_target(ONE, 7), f"batches/{ONE}/targets/7"),
        (keys.picture(ONE, "2", "png"), f"mosaics/{ONE}/2/mosaic.png"),
        (keys.preview(ONE, "2"), f"mosaics/{ONE}/2/preview.jpg"),
    ],
)
def test_a_key_begins_with_the_kind_of_thing_and_its_id(key, name):
    assert key == name


def test_two_attempts_never_write_the_same_outputs():
    outputs = [
        keys.index(ONE, "1", 1), keys.index(ONE, "2", 1), keys.picture(ONE, "1", "png"),
        keys.picture(ONE, "2", "png"), keys.preview(ONE, "1"), keys.preview(ONE, "2"), keys.picture(TWO, "1", "png"),
    ]  # fmt: skip
    assert len(set(outputs)) == len(outputs)


def test_two_attempts_write_the_same_photo_under_the_same_key():
    assert keys.photo(ONE, b"same") == keys.photos(ONE) + b"same".hex()
