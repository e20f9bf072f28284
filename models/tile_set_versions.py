"""Changes of a tile set: each one that affects mosaics makes a new version, and old versions never change.

A version names an index and the photos in it that are excluded. So banning one photo of a hundred thousand writes two
rows, and a mosaic that was ordered before is still made from the version that it was ordered from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from models import jobs
from models.errors import InvalidOrder, LastTile, NotFound
from models.exclusions import excluded, in_force, left_out, set_aside, use_again
from models.queries import find_indexed, find_tile_set, find_version
from models.rules.names import readable
from models.rules.orders import ExclusionReason
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
    """

    index_key: str
    plot_key: str
    palette_key: str
    photo_count: int
    left_out: frozenset[str]
    alike: Mapping[str, str]
    change: str


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
    _exclude(session, tile_set_id, content, ExclusionReason.BANNED, now)


def allow(session: Session, tile_set_id: UUID, content: str, now: datetime) -> None:
    """End the ban of a photo; nothing happens if it was not banned.

    Raises:
        NotFound: there is no such photo.
        NotReady: the set is not indexed.
    """
    current, tile = _held(session, tile_set_id, content)
    ended = session.scalars(
        update(Exclusion)
        .where(*in_force(tile_set_id), Exclusion.content == content, Exclusion.reason == ExclusionReason.BANNED)
        .values(until=current.number + 1)
        .returning(Exclusion.id)
    ).all()
    if ended:
        add_version(session, current, now, f"“{tile.name}” is used again", current.tile_count + 1)


def remove(session: Session, tile_set_id: UUID, content: str, now: datetime) -> None:
    """Move a photo of a set to the trash; mosaics that were ordered before still use it.

    Raises:
        NotFound: there is no such photo.
        NotReady: the set is not indexed.
        LastTile: no photo that mosaics can use would be left.
    """
    _exclude(session, tile_set_id, content, ExclusionReason.REMOVED, now)
    gone = delete(Tile).where(Tile.tile_set_id == tile_set_id, Tile.content == content)
    fields = Tile.content, Tile.name, Tile.since, Tile.origin, Tile.stamp, Tile.linked
    tile = session.execute(gone.returning(*fields)).one()
    session.add(RemovedTile(tile_set_id=tile_set_id, removed_at=now, **tile._asdict()))


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


def hold(session: Session, tile_set_id: UUID) -> Version:
    """Lock a tile set until this transaction ends, and return its newest version.

    Raises:
        NotFound: there is no such set.
        NotReady: it is not indexed.
    """
    session.execute(select(TileSet.id).where(TileSet.id == tile_set_id).with_for_update())
    return find_version(session, tile_set_id, find_indexed(session, tile_set_id).version or 0)


def add_version(session: Session, current: Version, now: datetime, change: str, tile_count: int) -> None:
    """Add a version with the same index as the one before."""
    session.add(
        Version(
            tile_set_id=current.tile_set_id,
            number=current.number + 1,
            created_at=now,
            change=change[:CHANGE_LENGTH],
            index_key=current.index_key,
            plot_key=current.plot_key,
            palette_key=current.palette_key,
            tile_count=tile_count,
        )
    )
    session.execute(update(TileSet).where(TileSet.id == current.tile_set_id).values(version=current.number + 1))


def _exclude(session: Session, tile_set_id: UUID, content: str, reason: ExclusionReason, now: datetime) -> None:
    current, tile = _held(session, tile_set_id, content)
    already = session.scalars(
        select(Exclusion.id).where(*in_force(tile_set_id), Exclusion.content == content)
    ).first()
    stood_for = session.scalars(
        select(Exclusion.content).where(*in_force(tile_set_id), Exclusion.stand_in == content)
    ).all()
    count = current.tile_count - (0 if already else 1) + len(stood_for)
    if not count:
        raise LastTile(
            f"“{tile.name}” is the last photo of this set that is used; delete the set, or add others first."
        )
    if already and reason is ExclusionReason.BANNED:
        return
    session.add(
        Exclusion(
            tile_set_id=tile_set_id,
            content=content,
            reason=reason,
            link=tile.origin if tile.linked else None,
            since=current.number + 1,
        )
    )
    use_again(session, tile_set_id, stood_for, current.number + 1)
    instead = f"; used instead: {len(stood_for):,} that it stood for" if stood_for else ""
    add_version(session, current, now, f"“{tile.name}” was {reason.value}{instead}", count)


def _held(session: Session, tile_set_id: UUID, content: str) -> tuple[Version, Tile]:
    """Lock a tile set until this transaction ends; return its newest version and one of its photos."""
    current = hold(session, tile_set_id)
    tile = session.scalars(
        select(Tile).where(
            Tile.tile_set_id == tile_set_id,
            Tile.content == content,
            Tile.since.is_not(None),
            ~left_out(ExclusionReason.NEAR_DUPLICATE),
        )
    ).one_or_none()
    if tile is None:
        raise NotFound("There is no such photo in this tile set.")
    return current, tile


def _next(session: Session, tile_set_id: UUID) -> int:
    return (session.scalar(select(func.max(Version.number)).where(Version.tile_set_id == tile_set_id)) or 0) + 1
