"""Tiles made of thumbs alone, for sketches: no photo is opened."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.core.windows import STEPS, Window
from worker.decoding import images
from worker.decoding.images import Prepared


class Thumbs:
    """A decoder whose photos are the thumbs of an index, known by their content hash; the target is our own file.

    Args:
        content: (M, 32) content hashes.
        thumb: (M, S, S, 3) whole photos squeezed to a square.
    """

    def __init__(self, content: NDArray[np.uint8], thumb: NDArray[np.uint8]) -> None:
        self._numbers = {row.tobytes(): number for number, row in enumerate(content)}
        self._thumb = thumb

    def tiles(self, data: bytes, width: int, height: int, windows: Sequence[Window]) -> NDArray[np.uint8]:
        """Return (n, height, width, 3) windows of the photo whose content hash is `data`."""
        photo = Image.fromarray(self._thumb[self._numbers[data]])
        laid = np.empty((len(windows), height, width, 3), np.uint8)
        for number, window in enumerate(windows):
            left, top = (photo.width * side / STEPS for side in (window.left, window.top))
            right, bottom = left + photo.width * window.width / STEPS, top + photo.width * window.height / STEPS
            box = left, top, min(right, photo.width), min(bottom, photo.height)
            laid[number] = np.asarray(photo.resize((width, height), Image.Resampling.BICUBIC, box=box))
        return laid

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """As `images.decode`."""
        return images.decode(data)

    def mask(self, data: bytes) -> NDArray[np.uint8]:
        """As `images.mask`."""
        return images.mask(data)

    def alpha(self, data: bytes) -> NDArray[np.uint8]:
        """As `images.alpha`."""
        return images.alpha(data)

    def thumb(self, data: bytes, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """As `images.thumb`."""
        return images.thumb(data, side)

    def prepared(self, data: bytes, side: int, edge: int) -> Prepared:
        """As `images.prepared`."""
        return images.prepared(data, side, edge)
