"""The progress bar: shown for anything that takes longer than two seconds, and only on a terminal."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from worker import interrupts

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

CLEAN = b"\r\x1b[2K\x1b[?25h"
"""Erase the line, show the cursor. Source: ECMA-48, 8.3.41; xterm's DECTCEM."""
QUIET_SECONDS = 1.0
"""When it is shown, so that nobody waits two seconds without seeing anything."""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


class Bar:
    """A progress bar that appears once the work has lasted a second; `bar(phase, done, total)` moves it."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._began = time.monotonic()
        self._shown: Progress | None = None
        self._task: TaskID | None = None
        self._done_before = 0
        self._leaving = ExitStack()
        self._phase, self._phase_began = "", 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.close()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Show how far a phase is."""
        if self._shown is None:
            if self._quiet or not sys.stderr.isatty() or time.monotonic() - self._began < QUIET_SECONDS:
                return
            self._show()
        if self._shown is None:
            return
        if phase != self._phase or self._task is None:
            if self._task is not None:
                self._shown.remove_task(self._task)
            self._phase, self._phase_began = phase, time.monotonic()
            self._task, self._done_before = self._shown.add_task(phase, rate=""), done
        self._shown.update(self._task, completed=done, total=total, rate=self._rate(done))

    def _rate(self, done: int) -> str:
        """Return how many are done a second, measured since the phase was first shown."""
        seconds = time.monotonic() - self._phase_began
        return f"{(done - self._done_before) / seconds:,.0f}/s" if seconds > 0 and done > self._done_before else ""

    def _show(self) -> None:
        from rich import progress  # noqa: PLC0415 - a quick run, or one without a terminal, never pays for it
        from rich.console import Console  # noqa: PLC0415 - the same

        self._shown = progress.Progress(
            progress.TextColumn("{task.description:<14}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        # A signal ends the process at once, so its handler must show the cursor again and clear the line.
        self._leaving.enter_context(interrupts.clearing(lambda: os.write(sys.stderr.fileno(), CLEAN)))
        self._leaving.enter_context(self._shown)
