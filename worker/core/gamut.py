"""Pictures of the colours of a tile set: a plot with a dot for each tile, and a strip of its commonest colours."""

import numpy as np
from numpy.typing import NDArray

from worker.core.colour import oklab

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]

PANEL = 320
"""Width and height in pixels of each of the plot's two panels."""
MARGIN = 12
DOT = 3
ROOM = PANEL - 2 * MARGIN - DOT - 1
"""Pixels from the first possible dot to the last: an even number, so that grey lies exactly in the middle."""
PAPER = 250
GREY_CHROMA = 0.035
"""In Oklab, below which a colour counts as a grey; as in `measures.advice`."""
CHROMA = 0.33
"""The largest chroma of sRGB in Oklab is 0.3225, of magenta. Source: B. Ottosson, A perceptual color space, 2020."""
COLOURS = 16
STRIP = (640, 48)
SAMPLE = 20_000
"""Means that the strip is computed from: with more of them no colour changes visibly."""
SEED = 20_261_124


def order(means: Array) -> tuple[Array, Array]:
    """Return numbers by which photos are put in order: their lightness, and one for their colour.

    Args:
        means: (N, 3) mean colours, sRGB, 0 to 255.

    Returns:
        (N,) lightness from 0 to 1, and (N,) colours: of greys the lightness less one, of others the hue in degrees.

    Example:
        >>> [numbers.round(2).tolist() for numbers in order(np.array([[128.0, 128, 128], [255, 0, 0]]))]
        [[0.6, 0.63], [-0.4, 29.23]]
    """
    light, a, b = oklab(means).T
    hue = np.degrees(np.arctan2(b, a)) % 360
    return light, np.where(np.hypot(a, b) < GREY_CHROMA, light - 1, hue)


def plot(means: Array) -> Pixels:
    """Draw every mean as a dot of its own colour, twice: hue and chroma seen from above, and lightness over chroma.

    Left, Oklab's a runs from left to right and b from the bottom up, with grey in the middle. Right, chroma runs from
    left to right and lightness from the bottom up. Light dots lie over dark ones.

    Args:
        means: (N, 3) mean colours, sRGB, 0 to 255.

    Returns:
        (PANEL, 2 * PANEL, 3) pixels.
    """
    places = oklab(means)
    order = np.argsort(places[:, 0], kind="stable")
    light, a, b = places[order].T
    inks = np.clip(np.rint(means[order]), 0, 255).astype(np.uint8)
    above = _panel((a / CHROMA + 1) / 2, (b / CHROMA + 1) / 2, inks)
    beside = _panel(np.hypot(a, b) / CHROMA, light, inks)
    return np.concatenate([above, beside], axis=1)


def palette(means: Array) -> Pixels:
    """Draw the commonest colours of a tile set, dark to light, each as wide as its share of the tiles.

    Args:
        means: (N, 3) mean colours, sRGB, 0 to 255, N >= 1.

    Returns:
        (48, 640, 3) pixels.

    Source:
        k-means in Oklab from k-means++ seeds: D. Arthur and S. Vassilvitskii, 2007.
    """
    from scipy.cluster.vq import kmeans2  # type: ignore[import-untyped]  # noqa: PLC0415 - it is slow to load

    dice = np.random.default_rng(SEED)
    some = means if len(means) <= SAMPLE else means[np.sort(dice.choice(len(means), SAMPLE, replace=False))]
    places = oklab(some)
    count = min(COLOURS, len(np.unique(places, axis=0)))
    _, groups = kmeans2(places, count, minit="++", rng=dice, missing="warn")
    shares = np.bincount(groups, minlength=count)
    there = np.flatnonzero(shares)
    colours = np.stack([some[groups == group].mean(axis=0) for group in there])
    order = np.argsort(oklab(colours)[:, 0], kind="stable")
    ends = np.rint(np.cumsum(shares[there][order]) / len(some) * STRIP[0]).astype(int)
    column = np.repeat(np.rint(colours[order]).astype(np.uint8), np.diff(ends, prepend=0), axis=0)
    return np.tile(column, (STRIP[1], 1, 1))


def _panel(across: Array, up: Array, inks: Pixels) -> Pixels:
    """Draw dots in a panel at positions from 0 to 1.

    Args:
        across: (N,) positions from left to right.
        up: (N,) positions from the bottom up.
        inks: (N, 3) sRGB of the dots.

    Returns:
        (PANEL, PANEL, 3) pixels.
    """
    drawn = np.full((PANEL, PANEL, 3), PAPER, np.uint8)
    left = MARGIN + np.rint(across * ROOM).astype(int)
    top = MARGIN + np.rint((1 - up) * ROOM).astype(int)
    down, right = np.divmod(np.arange(DOT * DOT), DOT)
    # In the order of the dots, so that later ones lie on top.
    drawn[(top[:, None] + down).ravel(), (left[:, None] + right).ravel()] = np.repeat(inks, DOT * DOT, axis=0)
    return drawn
