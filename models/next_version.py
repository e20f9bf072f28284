"""The newest version of a tile set, and one after it with the same index: other photos of it are used."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.queries import find_indexed, find_version
from models.tables import CHANGE_LENGTH, TileSet, Version


def hold(session: Session, tile_set_id: UUID) -> Version:
    """Lock a tile set until this transaction ends, and return its newest version.

    Raises:
        NotFound: there is no such set.
        NotReady: it is not indexed.
    """
    session.execute(select(TileSet.id).where(TileSet.id == tile_set_id).with_for_update())
    return find_version(session, tile_set_id, find_indexed(session, tile_set_id).version or 0)


def add(session: Session, current: Version, now: datetime, change: str, tile_count: int) -> int:
    """Add a version with the same index as the one before, and return its number."""
    number = current.number + 1
    session.add(
        Version(
            tile_set_id=current.tile_set_id,
            number=number,
            created_at=now,
            change=change[:CHANGE_LENGTH],
            index_key=current.index_key,
            plot_key=current.plot_key,
            palette_key=current.palette_key,
            lacks=current.lacks,
            tile_count=tile_count,
        )
    )
    session.execute(update(TileSet).where(TileSet.id == current.tile_set_id).values(version=number))
    return number


def has_index_of(session: Session, current: Version, number: int) -> bool:
    """Whether another version has the same index."""
    other = Version.tile_set_id == current.tile_set_id, Version.number == number
    return session.scalar(select(Version.index_key).where(*other)) == current.index_key
