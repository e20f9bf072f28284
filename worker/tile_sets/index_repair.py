"""Makes damaged or lost rows of an index again, from the stored photos.

Thumbs and sizes are then those of the stored photos. For photos that are stored without loss the thumbs are the same
as before, otherwise they differ as much as a JPEG of quality 92 does.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.errors import DamagedIndex, StorageUnreachable, StorageUnreadable, UnusablePicture
from models.rules import blob_keys
from models.services import Services
from models.storage import Store
from models.tables import Exclusion, RemovedTile, Tile, Version
from worker import parallel
from worker.core.progress import PhaseProgress
from worker.decoding.images import Decoder
from worker.jobs import scratch
from worker.tile_index import index
from worker.tile_index.index import Index, ReadPhoto

log = structlog.get_logger(__name__)


PIECE = 1_000
"""Rows that are made at once."""


def loaded(
    services: Services, version: Version, read: ReadPhoto, decoder: Decoder, name: str, progress: PhaseProgress
) -> Index:
    """Return the index of a version. If it cannot be read, it is made again and stored under a new key.

    Its rows are the same, in the same order.

    Args:
        services: The store with the index, and the database.
        version: The version of the tile set.
        read: Gives the bytes of a stored photo.
        decoder: Decodes it.
        name: A name that no other attempt has; part of the new key.
        progress: Called with how far the making is.

    Raises:
        NoUsableTiles: not one of its photos can be read any more.
        StorageUnreadable: the store refuses, or does not answer.
    """
    found = whole(services.store, version.index_key)
    if found is not None:
        return found
    with services.reading() as session:
        contents = _contents(session, version)
    key = blob_keys.index(version.tile_set_id, name)
    with scratch.folder() as folder:
        made = folder / "index"
        write(services, version.tile_set_id, contents, read, decoder, made, progress)
        services.store.put(key, made)
    with services.sessions.begin() as session:
        session.execute(
            update(Version)
            .where(Version.tile_set_id == version.tile_set_id, Version.index_key == version.index_key)
            .values(index_key=key)
        )
    return index.load(services.store.path(key))


def whole(store: Store, key: str) -> Index | None:
    """Return the index under a key; None, and a line in the log, if it is damaged or lost.

    Raises:
        StorageUnreadable: the store refuses or does not answer, and may still have it.
    """
    try:
        return index.load(store.path(key))
    except DamagedIndex as error:
        log.warning("an index is damaged and made again", index_key=key, reason=str(error))
    except StorageUnreachable:
        raise
    except StorageUnreadable:
        if _is_there(store, key):
            raise
        log.warning("an index is lost and made again", index_key=key)
    return None


def write(
    services: Services, tile_set_id: UUID, contents: Sequence[bytes], read: ReadPhoto, decoder: Decoder, out: Path,
    progress: PhaseProgress,
) -> None:  # fmt: skip
    """Write an index of stored photos, with temporary files beside it; photos that cannot be read are left out.

    Raises:
        NoUsableTiles: not one of them can be read.
    """
    described = _described(services, tile_set_id, contents, read, decoder, progress)
    pieces: list[Path] = []
    while tiles := list(islice(described, PIECE)):
        pieces.append(out.with_name(f"{out.name}-piece-{len(pieces)}"))
        with pieces[-1].open("w+b") as file:
            index.save(index.of_tiles(tiles), file)
    index.merged(pieces, out)


def _contents(session: Session, version: Version) -> list[bytes]:
    """Return the content hashes of what an index held when it was made, whether or not it was removed since."""
    of_set = version.tile_set_id
    same = (Version.tile_set_id == of_set) & (Version.index_key == version.index_key)
    made_at, last = session.execute(select(func.min(Version.number), func.max(Version.number)).where(same)).one()
    held = select(Tile.content).where(Tile.tile_set_id == of_set, Tile.since <= made_at)
    # While an index is in use no photo is added, so what was removed during that time was in it.
    gone = select(Exclusion.content).where(
        Exclusion.tile_set_id == of_set, Exclusion.since > made_at, Exclusion.since <= last
    )
    # Of photos that were removed before, an index holds those that may still come back.
    aside = select(RemovedTile.content).where(RemovedTile.tile_set_id == of_set, RemovedTile.since <= made_at)
    found = {content for query in (held, gone, aside) for content in session.scalars(query)}
    return sorted(bytes.fromhex(content) for content in found)


def _is_there(store: Store, key: str) -> bool:
    """Whether a store that answers has a blob.

    Raises:
        StorageUnreadable: it does not answer, or refuses.
    """
    return any(blob.key == key for blob in store.list(key.rpartition("/")[0]))


def _described(
    services: Services,
    owner: UUID,
    contents: Sequence[bytes],
    read: ReadPhoto,
    decoder: Decoder,
    progress: PhaseProgress,
) -> Iterator[index.Tile]:
    edge = services.settings.tile_edge

    def one(content: bytes) -> index.Tile | None:
        try:
            # Decoded at the same scale as the first time, which is more than a thumb alone would need.
            made = decoder.prepared(read(content), index.SIDE, edge)
        except UnusablePicture as error:
            log.warning("a photo is left out of an index", content=content.hex(), reason=str(error))
            return None
        except StorageUnreachable:
            raise
        except StorageUnreadable:
            if _is_there(services.store, blob_keys.tile(owner, content.hex())):
                raise
            log.warning("a lost photo is left out of an index", content=content.hex())
            return None
        return index.Tile(content, made.size, made.thumb)

    for done, tile in enumerate(parallel.spread(one, contents, parallel.core_count()), start=1):
        progress("rebuilding", done, len(contents))
        if tile is not None:
            yield tile
