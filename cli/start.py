"""Where the `tessera` command begins: its plainest form is understood here, all others are click's.

To load click takes longer than to see that a folder has not changed.
"""

import gc
import sys

PLAIN = 3
"""`tessera index DIR` has so many words."""


def main() -> None:
    """Run the command."""
    if len(sys.argv) == PLAIN and sys.argv[1] == "index" and not sys.argv[2].startswith("-"):
        from cli import plain  # noqa: PLC0415 - only what is needed is loaded

        gc.disable()
        sys.exit(plain.index(sys.argv[2]))
    from cli.main import tessera  # noqa: PLC0415 - the same

    tessera()
