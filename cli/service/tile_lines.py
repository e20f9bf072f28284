"""Tile sets as lines for people and as JSON for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cli.progress_bar import aligned
from models.parts import IndexingProgress
from models.tables import RemovedTile, SkippedPhoto, TileSet, Version

HEAD = ("NAME", "PHOTOS", "VERSION", "SKIPPED", "STATE", "ID")
TRASH_HEAD = ("WHAT", "NAME", "SINCE", "ID")
SCREENFUL = 20
NOTHING = "-"


def table(tile_sets: Sequence[TileSet]) -> str:
    """Return a table with one line for each tile set."""
    return aligned([HEAD, *map(_row, tile_sets)])


def line(tile_set: TileSet) -> str:
    """Return a tile set in one line, as the result of an import."""
    if tile_set.current is None:
        return f"“{tile_set.name}” has no photos yet."
    return f"“{tile_set.name}”, version {tile_set.current.number}: {_count(tile_set)} photos."


def sheet(
    tile_set: TileSet,
    versions: Sequence[Version],
    skipped: Sequence[SkippedPhoto],
    far: IndexingProgress | None,
    *,
    whole: bool,
) -> str:
    """Return everything about a tile set, a line for each field."""
    error = f" ({tile_set.job.error_sentence})" if tile_set.job.error_sentence else ""
    known = {
        "name": tile_set.name,
        "id": str(tile_set.id),
        "photos": _count(tile_set),
        "job": f"{tile_set.job_id}, {tile_set.job.state}{error}",
        "progress": _progress(far),
        "dedupe": "yes" if tile_set.dedupe else "no",
        "originals": "kept" if tile_set.keep_originals else "not kept",
    }
    lines = [f"{name:<14}{value}" for name, value in known.items() if value is not None]
    lines += [
        f"version {each.number:<6}{each.created_at:%Y-%m-%d %H:%M} UTC  {each.tile_count:,} photos: {each.change}"
        for each in versions
    ]
    return "\n".join(
        lines + passed_over(tile_set) + (report(skipped, tile_set.skipped_count, whole=whole) if skipped else [])
    )


def passed_over(tile_set: TileSet) -> list[str]:
    """Return how much was passed over when photos were last added."""
    count, links = tile_set.passed_over, tile_set.passed_links
    things = f"{count:,} files or folders passed over: excluded, hidden, or no photos of one's own."
    linked = f"{links:,} linked folders passed over; --follow-links goes into them."
    return [line for number, line in ((count, things), (links, linked)) if number]


def report(skipped: Sequence[SkippedPhoto], count: int, *, whole: bool = False) -> list[str]:
    """Return which files are no tiles, and why; as many as fit on a screen, or all of them."""
    shown = skipped if whole else skipped[:SCREENFUL]
    more = [f"  … and {count - len(shown):,} more"] if count > len(shown) else []
    head = f"{count:,} file{'' if count == 1 else 's'} became no tile:"
    return [head, *(f"  {line.name}: {line.sentence}" for line in shown), *more]


def trash(tile_sets: Sequence[TileSet], removed: Sequence[RemovedTile]) -> str:
    """Return a table with one line for each thing in the trash."""
    rows = [("tile set", each.name, _when(each.deleted_at), str(each.id)) for each in tile_sets]
    rows += [(f"photo of {each.tile_set.name}", each.name, _when(each.removed_at), each.content) for each in removed]
    return aligned([TRASH_HEAD, *rows])


def trash_as_json(tile_sets: Sequence[TileSet], removed: Sequence[RemovedTile]) -> dict[str, Any]:
    """Return what is in the trash; times are UTC, ISO 8601."""
    return {
        "tile_sets": [
            {"id": str(each.id), "name": each.name, "deleted_at": _iso(each.deleted_at)} for each in tile_sets
        ],
        "photos": [
            {
                "tile_set": str(each.tile_set_id),
                "content": each.content,
                "name": each.name,
                "removed_at": _iso(each.removed_at),
            }
            for each in removed
        ],
    }


def as_json(
    tile_set: TileSet,
    versions: Sequence[Version] = (),
    skipped: Sequence[SkippedPhoto] = (),
    far: IndexingProgress | None = None,
) -> dict[str, Any]:
    """Return everything about a tile set; times are UTC, ISO 8601."""
    return {
        "id": str(tile_set.id),
        "name": tile_set.name,
        "photos": tile_set.current.tile_count if tile_set.current else None,
        "version": tile_set.version,
        "skipped_count": tile_set.skipped_count,
        "dedupe": tile_set.dedupe,
        "keep_originals": tile_set.keep_originals,
        "job": tile_set.job_id,
        "state": tile_set.job.state.value,
        "progress": None if far is None else {"done": far.done, "total": far.total, "rate": far.rate},
        "versions": [
            {
                "number": each.number,
                "change": each.change,
                "photos": each.tile_count,
                "created_at": each.created_at.isoformat(),
            }
            for each in versions
        ],
        "skipped": [{"name": each.name, "code": each.code, "detail": each.sentence} for each in skipped],
    }


def _row(tile_set: TileSet) -> tuple[str, ...]:
    version = NOTHING if tile_set.version is None else str(tile_set.version)
    return (
        tile_set.name, _count(tile_set), version, f"{tile_set.skipped_count:,}", tile_set.job.state.value,
        str(tile_set.id),
    )  # fmt: skip


def _when(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else NOTHING


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _count(tile_set: TileSet) -> str:
    return NOTHING if tile_set.current is None else f"{tile_set.current.tile_count:,}"


def _progress(far: IndexingProgress | None) -> str | None:
    if far is None:
        return None
    rate = f", {far.rate:,.0f} a second" if far.rate else ""
    left = f", about {far.seconds_left:,.0f} s left" if far.seconds_left else ""
    return f"{far.done:,} of {far.total:,} photos{rate}{left}"
