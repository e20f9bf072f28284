"""A worker process: one Celery node for one lane."""

import argparse
import faulthandler
import os
import signal
import sys
from importlib import import_module
from typing import Any

if __name__ == "__main__":
    # Until the handlers of this process are set, Ctrl-C ends it without a trace; to load all of this takes a while.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from models import logs, settings
from models.queue import connect, signals
from models.rules import private_files
from models.rules.lifecycle import Lane
from worker import parallel, tasks
from worker.jobs import shutdown

__all__ = ["main", "tasks"]

BULK_NICENESS = 10
SLOW_LIBRARIES: dict[Lane, tuple[str, ...]] = {Lane.INDEXING: ("scipy.cluster.vq",)}
"""What the command line loads only when it comes to it, and what every job of a lane comes to."""


def main() -> None:
    """Serve one lane until SIGTERM; then jobs in hand have a moment to end, and what does not is given back."""
    parser = argparse.ArgumentParser(prog="python -m worker.app", description=main.__doc__)
    parser.add_argument("--lane", type=Lane, choices=list(Lane), required=True)
    parser.add_argument("--concurrency", type=int, default=parallel.core_count())
    chosen = parser.parse_args()
    # Every child inherits it. SIGUSR1 is taken: to a child it is the soft time limit.
    faulthandler.register(signal.SIGUSR2)
    loaded = settings.load()
    private_files.from_now_on()
    logs.configure(loaded)
    # Celery would set up its own logging; that somebody listens to this signal keeps it from doing so.
    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_shutting_down.connect(shutdown.begin, weak=False)
    if chosen.lane is Lane.BULK:
        signals.worker_process_init.connect(_yield_to_people, weak=False)
    load_slow_libraries(chosen.lane)
    app = connect(loaded, "worker")
    # Celery answers SIGHUP by running these words again: they must name the module, not its file, whose folder would
    # then go before every package.
    sys.argv[:1] = ["-P", "-m", "worker.app"]
    app.worker_main(
        [
            "--quiet",
            "worker",
            f"--queues={chosen.lane.value}",
            f"--concurrency={chosen.concurrency}",
            f"--hostname={chosen.lane.value}-{os.getpid()}@%h",
            "--without-gossip",
            "--without-mingle",
        ]
    )


def __getattr__(name: str) -> Any:
    """Lend Celery's own tools the app, as in `celery -A worker.app status`: it is pointed at Redis when they ask."""
    if name != "app":
        raise AttributeError(name)
    return connect(settings.load(), "worker")


def load_slow_libraries(lane: Lane) -> None:
    """Load now, once, what every child would load again in the middle of its first job."""
    for name in SLOW_LIBRARIES.get(lane, ()):
        import_module(name)


def _keep_logging(**_: Any) -> None:
    """Leave logging as `models.logs` set it up."""


def _yield_to_people(**_: Any) -> None:
    """Let bulk work have the time that nobody waits for."""
    os.nice(BULK_NICENESS)


if __name__ == "__main__":
    main()
