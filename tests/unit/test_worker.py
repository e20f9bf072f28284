"""What a worker process does before its first job."""

import subprocess
import sys

INDEXING = """
import sys
import numpy as np
from models.rules.lifecycle import Lane
from worker import app
from worker.core import gamut

app.load_slow_libraries(Lane.INDEXING)
loaded = set(sys.modules)
gamut.palette(np.arange(12.0).reshape(4, 3))
print(sorted(set(sys.modules) - loaded))
"""


def test_the_first_tile_set_of_a_worker_finds_the_slow_libraries_loaded():
    ended = subprocess.run([sys.executable, "-c", INDEXING], capture_output=True, text=True, check=True)

    assert ended.stdout == "[]\n"
