"""Orders the search for the photos that come nearest to a cell. The caller commits, and only then rings."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session, joinedload

from models import database, exclusions, jobs, placement_documents, queries
from models.errors import NotFound, NotReady
from models.rules.lifecycle import Doorbell, JobKind, JobState, Lane
from models.tables import Candidates, Job, Mosaic

MOST_KEPT = 500
"""Cells of one mosaic whose photos are kept; the oldest go first."""
MOST_WAITING = 5
"""Cells of one mosaic that are worked on, or wait, at once."""
MOST_FORGOTTEN = 1_000
"""Rows that are deleted in one transaction."""
UNFINISHED = [state for state in JobState if not state.final]


class Asked(NamedTuple):
    """What was found, or is being looked for, and the doorbell to ring; None if no new job was added."""

    row: Candidates
    bell: Doorbell | None


def ask(
    session: Session, mosaic: Mosaic, cell: tuple[int, int], ring_again: timedelta, *, again: bool
) -> Asked:  # fmt: skip
    """Return what was found for a cell, or add a job that looks for it.

    Args:
        session: A transaction.
        mosaic: The mosaic.
        cell: The column and row of its top left.
        ring_again: After what time the sweep rings for the job.
        again: Whether a search that failed or was cancelled begins again.

    Raises:
        NotFound: the mosaic is gone, or its tile set is.
        NotReady: many cells of the mosaic are being looked at.
    """
    # Of two that ask at once, the second waits here, and then finds what the first has added.
    session.execute(select(Mosaic.id).where(Mosaic.id == mosaic.id).with_for_update())
    queries.find_indexed(session, mosaic.tile_set_id)
    found = session.scalars(_of_cell(mosaic, cell)).one_or_none()
    if found is not None and (not again or found.job.state in {*UNFINISHED, JobState.SUCCEEDED}):
        return Asked(found, None)
    _check_waiting(session, mosaic)
    job = jobs.add(session, JobKind.CANDIDATES, Lane.INTERACTIVE, database.now(session), ring_again)
    if found is None:
        _make_room(session, mosaic)
        found = Candidates(mosaic_id=mosaic.id, job_id=job.id, cell_column=cell[0], cell_row=cell[1])
        session.add(found)
    else:
        found.job_id = job.id
    session.flush()
    return Asked(found, Doorbell(job.kind, job.id, job.lane))


def find(session: Session, mosaic: Mosaic, cell: tuple[int, int]) -> Candidates:
    """Return what was found for a cell, or how far the search is.

    Raises:
        NotFound: nobody had it begun, or many other cells were asked for since.
    """
    found = session.scalars(_of_cell(mosaic, cell)).one_or_none()
    if found is None:
        column, row = cell
        raise NotFound(
            f"No photos are kept that come near to column {column:,}, row {row:,}: nobody has asked for them, or it "
            "is long ago; ask by POST first."
        )
    return found


def _of_cell(mosaic: Mosaic, cell: tuple[int, int]) -> Select[Candidates]:
    mine = select(Candidates).where(Candidates.mosaic_id == mosaic.id).options(joinedload(Candidates.job))
    return mine.filter_by(cell_column=cell[0], cell_row=cell[1])


def usable(session: Session, mosaic: Mosaic, found: Candidates) -> dict[str, str] | None:
    """Return the names of the photos that were found and may still be used, by content hash, the nearest first.

    None if the job has not found them.
    """
    if found.photos is None:
        return None
    contents = found.photos
    there = placement_documents.names_of(session, mosaic.tile_set_id, contents)
    left_out = exclusions.excluded(session, mosaic.tile_set_id)
    return {content: there[content] for content in contents if content in there and content not in left_out}


def _check_waiting(session: Session, mosaic: Mosaic) -> None:
    waiting = select(func.count()).select_from(Candidates).join(Candidates.job)
    waiting = waiting.where(Candidates.mosaic_id == mosaic.id, Job.state.in_(UNFINISHED))
    if session.scalars(waiting).one() >= MOST_WAITING:
        raise NotReady(
            f"Photos for {MOST_WAITING} other cells of this mosaic are being looked for, as many as may be at once; "
            "try again in a moment."
        )


def _make_room(session: Session, mosaic: Mosaic) -> None:
    final = select(Candidates.id).join(Candidates.job).where(Job.state.not_in(UNFINISHED))
    mine = final.where(Candidates.mosaic_id == mosaic.id).order_by(Candidates.id.desc())
    old = session.scalars(mine.offset(MOST_KEPT - 1)).all()
    session.execute(delete(Candidates).where(Candidates.id.in_(old)))


def forget(session: Session) -> None:
    """Delete what was found for cells of mosaics that are gone for good; what is more than `MOST_FORGOTTEN` later."""
    final = select(Candidates.id).join(Candidates.job).where(Job.state.not_in(UNFINISHED))
    found = final.where(Candidates.mosaic_id.in_(queries.purged_mosaics())).limit(MOST_FORGOTTEN)
    session.execute(delete(Candidates).where(Candidates.id.in_(found)))
