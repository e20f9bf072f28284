"""The names of blobs."""

from uuid import UUID

import pytest

from models import keys

ONE = UUID("00000000-0000-0000-0000-000000000001")
TWO = UUID("00000000-0000-0000-0000-000000000002")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (keys.upload(ONE, "3"), f"tile-sets/{ONE}/uploads/3"),
        (keys.tile(ONE, "00ff"), f"tile-sets/{ONE}/tiles/00ff"),
        (keys.preview_of_tile(ONE, "00ff"), f"tile-sets/{ONE}/previews/00ff"),
        (keys.original(ONE, "00ff"), f"tile-sets/{ONE}/originals/00ff"),
        (keys.listing(ONE, "2-1", 7), f"tile-sets/{ONE}/listings/2-1/7.json"),
        (keys.part(ONE, "7-1"), f"tile-sets/{ONE}/parts/7-1.safetensors"),
        (keys.index(ONE, "2"), f"tile-sets/{ONE}/2/index.safetensors"),
        (keys.plot(ONE, "2"), f"tile-sets/{ONE}/2/plot.png"),
        (keys.palette(ONE, "2"), f"tile-sets/{ONE}/2/palette.png"),
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
        keys.index(ONE, "1"), keys.index(ONE, "2"), keys.plot(ONE, "1"), keys.plot(ONE, "2"), keys.part(ONE, "7-1"),
        keys.part(ONE, "7-2"), keys.palette(ONE, "1"), keys.palette(ONE, "2"), keys.picture(ONE, "1", "png"),
        keys.picture(ONE, "2", "png"), keys.preview(ONE, "1"), keys.preview(ONE, "2"), keys.picture(TWO, "1", "png"),
    ]  # fmt: skip
    assert len(set(outputs)) == len(outputs)


@pytest.mark.parametrize(
    ("key", "is_of_photo"),
    [
        (keys.tile(ONE, "00ff"), True), (keys.preview_of_tile(ONE, "00ff"), True), (keys.original(ONE, "00ff"), True),
        (keys.part(ONE, "7-1"), False), (keys.listing(ONE, "2-1", 7), False), (keys.upload(ONE, "tiles"), False),
    ],
)  # fmt: skip
def test_the_keys_of_photos_end_in_their_content(key, is_of_photo):
    assert keys.is_of_photo(key) == is_of_photo
