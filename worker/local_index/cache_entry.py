"""A cache entry: the files that are kept in the user's cache for one folder of photos.

How it works: an entry is a folder with an index and a list of files. `index-v4-….safetensors` is the index.
`files-v4.json` names it and has a line for each file of the photos' folder; it is replaced by a rename, so readers
see either the old pair or the new one. `run-…/` is the folder of one run of a command, with the checkpoints and the
new index that it makes. A run locks its own folder for as long as it lasts. Whoever finds a run folder that is not
locked knows that its run was interrupted, and takes it over: its checkpoints are used, and the folder is removed when
the next index is published. Whoever reads or replaces files of the entry holds the entry's own lock meanwhile. So any
number of runs may use one entry at once, and any of them may be killed at any point.
"""

import fcntl
import json
import os
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, NamedTuple

from models.errors import DamagedIndex, StorageFull, is_full
from worker.local_index import checkpoints
from worker.local_index.checkpoints import Line
from worker.tile_index import rows
from worker.tile_index.rows import RowBlock

FILES = f"files-v{checkpoints.VERSION}.json"
INDEX = f"index-v{checkpoints.VERSION}"
LOCK = "lock"
DAMAGED = "The kept index of the folder was damaged, or another program's; the photos are indexed anew."


class Snapshot(NamedTuple):
    """What the last completed run kept of a folder."""

    name: str
    """Name of the index's file."""
    block: RowBlock
    """The index's rows, mapped into memory."""
    lines: list[Line]
    alike: dict[str, str] | None
    """Near-duplicates, each with the photo that stands for it, by content hash in hexadecimal; None if they were
    never looked for."""
    dedupe: bool
    """Whether near-duplicates are left out of mosaics."""


class CacheEntry:
    """The cache entry of one folder, as one run uses it."""

    def __init__(self, place: str, note: str = "") -> None:
        self.place, self._note = place, note
        self._runs: dict[str, IO[bytes]] = {}

    @property
    def is_tidy(self) -> bool:
        """Whether there is no run folder to remove, neither this run's nor an interrupted one's."""
        return not self._runs

    def recall(self) -> tuple[Snapshot | None, str]:
        """Return what the last run kept, and a sentence if that was damaged or if nothing can be kept."""
        with self._locked():
            try:
                with open(self._path(FILES), "rb") as file:
                    return self._parsed(json.load(file)), ""
            except FileNotFoundError:
                return None, self._note
            except (DamagedIndex, OSError, ValueError, TypeError, LookupError):
                return None, DAMAGED

    def interrupted(self) -> list[tuple[RowBlock, list[Line]]]:
        """Return what interrupted runs measured, and take over their folders."""
        with self._locked():
            runs = [self._path(name) for name in sorted(os.listdir(self.place)) if name.startswith("run-")]
            left = [run for run in runs if self._claimed(run)]
        return [found for run in left for found in checkpoints.read(run)]

    def begin(self) -> str:
        """Make a run folder, and return its path."""
        run = self._path(f"run-{os.urandom(8).hex()}")
        with _room(self.place), self._locked():
            os.mkdir(run)
            self._claimed(run)
        return run

    def publish(self, snapshot: Snapshot, made: str | None) -> bool:
        """Keep a snapshot from now on, and remove the files that are no longer needed.

        Args:
            snapshot: What `recall` is to return.
            made: Where its index was made; None if it is the index that is kept already.

        Returns:
            False, and nothing is changed, if another run has replaced the index that this one meant to keep.

        Raises:
            StorageFull: there is no room.
        """
        listed = {
            "arrays": snapshot.name,
            "files": snapshot.lines,
            "alike": snapshot.alike,
            "dedupe": snapshot.dedupe,
        }
        index = self._path(snapshot.name)
        with self._locked():
            if made is None and not os.path.exists(index):
                return False
            with written(self._path(FILES)) as file:
                file.write(json.dumps(listed, separators=(",", ":")).encode())
                file.flush()
                if made is not None:
                    os.rename(made, index)
            _clear(self.place, {snapshot.name, FILES, LOCK})
            for run, lock in self._runs.items():
                _clear(run, ())
                lock.close()
                os.rmdir(run)
            self._runs.clear()
        return True

    def close(self) -> None:
        """Leave what this run did not complete to the next one."""
        for lock in self._runs.values():
            lock.close()

    def _parsed(self, listed: dict[str, Any]) -> Snapshot:
        block = rows.opened(self._path(os.path.basename(listed["arrays"])))
        alike = None if listed["alike"] is None else dict(listed["alike"])
        return Snapshot(listed["arrays"], block, checkpoints.parsed(listed["files"]), alike, listed["dedupe"] is True)

    def _path(self, name: str) -> str:
        return os.path.join(self.place, name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self._path(LOCK), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _claimed(self, run: str) -> bool:
        """Lock a run's folder; False if its run is still under way."""
        lock = open(os.path.join(run, LOCK), "wb")  # noqa: SIM115 - it is held as long as the run lasts
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._runs[run] = lock
        return True


@contextmanager
def opened(place: str) -> Iterator[CacheEntry]:
    """Lend the cache entry at a path, or a temporary one for this run alone if files cannot be kept there."""
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        with open(os.path.join(place, LOCK), "ab"):
            pass
    except OSError as error:
        import tempfile  # noqa: PLC0415 - hardly ever needed

        note = f"The index cannot be kept in {place}: {error.strerror}; the next run begins anew."
        with tempfile.TemporaryDirectory() as name, _closing(CacheEntry(name, note)) as entry:
            yield entry
        return
    with _closing(CacheEntry(place)) as entry:
        yield entry


@contextmanager
def written(path: str) -> Iterator[IO[bytes]]:
    """Lend a file to write, which gets its name only when it is complete.

    Raises:
        StorageFull: there is no room for it.
    """
    unfinished = f"{path}-{os.urandom(8).hex()}"
    try:
        with _room(os.path.dirname(path)):
            with open(unfinished, "w+b") as file:
                yield file
            os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(unfinished)


@contextmanager
def _room(folder: str) -> Iterator[None]:
    """Turn a full disk into a StorageFull with its sentence."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"There is no room for the index in {folder}; free some space.") from error
        raise


def _clear(folder: str, but: Container[str]) -> None:
    for entry in os.scandir(folder):
        if entry.is_file(follow_symlinks=False) and entry.name not in but:
            os.unlink(entry.path)


@contextmanager
def _closing(entry: CacheEntry) -> Iterator[CacheEntry]:
    try:
        yield entry
    finally:
        entry.close()
