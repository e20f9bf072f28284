"""The summary of an indexed folder: lines for people, JSON for programs."""

import sys

from worker.file_filter import Sieve
from worker.local_index.folder_index import Changes, Library
from worker.local_index.terminal_names import readable

TYPE_CHECKING = False  # loading typing, or a grid, takes as long as a look at many files
if TYPE_CHECKING:
    from models.rules.grid import Grid

SCREENFUL = 20
NOTHING = Changes(0, 0, 0, 0)


class Printer:
    """Prints the result of a command: on standard error if the picture goes to standard output; nothing if quiet."""

    def __init__(self, *, quiet: bool, piped: bool = False) -> None:
        self._quiet = quiet
        self._out = sys.stderr if piped else sys.stdout

    def __call__(self, text: str) -> None:
        """Print the result."""
        if not self._quiet:
            self._out.write(f"{text}\n")

    def aside(self, text: str) -> None:
        """Print on standard error what a person should know besides the result."""
        if not self._quiet:
            sys.stderr.write(text)


def notes(photos: Library, sieve: Sieve) -> str:
    """Return what was damaged, what was passed over, and which files are no tiles."""
    return note(photos) + passed_over(sieve) + skipped(photos)


def note(photos: Library) -> str:
    """Return what a person should know about the cache."""
    return f"{photos.note}\n" if photos.note else ""


def passed_over(sieve: Sieve) -> str:
    """Return how much was passed over."""
    said = [counted(count, what) for count, what in ((sieve.files, "file"), (sieve.folders, "folder")) if count]
    lines = [f"{' and '.join(said)} passed over: excluded, hidden, or no photos of one's own."] if said else []
    if sieve.links:
        lines.append(f"{counted(sieve.links, 'linked folder')} passed over; --follow-links goes into them.")
    return "".join(f"{line}\n" for line in lines)


def skipped(photos: Library) -> str:
    """Return which files are no tiles, and why; as many as fit on a screen."""
    lines = photos.skipped
    if not lines:
        return ""
    said = [f"{counted(len(lines), 'file')} became no tile:"]
    said += [f"  {readable(line.name)}: {readable(line.sentence)}" for line in lines[:SCREENFUL]]
    if len(lines) > SCREENFUL:
        said.append(f"  … and {len(lines) - SCREENFUL:,} more")
    return "".join(f"{line}\n" for line in said)


def in_a_line(photos: Library, changes: Changes | None) -> str:
    """Return how many photos there are, what changed, and what is left out of mosaics."""
    said = [counted(len(photos.paths), "photo")]
    if changes is not None:
        said.append(", ".join(f"{count:,} {what}" for what, count in changes._asdict().items() if count))
        said[-1] = said[-1] or "nothing changed"
    if photos.snapshot.dedupe:
        said.append(f"{len(photos.left_out):,} nearly the same as another and left out of mosaics")
    return "; ".join(said)


def known(folder: str, photos: Library, sieve: Sieve, seconds: float) -> dict[str, object]:
    """Return the summary as JSON has it, for programs."""
    return {
        "folder": readable(folder),
        "photos": len(photos.paths),
        "opened": photos.opened_count,
        "changes": None if photos.changes is None else photos.changes._asdict(),
        "dedupe": photos.snapshot.dedupe,
        "passed_over": dict(zip(("files", "folders", "linked_folders"), sieve.passed_over, strict=True)),
        "seconds": round(seconds, 3),
        "skipped": [{key: readable(value) for key, value in line._asdict().items()} for line in photos.skipped],
    }


def cells(grid: "Grid") -> str:
    """Return how many cells a grid has, and in how many a photo lies, such as `3 x 2 = 6 cells, 4 of them filled`."""
    if grid.spans is not None:
        larger = grid.filled_count - grid.spans.count(1)
        return f"{grid.filled_count:,} cells on {grid.columns} x {grid.rows}, {larger:,} of them larger"
    filled = "" if grid.filled is None else f", {grid.filled_count:,} of them filled"
    return f"{grid.columns} x {grid.rows} = {grid.cell_count:,} cells{filled}"


def counted(count: int, what: str) -> str:
    """Return a count with its noun, such as `1 photo` or `2 photos`."""
    return f"{count:,} {what if count == 1 else what + 's'}"
