"""`tessera index DIR` without options, and without click."""

import os
import sys

from cli import streams
from worker.file_filter import Sieve
from worker.folder_scan import walk
from worker.local_index import cache_paths, unchanged
from worker.local_index.terminal_names import readable


def index(folder: str) -> None:
    """Index a folder, and say what is new."""
    sieve = Sieve()
    files = list(walk(folder, sieve)) if os.path.isdir(folder) else []
    answer = unchanged.answer(cache_paths.entry_path(folder), files, sieve) if files else None
    if answer is None:
        from cli.local import indexing  # noqa: PLC0415 - for an unchanged folder it would take most of the time

        streams.hush()
        indexing.run(folder, sieve, files or None)
        return
    sys.stderr.write(answer[1])
    sys.stdout.write(f"{readable(folder)}: {answer[0]}\n")
