"""Writes the results of a part into the tables: rows of tiles, and report lines for files that are no tiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.errors import UnreadableFile
from models.rules import skip_reasons
from models.rules.names import readable
from models.tables import SkippedPhoto, TileSet
from models.tables import Tile as TileRow
from worker.indexing import colour_overview
from worker.tile_index.index import Skipped, Tile
from worker.tile_sets.sources import Photo


@dataclass(frozen=True)
class Known:
    """A photo that the tile set has already: its content need not be measured again.

    Attributes:
        content: The hash of its file.
        moved: Whether this is now the photo's file; otherwise it is a duplicate.
    """

    content: bytes
    moved: bool


Found = Tile | Known | Skipped


def write(session: Session, tile_set: TileSet, found: Sequence[tuple[Photo, Found]]) -> None:
    """Write the rows of a part: its new tiles, and a line for each file that is no tile."""
    lines = [(each, photo) for photo, each in found if isinstance(each, Skipped)]
    new: dict[str, Photo] = {}
    again: list[tuple[str, Photo]] = []
    for photo, each in found:
        if isinstance(each, Skipped):
            continue
        content = each.content.hex()
        if isinstance(each, Known) and each.moved:
            _refresh(session, tile_set, content, photo)
        elif isinstance(each, Known) or content in new:
            again.append((content, photo))
        else:
            new[content] = photo
    added = _insert(session, tile_set, new, _measures([each for _, each in found if isinstance(each, Tile)]))
    again += [(content, new[content]) for content in new.keys() - added]
    _forget_replaced(session, tile_set, found)
    _report(session, tile_set, [*lines, *_doubles(session, tile_set, again)], [photo for photo, _ in found])


def _measures(tiles: Sequence[Tile]) -> dict[str, dict[str, float]]:
    """Return by content hash what the rows say of the photos' pictures."""
    if not tiles:
        return {}
    colours = np.array([tile.thumb.mean(axis=(0, 1)) for tile in tiles])
    sizes = np.array([tile.size for tile in tiles], np.uint32)
    found = colour_overview.measures(sizes, colours)
    return {tile.content.hex(): each._asdict() for tile, each in zip(tiles, found, strict=True)}


def _insert(
    session: Session, tile_set: TileSet, new: dict[str, Photo], measures: dict[str, dict[str, float]]
) -> set[str]:
    """Write the tiles that no other part and no version has; return their content hashes."""
    if not new:
        return set()
    rows = [
        {
            "tile_set_id": tile_set.id,
            "content": content,
            "name": readable(photo.name),
            "origin": photo.origin,
            "stamp": photo.stamp,
            "linked": photo.linked,
            **measures[content],
        }
        for content, photo in new.items()
    ]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    unless_there = dialect.insert(TileRow).on_conflict_do_nothing(index_elements=["tile_set_id", "content"])
    return set(session.scalars(unless_there.returning(TileRow.content), rows))


def _refresh(session: Session, tile_set: TileSet, content: str, photo: Photo) -> None:
    """Write where in a place a photo lies now, so that next time its stamp shows whether it has changed."""
    session.execute(
        update(TileRow)
        .where(TileRow.tile_set_id == tile_set.id, TileRow.content == content)
        .values(origin=photo.origin, stamp=photo.stamp)
        .execution_options(synchronize_session=False)
    )


def _forget_replaced(session: Session, tile_set: TileSet, found: Sequence[tuple[Photo, Found]]) -> None:
    """Forget the addresses and stamps of photos whose files have changed. Linked ones only lose their stamp.

    `tile_set_versions.publish` drops linked photos without a stamp.
    """
    now: dict[str, bytes | None] = {}
    for photo, each in found:
        # A file that could not be read may be unchanged.
        if photo.origin is not None and not (isinstance(each, Skipped) and each.code == UnreadableFile.code):
            now[photo.origin] = None if isinstance(each, Skipped) else each.content
    if not now:
        return
    lay = select(TileRow.id, TileRow.content, TileRow.origin, TileRow.linked).where(
        TileRow.tile_set_id == tile_set.id, TileRow.origin.in_(now)
    )
    for row, content, origin, linked in session.execute(lay).all():
        if bytes.fromhex(content) != now[origin or ""]:
            session.execute(
                update(TileRow)
                .where(TileRow.id == row)
                .values(stamp=None, origin=origin if linked else None)
                .execution_options(synchronize_session=False)
            )


def _doubles(session: Session, tile_set: TileSet, again: Sequence[tuple[str, Photo]]) -> list[tuple[Skipped, Photo]]:
    """Return a report line for every duplicate of a photo that the set has, unless that was removed just now.

    One that was sent again under its own name gets no line: where a line is cut, a photo can come twice, and who sent
    it once should not read that it became no tile.
    """
    held = select(TileRow.content, TileRow.name).where(
        TileRow.tile_set_id == tile_set.id, TileRow.content.in_({content for content, _ in again})
    )
    names = dict(session.execute(held).all()) if again else {}
    return [
        (Skipped(photo.name, skip_reasons.DUPLICATE, skip_reasons.same_as(names[content])), photo)
        for content, photo in again
        if content in names and (photo.origin is not None or readable(photo.name) != names[content])
    ]


def _report(
    session: Session, tile_set: TileSet, lines: Sequence[tuple[Skipped, Photo]], looked_at: Sequence[Photo]
) -> None:
    """Add lines to a tile set's report, in place of the old ones about the same files of places."""
    origins = [photo.origin for photo in looked_at if photo.origin is not None]
    old = delete(SkippedPhoto).where(SkippedPhoto.tile_set_id == tile_set.id, SkippedPhoto.origin.in_(origins))
    gone = session.scalars(old.returning(SkippedPhoto.id)).all() if origins else []
    session.add_all(
        SkippedPhoto(
            tile_set_id=tile_set.id,
            name=readable(line.name),
            code=line.code,
            sentence=line.sentence,
            origin=photo.origin,
            stamp=photo.stamp,
        )
        for line, photo in lines
    )
    session.execute(
        update(TileSet)
        .where(TileSet.id == tile_set.id)
        .values(skipped_count=TileSet.skipped_count + len(lines) - len(gone))
        .execution_options(synchronize_session=False)
    )
