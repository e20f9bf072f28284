"""What the jobs of mosaics and of sketches read: the file of a target, and the photos that may be used."""

from collections.abc import Collection

import numpy as np

from models.rules import zip_files
from models.services import Services
from worker.tile_index.index import Index


def target(services: Services, key: str, entry: int | None) -> bytes:
    """Return the file of a target: a blob, or a file of a zip."""
    if entry is None:
        return services.store.get(key)
    with zip_files.opened(services.store.open(key)) as archive:
        return archive.read(entry, services.settings.max_picture_bytes)


def without(tiles: Index, excluded: Collection[str]) -> Index:
    """Return the tiles whose content hashes, in hexadecimal, are not among these."""
    if not excluded:
        return tiles
    left = [n for n, content in enumerate(tiles.content) if content.tobytes().hex() not in excluded]
    return tiles.selected(np.array(left, np.intp))
