"""Rows as the API shows them."""

from dataclasses import asdict
from typing import Any

from flask import url_for

from models import prints, queries
from models.parts import IndexingProgress
from models.photo_changes import Changed
from models.photo_listing import Listed
from models.queries import BatchProgress, Shown
from models.rules.lifecycle import JobState
from models.rules.placements import Placed
from models.tables import (
    Batch,
    Draft,
    Job,
    Mosaic,
    RemovedTile,
    Rendition,
    Sketch,
    SkippedPhoto,
    TileSet,
    Version,
)
from web import drafting, links, looking
from web.looking import Nearest, Photo

PLACE = ("column", "row", "span")


def job(row: Job) -> dict[str, Any]:
    """Return a job: its state, how far it is, and its error."""
    error = {"code": row.error_code, "detail": row.error_sentence} if row.error_code else None
    return {
        "state": row.state,
        "final": row.state.final,
        "phase": row.phase,
        "progress": row.progress,
        "attempt": row.attempt,
        "error": error,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def target(row: Draft) -> dict[str, Any]:
    """Return a target that is kept."""
    size = drafting.size_of(row)
    return {
        "id": row.id,
        "url": url_for("api.targets.show", target_id=row.id),
        "name": row.target_name,
        "width": size.width if size.known else None,
        "height": size.height if size.known else None,
        "masked": row.mask is not None,
        "expires_at": row.expires_at,
        "plan": url_for("api.targets.plan", target_id=row.id),
        "sketches": url_for("api.sketches.create", target_id=row.id),
    }


def plan(found: dict[str, Any]) -> dict[str, Any]:
    """Return what an order would make, or why it cannot be met; see `web.planning.answer`."""
    refusal = found["refusal"] and {
        "detail": found["refusal"]["sentence"],
        "field": found["refusal"]["field"],
        "ways": [{"sentence": way["label"], "fields_": way["fields"]} for way in found["refusal"]["ways"]],
    }
    return {"planned": found["plan"], "refusal": refusal, "photos": found["photos"]}


def sketch(row: Sketch) -> dict[str, Any]:
    """Return a sketch of a mosaic."""
    place: dict[str, Any] = {"target_id": row.draft_id, "sketch_id": row.id}
    ready = row.job.state is JobState.SUCCEEDED and row.key is not None
    return {
        "id": row.id,
        "url": url_for("api.sketches.show", **place),
        "target": row.draft_id,
        "job": job(row.job),
        "columns": row.columns,
        "rows": row.rows,
        "picture": url_for("api.sketches.picture", **place) if ready else None,
    }


def tile_set(row: TileSet) -> dict[str, Any]:
    """Return a tile set."""
    return {
        "id": row.id,
        "name": row.name,
        "url": url_for("api.tile_sets.show", tile_set_id=row.id),
        "job": job(row.job),
        "tile_count": row.current.tile_count if row.current else None,
        "skipped_count": row.skipped_count,
        "version": row.version,
        "dedupe": row.dedupe,
        "keep_originals": row.keep_originals,
        "lacks": row.current.lacks if row.current else None,
        "tiles": url_for("api.tiles.index", tile_set_id=row.id),
        "plot": url_for("api.tile_sets.plot", tile_set_id=row.id) if row.current else None,
        "palette": url_for("api.tile_sets.palette", tile_set_id=row.id) if row.current else None,
    }


def progress(far: IndexingProgress | None) -> dict[str, Any] | None:
    """Return how far the indexing of a tile set is."""
    if far is None:
        return None
    return {"done": far.done, "total": far.total, "rate": far.rate, "seconds_left": far.seconds_left}


def version(row: Version) -> dict[str, Any]:
    """Return a version of a tile set."""
    return {
        "number": row.number,
        "change": row.change,
        "tile_count": row.tile_count,
        "created_at": row.created_at,
    }


def tile(shown: Listed | Shown, tile_set: TileSet) -> dict[str, Any]:
    """Return a photo of a tile set."""
    row = shown.tile
    place: dict[str, Any] = {"tile_set_id": row.tile_set_id, "content": row.content}
    removed = isinstance(row, RemovedTile)
    has_picture = not row.linked and not removed
    return {
        "content": row.content,
        "name": row.name,
        "banned": shown.banned,
        "removed": removed,
        "since": row.since,
        "linked": row.linked,
        "width": row.width,
        "height": row.height,
        "uses": row.uses,
        "preview": url_for("api.tiles.preview", **place),
        "picture": url_for("api.tiles.picture", **place) if has_picture else None,
        "original": url_for("api.tiles.original", **place) if has_picture and tile_set.keep_originals else None,
    }


def changed(done: Changed) -> dict[str, Any]:
    """Return what a change of several photos did."""
    return {"version": done.version, "changed": sorted(done.changed), "missing": sorted(done.missing)}


def deleted_set(row: TileSet, days_left: int) -> dict[str, Any]:
    """Return a tile set in the trash."""
    return {
        "id": row.id,
        "name": row.name,
        "deleted_at": row.deleted_at,
        "days_left": days_left,
        "restore": url_for("api.tile_sets.restore", tile_set_id=row.id),
        "purge": url_for("api.trash.purge_set", tile_set_id=row.id),
    }


def deleted_mosaic(row: Mosaic, days_left: int) -> dict[str, Any]:
    """Return a mosaic in the trash."""
    return {
        "id": row.id,
        "name": row.target_name,
        "deleted_at": row.deleted_at,
        "days_left": days_left,
        "restore": url_for("api.mosaics.restore", mosaic_id=row.id),
        "purge": url_for("api.trash.purge_mosaic", mosaic_id=row.id),
    }


def deleted_batch(row: Batch, days_left: int) -> dict[str, Any]:
    """Return a batch in the trash."""
    return {
        "id": row.id,
        "name": row.name,
        "deleted_at": row.deleted_at,
        "days_left": days_left,
        "restore": url_for("api.batches.restore", batch_id=row.id),
        "purge": url_for("api.trash.purge_batch", batch_id=row.id),
    }


def removed_tile(row: RemovedTile, days_left: int) -> dict[str, Any]:
    """Return a photo in the trash."""
    place: dict[str, Any] = {"tile_set_id": row.tile_set_id, "content": row.content}
    return {
        "tile_set": row.tile_set_id,
        "content": row.content,
        "name": row.name,
        "removed_at": row.removed_at,
        "days_left": days_left,
        "restore": url_for("api.tiles.restore", **place),
        "purge": url_for("api.trash.purge_photo", **place),
    }


def skipped(row: SkippedPhoto) -> dict[str, Any]:
    """Return a line of a report."""
    return {"name": row.name, "code": row.code, "detail": row.sentence}


def mosaic(row: Mosaic) -> dict[str, Any]:
    """Return a mosaic."""
    ready = row.job.state is JobState.SUCCEEDED
    return {
        "id": row.id,
        "url": url_for("api.mosaics.show", mosaic_id=row.id),
        "tile_set": row.tile_set_id,
        "tile_set_version": row.tile_set_version,
        "target_name": row.target_name,
        "masked": row.mask is not None,
        "order": asdict(queries.order_of(row)),
        "on_paper": _on_paper(row),
        "job": job(row.job),
        "picture": url_for("api.mosaics.picture", mosaic_id=row.id) if ready else None,
        "width": row.width,
        "height": row.height,
        "columns": row.columns,
        "rows": row.rows,
        "distinct_tiles": row.distinct_tiles,
        "quality": row.quality and {"far": None, "adapted": None, "near": None, "fine": None} | row.quality,
        "bytes": row.first.byte_count,
        "sha256": row.first.sha256,
        "parent": row.parent_id,
        "again": row.again_id,
        "renditions": url_for("api.renditions.index", mosaic_id=row.id),
        "placement": url_for("api.mosaics.get_placement_json", mosaic_id=row.id) if row.placement_key else None,
    }


def share(shown: links.Shown) -> dict[str, Any]:
    """Return a link that shares a mosaic."""
    row = shown.row
    return {
        "id": row.id,
        "url": url_for("api.shares.delete", mosaic_id=row.mosaic_id, share_id=row.id),
        "link": shown.address,
        "created_at": row.created_at,
        "until": row.until,
    }


def cell(mosaic: Mosaic, asked: tuple[int, int], found: Placed | None, lying: Photo | None) -> dict[str, Any]:
    """Return a cell, and the photo in it if there is one."""
    empty = {"column": asked[0], "row": asked[1], "span": 1, "window": None, "turn": None}
    shown = looking.cell_as_json(found) if found else empty
    place: dict[str, Any] = {"mosaic_id": mosaic.id, "column": shown["column"], "row": shown["row"]}
    return shown | {
        "mosaic": mosaic.id,
        "photo": lying and looking.photo_as_json(mosaic, lying.content, lying.name, looking.API),
        "uses": lying.lying.uses if lying else 0,
        "places": [dict(zip(PLACE, each, strict=True)) for each in (lying.lying.places if lying else ())],
        "candidates": url_for("api.cells.find_candidates", **place),
    }


def candidates(found: Nearest) -> dict[str, Any]:
    """Return the photos that come nearest to a cell."""
    place: dict[str, Any] = {"mosaic_id": found.mosaic.id, "column": found.cell.column, "row": found.cell.row}
    named = (found.names or {}).items()
    photos = [looking.photo_as_json(found.mosaic, content, name, looking.API) for content, name in named]
    return {
        "url": url_for("api.cells.get_candidates", **place),
        "job": job(found.job),
        "photos": None if found.names is None else photos,
    }


def rendition(row: Rendition) -> dict[str, Any]:
    """Return a rendition of a mosaic."""
    place: dict[str, Any] = {"mosaic_id": row.mosaic_id, "rendition_id": row.id}
    return {
        "id": row.id,
        "url": url_for("api.renditions.show", **place),
        "mosaic": row.mosaic_id,
        "format": row.format,
        "file_quality": row.file_quality or None,
        "dpi": row.dpi,
        "job": job(row.job),
        "file": url_for("api.renditions.file", **place) if row.job.state is JobState.SUCCEEDED else None,
        "bytes": row.byte_count,
        "sha256": row.sha256,
    }


def _on_paper(row: Mosaic) -> dict[str, Any] | None:
    plan = prints.plan_of(row)
    if plan is None:
        return None
    lengths = zip(("width_mm", "height_mm", "tile_width_mm", "tile_height_mm"), plan.size + plan.tile, strict=True)
    return {name: round(float(length), 3) for name, length in lengths} | {"notes": prints.notes_on(row, plan)}


def batch(row: Batch, progress: BatchProgress) -> dict[str, Any]:
    """Return a batch as a whole."""
    some = progress.final and progress.counts.get(JobState.SUCCEEDED, 0) > 0
    return {
        "id": row.id,
        "name": row.name,
        "url": url_for("api.batches.show", batch_id=row.id),
        "tile_set": row.tile_set_id,
        "tile_set_version": row.tile_set_version,
        "total": progress.total,
        "states": {state.value: count for state, count in progress.counts.items()},
        "progress": progress.progress,
        "final": progress.final,
        "mosaics": url_for("api.batches.mosaics", batch_id=row.id),
        "manifest": url_for("api.batches.get_manifest_json", batch_id=row.id),
        "archive": url_for("api.batches.archive", batch_id=row.id) if some else None,
    }
