"""How much the sweep puts up with: what it makes of a job whose worker fell silent. Standard library only."""

from dataclasses import dataclass
from datetime import timedelta

from models.errors import Crashed, OutOfTime, TesseraError


@dataclass(frozen=True)
class Patience:
    """How much the sweep puts up with.

    Attributes:
        max_attempts: Attempts that ended without a word before a job is given up.
        longest: Time that one attempt may take.
        span: How long a claim or a beat holds.
        ring_again: Time after which a queued job is rung for again.
    """

    max_attempts: int
    longest: timedelta
    span: timedelta
    ring_again: timedelta

    def verdict(self, attempts: int, held: timedelta) -> TesseraError | None:
        """Return why a job whose lease ran out is given up, or None: it may be tried again.

        Args:
            attempts: How many attempts count.
            held: From the claim of the last one to the end of its lease.
        """
        if held - self.span >= self.longest:
            return OutOfTime(f"The job took longer than {self.longest.total_seconds():,.0f} seconds and was stopped.")
        if attempts >= self.max_attempts:
            return Crashed(
                f"The worker stopped in the middle of this job {attempts} times; it is given up. "
                "Perhaps one of its pictures is more than a worker can bear."
            )
        return None
