"""All the ways in which photos can lie in a cell: each is a window of the photo in an orientation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worker.core import descriptors, outline
from worker.core.lattice import RECTANGLES, Lattice
from worker.core.orientations import lies_across, oriented
from worker.core.windows import WHOLE, Window, offered

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Views:
    """The views of M photos, of which photos of one kind, that is of one size, offer the same.

    A kind that offers fewer than V has the rest marked as not there.

    Attributes:
        kinds: (M,) the number of each photo's kind.
        windows: (K, V, 4) left, top, width and height of each kind's views; see `worker.core.windows`.
        orientations: (K, V) the orientation of each, 0 to 7; the window is cut out first.
        offered: (K, V) whether a kind offers it; the first of each always is.
        lattice: Of the cells, whose outline a view is cut to.
    """

    kinds: Numbers
    windows: NDArray[np.uint16]
    orientations: NDArray[np.uint8]
    offered: NDArray[np.bool_]
    lattice: Lattice = RECTANGLES

    @classmethod
    def of(
        cls, sizes: NDArray[np.integer], shape: tuple[int, int], orientations: Sequence[int], *,
        slide: bool, keep: float, lattice: Lattice = RECTANGLES,
    ) -> "Views":  # fmt: skip
        """Return the views that photos offer, by orientation, then in the order of `windows.offered`.

        Args:
            sizes: (M, 2) width and height of the photos.
            shape: Width and height of the tiles; only their ratio counts.
            orientations: (O,) the orientations to choose from.
            slide: As in `windows.offered`.
            keep: As in `windows.offered`.
            lattice: Of the cells.
        """
        different, kinds = np.unique(sizes, axis=0, return_inverse=True)
        by_kind: list[list[tuple[int, Window]]] = [
            [
                (orientation, window)
                for orientation in orientations
                for window in offered(
                    size, shape[::-1] if lies_across(orientation) else shape, slide=slide, keep=keep
                )
            ]
            for size in different.tolist()
        ]
        most = max(map(len, by_kind))
        filled = [views + [(orientations[0], WHOLE)] * (most - len(views)) for views in by_kind]
        windows = np.array([[window for _, window in views] for views in filled], np.uint16)
        turned = np.array([[orientation for orientation, _ in views] for views in filled], np.uint8)
        there = np.arange(most) < np.array([len(views) for views in by_kind])[:, None]
        return cls(kinds, windows, turned, there, lattice)

    @classmethod
    def each(
        cls, windows: NDArray[np.uint16], orientations: NDArray[np.uint8], lattice: Lattice = RECTANGLES
    ) -> "Views":
        """Return one view for each of (N,) photos, given (N, 4) windows and (N,) orientations."""
        about = np.column_stack([windows, orientations])
        different, kinds = np.unique(about, axis=0, return_inverse=True)
        there = np.ones((len(different), 1), np.bool_)
        return cls(kinds, different[:, None, :4], different[:, None, 4].astype(np.uint8), there, lattice)

    @property
    def there(self) -> NDArray[np.bool_]:
        """(M, V) whether a photo offers a view."""
        return self.offered[self.kinds]

    def of_photos(self, some: slice) -> "Views":
        """Return the views of some of the photos."""
        return replace(self, kinds=self.kinds[some])

    def means(self, thumbs: NDArray[np.uint8], subcells: int, levels: NDArray[np.float32] | None = None) -> Array:
        """Return the (M, V, subcells, subcells, C) mean values of every view's sub-cells; 0 where none is there.

        Args:
            thumbs: (M, S, S, C) whole photos squeezed to a square, as for `descriptors.of_windows`.
            subcells: Sub-cells from left to right, and from top to bottom.
            levels: As for `descriptors.of_windows`.
        """
        means = np.zeros((len(thumbs), self.offered.shape[1], subcells, subcells, thumbs.shape[3]))
        parts = outline.finer(self.lattice, subcells)
        order = np.argsort(self.kinds, kind="stable")
        bounds = np.searchsorted(self.kinds[order], np.arange(len(self.offered) + 1))
        for kind in np.flatnonzero(np.diff(bounds)).tolist():
            photos = order[bounds[kind] : bounds[kind + 1]]
            views = np.flatnonzero(self.offered[kind]).tolist()
            windows = [Window(*self.windows[kind, view].tolist()) for view in views]
            different = list(dict.fromkeys(windows))
            some = thumbs if len(photos) == len(thumbs) else thumbs[photos]
            seen = descriptors.of_windows(some, different, parts, levels)
            for view, window in zip(views, windows, strict=True):
                turned = oriented(seen[:, different.index(window)], int(self.orientations[kind, view]))
                means[photos, view] = outline.gathered(self.lattice, turned, subcells)
        return means
