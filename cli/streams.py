"""Standard output and standard error, which may be closed, full, or no longer read by anybody.

`fast_index` needs this, so it imports next to nothing.
"""

import io
import os
import sys

OUT, ERR = 1, 2


class Out(io.FileIO):
    """Standard output; if it cannot be written any more, that is one foreseen failure, and the rest is dropped."""

    def write(self, data: object) -> int | None:  # type: ignore[override]  # whatever the buffer above hands down
        """Write some bytes."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            _to_nowhere(self.fileno())
            raise _unwritable(str(error.strerror)) from error


class Err(io.FileIO):
    """Standard error; if it cannot be written any more, all the rest is dropped."""

    def write(self, data: object) -> int | None:  # type: ignore[override]  # as above
        """Write some bytes, or drop them."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            _to_nowhere(self.fileno())
            return memoryview(data).nbytes  # type: ignore[arg-type]


def prepare() -> None:
    """Replace Python's own streams by these.

    Raises:
        UnwritableOutput: standard output is closed.
    """
    if sys.stderr is None:
        _to_nowhere(ERR)
    number = ERR if sys.stderr is None else sys.stderr.fileno()
    sys.stderr = _text(Err(number, "w", closefd=False), sys.stderr, buffering=True)
    if sys.stdout is None:
        # Otherwise the next file to be opened would get number 1, and libraries would print into it.
        _to_nowhere(OUT)
        raise _unwritable("it is closed")
    sys.stdout = _text(Out(OUT, "w", closefd=False), sys.stdout, buffering=bool(sys.stdout.line_buffering))


def hush() -> None:
    """Reserve standard error for ourselves: what libraries print there is dropped."""
    from worker import native_output  # noqa: PLC0415 - `fast_index` opens no photo

    native_output.libraries()
    sys.stderr = _text(Err(sys.stderr.fileno(), "w", closefd=False), sys.stderr, buffering=True)


def _text(raw: io.FileIO, before: object, *, buffering: bool) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    # The name of a file may contain bytes that are no text, and the terminal's encoding may lack a letter.
    errors = "surrogateescape" if encoding.lower() in {"utf-8", "utf8"} else "backslashreplace"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=buffering)


def _to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _unwritable(why: str) -> Exception:
    from models.errors import UnwritableOutput  # noqa: PLC0415 - `fast_index` never needs it

    return UnwritableOutput(f"Standard output cannot be written: {why}.")
