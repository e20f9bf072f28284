"""Pages of a batch: what was not made comes first, and everything in the order of the targets."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.queries import OF_MOSAIC, THERE
from models.rules.lifecycle import RETRYABLE
from models.tables import Job, Mosaic


class BatchPage(NamedTuple):
    """Some mosaics of a batch, and the number from which those after them begin; None after the last."""

    rows: Sequence[Mosaic]
    following: int | None


def failed(session: Session, batch_id: UUID, first: int, most: int) -> BatchPage:
    """Return the mosaics that failed or were cancelled, from a number on."""
    return _page(session, batch_id, first, most, again=True)


def others(session: Session, batch_id: UUID, first: int, most: int) -> BatchPage:
    """Return the mosaics that are made, or will be, from a number on."""
    return _page(session, batch_id, first, most, again=False)


def _page(session: Session, batch_id: UUID, first: int, most: int, *, again: bool) -> BatchPage:
    state = Job.state.in_(RETRYABLE) if again else Job.state.not_in(RETRYABLE)
    query = select(Mosaic).join(Mosaic.job).where(Mosaic.batch_id == batch_id, Mosaic.number >= first, THERE, state)
    found = session.scalars(query.order_by(Mosaic.number).limit(most + 1).options(*OF_MOSAIC)).all()
    return BatchPage(found[:most], found[most].number if len(found) > most else None)
