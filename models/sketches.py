"""Sketches: small mosaics that the order page shows of a draft while options change. Only the newest counts."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, joinedload

from models import attempts, database, jobs
from models.errors import NotFound, NotReady
from models.queries import find_indexed
from models.rules.lifecycle import Doorbell, JobKind, JobState, Lane
from models.rules.orders import FIELDS, MosaicOrder
from models.tables import Job, Sketch

SPAN = timedelta(hours=1)
"""How long a sketch is kept."""
MOST_WAITING, MOST_KEPT = 100, 5_000
"""Sketches of all drafts that wait or are worked on at once, and that are kept."""
UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


def place(
    session: Session, draft_id: UUID, tile_set_id: UUID, order: MosaicOrder, look: str, ring_again: timedelta
) -> tuple[UUID, Doorbell]:
    """Order a sketch of a draft, and cancel those before it; return its id and the doorbell.

    Args:
        session: A transaction.
        draft_id: The draft.
        tile_set_id: The tile set.
        order: What is ordered as the page stands.
        look: For the picture of a look, its name; each look has a newest sketch of its own. Empty for the preview.
        ring_again: After what time the sweep rings for the job.

    Raises:
        NotFound: there is no such tile set.
        NotReady: it is not indexed, or very many sketches are asked for.
    """
    now, version = database.now(session), find_indexed(session, tile_set_id).version
    mine = select(Sketch.job_id).join(Sketch.job).where(Sketch.draft_id == draft_id, Sketch.look == look)
    jobs.cancel(session, session.scalars(mine.where(Job.state.in_(UNFINISHED))), now)
    _check_room(session)
    job = jobs.add(session, JobKind.SKETCH, Lane.INTERACTIVE, now, ring_again)
    sketch = Sketch(
        id=uuid4(), draft_id=draft_id, job_id=job.id, created_at=now, tile_set_id=tile_set_id,
        tile_set_version=version, look=look, order=asdict(order),
    )  # fmt: skip
    session.add(sketch)
    session.flush()
    return sketch.id, Doorbell(job.kind, job.id, job.lane)


def _check_room(session: Session) -> None:
    unfinished = func.count(Sketch.id).filter(Job.state.in_(UNFINISHED))
    waiting, kept = session.execute(select(unfinished, func.count(Sketch.id)).join(Sketch.job)).one()
    if waiting >= MOST_WAITING or kept >= MOST_KEPT:
        raise NotReady("Very many previews are asked for at once; try again in a while.")


def find(session: Session, draft_id: UUID, sketch_id: UUID) -> Sketch:
    """Return a sketch of a draft with its job.

    Raises:
        NotFound: there is none, or no longer.
    """
    query = select(Sketch).where(Sketch.id == sketch_id, Sketch.draft_id == draft_id)
    found = session.scalars(query.options(joinedload(Sketch.job))).one_or_none()
    if found is None:
        raise NotFound("There is no such preview, or no longer.")
    return found


def order_of(sketch: Sketch) -> MosaicOrder:
    """Return the order that a sketch's row holds."""
    held = {name: value for name, value in sketch.order.items() if value is not None}
    return MosaicOrder(**{name: FIELDS[name].kind(value) for name, value in held.items()})


def forget(session: Session, made_before: datetime) -> None:
    """Delete the sketches from before a time, with their jobs; the newest job stays, so that no id is used again."""
    newest = select(func.max(Job.id)).scalar_subquery()
    old = select(Sketch.job_id).join(Sketch.job).where(Sketch.created_at < made_before, Job.id < newest)
    gone: Sequence[int] = session.scalars(old.where(Job.state.not_in(UNFINISHED))).all()
    session.execute(delete(Sketch).where(Sketch.job_id.in_(gone)))
    attempts.forget(session, gone)
    jobs.forget(session, gone)
