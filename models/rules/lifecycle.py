"""The life of a job: which state may follow which. It is decided here and nowhere else."""

from dataclasses import dataclass
from enum import StrEnum

from models.errors import NotReady


class JobKind(StrEnum):
    """What a job does; the value is the name of the Celery task."""

    INDEX = "tessera.index"
    RENDER = "tessera.render"
    RENDITION = "tessera.rendition"
    SKETCH = "tessera.sketch"
    CANDIDATES = "tessera.candidates"


class Lane(StrEnum):
    """Which queue a job waits in; the value is the queue's name."""

    INTERACTIVE = "interactive"
    INDEXING = "indexing"
    BULK = "bulk"


@dataclass(frozen=True)
class Doorbell:
    """The content of a message: a job of this kind waits in this lane."""

    kind: JobKind
    job_id: int
    lane: Lane


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether no other state can follow."""
        return not NEXT[self]


NEXT: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}
RETRYABLE = frozenset({JobState.FAILED, JobState.CANCELLED})
"""After these, what the job was for can be tried again as a new job."""


class PartState(StrEnum):
    """The state of a part of an indexing job."""

    OPEN = "open"
    TAKEN = "taken"
    DONE = "done"


NEXT_OF_PART: dict[PartState, frozenset[PartState]] = {
    PartState.OPEN: frozenset({PartState.TAKEN}),
    # Another worker takes it once its lease has run out.
    PartState.TAKEN: frozenset({PartState.DONE, PartState.OPEN, PartState.TAKEN}),
    PartState.DONE: frozenset(),
}


class AttemptEnd(StrEnum):
    """How an attempt at a job ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Its lease ran out: its worker died, froze, or lost the database."""
    GIVEN_BACK = "given back"
    """Its worker was asked to end; this attempt does not count."""


def before(state: JobState) -> list[JobState]:
    """Return the states that `state` may follow.

    Example:
        >>> before(JobState.SUCCEEDED)
        [<JobState.RUNNING: 'running'>]
    """
    return [earlier for earlier, later in NEXT.items() if state in later]


def not_made(state: JobState, intent: str) -> NotReady:
    """Return the refusal of what can be done only with a mosaic that is made.

    Args:
        state: Of its job; any but succeeded.
        intent: What to do with it once it is made.

    Example:
        >>> str(not_made(JobState.RUNNING, "share it"))
        'The mosaic is running; share it once it is made.'
        >>> str(not_made(JobState.FAILED, "share it"))
        'The mosaic failed; try it again, and share it once it is made.'
    """
    if state.final:
        how = "failed" if state is JobState.FAILED else f"is {state}"
        return NotReady(f"The mosaic {how}; try it again, and {intent} once it is made.")
    return NotReady(f"The mosaic is {state}; {intent} once it is made.")
