"""The only writer of parts. A large tile set is indexed in parts, each by one worker under a lease of its own.

As in `jobs`, every transition is one UPDATE, guarded by the state it expects and by the lease's token. Parts are not
swept: a worker that looks for work also takes parts whose lease has run out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, select, update
from sqlalchemy.orm import Session

from models import database
from models.errors import LeaseLost
from models.rules.lifecycle import NEXT_OF_PART, JobState, PartState
from models.tables import Job, Part, Source, TileSet


@dataclass(frozen=True)
class PartLease:
    """The right to work on a part; it ends when it was not renewed in time."""

    part_id: int
    tile_set_id: UUID
    number: int
    attempt: int
    token: str
    listing_key: str

    @property
    def name(self) -> str:
        """A name that no other attempt has, not even after one was given back; it is in the keys of its blobs."""
        return f"{self.number}-{self.token}"


@dataclass(frozen=True)
class Listing:
    """What a new part consists of: the key of its list of photos, and how many there are."""

    key: str
    photo_count: int


@dataclass(frozen=True)
class IndexingProgress:
    """How far the indexing of a tile set is.

    Attributes:
        done: Photos that are done.
        total: Photos in all parts.
        rate: Photos a second, measured on the parts of this attempt at the job; 0 while it is unknown.
    """

    done: int
    total: int
    rate: float

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; None while the rate is unknown."""
        return (self.total - self.done) / self.rate if self.rate else None


def lay_out(session: Session, tile_set_id: UUID, sources: Sequence[int], listings: Sequence[Listing]) -> None:
    """Add the parts of sources that were not planned yet.

    Raises:
        LeaseLost: another attempt has planned them; the transaction must be rolled back.
    """
    planned = update(Source).where(Source.id.in_(sources), Source.planned.is_(False)).values(planned=True)
    if len(session.scalars(planned.returning(Source.id)).all()) != len(sources):
        raise LeaseLost("Another attempt has planned these photos.")
    last = session.scalar(select(func.max(Part.number)).where(Part.tile_set_id == tile_set_id))
    first = 0 if last is None else last + 1
    session.add_all(
        Part(tile_set_id=tile_set_id, number=number, listing_key=listing.key, photo_count=listing.photo_count)
        for number, listing in enumerate(listings, first)
    )


