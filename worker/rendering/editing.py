"""Between documents and the core: a placement as a person has it, by names, and as the matcher has it, by numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidOrder
from models.rules import spans
from models.rules.grid import Grid
from models.rules.names import readable
from models.rules.orders import MosaicOrder
from models.rules.placements import (
    Placed,
    Placement,
    check_grid,
    check_head,
    check_whole,
    distance,
    grid_of,
    order_of,
)
from worker.core import lattice
from worker.core.assignment.spacing import NOBODY, Spacing, uses_of
from worker.core.edits import Edit
from worker.core.matcher import Choice
from worker.rendering import masking, sizing
from worker.tile_index.index import Index

Numbers = NDArray[np.intp]

MOST_MUST_USE = 1_000
"""Photos that have to appear, at most: each of them is tried in each of as many cells."""


@dataclass(frozen=True)
class Names:
    """The names of photos, as their owner gave them.

    Attributes:
        contents: The content hash, in hexadecimal, of each file that is a photo.
        first: The first name of each content hash.
    """

    contents: Mapping[str, str]
    first: Mapping[str, str]

    @classmethod
    def of(cls, contents: Mapping[str, str]) -> "Names":
        """Return the names of photos, given their content hashes by name."""
        return cls(contents, {content: name for name, content in reversed(list(contents.items()))})


@dataclass(frozen=True)
class Instructions:
    """What a person wants to be as it is, or not at all.

    Attributes:
        placement: A whole placement to begin with; None to begin with nothing.
        locked: Cells that keep what they have; None for none.
        banned: Content hashes, in hexadecimal, of photos that are not used.
        must_use: Names of photos that have to appear.
    """

    placement: Placement | None = None
    locked: Placement | None = None
    banned: frozenset[str] = frozenset()
    must_use: Sequence[str] = field(default=())

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.placement or self.locked or self.banned or self.must_use)

    @property
    def lays(self) -> bool:
        """Whether the placement is laid as it stands."""
        return self.placement is not None and not (self.locked or self.banned or self.must_use)


def without_banned(index: Index, banned: frozenset[str]) -> Index:
    """Return an index without the banned photos.

    Raises:
        InvalidOrder: nothing is left.
    """
    if not banned:
        return index
    left = np.flatnonzero([row.tobytes().hex() not in banned for row in index.content])
    if not len(left):
        raise InvalidOrder("ban", "The bans leave no photo; ban fewer.")
    return index.selected(left)


def edit_of(instructions: Instructions, index: Index, names: Names, order: MosaicOrder, grid: Grid) -> Edit:
    """Return what the matcher is given of a placement.

    Args:
        instructions: What a person wants.
        index: The photos to choose from, without those that are banned.
        names: The names of all photos of the folder.
        order: The order, whose rules hold among the cells that are locked.
        grid: How its target is cut; the sizes of a whole placement's cells are its own.

    Raises:
        InvalidOrder: an instruction cannot be met.
    """
    if instructions.placement is not None:
        grid = _sized_as(instructions.placement, grid)
    sizes = sizing.of(grid)
    numbers = {row.tobytes().hex(): number for number, row in enumerate(index.content)}
    edit = Edit.none(masking.filled(grid).ravel())
    if instructions.placement is not None:
        check_whole(instructions.placement, grid)
        _put(edit, instructions.placement, _Photos(numbers, names, instructions.placement, instructions.banned), grid)
        edit = Edit(
            edit.tiles, edit.windows, edit.orientations, edit.kept | instructions.lays, edit.must_use,
            instructions.placement.lower_bound if instructions.lays else 0.0,
        )  # fmt: skip
    if instructions.locked is not None:
        check_grid(instructions.locked, grid)
        _put(edit, instructions.locked, _Photos(numbers, names, instructions.locked, frozenset()), grid)
        for cell in instructions.locked.cells:
            edit.kept[cell.number(grid.columns)] = True
        _check_rules(edit, instructions.locked, order, grid)
    return Edit(
        edit.tiles, edit.windows, edit.orientations, edit.kept,
        _must_use(instructions, numbers, names, grid.filled_count), edit.lower_bound,
        None if sizes is None else sizes.spans,
    )  # fmt: skip


def _sized_as(placement: Placement, grid: Grid) -> Grid:
    """Return a grid of equal cells with the sizes that the cells of a whole placement have."""
    if all(cell.span == 1 for cell in placement.cells):
        return grid
    check_head(placement, grid)
    try:
        found = spans.laid_out(
            [(cell.column, cell.row, cell.span) for cell in placement.cells], grid.columns, grid.rows
        )
    except ValueError as error:
        column, row, span = error.args[0]
        raise placement.refused(
            f"column {column:,}, row {row:,}: a cell of {span} x {span} cannot lie there; it is of another grid"
        ) from error
    sized = sizing.given(grid, np.frombuffer(found, np.uint8).reshape(grid.rows, grid.columns))
    there, wanted = np.count_nonzero(sizing.covered(sized)), grid.filled_count
    if (sizing.covered(sized) != masking.filled(grid)).any():
        raise placement.refused(
            f"it covers {there:,} of the finest cells, not the {wanted:,} that are to be filled; "
            "the file may be cut off, or of another mask"
        )
    return sized


def document(choice: Choice, index: Index, names: Names, order: MosaicOrder, grid: Grid) -> Placement:
    """Return a placement as a document."""
    contents = [row.tobytes().hex() for row in index.content]
    windows, turns = choice.windows.reshape(-1, 4).tolist(), choice.orientations.ravel().tolist()
    cells = []
    for number, (tile, cost) in enumerate(
        zip(choice.tiles.ravel().tolist(), choice.costs.ravel().tolist(), strict=True)
    ):
        if tile == NOBODY:
            continue
        row, column = divmod(number, grid.columns)
        span = 1 if grid.spans is None else grid.spans[number]
        column, row = spans.corner(column, span), spans.corner(row, span)
        content, (left, top, width, height) = contents[tile], windows[number]
        window = left, top, width, height
        cells.append(Placed(column, row, names.first[content], content, window, turns[number], distance(cost), span))
    return Placement(cells, grid_of(grid), order_of(order), choice.lower_bound, sized=grid.spans is not None)


@dataclass(frozen=True)
class _Photos:
    """Finds the photos that a document names: by the content hash, or else by the name."""

    numbers: Mapping[str, int]
    names: Names
    placement: Placement
    forgiven: frozenset[str]

    def number(self, cell: Placed) -> int:
        """Return the number of a cell's photo; `NOBODY` if that is forgiven."""
        content = cell.content or self.names.contents.get(cell.photo, "")
        where = f"{cell.where}, {readable(cell.photo)}"
        if content not in self.names.first:
            raise self.placement.refused(f"{where}: this photo is not in the folder")
        if self.names.contents.get(cell.photo, content) != content:
            raise self.placement.refused(
                f"{where}: the content hash is another photo's; leave it empty to take the photo of that name"
            )
        if content not in self.numbers and content not in self.forgiven:
            raise self.placement.refused(
                f"{where}: this photo is banned or gone, left out as a near-duplicate, or the target itself"
            )
        return self.numbers.get(content, NOBODY)


