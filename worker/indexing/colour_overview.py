"""The colours of a tile set: pictures that show them, what they lack, and the order of its photos by them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.photo_measures import Measures
from worker.core import gamut
from worker.core.measures import lacks
from worker.decoding import images
from worker.tile_index.index import Index

BLOCK_ROWS = 4_096


class Overview(NamedTuple):
    """Two PNG files, a plot of all mean colours and a strip of the commonest, and sentences on what is lacking."""

    plot: bytes
    palette: bytes
    lacks: list[str]


def means(tiles: Index) -> NDArray[np.float64]:
    """Return the (M, 3) mean colour of each tile, sRGB, 0 to 255."""
    return np.concatenate(
        [
            tiles.thumb[first : first + BLOCK_ROWS].mean(axis=(1, 2), dtype=np.float64)
            for first in range(0, len(tiles), BLOCK_ROWS)
        ]
    )


def overview(colours: NDArray[np.float64]) -> Overview:
    """Return what is shown of the (M, 3) mean colours of tiles."""
    plot, palette = (images.encode_png(draw(colours)) for draw in (gamut.plot, gamut.palette))
    return Overview(plot, palette, lacks.of_photos(colours))


def measures(sizes: NDArray[np.uint32], colours: NDArray[np.float64]) -> list[Measures]:
    """Return what rows of photos say of their pictures, by (N, 2) sizes and (N, 3) mean colours."""
    lightness, places = gamut.order(colours)
    numbers = zip(*sizes.T.tolist(), lightness.tolist(), places.tolist(), strict=True)
    return [Measures(*each) for each in numbers]
