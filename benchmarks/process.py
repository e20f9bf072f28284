"""Whole processes, from start to exit: what they took."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""The unit of ru_maxrss. Source: getrusage(2) of macOS and of Linux."""
HERE = Path(__file__).parent
MASKED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "PYTHONTRACEMALLOC", "PYTHONDEVMODE")
"""Variables that make every start of Python slower, so that it is no longer what people have."""


class Failed(Exception):
    """A process that was to be measured ended with an error."""


@dataclass(frozen=True)
class Run:
    """What one process took.

    Attributes:
        seconds: From before its start until after its exit.
        cpu_seconds: Of all its threads, in the program and in the kernel.
        peak_mb: The largest resident memory, in megabytes of 10**6 bytes. Linux counts in what the process that
            started it had before, so this program imports neither numpy nor Pillow and stays below what it measures.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float


def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> Run:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        environment: Variables to set beside our own.

    Raises:
        Failed: its exit code is not 0.
    """
    variables = {name: value for name, value in os.environ.items() if name not in MASKED}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env={**variables, **environment}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise Failed(f"{command} ended with {process.returncode}:\n{said.read().decode(errors='replace')}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_BYTES / 1e6)


def python(script: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs a script of this folder."""
    return [sys.executable, HERE / script, *arguments]
