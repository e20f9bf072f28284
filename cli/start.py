"""The entry point of the `tessera` command. Its simplest form is handled here, all others by click.

Loading click takes longer than finding out that a folder has not changed.
"""

import gc
import os
import sys

from cli import streams
from worker import interrupts

PLAIN = 3
"""How many words `tessera index DIR` has."""
LOCAL = ("render", "compare", "index")
"""Commands that need no service: a signal ends them at once, and what libraries print is dropped. Commands of the
service start other processes and end them in their own way; what those print goes to logs."""
INTERRUPTED = 130


def main() -> None:
    """Run the command; any failure that a person can cause ends in one sentence and an exit code."""
    words = sys.argv[1:]
    local = bool(words) and words[0] in LOCAL
    try:
        if local:
            interrupts.watch()
            # Read when numpy is loaded. Each of our threads has one of BLAS alone: the others need not be started.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        streams.prepare()
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - an unforeseen one is raised again
        code = _foreseen(error)
    if local:
        sys.stderr.flush()
        # No command leaves anything to atexit, and to take the interpreter apart is a thirtieth of a quick render.
        os._exit(code)
    sys.exit(code)


def _run(words: list[str]) -> int:
    if len(words) == PLAIN - 1 and words[0] == "index" and words[1][:1] not in {"", "-"}:
        from cli.local import fast_index  # noqa: PLC0415 - only what is needed is loaded

        gc.disable()
        fast_index.index(words[1])
        return 0
    if words and words[0] in LOCAL:
        streams.hush()
    from cli import main as full  # noqa: PLC0415 - the same

    return full.run()


def _foreseen(error: Exception) -> int:
    """Print the sentence of a foreseen failure, and return its exit code; raise any other again."""
    from models.errors import TesseraError  # noqa: PLC0415 - `fast_index` never needs it

    if not isinstance(error, TesseraError):
        raise error
    sys.stderr.write(f"tessera: {error}\n")
    return 2
