"""Mosaics and batches after they were ordered: renamed, deleted, taken back, deleted for good.

A batch takes its mosaics with it: they have no mark of their own, so those that were deleted one by one stay so when
the batch comes back. As in `undo`, one guarded statement decides whether something is taken back or purged.
"""

from datetime import datetime, timedelta
from typing import TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session

from models import again, jobs, queries
from models.errors import InvalidOrder, NotFound
from models.listing import Cursor, Page
from models.queries import OF_MOSAIC, PAGE_LENGTH
from models.rules.lifecycle import JobState, before
from models.rules.names import readable
from models.tables import Batch, Job, Mosaic, Rendition

Kept = TypeVar("Kept", Mosaic, Batch)
NAMED = {Mosaic: "mosaic", Batch: "batch"}


def find(session: Session, table: type[Kept], identity: UUID) -> Kept:
    """Return a mosaic or a batch.

    Raises:
        NotFound: there is none, or it is in the trash.
    """
    found = queries.find_mosaic(session, identity) if table is Mosaic else queries.find_batch(session, identity)
    return cast("Kept", found)


def name(row: Mosaic | Batch) -> str:
    """Return what people call a mosaic or a batch."""
    return row.target_name if isinstance(row, Mosaic) else row.name


def hold(session: Session, mosaic_id: UUID) -> Mosaic:
    """Return a mosaic that no other transaction deletes, or orders something for, before this one ends.

    Raises:
        NotFound: there is none, or it is in the trash.
    """
    batch = select(Batch.id).join(Mosaic, Mosaic.batch_id == Batch.id).where(Mosaic.id == mosaic_id)
    session.execute(batch.with_for_update(of=Batch))
    session.execute(select(Mosaic.id).where(Mosaic.id == mosaic_id).with_for_update())
    session.expire_all()
    return queries.find_mosaic(session, mosaic_id)


def rename(session: Session, table: type[Kept], identity: UUID, name: str) -> None:
    """Give a mosaic or a batch another name.

    Raises:
        NotFound: there is none.
        InvalidOrder: the name is empty.
    """
    if not name.strip():
        raise InvalidOrder("name", f"A {NAMED[table]} needs a name.")
    found = find(session, table, identity)
    if isinstance(found, Mosaic):
        found.target_name = readable(name)
    else:
        found.name = readable(name)


def drop(session: Session, table: type[Kept], identity: UUID, now: datetime) -> None:
    """Move a mosaic, or a batch with its mosaics, to the trash, and cancel what is unfinished of it.

    Raises:
        NotFound: there is none, or it is there already.
    """
    find(session, table, identity)
    # A worker that finishes locks the job and then its mosaic, so jobs come first; what is ordered meanwhile, last.
    _cancel(session, table, identity, now)
    session.execute(update(table).where(table.id == identity, table.deleted_at.is_(None)).values(deleted_at=now))
    _cancel(session, table, identity, now)


def in_trash(
    session: Session,
    table: type[Kept],
    *,
    since: datetime | None = None,
    after: Cursor | None = None,
    limit: int = PAGE_LENGTH,
) -> Page[Kept]:
    """Return mosaics or batches in the trash, the last deleted first; mosaics without those of deleted batches.

    Args:
        session: A transaction.
        table: Which of both.
        since: The earliest time at which they were deleted.
        after: The last row of the page before.
        limit: Rows at most.
    """
    query = _seen(table)
    if since is not None:
        query = query.where(table.deleted_at >= since)
    if after is not None:
        same = (table.deleted_at == after.created_at) & (table.id < after.id)
        query = query.where(or_(table.deleted_at < after.created_at, same))
    found = session.scalars(query.order_by(table.deleted_at.desc(), table.id.desc()).limit(limit + 1)).all()
    rows, last = found[:limit], found[limit - 1 : limit]
    more = len(found) > limit and last[0].deleted_at
    return Page(rows, Cursor(more, last[0].id) if more else None)


def find_in_trash(session: Session, table: type[Kept], identity: UUID) -> Kept:
    """Return a mosaic or a batch that is in the trash.

    Raises:
        NotFound: there is none in it, or its batch is in the trash.
    """
    found = session.scalars(_seen(table).where(table.id == identity)).one_or_none()
    if found is None:
        raise NotFound(f"There is no such {NAMED[table]} in the trash.")
    return found


def restore(session: Session, table: type[Kept], identity: UUID) -> None:
    """Take a mosaic or a batch out of the trash; nothing happens to one that is not in it.

    Raises:
        NotFound: there is none, it is gone for good, or its batch is in the trash.
    """
    session.execute(update(table).where(table.id == identity, _thrown(table)).values(deleted_at=None))
    session.expire_all()
    find(session, table, identity)


def purge(session: Session, table: type[Kept], identity: UUID, now: datetime) -> None:
    """Delete a mosaic, or a batch with its mosaics, that is in the trash for good.

    Raises:
        NotFound: there is none in it.
    """
    if not _purge(session, table, table.id == identity, now):
        raise NotFound(f"There is no such {NAMED[table]} in the trash.")


def purge_old(session: Session, now: datetime, span: timedelta) -> int:
    """Delete for good what has been in the trash for at least `span`; return how many mosaics and batches."""
    mosaics = _purge(session, Mosaic, Mosaic.deleted_at <= now - span, now)
    return mosaics + _purge(session, Batch, Batch.deleted_at <= now - span, now)


def _thrown(table: type[Kept]) -> ColumnElement[bool]:
    return table.deleted_at.is_not(None) & table.purged_at.is_(None)


def _seen(table: type[Kept]) -> Select[Kept]:
    query = select(table).where(_thrown(table))
    if table is not Mosaic:
        return query
    return query.outerjoin(Mosaic.batch).where(Batch.deleted_at.is_(None)).options(*OF_MOSAIC)


def _purge(session: Session, table: type[Kept], which: ColumnElement[bool], now: datetime) -> int:
    gone = session.scalars(update(table).where(_thrown(table), which).values(purged_at=now).returning(table.id)).all()
    if gone:
        again.forget(session)
    return len(gone)


def _cancel(session: Session, table: type[Kept], identity: UUID, now: datetime) -> None:
    mine = Mosaic.id == identity if table is Mosaic else Mosaic.batch_id == identity
    unfinished = select(Job.id).join(Rendition, Rendition.job_id == Job.id).join(Rendition.mosaic)
    unfinished = unfinished.where(mine, Job.state.in_(before(JobState.CANCELLED)))
    jobs.cancel(session, session.scalars(unfinished), now)
