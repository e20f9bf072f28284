"""Which workers are alive and what each does, asked at most every few seconds however many pages want to know."""

import time
from collections.abc import Sequence
from threading import Lock

from models import queue
from models.errors import QueueUnavailable
from models.queue import Worker

FRESH_SECONDS = 3.0


class RollCall:
    """The last answer of the workers, and when it came."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked = -FRESH_SECONDS
        self._answer: Sequence[Worker] | None = None

    def answer(self) -> Sequence[Worker] | None:
        """Return the workers that are alive; None if they cannot be asked. It may take as long as they may."""
        with self._lock:
            if time.monotonic() - self._asked >= FRESH_SECONDS:
                try:
                    self._answer = queue.workers()
                except QueueUnavailable:
                    self._answer = None
                self._asked = time.monotonic()
            return self._answer
