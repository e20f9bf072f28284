"""Finds the photos that come nearest to one cell of a mosaic, as a job: what a person may put there instead."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import exclusions, queries
from models.rules import grid, spans
from models.tables import Candidates, Mosaic
from worker import context, parallel
from worker.core.assignment.spacing import NOBODY
from worker.decoding import images
from worker.decoding.images import Decoder
from worker.jobs.attempt import Attempt, Outcome
from worker.rendering import inputs, job, kept_placement, masking, placement, sizing
from worker.rendering.kept_placement import KeptPlacement
from worker.tile_index.index import Index
from worker.tile_sets import index_repair, stored_photos

COUNT = 10
PHASES = {"rebuilding": (0.0, 0.0), "reading": (0.0, 0.5), "matching": (0.5, 1.0)}


def find_candidates(attempt: Attempt) -> Outcome:
    """Find the photos of the newest version of the tile set that are nearest to the cell of a job."""
    services = attempt.services
    with services.reading() as session:
        mine = select(Candidates).where(Candidates.job_id == attempt.lease.job_id)
        asked = attempt.whose(session.scalars(mine).one_or_none())
        mosaic = queries.find_mosaic(session, asked.mosaic_id)
    kept = kept_placement.load(services.store.path(mosaic.placement_key or ""))
    cell = _seat(kept, asked.cell_column, asked.cell_row)
    with context.decoders(services.settings) as decoder:
        tiles = _tiles(attempt, mosaic, decoder)
        pixels = decoder.decode(inputs.target(services, mosaic.target_key, mosaic.target_entry))
    attempt.report("matching", PHASES["matching"][0])
    order = queries.order_of(mosaic)
    cells = sizing.given(grid.cut(pixels.shape[1], pixels.shape[0], order), kept.spans)
    cells = masking.with_filled(cells, kept.choice.tiles != NOBODY)
    matched = placement.recoloured(images.fitted(pixels, cells), kept.colours)
    # The photo that lies there is most often among them, and is none to put there.
    found = placement.nearest(matched, order, cells, tiles, cell, count=COUNT + 1, threads=parallel.core_count())
    there = kept.content[kept.choice.tiles.flat[cell]].tobytes().hex()
    photos = [content for number in found if (content := tiles.content[number].tobytes().hex()) != there][:COUNT]

    def write(session: Session) -> None:
        session.execute(update(Candidates).where(Candidates.id == asked.id).values(photos=photos))

    return Outcome(write)


def _tiles(attempt: Attempt, mosaic: Mosaic, decoder: Decoder) -> Index:
    """Return the photos that an edit of a mosaic could use."""
    services = attempt.services
    with services.reading() as session:
        number = queries.find_indexed(session, mosaic.tile_set_id).version or 0
        version = queries.find_version(session, mosaic.tile_set_id, number)
        excluded = exclusions.excluded(session, mosaic.tile_set_id)
    read, progress = stored_photos.reader(services, mosaic.tile_set_id), job.shares(attempt, PHASES)
    tiles = index_repair.loaded(services, version, read, decoder, attempt.lease.name, progress)
    return inputs.without(tiles, excluded)


def _seat(kept: KeptPlacement, column: int, row: int) -> int:
    """Return the number of the place where a cell stands in the arrays, given a place that it covers."""
    columns = int(kept.choice.tiles.shape[1])
    if kept.spans is not None:
        column, row = spans.seat_of(kept.spans.tobytes(), columns, column, row) or (column, row)
    return row * columns + column
