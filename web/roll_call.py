"""Which workers are alive and what each does, asked at most every few seconds however many pages want to know."""

import math
import time
from collections.abc import Callable, Sequence
from threading import Lock

from models import queue
from models.errors import QueueUnavailable
from models.queue import Worker

FRESH_SECONDS = 3.0
STALE_SECONDS = 30.0
"""An answer that is older than this is shown to nobody."""

Answer = Sequence[Worker] | None
"""The workers that are alive; None if they cannot be asked."""


class RollCall:
    """The last answer of the workers, and when it came."""

    def __init__(
        self, ask: Callable[[], Sequence[Worker]] = queue.workers, fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        self._ask, self._fresh_seconds = ask, fresh_seconds
        self._asking = Lock()
        self._last: tuple[float, Answer] = -math.inf, None

    def answer(self) -> Answer:
        """Return what the workers say, or said a moment ago.

        Asking takes as long as they may take. Whoever comes while another asks has the answer from before, so that
        only one thread of the web server waits for them; if that is too old, or there is none, all wait.
        """
        came, answer = self._last
        if not self._asking.acquire(blocking=time.monotonic() - came >= STALE_SECONDS):
            return answer
        try:
            if time.monotonic() - self._last[0] >= self._fresh_seconds:
                answer = self._asked()
                self._last = time.monotonic(), answer
            return self._last[1]
        finally:
            self._asking.release()

    def _asked(self) -> Answer:
        try:
            return self._ask()
        except QueueUnavailable:
            return None
