"""Describes a mosaic without making it: nothing is written, and no photo is opened."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from cli.local import masks, summary, targets
from cli.local.summary import counted
from cli.local.targets import Wanted
from models.errors import NoUsableTiles
from models.rules import printing, repeats
from models.rules.grid import Grid
from models.rules.orders import MosaicOrder
from models.rules.printing import Plan
from worker.decoding import images
from worker.file_filter import Sieve
from worker.local_index import folder_index
from worker.rendering import placement, sizing
from worker.tile_index.index import smaller_count


def described(
    orders: Sequence[tuple[Wanted, MosaicOrder]], photos: str, sieve: Sieve, mask: str | None = None
) -> str:
    """Return a description of the mosaics that orders would make.

    Raises:
        UnusablePicture: a target cannot be used.
        InvalidOrder: an order does not fit its target, or cannot be met with as many photos as there are files.
        NoUsableTiles: there are no files.
    """
    file_count = sum(not file.trouble for file in folder_index.files_of(photos, sieve))
    if not file_count:
        raise NoUsableTiles(folder_index.no_files(photos, sieve))
    return "\n".join(_described(one, order, photos, file_count, mask) for one, order in orders)


def _described(one: Wanted, order: MosaicOrder, photos: str, file_count: int, mask: str | None) -> str:
    data = targets.read(one.target, order)
    size = images.size(data)
    masked = masks.grid(data, order, masks.read(mask, data))
    grid = sizing.of_file(masked, data, order)
    repeats.of_order(order, size, grid, file_count)
    part = order.part(*size)
    width, height = grid.mosaic_size
    cell = " x ".join(_pixels(side) for side in (grid.cell_width, grid.cell_height))
    lines = [
        f"{one.target}: {size[0]:,} x {size[1]:,} pixels",
        f"  cells     {grid.columns:,} x {grid.rows:,} = {grid.cell_count:,} of {cell} pixels of the target",
        f"  edges     {_edges((part.width, part.height), grid)}",
        f"  photos    {_enough(order, size, grid)} enough; {photos} holds {counted(file_count, 'file')}",
        f"  mosaic    {width:,} x {height:,} pixels, {order.format.facts.title}, to {one.out}",
    ]
    if (part.width, part.height) != size:
        lines.insert(1, f"  crop      {part.width:,} x {part.height:,} of them, from {part.left:,}, {part.top:,} on")
    if masked.filled is not None:
        lines.insert(2, f"  filled    {masked.filled_count:,} of them; the mask leaves the others empty")
    if grid.spans is not None:
        lines.insert(2, f"  adaptive  {summary.cells(grid)}")
    if order.adapt:
        lines.append(f"  adapted   {_adapted(data, order, grid, photos)}")
    plan = printing.of_grid(grid, order)
    if plan is not None:
        split = order.split(grid.mosaic_size)
        lines += [f"  pages     {split.described}, and a plan of them"] if split else []
        lines += _print(plan, photos, file_count)
    return "\n".join(lines)


def _adapted(data: bytes, order: MosaicOrder, grid: Grid, photos: str) -> str:
    """Return how far the target's colours are moved, which is known of a folder that was indexed before."""
    tiles = folder_index.as_kept(photos)
    if tiles is None:
        return "how far the target's colours are moved is known once the folder is indexed"
    target = images.fitted(images.decode(data), grid)
    moved = placement.moved_by(target, placement.adapted(target, order, grid, tiles), grid)
    return f"the target's colours are moved by {moved:.1f} dE00 in the mean"


def _print(plan: Plan, photos: str, file_count: int) -> list[str]:
    """Return what is said of a print; which photos are small is known of a folder that was indexed before."""
    tiles = folder_index.as_kept(photos)
    small = 0 if tiles is None else smaller_count(tiles, plan.tile_pixels)
    unknown = [] if tiles else ["Whether the photos have enough pixels is known once the folder is indexed."]
    notes = plan.notes(len(tiles) if tiles else file_count, small)
    return [f"  paper     {plan.on_paper}", *(f"  note      {line}" for line in notes + unknown)]


def _pixels(length: Fraction) -> str:
    return f"{float(length):,.2f}".rstrip("0").rstrip(".")


def _edges(size: tuple[int, int], grid: Grid) -> str:
    """Return how much of the target is cut off."""
    across, down = (whole - seen for whole, seen in zip(size, grid.target_size, strict=True))
    if not across and not down:
        return "nothing is cut off"
    return f"{_pixels(across)} of {size[0]:,} pixels across and {_pixels(down)} of {size[1]:,} down are cut off"


def _enough(order: MosaicOrder, size: tuple[int, int], grid: Grid) -> str:
    """Return how many photos are enough to keep the rules."""
    found = repeats.of_order(replace(order, min_uses=None), size, grid, grid.filled_count)
    by_uses = -(-grid.filled_count // (order.uses or grid.filled_count))
    count = by_uses if found is None else max(by_uses, found.count)
    return "one is" if count == 1 else f"{count:,} different ones are"
