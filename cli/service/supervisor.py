"""Runs child processes together: starts them, starts them again when they die, and ends them all."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import click

from models.errors import TesseraError
from worker import interrupts

GRACE_SECONDS = 10.0
WATCH_SECONDS = 0.5
MOST_STARTS = 5
WITHIN_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
"""Source: prctl(2) of Linux."""


class ChildrenFailed(TesseraError):
    """A child process that does not stay up."""

    code = "child_failed"


@dataclass
class Child:
    """One child process: its command, and the file that its output goes to; None for our own output."""

    name: str
    command: Sequence[str]
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    starts: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_STARTS))


class Supervisor:
    """Child processes, which are ended in the opposite order of their start."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or os.environ)
        self._children: list[Child] = []
        self._stopping = False

    def __enter__(self) -> Self:
        for number in interrupts.ENDING:
            # A signal that is ignored, as under nohup, stays ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked us to stop."""
        return self._stopping

    def start(self, name: str, command: Sequence[str], log: Path | None = None) -> None:
        """Start a child, which `watch` will keep running."""
        child = Child(name, command, log)
        self._children.append(child)
        self._launch(child)

    def watch(self, until: Callable[[], bool] | None = None) -> None:
        """Keep the children running until somebody asks us to stop or `until` returns True.

        Raises:
            ChildrenFailed: a child died five times within a minute.
        """
        while not self._stopping and not (until is not None and until()):
            for child in self._children:
                if child.process is not None and child.process.poll() is not None:
                    self._relaunch(child)
            time.sleep(WATCH_SECONDS if until is None else WATCH_SECONDS / 10)

    def end(self) -> None:
        """Ask every child to end; kill those that do not end within ten seconds."""
        for child in reversed(self._children):
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in reversed(self._children):
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                # The child leads a process group of its own, so this kills its children too, and no other process.
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
        self._children.clear()

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _launch(self, child: Child) -> None:
        child.starts.append(time.monotonic())
        output = child.log.open("ab") if child.log is not None else None
        try:
            child.process = subprocess.Popen(
                list(child.command),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - it calls the kernel and nothing else
            )
        finally:
            if output is not None:
                output.close()

    def _relaunch(self, child: Child) -> None:
        code = child.process.returncode if child.process is not None else None
        often = len(child.starts) == MOST_STARTS and time.monotonic() - child.starts[0] < WITHIN_SECONDS
        if often:
            raise ChildrenFailed(f"The {child.name} does not stay up (exit code {code}).{_last_lines(child.log)}")
        click.echo(f"The {child.name} stopped (exit code {code}); starting it again.", err=True)
        self._launch(child)


def _die_with_parent() -> None:
    """Have the kernel end this child when its parent is gone, even if that was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _last_lines(log: Path | None, most: int = 15) -> str:
    if log is None or not log.is_file():
        return ""
    lines = log.read_text(errors="replace").splitlines()[-most:]
    return f" The last lines of {log}:\n" + "\n".join(lines)
