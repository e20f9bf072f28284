"""The retry policy: whether the sweep queues a job again whose worker fell silent, or fails it."""

from dataclasses import dataclass
from datetime import timedelta

from models.errors import Crashed, OutOfTime, TesseraError


@dataclass(frozen=True)
class RetryPolicy:
    """The limits of the retry policy.

    Attributes:
        max_attempts: Attempts whose lease may run out before a job is given up.
        longest: How long one attempt may take.
        span: How long a lease holds without a beat.
        ring_again: How long a queued job waits before it is rung for again.
    """

    max_attempts: int
    longest: timedelta
    span: timedelta
    ring_again: timedelta

    def verdict(self, attempts: int, held: timedelta) -> TesseraError | None:
        """Return why a job whose lease ran out is given up; None if it may be tried again.

        Args:
            attempts: How many attempts count so far.
            held: Time from the last claim to the end of its lease.
        """
        if held - self.span >= self.longest:
            return OutOfTime(f"The job took longer than {self.longest.total_seconds():,.0f} seconds and was stopped.")
        if attempts >= self.max_attempts:
            return Crashed(
                f"The worker stopped in the middle of this job {attempts} times; it is given up. "
                "Perhaps one of its pictures is more than a worker can bear."
            )
        return None
