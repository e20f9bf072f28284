"""The nearest tile where many features describe each: cheap lower bounds prune, exact distances decide.

How it works: cells and tiles are projected onto a few principal components. The distance between two projections,
plus the difference between the lengths of what the projections leave out, is never more than the true distance, so it
is a lower bound, and one matrix product gives it for a block of cells and all tiles. For each cell the most promising
tile of each of a few stretches of the tiles is measured exactly; only tiles whose bound is below the best of these
can be nearer. They pass a second, tighter bound with more components, and those that remain are measured exactly, in
double precision. Each bound is widened by what rounding may have added to it, so the answer is exact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.progress import Progress, quiet
from worker.core.threads import spread

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Numbers = NDArray[np.intp]

LEADING = 24
"""Principal components in the first bound. For 20,000 x 50,000 at 768 features, 16 and 40 took 1.1 times as long."""
MORE = 96
"""Principal components in the second bound, which is computed for what the first one leaves."""
PLAIN = 64
"""With at most so many features, the distances themselves, in single precision, serve as the first bound."""
STRETCHES = 8
"""Tiles that are measured first, one from each stretch of the tiles; with only one, twice as many pass the bounds."""
SAMPLE = 2_048
"""Cells and tiles, each, that the principal components are taken from."""
ITERATIONS = 2
"""Towards the principal components; the answer does not depend on how near they are."""
BLOCK_BYTES = 4 << 20
"""Bytes of first bounds at a time in each thread: what fits a core's cache is fastest."""
PAIR_BYTES = 16 << 20
"""Bytes of differences between candidates and cells at a time in each thread."""
UNIT = 2.0**-24
"""Rounding of single precision, relative. Source: IEEE 754-2019, binary32."""


