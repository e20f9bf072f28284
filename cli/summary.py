"""What is told of a folder that was indexed: to people in lines, to programs as JSON."""

import json
import sys

from cli.library import Changes, Library
from cli.names import readable

SCREENFUL = 20
NOTHING = Changes(0, 0, 0, 0)


def report_skipped(photos: Library) -> None:
    """Say on standard error what was damaged, and which files became no tile."""
    sys.stderr.write(note(photos) + skipped(photos))


def note(photos: Library) -> str:
    """Return what a person should know of the cache."""
    return f"{photos.note}\n" if photos.note else ""


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


def as_json(folder: str, photos: Library, seconds: float) -> str:
    """Return all that is known of it, for programs."""
    known = {
        "folder": readable(folder),
        "photos": len(photos.paths),
        "opened": photos.opened_count,
        "changes": None if photos.changes is None else photos.changes._asdict(),
        "dedupe": photos.kept.dedupe,
        "seconds": round(seconds, 3),
        "skipped": [{key: readable(value) for key, value in line._asdict().items()} for line in photos.skipped],
    }
    return json.dumps(known, indent=2) + "\n"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what if count == 1 else what + 's'}"
