"""The photos of a tile set that are in no mosaic although its index has them: by rows, from a version on.

Somebody banned or removed them, or they are nearly the same as another photo, which stands for them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from models.rules.orders import ExclusionReason
from models.tables import Exclusion, RemovedTile, SkippedPhoto, Tile, TileSet

ROWS_AT_ONCE = 1_000
"""Contents that one statement names."""


def in_force(tile_set_id: UUID) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for what a tile set leaves out of mosaics that are ordered now."""
    return Exclusion.tile_set_id == tile_set_id, Exclusion.until.is_(None)


def left_out(reason: ExclusionReason) -> ColumnElement[bool]:
    """Whether a tile is left out of mosaics now, for a reason."""
    return exists().where(
        Exclusion.tile_set_id == Tile.tile_set_id,
        Exclusion.content == Tile.content,
        Exclusion.until.is_(None),
        Exclusion.reason == reason,
    )


def excluded(session: Session, tile_set_id: UUID, version: int | None = None) -> set[str]:
    """Return the content hashes that a version leaves out of its index; of the newest if none is named."""
    query = select(Exclusion.content).where(Exclusion.tile_set_id == tile_set_id)
    if version is None:
        return set(session.scalars(query.where(Exclusion.until.is_(None))))
    lasts = Exclusion.until.is_(None) | (Exclusion.until > version)
    return set(session.scalars(query.where(Exclusion.since <= version, lasts)))


def in_force_for(session: Session, tile_set_id: UUID, reason: ExclusionReason) -> set[str]:
    """Return the content hashes that are left out now for a reason."""
    return set(session.scalars(select(Exclusion.content).where(*in_force(tile_set_id), Exclusion.reason == reason)))


def removed(session: Session, tile_set_id: UUID) -> set[str]:
    """Return the content hashes that the next index need not hold: gone for good, and not sent again."""
    held = select(Tile.content).where(Tile.tile_set_id == tile_set_id)
    query = select(Exclusion.content).where(*in_force(tile_set_id), Exclusion.content.not_in(held))
    return set(session.scalars(query)) - in_trash(session, tile_set_id)


def in_trash(session: Session, tile_set_id: UUID) -> set[str]:
    """Return the content hashes of photos that were removed and may come back."""
    return set(session.scalars(select(RemovedTile.content).where(RemovedTile.tile_set_id == tile_set_id)))


def set_aside(session: Session, tile_set_id: UUID, alike: Mapping[str, str], number: int) -> None:
    """Leave near-duplicates out from a version on, with a line in the report; use again those that are none any more.

    What was banned or removed while they were looked for stands for none.
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
        sentence = f"Nearly the same as {names[other]}."
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
    """Leave near-duplicates out no longer from a version on, and take their lines out of the report."""
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
