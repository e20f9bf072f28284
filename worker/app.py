"""A worker process: one Celery node for one lane."""

import argparse
import faulthandler
import os
import signal
import sys
from importlib import import_module
from typing import Any

if __name__ == "__main__":
    # The imports take a while. Until this process sets its own handlers, Ctrl-C ends it without a traceback.
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
"""Libraries that are loaded on first use, and that every job of a lane uses."""


def main() -> None:
    """Serve one lane until SIGTERM; then jobs in hand have a moment to end, and what does not is given back."""
    parser = argparse.ArgumentParser(prog="python -m worker.app", description=main.__doc__)
    parser.add_argument("--lane", type=Lane, choices=list(Lane), required=True)
    parser.add_argument("--concurrency", type=int, default=parallel.core_count())
    chosen = parser.parse_args()
    # Every child inherits it. SIGUSR1 is not free: Celery sends it to a child at the soft time limit.
    faulthandler.register(signal.SIGUSR2)
    loaded = settings.load()
    private_files.from_now_on()
    logs.configure(loaded)
    # Celery sets up its own logging unless this signal has a listener.
    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_shutting_down.connect(shutdown.begin, weak=False)
    if chosen.lane is Lane.BULK:
        signals.worker_process_init.connect(_yield_to_people, weak=False)
    load_slow_libraries(chosen.lane)
    app = connect(loaded, "worker")
    # On SIGHUP Celery runs these words again. They must name the module: with its file, Python would put that file's
    # folder first on the module path.
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
    """Give Celery's own tools the app, connected to Redis, as in `celery -A worker.app status`."""
    if name != "app":
        raise AttributeError(name)
    return connect(settings.load(), "worker")


def load_slow_libraries(lane: Lane) -> None:
    """Load a lane's slow libraries before the fork; else every child would load them during its first job."""
    for name in SLOW_LIBRARIES.get(lane, ()):
        import_module(name)


def _keep_logging(**_: Any) -> None:
    """Leave logging as `models.logs` set it up."""


def _yield_to_people(**_: Any) -> None:
    """Lower this process's priority, so that bulk work does not slow down what people wait for."""
    os.nice(BULK_NICENESS)


if __name__ == "__main__":
    main()
