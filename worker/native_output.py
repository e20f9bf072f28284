"""Silences what C libraries print on standard error.

libtiff, libpng and others print remarks about a photo there. What users should know about it, Tessera says itself,
through `sys.stderr`.
"""

import fcntl
import os
import sys

STANDARD_ERROR = 2


def libraries() -> None:
    """Reserve standard error for Python: what C code writes there is dropped, in forked children too."""
    if sys.stderr is None:
        return
    ours = fcntl.fcntl(STANDARD_ERROR, fcntl.F_DUPFD_CLOEXEC, STANDARD_ERROR + 1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STANDARD_ERROR)
    os.close(nowhere)
    sys.stderr = open(  # noqa: SIM115 - open as long as the process lives; its forked children share it
        ours, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False
    )
