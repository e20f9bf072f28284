"""Checks whether this program can use a database, before it does, so that people get one clear sentence."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, DBAPIError, ProgrammingError
from sqlalchemy.pool import NullPool

from models import database
from models.errors import (
    DatabaseEncoding,
    DatabaseIncomplete,
    DatabaseNewer,
    DatabaseOlder,
    DatabaseUnavailable,
    ForeignDatabase,
    NotADatabase,
    UnusableDatabase,
)
from models.tables import Job

STAMP = "alembic_version"
OURS = {"jobs", "mosaics", "tile_sets"}
"""Tables that every version has."""
REVISIONS = sorted(path.name[:4] for path in Path(__file__).parent.glob("migrations/versions/[0-9]*.py"))
GARBAGE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
SMALLEST_BYTES = 512
"""A page at least. Source: SQLite, Database File Format, 1.3.2."""
HELD = ("SQLITE_BUSY", "SQLITE_LOCKED")


def check(url: str) -> str:
    """Return the version of a database that this program can work with.

    Raises:
        UnusableDatabase: it cannot.
        DatabaseUnavailable: it does not answer at the moment.
    """
    at = check_migratable(url)
    if at != REVISIONS[-1]:
        raise DatabaseOlder(
            f"The database is not at the newest version (it is at {at or 'none'}, not {REVISIONS[-1]}); "
            "run: tessera migrate"
        )
    return at


def check_migratable(url: str) -> str | None:
    """Return the version of a database that can be used once it is migrated; None for an empty one.

    Raises:
        UnusableDatabase: it cannot.
        DatabaseUnavailable: it does not answer at the moment.
    """
    address = database.address(url)
    is_sqlite = address.get_backend_name() == "sqlite"
    if is_sqlite and not _is_there(address):
        return None
    more = {"timeout": database.BUSY_SECONDS} if is_sqlite else database.POSTGRESQL
    # A plain engine that changes nothing, since the database may be another program's.
    engine = create_engine(address, poolclass=NullPool, connect_args=more)
    with in_a_sentence(), engine.connect() as connection:
        if not is_sqlite:
            _check_encoding(connection)
        return _version(connection)


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Turn whatever keeps a database from being used into one sentence.

    Raises:
        UnusableDatabase: it cannot be used as it is.
        DatabaseUnavailable: it does not answer at the moment.
    """
    try:
        yield
    except (*database.Unreachable, DatabaseError) as error:
        raise _plain(error) from error


def _plain(error: Exception) -> UnusableDatabase | DatabaseUnavailable:
    origin = error.orig if isinstance(error, DBAPIError) else None
    reason = str(origin or error).strip().splitlines()[0]
    name = getattr(origin, "sqlite_errorname", "")
    if name.startswith(GARBAGE):
        return NotADatabase(
            f"The database cannot be used: {reason}. It is damaged, or was never one of SQLite's; restore a backup."
        )
    if isinstance(error, ProgrammingError) or reason.startswith("no such"):
        return DatabaseOlder(f"The database is not at the newest version ({reason}); run: tessera migrate")
    if isinstance(origin, sqlite3.Error) and not name.startswith(HELD):
        return UnusableDatabase(f"The database cannot be used: {reason}.")
    return DatabaseUnavailable(f"The database cannot be used: {reason}.")


def _is_there(address: URL) -> bool:
    """Whether an SQLite database has a file, after checking that this user may read and write it and its folder."""
    path = Path(address.database or "")
    folder = path.absolute().parent
    # Not with pathlib, which raises an error where this user may not look.
    if not os.path.isdir(folder):  # noqa: PTH112
        raise UnusableDatabase(f"The database cannot be used: there is no folder {folder}.")
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
        raise UnusableDatabase(f"The database cannot be used: {path} is not a file.")
    for needed in (folder, path):
        if os.path.exists(needed) and not os.access(needed, os.R_OK | os.W_OK):  # noqa: PTH110
            raise UnusableDatabase(f"The database cannot be used: this user may not read and write {needed}.")
    if not os.path.exists(path):  # noqa: PTH110
        return False
    # SQLite itself takes a file of a few bytes for an empty database. It is not opened: see `database._keep_private`.
    if 0 < path.stat().st_size < SMALLEST_BYTES:
        raise NotADatabase(f"The database cannot be used: {path} was never one of SQLite's; restore a backup.")
    return True


def _check_encoding(connection: Connection) -> None:
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise DatabaseEncoding(
            f"The database is in {encoding}, which cannot hold every name; make one in UTF8: "
            "createdb --encoding=UTF8 --template=template0 tessera"
        )


def _version(connection: Connection) -> str | None:
    tables = set(inspect(connection).get_table_names())
    stamped = STAMP in tables
    found = list(connection.scalars(text(f"SELECT version_num FROM {STAMP}"))) if stamped else []  # noqa: S608 - ours
    if not (tables - {STAMP} if not found else tables):
        return None
    if not tables >= OURS:
        some = ", ".join(sorted(tables - {STAMP})[:3]) or STAMP
        raise ForeignDatabase(f"The database is another program's (it holds {some}); name an empty one.")
    if len(found) != 1:
        raise DatabaseIncomplete(_incomplete(f"it says {len(found)} versions"))
    at = str(found[0])
    if at not in REVISIONS:
        raise DatabaseNewer(
            f"The database is at version {at}, and this program knows none after {REVISIONS[-1]}; "
            "install the Tessera that migrated it, or a newer one."
        )
    missing = sorted(set(Job.metadata.tables) - tables) if at == REVISIONS[-1] else []
    if missing:
        raise DatabaseIncomplete(_incomplete(f"without {', '.join(missing)}"))
    return at


def _incomplete(how: str) -> str:
    return f"The database is not whole ({how}), as when a migration was broken off; bring it back from a backup."
