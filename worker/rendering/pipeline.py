"""Renders a mosaic from a target and an index: fit, match, fetch the tiles, lay them band by band, measure.

From a placement that is kept, other files of the mosaic are laid without matching.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.rules import grid, kept_placements
from models.rules.grid import Grid
from models.rules.order_words import LARGEST, Limits
from models.rules.orders import MosaicOrder
from worker import allocator, parallel
from worker.core.assignment.assign import Rules
from worker.core.assignment.spacing import NOBODY
from worker.core.matcher import Choice
from worker.core.measures.quality import Quality
from worker.core.progress import PhaseProgress
from worker.decoding import images
from worker.decoding.images import Decoder
from worker.rendering import masking, placement, sizing, writer
from worker.rendering.bands import Bands, without_surplus
from worker.rendering.kept_placement import KeptPlacement
from worker.rendering.layers import fetched
from worker.tile_index.index import Index, ReadPhoto

if TYPE_CHECKING:
    from worker.core.edits import Edit
    from worker.local_index.kept_tiles import KeptTiles


Shown = Callable[[Callable[[], NDArray[np.float32]], int, int], None]


@dataclass(frozen=True)
class Rendered:
    """What was made.

    Attributes:
        grid: How the target was cut.
        choice: The tile of every cell, its window and its orientation.
        quality: How near the mosaic comes to its target.
        kept: What another file of the mosaic is laid from.
    """

    grid: Grid
    choice: Choice
    quality: Quality
    kept: KeptPlacement

    @property
    def placement(self) -> NDArray[np.intp]:
        """(rows, columns) tile numbers."""
        return self.choice.tiles

    @property
    def orientations(self) -> NDArray[np.uint8]:
        """(rows, columns) the orientation of each tile; see `worker.core.orientations`."""
        return self.choice.orientations


def render(  # noqa: PLR0913 - the decoder is for the service alone, what is kept for the command line
    target: bytes,
    order: MosaicOrder,
    index: Index,
    read: ReadPhoto,
    out: Path,
    *,
    threads: int,
    progress: PhaseProgress,
    decoder: Decoder = images,
    kept: "KeptTiles | None" = None,
    edit: "Edit | None" = None,
    limits: Limits = LARGEST,
    mask: NDArray[np.uint8] | None = None,
    small_target: Path | None = None,
    shown: Shown | None = None,
) -> Rendered:
    """Write the mosaic that `order` asks for to `out`.

    Args:
        target: The file of the picture to imitate.
        order: How to cut and tile it.
        index: The tiles, as `worker.tile_index.index` describes them.
        read: Gives a photo's bytes.
        out: A file that nobody reads yet; an error may leave it half-written.
        threads: How many photos to decode at once.
        progress: Called with how far the work is; what it raises stops it.
        decoder: Decodes the target and the photos.
        kept: Tiles of earlier mosaics; None to decode every photo.
        edit: What is given of the placement, and what stays of it; None to choose freely.
        limits: How large it may be.
        mask: (H, W) of the target's shape, 0 to 255: cells of which less than half is white stay empty. What an edit
            leaves empty stays so without one.
        small_target: Where to write a small JPEG of what the mosaic shows of the target; None for nowhere.
        shown: Called after each row with what gives a small picture of the cells laid so far, how many these are, and
            of how many; None to show none.

    Raises:
        InvalidOrder: the order does not fit the target, or its rules cannot be met with these tiles.
        UnusablePicture: the target is no usable picture.
        DamagedIndex: a photo no longer matches the index.
        StorageFull: the disk is full.
    """
    allocator.keep()
    progress("reading", 0, 1)
    pixels = decoder.decode(target)
    size = pixels.shape[1], pixels.shape[0]
    cells = masking.masked(grid.cut(*size, order, limits), None if mask is None else masking.over(mask, size))
    if edit is not None:
        cells = masking.with_filled(cells, ~edit.empty)
    writer.check_room(out, cells.mosaic_size, order.format)
    fitted = images.fitted(pixels, cells)
    del pixels, mask
    if small_target is not None:
        small_target.write_bytes(images.small(fitted, *cells.mosaic_size))
    cells = sizing.sized(cells, fitted, order) if edit is None else sizing.given(cells, edit.spans)
    as_it_stands = edit is not None and edit.complete
    rules = Rules() if as_it_stands else placement.rules_of(order, size, cells, len(index))
    progress("matching", 0, placement.PERCENT)
    colours = placement.colours_of(fitted, order, cells, index)
    matched = placement.recoloured(fitted, colours)
    choice = placement.choice(matched, order, cells, index, rules, threads=threads, progress=progress, edit=edit)
    tiles = fetched(
        choice, index.content, cells, read, threads=threads, progress=progress, decoder=decoder, kept=kept
    )
    with parallel.one_thread_each(), ThreadPoolExecutor(1) as beside:
        known = beside.submit(placement.known, fitted, matched, cells, choice, index)
        with tiles as laid:
            bands = Bands(laid, matched, cells, order)
            del fitted, matched  # some hundred megabytes where the target is large

            def measured() -> Quality:
                return placement.quality_of(known.result(), choice, bands.plain, bands.small)

            measuring: list[Future[Quality]] = []

            def laying(phase: str, done: int, total: int) -> None:
                progress(phase, done, total)
                if shown is not None:
                    shown(lambda: bands.so_far(done), done, total)

            def composed() -> Iterator[NDArray[np.uint8]]:
                yield from without_surplus(bands.all(laying), cells)
                # The encoder, which comes next, does not hold Python's lock.
                measuring.append(beside.submit(measured))

            _write(composed(), cells, order, out, progress, bands.channels)
            quality = measuring[0].result()
    sizes = sizing.of(cells)
    spans = None if sizes is None else sizes.spans
    return Rendered(cells, choice, quality, KeptPlacement(index.content, choice, size, colours, spans))


def lay(
    target: bytes, order: MosaicOrder, kept: KeptPlacement, read: ReadPhoto, out: Path, *,
    progress: PhaseProgress, decoder: Decoder = images,
) -> None:  # fmt: skip
    """Write the mosaic that `render` made once to `out`, without matching: byte for byte, if the order is the same.

    Args:
        target: The same file as then.
        order: The same order as then, but for the format, its quality and the dots per inch.
        kept: What was kept of the mosaic.
        read: Gives a photo's bytes.
        out: A file that nobody reads yet; an error may leave it half-written.
        progress: Called with how far the work is; what it raises stops it.
        decoder: Decodes the target and the photos.

    Raises:
        DamagedPlacement: the placement is of another grid.
        DamagedIndex: a photo is not as it was.
        StorageFull: the disk is full.
    """
    progress("reading", 0, 1)
    pixels = decoder.decode(target)
    cells = sizing.given(grid.cut(pixels.shape[1], pixels.shape[0], order), kept.spans)
    if kept.choice.tiles.shape != (cells.rows, cells.columns):
        raise kept_placements.damaged("it is of another grid")
    cells = masking.with_filled(cells, kept.choice.tiles != NOBODY)
    writer.check_room(out, cells.mosaic_size, order.format)
    matched = placement.recoloured(images.fitted(pixels, cells), kept.colours)
    threads = parallel.core_count()
    tiles = fetched(kept.choice, kept.content, cells, read, threads=threads, progress=progress, decoder=decoder)
    with parallel.one_thread_each(), tiles as laid:
        bands = Bands(laid, matched, cells, order)
        del pixels, matched
        _write(without_surplus(bands.all(progress), cells), cells, order, out, progress, bands.channels)


def _write(
    bands: Iterator[NDArray[np.uint8]],
    cells: Grid,
    order: MosaicOrder,
    out: Path,
    progress: PhaseProgress,
    channels: int,
) -> None:
    writer.write(
        bands,
        cells.mosaic_size,
        out,
        order.format,
        progress,
        dpi=order.dpi,
        quality=order.file_quality,
        channels=channels,
        bleed=order.bleed,
        split=order.split(cells.mosaic_size),
    )
