"""What several unit tests stand on: real photographs, a user without rights."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

NOBODY = 65_534


@pytest.fixture(scope="session")
def cuts(photographs: Path, encoded: Callable[..., bytes]) -> list[bytes]:
    """About three hundred photos of 32 x 32 pixels, cut from real photographs.

    They are PNG, so that every pixel is decoded, and without the photographs' colour profiles, so that the values in
    the file are the values of the picture.
    """
    files = []
    for name in ("astronaut.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg"):
        with Image.open(photographs / name) as photograph:
            rgb = Image.fromarray(np.asarray(photograph.convert("RGB")))
        lefts, tops = range(0, rgb.width - 32, rgb.width // 10), range(0, rgb.height - 32, rgb.height // 6)
        files += [encoded(rgb.crop((left, top, left + 32, top + 32))) for top in tops for left in lefts]
    return files


@pytest.fixture
def folder(tmp_path: Path, cuts: list[bytes]) -> Path:
    """A folder of forty photos."""
    place = tmp_path / "photos"
    place.mkdir()
    for number, data in enumerate(cuts[:40]):
        (place / f"{number:03}.png").write_bytes(data)
    return place


@pytest.fixture
def without_rights() -> Iterator[Callable[[], AbstractContextManager[Path]]]:
    """Run as a user whom file modes bind (root is bound by none), in a folder of that user's own."""
    place = Path(tempfile.mkdtemp(prefix="tessera-unit-"))
    root = os.geteuid() == 0
    if root:
        os.chown(place, NOBODY, NOBODY)

    @contextmanager
    def become() -> Iterator[Path]:
        if root:
            os.seteuid(NOBODY)
        try:
            yield place
        finally:
            if root:
                os.seteuid(0)

    yield become
    for path in (place, *place.rglob("*")):
        path.chmod(0o700)
    shutil.rmtree(place)