def nearest_by_bounds(cells: Single, tiles: Single, *, threads: int, progress: Progress = quiet) -> Numbers:
    """Return, for every cell, the tile at the smallest Euclidean distance.

    The answer is exact: what the bounds leave is compared by distances in double precision. Ties go to the lower
    number, and neither the number of threads nor the size of the blocks changes the answer.

    Args:
        cells: (N, D) features.
        tiles: (M, D) features in the same space, M >= 1.
        threads: How many blocks of cells to search at once.
        progress: Called with how many cells are decided; what it raises stops the search.

    Returns:
        (N,) indices into `tiles`.

    Raises:
        ValueError: `tiles` is empty, or the arrays do not have the same number of features.

    Source:
        The bound is the triangle inequality for what an orthogonal projection P leaves out:
        |c - t|^2 >= |Pc - Pt|^2 + (|c - Pc| - |t - Pt|)^2. Principal components as P: I. T. Jolliffe, "Principal
        Component Analysis", 2nd edition, 2002.

    Example:
        >>> nearest_by_bounds(np.float32([[9, 0]]), np.float32([[0, 0], [8, 0], [10, 0]]), threads=1).tolist()
        [1]
    """
    if cells.ndim != 2 or tiles.ndim != 2 or cells.shape[1] != tiles.shape[1]:  # noqa: PLR2004 - rows of features
        raise ValueError(f"cells and tiles must be (*, D) with one D, not {cells.shape} and {tiles.shape}")
    if not len(tiles):
        raise ValueError("tiles is empty")
    chosen = np.empty(len(cells), np.intp)
    if not len(cells):
        return chosen
    search = _Search.prepare(cells, tiles, threads)

    def one(some: slice) -> None:
        chosen[some] = search.nearest(some)

    spread(one, len(cells), max(1, BLOCK_BYTES // (4 * len(tiles))), threads, progress)
    return chosen


@dataclass(frozen=True)
class _Search:
    """Cells and tiles, and the vectors that bound their distances from below.

    Attributes:
        cells: (N, D) features.
        tiles: (M, D) features.
        near: (N, K + 1) the first bound's vectors of the cells, and a 1 after each.
        far: (K + 1, M) the first bound's vectors of the tiles, times -2, and the squared length below each.
        closer: The second bound's (N, L) vectors of the cells and (M, L) of the tiles; None where there is no second.
        slack: (N,) the most that rounding may have added to a cell's squared distances.
    """

    cells: Single
    tiles: Single
    near: Single
    far: Single
    closer: tuple[Single, Single] | None
    slack: Double

    @classmethod
    def prepare(cls, cells: Single, tiles: Single, threads: int) -> "_Search":
        """Project cells and tiles onto the directions in which tiles differ most."""
        sample = np.concatenate([side[:: max(1, len(side) // SAMPLE)] for side in (cells, tiles)])
        middle, closer = sample.mean(axis=0, dtype=np.float64), None
        if cells.shape[1] <= PLAIN:
            near, far = ((side - middle).astype(np.float32) for side in (cells, tiles))
        else:
            axes = _principal((sample - middle).astype(np.float32))
            (near, more_near), (far, more_far) = (_project(side, middle, axes, threads) for side in (cells, tiles))
            closer = more_near, more_far
        squares = np.einsum("ij,ij->i", far, far)
        reach = np.linalg.norm(near, axis=1).astype(np.float64) + np.sqrt(squares.max(initial=0.0))
        slack = 4 * (near.shape[1] + 4) * UNIT * reach**2
        near = np.column_stack([near, np.ones(len(near), np.float32)])
        far = np.ascontiguousarray(np.vstack([far.T * np.float32(-2), squares]))
        return cls(cells, tiles, near, far, closer, slack)

    def nearest(self, some: slice) -> Numbers:
        """Return the (n,) nearest tiles of a slice of the cells."""
        near = self.near[some]
        bounds = near @ self.far
        chosen, smallest = self._promising(some.start, bounds)
        limits = smallest * (1 + 1e-6) + self.slack[some]
        # The bounds lack the square of the cell's own vector, which is the same in the whole row.
        rest = (limits - np.einsum("ij,ij->i", near[:, :-1], near[:, :-1])).astype(np.float32)
        left = np.flatnonzero(bounds <= rest[:, None])
        step = max(1, PAIR_BYTES // (8 * self.cells.shape[1]))
        for first in range(0, len(left), step):
            rows, numbers = np.divmod(left[first : first + step], len(self.tiles))
            if self.closer is not None:
                likely = self._bounds(some.start + rows, numbers) <= limits[rows]
                rows, numbers = rows[likely], numbers[likely]
            _improve(chosen, smallest, rows, numbers, self._distances(some.start + rows, numbers))
        return chosen

    def _promising(self, start: int, bounds: Single) -> tuple[Numbers, Double]:
        """Return a near tile for each row of (n, M) bounds, and its squared distance.

        It is the nearest among the tiles of lowest bound in each stretch.
        """
        count, total = bounds.shape
        stretches = min(STRETCHES, total)
        width = total // stretches
        least = bounds[:, : stretches * width].reshape(count, stretches, width).argmin(axis=2)
        numbers = (least + np.arange(stretches) * width).ravel()
        distances = self._distances(start + np.repeat(np.arange(count), stretches), numbers).reshape(count, stretches)
        best = np.arange(count), distances.argmin(axis=1)
        return numbers.reshape(count, stretches)[best], distances[best]

    def _bounds(self, cells: Numbers, tiles: Numbers) -> Single:
        """Return the second bounds of (n,) pairs, as squared distances."""
        near, far = self.closer or (self.cells, self.tiles)
        apart = near[cells] - far[tiles]
        bounds: Single = np.einsum("ij,ij->i", apart, apart)
        return bounds

    def _distances(self, cells: Numbers, tiles: Numbers) -> Double:
        """Return the exact squared distances of (n,) pairs."""
        apart = self.cells[cells].astype(np.float64)
        apart -= self.tiles[tiles]
        distances: Double = np.einsum("ij,ij->i", apart, apart)
        return distances


def _improve(chosen: Numbers, smallest: Double, rows: Numbers, numbers: Numbers, distances: Double) -> None:
    """Write into `chosen` and `smallest` what is nearer among some pairs, by rising row; ties go to lower numbers."""
    if not len(rows):
        return
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    here, least = rows[first], np.minimum.reduceat(distances, first)
    beyond = np.iinfo(np.intp).max
    equal = distances == np.repeat(least, np.diff(first, append=len(rows)))
    lowest = np.minimum.reduceat(np.where(equal, numbers, beyond), first)
    tied = np.where(least == smallest[here], np.minimum(lowest, chosen[here]), chosen[here])
    chosen[here] = np.where(least < smallest[here], lowest, tied)
    smallest[here] = np.minimum(least, smallest[here])


def _principal(sample: Single) -> Double:
    """Return (D, MORE) directions at right angles in which a sample differs about most, the first one most.

    Source:
        Randomized subspace iteration: N. Halko, P. G. Martinsson, J. A. Tropp, "Finding structure with randomness",
        SIAM Review 53(2), 2011, algorithm 4.4.
    """
    squares = (sample.T @ sample).astype(np.float64)
    axes = np.random.default_rng(0).standard_normal((len(squares), min(MORE, len(squares))))
    for _ in range(ITERATIONS):
        axes = np.linalg.qr(squares @ axes)[0]
    turned = np.linalg.eigh(axes.T @ squares @ axes)[1][:, ::-1]
    return np.ascontiguousarray(axes @ turned)


def _project(side: Single, middle: Double, axes: Double, threads: int) -> tuple[Single, Single]:
    """Return the (n, K + 1) vectors of both bounds: components, and then the length of what they leave out."""
    first, second = (np.empty((len(side), count + 1), np.float32) for count in (LEADING, axes.shape[1]))

    def one(some: slice) -> None:
        apart = side[some] - middle
        components, square = apart @ axes, np.einsum("ij,ij->i", apart, apart)
        for bound in (first, second):
            count = bound.shape[1] - 1
            seen = components[:, :count]
            bound[some, :count] = seen
            bound[some, count] = np.sqrt(np.maximum(square - np.einsum("ij,ij->i", seen, seen), 0.0))

    spread(one, len(side), max(1, PAIR_BYTES // (8 * side.shape[1])), threads)
    return first, second
