"""Rendering as a job: read the rows and the blobs, run the pipeline, return what to write into the rows."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import exclusions, queries
from models.rules import blob_keys, zip_files
from models.tables import Mosaic
from worker import context, parallel
from worker.core.progress import PhaseProgress
from worker.jobs import scratch
from worker.jobs.attempt import Attempt, Outcome
from worker.rendering import writer
from worker.rendering.pipeline import Rendered, render
from worker.tile_index.index import Index
from worker.tile_sets import index_repair, stored_photos

RENDER_PHASES = {
    "rebuilding": (0.0, 0.0),
    "reading": (0.0, 0.05),
    "matching": (0.05, 0.3),
    "fetching tiles": (0.3, 0.5),
    "composing": (0.5, 0.9),
    "encoding": (0.9, 0.95),
}


def render_mosaic(attempt: Attempt) -> Outcome:
    """Render the mosaic of a job, and store the picture under this attempt's own keys."""
    services = attempt.services
    with services.reading() as session:
        mine = select(Mosaic).where(Mosaic.job_id == attempt.lease.job_id)
        mosaic = attempt.whose(session.scalars(mine).one_or_none())
        version = queries.find_version(session, mosaic.tile_set_id, mosaic.tile_set_version)
        excluded = exclusions.excluded(session, mosaic.tile_set_id, mosaic.tile_set_version)
    order = queries.order_of(mosaic)
    read, progress = stored_photos.reader(services, mosaic.tile_set_id), _shares(attempt, RENDER_PHASES)
    with context.decoders(services.settings) as decoder, scratch.folder() as folder:
        picture = folder / f"mosaic{order.format.facts.suffix}"
        tiles = index_repair.loaded(services, version, read, decoder, attempt.lease.name, progress)
        rendered = render(
            _target(attempt, mosaic),
            order,
            _without(tiles, excluded),
            read,
            picture,
            threads=parallel.core_count(),
            progress=progress,
            decoder=decoder,
        )
        attempt.report("storing", 0.95)
        values = _store_picture(attempt, mosaic, rendered, picture)

    def write(session: Session) -> None:
        session.execute(update(Mosaic).where(Mosaic.id == mosaic.id).values(**values))

    return Outcome(write)


def _without(tiles: Index, excluded: Collection[str]) -> Index:
    """Return the tiles whose content hashes are not among these."""
    if not excluded:
        return tiles
    left = [n for n, content in enumerate(tiles.content) if content.tobytes().hex() not in excluded]
    return tiles.selected(np.array(left, np.intp))


def _shares(attempt: Attempt, phases: Mapping[str, tuple[float, float]]) -> PhaseProgress:
    """Return a progress function that counts each phase as its share of the whole job."""

    def progress(phase: str, done: int, total: int) -> None:
        start, end = phases[phase]
        attempt.report(phase, start + (end - start) * done / max(1, total))

    return progress


def _target(attempt: Attempt, mosaic: Mosaic) -> bytes:
    store, limit = attempt.services.store, attempt.services.settings.max_picture_bytes
    if mosaic.target_entry is None:
        return store.get(mosaic.target_key)
    with zip_files.opened(store.open(mosaic.target_key)) as archive:
        return archive.read(mosaic.target_entry, limit)


def _store_picture(attempt: Attempt, mosaic: Mosaic, rendered: Rendered, picture: Path) -> dict[str, object]:
    """Store the mosaic and its preview; return what to write into the mosaic's row."""
    store, name = attempt.services.store, attempt.lease.name
    preview = picture.with_name("preview.jpg")
    writer.write_preview(picture, preview)
    picture_key = blob_keys.picture(mosaic.id, name, picture.suffix.removeprefix("."))
    preview_key = blob_keys.preview(mosaic.id, name)
    sha256 = store.put_hashed(picture_key, picture)
    store.put(preview_key, preview)
    width, height = rendered.grid.mosaic_size
    return {
        "picture_key": picture_key,
        "preview_key": preview_key,
        "picture_sha256": sha256,
        "picture_bytes": picture.stat().st_size,
        "width": width,
        "height": height,
        "columns": rendered.grid.columns,
        "rows": rendered.grid.rows,
        "distinct_tiles": rendered.quality.distinct_tiles,
        "quality": asdict(rendered.quality),
    }
