"""Lists of mosaics, batches and tile sets: the newest first, filtered, a page at a time.

A page begins where the one before ended, by time and id, so that nothing is shown twice or left out while new rows
come, and the last page of a million rows is as quick as the first.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from models.errors import InvalidOrder
from models.queries import OF_MOSAIC, PAGE_LENGTH, THERE
from models.rules.lifecycle import JobState
from models.tables import Batch, Job, Mosaic, TileSet

Row = TypeVar("Row")


@dataclass(frozen=True)
class Cursor:
    """The last row of a page: where the next one begins. As a text it is opaque."""

    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        words = [self.created_at.astimezone(UTC).isoformat(), self.id.hex]
        return urlsafe_b64encode(json.dumps(words).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Return the cursor that a text stands for.

        Raises:
            InvalidOrder: none does.
        """
        try:
            when, which = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return cls(datetime.fromisoformat(when).astimezone(UTC), UUID(which))
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InvalidOrder(
                "after", "This page cannot be found; begin with the first, without “after”."
            ) from error


@dataclass(frozen=True)
class Wanted:
    """Which rows to list; what is None does not matter.

    Attributes:
        after: The last row of the page before.
        limit: Rows at most.
        state: Of the job; for a batch, of the job of some of its mosaics.
        tile_set: What a mosaic or batch is made of.
        name: A part of the name, in small or capital letters (where SQLite holds the rows, for A to Z).
        since: The earliest time of the order.
        until: The time before which it was ordered.
    """

    after: Cursor | None = None
    limit: int = PAGE_LENGTH
    state: JobState | None = None
    tile_set: UUID | None = None
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and where those after them begin; None after the last."""

    rows: Sequence[Row]
    following: Cursor | None


def mosaics(session: Session, wanted: Wanted) -> Page[Mosaic]:
    """Return mosaics that were ordered singly and are not in the trash, with what is shown of them."""
    query = select(Mosaic).where(Mosaic.batch_id.is_(None), THERE).options(*OF_MOSAIC)
    if wanted.state is not None:
        query = query.join(Job, Job.id == Mosaic.job_id).where(Job.state == wanted.state)
    if wanted.tile_set is not None:
        query = query.where(Mosaic.tile_set_id == wanted.tile_set)
    return _page(session, query, Mosaic, Mosaic.target_name, wanted)


def batches(session: Session, wanted: Wanted) -> Page[Batch]:
    """Return batches that are not in the trash, with their tile sets."""
    query = select(Batch).where(Batch.deleted_at.is_(None)).options(joinedload(Batch.tile_set))
    if wanted.state is not None:
        some = select(Mosaic.id).join(Job, Job.id == Mosaic.job_id)
        query = query.where(some.where(Mosaic.batch_id == Batch.id, THERE, Job.state == wanted.state).exists())
    if wanted.tile_set is not None:
        query = query.where(Batch.tile_set_id == wanted.tile_set)
    return _page(session, query, Batch, Batch.name, wanted)


def tile_sets(session: Session, wanted: Wanted) -> Page[TileSet]:
    """Return tile sets that are not in the trash, with their jobs."""
    query = select(TileSet).where(TileSet.deleted_at.is_(None)).options(joinedload(TileSet.job))
    if wanted.state is not None:
        query = query.join(Job, Job.id == TileSet.job_id).where(Job.state == wanted.state)
    return _page(session, query, TileSet, TileSet.name, wanted)


def _page(session: Session, query: Select[Any], row: Any, name: Any, wanted: Wanted) -> Page[Any]:
    """Return a page of rows that have an id, a time and a name."""
    if wanted.name is not None:
        query = query.where(name.icontains(wanted.name, autoescape=True))
    if wanted.since is not None:
        query = query.where(row.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(row.created_at < wanted.until)
    if wanted.after is not None:
        when, which = wanted.after.created_at, wanted.after.id
        query = query.where(or_(row.created_at < when, and_(row.created_at == when, row.id < which)))
    query = query.order_by(row.created_at.desc(), row.id.desc())
    found = session.scalars(query.limit(wanted.limit + 1)).all()
    rows, more = found[: wanted.limit], len(found) > wanted.limit
    return Page(rows, Cursor(rows[-1].created_at, rows[-1].id) if more else None)
