"""Maps of a mosaic: one byte for each of its finest cells, row by row, from 0 to 255. A cell that is empty has 0."""

import struct
from collections import Counter
from collections.abc import Callable

from models.rules.kept_placements import HASH_BYTES, Kept

MOST = 255
FARTHEST = 0.98
"""The share of the cells that are not all of the greatest value: a few far ones would make all others equal."""
WINDOW_BYTES = 8


def errors(kept: Kept) -> bytes:
    """Return how far each cell's photo is from the picture, by the measure that it was chosen by."""
    costs = [max(0.0, cost) ** 0.5 for (cost,) in struct.iter_unpack("<d", kept.arrays["cost"].data)]
    there = sorted(cost for cost, stands in zip(costs, kept.everywhere(), strict=False) if stands)
    far = there[int(FARTHEST * (len(there) - 1))] or there[-1] or 1.0
    return kept.spread(bytearray(min(MOST, round(MOST * cost / far)) for cost in costs))


def uses(kept: Kept) -> bytes:
    """Return in how many cells each cell's photo lies, against the photo that lies in most."""
    photos = [photo for (photo,) in struct.iter_unpack("<I", kept.arrays["photo"].data)]
    counts = Counter(photo for photo, stands in zip(photos, kept.everywhere(), strict=False) if stands)
    most = max(counts.values())
    return kept.spread(bytearray(MOST * counts[photo] // most for photo in photos))


def changed(kept: Kept, before: Kept) -> bytes:
    """Return `MOST` where a mosaic shows another photo, or another part of it, than the mosaic that it is an edit of.

    Args:
        kept: The edit.
        before: The other, of the same cells.
    """
    one, other = _shown(kept), _shown(before)
    count = kept.columns * kept.rows
    return kept.spread(bytearray(MOST * (one(number) != other(number)) for number in range(count)))


def _shown(kept: Kept) -> Callable[[int], tuple[bytes, bytes, int]]:
    """Return a function that tells the photo of a cell, the part of it that is shown, and how it is turned."""
    photos = [photo for (photo,) in struct.iter_unpack("<I", kept.arrays["photo"].data)]
    content, window, turn = (bytes(kept.arrays[name].data) for name in ("content", "window", "turn"))

    def shown(number: int) -> tuple[bytes, bytes, int]:
        photo = photos[number] * HASH_BYTES
        part = window[number * WINDOW_BYTES : (number + 1) * WINDOW_BYTES]
        return content[photo : photo + HASH_BYTES], part, turn[number]

    return shown
