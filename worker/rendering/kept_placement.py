"""A placement between the arrays of the matcher and the file in which the service keeps it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.rules import array_file, kept_placements
from models.rules.kept_placements import COLOURS, FILLED, KIND, SPANS, VERSION
from worker.core.assignment.spacing import NOBODY
from worker.core.matcher import Choice


@dataclass(frozen=True)
class KeptPlacement:
    """What a mosaic is laid from.

    Attributes:
        content: (D, 32) content hashes of the photos that lie in it.
        choice: The photo of every cell, as a number into `content`, its window, orientation and cost.
        target_size: Width and height of the target in pixels.
        colours: (n, n, n, 3) what the target's colours were moved to, see `worker.core.adaptation.table`; None where
            they were not.
        spans: (rows, columns) the sizes of the cells, see `worker.core.sizes`; None if all are of one size.
    """

    content: NDArray[np.uint8]
    choice: Choice
    target_size: tuple[int, int]
    colours: NDArray[np.float32] | None
    spans: NDArray[np.uint8] | None = None


def save(placement: KeptPlacement, path: Path) -> None:
    """Write a placement; of its photos only those that lie somewhere, each once."""
    choice = placement.choice
    filled = choice.tiles != NOBODY
    photos = np.zeros(choice.tiles.shape, np.uint32)
    used, photos[filled] = np.unique(choice.tiles[filled], return_inverse=True)
    arrays: dict[str, NDArray[Any]] = {
        "photo": photos,
        "window": choice.windows.astype(np.uint16),
        "turn": choice.orientations.astype(np.uint8),
        "cost": choice.costs.astype(np.float64),
        "content": placement.content[used],
        "lower_bound": np.array([choice.lower_bound], np.float64),
        "target_size": np.array(placement.target_size, np.uint32),
    }
    if placement.colours is not None:
        arrays[COLOURS] = placement.colours
    if placement.spans is not None:
        arrays[SPANS] = placement.spans
    elif not filled.all():
        arrays[FILLED] = filled.astype(np.uint8)
    with path.open("wb") as file:
        array_file.save(file, KIND, VERSION, arrays)


def uses(placement: KeptPlacement) -> dict[str, int]:
    """Return in how many cells each photo lies, by content hash in hexadecimal."""
    lie, counts = np.unique(placement.choice.tiles[placement.choice.tiles != NOBODY], return_counts=True)
    contents = (content.tobytes().hex() for content in placement.content[lie])
    return dict(zip(contents, counts.tolist(), strict=True))


def load(path: Path) -> KeptPlacement:
    """Read a placement.

    Raises:
        DamagedPlacement: it cannot be read.
    """
    kept = kept_placements.opened(path)
    arrays = {
        name: np.frombuffer(mapped.data, array_file.DTYPES[mapped.dtype]).reshape(mapped.shape)
        for name, mapped in kept.arrays.items()
    }
    photos = arrays["photo"].astype(np.intp)
    photos[arrays.get(FILLED, arrays.get(SPANS, 1)) == np.uint8(0)] = NOBODY
    choice = Choice(photos, arrays["turn"], arrays["cost"], kept.lower_bound, arrays["window"])
    return KeptPlacement(arrays["content"], choice, kept.target_size, arrays.get(COLOURS), arrays.get(SPANS))
