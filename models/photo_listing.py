"""The photos of a tile set: searched by name, filtered, in one of several orders, a page at a time.

A page begins where the one before ended, by what the photos are in order of and then by their ids, so that nothing is
shown twice or left out while photos come and go.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, and_, cast, false, func, or_, select, true
from sqlalchemy.orm import Session

from models import database
from models.errors import InvalidOrder, NotFound
from models.exclusions import left_out
from models.queries import PAGE_LENGTH
from models.rules.tile_set_words import ExclusionReason
from models.tables import RemovedTile, Tile

Photo = Tile | RemovedTile
Key = Callable[[type[Photo]], Any]
"""Returns the column of a table, or what is computed of columns, that its rows are in order of."""
LARGEST_KEY = 2**62


class PhotoSort(StrEnum):
    """In which order photos are shown."""

    ADDED = "added"
    NEWEST = "newest"
    NAME = "name"
    LARGEST = "largest"
    SMALLEST = "smallest"
    COLOUR = "colour"
    LIGHTEST = "lightest"
    DARKEST = "darkest"
    MOST_USED = "most-used"
    LEAST_USED = "least-used"


class PhotoFilter(StrEnum):
    """Which photos are shown."""

    ALL = "all"
    USED = "used"
    UNUSED = "unused"
    BANNED = "banned"
    REMOVED = "removed"


class Order(NamedTuple):
    """What photos are in order of. Where it is not known of a photo, the photo is last."""

    key: Key
    falling: bool = False


def _known(name: str, last: float) -> Key:
    return lambda table: func.coalesce(getattr(table, name), last)


def _pixels(last: int) -> Key:
    return lambda table: func.coalesce(cast(table.width, BigInteger) * table.height, last)


ORDERS = {
    PhotoSort.ADDED: Order(lambda table: table.id),
    PhotoSort.NEWEST: Order(lambda table: table.id, falling=True),
    PhotoSort.NAME: Order(lambda table: func.lower(table.name)),
    PhotoSort.LARGEST: Order(_pixels(-1), falling=True),
    PhotoSort.SMALLEST: Order(_pixels(LARGEST_KEY)),
    PhotoSort.COLOUR: Order(_known("colour", 1_000.0)),
    PhotoSort.LIGHTEST: Order(_known("lightness", -1.0), falling=True),
    PhotoSort.DARKEST: Order(_known("lightness", 2.0)),
    PhotoSort.MOST_USED: Order(lambda table: table.uses, falling=True),
    PhotoSort.LEAST_USED: Order(lambda table: table.uses),
}


@dataclass(frozen=True)
class Cursor:
    """The last photo of a page: where the next one begins. As a text it is opaque."""

    key: str | float
    id: int

    def __str__(self) -> str:
        return urlsafe_b64encode(json.dumps([self.key, self.id]).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Return the cursor that a text stands for.

        Raises:
            InvalidOrder: none does.
        """
        try:
            key, identity = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            str(key).encode()
        except (ValueError, TypeError, RecursionError):
            key, identity = None, None
        plain = "\0" not in key if isinstance(key, str) else _is_number(key) and abs(key) <= LARGEST_KEY
        if not plain or not _is_number(identity) or not 0 <= identity <= database.LAST_ID:
            raise InvalidOrder("after", "This page cannot be found; begin with the first, without “after”.")
        return cls(key, identity)


@dataclass(frozen=True)
class Wanted:
    """Which photos to show.

    Attributes:
        sort: In which order.
        show: Which of them.
        name: A part of the name, in small or capital letters (where SQLite holds the rows, for A to Z).
        after: The last photo of the page before.
        limit: How many at most.
        arriving: Whether to show those, too, that are in no version yet.
    """

    sort: PhotoSort = PhotoSort.ADDED
    show: PhotoFilter = PhotoFilter.ALL
    name: str | None = None
    after: Cursor | None = None
    limit: int = PAGE_LENGTH
    arriving: bool = False


FIRST = Wanted()


