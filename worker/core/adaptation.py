"""Maps a target's colours towards those that a tile set can show: for small sets, and for dull ones.

In Oklab, lightness is moved as a whole, and squeezed where its range is wider than that of the tiles, so that nearly
all of the target's cells lie between the darkest and the lightest tiles; then chroma is squeezed, hue by hue, to what
the tiles reach in that hue. Nothing is made more colourful than it was, and a target whose colours the tiles can show
stays as it is.
"""

import numpy as np
from numpy.typing import NDArray

from worker.core.colour import oklab, srgb_of_oklab

Array = NDArray[np.float64]

EDGE = 0.02
"""Share of the darkest and of the lightest cells and tiles that is left out of account, and of the most colourful."""
STEPS = 33
"""Colours along each side of a table; between them, the changes are so even that linear interpolation is enough."""
HUES = 24
"""Directions in which chroma is compared; between them, its scale is interpolated."""
GREY = 1e-3
"""Chroma below which a hue means nothing."""


def table(cells: Array, tiles: Array, share: float) -> NDArray[np.float32]:
    """Return a table of what colours become.

    Args:
        cells: (N, 3) mean colours of the target's cells, sRGB, 0 to 255.
        tiles: (M, 3) mean colours of the tiles, likewise, M >= 1.
        share: How far colours move, from 0, where they stay, to 1.

    Returns:
        (33, 33, 33, 3) sRGB, 0 to 1, by the blue, green and red of a colour, in equal steps from 0 to 255.
    """
    levels = np.linspace(0.0, 255.0, STEPS)
    blue, green, red = np.meshgrid(levels, levels, levels, indexing="ij")
    colours = oklab(np.stack([red, green, blue], axis=-1))
    mapped = _mapped(colours, oklab(cells), oklab(tiles))
    moved: NDArray[np.float32] = (srgb_of_oklab(colours + share * (mapped - colours)) / 255).astype(np.float32)
    return moved


def _mapped(colours: Array, cells: Array, tiles: Array) -> Array:
    """Return Oklab colours (..., 3) mapped into the range of the tiles (M, 3), as the cells (N, 3) need it."""
    mapped = np.empty_like(colours)
    (dark, light), (low, high) = (np.quantile(side[:, 0], [EDGE, 1 - EDGE]) for side in (cells, tiles))
    span = min(light - dark, high - low)
    start = float(np.clip(dark, low, high - span))
    slope = span / (light - dark) if light > dark else 1.0
    mapped[..., 0] = np.clip(start + slope * (colours[..., 0] - dark), 0.0, 1.0)
    hues = np.linspace(-np.pi, np.pi, HUES + 1)
    wanted, there = (_reach(side[:, 1:], hues) for side in (cells, tiles))
    scale = np.where(wanted > GREY, np.clip(there / np.maximum(wanted, GREY), 0.0, 1.0), 1.0)
    hue = np.arctan2(colours[..., 2], colours[..., 1])
    mapped[..., 1:] = colours[..., 1:] * np.interp(hue, hues, scale)[..., None]
    return mapped


def _reach(chroma: Array, hues: Array) -> Array:
    """Return how far colours (N, 2), given by a and b, reach towards each of (H,) hues; at least 0."""
    along = chroma @ np.stack([np.cos(hues), np.sin(hues)])
    reach: Array = np.maximum(np.quantile(along, 1 - EDGE, axis=0), 0.0)
    return reach
