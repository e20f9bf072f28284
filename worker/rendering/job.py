"""Rendering as a job: read the rows and the blobs, run the pipeline, return what to write into the rows.

The job of a mosaic matches, and makes its first rendition; that of another rendition only lays what was kept.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import exclusions, photo_measures, placement_documents, queries
from models.errors import BlobMissing, DamagedIndex
from models.rules import blob_keys, grid, kept_placements, renditions
from models.rules.changes import Changes
from models.rules.masks import ALPHA
from models.rules.orders import MosaicOrder
from models.rules.renditions import File
from models.services import Services
from models.tables import Mosaic, Rendition
from worker import context, parallel
from worker.core.progress import PhaseProgress
from worker.decoding.images import Decoder
from worker.jobs import scratch
from worker.jobs.attempt import Attempt, Outcome
from worker.rendering import inputs, kept_placement, masking, writer
from worker.rendering.masking import Mask
from worker.rendering.partial import Partial
from worker.rendering.pipeline import Rendered, lay, render
from worker.tile_index.index import Index, ReadPhoto
from worker.tile_sets import index_repair, stored_photos

if TYPE_CHECKING:
    from worker.core.edits import Edit

SMALL_TARGET = "target.jpg"
RENDER_PHASES = {
    "rebuilding": (0.0, 0.0),
    "reading": (0.0, 0.05),
    "matching": (0.05, 0.3),
    "fetching tiles": (0.3, 0.5),
    "composing": (0.5, 0.9),
    "encoding": (0.9, 0.95),
}
RENDITION_PHASES = {
    "reading": (0.0, 0.05),
    "fetching tiles": (0.05, 0.4),
    "composing": (0.4, 0.5),
    "encoding": (0.5, 0.95),
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
    read, progress = stored_photos.reader(services, mosaic.tile_set_id), shares(attempt, RENDER_PHASES)
    with context.decoders(services.settings) as decoder, scratch.folder() as folder:
        picture = folder / f"mosaic{order.format.facts.suffix}"
        tiles = index_repair.loaded(services, version, read, decoder, attempt.lease.name, progress)
        tiles, edit = _edit(services, mosaic, order, inputs.without(tiles, excluded))
        target = inputs.target(services, mosaic.target_key, mosaic.target_entry)
        rendered = render(
            target,
            order,
            tiles,
            read,
            picture,
            threads=parallel.core_count(),
            progress=progress,
            decoder=decoder,
            edit=edit,
            limits=services.settings.limits,
            mask=_mask(attempt, mosaic, target, decoder),
            small_target=folder / SMALL_TARGET,
            shown=Partial(attempt, mosaic.id),
        )
        attempt.report("storing", 0.95)
        values = _store_mosaic(attempt, mosaic, rendered, picture)
        file = _store_file(attempt, mosaic, picture)
    uses = kept_placement.uses(rendered.kept)

    def write(session: Session) -> None:
        session.execute(update(Mosaic).where(Mosaic.id == mosaic.id).values(**values))
        _publish(session, attempt, file)
        photo_measures.count_uses(session, mosaic.tile_set_id, uses)

    return Outcome(write)


def make_rendition(attempt: Attempt) -> Outcome:
    """Lay the kept placement of a mosaic as another file, and store that under this attempt's own key."""
    services = attempt.services
    with services.reading() as session:
        mine = select(Rendition).where(Rendition.job_id == attempt.lease.job_id)
        rendition = attempt.whose(session.scalars(mine).one_or_none())
        mosaic = queries.find_mosaic(session, rendition.mosaic_id)
    file = File(rendition.format, rendition.file_quality, rendition.dpi)
    order = renditions.ordered(queries.order_of(mosaic), renditions.given_by(file))
    kept = kept_placement.load(services.store.path(mosaic.placement_key or ""))
    with context.decoders(services.settings) as decoder, scratch.folder() as folder:
        picture = folder / f"mosaic{order.format.facts.suffix}"
        lay(
            inputs.target(services, mosaic.target_key, mosaic.target_entry),
            order,
            kept,
            _still_there(stored_photos.reader(services, mosaic.tile_set_id)),
            picture,
            progress=shares(attempt, RENDITION_PHASES),
            decoder=decoder,
        )
        attempt.report("storing", 0.95)
        stored = _store_file(attempt, mosaic, picture)
    return Outcome(lambda session: _publish(session, attempt, stored))


