"""Jobs, and what became of their attempts and phases. Their meaning is in `models.jobs`."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.database import Base
from models.rules.lifecycle import AttemptEnd, JobKind, JobState, Lane
from models.tables.columns import KEY_LENGTH, REQUEST_ID_LENGTH, words


class Job(Base):
    """Work with a state. Only `models.jobs` writes it.

    While it runs, its phase began at `phase_at`, `done_count` of `total_count` things of this phase are done, and
    `partial_key` is the blob of what can be seen of the result.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("attempt >= 0", name="attempt_not_negative"),
        CheckConstraint("given_back >= 0 AND given_back <= attempt", name="given_back_is_of_attempts"),
        CheckConstraint("progress >= 0 AND progress <= 1", name="progress_is_a_share"),
        CheckConstraint("(state = 'running') = (lease_token IS NOT NULL)", name="a_lease_while_running"),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="a_lease_ends"),
        CheckConstraint("state <> 'running' OR started_at IS NOT NULL", name="running_has_begun"),
        CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="a_failure_has_a_code"),
        CheckConstraint("(state IN ('queued', 'running')) = (finished_at IS NULL)", name="final_states_have_an_end"),
        Index(None, "state", "ring_at"),
        Index(None, "state", "lease_until"),
        Index(None, "lane", "finished_at"),
        Index(None, "state", "lane", "queued_at"),
        Index(None, "state", "finished_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[JobKind] = mapped_column(words(JobKind, "kind"))
    lane: Mapped[Lane] = mapped_column(words(Lane, "lane"))
    state: Mapped[JobState] = mapped_column(words(JobState, "state"))
    attempt: Mapped[int] = mapped_column(default=0)
    given_back: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    phase: Mapped[str] = mapped_column(String(40), default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    phase_at: Mapped[datetime | None]
    done_count: Mapped[int | None]
    total_count: Mapped[int | None]
    partial_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_sentence: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(REQUEST_ID_LENGTH))
    failed_rings: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    ring_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class AttemptRecord(Base):
    """How one attempt at a job went; it has no outcome while it goes on."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("job_id", "number"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="an_outcome_with_the_end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    number: Mapped[int]
    waited_seconds: Mapped[float]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[AttemptEnd | None] = mapped_column(words(AttemptEnd, "outcome"))


class PhaseRecord(Base):
    """How long one phase of an attempt took."""

    __tablename__ = "phases"
    __table_args__ = (UniqueConstraint("attempt_id", "phase"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"))
    phase: Mapped[str] = mapped_column(String(40))
    seconds: Mapped[float]
