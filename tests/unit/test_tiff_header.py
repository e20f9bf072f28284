"""The header that makes plain pixels a picture file, read by Pillow, which knows nothing of ours."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from worker.rendering import tiff_header


@pytest.mark.parametrize("size", [(1, 1), (5, 16), (7, 17), (31, 100)])
def test_pixels_after_the_header_are_read_as_they_are(size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    with Image.open(BytesIO(tiff_header.header(width, height) + pixels.tobytes())) as image:
        assert (image.format, image.mode, image.size) == ("TIFF", "RGB", size)
        np.testing.assert_array_equal(np.asarray(image), pixels)
