"""One part of a tile set: its photos are read, measured and kept, under a lease of its own."""

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from models import database, exclusions, keys, parts
from models.errors import LeaseLost, UnreadableFile, UnusablePicture
from models.names import readable
from models.orders import ExclusionReason
from models.parts import PartLease
from models.services import Services
from models.tables import SkippedPhoto, TileSet
from models.tables import Tile as TileRow
from worker import context, index, parallel, places, sources
from worker.heart import Heart
from worker.images import Decoder
from worker.index import SIDE, Skipped, Tile
from worker.sources import Photo

log = structlog.get_logger(__name__)

DUPLICATE = "duplicate"
REMOTE_THREADS = 16
"""Photos that are read and stored at once where each takes a journey; no more are decoded than there are cores."""

Told = Callable[[int], None]
"""Told how many photos of the part are done. What it raises stops the work."""


@dataclass(frozen=True)
class Known:
    """A photo that the tile set has already: its content need not be measured again.

    Attributes:
        name: For people.
        content: The hash of its file.
        moved: Whether this file is now where it lies; otherwise it is there again.
    """

    name: str
    content: bytes
    moved: bool


Found = Tile | Known | Skipped
Lies = tuple[str | None, str | None]
"""Where in a place a photo lies, and its stamp."""


class PartWork:
    """A part that was claimed, and how far it is. A thread of its own beats while the work goes on."""

    def __init__(self, services: Services, tile_set: TileSet, lease: PartLease) -> None:
        self._services, self._tile_set, self._lease = services, tile_set, lease
        self._done = 0
        self._heart = Heart(services.settings, self._beat, self._give_back)

    def do(self, told: Told) -> None:
        """Do the part and close it; whatever goes wrong, it is left to others.

        Raises:
            LeaseLost: another has it, or nobody wants it any more.
        """
        try:
            photos = sources.read_list(self._services.store.get(self._lease.listing_key))
            with self._heart:
                found = list(self._described(photos, told))
            self._close(photos, found)
        except BaseException:
            with suppress(LeaseLost, *database.Unreachable):
                self._give_back()
            raise

    def _described(self, photos: Sequence[Photo], told: Told) -> Iterator[Found]:
        chosen = self._services.settings
        context.zips(self._services.store).keep_only({photo.address for photo in photos})
        with context.decoders(chosen) as decoder:
            keeper = Keeper(self._services, self._tile_set, decoder)
            for number, found in enumerate(parallel.spread(keeper.take, photos, keeper.threads), start=1):
                if self._heart.stopped:
                    raise LeaseLost(f"Attempt {self._lease.attempt} no longer holds part {self._lease.number}.")
                self._done = number
                told(number)
                yield found

    def _close(self, photos: Sequence[Photo], found: Sequence[Found]) -> None:
        """Write what came of the part, together with its end."""
        tiles = [each for each in found if isinstance(each, Tile)]
        key = keys.part(self._tile_set.id, self._lease.name) if tiles else None
        if key is not None:
            with tempfile.TemporaryFile() as file:
                index.save(index.of_tiles(tiles), file)
                file.seek(0)
                self._services.store.put(key, file)
        with self._services.sessions.begin() as session:
            parts.finish(session, self._lease, database.now(session), key)
            _write(session, self._tile_set, list(zip(photos, found, strict=True)))

    def _beat(self) -> None:
        with self._services.sessions.begin() as session:
            span = self._services.settings.lease_span
            parts.beat(session, self._lease, database.now(session), span, self._done)

    def _give_back(self) -> None:
        with self._services.sessions.begin() as session:
            parts.give_back(session, self._lease)
        log.info("part given back", part=self._lease.number)


class Keeper:
    """Measures photos and stores them as they are kept."""

    def __init__(self, services: Services, tile_set: TileSet, decoder: Decoder) -> None:
        self._store, self._settings = services.store, services.settings
        self._tile_set, self._decoder = tile_set, decoder
        self._cores = threading.Semaphore(parallel.core_count())
        self.threads = parallel.core_count() if services.store.is_local else REMOTE_THREADS
        self._zips = context.zips(services.store)
        self._known = _contents(services.reading, tile_set.id, tile_set.job_id)
        self._removed = _removed(services.reading, tile_set.id, tile_set.job_id)

    def take(self, photo: Photo) -> Found:
        """Return what a photo is; store it unless it is only linked to, or there already."""
        try:
            data = sources.read(photo, self._store, self._zips, self._settings.max_picture_bytes)
            content = sha256(data).digest()
            if content.hex() in self._known:
                return Known(photo.name, content, _has_moved(photo, *self._known[content.hex()]))
            if photo.origin is not None and content.hex() in self._removed:
                return Skipped(photo.name, "removed", "It was removed from this set; sent as a file, it comes back.")
            with self._cores:
                made = self._decoder.prepared(data, SIDE, 0 if photo.linked else self._settings.tile_edge)
        except UnusablePicture as error:
            return Skipped(photo.name, error.code, str(error))
        identity = self._tile_set.id
        if made.tile is not None:
            self._store.put(keys.tile(identity, content.hex()), made.tile)
        self._store.put(keys.preview_of_tile(identity, content.hex()), made.preview)
        if self._tile_set.keep_originals and not photo.linked:
            self._store.put(keys.original(identity, content.hex()), data)
        return Tile(photo.name, content, made.size, made.thumb)


