"""One part of a tile set: reads, measures and stores its photos, under a lease of its own."""

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from models import database, exclusions, parts
from models.errors import LeaseLost, UnusablePicture
from models.parts import PartLease
from models.rules import blob_keys, file_types
from models.rules.tile_set_words import ExclusionReason
from models.services import Services
from models.tables import Tile as TileRow
from models.tables import TileSet
from worker import context, parallel
from worker.decoding.images import Decoder
from worker.indexing import records
from worker.indexing.records import Found, Known
from worker.jobs.heartbeat import Heartbeat
from worker.tile_index import index
from worker.tile_index.index import SIDE, Skipped, Tile
from worker.tile_sets import locations, sources
from worker.tile_sets.sources import Photo

log = structlog.get_logger(__name__)

REMOVED_SENTENCE = "It was removed from this set; sent as a file, it comes back."

Report = Callable[[int], None]
"""Called with how many photos of the part are done; what it raises stops the work."""
AtPlace = tuple[str | None, str | None]
"""The address of a photo's file in a place, and its stamp."""


class PartWork:
    """A part that was claimed, and how far it is. A heartbeat in a thread of its own renews its lease."""

    def __init__(self, services: Services, tile_set: TileSet, lease: PartLease) -> None:
        self._services, self._tile_set, self._lease = services, tile_set, lease
        self._done = 0
        self._heartbeat = Heartbeat(services.settings, self._beat, self._give_back)

    def do(self, report: Report) -> None:
        """Do the part and close it; on any error it is given back.

        Raises:
            LeaseLost: another worker has it, or its job has ended.
        """
        try:
            photos = sources.read_list(self._services.store.get(self._lease.listing_key))
            with self._heartbeat:
                found = list(self._described(photos, report))
            self._close(photos, found)
        except BaseException:
            with suppress(LeaseLost, *database.Unreachable):
                self._give_back()
            raise

    def _described(self, photos: Sequence[Photo], report: Report) -> Iterator[Found]:
        chosen = self._services.settings
        context.zips(self._services.store).keep_only({photo.address for photo in photos})
        with context.decoders(chosen) as decoder:
            keeper = Keeper(self._services, self._tile_set, decoder)
            for number, found in enumerate(sources.each(keeper.take, photos, self._services.store), start=1):
                if self._heartbeat.stopped:
                    raise LeaseLost(f"Attempt {self._lease.attempt} no longer holds part {self._lease.number}.")
                self._done = number
                report(number)
                yield found

    def _close(self, photos: Sequence[Photo], found: Sequence[Found]) -> None:
        """Write the results of the part together with its end."""
        tiles = [each for each in found if isinstance(each, Tile)]
        key = blob_keys.part(self._tile_set.id, self._lease.name) if tiles else None
        if key is not None:
            with tempfile.TemporaryFile() as file:
                index.save(index.of_tiles(tiles), file)
                file.seek(0)
                self._services.store.put(key, file)
        with self._services.sessions.begin() as session:
            parts.finish(session, self._lease, database.now(session), key)
            records.write(session, self._tile_set, list(zip(photos, found, strict=True)))

    def _beat(self) -> None:
        with self._services.sessions.begin() as session:
            span = self._services.settings.lease_span
            parts.beat(session, self._lease, database.now(session), span, self._done)

    def _give_back(self) -> None:
        with self._services.sessions.begin() as session:
            parts.give_back(session, self._lease)
        log.info("part given back", part=self._lease.number)


class Keeper:
    """Measures photos and stores them."""

    def __init__(self, services: Services, tile_set: TileSet, decoder: Decoder) -> None:
        self._store, self._settings = services.store, services.settings
        self._tile_set, self._decoder = tile_set, decoder
        self._cores = threading.Semaphore(parallel.core_count())
        self._zips = context.zips(services.store)
        self._known = _contents(services.reading, tile_set.id, tile_set.job_id)
        self._removed = _removed(services.reading, tile_set.id, tile_set.job_id)

    def take(self, photo: Photo) -> Found:
        """Measure a photo, and store it unless it is only linked to or known already."""
        try:
            data = sources.read(photo, self._store, self._zips, self._settings.max_picture_bytes)
            content = sha256(data).digest()
            if content.hex() in self._known:
                return Known(content, _has_moved(photo, *self._known[content.hex()]))
            if photo.origin is not None:
                # Someone who uploads a mosaic wants it; in a folder it just lies where it was made.
                file_types.refuse_ours(data)
            if photo.origin is not None and content.hex() in self._removed:
                return Skipped(photo.name, ExclusionReason.REMOVED, REMOVED_SENTENCE)
            with self._cores:
                made = self._decoder.prepared(data, SIDE, 0 if photo.linked else self._settings.tile_edge)
        except UnusablePicture as error:
            return Skipped(photo.name, error.code, str(error))
        identity = self._tile_set.id
        if made.tile is not None:
            self._store.put(blob_keys.tile(identity, content.hex()), made.tile)
        self._store.put(blob_keys.preview_of_tile(identity, content.hex()), made.preview)
        if self._tile_set.keep_originals and not photo.linked:
            self._store.put(blob_keys.original(identity, content.hex()), data)
        return Tile(content, made.size, made.thumb)


@lru_cache(maxsize=1)
def _contents(reading: sessionmaker[Session], tile_set_id: UUID, _job_id: int) -> dict[str, AtPlace]:
    """Return the photos that a set had before a job, by content hash; cached, since the next part asks again."""
    with reading() as session:
        held = select(TileRow.content, TileRow.origin, TileRow.stamp)
        rows = session.execute(held.where(TileRow.tile_set_id == tile_set_id, TileRow.since.is_not(None)))
        return {content: (origin, stamp) for content, origin, stamp in rows}


@lru_cache(maxsize=1)
def _removed(reading: sessionmaker[Session], tile_set_id: UUID, _job_id: int) -> frozenset[str]:
    """Return the content hashes of photos that were removed before a job: a place does not bring them back."""
    with reading() as session:
        return frozenset(exclusions.in_force_for(session, tile_set_id, ExclusionReason.REMOVED))


def _has_moved(photo: Photo, origin: str | None, stamp: str | None) -> bool:
    """Whether a file of a place is now the file of a known photo: it was before, or the photo's old file is gone."""
    if photo.origin is None:
        return False
    return origin in (None, photo.origin) or not locations.stands(origin, stamp or "")
