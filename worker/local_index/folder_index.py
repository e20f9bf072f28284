"""A folder of photos with its index in the user's cache: a second run opens no photo."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from models.errors import DamagedPicture, NotAPicture, NoUsableTiles, UnreadableFile
from models.rules import skip_reasons
from worker.core.progress import PhaseProgress
from worker.cpu import core_count
from worker.file_filter import Sieve
from worker.folder_scan import File, walk
from worker.local_index import cache_entry, cache_paths, checkpoints, process_pool
from worker.local_index.cache_entry import CacheEntry, Snapshot
from worker.local_index.checkpoints import Line
from worker.local_index.terminal_names import readable
from worker.tile_index import rows
from worker.tile_index.rows import RowBlock

if TYPE_CHECKING:
    from worker.tile_index.index import Index


class Changes(NamedTuple):
    """How many files differ from when the folder was last indexed."""

    new: int
    changed: int
    moved: int
    gone: int


class Untiled(NamedTuple):
    """A file that is no tile, and why."""

    name: str
    code: str
    sentence: str


class Library(NamedTuple):
    """An indexed folder.

    Attributes:
        snapshot: What is kept about its files, and the index.
        paths: Where each usable photo lies, by content hash.
        opened_count: How many files had to be read.
        changes: What has changed since the last time; None the first time.
        note: What a person should know about the cache; usually empty.
    """

    snapshot: Snapshot
    paths: dict[bytes, str]
    opened_count: int
    changes: Changes | None
    note: str

    @property
    def tiles(self) -> "Index":
        """The photos to make mosaics from."""
        import numpy as np  # noqa: PLC0415 - to index a folder it is not needed

        from worker.tile_index import index  # noqa: PLC0415 - the same

        tiles = index.mapped(self.snapshot.block)
        left_out = self.left_out
        if not left_out:
            return tiles
        contents = rows.contents(self.snapshot.block)
        return tiles.selected(np.flatnonzero([one.hex() not in left_out for one in contents]))

    @property
    def left_out(self) -> Mapping[str, str]:
        """Near-duplicates that are left out of mosaics, each with the photo that stands for it, by content hash."""
        return (self.snapshot.alike or {}) if self.snapshot.dedupe else {}

    @property
    def skipped(self) -> list[Untiled]:
        """A line for each file that is no tile: faults first, then what is no picture, then duplicates."""
        names: dict[str, str] = {}
        bad: list[Untiled] = []
        again: list[Untiled] = []
        for name, _, _, content, code, sentence in self.snapshot.lines:
            if content is None:
                bad.append(Untiled(name, code or "", sentence or ""))
            elif names.setdefault(content, name) is not name:
                again.append(Untiled(name, skip_reasons.DUPLICATE, skip_reasons.same_as(names[content])))
        near = [
            Untiled(names[one], skip_reasons.NEAR_DUPLICATE, skip_reasons.nearly_same_as(names[other]))
            for one, other in self.left_out.items()
        ]
        return sorted(bad, key=lambda line: line.code == NotAPicture.code) + again + near

    def read(self, content: bytes) -> bytes:
        """Return the bytes of the photo with this content hash."""
        try:
            with open(self.paths[content], "rb") as file:
                return file.read()
        except OSError as error:
            raise UnreadableFile(f"{self.paths[content]} can no longer be read: {error.strerror}.") from error


def open_folder(
    folder: str,
    progress: PhaseProgress,
    cache: str | None = None,
    *,
    sieve: Sieve | None = None,
    dedupe: bool | None = None,
    files: Sequence[File] | None = None,
) -> Library:
    """Index a folder and its sub-folders, opening only the photos that are new or have changed since last time.

    Args:
        folder: Where the photos lie.
        progress: Called with how far the work is.
        cache: The folder of cache entries; None for the user's cache folder.
        sieve: Decides which files are looked at, and counts the others; None for the usual one.
        dedupe: Whether near-duplicates are left out, now and later; None to keep the last choice.
        files: The folder's files, if they are known already.

    Raises:
        NoUsableTiles: there is no such folder, or not one usable photo in it.
        StorageFull: there is no room for the index.
    """
    sieve = sieve or Sieve()
    if files is None:
        files = files_of(folder, sieve)
    with cache_entry.opened(cache_paths.entry_path(folder, cache)) as entry:
        published = False
        while not published:
            before, note = entry.recall()
            present = _present(files, before, entry, progress)
            if not any(line.content for line in present.lines):
                raise NoUsableTiles(_why_none(folder, present.lines, sieve))
            left_out = dedupe if dedupe is not None else before is not None and before.dedupe
            made, snapshot = _assembled(present, before, entry, dedupe=left_out)
            same = made is None and before is not None and snapshot[2:] == before[2:]
            published = (same and entry.is_tidy) or entry.publish(snapshot, made)
    usable = ((line, file) for line, file in zip(snapshot.lines, files, strict=True) if line.content)
    paths = {bytes.fromhex(line.content or ""): file.path for line, file in usable}
    return Library(snapshot, paths, present.opened_count, _changes(before, snapshot.lines), note)


def as_kept(folder: str, cache: str | None = None) -> "Index | None":
    """Return the photos of a folder as the last run that indexed it found them; None if there was none."""
    place = cache_paths.entry_path(folder, cache)
    try:
        snapshot = CacheEntry(place).recall()[0] if os.path.isdir(place) else None
    except OSError:
        return None
    return None if snapshot is None else Library(snapshot, {}, 0, None, "").tiles


class _Present(NamedTuple):
    """What is known about a folder's files now, and the rows of all that are usable."""

    lines: list[Line]
    blocks: list[RowBlock]
    opened_count: int


