"""A folder of photos with its index in the user's cache: a second run opens no photo."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

import click
import numpy as np
import platformdirs
from numpy.typing import NDArray

from models.errors import DamagedIndex, EmptyFile, NoUsableTiles, UnreadableFile
from worker import index, parallel
from worker.index import Progress, Skipped, Tile

SCREENFUL = 20
MAX_PHOTO_BYTES = 256 << 20
FILES = f"files-v{index.VERSION}.json"


@dataclass(frozen=True)
class File:
    """A file of the folder, and what tells whether it changed."""

    name: str
    path: str
    stamp: tuple[int, int]
    """Size in bytes, and time of the last change in nanoseconds."""
    trouble: str = ""

    def read(self) -> bytes:
        """Return its bytes, or raise why it cannot be read."""
        if self.trouble:
            raise UnreadableFile(self.trouble)
        if self.stamp[0] > MAX_PHOTO_BYTES:
            raise UnreadableFile(f"The file has {self.stamp[0]:,} bytes; the limit is {MAX_PHOTO_BYTES:,}.")
        if not self.stamp[0]:
            raise EmptyFile("The file is empty.")
        try:
            with open(self.path, "rb", buffering=0) as file:  # noqa: PTH123 - pathlib costs a tenth of indexing here
                return file.readall()
        except OSError as error:
            raise UnreadableFile(f"The file cannot be read: {error.strerror}.") from error


@dataclass(frozen=True)
class Library:
    """An indexed folder: its tiles, where each lies, and what was skipped."""

    tiles: NDArray[np.void]
    paths: dict[bytes, str]
    skipped: list[Skipped]
    opened_count: int

    def read(self, content: bytes) -> bytes:
        """Return the bytes of the photo with this content hash."""
        try:
            return Path(self.paths[content]).read_bytes()
        except OSError as error:
            raise UnreadableFile(f"{self.paths[content]} can no longer be read: {error.strerror}.") from error


def open_folder(folder: Path, progress: Progress, cache: Path | None = None) -> Library:
    """Index a folder and its sub-folders, opening only the photos that are new or changed since last time.

    Args:
        folder: Where the photos lie.
        progress: Told how far the work is.
        cache: Where indexes are kept; None for the user's cache folder.

    Raises:
        NoUsableTiles: there is no such folder, or not one usable photo in it.
    """
    if not folder.is_dir():
        raise NoUsableTiles(f"There is no folder {folder}.")
    cabinet = _cabinet(folder, cache)
    files = list(_walk(str(folder)))
    tiles, known = _recall(cabinet)
    fresh = [file for file in files if (file.name, file.stamp) not in known]
    new = index.describe(fresh, len(fresh), progress, threads=parallel.core_count())
    found = [known.get((file.name, file.stamp)) or next(new) for file in files]
    usable = [item for item in found if isinstance(item, Tile)]
    skipped = [item for item in found if isinstance(item, Skipped)]
    if tiles is None or fresh or len(known) != len(files):
        if not usable:
            raise NoUsableTiles(_why_none(folder, skipped))
        tiles, doubles = index.assemble(usable)
        _keep(cabinet, tiles, files, found)
    else:
        _, doubles = index.without_doubles(usable)
    by_name = {file.name: file.path for file in files}
    paths = {tile.content: by_name[tile.name] for tile in usable}
    return Library(tiles, paths, skipped + doubles, len(fresh))


def _why_none(folder: Path, skipped: list[Skipped]) -> str:
    if not skipped:
        return f"The folder {folder} holds no files."
    first = skipped[0]
    return f"None of the {len(skipped):,} files in {folder} is a usable photo; {first.name}: {first.sentence}"


def _cabinet(folder: Path, cache: Path | None) -> Path:
    root = cache or platformdirs.user_cache_path("tessera")
    return root / "folders" / sha256(os.fsencode(folder.resolve())).hexdigest()[:32]


def _walk(folder: str, below: str = "") -> Iterator[File]:
    """Yield every file below a folder by name, without hidden ones; links to folders are not followed."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield File(below, folder, (0, 0), f"The folder cannot be opened: {error.strerror}.")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{below}{entry.name}{os.sep}")
        elif entry.is_file():
            status = entry.stat()
            yield File(below + entry.name, entry.path, (status.st_size, status.st_mtime_ns))


Known = dict[tuple[str, tuple[int, int]], Tile | Skipped]


def _recall(cabinet: Path) -> tuple[NDArray[np.void] | None, Known]:
    """Return what the last run kept; nothing when there is nothing whole."""
    try:
        kept = json.loads((cabinet / FILES).read_bytes())
        tiles = index.load(cabinet / kept["arrays"])
        return tiles, _known(tiles, kept["files"])
    except (DamagedIndex, OSError, ValueError, TypeError, LookupError):
        return None, {}


def _known(tiles: NDArray[np.void], lines: list[list[Any]]) -> Known:
    """Return what is known of each file; one that could not be read may be readable by now, and is tried again."""
    rows = {row["content"].tobytes(): row for row in tiles}
    known: Known = {}
    for name, size, changed, content, code, sentence in lines:
        if content is not None and (row := rows.get(bytes.fromhex(content))) is not None:
            known[name, (size, changed)] = Tile(name, bytes.fromhex(content), row)
        elif content is None and code != UnreadableFile.code:
            known[name, (size, changed)] = Skipped(name, code, sentence)
    return known


def _keep(cabinet: Path, tiles: NDArray[np.void], files: list[File], found: Iterable[Tile | Skipped]) -> None:
    """Keep an index for the next run. A cache that cannot be written costs time, not the mosaic."""
    lines = [
        [file.name, *file.stamp, item.content.hex(), None, None]
        if isinstance(item, Tile)
        else [file.name, *file.stamp, None, item.code, item.sentence]
        for file, item in zip(files, found, strict=True)
    ]
    try:
        cabinet.mkdir(parents=True, exist_ok=True)
        # The list names the arrays that it belongs to: whoever reads it finds the two of one run.
        arrays = cabinet / f"index-v{index.VERSION}-{token_hex(8)}.npy"
        _replace(arrays, lambda file: index.save(tiles, file))
        kept = json.dumps({"arrays": arrays.name, "files": lines}).encode()
        _replace(cabinet / FILES, lambda file: file.write(kept))
        for old in set(cabinet.glob("index-*.npy")) - {arrays}:
            old.unlink(missing_ok=True)
    except OSError:
        return


def _replace(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def report_skipped(photos: Library) -> None:
    """Say which files became no tile, and why; as many as fit on a screen."""
    if not photos.skipped:
        return
    click.echo(f"{len(photos.skipped):,} files became no tile:", err=True)
    for line in photos.skipped[:SCREENFUL]:
        click.echo(f"  {line.name}: {line.sentence}", err=True)
    if len(photos.skipped) > SCREENFUL:
        click.echo(f"  … and {len(photos.skipped) - SCREENFUL:,} more", err=True)
