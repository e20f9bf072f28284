"""The squared losses of photos in cells, each photo in its best view: of all, or of the few best for a cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.core.assignment.shortlist import lowest
from worker.core.colour import ciede2000, even_chroma
from worker.core.losses import Loss, Metric, cost
from worker.core.progress import Progress
from worker.core.threads import spread

Array = NDArray[np.float64]
Features = NDArray[np.floating]
Numbers = NDArray[np.intp]
Single = NDArray[np.float32]

BLOCK_BYTES = 3 << 20
"""Bytes of costs at a time in each thread: what fits a core's cache is fastest."""
PAIR_BYTES = 2 << 20
KEPT_BYTES = 128 << 20
"""Up to so many bytes, costs that are computed pair by pair are kept: an assignment asks for them several times."""
PROPOSED = 4
"""How many times as long the list is that a cheap distance proposes, for metrics that need a pair at a time."""


@dataclass(frozen=True)
class Lists:
    """Photos that cost little in each of N cells, k for each and none twice, each in its best view.

    Attributes:
        photos: (N, k) their numbers.
        views: (N, k) the number of the view of each.
        costs: (N, k) squared losses.
    """

    photos: NDArray[np.int32]
    views: NDArray[np.uint8]
    costs: Single


class Costs:
    """The squared losses of M photos in N cells, computed a block of cells at a time in single precision."""

    def __init__(
        self, loss: Loss, cells: Features, photos: Features, there: NDArray[np.bool_], weights: Array | None = None
    ) -> None:
        """Prepare the sides of all products.

        Args:
            loss: How far a tile is from a cell.
            cells: (N, D) features of the cells.
            photos: (M, V, D) features of the photos' views.
            there: (M, V) which views there are.
            weights: (N,) by what the costs of each cell are multiplied; None for 1.
        """
        self._loss = loss
        self._weights = None if weights is None else weights.astype(np.float32)[:, None]
        self._cells, self._photos, self._there = cells, photos, there
        self._count, self._view_count, width = photos.shape
        if loss.metric is not Metric.EUCLIDEAN:
            few = 4 * len(cells) * self._count <= KEPT_BYTES
            self._kept = np.empty((len(cells) if few else 0, self._count), np.float32)
            self._is_kept = np.zeros(len(cells), np.bool_)
            return
        # View by view, so that the least cost of a photo is an element-wise minimum of long rows.
        by_view = photos.swapaxes(0, 1).reshape(-1, width)
        middle = by_view.mean(axis=0)
        # Squared distances computed from products lose digits far from the mean.
        self._near = np.ones((len(cells), width + 1), np.float32)
        self._near[:, :-1] = cells - middle
        far = (by_view - middle).astype(np.float32)
        # Products of a cell's features and of 1: squared distances but for the square of the cell's own features.
        self._products = np.empty((width + 1, len(far)), np.float32)
        self._products[:-1] = -2 * far.T
        self._products[-1] = np.where(there.T.ravel(), np.einsum("ij,ij->i", far, far), np.inf)

    def __call__(self, numbers: Numbers) -> Single:
        """Return the (n, M) costs of all photos in some cells, given the cells' numbers (n,)."""
        costs = self._plain(numbers)
        return costs if self._weights is None else costs * self._weights[numbers]

    def _plain(self, numbers: Numbers) -> Single:
        """Return the same for weights of 1."""
        if self._loss.metric is not Metric.EUCLIDEAN:
            return self._recalled(numbers)
        costs: Single = self._partial(numbers).min(axis=1)
        costs += self._squares(numbers)
        np.maximum(costs, 0, out=costs)
        costs *= np.float32(self._loss.scale)
        return costs

    def lists(self, length: int, *, threads: int, progress: Progress) -> Lists:
        """Return the photos that cost least in each cell.

        Args:
            length: How many for each cell; all of them if there are fewer.
            threads: How many blocks of cells to work on at once.
            progress: Called with how many cells are done.
        """
        length = min(length, self._count)
        shape = len(self._cells), length
        found = Lists(np.empty(shape, np.int32), np.empty(shape, np.uint8), np.empty(shape, np.float32))
        one = self._list_products if self._loss.metric is Metric.EUCLIDEAN else self._list_pairs

        def some(block: slice) -> None:
            found.photos[block], found.views[block], found.costs[block] = one(block, length)

        step = max(1, BLOCK_BYTES // (4 * self._count * self._view_count))
        spread(some, len(self._cells), step, threads, progress)
        if self._weights is not None:
            found.costs[:] *= self._weights
        return found

    def _partial(self, numbers: Numbers | slice) -> Single:
        """Return (n, V, M) squared distances, without the square of the cell's own features."""
        costs: Single = self._near[numbers] @ self._products
        return costs.reshape(-1, self._view_count, self._count)

    def _squares(self, numbers: Numbers | slice) -> Single:
        """Return the squares (n, 1) of the features of some cells."""
        near = self._near[numbers, :-1]
        squares: Single = np.einsum("ij,ij->i", near, near)
        return squares[:, None]

    def _list_products(self, block: slice, length: int) -> tuple[Numbers, Numbers, Single]:
        costs = self._partial(block)
        photos = lowest(costs.min(axis=1), length)
        listed = np.take_along_axis(costs, photos[:, None, :], axis=2)
        least = listed.min(axis=1) + self._squares(block)
        return photos, listed.argmin(axis=1), np.maximum(least, 0) * np.float32(self._loss.scale)

    def _list_pairs(self, block: slice, length: int) -> tuple[Numbers, Numbers, Single]:
        """List photos by the metric itself, among those that a cheap distance proposes."""
        cells = self._cells[block]
        both: list[Array] = [side.astype(np.float64) for side in (cells, self._photos)]
        if self._loss.metric is Metric.CIEDE2000:
            both = [even_chroma(side) for side in both]
        near = np.full((len(cells), self._count), np.inf)
        for view in range(self._view_count):
            apart = both[0][:, None, :] - both[1][None, :, view]
            squares = np.einsum("nmi,nmi->nm", apart, apart)
            np.minimum(near, squares, out=near, where=self._there[:, view])
        photos = lowest(near.astype(np.float32), PROPOSED * length)
        costs = self._of_photos(cells, photos)
        views, costs = costs.argmin(axis=2), costs.min(axis=2)
        places = lowest(costs, length)
        return tuple(np.take_along_axis(each, places, axis=1) for each in (photos, views, costs))  # type: ignore[return-value]

    def _of_photos(self, cells: Features, photos: Numbers) -> Single:
        """Return the (n, k, V) costs of some photos (n, k) in cells (n, D); infinite for a view that is not there."""
        near, far = cells[:, None, None, :].astype(np.float32), self._photos[photos].astype(np.float32)
        of_pairs = ciede2000(near, far) ** 2 if self._loss.metric is Metric.CIEDE2000 else cost(self._loss, near, far)
        return np.where(self._there[photos], of_pairs.astype(np.float32), np.float32(np.inf))

    def _recalled(self, numbers: Numbers) -> Single:
        if not len(self._kept):
            return self._by_pairs(numbers)
        new = numbers[~self._is_kept[numbers]]
        if len(new):
            self._kept[new] = self._by_pairs(new)
            self._is_kept[new] = True
        return self._kept[numbers]

    def _by_pairs(self, numbers: Numbers) -> Single:
        cells, everybody = self._cells[numbers], np.arange(self._count)[None]
        step = max(1, PAIR_BYTES // (64 * self._photos[..., 0].size))
        blocks = [cells[first : first + step] for first in range(0, len(cells), step)]
        return np.concatenate([self._of_photos(some, everybody).min(axis=2) for some in blocks])
