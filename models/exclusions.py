"""Exclusions: photos that are in a tile set's index but in no mosaic, from one version to another.

A person banned or removed the photo, or it is nearly the same as another photo, which stands for it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from models.rules import skip_reasons
from models.rules.tile_set_words import ExclusionReason
from models.tables import Exclusion, RemovedTile, SkippedPhoto, Tile, TileSet

ROWS_AT_ONCE = 1_000
"""Content hashes in one statement."""


def in_force(tile_set_id: UUID) -> Sequence[ColumnElement[bool]]:
    """Return the conditions on exclusions that apply to mosaics that are ordered now."""
    return Exclusion.tile_set_id == tile_set_id, Exclusion.until.is_(None)


def left_out(reason: ExclusionReason) -> ColumnElement[bool]:
    """Return the condition that a tile is excluded now, for a reason."""
    return exists().where(
        Exclusion.tile_set_id == Tile.tile_set_id,
        Exclusion.content == Tile.content,
        Exclusion.until.is_(None),
        Exclusion.reason == reason,
    )


def excluded(session: Session, tile_set_id: UUID, version: int | None = None) -> set[str]:
    """Return the content hashes that a version excludes; the newest version if none is given."""
    query = select(Exclusion.content).where(Exclusion.tile_set_id == tile_set_id)
    if version is None:
        return set(session.scalars(query.where(Exclusion.until.is_(None))))
    lasts = Exclusion.until.is_(None) | (Exclusion.until > version)
    return set(session.scalars(query.where(Exclusion.since <= version, lasts)))


def reasons(session: Session, tile_set_id: UUID) -> dict[str, ExclusionReason]:
    """Return why each photo that is excluded now is, by content hash."""
    query = select(Exclusion.content, Exclusion.reason).where(*in_force(tile_set_id))
    return dict(session.execute(query).all())


def in_force_for(session: Session, tile_set_id: UUID, reason: ExclusionReason) -> set[str]:
    """Return the content hashes that are excluded now for a reason."""
    return set(session.scalars(select(Exclusion.content).where(*in_force(tile_set_id), Exclusion.reason == reason)))


def removed(session: Session, tile_set_id: UUID) -> set[str]:
    """Return the content hashes that the next index need not have: deleted for good, and not sent again."""
    held = select(Tile.content).where(Tile.tile_set_id == tile_set_id)
    query = select(Exclusion.content).where(*in_force(tile_set_id), Exclusion.content.not_in(held))
    return set(session.scalars(query)) - in_trash(session, tile_set_id)


def in_trash(session: Session, tile_set_id: UUID) -> set[str]:
    """Return the content hashes of photos that are in the trash, from which they may come back."""
    return set(session.scalars(select(RemovedTile.content).where(RemovedTile.tile_set_id == tile_set_id)))


def set_aside(session: Session, tile_set_id: UUID, alike: Mapping[str, str], number: int) -> None:
    """Exclude near-duplicates from a version on, with a line in the report, and include those that no longer are any.

    A photo that was banned or removed meanwhile does not stand for others.

    Args:
        session: A transaction.
        tile_set_id: The tile set.
        alike: Near-duplicates, each with the photo that stands for it, by content hash.
        number: The version.
    """
    near = Exclusion.reason == ExclusionReason.NEAR_DUPLICATE
    aside = select(Exclusion.content, Exclusion.stand_in).where(*in_force(tile_set_id), near)
    before = dict(session.execute(aside).all())
    out = set(session.scalars(select(Exclusion.content).where(*in_force(tile_set_id), ~near)))
    wanted = {content: other for content, other in alike.items() if content not in out and other not in out}
    use_again(session, tile_set_id, [content for content in before if before[content] != wanted.get(content)], number)
    new = {content: other for content, other in wanted.items() if before.get(content) != other}
    names = _names(session, tile_set_id, {*new, *new.values()})
    for content, other in sorted(new.items()):
        sentence = skip_reasons.nearly_same_as(names[other])
        session.add_all(
            [
                Exclusion(
                    tile_set_id=tile_set_id,
                    content=content,
                    reason=ExclusionReason.NEAR_DUPLICATE,
                    stand_in=other,
                    since=number,
                ),
                SkippedPhoto(
                    tile_set_id=tile_set_id,
                    name=names[content],
                    code=ExclusionReason.NEAR_DUPLICATE,
                    sentence=sentence,
                    content=content,
                ),
            ]
        )
    _count_lines(session, tile_set_id, len(new))
    session.flush()


def use_again(session: Session, tile_set_id: UUID, contents: Sequence[str], number: int) -> None:
    """End the exclusion of near-duplicates from a version on, and delete their lines from the report."""
    for some in _chunks(contents):
        near = Exclusion.reason == ExclusionReason.NEAR_DUPLICATE, Exclusion.content.in_(some)
        session.execute(update(Exclusion).where(*in_force(tile_set_id), *near).values(until=number))
        of_set = SkippedPhoto.tile_set_id == tile_set_id
        session.execute(delete(SkippedPhoto).where(of_set, SkippedPhoto.content.in_(some)))
    _count_lines(session, tile_set_id, -len(contents))


def _count_lines(session: Session, tile_set_id: UUID, more: int) -> None:
    session.execute(
        update(TileSet).where(TileSet.id == tile_set_id).values(skipped_count=TileSet.skipped_count + more)
    )


def _names(session: Session, tile_set_id: UUID, contents: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in _chunks(sorted(contents)):
        held = select(Tile.content, Tile.name).where(Tile.tile_set_id == tile_set_id, Tile.content.in_(some))
        found |= dict(session.execute(held).all())
    return found


def _chunks(contents: Sequence[str]) -> Iterator[Sequence[str]]:
    return (contents[first : first + ROWS_AT_ONCE] for first in range(0, len(contents), ROWS_AT_ONCE))
