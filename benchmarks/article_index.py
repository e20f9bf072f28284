"""Indexing as in many an article: every photo decoded in full, and its three means kept, in one process.

Called as `article_index.py FOLDER OUT`.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def main(folder: Path, out: Path) -> None:
    """Write the means of every photo."""
    means = {}
    for path in sorted(folder.iterdir()):
        photo = Image.open(path).convert("RGB")
        means[path.name] = np.array(photo).mean(axis=(0, 1)).tolist()
    out.write_text(json.dumps(means))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
