"""Placements of the default order: `placements.py PHOTOS OUT GRIDS TARGET...` writes how regular each is, as JSON."""

import json
import sys
from pathlib import Path

import numpy as np
import regularity
from numpy.typing import NDArray

from cli.progress_bar import Bar
from models.rules import grid
from models.rules.orders import MosaicOrder
from worker import parallel
from worker.decoding import images
from worker.local_index import folder_index
from worker.rendering import placement
from worker.tile_index.index import Index


def library(photos: Path) -> Index:
    """Return the index of a folder of photos, which the cache keeps."""
    return folder_index.open_folder(str(photos), Bar(quiet=True)).tiles


def matched(target: NDArray[np.uint8], columns: int, photos: Index) -> NDArray[np.intp]:
    """Return the (rows, columns) photos that the default order chooses for an (H, W, 3) target."""
    order = MosaicOrder(cells_across=columns)
    size = target.shape[1], target.shape[0]
    cells = grid.cut(*size, order)
    rules = placement.rules_of(order, size, cells, len(photos))
    threads = parallel.core_count()
    fitted = images.fitted(target, cells)
    return placement.choice(fitted, order, cells, photos, rules, threads=threads, progress=_quiet).tiles


def _quiet(_phase: str, _done: int, _total: int) -> None:
    """Say nothing."""


def main(photos: Path, out: Path, grids: Path, targets: list[Path]) -> None:
    """Write the figures of every target's placement, under its name."""
    tiles = library(photos)
    shapes = json.loads(grids.read_text())
    figures = {}
    for target in targets:
        placed = matched(images.decode(target.read_bytes()), shapes[target.stem][0], tiles)
        figures[target.stem] = {
            "equal_neighbours": regularity.equal_neighbours(placed),
            "lattice": regularity.lattice(placed),
            "most_uses": regularity.most_uses(placed, len(tiles)),
        }
    out.write_text(json.dumps(figures))


if __name__ == "__main__":
    photos, out, grids, *targets = sys.argv[1:]
    main(Path(photos), Path(out), Path(grids), [Path(target) for target in targets])