@lru_cache(maxsize=1)
def _contents(reading: sessionmaker[Session], tile_set_id: UUID, _job_id: int) -> dict[str, Lies]:
    """Return all photos that a set had before a job, by content hash; the next part asks for the same ones."""
    with reading() as session:
        held = select(TileRow.content, TileRow.origin, TileRow.stamp)
        rows = session.execute(held.where(TileRow.tile_set_id == tile_set_id, TileRow.since.is_not(None)))
        return {content: (origin, stamp) for content, origin, stamp in rows}


@lru_cache(maxsize=1)
def _removed(reading: sessionmaker[Session], tile_set_id: UUID, _job_id: int) -> frozenset[str]:
    """Return the content hashes of what somebody had removed before a job: a place does not bring it back."""
    with reading() as session:
        return frozenset(exclusions.in_force_for(session, tile_set_id, ExclusionReason.REMOVED))


def _has_moved(photo: Photo, origin: str | None, stamp: str | None) -> bool:
    """Whether a file of a place is where a known photo lies now: it lay there, nowhere, or where it is no more."""
    if photo.origin is None:
        return False
    return origin in (None, photo.origin) or not places.stands(origin, stamp or "")


def _write(session: Session, tile_set: TileSet, found: Sequence[tuple[Photo, Found]]) -> None:
    """Write the rows of a part: its new tiles, and a line for each file that became none."""
    lines = [(each, photo) for photo, each in found if isinstance(each, Skipped)]
    new: dict[str, Photo] = {}
    again: list[tuple[str, Photo]] = []
    for photo, each in found:
        if isinstance(each, Skipped):
            continue
        content = each.content.hex()
        if isinstance(each, Known) and each.moved:
            _refresh(session, tile_set, content, photo)
        elif isinstance(each, Known) or content in new:
            again.append((content, photo))
        else:
            new[content] = photo
    added = _insert(session, tile_set, new)
    again += [(content, new[content]) for content in new.keys() - added]
    _forget_replaced(session, tile_set, found)
    _report(session, tile_set, [*lines, *_doubles(session, tile_set, again)], [photo for photo, _ in found])


def _insert(session: Session, tile_set: TileSet, new: dict[str, Photo]) -> set[str]:
    """Write the tiles that no other part, and no version, has; return which these are."""
    if not new:
        return set()
    rows = [
        {
            "tile_set_id": tile_set.id,
            "content": content,
            "name": readable(photo.name),
            "origin": photo.origin,
            "stamp": photo.stamp,
            "linked": photo.linked,
        }
        for content, photo in new.items()
    ]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    unless_there = dialect.insert(TileRow).on_conflict_do_nothing(index_elements=["tile_set_id", "content"])
    return set(session.scalars(unless_there.returning(TileRow.content), rows))


def _refresh(session: Session, tile_set: TileSet, content: str, photo: Photo) -> None:
    """Remember where a photo lies in a place, so that the next time its size and time tell."""
    session.execute(
        update(TileRow)
        .where(TileRow.tile_set_id == tile_set.id, TileRow.content == content)
        .values(origin=photo.origin, stamp=photo.stamp)
        .execution_options(synchronize_session=False)
    )


def _forget_replaced(session: Session, tile_set: TileSet, found: Sequence[tuple[Photo, Found]]) -> None:
    """Forget where photos lay whose files are others now; of a linked one nothing is left, and it is dropped."""
    now: dict[str, bytes | None] = {}
    for photo, each in found:
        # What could not be read may be what it was.
        if photo.origin is not None and not (isinstance(each, Skipped) and each.code == UnreadableFile.code):
            now[photo.origin] = None if isinstance(each, Skipped) else each.content
    if not now:
        return
    lay = select(TileRow.id, TileRow.content, TileRow.origin, TileRow.linked).where(
        TileRow.tile_set_id == tile_set.id, TileRow.origin.in_(now)
    )
    for row, content, origin, linked in session.execute(lay).all():
        if bytes.fromhex(content) != now[origin or ""]:
            session.execute(
                update(TileRow)
                .where(TileRow.id == row)
                .values(stamp=None, origin=origin if linked else None)
                .execution_options(synchronize_session=False)
            )


def _doubles(session: Session, tile_set: TileSet, again: Sequence[tuple[str, Photo]]) -> list[tuple[Skipped, Photo]]:
    """Return a line for every photo that the set has already under another name, unless it was removed just now."""
    held = select(TileRow.content, TileRow.name).where(
        TileRow.tile_set_id == tile_set.id, TileRow.content.in_({content for content, _ in again})
    )
    names = dict(session.execute(held).all()) if again else {}
    return [
        (Skipped(photo.name, DUPLICATE, f"The same file as {names[content]}."), photo)
        for content, photo in again
        if content in names
    ]


def _report(
    session: Session, tile_set: TileSet, lines: Sequence[tuple[Skipped, Photo]], looked_at: Sequence[Photo]
) -> None:
    """Add lines to a tile set's report, in place of what it said of the same files of places."""
    origins = [photo.origin for photo in looked_at if photo.origin is not None]
    old = delete(SkippedPhoto).where(SkippedPhoto.tile_set_id == tile_set.id, SkippedPhoto.origin.in_(origins))
    gone = session.scalars(old.returning(SkippedPhoto.id)).all() if origins else []
    session.add_all(
        SkippedPhoto(
            tile_set_id=tile_set.id,
            name=readable(line.name),
            code=line.code,
            sentence=line.sentence,
            origin=photo.origin,
            stamp=photo.stamp,
        )
        for line, photo in lines
    )
    session.execute(
        update(TileSet)
        .where(TileSet.id == tile_set.id)
        .values(skipped_count=TileSet.skipped_count + len(lines) - len(gone))
        .execution_options(synchronize_session=False)
    )
