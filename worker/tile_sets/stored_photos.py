"""Reads the photos of a tile set: from the store, or from their own files if the set only links to them."""

from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from uuid import UUID

from models import tile_set_versions
from models.errors import UnreadableFile, UnusablePicture
from models.rules import blob_keys
from models.services import Services
from worker.tile_index.index import ReadPhoto
from worker.tile_sets import locations


def reader(services: Services, tile_set_id: UUID) -> ReadPhoto:
    """Return a function from a photo's content hash to its bytes; removed photos are included while they exist."""
    with services.reading() as session:
        links = tile_set_versions.links(session, tile_set_id)
    return partial(_read, services, tile_set_id, links)


def _read(services: Services, tile_set_id: UUID, links: Mapping[str, str], content: bytes) -> bytes:
    """Return a stored photo, or its own file if the set only links to it.

    Raises:
        UnreadableFile: the file is gone, or has changed.
    """
    link = links.get(content.hex())
    if link is None:
        return services.store.fetched(blob_keys.tile(tile_set_id, content.hex()))
    try:
        data = locations.read(link, services.settings.max_picture_bytes)
    except UnusablePicture as error:
        raise UnreadableFile(f"{link}: {error}") from error
    if sha256(data).digest() != content:
        raise UnreadableFile(f"{link} has changed since it was indexed; import its folder again.")
    return data
