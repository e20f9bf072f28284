"""Where the `tessera` command begins: its plainest form is understood here, all others are click's.

To load click takes longer than to see that a folder has not changed.
"""

import gc
import sys

from cli import streams
from worker import interrupts

PLAIN = 3
"""`tessera index DIR` has so many words."""
LOCAL = ("render", "compare", "index")
"""Commands that need no service: a signal ends them at once, and what libraries print is dropped. A command of the
service starts other processes and ends them in its own way; what those print goes to its logs."""
INTERRUPTED = 130


def main() -> None:
    """Run the command; whatever a person can cause ends in one sentence and an exit code."""
    words = sys.argv[1:]
    try:
        if words and words[0] in LOCAL:
            interrupts.watch()
        streams.prepare()
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - one that was not foreseen is raised again
        code = _foreseen(error)
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
    """Say a foreseen failure in its sentence; any other is raised again."""
    from models.errors import TesseraError  # noqa: PLC0415 - a quick answer never needs it

    if not isinstance(error, TesseraError):
        raise error
    sys.stderr.write(f"tessera: {error}\n")
    return 2
