"""Sketches as a job: the real matcher on the real index, and tiles made of thumbs, so that no photo is opened.

A target is decoded once for each draft: what is kept of it in small serves all its sketches, and the page.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import drafts, exclusions, queries, sketches
from models.errors import InvalidOrder
from models.rules import blob_keys, grid
from models.rules.formats import DEFAULT_DPI, Format
from models.rules.grid import Grid
from models.rules.orders import MosaicOrder
from models.tables import Draft, Sketch
from worker import context, parallel
from worker.decoding.thumbs import Thumbs
from worker.jobs import scratch
from worker.jobs.attempt import Attempt, Outcome
from worker.rendering import inputs
from worker.rendering.pipeline import render
from worker.tile_index import rows
from worker.tile_index.index import Index
from worker.tile_sets import index_repair, stored_photos

MOST_CELLS, MOST_SLOW = 5_000, 2_000
"""Cells of a sketch, and of one whose search is longer: with rules about repeats, or with rows that are moved.
A mosaic of more is shown coarser."""
SIDE, LOOK_SIDE = 720, 320
"""About how many pixels the longer side of a sketch has, and of the picture of a look."""
LEAST_TILE, MOST_TILE = 4, 48
TARGET_SIDE = 960
QUALITY = 60
HELD = 2
"""Tile sets whose photos a process holds mapped."""


@dataclass(frozen=True, eq=False)
class Photos:
    """The photos of a version of a tile set, and their thumbs as a decoder."""

    index: Index
    thumbs: Thumbs


_held: OrderedDict[tuple[str, int], Photos] = OrderedDict()


def make_sketch(attempt: Attempt) -> Outcome:
    """Make the sketch of a job, and store it under this attempt's own key."""
    services, name = attempt.services, attempt.lease.name
    with services.reading() as session:
        mine = select(Sketch).where(Sketch.job_id == attempt.lease.job_id)
        sketch = attempt.whose(session.scalars(mine).one_or_none())
        draft = session.get_one(Draft, sketch.draft_id)
    attempt.report("reading", 0.0)
    draft, target = _small_target(attempt, draft)
    photos = _photos(attempt, sketch)
    order = in_small(
        sketches.order_of(sketch), (draft.width or 1, draft.height or 1), LOOK_SIDE if sketch.look else SIDE
    )

    def progress(phase: str, done: int, total: int) -> None:
        attempt.report(phase, done / max(1, total))

    with scratch.folder() as folder:
        rendered = render(
            target, order, photos.index, lambda content: content, folder / "sketch.webp",
            threads=parallel.core_count(), progress=progress, decoder=photos.thumbs,
        )  # fmt: skip
        key = blob_keys.sketch(draft.id, name)
        services.store.put(key, folder / "sketch.webp")
    made = {"key": key, "columns": rendered.grid.columns, "rows": rendered.grid.rows}

    def write(session: Session) -> None:
        session.execute(update(Sketch).where(Sketch.id == sketch.id).values(made))

    return Outcome(write)


def in_small(order: MosaicOrder, size: tuple[int, int], side: int = SIDE) -> MosaicOrder:
    """Return the order of the sketch of a mosaic: the same cells, unless there are too many, and small tiles.

    Args:
        order: What is ordered.
        size: Width and height of the target. Of the sketch's target only the shape is the same.
        side: About how many pixels its longer side is to have.

    Raises:
        InvalidOrder: the order does not fit the target.
    """
    cells = grid.cut(*size, order)
    ruled = order.uses is not None or order.min_uses is not None or order.min_distance > 1
    most = MOST_SLOW if ruled or order.shape.shifted else MOST_CELLS
    share = 1.0 if cells.cell_count <= most else isqrt(10**6 * most // cells.cell_count) / 10**3
    tile = min(max(LEAST_TILE, round(side / (share * max(cells.columns, cells.rows)))), MOST_TILE)
    small = replace(
        order, tile_size=tile, format=Format.WEBP, file_quality=QUALITY, dpi=DEFAULT_DPI, bleed=0.0, pages=None,
        overlap=None, min_uses=order.min_uses if share == 1 else None,
    )  # fmt: skip
    return replace(small, **_cut_in_small(order, cells, share, tile, size))


def _cut_in_small(order: MosaicOrder, cells: Grid, share: float, tile: int, size: tuple[int, int]) -> dict[str, Any]:
    if order.cells_across is None:
        scale = min(1.0, TARGET_SIDE / max(size)) / share
        sides = {"cell_width": order.cell_width or 1, "cell_height": order.cell_height or 1}
        return {name: max(1, round(side * scale)) for name, side in sides.items()}
    across = {"cells_across": max(1, int(share * order.cells_across))}
    if order.mosaic_width is None or order.mosaic_height is None:
        return across
    scale = max(share * cells.columns * tile / cells.mosaic_size[0], cells.columns / cells.mosaic_size[0])
    sides = {"mosaic_width": order.mosaic_width, "mosaic_height": order.mosaic_height}
    return across | {name: max(1, round(side * scale)) for name, side in sides.items()}


def _small_target(attempt: Attempt, draft: Draft) -> tuple[Draft, bytes]:
    """Return the draft, whose size is known from now on, and its target in small."""
    services = attempt.services
    if draft.small_key is not None:
        return draft, services.store.get(draft.small_key)
    with context.decoders(services.settings) as decoder:
        whole = inputs.target(services, draft.target_key, draft.target_entry)
        made = decoder.prepared(whole, rows.SIDE, TARGET_SIDE)
    if made.tile is None:
        raise InvalidOrder("target", "The picture cannot be shown in small.")
    key = blob_keys.small_target(draft.id, attempt.lease.name)
    services.store.put(key, made.tile)
    with services.sessions.begin() as session:
        return drafts.with_small_target(session, draft.id, key, made.size), made.tile


def _photos(attempt: Attempt, sketch: Sketch) -> Photos:
    """Return the photos that a sketch may use; those of the last tile sets are held."""
    with attempt.services.reading() as session:
        version = queries.find_version(session, sketch.tile_set_id, sketch.tile_set_version)
    key = version.index_key, version.number
    if key not in _held:
        _held[key] = _loaded(attempt, sketch)
        while len(_held) > HELD:
            _held.popitem(last=False)
    _held.move_to_end(key)
    return _held[key]


def _loaded(attempt: Attempt, sketch: Sketch) -> Photos:
    services = attempt.services
    with services.reading() as session:
        version = queries.find_version(session, sketch.tile_set_id, sketch.tile_set_version)
        excluded = exclusions.excluded(session, sketch.tile_set_id, sketch.tile_set_version)
    read = stored_photos.reader(services, sketch.tile_set_id)

    def progress(phase: str, done: int, total: int) -> None:
        attempt.report(phase, done / max(1, total))

    with context.decoders(services.settings) as decoder:
        index = index_repair.loaded(services, version, read, decoder, attempt.lease.name, progress)
    used = inputs.without(index, excluded)
    return Photos(used, Thumbs(used.content, used.thumb))
