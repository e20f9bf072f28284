"""The commands that start the processes of the service.

They have `-P`, so that a `models.py` or `json.py` in the current folder is not imported in place of ours or Python's.
"""

import sys

from models.rules.lifecycle import Lane

PYTHON = (sys.executable, "-P", "-m")
CONNECTIONS = 512
"""Connections at once in each web process; fewer than the 1,024 files that a process may usually have open."""


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
        # A request's own headers must not decide which address the app believes to have.
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
