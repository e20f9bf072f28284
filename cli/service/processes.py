"""How each process of the service is started.

With `-P`, so that a `models.py` or `json.py` in the folder where somebody stands is not taken for ours or Python's.
"""

import sys

from models.rules.lifecycle import Lane

PYTHON = (sys.executable, "-P", "-m")
CONNECTIONS = 512
"""Open at once in each web process; below the 1,024 files that a process may commonly have open."""


def gunicorn(bind: str, workers: int, threads: int) -> list[str]:
    """Return the command that serves the web app."""
    options = [
        f"--bind={bind}",
        f"--workers={workers}",
        f"--threads={threads}",
        "--worker-class=web.connections.Worker",
        f"--worker-connections={CONNECTIONS}",
        "--no-sendfile",
        "--timeout=120",
        "--graceful-timeout=10",
        "--no-control-socket",
        # A request's own header must not say at which address it is answered.
        "--forwarder-headers=",
    ]
    return [*PYTHON, "web.server", *options]


def lane_worker(lane: Lane, concurrency: int | None = None) -> list[str]:
    """Return the command that serves one lane."""
    command = [*PYTHON, "worker.app", f"--lane={lane.value}"]
    return command if concurrency is None else [*command, f"--concurrency={concurrency}"]


def sweeper() -> list[str]:
    """Return the command that sweeps."""
    return [*PYTHON, "worker.jobs.sweep"]
