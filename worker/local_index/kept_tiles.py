"""Tiles of earlier mosaics, kept in the user's cache so that their photos need not be opened again.

How it works: one SQLite file holds the pixels of tiles by key. Any number of processes may use it at once, and any of
them may be killed at any point. A tile that cannot be read counts as not kept; after an error of SQLite, such as a
full disk, a mosaic is made without the file; a damaged file is thrown away. Since nothing is lost with the file,
SQLite is not told to wait for the disk, and each tile has a checksum instead.
"""

import os
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from worker.local_index import cache_paths

PAGE_BYTES = 8_192
"""A tile of 50 x 50 pixels, the usual size, fits into one page."""
BATCH_BYTES = 8 << 20
"""So many bytes are written at once; meanwhile another process that wants to write waits."""
WAIT_SECONDS = 2.0
HOUR_SECONDS = 3_600
FULL_SHARE = 0.9
"""When there are too many bytes, the tiles used longest ago are removed until this share of the limit is left."""
PRIMARY = 0xFF
"""The bits of an error code that tell its kind. Source: https://www.sqlite.org/rescode.html"""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""The last one means that tables or columns are not ours."""
_NEW = f"""
PRAGMA page_size = {PAGE_BYTES};
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS pixels (tile INTEGER PRIMARY KEY, pixels BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tiles (
    key BLOB PRIMARY KEY, tile INTEGER NOT NULL, checksum INTEGER NOT NULL, hour INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
_FIND = "SELECT pixels, checksum, hour FROM tiles JOIN pixels USING (tile) WHERE key = ?"


class KeptTiles:
    """The kept tiles, as one mosaic uses them, in one thread.

    Args:
        path: The SQLite file; it is made if it is not there.
        most_bytes: How large the file may be.
        hour: The current hour, counted from any day; it tells which tiles were used longest ago.
    """

    def __init__(self, path: str, most_bytes: int, hour: int) -> None:
        self._path, self._most_bytes, self._hour = path, most_bytes, hour
        self._new: list[tuple[bytes, bytes]] = []
        self._aged: list[bytes] = []
        self._new_bytes = self._kept_bytes = 0
        self._database: sqlite3.Connection | None = None
        with self._forgiven():
            self._database = _connected(path)
        if self._database is None and not os.path.exists(path):  # a damaged one was thrown away
            with self._forgiven():
                self._database = _connected(path)

    def find(self, keys: Sequence[bytes], byte_count: int) -> list[bytes | None]:
        """Return the pixels of some tiles, `byte_count` bytes each; None for each that is not kept."""
        found: list[bytes | None] = [None] * len(keys)
        if self._database is not None:
            with self._forgiven():
                for number, key in enumerate(keys):
                    row = self._database.execute(_FIND, (key,)).fetchone()
                    if row is not None and len(row[0]) == byte_count and zlib.crc32(row[0]) == row[1]:
                        found[number] = row[0]
                        self._aged += [key] if row[2] != self._hour else []
        return found

    def keep(self, key: bytes, pixels: bytes) -> None:
        """Keep a tile; one mosaic keeps no more than there is room for."""
        if self._database is None or self._kept_bytes + len(pixels) > FULL_SHARE * self._most_bytes:
            return
        self._new.append((key, pixels))
        self._kept_bytes += len(pixels)
        self._new_bytes += len(pixels)
        if self._new_bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the tiles that are not written yet and which were used, and remove those that are too much."""
        if self._database is not None and (self._new or self._aged):
            with self._forgiven():
                with _transaction(self._database):
                    aged = [(self._hour, key) for key in self._aged]
                    self._database.executemany("UPDATE tiles SET hour = ? WHERE key = ?", aged)
                    for key, pixels in self._new:
                        _put(self._database, key, pixels, self._hour)
                _bound(self._database, self._most_bytes)
        self._new, self._aged, self._new_bytes = [], [], 0

    def close(self) -> None:
        """Write what is not written yet, and let go of the file."""
        self.flush()
        if self._database is not None:
            with self._forgiven():
                self._database.close()
        self._database = None

    @contextmanager
    def _forgiven(self) -> Iterator[None]:
        """Do without the file from the first error on; throw it away if it is damaged."""
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning) as error:
            if self._database is not None:
                with suppress(sqlite3.Error):
                    self._database.close()
                self._database = None
            if getattr(error, "sqlite_errorcode", 0) & PRIMARY in _DAMAGED:
                for ending in ("", "-wal", "-shm"):
                    with suppress(OSError):
                        os.unlink(self._path + ending)


@contextmanager
def opened(most_bytes: int, cache: str | None = None) -> Iterator[KeptTiles | None]:
    """Lend the tiles that are kept for this user, and keep more of them; None if no byte may be kept.

    Args:
        most_bytes: How large the file may be.
        cache: The folder of all that is kept; None for the user's cache folder.
    """
    if not most_bytes:
        yield None
        return
    path = cache_paths.tiles_path(cache)
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    kept = KeptTiles(path, most_bytes, int(time.time()) // HOUR_SECONDS)
    try:
        yield kept
    finally:
        kept.close()


def _connected(path: str) -> sqlite3.Connection:
    # Transactions are begun here: without an isolation level, the module begins none itself.
    database = sqlite3.connect(path, WAIT_SECONDS, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = OFF")
        if not database.execute("PRAGMA user_version").fetchone()[0]:
            database.executescript(_NEW)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    with database:  # commits, or rolls back
        yield


def _put(database: sqlite3.Connection, key: bytes, pixels: bytes, hour: int) -> None:
    database.execute("DELETE FROM pixels WHERE tile IN (SELECT tile FROM tiles WHERE key = ?)", (key,))
    tile = database.execute("INSERT INTO pixels (pixels) VALUES (?)", (pixels,)).lastrowid
    database.execute("INSERT OR REPLACE INTO tiles VALUES (?, ?, ?, ?)", (key, tile, zlib.crc32(pixels), hour))


def _bound(database: sqlite3.Connection, most_bytes: int) -> None:
    """Remove the tiles that were used longest ago from a file that is too large, and give their room back."""
    pages, free = (database.execute(f"PRAGMA {name}_count").fetchone()[0] for name in ("page", "freelist"))
    used_bytes = (pages - free) * PAGE_BYTES
    if used_bytes <= most_bytes:
        return
    (count,) = database.execute("SELECT count(*) FROM tiles").fetchone()
    going = -int(-count * (1 - FULL_SHARE * most_bytes / used_bytes) // 1)
    with _transaction(database):
        oldest = database.execute("SELECT key, tile FROM tiles ORDER BY hour, tile LIMIT ?", (going,)).fetchall()
        database.executemany("DELETE FROM pixels WHERE tile = ?", [(tile,) for _, tile in oldest])
        database.executemany("DELETE FROM tiles WHERE key = ?", [(key,) for key, _ in oldest])
    database.executescript("PRAGMA incremental_vacuum")  # `execute` would take the first step of many
