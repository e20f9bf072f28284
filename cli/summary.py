"""What is told of a folder that was indexed: to people in lines, to programs as JSON."""

import json
import sys

from cli.library import Changes, Library
from cli.names import readable
from worker.sieve import Sieve

SCREENFUL = 20
NOTHING = Changes(0, 0, 0, 0)


def report_skipped(photos: Library, sieve: Sieve) -> None:
    """Say on standard error what was damaged, what was passed over, and which files became no tile."""
    sys.stderr.write(note(photos) + passed_over(sieve) + skipped(photos))


def note(photos: Library) -> str:
    """Return what a person should know of the cache."""
    return f"{photos.note}\n" if photos.note else ""


def passed_over(sieve: Sieve) -> str:
    """Return how much was not looked at."""
    told = [_counted(count, what) for count, what in ((sieve.files, "file"), (sieve.folders, "folder")) if count]
    lines = [f"{' and '.join(told)} passed over: excluded, hidden, or no photos of one's own."] if told else []
    if sieve.links:
        lines.append(f"{_counted(sieve.links, 'linked folder')} passed over; --follow-links goes into them.")
    return "".join(f"{line}\n" for line in lines)


def skipped(photos: Library) -> str:
    """Return which files became no tile, and why; as many as fit on a screen."""
    lines = photos.skipped
    if not lines:
        return ""
    told = [f"{_counted(len(lines), 'file')} became no tile:"]
    told += [f"  {readable(line.name)}: {readable(line.sentence)}" for line in lines[:SCREENFUL]]
    if len(lines) > SCREENFUL:
        told.append(f"  … and {len(lines) - SCREENFUL:,} more")
    return "".join(f"{line}\n" for line in told)


def in_a_line(photos: Library, changes: Changes | None) -> str:
    """Return how many photos there are, what changed, and what is left out of mosaics."""
    told = [_counted(len(photos.paths), "photo")]
    if changes is not None:
        told.append(", ".join(f"{count:,} {what}" for what, count in changes._asdict().items() if count))
        told[-1] = told[-1] or "nothing changed"
    if photos.kept.dedupe:
        told.append(f"{len(photos.left_out):,} nearly the same as another and left out of mosaics")
    return "; ".join(told)


def as_json(folder: str, photos: Library, sieve: Sieve, seconds: float) -> str:
    """Return all that is known of it, for programs."""
    known = {
        "folder": readable(folder),
        "photos": len(photos.paths),
        "opened": photos.opened_count,
        "changes": None if photos.changes is None else photos.changes._asdict(),
        "dedupe": photos.kept.dedupe,
        "passed_over": dict(zip(("files", "folders", "linked_folders"), sieve.passed_over, strict=True)),
        "seconds": round(seconds, 3),
        "skipped": [{key: readable(value) for key, value in line._asdict().items()} for line in photos.skipped],
    }
    return json.dumps(known, indent=2) + "\n"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what if count == 1 else what + 's'}"
