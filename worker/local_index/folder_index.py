"""A folder of photos with its index in the user's cache: a second run opens no photo."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from models.errors import DamagedPicture, NotAPicture, NoUsableTiles, UnreadableFile
from worker.cpu import core_count
from worker.file_filter import Sieve
from worker.folder_scan import File, walk
from worker.local_index import cache_entry, cache_paths, checkpoints, process_pool
from worker.local_index.cache_entry import Cabinet, Kept
from worker.local_index.checkpoints import Line
from worker.local_index.terminal_names import readable
from worker.tile_index import rows
from worker.tile_index.rows import Part

if TYPE_CHECKING:
    from worker.tile_index.index import Index

Progress = Callable[[str, int, int], None]


class Changes(NamedTuple):
    """How many files are not as they were when the folder was last indexed."""

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
        kept: All that is known of it.
        paths: Where each usable photo lies, by content hash.
        opened_count: How many files had to be read.
        changes: What is new since the last time; None the first time.
        note: What a person should know of the cache; empty as a rule.
    """

    kept: Kept
    paths: dict[bytes, str]
    opened_count: int
    changes: Changes | None
    note: str

    @property
    def tiles(self) -> "Index":
        """The photos to make mosaics of."""
        import numpy as np  # noqa: PLC0415 - to index a folder it is not needed

        from worker.tile_index import index  # noqa: PLC0415 - the same

        tiles = index.mapped(self.kept.part)
        left_out = self.left_out
        if not left_out:
            return tiles
        return tiles.selected(np.flatnonzero([one.hex() not in left_out for one in rows.contents(self.kept.part)]))

    @property
    def left_out(self) -> Mapping[str, str]:
        """Near-duplicates that are to be in no mosaic, each with the photo that stands for it."""
        return (self.kept.alike or {}) if self.kept.dedupe else {}

    @property
    def skipped(self) -> list[Untiled]:
        """A line for each file that is no tile: faults first, then what is no photo, then what is there again."""
        names: dict[str, str] = {}
        bad: list[Untiled] = []
        again: list[Untiled] = []
        for name, _, _, content, code, sentence in self.kept.lines:
            if content is None:
                bad.append(Untiled(name, code or "", sentence or ""))
            elif names.setdefault(content, name) is not name:
                again.append(Untiled(name, "duplicate", f"The same file as {names[content]}."))
        near = [
            Untiled(names[one], "near_duplicate", f"Nearly the same as {names[other]}.")
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
    progress: Progress,
    cache: str | None = None,
    *,
    sieve: Sieve | None = None,
    dedupe: bool | None = None,
    files: Sequence[File] | None = None,
) -> Library:
    """Index a folder and its sub-folders, opening only the photos that are new or changed since last time.

    Args:
        folder: Where the photos lie.
        progress: Told how far the work is.
        cache: Where indexes are kept; None for the user's cache folder.
        sieve: What of the folder is looked at, and counts the rest; None for the usual.
        dedupe: Whether near-duplicates are left out, now and later; None for what was last said.
        files: The folder's files, where they are known already.

    Raises:
        NoUsableTiles: there is no such folder, or not one usable photo in it.
        StorageFull: there is no room for the index.
    """
    sieve = sieve or Sieve()
    if files is None:
        files = files_of(folder, sieve)
    with cache_entry.opened(cache_paths.cabinet_of(folder, cache)) as place:
        standing = False
        while not standing:
            before, note = place.recall()
            survey = _survey(files, before, place, progress)
            if not any(line.content for line in survey.lines):
                raise NoUsableTiles(_why_none(folder, survey.lines, sieve))
            left_out = dedupe if dedupe is not None else before is not None and before.dedupe
            made, kept = _assembled(survey, before, place, dedupe=left_out)
            same = made is None and before is not None and kept[2:] == before[2:]
            standing = (same and place.is_tidy) or place.publish(kept, made)
    paths = {
        bytes.fromhex(line.content): file.path for line, file in zip(kept.lines, files, strict=True) if line.content
    }
    return Library(kept, paths, survey.opened_count, _changes(before, kept.lines), note)


class _Survey(NamedTuple):
    """What is known of a folder's files now, and the rows of all that are usable."""

    lines: list[Line]
    parts: list[Part]
    opened_count: int


