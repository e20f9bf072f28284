"""The options that say how a mosaic is to be, for every command that makes one."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli.place import Place
from models.rules.orders import (
    DEFAULT_CELLS_ACROSS,
    DEFAULT_DETAIL,
    DEFAULT_SUBCELLS,
    DEFAULT_TILE_SIZE,
    Fit,
    LossName,
    MosaicOrder,
)

Command = Callable[..., Any]


class CellSize(click.ParamType[tuple[int, int]]):
    """A width and a height in pixels, such as 12x8."""

    name = "WxH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Read `12x8`."""
        found = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", str(value).lower())
        if found is None:
            self.fail(
                f"{str(value)[:40]!r} is no cell size; write width x height in pixels, such as 12x8.", param, ctx
            )
        return int(found[1]), int(found[2])


def _together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return one decorator that adds several options, in the order in which they are to be shown."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


tiles = click.option(
    "--tiles",
    required=True,
    type=Place(path_type=Path),
    metavar="DIR",
    help="Folder of photos; sub-folders too.",
)

cutting = _together(
    click.option(
        "--cells",
        type=int,
        metavar="N",
        help=f"Cells across; they are square.  [default: {DEFAULT_CELLS_ACROSS}]",
    ),
    click.option("--cell-size", type=CellSize(), help="Size of a cell in the target, in pixels, instead of --cells."),
    click.option(
        "--fit",
        type=click.Choice([fit.value for fit in Fit], case_sensitive=False),
        default=Fit.CROP.value,
        show_default=True,
        help="Crop less than one cell (of the height with --cells, each way with --cell-size), or stretch slightly.",
    ),
)

tile_size = click.option(
    "--tile-size",
    type=int,
    default=DEFAULT_TILE_SIZE,
    show_default=True,
    metavar="PX",
    help="Width of a tile in the mosaic.",
)

weighing = _together(
    click.option(
        "--detail",
        type=float,
        metavar="T",
        help=f"For balanced: 0 for average colour alone to 1 for structure alone.  [default: {DEFAULT_DETAIL}]",
    ),
    click.option(
        "--subcells",
        type=int,
        metavar="G",
        help=f"For grid-rgb and grid-oklab: compare G x G sub-cells, 2 to 16.  [default: {DEFAULT_SUBCELLS}]",
    ),
)

ruling = _together(
    click.option("--flips", is_flag=True, help="Tiles may be mirrored."),
    click.option("--turns", is_flag=True, help="Tiles may be turned by quarters."),
    click.option("--max-uses", type=int, metavar="N", help="A tile lies in at most N cells."),
    click.option("--no-repeats", is_flag=True, help="A tile lies in one cell at most."),
    click.option(
        "--min-distance",
        type=float,
        default=0.0,
        metavar="D",
        help="Equal tiles lie at least D cells apart, as the crow flies.",
    ),
)

colouring = _together(
    click.option(
        "--tint",
        type=float,
        default=0.0,
        metavar="T",
        help="Move a tile's average colour towards its cell's: 0 not at all, 1 all the way.  [default: 0]",
    ),
    click.option(
        "--blend",
        type=float,
        default=0.0,
        metavar="T",
        help="Lay the target over the tiles: 0 not at all, 1 nothing but the target.  [default: 0]",
    ),
)

loss = click.option(
    "--loss",
    type=click.Choice([name.value for name in LossName], case_sensitive=False),
    default=LossName.BALANCED.value,
    show_default=True,
    help="How far a tile is from a cell; `tessera compare` shows them all.",
)


report = click.option(
    "--report",
    type=Place(),
    metavar="FILE",
    help="Write the quality report there too, as JSON.",
)

quiet = click.option("--quiet", "-q", is_flag=True, help="Say nothing but what went wrong.")


def order(cells: int | None, cell_size: tuple[int, int] | None, fit: str, loss: str, **wishes: Any) -> MosaicOrder:
    """Return the order that the options make.

    Raises:
        InvalidOrder: a value is outside its range, or two contradict each other.
    """
    if cells is None and cell_size is None:
        cells = DEFAULT_CELLS_ACROSS
    width, height = cell_size or (None, None)
    return MosaicOrder(cells, width, height, fit=Fit(fit), loss=LossName(loss), **wishes)
