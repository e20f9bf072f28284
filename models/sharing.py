"""The links that share mosaics: which there are, and which were taken back. The caller commits."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from models import database, queries
from models.errors import InvalidOrder, NotFound, TooManyLinks
from models.rules.lifecycle import JobState, not_made
from models.tables import Mosaic, SharedLink

MOST = 100
"""Links of one mosaic that have not ended."""
LONGEST = timedelta(days=366)
MOST_FORGOTTEN = 1_000
"""Rows that are deleted in one transaction."""


class Link(NamedTuple):
    """A link, and of which series it is."""

    row: SharedLink
    series: int


def add(session: Session, mosaic_id: UUID, until: datetime) -> Link:
    """Add a link that shares a mosaic until a time; those that have ended go.

    Raises:
        InvalidOrder: the time is over, or farther away than a year.
        NotFound: there is no such mosaic.
        NotReady: it is not made.
        TooManyLinks: it has as many links as it may have.
    """
    now = database.now(session)
    if not now < until <= now + LONGEST:
        raise InvalidOrder("until", f"A link must end in the future, and within {LONGEST.days} days.")
    # Of two that count at once, the second waits here.
    session.execute(select(Mosaic.id).where(Mosaic.id == mosaic_id).with_for_update())
    mosaic = queries.find_mosaic(session, mosaic_id)
    if mosaic.job.state is not JobState.SUCCEEDED:
        raise not_made(mosaic.job.state, "share it")
    mine = SharedLink.mosaic_id == mosaic_id
    session.execute(delete(SharedLink).where(mine, SharedLink.until <= now))
    if session.scalars(select(func.count()).where(mine)).one() >= MOST:
        raise TooManyLinks(f"A mosaic has at most {MOST} links at once; take one back first.")
    row = SharedLink(
        id=uuid4(), mosaic_id=mosaic_id, created_at=now, until=until.astimezone(UTC).replace(microsecond=0)
    )
    session.add(row)
    session.flush()
    return Link(row, mosaic.share_series)


def of_mosaic(session: Session, mosaic_id: UUID) -> Sequence[Link]:
    """Return the links of a mosaic that have not ended, the newest first.

    Raises:
        NotFound: there is no such mosaic.
    """
    series, now = queries.find_mosaic(session, mosaic_id).share_series, database.now(session)
    mine = select(SharedLink).where(SharedLink.mosaic_id == mosaic_id, SharedLink.until > now)
    return [Link(row, series) for row in session.scalars(mine.order_by(SharedLink.created_at.desc(), SharedLink.id))]


def is_there(session: Session, link_id: UUID) -> bool:
    """Whether a link was not taken back."""
    return session.get(SharedLink, link_id) is not None


def remove(session: Session, mosaic_id: UUID, link_id: UUID) -> None:
    """Take one link of a mosaic back.

    Raises:
        NotFound: it has no such link, or it was taken back.
    """
    queries.find_mosaic(session, mosaic_id)
    mine = delete(SharedLink).where(SharedLink.id == link_id, SharedLink.mosaic_id == mosaic_id)
    if session.scalar(mine.returning(SharedLink.id)) is None:
        raise NotFound("There is no such link, or it was taken back.")


def end(session: Session, mosaic_id: UUID) -> None:
    """Begin the next series of links of a mosaic, so that all earlier ones are worth nothing.

    Raises:
        NotFound: there is no such mosaic.
    """
    next_series = update(Mosaic).where(Mosaic.id == mosaic_id).values(share_series=Mosaic.share_series + 1)
    if session.scalar(next_series.returning(Mosaic.id)) is None:
        raise NotFound("There is no such mosaic.")
    session.execute(delete(SharedLink).where(SharedLink.mosaic_id == mosaic_id))


def forget(session: Session, now: datetime) -> None:
    """Delete the rows of links that open nothing: they have ended, or their mosaic or its batch is gone for good.

    Those that are more than `MOST_FORGOTTEN` go the next time.
    """
    worthless = or_(SharedLink.until <= now, SharedLink.mosaic_id.in_(queries.purged_mosaics()))
    found = select(SharedLink.id).where(worthless).limit(MOST_FORGOTTEN)
    session.execute(delete(SharedLink).where(SharedLink.id.in_(found)))
