"""The placement of a mosaic as a document, read from what is kept of it."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import queries
from models.errors import NoPlacement
from models.rules import grid, kept_placements, placement_files
from models.rules.kept_placements import Kept
from models.rules.lifecycle import JobState, not_made
from models.rules.placements import Placement, grid_of, order_of
from models.storage import Store
from models.tables import Mosaic, RemovedTile, Tile

NAMES_AT_ONCE = 1_000
"""Photos that are asked for in one query."""


def of_mosaic(session: Session, store: Store, mosaic: Mosaic, suffix: str) -> Iterator[str]:
    """Return the document of a mosaic, by the ending of its file, in pieces; not even its cells are all in memory.

    A photo that was deleted for good has no name any more; its content hash stands in its place.

    Raises:
        NotReady: the mosaic is not made.
        NoPlacement: it is from before placements were kept.
        DamagedPlacement: its placement cannot be read.
        StorageUnreadable: the store does not hold it.
    """
    kept, order = kept_of(store, mosaic), queries.order_of(mosaic)
    cut = grid.cut(*kept.target_size, order)
    head = Placement([], grid_of(cut), order_of(order), kept.lower_bound, sized=kept.spans is not None)
    return placement_files.pieces(head, kept.cells(names_of(session, mosaic.tile_set_id, kept.contents)), suffix)


def kept_of(store: Store, mosaic: Mosaic) -> Kept:
    """Return the placement of a mosaic as it is kept.

    Raises:
        NotReady: the mosaic is not made.
        NoPlacement: it is from before placements were kept.
        DamagedPlacement: its placement cannot be read.
        StorageUnreadable: the store does not hold it.
    """
    if mosaic.job.state is not JobState.SUCCEEDED:
        raise not_made(mosaic.job.state, "ask what lies where in it")
    if mosaic.placement_key is None:
        raise NoPlacement("This mosaic is from before placements were kept; order it again to have its placement.")
    return kept_placements.opened(store.path(mosaic.placement_key))


def names_of(session: Session, tile_set_id: UUID, contents: Sequence[str]) -> dict[str, str]:
    """Return the names of the photos that are still there, of these content hashes."""
    found: dict[str, str] = {}
    for first in range(0, len(contents), NAMES_AT_ONCE):
        some = contents[first : first + NAMES_AT_ONCE]
        for table in (RemovedTile, Tile):
            query = select(table.content, table.name)
            query = query.where(table.tile_set_id == tile_set_id, table.content.in_(some))
            found |= dict(session.execute(query).all())
    return found
