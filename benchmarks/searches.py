"""One search or one assignment in a process of its own: `searches.py TASK PHOTOS TARGETS ROUNDS OUT` writes JSON."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import brute
import crowd
import frozen
import numpy as np
import photographs
import placements
from numpy.typing import NDArray

from models.rules import repeats
from worker import parallel
from worker.core import losses
from worker.core.assignment.assign import Rules
from worker.core.features import Cut
from worker.core.fitted import Fitted
from worker.core.losses import Metric
from worker.core.matcher import Choice, Sides, choose
from worker.core.orientations import AS_IT_IS
from worker.core.search.nearest import nearest
from worker.core.search.pruned import nearest_by_bounds
from worker.core.views import Views
from worker.decoding import images

Single = NDArray[np.float32]

THREADS = parallel.core_count()
CHUNKS = (8, 16, 32, 64, 256, 1_024)
"""Cells in a product of the brute force: the quickest of these is taken."""
PIXEL_CELLS, PIXEL_TILES = 20_000, 50_000
MANY = 100_000
TIMED_PART = 10
"""The brute force over means is timed on a tenth of the cells."""


class Limits(NamedTuple):
    """How often a tile may be used, None for any number, and how near to itself."""

    max_uses: int | None
    min_distance: float


def inputs(photos: Path, targets: Path, out: Path, _rounds: int) -> dict[str, Any]:
    """Write real cells and many tiles at 16 x 16 x 3 values, for the tasks on pixels."""
    for side, made in (
        ("cells", crowd.cells(targets, 90, 60, PIXEL_CELLS)),
        ("tiles", crowd.tiles(photos, PIXEL_TILES)),
    ):
        np.save(out.with_name(f"{side}.npy"), made.reshape(len(made), -1).astype(np.float32))
    return {}


def _loaded(out: Path) -> tuple[Single, Single]:
    cells, tiles = (np.load(out.with_name(f"{side}.npy")) for side in ("cells", "tiles"))
    return cells, tiles


def load(_photos: Path, _targets: Path, out: Path, _rounds: int) -> dict[str, Any]:
    """Load what `search` searches, and nothing else: its peak is what the inputs take."""
    return {"cells": len(_loaded(out)[0])}


def search(_photos: Path, _targets: Path, out: Path, _rounds: int) -> dict[str, Any]:
    """Search once."""
    return {"cells": len(nearest_by_bounds(*_loaded(out), threads=THREADS))}


def pixels(_photos: Path, _targets: Path, out: Path, rounds: int) -> dict[str, Any]:
    """Compare the pruned search with brute force."""
    cells, tiles = _loaded(out)
    chunk = brute.best_chunk(cells, tiles, CHUNKS, THREADS)
    ours, theirs, ratios = [], [], []
    for _ in range(rounds):
        found, quick = timed(lambda: nearest_by_bounds(cells, tiles, threads=THREADS))
        reference, slow = timed(lambda: brute.nearest(cells, tiles, chunk, THREADS))
        ours.append(quick)
        theirs.append(slow)
        ratios.append(slow / quick)
    differ = np.flatnonzero(found != reference)
    apart = [
        ((cells[differ].astype(np.float64) - tiles[side[differ]]) ** 2).sum(axis=1) for side in (found, reference)
    ]
    return {"ours": ours, "brute": theirs, "ratios": ratios, "worse": int((apart[0] > apart[1]).sum())}


def means(photos: Path, targets: Path, _out: Path, rounds: int) -> dict[str, Any]:
    """Compare the tree with brute force, a part of it timed and scaled up."""
    tiles = crowd.means(crowd.tiles(photos, MANY), 1).reshape(-1, 3)
    cells = crowd.means(crowd.cells(targets, 150, 100, MANY), 1).reshape(-1, 3)
    part, single = cells[: MANY // TIMED_PART].astype(np.float32), tiles.astype(np.float32)
    ours, ratios, tuned, worse = [], [], [], 0
    chunk = brute.best_chunk(part, single, CHUNKS, THREADS)
    for _ in range(rounds):
        found, quick = timed(lambda: nearest(cells, tiles, Metric.EUCLIDEAN, threads=THREADS))
        reference, slow = timed(lambda: brute.plain(part, single, THREADS))
        _, quickest = timed(lambda: brute.nearest(part, single, chunk, THREADS))
        tuned.append(TIMED_PART * quickest / quick)
        ours.append(quick)
        ratios.append(TIMED_PART * slow / quick)
        apart = [((cells[: len(part)] - tiles[side[: len(part)]]) ** 2).sum(axis=1) for side in (found, reference)]
        worse = int((apart[0] > apart[1]).sum())
    return {"ours": ours, "ratios": ratios, "tuned": tuned, "worse": worse}


def assignment(photos: Path, targets: Path, _out: Path, _rounds: int) -> dict[str, Any]:
    """Compare an assignment without repeats with scipy's dense solver: 5,000 cells, 6,000 tiles."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - ours loads what it needs by itself

    cells, tiles = _balanced(targets, photos, (100, 50), 6_000)
    choice, ours = timed(lambda: _chosen(cells, tiles, (100, 50), Limits(1, 0)))

    def dense() -> float:
        costs = ((cells**2).sum(axis=1)[:, None] + (tiles**2).sum(axis=1)) - 2 * cells @ tiles.T
        return float(costs[linear_sum_assignment(costs)].sum())

    optimum, theirs = timed(dense)
    uses = int(np.bincount(choice.tiles.ravel()).max())
    excess = float(choice.costs.sum()) / optimum - 1
    bound = choice.lower_bound / optimum
    return {"ours": ours, "dense": theirs, "excess": excess, "bound": bound, "uses": uses}


