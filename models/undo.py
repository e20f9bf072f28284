"""The trash for people: removed photos and deleted tile sets, which can be taken back until they are purged.

That of mosaics and batches is in `keeping`; all are purged together.

One guarded statement decides whether something is taken back or purged, so it is never both. What is in the trash
keeps its blobs; the blobs of what was purged are garbage.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session, joinedload

from models import database, keeping, photo_changes
from models.errors import InvalidOrder, NotFound
from models.photo_changes import PhotoChange
from models.queries import PAGE_LENGTH, find_tile_set
from models.rules.lifecycle import JobState
from models.rules.names import readable
from models.tables import Exclusion, Job, Mosaic, Part, RemovedTile, SkippedPhoto, Source, Tile, TileSet

LATELY = timedelta(minutes=10)
"""How long a page shows what was removed from it, and offers to take it back."""
IN_TRASH = TileSet.deleted_at.is_not(None) & TileSet.purged_at.is_(None)


def tile_sets(session: Session, since: datetime | None = None) -> Sequence[TileSet]:
    """Return the tile sets in the trash, the last deleted first; with a time, only those deleted since then."""
    query = select(TileSet).where(IN_TRASH).order_by(TileSet.deleted_at.desc())
    return session.scalars(query if since is None else query.where(TileSet.deleted_at >= since)).all()


def photos(session: Session, before: int = database.LAST_ID, most: int = PAGE_LENGTH) -> Sequence[RemovedTile]:
    """Return the photos in the trash, the last removed first, before a row's id; without those of deleted sets."""
    query = (
        select(RemovedTile).join(RemovedTile.tile_set).where(TileSet.deleted_at.is_(None), RemovedTile.id < before)
    )
    query = query.options(joinedload(RemovedTile.tile_set)).order_by(RemovedTile.id.desc())
    return session.scalars(query.limit(most)).all()


def find_set(session: Session, tile_set_id: UUID) -> TileSet:
    """Return a tile set that is in the trash.

    Raises:
        NotFound: there is none in it.
    """
    found = session.scalars(select(TileSet).where(TileSet.id == tile_set_id, IN_TRASH)).one_or_none()
    if found is None:
        raise NotFound("There is no such tile set in the trash.")
    return found


def find_named(session: Session, name: str) -> TileSet:
    """Return the tile set in the trash with an id, or with a name.

    Raises:
        NotFound: there is none.
        InvalidOrder: several have this name.
    """
    found = [each for each in tile_sets(session) if name.lower() == str(each.id) or each.name == readable(name)]
    if not found:
        raise NotFound(f"There is no tile set called “{name}” in the trash.")
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise InvalidOrder(
            "name", f"{len(found)} tile sets called “{name}” are in the trash; say which by its id: {ids}."
        )
    return found[0]


def find_photo(session: Session, tile_set_id: UUID, content: str) -> RemovedTile:
    """Return a photo that is in the trash.

    Raises:
        NotFound: there is none, or its set is deleted.
    """
    find_tile_set(session, tile_set_id)
    of_set = RemovedTile.tile_set_id == tile_set_id, RemovedTile.content == content
    query = select(RemovedTile).where(*of_set).options(joinedload(RemovedTile.tile_set))
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("There is no such photo of this tile set in the trash.")
    return found


def restore_set(session: Session, tile_set_id: UUID) -> None:
    """Take a tile set out of the trash; nothing happens to one that is not in it.

    Raises:
        NotFound: there is none, or it is gone for good.
    """
    session.execute(update(TileSet).where(TileSet.id == tile_set_id, IN_TRASH).values(deleted_at=None))
    find_tile_set(session, tile_set_id)


def restore_photo(session: Session, tile_set_id: UUID, content: str, now: datetime) -> None:
    """Take a photo out of the trash, and exclude again what was used instead; nothing happens to one not in it.

    Raises:
        NotFound: there is none, it is gone for good, or its set is deleted.
        NotReady: the set is not indexed.
    """
    if photo_changes.make(session, tile_set_id, PhotoChange.RESTORE, [content], now).missing:
        raise NotFound("There is no such photo in this tile set.")


def purge_set(session: Session, tile_set_id: UUID, now: datetime) -> None:
    """Delete a tile set in the trash for good.

    Raises:
        NotFound: there is none in it.
    """
    if not _purge_sets(session, now, TileSet.id == tile_set_id):
        raise NotFound("There is no such tile set in the trash.")


def purge_photo(session: Session, tile_set_id: UUID, content: str) -> None:
    """Delete a photo in the trash for good.

    Raises:
        NotFound: there is none in it, or its set is deleted.
    """
    session.delete(find_photo(session, tile_set_id, content))


def purge(session: Session, now: datetime, span: timedelta) -> int:
    """Delete for good what has been in the trash for at least `span`; return how many things."""
    old = RemovedTile.removed_at <= now - span
    gone = session.scalars(delete(RemovedTile).where(old).returning(RemovedTile.id)).all()
    orders = keeping.purge_old(session, now, span)
    return _purge_sets(session, now, TileSet.deleted_at <= now - span) + len(gone) + orders


def empty(session: Session, now: datetime) -> int:
    """Delete everything in the trash for good; return how many things."""
    return purge(session, now, timedelta(0))


def clear_purged(session: Session) -> None:
    """Delete the rows of purged sets: sources and parts at once, photos once no mosaic waits for them."""
    unfinished = (
        exists()
        .where(Mosaic.tile_set_id == TileSet.id, Job.id == Mosaic.job_id)
        .where(Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
    )
    purged = select(TileSet.id).where(TileSet.purged_at.is_not(None))
    for tables, which in (
        ((Part, Source, SkippedPhoto, RemovedTile), purged),
        ((Tile, Exclusion), purged.where(~unfinished)),
    ):
        for table in tables:
            forget = delete(table).where(table.tile_set_id.in_(which))
            session.execute(forget.execution_options(synchronize_session=False))


def days_left(since: datetime, now: datetime, span: timedelta) -> int:
    """Return in how many days, rounded up, something in the trash is deleted for good.

    Example:
        >>> from datetime import UTC
        >>> day, month = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=30)
        >>> [days_left(day, day + passed, month) for passed in (timedelta(), timedelta(hours=25), 2 * month)]
        [30, 29, 0]
    """
    return max(0, -((now - since - span) // timedelta(days=1)))


def _purge_sets(session: Session, now: datetime, which: ColumnElement[bool]) -> int:
    return len(
        session.scalars(update(TileSet).where(IN_TRASH, which).values(purged_at=now).returning(TileSet.id)).all()
    )
