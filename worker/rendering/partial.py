"""The rows of a mosaic that are laid so far, as a small picture that its page shows meanwhile."""

import time
from collections.abc import Callable
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from models.rules import blob_keys
from worker.decoding import images
from worker.jobs.attempt import Attempt

PAUSE_SECONDS = 1.0
"""From the end of one picture to the next."""
COST = 0.02
"""Of the time, at most so much is spent on these pictures: after a slow one, the pause is longer."""
SIDE, QUALITY = 640, 70
"""About how wide a picture is at most, and its quality as a JPEG."""
WHOLE = 1_000
"""The number of a picture of all rows; that of others is their share of it."""

SoFar = Callable[[], NDArray[np.float32]]


class Partial:
    """Stores such pictures under the keys of an attempt, and names the newest one to its heartbeat."""

    def __init__(self, attempt: Attempt, mosaic_id: UUID) -> None:
        self._attempt, self._mosaic_id = attempt, mosaic_id
        self._next, self._keys = time.monotonic() + PAUSE_SECONDS, list[str]()

    def __call__(self, so_far: SoFar, done: int, total: int) -> None:
        """Store a picture if it is time.

        Args:
            so_far: Returns the rows that are laid, (h, w, 3) sRGB, 0 to 255.
            done: How much is laid.
            total: Of how much.
        """
        began = time.monotonic()
        if began < self._next:
            return
        key = blob_keys.partial(self._mosaic_id, self._attempt.lease.name, WHOLE * done // total)
        if key not in self._keys:
            self._attempt.services.store.put(key, images.encode_jpeg(reduced(so_far(), SIDE), QUALITY))
            self._attempt.partial_key = key
            self._keys.append(key)
            # A page may still ask for the last two; the sweep deletes them later.
            if older := self._keys[:-2]:
                self._attempt.services.store.delete(older)
            self._keys = self._keys[-2:]
        now = time.monotonic()
        self._next = now + max(PAUSE_SECONDS, (now - began) / COST)


def reduced(picture: NDArray[np.float32], side: int) -> NDArray[np.uint8]:
    """Return the means of squares of a picture's pixels, so large that it becomes about `side` wide at most.

    Example:
        >>> reduced(np.array([[[0] * 3, [2] * 3], [[4] * 3, [6] * 3]], np.float32), 1).tolist()
        [[[3, 3, 3]]]
    """
    step = max(1, min(-(-picture.shape[1] // side), len(picture)))
    height, width = (length // step * step for length in picture.shape[:2])
    # Down and then across: several times as fast as both at once.
    lines = picture[:height, :width].reshape(height // step, step, width, 3).mean(axis=1)
    means: NDArray[np.float32] = lines.reshape(height // step, width // step, step, 3).mean(axis=2)
    return np.rint(means).clip(0, 255).astype(np.uint8)
