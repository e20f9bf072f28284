"""Mosaics that were ordered again from another one with other options, and which mosaics can be compared."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from models import queries
from models.errors import NotComparable, NotFound
from models.tables import Mosaic


def note(session: Session, mosaic_id: UUID, last_id: UUID) -> None:
    """Note from which mosaic another was ordered again; nothing is noted of one that is gone or of another target."""
    made = session.get_one(Mosaic, mosaic_id)
    with suppress(NotFound):
        last = queries.find_mosaic(session, last_id)
        if _of_same_target(made, last):
            made.again_id = last.id


def last_of(session: Session, mosaic: Mosaic) -> Mosaic | None:
    """Return the mosaic from which another was ordered again; None if there is none, or it is in the trash."""
    with suppress(NotFound):
        return queries.find_mosaic(session, mosaic.again_id) if mosaic.again_id else None
    return None


def side_by_side(session: Session, mosaic_id: UUID, other_id: UUID) -> tuple[Mosaic, Mosaic]:
    """Return two mosaics of the same target.

    Raises:
        NotFound: one of them is not there, or in the trash.
        NotComparable: they are of two targets.
    """
    one, other = queries.find_mosaic(session, mosaic_id), queries.find_mosaic(session, other_id)
    if not _of_same_target(one, other):
        raise NotComparable(
            "These two mosaics were not made of the same picture, so they are not shown side by side."
        )
    return one, other


def forget(session: Session) -> None:
    """Forget what was ordered again from mosaics that are deleted for good, and from those of such batches."""
    gone = Mosaic.again_id.in_(queries.purged_mosaics())
    session.execute(update(Mosaic).where(gone).values(again_id=None))


def _of_same_target(one: Mosaic, other: Mosaic) -> bool:
    return (one.target_key, one.target_entry) == (other.target_key, other.target_entry)
