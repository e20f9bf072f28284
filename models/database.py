"""Engine, sessions, naming convention and time, on SQLite and on PostgreSQL."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg.errors import IdleInTransactionSessionTimeout, ReadOnlySqlTransaction
from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    func,
    literal_column,
    select,
)
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DataError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from models.errors import BadConfiguration
from models.rules import private_files

BUSY_SECONDS = 10
CONNECT_SECONDS = 5
POSTGRESQL = {
    "connect_timeout": CONNECT_SECONDS,
    "client_encoding": "utf8",
    # A server that has vanished is given up after 15 s, not after the system's two hours.
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    # A process that is frozen in the middle of a transaction keeps its rows locked no longer than the first of
    # these, and others wait for a lock no longer than the second.
    "options": "-c idle_in_transaction_session_timeout=15s -c lock_timeout=10s",
}
"""Options for libpq. Source: PostgreSQL 18, sections 32.1.2 and 19.11.1."""
READ_ONLY = ("SQLITE_READONLY", "SQLITE_CANTOPEN")
MOST_CONNECTIONS = 40
"""Connections of one process: more than it has threads, so that no thread waits for another's."""
LAST_ID = 2**31 - 1
"""The largest possible id. Source: PostgreSQL 18, table 8.2: integer."""
Unreachable = (OperationalError, InterfaceError, PoolTimeout)
"""What a statement raises when the database cannot be reached at the moment."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite stores it as text that sorts in order of time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time reached the database: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables. Constraints have names, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012 - SQLAlchemy's own name and form


def connect(url: str) -> Engine:
    """Return an engine for SQLite or PostgreSQL.

    Raises:
        BadConfiguration: it is no database address, or one of another database.
    """
    place = address(url)
    if place.get_backend_name() == "postgresql":
        engine = create_engine(place, pool_pre_ping=True, max_overflow=MOST_CONNECTIONS, connect_args=POSTGRESQL)
        event.listen(engine, "checkout", _leave_it_to_the_server)
    else:
        engine = create_engine(place, max_overflow=MOST_CONNECTIONS, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "do_connect", _keep_private)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _drop_unusable_connection)
    event.listen(engine, "handle_error", _name_wrong_schema)
    event.listen(engine, "handle_error", _name_bad_value)
    return engine


def sqlite_url(path: Path) -> str:
    """Return the address of an SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def sessions(engine: Engine) -> sessionmaker[Session]:
    """Return the factory of sessions; rows stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


def reading(engine: Engine) -> sessionmaker[Session]:
    """Return the factory of sessions that only read: on SQLite they neither await writers nor delay them."""
    return sessionmaker(engine.execution_options(only_reads=True, postgresql_readonly=True), expire_on_commit=False)


def now(session: Session) -> datetime:
    """Return the time on the database's clock, by which all leases are compared."""
    if session.get_bind().dialect.name == "postgresql":
        return session.scalars(select(func.clock_timestamp(type_=UtcDateTime))).one()
    text = session.scalars(select(func.strftime(literal_column("'%Y-%m-%dT%H:%M:%f'"), "now"))).one()
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def address(url: str) -> URL:
    """Return the address of a database in SQLAlchemy's form.

    Raises:
        BadConfiguration: it is no database address, or one of another database.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise BadConfiguration("TESSERA_DATABASE_URL is not a database address.") from error
    if address.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return address.set(drivername="postgresql+psycopg")
    if address.drivername in {"sqlite", "sqlite+pysqlite"}:
        if address.database in {None, "", ":memory:"} or address.query.get("mode") == "memory":
            raise BadConfiguration("TESSERA_DATABASE_URL must name a file: sqlite:////folder/tessera.db")
        return address
    raise BadConfiguration(
        f"TESSERA_DATABASE_URL must be postgresql://… or sqlite:///…, not {address.drivername}://…"
    )


def _drop_unusable_connection(context: ExceptionContext) -> None:
    """Treat a connection that can no longer write as broken, so that the pool drops it.

    Either the server ended its session, because this process was frozen in a transaction; or the database was
    read-only when the connection was made, and stays so for as long as the connection is open. psycopg raises
    InternalError for both.
    """
    error = context.original_exception
    read_only = getattr(error, "sqlite_errorname", "").startswith(READ_ONLY)
    if read_only or isinstance(error, IdleInTransactionSessionTimeout | ReadOnlySqlTransaction):
        context.is_disconnect = True
        raise OperationalError(context.statement, context.parameters, error, connection_invalidated=True)


def _leave_it_to_the_server(connection: Any, _record: object, _lent: object) -> None:
    """Let the server decide whether a connection may write after it was used only for reading.

    SQLAlchemy sets it back to READ WRITE, which would override the server's `default_transaction_read_only`.
    """
    connection.read_only = None


def _keep_private(_dialect: Dialect, _record: object, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Create a database's file so that only its user may open it, and take the rights of others from an old one.

    The same goes for the files beside it, to which SQLite gives the database's rights when it creates them.

    A file that is there is never opened here: closing it would take every lock that SQLite holds on it from this
    process. The next program to end would then think itself the last, and delete the write-ahead log that we go on
    writing to. Source: How To Corrupt An SQLite Database File, 2.2.
    """
    name = str(arguments[0])
    if name.startswith("file:"):
        return
    with suppress(OSError):
        os.close(os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    private_files.shut(Path(name))
    for beside in ("-wal", "-shm", "-journal"):
        with suppress(OSError):
            Path(f"{name}{beside}").chmod(Path(name).stat().st_mode & 0o600)


def _name_wrong_schema(context: ExceptionContext) -> None:
    """Raise ProgrammingError, as PostgreSQL does, for a statement that does not fit the schema's version."""
    error = context.original_exception
    if getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR":
        raise ProgrammingError(context.statement, context.parameters, error)


def _name_bad_value(context: ExceptionContext) -> None:
    """Raise DataError for a number that is too large or a text that is not Unicode, whatever the driver raises."""
    error = context.original_exception
    if isinstance(error, OverflowError | UnicodeEncodeError):
        raise DataError(context.statement, context.parameters, error)


def _begin_sqlite(connection: Connection) -> None:
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: a deferred one that reads and then writes fails at once with
    # "database is locked" instead of waiting. We begin each of them ourselves, see `_begin_sqlite`.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
