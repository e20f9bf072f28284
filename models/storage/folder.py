"""A store in a folder."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from models.errors import BadConfiguration, StorageUnreadable, TesseraError
from models.rules import private_files
from models.storage import refusals
from models.storage.store import Store


class FolderStore(Store):
    """Blobs in a folder: a blob is a file, and its key is the file's path below the folder."""

    def __init__(self, folder: Path) -> None:
        try:
            private_files.make(folder)
            super().__init__(LocalStore(folder, mkdir=True, automatic_cleanup=True))
        except (BaseError, OSError) as error:
            raise BadConfiguration(f"The store's folder {folder} cannot be used: {error}") from error
        self.folder = folder

    def fetched(self, key: str) -> bytes:
        """Return the bytes under `key`."""
        return self.get(key)

    def path(self, key: str) -> Path:
        """Return the blob's own file."""
        path = self.folder / key
        if not path.is_file():
            raise StorageUnreadable(f"The store holds nothing under {key!r}.")
        return path

    def open(self, key: str) -> IO[bytes]:
        """Open the blob's own file."""
        with self._asking(key):
            return self.path(key).open("rb")

    def delete(self, keys: Sequence[str]) -> None:
        """Delete blobs one by one, since obstore would stop at the first that is gone already."""
        for key in keys:
            with self._asking(key), suppress(FileNotFoundError):
                obstore.delete(self._blobs, key)

    def move(self, keys: Mapping[str, str]) -> Sequence[str]:
        """Rename files, which needs no room on the disk, and remove folders that become empty."""
        moved = []
        for key, new in keys.items():
            if (self.folder / new).exists():
                continue
            with self._asking(key), suppress(FileNotFoundError):
                obstore.rename(self._blobs, key, new)
                os.utime(self.folder / new, follow_symlinks=False)
                moved.append(key)
                self._tidy(key)
        return moved

    def drop_unfinished(self, before: datetime, is_ours: Callable[[str], bool]) -> int:
        """Remove files that killed writers left; obstore writes to the blob's name with `#` and a number."""
        dropped = 0
        # Not with rglob, which fails if another sweeper removes a folder meanwhile.
        found = (Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names if "#" in name)
        for path in found:
            key, _, number = path.relative_to(self.folder).as_posix().rpartition("#")
            with suppress(OSError):
                ours = number.isdecimal() and is_ours(key) and not path.is_symlink()
                if ours and path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    dropped += 1
        return dropped

    def keep_private(self, is_ours: Callable[[str], bool]) -> None:
        """Take the rights of others from existing blobs and their folders; new ones are created private."""
        for folder, _, names in os.walk(self.folder):
            place = Path(folder)
            if ours := [
                place / name for name in names if is_ours((place / name).relative_to(self.folder).as_posix())
            ]:
                for path in (place, *ours):
                    private_files.shut(path)

    def _tidy(self, key: str) -> None:
        """Remove the folders that a blob was in, from the innermost outwards, as long as they are empty."""
        for folder in PurePosixPath(key).parents[:-1]:
            try:
                (self.folder / folder).rmdir()
            except OSError:
                return

    def free_bytes(self) -> int:
        """Return how many bytes the folder's disk has left."""
        return shutil.disk_usage(self.folder).free

    def _translated(self, error: Exception, key: str) -> TesseraError:
        return refusals.by_folder(error, key)
