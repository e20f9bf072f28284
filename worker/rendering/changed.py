"""What an edit of a mosaic gives the matcher: its kept placement, with cells locked and pinned, and photos banned."""

from collections.abc import Mapping, Sequence

from models.errors import InvalidOrder
from models.rules.changes import Changes
from models.rules.grid import Grid
from models.rules.kept_placements import Kept
from models.rules.orders import MosaicOrder
from models.rules.placements import Placed, Placement, grid_of
from worker.core.edits import Edit
from worker.rendering import editing
from worker.rendering.editing import Instructions, Names
from worker.tile_index.index import Index


def edit_of(
    kept: Kept, changes: Changes, index: Index, names: Mapping[str, str], order: MosaicOrder, grid: Grid
) -> tuple[Index, Edit]:
    """Return the photos that may be used, and what is given of the placement.

    Where a photo is banned, or is no longer in the set, the cell chooses again.

    Args:
        kept: The placement of the parent.
        changes: What is asked for.
        index: The photos to choose from, with those that the edit bans.
        names: The names of photos by content hash, for sentences.
        order: The order, whose rules hold among the cells that are locked or pinned.
        grid: How the target is cut.

    Raises:
        InvalidOrder: something cannot be met.
    """
    cells = list(kept.cells(names))
    pins = [(_at(kept, names, "pins", column, row), photo) for column, row, photo in changes.pins]
    held = [_at(kept, names, "lock", column, row) for column, row in changes.lock]
    _check_once([cell for cell, _ in pins], held)
    index = editing.without_banned(index, frozenset(changes.ban))
    there = {row.tobytes().hex() for row in index.content}
    gone = {cell.content for cell in cells if cell.content not in there}
    pinned = [
        Placed(cell.column, cell.row, names.get(photo, photo), photo, None, 0, None, cell.span)
        for cell, photo in pins
    ]
    instructions = Instructions(
        Placement(cells, grid_of(grid), {}),
        Placement(held + pinned, {}, {}, source="The edit") if held or pinned else None,
        frozenset(changes.ban) | gone,
        changes.must_use,
    )
    known = Names({photo: photo for photo in changes.must_use}, {cell.content: cell.photo for cell in cells + pinned})
    return index, editing.edit_of(instructions, index, known, order, grid)


def _at(kept: Kept, names: Mapping[str, str], field: str, column: int, row: int) -> Placed:
    """Return the cell that covers a place."""
    found = kept.cell(column, row, names)
    if found is None:
        raise InvalidOrder(field, f"Column {column:,}, row {row:,} is left empty by the mask; no photo lies there.")
    return found


def _check_once(pinned: Sequence[Placed], locked: Sequence[Placed]) -> None:
    """Refuse a larger cell that is named twice, by two of its places."""
    once = {(cell.column, cell.row) for cell in pinned} - {(cell.column, cell.row) for cell in locked}
    if len(once) < len(pinned):
        raise InvalidOrder("pins", "A cell that covers several columns and rows is pinned twice, or locked as well.")
