"""Whether orders can be taken: `/readyz` and `tessera doctor` check the database and the store by writing to them.

A check is limited in time, and its result is reused for a while. So asking often is cheap, and a database or a store
that does not answer holds up nobody.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Lock
from uuid import uuid4

from sqlalchemy import false, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from models import database, database_check
from models.errors import NoAnswer, StorageUnreadable, TesseraError
from models.rules import blob_keys
from models.services import Services
from models.tables import Tile

FRESH_SECONDS = 3.0
LOOK_SECONDS = 5.0


def check_database(services: Services) -> str:
    """Return the version of the database.

    Raises:
        UnusableDatabase: it is at another version, or cannot be used.
        DatabaseUnavailable: it does not answer, or refuses to be written to.
    """
    return check_database_alone(services.settings.database_url, services.sessions)


def check_database_alone(url: str, sessions: sessionmaker[Session]) -> str:
    """Like `check_database`, but without needing a store."""
    at = database_check.check(url)
    with database_check.in_a_sentence(), sessions() as session:
        # It changes nothing, but needs the right to write.
        session.execute(update(Tile).where(false()).values(name=""))
    return at


def check_store(services: Services) -> str:
    """Return the address of the store.

    Raises:
        TesseraError: what is written there would be lost, or the store cannot be written to and read from.
    """
    # Errors of the database are reported by `check_database`.
    with suppress(*database.Unreachable, DatabaseError):
        services.belonging.check_safe()
        key = blob_keys.probe(uuid4())
        services.store.put(key, b"well")
        if services.store.get(key) != b"well":
            raise StorageUnreadable("What was written to the store did not come back.")
        services.store.delete([key])
    return services.settings.store


CHECKS: Mapping[str, Callable[[Services], str]] = {"database": check_database, "store": check_store}


class Readiness:
    """The latest results of the checks in one process."""

    def __init__(self, services: Services) -> None:
        self._services, self._lock = services, Lock()
        self._threads = ThreadPoolExecutor(len(CHECKS), "readiness")
        self._began = float("-inf")
        self._looks: dict[str, Future[str]] = {}

    def troubles(self) -> dict[str, TesseraError]:
        """Return the errors that the checks found, by name; check again if the last results are old."""
        with self._lock:
            ended = all(look.done() for look in self._looks.values())
            if ended and time.monotonic() - self._began > FRESH_SECONDS:
                self._began = time.monotonic()
                self._looks = {name: self._threads.submit(check, self._services) for name, check in CHECKS.items()}
            looks, left = dict(self._looks), self._began + LOOK_SECONDS - time.monotonic()
        wait(looks.values(), max(0.0, left))
        found = {name: _trouble(name, look) for name, look in looks.items()}
        return {name: trouble for name, trouble in found.items() if trouble is not None}


def _trouble(name: str, look: Future[str]) -> TesseraError | None:
    if not look.done():
        return NoAnswer(f"The {name} did not answer within {LOOK_SECONDS:.0f} seconds.")
    error = look.exception()
    if error is None or isinstance(error, TesseraError):
        return error
    raise error