def _put(edit: Edit, placement: Placement, photos: _Photos, grid: Grid) -> None:
    """Write the cells of a document into an edit that nobody else has yet."""
    for cell in placement.cells:
        number = cell.number(grid.columns)
        edit.tiles[number] = photos.number(cell)
        edit.windows[number] = cell.window or (0, 0, 0, 0)
        edit.orientations[number] = cell.turn


def _check_rules(edit: Edit, locked: Placement, order: MosaicOrder, grid: Grid) -> None:
    """Refuse locked cells that break the order's rules among each other."""
    kept = np.where(edit.kept, edit.tiles, NOBODY)
    named = {cell.number(grid.columns): cell for cell in locked.cells}
    uses = uses_of(kept, int(kept.max()) + 1)
    if order.uses is not None and uses.max() > order.uses:
        number = int(uses.argmax())
        cell = named[int(np.flatnonzero(kept == number)[0])]
        raise locked.refused(
            f"{readable(cell.photo)} is locked in {uses[number]:,} cells, which breaks the rule of at most "
            f"{order.uses:,} for a photo"
        )
    apart = grid.seats_apart(order.min_distance)
    spacing = Spacing.of(grid.columns, grid.rows, apart, lattice.of(grid.shape))
    cells = np.flatnonzero(kept != NOBODY)
    if not spacing.binds:
        return
    bad = cells[spacing.clashes(kept, cells, kept[cells][:, None])[:, 0]]
    if len(bad):
        first = named[int(bad[0])]
        more = "" if apart == order.min_distance else f", and {apart:.3g} where cells are of several sizes"
        near = spacing.around(np.arange(len(kept)), int(bad[0]))
        other = named[int(near[kept[near] == kept[bad[0]]][0])]
        raise locked.refused(
            f"{readable(first.photo)} is locked in {first.where} and in {other.where}, which breaks the rule of "
            f"{order.min_distance:g} cells between equal photos{more}"
        )


def _must_use(instructions: Instructions, numbers: Mapping[str, int], names: Names, cell_count: int) -> Numbers:
    found = dict[int, None]()
    for name in instructions.must_use:
        content = names.contents.get(name)
        if content is None:
            raise InvalidOrder("must_use", f"The photo {readable(name)} is not in the folder.")
        if content not in numbers:
            why = (
                "it is banned"
                if content in instructions.banned
                else "it is left out as a near-duplicate, or is the target"
            )
            raise InvalidOrder("must_use", f"The photo {readable(name)} cannot appear: {why}.")
        found[numbers[content]] = None
    if len(found) > min(MOST_MUST_USE, cell_count):
        most = (
            f"{MOST_MUST_USE:,} can be asked for" if cell_count > MOST_MUST_USE else f"there are {cell_count:,} cells"
        )
        raise InvalidOrder(
            "must_use", f"{len(found):,} photos have to appear, but {most}; ask for fewer, or take --min-uses 1."
        )
    return np.array(list(found), np.intp)