def _present(files: Sequence[File], before: Snapshot | None, entry: CacheEntry, progress: PhaseProgress) -> _Present:
    """Measure the files about which nothing is known yet."""
    blocks = [] if before is None else [before.block]
    lines = [] if before is None else list(before.lines)
    for block, measured in entry.interrupted():
        blocks.append(block)
        lines += measured
    known = {line.name: line for line in lines if not line.may_change}
    held = {content for block in blocks for content in rows.contents(block)}
    fresh = [file for file in files if not _stands(known.get(file.name), file, held)]
    for block, measured in _measured(fresh, held, entry, progress):
        blocks.append(block)
        known |= {line.name: line for line in measured}
    return _Present([known[file.name] for file in files], blocks, len(fresh))


def _stands(line: Line | None, file: File, held: set[bytes]) -> bool:
    """Whether what is known about a file is still true."""
    if line is None or (line.size, line.changed) != (file.size, file.changed):
        return False
    return line.content is None or bytes.fromhex(line.content) in held


def _measured(
    files: Sequence[File], held: set[bytes], entry: CacheEntry, progress: PhaseProgress
) -> Iterator[tuple[RowBlock, list[Line]]]:
    """Measure files, and yield their rows and lines, block by block."""
    if not files:
        return
    run, names = entry.begin(), set()
    process_pool.measure(files, held, run, progress, core_count())
    for block, lines in checkpoints.read(run):
        names |= {line.name for line in lines}
        yield block, lines
    yield from _one_by_one([file for file in files if file.name not in names], held, entry)


def _one_by_one(files: Sequence[File], held: set[bytes], entry: CacheEntry) -> Iterator[tuple[RowBlock, list[Line]]]:
    """Measure files that a process had not saved when it died, each in a process of its own."""
    if not files:
        return
    run = entry.begin()
    for file in files:
        process_pool.measure([file], held, run, lambda *_: None, 1)
    names = {line.name for _, lines in checkpoints.read(run) for line in lines}
    broke = checkpoints.Segment(run)
    for file in files:
        if file.name not in names:
            broke.refuse(file, DamagedPicture("The picture broke its decoder: it is damaged, or made to do harm."))
    broke.save()
    yield from checkpoints.read(run)


def _assembled(
    present: _Present, before: Snapshot | None, entry: CacheEntry, *, dedupe: bool
) -> tuple[str | None, Snapshot]:
    """Return the snapshot with the index of all usable photos, and the path of that index if it is a new one."""
    wanted = {bytes.fromhex(line.content) for line in present.lines if line.content}
    if before is not None and wanted == set(rows.contents(before.block)):
        alike = _alike(before.block) if dedupe and before.alike is None else before.alike
        return None, Snapshot(before.name, before.block, present.lines, alike, dedupe)
    made = os.path.join(entry.begin(), "index")
    gone = {content for block in present.blocks for content in rows.contents(block)} - wanted
    with cache_entry.written(made) as file:
        rows.merged(present.blocks, file, gone)
    block = rows.opened(made)
    name = f"{cache_entry.INDEX}-{os.urandom(8).hex()}.safetensors"
    return made, Snapshot(name, block, present.lines, _alike(block) if dedupe else None, dedupe)


def _alike(block: RowBlock) -> dict[str, str]:
    from worker.tile_index import index  # noqa: PLC0415 - it loads numpy

    return index.near_duplicates(index.mapped(block))


def _changes(before: Snapshot | None, lines: Iterable[Line]) -> Changes | None:
    """Compare files by name; a new file with the content of one that is gone counts as moved."""
    if before is None:
        return None
    then = {line.name: line.content for line in before.lines}
    now = {line.name: line.content for line in lines}
    gone = [content for name, content in then.items() if name not in now]
    new = [content for name, content in now.items() if name not in then]
    moved = sum((Counter(filter(None, gone)) & Counter(filter(None, new))).values())
    changed = sum(content != then[name] for name, content in now.items() if name in then)
    return Changes(len(new) - moved, changed, moved, len(gone) - moved)


def files_of(folder: str, sieve: Sieve) -> list[File]:
    """Return the files of a folder that a sieve accepts.

    Raises:
        NoUsableTiles: there is no such folder.
    """
    if not os.path.isdir(folder):
        raise NoUsableTiles(f"There is no folder {folder}.")
    return list(walk(folder, sieve))


def no_files(folder: str, sieve: Sieve) -> str:
    """Return the sentence for a folder in which a sieve found no file."""
    passed_over = " but such as are passed over" if any(sieve.passed_over) else ""
    return f"The folder {folder} holds no files{passed_over}."


def _why_none(folder: str, lines: Sequence[Line], sieve: Sieve) -> str:
    if not lines:
        return no_files(folder, sieve)
    first = lines[0]
    return f"None of the {len(lines):,} files in {folder} is a usable photo; {readable(first.name)}: {first.sentence}"