def claim(session: Session, tile_set_id: UUID, now: datetime, span: timedelta, max_attempts: int) -> PartLease | None:
    """Take a part that nobody is working on; None if there is none."""
    free = _free(now) & (Part.attempt < max_attempts)
    part_id = session.scalar(
        select(Part.id)
        .where(Part.tile_set_id == tile_set_id, free, _wanted())
        .order_by(Part.number)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if part_id is None:
        return None
    token = token_hex(16)
    taken = session.execute(
        update(Part)
        .where(Part.id == part_id, free)
        .values(
            state=PartState.TAKEN,
            attempt=Part.attempt + 1,
            lease_token=token,
            lease_until=now + span,
            started_at=now,
            done_count=0,
        )
        .returning(Part.number, Part.attempt, Part.listing_key)
    ).one_or_none()
    return None if taken is None else PartLease(part_id, tile_set_id, taken[0], taken[1], token, taken[2])


def beat(session: Session, lease: PartLease, now: datetime, span: timedelta, done_count: int) -> None:
    """Renew a lease and write how many photos are done.

    Raises:
        LeaseLost: another worker has the part, or the whole job was cancelled or failed.
    """
    _guarded(session, lease, [PartState.TAKEN], lease_until=now + span, done_count=done_count)


def finish(session: Session, lease: PartLease, now: datetime, index_key: str | None) -> None:
    """Close a part with the key of its index; None if not one photo was usable.

    Locks the part and then its tile set, so that no other transaction changes the set's photos before this one ends.
    Whoever else locks both must use the same order.

    Raises:
        LeaseLost: another worker has the part, or its job has ended; the transaction must be rolled back.
    """
    values = {"index_key": index_key, "done_count": Part.photo_count, "ended_at": now}
    _guarded(session, lease, _before(PartState.DONE), state=PartState.DONE, **_NO_LEASE, **values)
    session.execute(select(TileSet.id).where(TileSet.id == lease.tile_set_id).with_for_update())


def give_back(session: Session, lease: PartLease) -> None:
    """Leave a part to others because this worker was asked to end; the attempt does not count.

    Raises:
        LeaseLost: another worker has the part already.
    """
    # The attempts may have been set to 0 meanwhile, by `forgive`.
    attempt = case((Part.attempt > 0, Part.attempt - 1), else_=0)
    _guarded(session, lease, _before(PartState.OPEN), state=PartState.OPEN, attempt=attempt, **_NO_LEASE)


def forgive(session: Session, tile_set_id: UUID) -> None:
    """Set the attempts of unfinished parts to 0, because a person had the job tried again."""
    session.execute(
        update(Part).where(Part.tile_set_id == tile_set_id, Part.state != PartState.DONE).values(attempt=0)
    )


def free_count(session: Session, tile_set_id: UUID, now: datetime) -> int:
    """Return how many parts nobody is working on."""
    return session.scalars(select(func.count()).where(Part.tile_set_id == tile_set_id, _free(now))).one()


def open_count(session: Session, tile_set_id: UUID) -> int:
    """Return how many parts are not done."""
    query = select(func.count()).where(Part.tile_set_id == tile_set_id, Part.state != PartState.DONE)
    return session.scalars(query).one()


def hopeless(session: Session, tile_set_id: UUID, now: datetime, max_attempts: int) -> int:
    """Return how many parts have failed too often to be taken again."""
    given_up = (Part.tile_set_id == tile_set_id) & _free(now) & (Part.attempt >= max_attempts)
    return session.scalars(select(func.count()).where(given_up)).one()


def progress(session: Session, tile_set_id: UUID, since: datetime | None, now: datetime) -> IndexingProgress | None:
    """Return how far the indexing of a tile set is; None until its photos are counted.

    Args:
        session: A transaction.
        tile_set_id: The tile set.
        since: When the present attempt began, to measure the rate from; None to leave the rate unknown.
        now: The time on the database's clock.
    """
    of_set = Part.tile_set_id == tile_set_id
    done, total = session.execute(select(func.sum(Part.done_count), func.sum(Part.photo_count)).where(of_set)).one()
    if total is None:
        return None
    rate = 0.0
    if since is not None and now > since:
        fresh = select(func.coalesce(func.sum(Part.done_count), 0)).where(of_set, Part.started_at >= since)
        rate = session.scalars(fresh).one() / (now - since).total_seconds()
    return IndexingProgress(done, total, rate)


def so_far(session: Session, tile_set: TileSet) -> IndexingProgress | None:
    """Return how far the indexing of a tile set is; None if it has ended, or its photos are not counted yet."""
    if tile_set.job.state.final:
        return None
    return progress(session, tile_set.id, tile_set.job.started_at, database.now(session))


_NO_LEASE: dict[str, object] = {"lease_token": None, "lease_until": None}


def _before(state: PartState) -> list[PartState]:
    return [earlier for earlier, later in NEXT_OF_PART.items() if state in later]


def _free(now: datetime) -> ColumnElement[bool]:
    return (Part.state == PartState.OPEN) | ((Part.state == PartState.TAKEN) & (Part.lease_until < now))


def _wanted() -> ColumnElement[bool]:
    """Return the condition that the part's job has not ended."""
    unfinished = Job.state.in_([JobState.QUEUED, JobState.RUNNING])
    return exists().where(TileSet.id == Part.tile_set_id, Job.id == TileSet.job_id, unfinished)


def _guarded(session: Session, lease: PartLease, states: list[PartState], **values: object) -> None:
    written = session.scalar(
        update(Part)
        .where(Part.id == lease.part_id, Part.state.in_(states), Part.lease_token == lease.token, _wanted())
        .values(**values)
        .returning(Part.id)
    )
    if written is None:
        raise LeaseLost(f"Attempt {lease.attempt} no longer holds part {lease.number}.")