def _survey(files: Sequence[File], before: Kept | None, place: Cabinet, progress: Progress) -> _Survey:
    """Measure what is not known."""
    parts = [] if before is None else [before.part]
    lines = [] if before is None else list(before.lines)
    for part, measured in place.interrupted():
        parts.append(part)
        lines += measured
    known = {line.name: line for line in lines if not line.may_change}
    held = {content for part in parts for content in rows.contents(part)}
    fresh = [file for file in files if not _stands(known.get(file.name), file, held)]
    for part, measured in _measured(fresh, held, place, progress):
        parts.append(part)
        known |= {line.name: line for line in measured}
    return _Survey([known[file.name] for file in files], parts, len(fresh))


def _stands(line: Line | None, file: File, held: set[bytes]) -> bool:
    """Whether what is known of a file still holds."""
    if line is None or (line.size, line.changed) != (file.size, file.changed):
        return False
    return line.content is None or bytes.fromhex(line.content) in held


def _measured(
    files: Sequence[File], held: set[bytes], place: Cabinet, progress: Progress
) -> Iterator[tuple[Part, list[Line]]]:
    """Yield what files are, in parts."""
    if not files:
        return
    run, told = place.begin(), set()
    process_pool.measure(files, held, run, progress, core_count())
    for part, lines in checkpoints.read(run):
        told |= {line.name for line in lines}
        yield part, lines
    yield from _one_by_one([file for file in files if file.name not in told], held, place)


def _one_by_one(files: Sequence[File], held: set[bytes], place: Cabinet) -> Iterator[tuple[Part, list[Line]]]:
    """Yield what files are that a member of the crew had in hand, or had not saved, when it died."""
    if not files:
        return
    run = place.begin()
    for file in files:
        process_pool.measure([file], held, run, lambda *_: None, 1)
    told = {line.name for _, lines in checkpoints.read(run) for line in lines}
    broke = checkpoints.Segment(run)
    for file in files:
        if file.name not in told:
            broke.refuse(file, DamagedPicture("The picture broke its decoder: it is damaged, or made to do harm."))
    broke.save()
    yield from checkpoints.read(run)


def _assembled(survey: _Survey, before: Kept | None, place: Cabinet, *, dedupe: bool) -> tuple[str | None, Kept]:
    """Return the index of all that is usable, and where it is if it is a new one."""
    wanted = {bytes.fromhex(line.content) for line in survey.lines if line.content}
    if before is not None and wanted == set(rows.contents(before.part)):
        alike = _alike(before.part) if dedupe and before.alike is None else before.alike
        return None, Kept(before.name, before.part, survey.lines, alike, dedupe)
    made = os.path.join(place.begin(), "index")
    gone = {content for part in survey.parts for content in rows.contents(part)} - wanted
    with cache_entry.written(made) as file:
        rows.merged(survey.parts, file, gone)
    part = rows.opened(made)
    name = f"{cache_entry.INDEX}-{os.urandom(8).hex()}.safetensors"
    return made, Kept(name, part, survey.lines, _alike(part) if dedupe else None, dedupe)


def _alike(part: Part) -> dict[str, str]:
    from worker.tile_index import index  # noqa: PLC0415 - it loads numpy

    return index.near_duplicates(index.mapped(part))


def _changes(before: Kept | None, lines: Iterable[Line]) -> Changes | None:
    """Compare by name, and what is new and what is gone by content too."""
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
    """Return the files of a folder that a sieve takes.

    Raises:
        NoUsableTiles: there is no such folder.
    """
    if not os.path.isdir(folder):
        raise NoUsableTiles(f"There is no folder {folder}.")
    return list(walk(folder, sieve))


def no_files(folder: str, sieve: Sieve) -> str:
    """Return what is to be said of a folder in which a sieve found nothing."""
    passed_over = " but such as are passed over" if any(sieve.passed_over) else ""
    return f"The folder {folder} holds no files{passed_over}."


def _why_none(folder: str, lines: Sequence[Line], sieve: Sieve) -> str:
    if not lines:
        return no_files(folder, sieve)
    first = lines[0]
    return f"None of the {len(lines):,} files in {folder} is a usable photo; {readable(first.name)}: {first.sentence}"
