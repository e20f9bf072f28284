"""What the hostile tests stand on: memory that is measured, and processes of their own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

STATUS = Path("/proc/self/status")


def _mebibytes(line: str) -> float:
    found = next(each for each in STATUS.read_text().splitlines() if each.startswith(f"{line}:"))
    return int(found.split()[1]) / 1024


class Peak:
    """How far this process's resident memory rose above what it was, in MiB, whatever it had been before."""

    def __enter__(self) -> Self:
        # 5 sets the high-water mark back. Source: proc_pid_clear_refs(5).
        Path("/proc/self/clear_refs").write_text("5")
        self._before = _mebibytes("VmRSS")
        self.growth = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self.growth = _mebibytes("VmHWM") - self._before


@pytest.fixture
def peak() -> Callable[[], Peak]:
    """Measure what a piece of work takes: `with peak() as seen: ...`, then `seen.growth`."""
    return Peak


@pytest.fixture(scope="session")
def child() -> Callable[..., str]:
    """Run a piece of Python in a process of its own; return what it printed. One that dies fails the test."""

    def run(script: str, *words: object, data: bytes = b"", seconds: float = 120) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, words)],
            input=data,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, (done.returncode, done.stderr.decode()[-2_000:])
        return done.stdout.decode()

    return run
