"""The heartbeat: a thread that renews a lease while work goes on, and notices when the lease is lost."""

import threading
import time
from collections.abc import Callable
from typing import Self

import structlog

from models import database
from models.errors import LeaseLost
from models.settings import Settings
from worker.jobs import shutdown

log = structlog.get_logger(__name__)


class Heartbeat:
    """Beats until the work ends, the lease is lost, the job's time is up, or this worker has to end.

    Args:
        settings: How long a lease holds, how often to beat, how long a job may take.
        beat: Renews the lease; raises LeaseLost when the lease is no longer ours.
        give_back: Leaves the work to others; called when this worker was asked to end and `finish_seconds` are over.
    """

    def __init__(self, settings: Settings, beat: Callable[[], None], give_back: Callable[[], None]) -> None:
        self._settings, self._beat, self._give_back = settings, beat, give_back
        self._ended, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    @property
    def stopped(self) -> bool:
        """Whether the heartbeat stopped while the work goes on: the work must stop, and write nothing."""
        return self._stopped.is_set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _beat_on(self) -> None:
        chosen = self._settings
        span = chosen.lease_seconds
        pause = min(chosen.beat_seconds, span / 3)
        began = last = time.monotonic()
        asked: float | None = None
        try:
            while not self._ended.wait(pause):
                now = time.monotonic()
                if now - last >= span or now - began >= chosen.job_seconds + chosen.kill_seconds:
                    break
                if shutdown.begun() and asked is None:
                    asked = now
                try:
                    if asked is not None and now - asked >= chosen.finish_seconds:
                        self._give_back()
                        break
                    self._beat()
                    last = time.monotonic()
                except database.Unreachable:
                    log.warning("a beat did not reach the database", exc_info=True)
        except LeaseLost:
            log.info("the lease is lost")
        finally:
            # Without a heartbeat the work must not go on, whatever stopped it.
            if not self._ended.is_set():
                self._stopped.set()
