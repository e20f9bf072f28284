"""Pictures that show the colours of a tile set."""

import numpy as np

from worker.core import gamut
from worker.decoding import images
from worker.tile_index.index import Index

BLOCK_ROWS = 4_096


def pictures(tiles: Index) -> tuple[bytes, bytes]:
    """Return two PNG files: the plot of the mean colours of all tiles, and the strip of their commonest colours."""
    means = np.concatenate(
        [
            tiles.thumb[first : first + BLOCK_ROWS].mean(axis=(1, 2), dtype=np.float64)
            for first in range(0, len(tiles), BLOCK_ROWS)
        ]
    )
    return images.encode_png(gamut.plot(means)), images.encode_png(gamut.palette(means))
