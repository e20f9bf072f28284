"""The quality of a finished mosaic, in figures."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from worker.core import outline
from worker.core.colour import ciede2000, lab
from worker.core.lattice import RECTANGLES, Lattice
from worker.core.measures import advice
from worker.core.measures.fine import fine
from worker.core.measures.miniature import as_it_lies
from worker.core.measures.similarity import CELL_SIDE, enlarged, far_difference, psnr, psnr_blur, ssim
from worker.core.sizes import Sizes

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Numbers = NDArray[np.intp]

WORST = 10
NEAR = 5.0
"""From this dE on, an observer notices two colours. Source: W. Mokrzycki, M. Tatol, "Colour difference dE: a
survey", Machine Graphics and Vision 20 (2011), section 1."""
PAPER = 255.0
"""What both pictures show where nothing lies."""


@dataclass(frozen=True)
class WorstCell:
    """A cell that differs most from its target: its place, from 0 at the top left, and its dE00 at 1 pixel a cell."""

    column: int
    row: int
    de00: float


@dataclass(frozen=True)
class Quality:
    """The quality report. `dataclasses.asdict` of it can be written as JSON: it holds no infinity and no NaN.

    Attributes:
        psnr1: PSNR in dB at 1 pixel a cell; None when the pictures are equal.
        de00: Mean dE00 at 1 pixel a cell.
        near: Share, 0 to 1, of the cells whose dE00 at 1 pixel a cell is below `NEAR`.
        ssim4: SSIM of luma at 4 pixels a cell, 1 for equal pictures.
        fine: SSIM of luma where the target has the most detail, at about `fine.SIDE` pixels; None where it has none.
        far: Mean dE00 of the light after a Gaussian blur of 1.5 cells.
        psnr_blur: PSNR in dB after a Gaussian blur of one cell; None when the pictures are equal.
        distinct_tiles: How many different tiles the mosaic uses.
        most_uses: How often the most used tile is used.
        smallest_distance: Between two equal tiles, Euclidean, in cells; None when no tile is used twice.
        equal_neighbours: Share, 0 to 1, of the pairs of cells side by side or one above the other with equal tiles.
        cost: Sum of the costs of all cells, in the loss's own unit.
        lower_bound: No placement under the same rules costs less than this, in the same unit.
        change: Mean dE00 between the tiles before and after colour adjustment; 0.0 without it.
        adapted: Mean dE00 by which the target's cells were moved towards the tiles before matching; 0.0 without it.
        worst_cells: The ten cells of greatest dE00, the worst first.
        advice: Sentences for people; none when nothing is lacking.
    """

    psnr1: float | None
    de00: float
    near: float
    ssim4: float
    fine: float | None
    far: float
    psnr_blur: float | None
    distinct_tiles: int
    most_uses: int
    smallest_distance: float | None
    equal_neighbours: float
    cost: float
    lower_bound: float
    change: float
    adapted: float
    worst_cells: tuple[WorstCell, ...]
    advice: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What is known of a mosaic before it is composed; see `known`.

    Attributes:
        target4: (4 * rows, 4 * columns, 3) area-averaged sRGB of the target, 0 to 255, 4 pixels a cell, all cells in
            rows and columns; white where a cell stays empty.
        placement: (rows, columns) numbers of tiles; -1 in a cell that stays empty, and counts for nothing. A tile in
            a larger cell stands at each place that it covers.
        lattice: Where the cells lie.
        uses: (n,) in how many cells each tile lies that lies in any.
        sizes: The sizes of the cells; None if all are of one size.
        smallest_distance: As in `Quality`.
        equal_neighbours: As in `Quality`.
        adapted: As in `Quality`.
        advice: As in `Quality`.
    """

    target4: Floats
    placement: Numbers
    lattice: Lattice
    uses: Numbers
    smallest_distance: float | None
    equal_neighbours: float
    adapted: float
    advice: tuple[str, ...]
    sizes: Sizes | None = None

    def sum_of(self, costs: Array) -> float:
        """Return the sum of (rows, columns) costs, each as often as its cell covers places."""
        return float(costs.sum() if self.sizes is None else costs.ravel() @ self.sizes.areas)

    @property
    def shown(self) -> NDArray[np.bool_]:
        """(rows, columns) in which cells a tile lies."""
        there: NDArray[np.bool_] = self.placement >= 0
        return there


def known(
    target4: Floats, placement: Numbers, tile_means: Array, *,
    adapted: float, lattice: Lattice = RECTANGLES, sizes: Sizes | None = None,
) -> Known:  # fmt: skip
    """Return what depends on the target and the placement alone.

    Args:
        target4: As in `Known`; whatever it is where a cell stays empty.
        placement: (rows, columns) numbers of tiles; -1 where no cell has its seat.
        tile_means: (M, 3) mean sRGB, 0 to 255, of all tiles that could be chosen, before any colour adjustment.
        adapted: As in `Quality`.
        lattice: As in `Known`.
        sizes: As in `Known`.

    Raises:
        ValueError: The target is not 4 pixels a cell of `placement`.
    """
    _check("target4", target4, placement)
    uses = np.bincount(placement[placement >= 0])
    if sizes is None:
        distance, touching = smallest_distance(placement, lattice), equal_neighbours(placement, lattice)
    else:
        halves = smallest_distance(sizes.centred(placement))
        distance = None if halves is None else halves / 2
        placement = sizes.spread(placement)
        touching = equal_neighbours(placement, lattice, sizes.inner_pairs)
    shown = placement >= 0
    return Known(
        _on_paper(target4, shown),
        placement,
        lattice,
        uses[uses > 0],
        distance,
        touching,
        adapted,
        (
            *advice.on_colours(cell_means(target4, lattice)[shown], tile_means, placement[shown]),
            *advice.on_repeats(touching),
        ),
        sizes,
    )


def measure(before: Known, mosaic4: Floats, *, cost: float, lower_bound: float, change: float) -> Quality:
    """Return all figures of a mosaic.

    Args:
        before: What is known of it.
        mosaic4: (4 * rows, 4 * columns, 3) area-averaged sRGB of the finished mosaic, 0 to 255, 4 pixels a cell, all
            cells in rows and columns.
        cost: As in `Quality`.
        lower_bound: As in `Quality`.
        change: As in `Quality`.

    Raises:
        ValueError: The mosaic is not 4 pixels a cell of the placement.
    """
    _check("mosaic4", mosaic4, before.placement)
    shown, target4, mosaic4 = before.shown, before.target4, _on_paper(mosaic4, before.shown)
    one, other = (as_it_lies(picture, CELL_SIDE, before.lattice) for picture in (target4, mosaic4))
    seen = None if shown.all() else as_it_lies(enlarged(shown), CELL_SIDE, before.lattice)
    with ThreadPoolExecutor(1) as beside:
        far = beside.submit(far_difference, one, other, seen)  # takes about as long as all the rest
        target1, mosaic1 = (cell_means(picture, before.lattice) for picture in (target4, mosaic4))
        differences = ciede2000(lab(target1), lab(mosaic1))
        return Quality(
            psnr1=_finite(psnr(target1[shown], mosaic1[shown])),
            de00=float(differences[shown].mean()),
            near=float((differences[shown] < NEAR).mean()),
            ssim4=ssim(one, other, seen=seen),
            fine=fine(one, other, seen=seen),
            psnr_blur=_finite(psnr_blur(one, other, seen=seen)),
            distinct_tiles=len(before.uses),
            most_uses=int(before.uses.max()),
            smallest_distance=before.smallest_distance,
            equal_neighbours=before.equal_neighbours,
            cost=cost,
            lower_bound=lower_bound,
            change=change,
            adapted=before.adapted,
            worst_cells=worst_cells(np.where(shown, differences, -1.0))[: np.count_nonzero(shown)],
            advice=before.advice,
            far=far.result(),
        )


def _on_paper(picture: Floats, shown: NDArray[np.bool_]) -> Floats:
    """Return a picture, white where a cell stays empty."""
    return picture if shown.all() else np.where(enlarged(shown)[:, :, None], picture, picture.dtype.type(PAPER))


def _check(name: str, picture: Floats, placement: Numbers) -> None:
    rows, columns = placement.shape
    if picture.shape != (CELL_SIDE * rows, CELL_SIDE * columns, 3):
        raise ValueError(f"{name} must be 4 pixels a cell of {columns} x {rows} cells, not {picture.shape}")


def cell_means(picture: Floats, lattice: Lattice = RECTANGLES) -> Array:
    """Return the (rows, columns, 3) means of the cells of a (4 * rows, 4 * columns, 3) picture."""
    rows, columns = picture.shape[0] // CELL_SIDE, picture.shape[1] // CELL_SIDE
    return outline.whole(lattice, picture.reshape(rows, CELL_SIDE, columns, CELL_SIDE, 3).swapaxes(1, 2))


def smallest_distance(placement: Numbers, lattice: Lattice = RECTANGLES) -> float | None:
    """Return the smallest Euclidean distance in cells between two equal tiles; None when no tile is used twice.

    The answer is exact. The cells of each tile are swept along the longer side of the mosaic, or from the top down
    where rows are moved; once a pair is farther
    apart along it than the smallest distance so far, the later pairs of that cell are skipped too.

    Args:
        placement: (rows, columns) numbers of tiles; -1 for none.
        lattice: Where the cells lie.

    Example:
        >>> smallest_distance(np.array([[7, 1, 2], [3, 4, 7]]))
        2.23606797749979
    """
    along = placement if lattice.shifted or placement.shape[0] >= placement.shape[1] else placement.T
    order = np.argsort(along, axis=None, kind="stable")
    order = order[np.searchsorted(along.ravel()[order], 0) :]  # without the cells that have no tile
    tiles, rows = along.ravel()[order], order // along.shape[1]
    least, earlier, lag = inf, np.arange(len(order)), 0
    while len(earlier) and least > lattice.scale**2:
        lag += 1
        earlier = earlier[: np.searchsorted(earlier, len(order) - lag)]
        earlier = earlier[tiles[earlier + lag] == tiles[earlier]]
        down = rows[earlier + lag] - rows[earlier]
        right = lattice.across(order[earlier + lag], order[earlier], along.shape[1])
        squares = lattice.down * np.square(down) + np.square(right)
        least = min(least, float(squares.min())) if len(squares) else least
        earlier = earlier[lattice.down * np.square(down) < least]
    return least**0.5 / lattice.scale if isfinite(least) else None


def equal_neighbours(placement: Numbers, lattice: Lattice = RECTANGLES, inner: int = 0) -> float:
    """Return the share, 0 to 1, of the neighbouring pairs of cells that have equal tiles; 0 for a single cell.

    Neighbours lie side by side or one above the other; where rows are moved, above two others.

    Args:
        placement: (rows, columns) numbers of tiles; -1 for none.
        lattice: Where the cells lie.
        inner: How many of the pairs are two places of one larger cell, which are no pair of cells.

    Example:
        >>> equal_neighbours(np.array([[1, 1], [2, 3]]))
        0.25
    """
    sides = [(placement[:, 1:], placement[:, :-1]), (placement[1:], placement[:-1])]
    if lattice.shifted:
        even, odd = placement[::2, 1:], placement[1::2, :-1]
        sides += [(even[: len(odd)], odd), (even[1:], odd[: len(even) - 1])]
    pairs = sum(int(np.count_nonzero((one >= 0) & (other >= 0))) for one, other in sides) - inner
    equal = sum(int(np.count_nonzero((one == other) & (one >= 0))) for one, other in sides) - inner
    return equal / pairs if pairs else 0.0


def worst_cells(differences: Array) -> tuple[WorstCell, ...]:
    """Return the ten cells of greatest difference; ties go to the first, row by row.

    Args:
        differences: (rows, columns) dE00.
    """
    worst = np.argsort(-differences, axis=None, kind="stable")[:WORST]
    rows, columns = np.divmod(worst, differences.shape[1])
    return tuple(
        WorstCell(int(column), int(row), float(differences[row, column]))
        for row, column in zip(rows, columns, strict=True)
    )


def _finite(figure: float) -> float | None:
    return figure if isfinite(figure) else None
