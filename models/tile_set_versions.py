"""Changes of a tile set: each one that affects mosaics makes a new version, and old versions never change.

A version names an index and the photos in it that are excluded. So banning one photo of a hundred thousand writes two
rows, and a mosaic that was ordered before is still made from the version that it was ordered from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from models import jobs, photo_changes, photo_measures
from models.errors import InvalidOrder, NotFound
from models.exclusions import excluded, in_force, set_aside
from models.photo_changes import PhotoChange
from models.photo_measures import Measures
from models.queries import find_tile_set
from models.rules.names import readable
from models.rules.tile_set_words import ExclusionReason
from models.tables import CHANGE_LENGTH, Exclusion, Part, RemovedTile, Source, Tile, TileSet, Version


@dataclass(frozen=True)
class Indexed:
    """What an attempt at indexing made.

    Attributes:
        index_key: Key of the index.
        plot_key: Key of the plot of its colours.
        palette_key: Key of the strip of its colours.
        photo_count: How many photos the index has.
        left_out: Content hashes of photos that were removed from the index.
        alike: Near-duplicates in the index that are to be excluded, each with the photo that stands for it.
        change: What is new, in a few words.
        lacks: What the photos lack, in sentences.
        measures: What is known of the pictures of photos whose rows do not say it, by content hash.
    """

    index_key: str
    plot_key: str
    palette_key: str
    photo_count: int
    left_out: frozenset[str]
    alike: Mapping[str, str]
    change: str
    lacks: Sequence[str] | None = None
    measures: Mapping[str, Measures] = field(default_factory=dict)


def rename(session: Session, tile_set_id: UUID, name: str) -> None:
    """Give a tile set another name.

    Raises:
        NotFound: there is none.
        InvalidOrder: the name is empty.
    """
    if not name.strip():
        raise InvalidOrder("name", "A tile set needs a name.")
    find_tile_set(session, tile_set_id).name = readable(name)


def drop(session: Session, tile_set_id: UUID, now: datetime) -> None:
    """Move a tile set to the trash. Mosaics that were ordered from it are still made, and finished ones stay.

    Raises:
        NotFound: there is none, or it is there already.
    """
    found = find_tile_set(session, tile_set_id)
    jobs.cancel(session, [found.job_id], now)
    into = update(TileSet).where(TileSet.id == tile_set_id, TileSet.deleted_at.is_(None)).values(deleted_at=now)
    session.execute(into)


def ban(session: Session, tile_set_id: UUID, content: str, now: datetime) -> None:
    """Ban a photo from mosaics that are ordered from now on; it stays in the set.

    Raises:
        NotFound: there is no such photo.
        NotReady: the set is not indexed.
        LastTile: no photo that mosaics can use would be left.
    """
    _change(session, tile_set_id, PhotoChange.BAN, content, now)


def allow(session: Session, tile_set_id: UUID, content: str, now: datetime) -> None:
    """End the ban of a photo; nothing happens if it was not banned.

    Raises:
        NotFound: there is no such photo.
        NotReady: the set is not indexed.
    """
    _change(session, tile_set_id, PhotoChange.ALLOW, content, now)


def remove(session: Session, tile_set_id: UUID, content: str, now: datetime) -> None:
    """Move a photo of a set to the trash; mosaics that were ordered before still use it.

    Raises:
        NotFound: there is no such photo.
        NotReady: the set is not indexed.
        LastTile: no photo that mosaics can use would be left.
    """
    _change(session, tile_set_id, PhotoChange.REMOVE, content, now)


def _change(session: Session, tile_set_id: UUID, change: PhotoChange, content: str, now: datetime) -> None:
    if photo_changes.make(session, tile_set_id, change, [content], now).missing:
        raise NotFound("There is no such photo in this tile set.")


def links(session: Session, tile_set_id: UUID) -> dict[str, str]:
    """Return the addresses of linked photos, which are not stored, by content hash; removed ones are included."""
    held = select(Tile.content, Tile.origin).where(Tile.tile_set_id == tile_set_id, Tile.linked)
    stored = select(Tile.content).where(Tile.tile_set_id == tile_set_id, ~Tile.linked)
    gone = select(Exclusion.content, Exclusion.link).where(
        Exclusion.tile_set_id == tile_set_id, Exclusion.link.is_not(None), Exclusion.content.not_in(stored)
    )
    return {content: link or "" for content, link in [*session.execute(gone), *session.execute(held)]}


def publish(session: Session, tile_set_id: UUID, made: Indexed, now: datetime) -> int:
    """Make an index the newest version, delete the sources and parts that it was made from, and return its number."""
    tile_set = session.scalars(select(TileSet).where(TileSet.id == tile_set_id).with_for_update(of=TileSet)).one()
    number = _next(session, tile_set_id)
    # If a removed photo was sent again, somebody wants it back.
    there = select(Tile.content).where(Tile.tile_set_id == tile_set_id)
    session.execute(
        update(Exclusion)
        .where(
            *in_force(tile_set_id),
            Exclusion.reason.in_([ExclusionReason.REMOVED, ExclusionReason.REPLACED]),
            Exclusion.content.in_(there),
        )
        .values(until=number)
    )
    session.execute(delete(RemovedTile).where(RemovedTile.tile_set_id == tile_set_id, RemovedTile.content.in_(there)))
    photo_measures.write(session, tile_set_id, made.measures)
    _drop_replaced(session, tile_set_id, number)
    session.execute(update(Tile).where(Tile.tile_set_id == tile_set_id, Tile.since.is_(None)).values(since=number))
    settle(session, tile_set_id)
    set_aside(session, tile_set_id, made.alike, number)
    session.add(
        Version(
            tile_set_id=tile_set_id,
            number=number,
            created_at=now,
            change=made.change[:CHANGE_LENGTH],
            index_key=made.index_key,
            plot_key=made.plot_key,
            palette_key=made.palette_key,
            tile_count=made.photo_count - len(excluded(session, tile_set_id) - made.left_out),
            lacks=None if made.lacks is None else list(made.lacks),
        )
    )
    tile_set.version = number
    return number


def replaced(session: Session, tile_set_id: UUID) -> set[str]:
    """Return the content hashes of linked photos whose files have changed."""
    return set(session.scalars(select(Tile.content).where(*_replaced(tile_set_id))))


def _replaced(tile_set_id: UUID) -> Sequence[ColumnElement[bool]]:
    return Tile.tile_set_id == tile_set_id, Tile.linked.is_(True), Tile.since.is_not(None), Tile.stamp.is_(None)


def _drop_replaced(session: Session, tile_set_id: UUID, number: int) -> None:
    """Remove linked photos whose files have changed."""
    gone = session.scalars(
        delete(Tile)
        .where(*_replaced(tile_set_id))
        .returning(Tile.content)
        .execution_options(synchronize_session=False)
    ).all()
    session.add_all(
        Exclusion(tile_set_id=tile_set_id, content=content, reason=ExclusionReason.REPLACED, since=number)
        for content in gone
    )
    session.flush()


def settle(session: Session, tile_set_id: UUID) -> None:
    """Delete the planned sources and the parts of a tile set, once they are indexed."""
    session.execute(delete(Part).where(Part.tile_set_id == tile_set_id))
    session.execute(delete(Source).where(Source.tile_set_id == tile_set_id, Source.planned.is_(True)))


def _next(session: Session, tile_set_id: UUID) -> int:
    return (session.scalar(select(func.max(Version.number)).where(Version.tile_set_id == tile_set_id)) or 0) + 1
