"""Orders and finds the renditions of a mosaic. The caller commits, and only then rings."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models import database, jobs, keeping, queries
from models.errors import NoPlacement, NotFound, TooManyRenditions
from models.rules import renditions
from models.rules.lifecycle import Doorbell, JobKind, JobState, not_made
from models.rules.renditions import MOST_RENDITIONS, File
from models.tables import Job, Mosaic, Rendition

NEEDS_NO_NEW_JOB = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED})
"""Renditions with such a job are there, or will be; these alone count towards `MOST_RENDITIONS`."""


class Placed(NamedTuple):
    """A rendition that was ordered, and the doorbell to ring; None if it is made, or being made, already."""

    rendition_id: UUID
    bell: Doorbell | None


def place(session: Session, mosaic_id: UUID, given: Mapping[str, Any], ring_again: timedelta) -> Placed:
    """Order a rendition of a mosaic: find it if it was ordered before, or add it with a job in the mosaic's lane.

    One whose job failed or was cancelled gets another job.

    Args:
        session: A transaction.
        mosaic_id: The mosaic.
        given: Its `format`, and `file_quality` and `dpi` if they were said.
        ring_again: After what time the sweep rings for the job.

    Raises:
        NotFound: there is no such mosaic.
        InvalidOrder: there can be no such file of it.
        NotReady: its own job has not succeeded.
        NoPlacement: it is from before placements were kept.
        TooManyRenditions: it has as many as it may have.
    """
    # Of two orders at once, the second waits here, and then finds what the first has added.
    mosaic = keeping.hold(session, mosaic_id)
    file = renditions.file_of(renditions.ordered(queries.order_of(mosaic), given))
    found = _found(session, mosaic_id, file)
    if found is not None and found.job.state in NEEDS_NO_NEW_JOB:
        return Placed(found.id, None)
    _check(session, mosaic, file)
    now = database.now(session)
    job = jobs.add(session, JobKind.RENDITION, mosaic.job.lane, now, ring_again)
    if found is None:
        found = Rendition(mosaic_id=mosaic_id, job_id=job.id, created_at=now, **file._asdict())
        session.add(found)
    else:
        found.job_id = job.id
    session.flush()
    return Placed(found.id, Doorbell(job.kind, job.id, job.lane))


def find(session: Session, mosaic_id: UUID, rendition_id: UUID) -> Rendition:
    """Return a rendition of a mosaic, with its job.

    Raises:
        NotFound: there is none, or its mosaic is in the trash.
    """
    queries.find_mosaic(session, mosaic_id)
    found = session.get(Rendition, rendition_id, options=[joinedload(Rendition.job)])
    if found is None or found.mosaic_id != mosaic_id:
        raise NotFound("There is no such rendition of this mosaic.")
    return found


def of_mosaic(session: Session, mosaic_id: UUID) -> Sequence[Rendition]:
    """Return the renditions of a mosaic with their jobs, the first one first.

    Raises:
        NotFound: there is no such mosaic, or it is in the trash.
    """
    queries.find_mosaic(session, mosaic_id)
    query = select(Rendition).where(Rendition.mosaic_id == mosaic_id).options(joinedload(Rendition.job))
    return session.scalars(query.order_by(Rendition.created_at, Rendition.id)).all()


def _found(session: Session, mosaic_id: UUID, file: File) -> Rendition | None:
    same = select(Rendition).where(Rendition.mosaic_id == mosaic_id).filter_by(**file._asdict())
    return session.scalars(same.options(joinedload(Rendition.job))).one_or_none()


def _check(session: Session, mosaic: Mosaic, file: File) -> None:
    """Refuse what cannot be made."""
    if mosaic.job.state is not JobState.SUCCEEDED or mosaic.width is None or mosaic.height is None:
        raise not_made(mosaic.job.state, "order other files of it")
    if mosaic.placement_key is None:
        raise NoPlacement(
            "This mosaic is from before placements were kept, so no other file of it can be made; order it again."
        )
    renditions.check_size(file, (mosaic.width, mosaic.height))
    check_count(session, mosaic)


def check_count(session: Session, mosaic: Mosaic) -> None:
    """Refuse another rendition of a mosaic that has as many as it may have.

    Raises:
        TooManyRenditions: it has.
    """
    mine = select(func.count()).select_from(Rendition).join(Rendition.job).where(Rendition.mosaic_id == mosaic.id)
    count = session.scalars(mine.where(Job.state.in_(NEEDS_NO_NEW_JOB))).one()
    if count >= MOST_RENDITIONS:
        raise TooManyRenditions(f"A mosaic has at most {MOST_RENDITIONS} renditions, and this one has {count}.")
