"""Changes of some photos of a tile set at once: all of them make one version, which can be undone as a whole.

What was changed is read from the exclusions that a version began or ended, so nothing else is kept for undoing it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models import next_version
from models.errors import InvalidOrder, LastTile
from models.exclusions import excluded, in_force, left_out, set_aside, use_again
from models.queries import find_version
from models.rules.tile_set_words import ExclusionReason
from models.tables import Exclusion, RemovedTile, Tile, Version

MOST_AT_ONCE = 800
"""Photos in one change: as many content hashes as a form of 64 KiB holds, and one statement takes."""
IN_TRASH = [column for column in RemovedTile.__table__.columns if column.name not in {"id", "removed_at"}]
IN_SET = [Tile.__table__.columns[column.name] for column in IN_TRASH]
"""What is kept of a photo in the trash."""
Row = dict[str, Any]


class PhotoChange(StrEnum):
    """What can be done with photos."""

    BAN = "ban"
    ALLOW = "allow"
    REMOVE = "remove"
    RESTORE = "restore"


@dataclass(frozen=True)
class Changed:
    """What a change did: the newest version now, the photos that changed, and those that are not there."""

    version: int
    changed: frozenset[str]
    missing: frozenset[str]


def make(session: Session, tile_set_id: UUID, change: PhotoChange, contents: Sequence[str], now: datetime) -> Changed:
    """Change photos of a set for mosaics that are ordered from now on; one that is so already stays as it is.

    Raises:
        NotFound: there is no such set.
        NotReady: the set is not indexed.
        LastTile: no photo that mosaics can use would be left.
        InvalidOrder: there are too many photos, or none.
    """
    wanted = frozenset(contents)
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise InvalidOrder("contents", f"Choose from 1 to {MOST_AT_ONCE:,} photos at once, not {len(wanted):,}.")
    return CHANGES[change](session, next_version.hold(session, tile_set_id), wanted, now)


def of_version(session: Session, version: Version) -> tuple[PhotoChange, frozenset[str]] | None:
    """Return what a version changed of photos, and of which ones that still holds; None if it was made otherwise."""
    if not next_version.has_index_of(session, version, version.number - 1):
        return None
    of_set = Exclusion.tile_set_id == version.tile_set_id
    begun = of_set & (Exclusion.since == version.number) & Exclusion.until.is_(None)
    ended = of_set & (Exclusion.until == version.number)
    for change, which, reason in (
        (PhotoChange.REMOVE, begun, ExclusionReason.REMOVED),
        (PhotoChange.BAN, begun, ExclusionReason.BANNED),
        (PhotoChange.RESTORE, ended, ExclusionReason.REMOVED),
        (PhotoChange.ALLOW, ended, ExclusionReason.BANNED),
    ):
        contents = session.scalars(select(Exclusion.content).where(which, Exclusion.reason == reason)).all()
        if contents:
            return change, frozenset(contents)
    return None


def undo(session: Session, tile_set_id: UUID, number: int, now: datetime) -> Changed:
    """Undo what a version changed of photos, as a new version, as far as it still holds.

    Raises:
        NotFound: there is no such set, or no such version.
        NotReady: the set is not indexed.
        LastTile: no photo that mosaics can use would be left.
    """
    current = next_version.hold(session, tile_set_id)
    found = of_version(session, find_version(session, tile_set_id, number))
    if found is None:
        return Changed(current.number, frozenset(), frozenset())
    change, contents = found
    return CHANGES[UNDONE_BY[change]](session, current, contents, now)


def _ban(session: Session, current: Version, contents: frozenset[str], now: datetime) -> Changed:
    held = _held(session, current, contents)
    banned = select(Exclusion.content).where(*in_force(current.tile_set_id), Exclusion.content.in_(held))
    fresh = {content: held[content] for content in held.keys() - session.scalars(banned).all()}
    number = _exclude(session, current, fresh, ExclusionReason.BANNED, now)
    return Changed(number, frozenset(fresh), contents - held.keys())


def _remove(session: Session, current: Version, contents: frozenset[str], now: datetime) -> Changed:
    held = _held(session, current, contents)
    number = _exclude(session, current, held, ExclusionReason.REMOVED, now)
    gone = delete(Tile).where(Tile.tile_set_id == current.tile_set_id, Tile.content.in_(held))
    rows = session.execute(gone.returning(*IN_SET).execution_options(synchronize_session=False)).mappings()
    session.add_all([RemovedTile(removed_at=now, **row) for row in rows.all()])
    return Changed(number, frozenset(held), contents - held.keys())


def _allow(session: Session, current: Version, contents: frozenset[str], now: datetime) -> Changed:
    held = _held(session, current, contents)
    ended = _end(session, current, held, ExclusionReason.BANNED)
    names = [held[content]["name"] for content in ended]
    number = _said(session, current, now, names, ("is used again", "are used again"), current.tile_count + len(ended))
    return Changed(number, frozenset(ended), contents - held.keys())


def _restore(session: Session, current: Version, contents: frozenset[str], now: datetime) -> Changed:
    """Take photos out of the trash, and exclude again what was used instead of them."""
    out = excluded(session, current.tile_set_id)
    in_trash = RemovedTile.tile_set_id == current.tile_set_id, RemovedTile.content.in_(contents)
    taken = delete(RemovedTile).where(*in_trash).returning(*IN_TRASH).execution_options(synchronize_session=False)
    back = {row["content"]: dict(row) for row in session.execute(taken).mappings()}
    for row in back.values():
        _make_tile(session, row)
    _set_aside_again(session, current, _end(session, current, back, ExclusionReason.REMOVED))
    count = current.tile_count + len(out) - len(excluded(session, current.tile_set_id))
    names = [row["name"] for row in back.values()]
    number = _said(session, current, now, names, ("was taken back", "were taken back"), count)
    there = _held(session, current, contents - back.keys())
    return Changed(number, frozenset(back), contents - back.keys() - there.keys())


CHANGES: dict[PhotoChange, Callable[[Session, Version, frozenset[str], datetime], Changed]] = {
    PhotoChange.BAN: _ban,
    PhotoChange.ALLOW: _allow,
    PhotoChange.REMOVE: _remove,
    PhotoChange.RESTORE: _restore,
}
UNDONE_BY = {
    PhotoChange.BAN: PhotoChange.ALLOW,
    PhotoChange.ALLOW: PhotoChange.BAN,
    PhotoChange.REMOVE: PhotoChange.RESTORE,
    PhotoChange.RESTORE: PhotoChange.REMOVE,
}


def _held(session: Session, current: Version, contents: Collection[str]) -> dict[str, Row]:
    """Return those of the photos that the set holds, and that no other stands for, by content hash."""
    held = select(*IN_SET).where(
        Tile.tile_set_id == current.tile_set_id,
        Tile.content.in_(contents),
        Tile.since.is_not(None),
        ~left_out(ExclusionReason.NEAR_DUPLICATE),
    )
    return {row["content"]: dict(row) for row in session.execute(held).mappings()}


def _exclude(
    session: Session, current: Version, photos: dict[str, Row], reason: ExclusionReason, now: datetime
) -> int:
    """Exclude photos from the next version on, and include those that they stood for; return its number."""
    here = in_force(current.tile_set_id)
    already = session.scalars(select(Exclusion.id).where(*here, Exclusion.content.in_(photos))).all()
    stood_for = session.scalars(select(Exclusion.content).where(*here, Exclusion.stand_in.in_(photos))).all()
    count = current.tile_count - (len(photos) - len(already)) + len(stood_for)
    names = [photo["name"] for photo in photos.values()]
    if not count:
        are = f"“{names[0]}” is the last photo" if len(names) == 1 else "These are the last photos"
        raise LastTile(
            f"{are} of this set that {'is' if len(names) == 1 else 'are'} used; delete the set, or add others first."
        )
    session.add_all(
        Exclusion(
            tile_set_id=current.tile_set_id,
            content=content,
            reason=reason,
            link=photo["origin"] if photo["linked"] else None,
            since=current.number + 1,
        )
        for content, photo in photos.items()
    )
    use_again(session, current.tile_set_id, stood_for, current.number + 1)
    stood = "it" if len(names) == 1 else "they"
    instead = f"; used instead: {len(stood_for):,} that {stood} stood for" if stood_for else ""
    words = (f"was {reason.value}{instead}", f"were {reason.value}{instead}")
    return _said(session, current, now, names, words, count)


def _end(session: Session, current: Version, contents: Collection[str], reason: ExclusionReason) -> dict[str, int]:
    """End exclusions with the next version; return from which version on each photo was excluded."""
    which = (*in_force(current.tile_set_id), Exclusion.content.in_(contents), Exclusion.reason == reason)
    ended = update(Exclusion).where(*which).values(until=current.number + 1)
    return dict(session.execute(ended.returning(Exclusion.content, Exclusion.since)).all())


def _said(
    session: Session, current: Version, now: datetime, names: Sequence[str], words: tuple[str, str], count: int
) -> int:
    """Add a version in which something is so of one photo, or of many; of none, the current one stays."""
    if not names:
        return current.number
    change = f"“{names[0]}” {words[0]}" if len(names) == 1 else f"{len(names):,} photos {words[1]}"
    return next_version.add(session, current, now, change, count)


def _make_tile(session: Session, row: Row) -> None:
    """Write a photo's row again; if the same photo was sent meanwhile and is being indexed, update its row."""
    again = Tile.tile_set_id == row["tile_set_id"], Tile.content == row["content"]
    if session.scalar(update(Tile).where(*again).values(**row).returning(Tile.id)) is None:
        session.add(Tile(**row))
        session.flush()


def _set_aside_again(session: Session, current: Version, removed_at: dict[str, int]) -> None:
    """Exclude again the near-duplicates that were included when photos that stood for them were removed.

    If the index was made anew meanwhile, that chose among them already.
    """
    same = {at for at in set(removed_at.values()) if next_version.has_index_of(session, current, at)}
    near = Exclusion.tile_set_id == current.tile_set_id, Exclusion.reason == ExclusionReason.NEAR_DUPLICATE
    pairs = select(Exclusion.content, Exclusion.stand_in, Exclusion.until).where(*near)
    alike = {one: other for one, other, until in session.execute(pairs.where(Exclusion.until.is_(None))) if other}
    alike |= {
        one: other
        for one, other, until in session.execute(pairs.where(Exclusion.stand_in.in_(removed_at)))
        if other and until == removed_at[other] and until in same
    }
    if same:
        set_aside(session, current.tile_set_id, alike, current.number + 1)
