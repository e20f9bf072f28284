"""Where the index of one folder of photos is kept, in the user's cache.

- `index-v4-….safetensors` is the index; `files-v4.json` names it, and has a line for each file of the folder.
- `run-…/` holds what a run made that is under way or was interrupted; its lock tells which of the two.

Who reads or replaces files holds the cabinet's own lock meanwhile, so any number of runs may use one cabinet.
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
from worker.tile_index.rows import Part

FILES = f"files-v{checkpoints.VERSION}.json"
INDEX = f"index-v{checkpoints.VERSION}"
LOCK = "lock"
DAMAGED = "The kept index of the folder was damaged, or another program's; the photos are indexed anew."


class Kept(NamedTuple):
    """What the last run that came to its end left."""

    name: str
    """Of the index's file."""
    part: Part
    """The index's rows, mapped into memory."""
    lines: list[Line]
    alike: dict[str, str] | None
    """Photos that are nearly the same as another, each with the one that stands for it, by their contents in
    hexadecimal; None when nobody looked."""
    dedupe: bool
    """Whether they are to be left out of mosaics."""


class Cabinet:
    """The files that are kept for one folder, in the hands of one run."""

    def __init__(self, place: str, note: str = "") -> None:
        self.place, self._note = place, note
        self._runs: dict[str, IO[bytes]] = {}

    @property
    def is_tidy(self) -> bool:
        """Whether this run has nothing to clear away, neither its own nor an interrupted one's."""
        return not self._runs

    def recall(self) -> tuple[Kept | None, str]:
        """Return what the last run kept, and a sentence if that was damaged, or if nothing can be kept."""
        with self._locked():
            try:
                with open(self._path(FILES), "rb") as file:
                    return self._kept(json.load(file)), ""
            except FileNotFoundError:
                return None, self._note
            except (DamagedIndex, OSError, ValueError, TypeError, LookupError):
                return None, DAMAGED

    def interrupted(self) -> list[tuple[Part, list[Line]]]:
        """Return what runs measured that did not come to their end; to clear it away is now up to this one."""
        with self._locked():
            runs = [self._path(name) for name in sorted(os.listdir(self.place)) if name.startswith("run-")]
            left = [run for run in runs if self._claimed(run)]
        return [found for run in left for found in checkpoints.read(run)]

    def begin(self) -> str:
        """Return a folder for what this run makes."""
        run = self._path(f"run-{os.urandom(8).hex()}")
        with _room(self.place), self._locked():
            os.mkdir(run)
            self._claimed(run)
        return run

    def publish(self, kept: Kept, made: str | None) -> bool:
        """Let an index count, and clear away what is not needed any more.

        Args:
            kept: What is to be recalled from now on.
            made: Where its index is until now; None if it is the one that counts already.

        Returns:
            Whether it counts; it does not if another run has replaced the index that was to be kept.

        Raises:
            StorageFull: there is no room.
        """
        told = {"arrays": kept.name, "files": kept.lines, "alike": kept.alike, "dedupe": kept.dedupe}
        index = self._path(kept.name)
        with self._locked():
            if made is None and not os.path.exists(index):
                return False
            with written(self._path(FILES)) as file:
                file.write(json.dumps(told, separators=(",", ":")).encode())
                file.flush()
                if made is not None:
                    os.rename(made, index)
            _clear(self.place, {kept.name, FILES, LOCK})
            for run, lock in self._runs.items():
                _clear(run, ())
                lock.close()
                os.rmdir(run)
            self._runs.clear()
        return True

    def close(self) -> None:
        """Leave what this run did not bring to its end to the next one."""
        for lock in self._runs.values():
            lock.close()

    def _kept(self, told: dict[str, Any]) -> Kept:
        part = rows.opened(self._path(os.path.basename(told["arrays"])))
        alike = None if told["alike"] is None else dict(told["alike"])
        return Kept(told["arrays"], part, checkpoints.parsed(told["files"]), alike, told["dedupe"] is True)

    def _path(self, name: str) -> str:
        return os.path.join(self.place, name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self._path(LOCK), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _claimed(self, run: str) -> bool:
        """Take over a run's folder, unless that run is under way."""
        lock = open(os.path.join(run, LOCK), "wb")  # noqa: SIM115 - it is held as long as the run lasts
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._runs[run] = lock
        return True


@contextmanager
def opened(place: str) -> Iterator[Cabinet]:
    """Lend a cabinet; one for this run alone where files cannot be kept."""
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        with open(os.path.join(place, LOCK), "ab"):
            pass
    except OSError as error:
        import tempfile  # noqa: PLC0415 - hardly ever needed

        note = f"The index cannot be kept in {place}: {error.strerror}; the next run begins anew."
        with tempfile.TemporaryDirectory() as name, _closing(Cabinet(name, note)) as cabinet:
            yield cabinet
        return
    with _closing(Cabinet(place)) as cabinet:
        yield cabinet


@contextmanager
def written(path: str) -> Iterator[IO[bytes]]:
    """Lend a file that appears under its name when it is whole.

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
    """Say in a sentence that there is no room."""
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
def _closing(cabinet: Cabinet) -> Iterator[Cabinet]:
    try:
        yield cabinet
    finally:
        cabinet.close()
