"""Whether the store belongs to this database: both contain the id of the same installation.

The id is generated once, by a guarded update of the database's one row. An empty store gets it at once, any other
store only by `tessera adopt`. The store also contains how often it was surveyed. If the database's count is lower, it
was restored from a dump and does not know what was stored since.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

import structlog
from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from models.errors import (
    BlobMissing,
    StorageUnreachable,
    StorageUnreadable,
    StoreEmptied,
    StoreOfAnother,
    TesseraError,
)
from models.rules import blob_keys
from models.storage import Store
from models.tables import Installation, Mosaic, Tile

ADOPT = "or join it to this database with `tessera adopt`"
TRUST_SECONDS = 60.0
"""How long a process writes to a store before it checks again whose it is."""
log = structlog.get_logger(__name__)


class Bond(StrEnum):
    """How the store and the database are related."""

    OURS = "ok"
    UNMARKED = "not joined"
    OLDER = "newer than the database"
    ANOTHERS = "of another installation"
    EMPTIED = "emptied"

    @property
    def sentence(self) -> str:
        """What is wrong, and what to do."""
        return {
            Bond.OURS: "The store belongs to this database.",
            Bond.UNMARKED: "The store holds files and no installation's id, so nothing in it is ever deleted; "
            f"name an empty one in TESSERA_STORE, {ADOPT}.",
            Bond.OLDER: "The database is older than the store, as one restored from a dump is, so nothing in the "
            f"store is deleted; bring back the newer database, {ADOPT}.",
            Bond.ANOTHERS: "The store belongs to another database, so nothing is written to it or deleted from it; "
            f"correct TESSERA_DATABASE_URL or TESSERA_STORE, or bring back that database, {ADOPT}.",
            Bond.EMPTIED: "The store is empty, though the database knows what it held, so nothing is written to it: "
            f"its disk may not be mounted, or TESSERA_STORE be mistyped. Bring it back, {ADOPT}.",
        }[self]


_LOSING: Mapping[Bond, type[TesseraError]] = {Bond.ANOTHERS: StoreOfAnother, Bond.EMPTIED: StoreEmptied}
"""The bonds under which whatever is written to the store would be lost, with their errors."""


@dataclass(frozen=True)
class Found:
    """What a survey of the store found.

    Attributes:
        blob_count: Blobs of Tessera's outside the trash.
        withheld_count: Blobs that no row says anything about, if they are too many to be taken unasked; else 0.
        trash_count: Blobs in the trash.
        trash_bytes: Their total size.
    """

    blob_count: int
    withheld_count: int
    trash_count: int
    trash_bytes: int


class Belonging:
    """The relation between a database and a store."""

    def __init__(self, sessions: sessionmaker[Session], reading: sessionmaker[Session], store: Store) -> None:
        self._sessions, self._reading, self._store = sessions, reading, store
        self._lock = threading.Lock()
        self._trusted_until = 0.0
        self._logged = Bond.OURS
        self.newest = Bond.OURS
        """What the last check found."""

    def look(self) -> Bond:
        """Check whose the store is; one that is empty, and always was, becomes ours.

        Raises:
            StorageUnreadable: the store refuses, or does not answer.
        """
        self.newest = self._judged()
        return self.newest

    def look_and_log(self) -> Bond:
        """Like `look`, but log what is wrong, once until it changes."""
        bond = self.look()
        if bond is not self._logged:
            event = "the store is swept" if bond is Bond.OURS else "the store is not swept"
            log.warning(event, reason=bond.sentence)
            self._logged = bond
        return bond

    def check_writable(self) -> None:
        """Refuse to write where the blob would be lost: to another's sweep, or under the mount point of a disk.

        Raises:
            StoreOfAnother: the store belongs to another database.
            StoreEmptied: the store is empty, and was not.
            StorageUnreadable: the store refuses, or does not answer.
        """
        with self._lock:
            if time.monotonic() < self._trusted_until:
                return
            self.check_safe()
            self._trusted_until = time.monotonic() + TRUST_SECONDS

    def check_safe(self) -> None:
        """Like `check_writable`, but always check anew."""
        bond = self.look_and_log()
        if bond in _LOSING:
            self._trusted_until = 0.0
            raise _LOSING[bond](bond.sentence)

    def adopt(self) -> None:
        """Give the store this database's id, whatever id it had before, and accept its count of surveys."""
        identity = self.identity()
        self._store.note(blob_keys.INSTALLATION, str(identity), over=True)
        counted = _generation(self._store, identity)
        with self._sessions.begin() as session:
            older = Installation.generation < counted
            session.execute(update(Installation).where(older).values(generation=counted))

    def begin_look(self, now: datetime) -> None:
        """Count a survey of the store, in the database first, so that its count is never lower than the store's."""
        with self._sessions.begin() as session:
            counted = update(Installation).values(generation=Installation.generation + 1, looked_at=now)
            generation = session.scalars(counted.returning(Installation.generation)).one()
        self._store.note(blob_keys.generation(self.identity()), str(generation), over=True)

    def note(self, found: Found) -> None:
        """Write down what a survey of the store found, for the metrics and `tessera doctor`."""
        with self._sessions.begin() as session:
            session.execute(update(Installation).values(**asdict(found)))

    def identity(self) -> UUID:
        """Return the database's id; the first call generates it."""
        found = self._row().identity
        if found is None:
            with self._sessions.begin() as session:
                session.execute(update(Installation).where(Installation.identity.is_(None)).values(identity=uuid4()))
            return self.identity()
        return found

    def _judged(self) -> Bond:
        marked = mark(self._store)
        if marked is None:
            if _is_empty(self._store):
                if self._held_something():
                    return Bond.EMPTIED
                self._store.note(blob_keys.INSTALLATION, str(self.identity()), over=False)
            # Another process may have written its id meanwhile.
            marked = mark(self._store)
        if marked is None:
            return Bond.UNMARKED
        identity = self.identity()
        if marked != str(identity):
            return Bond.ANOTHERS
        # The store's count is read first: others may count meanwhile, and they count in the database first.
        counted = _generation(self._store, identity)
        return Bond.OLDER if counted > self._row().generation else Bond.OURS

    def _held_something(self) -> bool:
        """Whether the database has counted blobs, or names some and was joined to a store."""
        named = or_(exists().select_from(Tile), exists().where(Mosaic.purged_at.is_(None)))
        with self._reading() as session:
            row = session.scalars(select(Installation)).one()
            return row.blob_count > 0 or (row.identity is not None and bool(session.scalar(select(named))))

    def _row(self) -> Installation:
        with self._reading() as session:
            return session.scalars(select(Installation)).one()


def mark(store: Store) -> str | None:
    """Return the id that is written in the store; None if there is none."""
    try:
        return store.get(blob_keys.INSTALLATION).decode(errors="replace").strip()
    except BlobMissing:
        return None


def _is_empty(store: Store) -> bool:
    try:
        return next(store.list(), None) is None
    except StorageUnreachable:
        raise
    except StorageUnreadable:
        # It holds something that no store of ours does, such as a name that cannot be read.
        return False


def _generation(store: Store, identity: UUID) -> int:
    """Return how often the store was surveyed, by its own count; 0 if that is missing or damaged."""
    try:
        return int(store.get(blob_keys.generation(identity)))
    except (BlobMissing, ValueError):
        return 0
