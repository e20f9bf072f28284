"""The least that any indexer must do: decode every photo of a folder at a reduced scale, on as many threads as cores.

Called as `bare.py FOLDER SIDE`. It is what the speed of an index is measured against, so it imports nothing else.
"""

import os
import sys
import threading

from PIL import Image

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decode(paths: list[str], side: int) -> None:
    """Decode JPEGs at the smallest of their scales that has at least this side."""
    for path in paths:
        with Image.open(path) as image:
            image.draft("RGB", (side, side))
            image.load()


def main(folder: str, side: int) -> None:
    """Decode the files of a folder."""
    paths = sorted(entry.path for entry in os.scandir(folder) if entry.is_file())
    threads = [threading.Thread(target=decode, args=(paths[first::THREADS], side)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
