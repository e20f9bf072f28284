"""How each process of the service is started."""

import sys

from models.lifecycle import Lane


def gunicorn(bind: str, workers: int, threads: int) -> list[str]:
    """Return the command that serves the web app."""
    options = [
        f"--bind={bind}",
        f"--workers={workers}",
        f"--threads={threads}",
        "--worker-class=gthread",
        "--timeout=120",
        "--graceful-timeout=10",
        "--no-control-socket",
    ]
    return [sys.executable, "-m", "gunicorn", *options, "web.app:create_app()"]


def lane_worker(lane: Lane, concurrency: int | None = None) -> list[str]:
    """Return the command that serves one lane."""
    command = [sys.executable, "-m", "worker.app", f"--lane={lane.value}"]
    return command if concurrency is None else [*command, f"--concurrency={concurrency}"]


def sweeper() -> list[str]:
    """Return the command that sweeps."""
    return [sys.executable, "-m", "worker.sweep"]
