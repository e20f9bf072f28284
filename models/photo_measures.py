"""What is known of photos' pictures: their size and colour, and in how many cells they lie."""

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, column, select, update
from sqlalchemy.orm import Session

from models.tables import RemovedTile, Tile

TABLES = (Tile, RemovedTile)


class Measures(NamedTuple):
    """What a photo's row says of its picture; see `models.tables.Measured`."""

    width: int
    height: int
    lightness: float
    colour: float


def lacking(session: Session, tile_set_id: UUID) -> set[str]:
    """Return the photos of a set, also those in the trash, whose rows are from before these numbers were kept."""
    unknown = (
        select(table.content).where(table.tile_set_id == tile_set_id, table.lightness.is_(None)) for table in TABLES
    )
    return set(chain.from_iterable(session.scalars(query) for query in unknown))


def write(session: Session, tile_set_id: UUID, measures: Mapping[str, Measures]) -> None:
    """Write the numbers of photos, by content hash."""
    rows = [{"which": content, **measures[content]._asdict()} for content in sorted(measures)]
    _update(session, tile_set_id, {name: bindparam(name) for name in Measures._fields}, rows)


def count_uses(session: Session, tile_set_id: UUID, uses: Mapping[str, int]) -> None:
    """Add the cells in which photos lie in a mosaic that was made, by content hash.

    Always in the same order, so that two mosaics which end at once do not wait for each other for ever.
    """
    rows = [{"which": content, "more": uses[content]} for content in sorted(uses)]
    _update(session, tile_set_id, {"uses": column("uses") + bindparam("more")}, rows)


def _update(session: Session, tile_set_id: UUID, values: dict[str, object], rows: list[dict[str, object]]) -> None:
    for table in TABLES:
        of_photo = update(table).where(table.tile_set_id == tile_set_id, table.content == bindparam("which"))
        if rows:
            session.connection().execute(of_photo.values(values), rows)
