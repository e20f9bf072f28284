"""A cache on this machine, of limited size, for blobs that never change under their key.

Any number of processes share its folder, and none waits while another fetches. A copy gets its name by a rename when
it is complete. The name contains its size and checksum, so a damaged copy is noticed. A copy may be removed at any
time; a process that has it open can go on reading it.
"""

import fcntl
import os
import re
import shutil
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import structlog

from models.errors import StorageFull, StorageUnreadable, is_full

READ_BYTES = 1 << 20
LENT_SECONDS = 60
"""How long a copy is kept at least after its path was handed out, so that it can be opened: its time of use is set so
far into the future. An unfinished copy that is being written is kept as long."""
SPARE, LOOKS = 8, 64
"""An eighth of the limit stays free. A process looks through the folder again when it has written an eighth of the
room that it saw, but at least a 64th of the limit. So eight processes that write at once stay within the limit."""
SCRATCH = "tessera-work-"
"""Prefix of the names of temporary folders, which the sweeper removes when they are old."""
_HOME, _COPY, _UNFINISHED = (
    re.compile(name) for name in (r"[0-9a-f]{2}", r"[0-9a-f]{62}\.\d+-[0-9a-f]{8}", r"part-\w+")
)
"""The names of our own folders and files; nothing else is ever removed."""

Sized = tuple[int, Iterator[bytes]]
Used = tuple[float, int, Path]
"""When a file was last used, its size, and its path."""
log = structlog.get_logger(__name__)


