"""What the figures were measured with. As a script it prints what only the imported libraries know."""

import json
import os
import platform
import subprocess
import sys
from typing import Any

from process import Failed, python


def described() -> dict[str, Any]:
    """Return the core count, how busy the machine is already, the versions, and the scale of the index.

    A process of its own imports the libraries, so that this one stays small.

    Raises:
        Failed: Tessera is not installed here.
    """
    asked = subprocess.run(python("machine.py"), capture_output=True, text=True, check=False)
    if asked.returncode:
        raise Failed(f"Tessera cannot be imported by {sys.executable}:\n{asked.stderr}")
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        **json.loads(asked.stdout),
    }


def main() -> None:
    """Print the rest as JSON."""
    import numpy as np  # noqa: PLC0415 - only this process needs them
    import PIL  # noqa: PLC0415

    from worker import parallel  # noqa: PLC0415
    from worker.rendering import writer  # noqa: PLC0415
    from worker.tile_index import index  # noqa: PLC0415

    # libvips starts no thread before it is used, and core_count() is what the renderer goes by.
    known = {
        "cores": parallel.core_count(),
        "cores_of_machine": os.cpu_count(),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "libvips": writer.version(),
        "index_side": 2 * index.SIDE,
    }
    print(json.dumps(known))


if __name__ == "__main__":
    main()