class Listed(NamedTuple):
    """A photo, whether it is banned, and its place in the order."""

    tile: Photo
    banned: bool
    at: Cursor


@dataclass(frozen=True)
class Page:
    """Some photos, and where those after them begin; None after the last."""

    rows: Sequence[Listed]
    following: Cursor | None


def page(session: Session, tile_set_id: UUID, wanted: Wanted = FIRST) -> Page:
    """Return a page of the photos of a tile set; the first one, in the order of adding, if nothing is said.

    Raises:
        InvalidOrder: the page before was in another order.
    """
    found = _rows(session, tile_set_id, replace(wanted, limit=wanted.limit + 1))
    rows = found[: wanted.limit]
    return Page(rows, rows[-1].at if len(found) > wanted.limit else None)


def beside(session: Session, tile_set_id: UUID, wanted: Wanted, content: str) -> tuple[str | None, str | None]:
    """Return the photos before and after one, by content hash; None where there is none."""
    table = _table(wanted)
    key = ORDERS[wanted.sort].key(table)
    at = session.execute(
        select(key, table.id).where(table.tile_set_id == tile_set_id, table.content == content)
    ).first()
    if at is None:
        return None, None
    one = replace(wanted, after=Cursor(*at), limit=1)
    before, after = (_rows(session, tile_set_id, one, back=back) for back in (True, False))
    return before[0].tile.content if before else None, after[0].tile.content if after else None


def find(session: Session, tile_set_id: UUID, content: str) -> Photo:
    """Return a photo of a set to show it in small: one that is in no version yet, or in the trash, too.

    Raises:
        NotFound: there is none.
    """
    for table in (Tile, RemovedTile):
        of_set = select(table).where(table.tile_set_id == tile_set_id, table.content == content)
        found = session.scalars(of_set).one_or_none()
        if isinstance(found, Photo):
            return found
    raise NotFound("There is no such photo in this tile set.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _table(wanted: Wanted) -> type[Photo]:
    return RemovedTile if wanted.show is PhotoFilter.REMOVED else Tile


def _rows(session: Session, tile_set_id: UUID, wanted: Wanted, *, back: bool = False) -> list[Listed]:
    """Return the photos after one in the order, or before it, the nearest first."""
    table, order = _table(wanted), ORDERS[wanted.sort]
    key, falling = order.key(table), order.falling != back
    banned = false() if table is RemovedTile else left_out(ExclusionReason.BANNED)
    query: Any = select(table, banned, key).where(table.tile_set_id == tile_set_id)
    query = _filtered(query, table, wanted)
    if wanted.after is not None:
        at, identity = wanted.after.key, wanted.after.id
        if isinstance(at, str) is not (wanted.sort is PhotoSort.NAME):
            raise InvalidOrder(
                "after", "The page before was in another order; begin with the first, without “after”."
            )
        beyond, later = (key < at, table.id < identity) if falling else (key > at, table.id > identity)
        query = query.where(or_(beyond, and_(key == at, later)))
    ordered = query.order_by(key.desc(), table.id.desc()) if falling else query.order_by(key, table.id)
    found = session.execute(ordered.limit(wanted.limit))
    return [Listed(tile, bool(out), Cursor(at, tile.id)) for tile, out, at in found]


def _filtered(query: Any, table: type[Photo], wanted: Wanted) -> Any:
    """Return a query of a table for the photos that are wanted."""
    if wanted.name:
        query = query.where(table.name.icontains(wanted.name, autoescape=True))
    if table is RemovedTile:
        return query
    query = query.where(
        ~left_out(ExclusionReason.NEAR_DUPLICATE), true() if wanted.arriving else table.since.is_not(None)
    )
    return query.where(
        {
            PhotoFilter.USED: Tile.uses > 0,
            PhotoFilter.UNUSED: Tile.uses == 0,
            PhotoFilter.BANNED: left_out(ExclusionReason.BANNED),
        }.get(wanted.show, true())
    )