class Cache:
    """A folder of copies; the least recently used are removed first. If it cannot be used, blobs are just fetched."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._unfinished = folder, folder / "parts"
        self._max_bytes = max_bytes - max_bytes // SPARE
        self._least_look_bytes = max_bytes // LOOKS
        self._look_after_bytes = 0
        self._lock = threading.Lock()
        self._warned = False

    def read(self, name: str, fetch: Callable[[], bytes]) -> bytes:
        """Return the bytes under a name, from a copy if there is one, else by `fetch`; a copy is kept if it fits."""
        for copy in self._copies(name):
            with suppress(OSError):
                data = copy.read_bytes()
                if copy.suffix == _label(len(data), zlib.crc32(data)):
                    _used(copy, time.time())
                    return data
                copy.unlink()
        data = fetch()
        if len(data) <= self._max_bytes:
            self._keep(name, (len(data), iter([data])))
        return data

    def path(self, name: str, fetch: Callable[[], Sized]) -> Path:
        """Return a file with the bytes under a name: a copy, or a temporary file if no copy can be kept.

        A copy is made even if it is larger than the limit, and it is kept for at least a minute.

        Raises:
            StorageFull: there is no room for it at all.
        """
        for copy in self._copies(name):
            with suppress(OSError):
                # Before anything else: from now on nobody removes it, unless it is gone already.
                with _held(copy.parent, fcntl.LOCK_SH):
                    _used(copy, time.time() + LENT_SECONDS)
                if copy.suffix == _label(*_measured(copy)):
                    return copy
                copy.unlink()
        return self._keep(name, fetch(), LENT_SECONDS) or _scratch(fetch()[1])

    def _copies(self, name: str) -> list[Path]:
        """Return the possible copies of a blob: usually one or none, more if a disk has damaged one."""
        home, rest = self._place(name)
        try:
            return [copy for copy in home.iterdir() if copy.stem == rest and _COPY.fullmatch(copy.name)]
        except OSError:
            return []

    def _place(self, name: str) -> tuple[Path, str]:
        digest = sha256(name.encode()).hexdigest()
        return self._folder / digest[:2], digest[2:]

    def _keep(self, name: str, content: Sized, ahead: float = 0) -> Path | None:
        """Write a copy and give it its name; None if that is impossible, which is logged once."""
        size, pieces = content
        home, rest = self._place(name)
        try:
            for folder in (self._folder, home, self._unfinished):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room(size)
            unfinished, label = self._written(pieces)
            _used(unfinished, time.time() + ahead)
            with _held(home, fcntl.LOCK_SH):
                return unfinished.replace(home / f"{rest}{label}")
        except OSError as error:
            if not self._warned:
                log.warning("the cache cannot be written", folder=str(self._folder), error=str(error))
            self._warned = True
            return None

    def _written(self, pieces: Iterator[bytes]) -> tuple[Path, str]:
        """Write an unfinished copy; return its path and its label."""
        with tempfile.NamedTemporaryFile(dir=self._unfinished, prefix="part-", delete=False) as file:
            unfinished, size, checksum = Path(file.name), 0, 0
            try:
                for piece in pieces:
                    file.write(piece)
                    size, checksum = size + len(piece), zlib.crc32(piece, checksum)
                file.flush()
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
        return unfinished, _label(size, checksum)

    def _make_room(self, size: int) -> None:
        """If enough was written since the last time, remove the least recently used copies until `size` fits."""
        with self._lock:
            self._look_after_bytes -= size
            if self._look_after_bytes <= 0:
                room = self._max_bytes - self._trimmed(self._max_bytes - size) - size
                self._look_after_bytes = max(self._least_look_bytes, room // SPARE)

    def _trimmed(self, most: int) -> int:
        """Remove the least recently used files until at most so many bytes are left; return how many are."""
        # The time is read after the list, so that no file in it was lent later. A time of use that is further ahead
        # than a lent copy's comes from a wrong clock.
        files, now = sorted(self._files()), time.time()
        total = sum(size for _, size, _ in files)
        for used, size, path in files:
            if total <= most:
                break
            lent = now < used <= now + 2 * LENT_SECONDS
            if not lent and _removed(path, used):
                total -= size
        return total

    def _files(self) -> Iterator[Used]:
        """Yield every copy, finished or not. An unfinished one counts as lent while it is being written."""
        with os.scandir(self._folder) as found:
            homes = [home.path for home in found if _HOME.fullmatch(home.name)]
        for home in homes:
            yield from _files_in(home, _COPY)
        for written, size, unfinished in _files_in(self._unfinished, _UNFINISHED):
            yield written + LENT_SECONDS, size, unfinished


def _files_in(folder: str | Path, names: re.Pattern[str]) -> Iterator[Used]:
    with os.scandir(folder) as found:
        for file in found:
            # Another process may have removed it.
            with suppress(OSError):
                if names.fullmatch(file.name):
                    seen = file.stat(follow_symlinks=False)
                    yield seen.st_mtime, seen.st_size, Path(file.path)


def _removed(path: Path, used: float) -> bool:
    """Remove a file unless it was used since a time; return whether it is gone."""
    try:
        with _held(path.parent, fcntl.LOCK_EX):
            if path.stat().st_mtime > used:
                return False
            path.unlink()
    except FileNotFoundError:
        # Another process was quicker.
        return True
    except OSError:
        return False
    return True


@contextmanager
def _held(home: Path, how: int) -> Iterator[None]:
    """Lock a folder for a moment, so that nothing is removed from it while a copy is being lent or named."""
    place = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(place, how)
        yield
    finally:
        os.close(place)


def _label(size: int, checksum: int) -> str:
    return f".{size}-{checksum:08x}"


def _measured(copy: Path) -> tuple[int, int]:
    """Return the size and the checksum of a file."""
    size, checksum = 0, 0
    with copy.open("rb") as file:
        while piece := file.read(READ_BYTES):
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
    return size, checksum


def _used(copy: Path, when: float) -> None:
    """Set a file's time of use, unless it is lent."""
    with suppress(OSError):
        if not 0 < copy.stat().st_mtime - when <= LENT_SECONDS:
            os.utime(copy, (when, when))


def _scratch(pieces: Iterator[bytes]) -> Path:
    """Write a temporary file, which the sweeper removes when it is old."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=SCRATCH))
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            with (folder / "blob").open("wb") as file:
                file.writelines(pieces)
            undo.pop_all()
    except OSError as error:
        if is_full(error):
            raise StorageFull(
                "There is no room left for a file of the store; free some space and try again."
            ) from error
        raise StorageUnreadable(f"No temporary file can be written: {error.strerror}.") from error
    return folder / "blob"
