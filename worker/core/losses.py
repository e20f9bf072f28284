"""Losses, by name: each says how far a tile is from a cell.

A loss computes features from the means of sub-cells, and a metric compares the features of a cell and of a tile.
The cost of a tile in a cell is the loss squared, so that one bad cell weighs more than two that are half as bad.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from worker.core import outline
from worker.core.colour import LUMA, ciede2000, lab, lab_of_even_chroma, oklab
from worker.core.lattice import Lattice

Array = NDArray[np.float64]

BALANCED_SUBCELLS = 4
STRUCTURE = 5.5
"""Weight of a squared difference of luma relative to one of colour; docs/explanation/matcher.md says why."""
PIXELS = 16
"""Sub-cells a side of the loss `pixels`, which stand for every pixel of a cell."""


class Metric(Enum):
    """How two vectors of features are compared."""

    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"
    CIEDE2000 = "ciede2000"


@dataclass(frozen=True)
class Loss:
    """Which features are compared, and how.

    Attributes:
        subcells: The grids of sub-cells that it needs, each given by its sub-cells a side, g.
        features: Takes, for each g of `subcells`, the (N, g, g, 3) means of the sub-cells (sRGB, 0 to 255); returns
            (N, D).
        metric: How the features are compared.
        scale: The cost is the squared distance between features times this.
        of_whole: How many of the features, the first ones, are of the whole cell; the others are of the sub-cells of
            the last grid, as many of each, row by row.
    """

    subcells: tuple[int, ...]
    features: Callable[[Sequence[Array]], Array]
    metric: Metric = Metric.EUCLIDEAN
    scale: float = 1.0
    of_whole: int = 0


def mean_rgb() -> Loss:
    """Euclidean distance of the mean colours: sqrt(dR^2 + dG^2 + dB^2), encoded sRGB. The article's."""
    return Loss((1,), _mean)


def mean_rgb_manhattan() -> Loss:
    """Manhattan distance of the mean colours: |dR| + |dG| + |dB|, encoded sRGB. The article's second."""
    return Loss((1,), _mean, Metric.MANHATTAN)


def mean_rgb_luma() -> Loss:
    """Distance of the mean colours weighted by luma: sqrt(0.2126 dR^2 + 0.7152 dG^2 + 0.0722 dB^2).

    Source:
        The weights are those of luma in ITU-R BT.709-6, item 3.2.
    """
    return Loss((1,), lambda means: _mean(means) * np.sqrt(LUMA))


def mean_rgb_luma_squared() -> Loss:
    """Like `mean_rgb_luma`, with the weights squared: sqrt((0.2126 dR)^2 + (0.7152 dG)^2 + (0.0722 dB)^2).

    Source:
        The weights are those of luma in ITU-R BT.709-6, item 3.2.
    """
    return Loss((1,), lambda means: _mean(means) * LUMA)


def mean_lab() -> Loss:
    """Delta E*ab (CIE76) of the mean colours: sqrt(dL*^2 + da*^2 + db*^2).

    Source:
        ISO/CIE 11664-4:2019.
    """
    return Loss((1,), lambda means: lab(_mean(means)))


def mean_oklab() -> Loss:
    """Euclidean distance of the mean colours in Oklab; from black to white it is 1.

    Source:
        B. Ottosson, "A perceptual color space for image processing", 2020.
    """
    return Loss((1,), lambda means: oklab(_mean(means)))


def mean_ciede2000() -> Loss:
    """Delta E 2000 of the mean colours.

    Source:
        ISO/CIE 11664-6:2022; implemented as `worker.core.colour.ciede2000` says.
    """
    return Loss((1,), lambda means: lab(_mean(means)), Metric.CIEDE2000)


def grid_rgb(subcells: int) -> Loss:
    """Root mean square over all sub-cells and channels, encoded sRGB: sqrt(sum of squares / (3 g^2))."""
    return Loss((subcells,), _flat, scale=1 / (3 * subcells**2))


def grid_oklab(subcells: int) -> Loss:
    """Root of the mean over all sub-cells of the squared Oklab distance: sqrt(sum of squares / g^2).

    Source:
        B. Ottosson, "A perceptual color space for image processing", 2020.
    """
    return Loss((subcells,), lambda means: _flat([oklab(means[0])]), scale=1 / subcells**2)


def pixels() -> Loss:
    """Root mean square error of the whole cell at 16 x 16 pixels, encoded sRGB: `grid-rgb` with g = 16."""
    return grid_rgb(PIXELS)


