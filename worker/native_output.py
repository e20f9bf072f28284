"""What libraries written in C print on standard error: nothing that anybody should see.

libtiff, libpng and others say there what they think of a photo, in lines of their own. What is to be said of it is
said by us, through `sys.stderr`.
"""

import fcntl
import os
import sys

STANDARD_ERROR = 2


def libraries() -> None:
    """Keep standard error for Python alone: what C code writes there is dropped, in forked children too."""
    if sys.stderr is None:
        return
    ours = fcntl.fcntl(STANDARD_ERROR, fcntl.F_DUPFD_CLOEXEC, STANDARD_ERROR + 1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STANDARD_ERROR)
    os.close(nowhere)
    sys.stderr = open(  # noqa: SIM115 - for as long as the process lives; the decoder's children share it
        ours, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False
    )
