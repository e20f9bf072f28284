"""What would make a mosaic better, in sentences for people; none where nothing is lacking."""

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree

from worker.core.colour import ciede2000, lab, lab_of_even_chroma, oklab

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

FAR = 10.0
"""dE00 above which two colours are plainly different."""
LEAST_SHARE = 0.01
"""The smallest share of the cells that is worth new photos."""
MOST_GAPS = 3
MOST_TOUCHING = 0.1
STEP = 4.0
"""Levels of sRGB to which colours are rounded before gaps are looked for: a dE00 of about 1."""

BLACK, DARK, LIGHT, WHITE = 0.2, 0.45, 0.8, 0.95
GREY_CHROMA = 0.035
BROWN_BELOW = 0.62
HUES = ((10, "pinks"), (45, "reds"), (85, "oranges"), (115, "yellows"), (165, "greens"), (215, "turquoises"),
        (285, "blues"), (335, "purples"), (360, "pinks"))  # fmt: skip
"""Where the hue of Oklab in degrees ends under each name. Our own, between the named colours of CSS Color 4:
crimson 20, red 29, orange 70, yellow 110, lime 142, cyan 195, blue 264, purple 328, hotpink 350."""


def on_colours(cell_means: Array, tile_means: Array, placement: Numbers) -> list[str]:
    """Say which colours of the target no tile comes near, the most frequent first, three at most.

    A cell lies in a gap when its own tile and the tile of nearest colour are both more than 10 dE00 from its mean.
    Only colours that at least one cell in a hundred lacks are named.

    Args:
        cell_means: (..., 3) sRGB of the cells, 0 to 255.
        tile_means: (M, 3) sRGB of all tiles, 0 to 255, M >= 1.
        placement: (...) numbers of their tiles.

    Returns:
        At most three sentences.

    Example:
        >>> on_colours(np.array([[[0.0, 0, 90]]]), np.array([[200.0, 180, 90]]), np.array([[0]]))
        ['Your tiles lack dark blues: 1 cell (100 %) found nothing near.']
    """
    cells = cell_means.reshape(-1, 3)
    unmet = cells[ciede2000(lab(cells), lab(tile_means[placement.ravel()])) > FAR]
    colours, counts = np.unique(np.rint(unmet / STEP) * STEP, axis=0, return_counts=True)
    gaps: dict[str, int] = {}
    for colour, count, best in zip(colours, counts.tolist(), _least_differences(colours, tile_means), strict=True):
        if best > FAR:
            name = name_of(colour)
            gaps[name] = gaps.get(name, 0) + count
    worst = sorted(gaps.items(), key=lambda gap: -gap[1])[:MOST_GAPS]
    return [_lack(name, count, len(cells)) for name, count in worst if count >= LEAST_SHARE * len(cells)]


def on_repeats(touching: float) -> list[str]:
    """Say that equal tiles lie side by side, when more than one pair of neighbours in ten is equal.

    Example:
        >>> on_repeats(0.25)
        ['Equal tiles touch in 25 % of places: more tiles, or a minimum distance, would spread them.']
    """
    if touching <= MOST_TOUCHING:
        return []
    share = round(100 * touching)
    return [f"Equal tiles touch in {share} % of places: more tiles, or a minimum distance, would spread them."]


def name_of(colour: Array) -> str:
    """Return what people call a colour, in the plural.

    Args:
        colour: (3,) sRGB, 0 to 255.

    Source:
        Lightness, chroma and hue of Oklab (B. Ottosson 2020); the boundaries are our own.

    Example:
        >>> name_of(np.array([0.0, 0.0, 139.0]))
        'dark blues'
    """
    lightness, a, b = oklab(colour).tolist()
    if np.hypot(a, b) < GREY_CHROMA:
        if lightness < BLACK:
            return "blacks"
        return "whites" if lightness > WHITE else _shade(lightness) + "greys"
    hue = float(np.degrees(np.arctan2(b, a))) % 360.0
    name = next(name for end, name in HUES if hue <= end)
    if name == "oranges" and lightness < BROWN_BELOW:
        name = "browns"
    return _shade(lightness) + name


def _shade(lightness: float) -> str:
    if lightness < DARK:
        return "dark "
    return "light " if lightness > LIGHT else ""


def _lack(name: str, count: int, of: int) -> str:
    cells = "1 cell" if count == 1 else f"{count:,} cells"
    return f"Your tiles lack {name}: {cells} ({100 * count / of:.0f} %) found nothing near."


def _least_differences(colours: Array, tile_means: Array) -> Array:
    """Return the (n,) dE00 from each of (n, 3) colours to the tile nearest in L*a*b* of even chroma.

    That distance is close to dE00, and a k-d tree can search by it.
    """
    if not len(colours):
        return np.empty(0)
    # The counts are not needed, but without them numpy would load its masked arrays: a tenth of a small render.
    tiles, _ = np.unique(np.rint(tile_means / STEP) * STEP, axis=0, return_counts=True)
    _, nearest = KDTree(lab_of_even_chroma(tiles)).query(lab_of_even_chroma(colours), k=1)
    return ciede2000(lab(colours), lab(tiles[nearest.astype(np.intp)]))
