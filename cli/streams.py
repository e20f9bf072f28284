"""Standard output and standard error that may be closed, full, or read by nobody any more.

The quickest answer needs this, so it imports next to nothing.
"""

import io
import os
import sys

OUT, ERR = 1, 2


class Out(io.FileIO):
    """Standard output; when it takes no more, that is one foreseen failure, and nothing is written there any more."""

    def write(self, data: object) -> int | None:  # type: ignore[override]  # whatever the buffer above hands down
        """Write some bytes."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            _to_nowhere(self.fileno())
            raise _unwritable(str(error.strerror)) from error


class Err(io.FileIO):
    """Standard error; when it takes no more there is nobody left to tell."""

    def write(self, data: object) -> int | None:  # type: ignore[override]  # as above
        """Write some bytes, or drop them."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            _to_nowhere(self.fileno())
            return memoryview(data).nbytes  # type: ignore[arg-type]


def prepare() -> None:
    """Put both in the place of Python's own.

    Raises:
        UnwritableOutput: standard output is closed.
    """
    if sys.stderr is None:
        _to_nowhere(ERR)
    number = ERR if sys.stderr is None else sys.stderr.fileno()
    sys.stderr = _text(Err(number, "w", closefd=False), sys.stderr, buffering=True)
    if sys.stdout is None:
        # Otherwise the next file that is opened would be where libraries print.
        _to_nowhere(OUT)
        raise _unwritable("it is closed")
    sys.stdout = _text(Out(OUT, "w", closefd=False), sys.stdout, buffering=bool(sys.stdout.line_buffering))


def hush() -> None:
    """Keep standard error for ourselves: what libraries print there is dropped."""
    from worker import native_output  # noqa: PLC0415 - a quick answer opens no photo

    native_output.libraries()
    sys.stderr = _text(Err(sys.stderr.fileno(), "w", closefd=False), sys.stderr, buffering=True)


def _text(raw: io.FileIO, before: object, *, buffering: bool) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    # A name of a file may hold what is no text, and a sentence may hold what the terminal has no letter for.
    errors = "surrogateescape" if encoding.lower() in {"utf-8", "utf8"} else "backslashreplace"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=buffering)


def _to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _unwritable(why: str) -> Exception:
    from models.errors import UnwritableOutput  # noqa: PLC0415 - a quick answer never needs it

    return UnwritableOutput(f"Standard output cannot be written: {why}.")