def _still_there(read: ReadPhoto) -> ReadPhoto:
    """Return the same for photos that may have been deleted since the mosaic was made."""

    def found(content: bytes) -> bytes:
        try:
            return read(content)
        except BlobMissing as error:
            raise DamagedIndex(
                "A photo that lies in this mosaic was deleted since, so no other file of it can be made."
            ) from error

    return found


def _edit(services: Services, mosaic: Mosaic, order: MosaicOrder, tiles: Index) -> tuple[Index, "Edit | None"]:
    """Return the photos that may be used, and what an edit gives of its parent's placement; None if it is no edit."""
    if mosaic.parent_id is None or mosaic.changes is None:
        return tiles, None
    from worker.rendering import changed  # noqa: PLC0415 - few mosaics need it

    changes = Changes.of(mosaic.changes)
    with services.reading() as session:
        # The parent may be in the trash, or purged by now: its placement is kept for this edit.
        key = session.get_one(Mosaic, mosaic.parent_id).placement_key or ""
        kept = kept_placements.opened(services.store.path(key))
        photos = [*kept.contents, *(pin.photo for pin in changes.pins)]
        names = placement_documents.names_of(session, mosaic.tile_set_id, photos)
    cells = replace(grid.cut(*kept.target_size, order), filled=kept.filled)
    return changed.edit_of(kept, changes, tiles, names, order, cells)


def _mask(attempt: Attempt, mosaic: Mosaic, target: bytes, decoder: Decoder) -> Mask | None:
    """Return the mask of a mosaic; an edit has none, since what its parent leaves empty stays so."""
    if mosaic.mask is None or mosaic.parent_id is not None:
        return None
    if mosaic.mask == ALPHA:
        return masking.of_target(target, decoder)
    return masking.of_file(attempt.services.store.get(mosaic.mask), decoder)


def shares(attempt: Attempt, phases: Mapping[str, tuple[float, float]]) -> PhaseProgress:
    """Return a progress function that counts each phase as its share of the whole job."""

    def progress(phase: str, done: int, total: int) -> None:
        start, end = phases[phase]
        attempt.report(phase, start + (end - start) * done / max(1, total), done, total)

    return progress


def _store_mosaic(attempt: Attempt, mosaic: Mosaic, rendered: Rendered, picture: Path) -> dict[str, object]:
    """Store the placement and the small pictures of a mosaic; return what to write into its row."""
    names = "preview.jpg", "thumbnail", "large", "placement"
    preview, thumbnail, large, placement = (picture.with_name(name) for name in names)
    writer.write_preview(picture, preview)
    thumbnail.write_bytes(writer.thumbnail(preview))
    large.write_bytes(writer.thumbnail(preview, large=True))
    kept_placement.save(rendered.kept, placement)
    target = picture.with_name(SMALL_TARGET)
    files = {
        blob_keys.preview: preview, blob_keys.thumbnail: thumbnail, blob_keys.large_thumbnail: large,
        blob_keys.placement: placement, blob_keys.target_preview: target,
    }  # fmt: skip
    keys = {f"{key.__name__}_key": key(mosaic.id, attempt.lease.name) for key in files}
    for key, file in zip(keys.values(), files.values(), strict=True):
        attempt.services.store.put(key, file)
    width, height = rendered.grid.mosaic_size
    return {
        **keys,
        "width": width,
        "height": height,
        "columns": rendered.grid.columns,
        "rows": rendered.grid.rows,
        "distinct_tiles": rendered.quality.distinct_tiles,
        "quality": asdict(rendered.quality),
    }


def _store_file(attempt: Attempt, mosaic: Mosaic, picture: Path) -> dict[str, object]:
    """Store a file of a mosaic; return what to write into the row of the rendition."""
    key = blob_keys.picture(mosaic.id, attempt.lease.name, picture.suffix.removeprefix("."))
    return {
        "key": key,
        "sha256": attempt.services.store.put_hashed(key, picture),
        "byte_count": picture.stat().st_size,
    }


def _publish(session: Session, attempt: Attempt, file: dict[str, object]) -> None:
    session.execute(update(Rendition).where(Rendition.job_id == attempt.lease.job_id).values(**file))