def balanced(detail: float) -> Loss:
    """Average colour and structure, weighted by `detail` = t: sqrt((1 - t) * colour + t * structure).

    Let m be the mean colours (encoded sRGB, 0 to 1), E their CIE L*a*b* with compressed chroma (L* from 0 to 1), and
    Y_i the luma (0 to 1) of the 4 x 4 sub-cells. Then colour = |dm|^2 + |dE|^2, and structure = 5.5 * mean over i of
    dY_i^2.

    At t = 0 only the average counts; at t = 1 only light and dark within the cell, and hue not at all.

    Source:
        Our own: docs/explanation/matcher.md has what was tried, and on what. Luma: ITU-R BT.709-6.
    """
    colour, structure = sqrt(1 - detail), sqrt(STRUCTURE * detail) / BALANCED_SUBCELLS

    def features(means: Sequence[Array]) -> Array:
        mean, luma = _mean(means), means[1].reshape(len(means[1]), -1, 3) @ LUMA
        even = lab_of_even_chroma(mean)
        return np.concatenate([colour * mean / 255, colour * even / 100, structure * luma / 255], axis=1)

    return Loss((1, BALANCED_SUBCELLS), features, of_whole=6)


def find(name: str, *, subcells: int, detail: float) -> Loss:
    """Return a loss by its public name.

    Args:
        name: One of `NAMES`.
        subcells: Sub-cells a side, 2 to 16, for the grids.
        detail: 0 for the average colour alone to 1 for structure alone, for `balanced`.

    Raises:
        KeyError: there is no such loss.
    """
    return NAMES[name](subcells, detail)


def cut_to(loss: Loss, lattice: Lattice) -> Loss:
    """Return a loss in which each sub-cell counts by how much of it belongs to the cell."""
    if not lattice.overlap:
        return loss
    there = outline.shares(lattice, loss.subcells[-1]).ravel()
    weights = np.sqrt(there / there.mean())

    def features(means: Sequence[Array]) -> Array:
        found = loss.features(means).copy()
        by_subcell = found[:, loss.of_whole :].reshape(len(found), len(weights), -1)
        found[:, loss.of_whole :] = (by_subcell * weights[:, None]).reshape(len(found), -1)
        return found

    return replace(loss, features=features)


def cost(loss: Loss, cells: NDArray[np.floating], tiles: NDArray[np.floating]) -> Array:
    """Return the squared losses of tiles in cells.

    Args:
        loss: How far a tile is from a cell.
        cells: (..., D) features of the cells.
        tiles: (..., D) features of the tiles; the two broadcast.

    Returns:
        (...) squared losses.
    """
    if loss.metric is Metric.CIEDE2000:
        return ciede2000(cells.astype(np.float64), tiles.astype(np.float64)) ** 2
    apart = np.subtract(cells, tiles, dtype=np.float64)
    if loss.metric is Metric.MANHATTAN:
        total: Array = np.abs(apart).sum(axis=-1) ** 2
        return total
    squares: Array = loss.scale * np.einsum("...i,...i->...", apart, apart)
    return squares


def white_in_black(loss: Loss) -> float:
    """Return the cost of an even white tile in an even black cell: what other prices are measured by.

    Example:
        >>> round(white_in_black(balanced(0.5)), 9)
        4.75
    """
    black, white = (
        loss.features([np.full((1, subcells, subcells, 3), level) for subcells in loss.subcells])
        for level in (0.0, 255.0)
    )
    return float(cost(loss, black, white)[0])


def _mean(means: Sequence[Array]) -> Array:
    return means[0].reshape(len(means[0]), 3)


def _flat(means: Sequence[Array]) -> Array:
    return means[0].reshape(len(means[0]), -1)


NAMES: dict[str, Callable[[int, float], Loss]] = {
    "balanced": lambda _subcells, detail: balanced(detail),
    "mean-rgb": lambda _subcells, _detail: mean_rgb(),
    "mean-rgb-manhattan": lambda _subcells, _detail: mean_rgb_manhattan(),
    "mean-rgb-luma": lambda _subcells, _detail: mean_rgb_luma(),
    "mean-rgb-luma-squared": lambda _subcells, _detail: mean_rgb_luma_squared(),
    "mean-lab": lambda _subcells, _detail: mean_lab(),
    "mean-oklab": lambda _subcells, _detail: mean_oklab(),
    "ciede2000": lambda _subcells, _detail: mean_ciede2000(),
    "grid-rgb": lambda subcells, _detail: grid_rgb(subcells),
    "grid-oklab": lambda subcells, _detail: grid_oklab(subcells),
    "pixels": lambda _subcells, _detail: pixels(),
}