def large(photos: Path, targets: Path, _out: Path, _rounds: int) -> dict[str, Any]:
    """Assign 50,000 cells to 100,000 tiles without repeats."""
    return _assigned(photos, targets, (250, 200), MANY, Limits(1, 0))


def spread_out(photos: Path, targets: Path, _out: Path, _rounds: int) -> dict[str, Any]:
    """Assign 50,000 cells to 100,000 tiles, at most three times each and 5 cells apart."""
    return _assigned(photos, targets, (250, 200), MANY, Limits(3, 5))


def far_apart(photos: Path, targets: Path, _out: Path, _rounds: int) -> dict[str, Any]:
    """Assign 5,000 cells to 6,000 tiles, 20 cells apart."""
    return _assigned(photos, targets, (100, 50), 6_000, Limits(None, 20))


def _assigned(photos: Path, targets: Path, shape: tuple[int, int], count: int, limits: Limits) -> dict[str, Any]:
    cells, tiles = _balanced(targets, photos, shape, count)
    choice, seconds = timed(lambda: _chosen(cells, tiles, shape, limits))
    return {"seconds": seconds, "gap": float(choice.costs.sum()) / choice.lower_bound - 1}


def default(photos: Path, targets: Path, _out: Path, rounds: int) -> dict[str, Any]:
    """Match 2,400 cells by the default order, beside the free choice of the first edition."""
    return _default(photos, targets / photographs.TARGET, (60, 40), 10, rounds)


def default_large(photos: Path, targets: Path, _out: Path, _rounds: int) -> dict[str, Any]:
    """Match 240,000 cells likewise, once."""
    return _default(photos, targets / photographs.TARGET, (600, 400), 4, 1)


def _default(photos: Path, target: Path, grid: tuple[int, int], side: int, rounds: int) -> dict[str, Any]:
    """Time both from the index to the placement, `side` pixels of the target to a cell."""
    index = placements.library(photos)
    thumbs, sizes = np.array(index.thumb), np.array(index.size)
    whole = Fitted.whole(images.decode(target.read_bytes()))
    pixels = images.resized(whole, *(side * count for count in grid))
    ours, ratios = [], []
    for number in range(-1 if rounds > 1 else 0, rounds):
        _, first = timed(lambda: frozen.match(pixels, grid, thumbs, sizes, THREADS))
        _, second = timed(lambda: placements.matched(pixels, grid[0], index))
        if number >= 0:
            ours.append(second)
            ratios.append(second / first)
    return {"ours": ours, "ratios": ratios}


def _balanced(targets: Path, photos: Path, shape: tuple[int, int], count: int) -> tuple[NDArray[np.float64], ...]:
    loss = losses.balanced(0.5)
    sides = crowd.picture(crowd.largest(targets), *shape), crowd.tiles(photos, count)
    cells, tiles = (loss.features([crowd.means(side, subcells) for subcells in loss.subcells]) for side in sides)
    return cells, tiles


def _chosen(cells: NDArray[np.float64], tiles: NDArray[np.float64], shape: tuple[int, int], limits: Limits) -> Choice:
    pattern = repeats.pattern(*shape, len(tiles), *limits)
    kept = Rules(*limits, None if pattern is None else (pattern.count, pattern.step))
    loss, cut = losses.balanced(0.5), Cut(*shape, (1, 1))
    squares = np.full((len(tiles), 2), crowd.SIDE)
    whole = Views.of(squares, cut.tile_shape, [AS_IT_IS], slide=False, keep=1.0)
    sides = Sides(cells, tiles[:, None, :], whole)
    return choose(loss, sides, cut, kept, None, threads=THREADS, progress=lambda _done, _total: None)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what the work returns, and the seconds that it took."""
    began = time.perf_counter()
    made = work()
    return made, time.perf_counter() - began


TASKS = {
    task.__name__: task
    for task in (
        inputs, load, search, pixels, means, assignment, large, spread_out, far_apart, default, default_large,
    )
}  # fmt: skip

if __name__ == "__main__":
    name, photos, targets, rounds, out = sys.argv[1:]
    with parallel.one_thread_each():
        reported = TASKS[name](Path(photos), Path(targets), Path(out), int(rounds))
    Path(out).write_text(json.dumps(reported))
