"""The sweep: frees stale jobs, rings again for those that wait too long, removes garbage. Any number may run."""

import signal
import threading
from collections.abc import Callable
from datetime import timedelta

if __name__ == "__main__":
    # The imports take a while. Until this process sets its own handlers, Ctrl-C ends it without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import structlog

from models import candidates, database, drafts, intakes, jobs, logs, queue, settings, sharing, sketches, undo
from models.errors import TesseraError
from models.notifying import ring_all
from models.queue import connect
from models.rules import blob_keys, private_files
from models.services import Services, open_services
from worker.jobs import garbage, scratch

log = structlog.get_logger(__name__)

SCRATCH_AGE = timedelta(hours=1)
"""Temporary folders that no process holds are kept for at least so long: others on this machine may need them."""
ENDING_SECONDS = 5.0
"""How long to wait for the removal of garbage at the end; it may be cut off at any point."""


def sweep(services: Services) -> int:
    """Sweep once; return for how many jobs it rang."""
    empty = queue.empty_lanes()
    with services.sessions.begin() as session:
        now = database.now(session)
        bells = jobs.release_stale(session, now, services.retry_policy)
        bells += jobs.ring_again(session, now, empty, services.ring_again)
    if bells:
        log.info("rings again", job_ids=[bell.job_id for bell in bells])
    ring_all(services.sessions, bells)
    return len(bells)


def collect(services: Services) -> None:
    """Purge the trash, forget what has ended, and remove garbage once, by the database's clock."""
    with services.reading() as session:
        now = database.now(session)
    with services.sessions.begin() as session:
        undo.purge(session, now, services.settings.undo_span)
        sketches.forget(session, now - sketches.SPAN)
        drafts.forget(session, now - services.settings.garbage_span)
        intakes.expire(session, now)
        sharing.forget(session, now)
        candidates.forget(session)
    count = garbage.collect(services, now)
    count += scratch.clear(max(timedelta(seconds=2 * services.settings.job_seconds), SCRATCH_AGE))
    if count:
        log.info("cleared garbage", count=count)


def sweep_on(services: Services, stop: threading.Event) -> None:
    """Sweep until `stop` is set, and remove garbage in another thread, so that jobs never wait for the store."""
    chosen = services.settings
    clearing = threading.Thread(
        target=_again_and_again, args=(lambda: collect(services), chosen.litter_seconds, stop), daemon=True
    )
    clearing.start()
    _again_and_again(lambda: sweep(services), chosen.sweep_seconds, stop)
    clearing.join(ENDING_SECONDS)


def _again_and_again(do: Callable[[], object], seconds: float, stop: threading.Event) -> None:
    """Call `do` every so many seconds. A failure is logged, and the next call tries again."""
    while not stop.is_set():
        try:
            do()
        except (*database.Unreachable, TesseraError, OSError):
            log.warning("a sweep failed", exc_info=True)
        except Exception:
            log.exception("an error that nobody foresaw; the next sweep tries again")
        stop.wait(seconds)


def main() -> None:
    """Run a sweeper as a process of its own, until SIGTERM or SIGINT."""
    chosen = settings.load()
    private_files.from_now_on()
    logs.configure(chosen)
    connect(chosen, "publisher")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    services = open_services(chosen)
    services.store.keep_private(blob_keys.is_ours)
    sweep_on(services, stop)


if __name__ == "__main__":
    main()
