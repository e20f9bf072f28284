"""Finds photos of a mosaic by a part of their names."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.rules.kept_placements import Kept, Lying
from models.tables import Tile

MOST_PHOTOS = 20
MOST_PLACES = 10
"""What is told at once: of photos, and of the places of each."""
READ_AT_ONCE = 500


class Found(NamedTuple):
    """A photo, and where it lies."""

    name: str
    content: str
    lying: Lying


class Answer(NamedTuple):
    """The first photos by name, and whether there are more."""

    photos: Sequence[Found]
    more: bool


def by_name(session: Session, tile_set_id: UUID, kept: Kept, part: str) -> Answer:
    """Return the photos that lie in a placement and have a name with `part` in it, by name.

    SQLite tells capital letters from small ones only where they are not of A to Z.
    """
    query = select(Tile.name, Tile.content).where(
        Tile.tile_set_id == tile_set_id, Tile.name.icontains(part, autoescape=True)
    )
    rows = session.execute(query.order_by(Tile.name, Tile.id).execution_options(yield_per=READ_AT_ONCE))
    there, named = {*kept.contents}, list[tuple[str, str]]()
    for name, content in rows:
        if content in there:
            named.append((name, content))
        if len(named) > MOST_PHOTOS:
            break
    rows.close()
    lying = kept.lying([content for _, content in named[:MOST_PHOTOS]], MOST_PLACES)
    return Answer(
        [Found(name, content, lying[content]) for name, content in named[:MOST_PHOTOS]], len(named) > MOST_PHOTOS
    )
