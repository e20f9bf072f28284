"""The options that say how a mosaic is to be, for every command that makes one."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from cli.place import Place
from models.rules import looks
from models.rules.order_fields import Group
from models.rules.order_words import DEFAULT_CELLS_ACROSS
from models.rules.orders import FIELDS, MosaicOrder

Command = Callable[..., Any]
CROP = [name for name, about in FIELDS.items() if about.group is Group.CROP]
"""Left edge, top edge, width and height."""


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


class Part(click.ParamType[tuple[float, float, float, float]]):
    """A part of a picture as shares of its width and height, such as 0.25,0,0.5,1."""

    name = "X,Y,W,H"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float, float]:
        """Read `0.25,0,0.5,1`."""
        try:
            left, top, width, height = map(float, str(value).split(","))
        except ValueError:
            self.fail(
                f"{str(value)[:40]!r} is no part of a picture; write left edge, top edge, width and height as shares "
                "of the whole, such as 0.25,0,0.5,1.", param, ctx,
            )  # fmt: skip
        return left, top, width, height


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
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


def _of_field(name: str) -> Callable[[Command], Command]:
    """Return the option that gives a field of an order; what is not given is None."""
    about = FIELDS[name]
    flag = about.flag or f"--{name.replace('_', '-')}"
    sentence = about.option or f"{about.meaning}."
    if about.kind is bool:
        return click.option(flag, name, is_flag=True, help=sentence)
    choice = click.Choice(about.words, case_sensitive=False) if about.words else about.kind
    metavar = None if about.words else about.letter
    usual = f"{sentence}  [default: {about.default}]"
    if about.alone is None:
        return click.option(flag, name, type=choice, metavar=metavar, help=usual)
    alone = f"{about.alone:g}"
    return click.option(
        flag, name, type=choice, metavar=f"[{metavar}]", is_flag=False, flag_value=alone,
        help=f"{usual[:-1]}; {alone} without a number]",
    )  # fmt: skip


def _of_group(group: Group, *but: str) -> Callable[[Command], Command]:
    """Return the options of a group of fields, without some."""
    return together(*(_of_field(name) for name, about in FIELDS.items() if about.group is group and name not in but))


cutting = together(
    _of_field("cells_across"),
    click.option("--cell-size", type=CellSize(), help="Size of a cell in the target, in pixels, instead of --cells."),
    click.option(
        "--crop",
        type=Part(),
        help="Take only a part of TARGET: left edge, top edge, width and height as shares of the whole, 0 to 1.",
    ),
    _of_field("shape"),
    _of_field("fit"),
)
adaptive = _of_field("adaptive")
look = click.option(
    "--look",
    type=click.Choice(list(looks.LOOKS), case_sensitive=False),
    default=looks.DEFAULT_LOOK,
    show_default=True,
    help="A set of the options below; what is given beside it counts instead.",
)
sizing = _of_group(Group.SIZE, "cells_across")
loss = _of_field("loss")
weighing = _of_group(Group.NEARNESS, "loss")
ruling = _of_group(Group.REPEATS)
colouring = _of_group(Group.COLOUR)
saving = _of_group(Group.SAVING)

report = click.option(
    "--report",
    type=Place(),
    metavar="FILE",
    help="Write the quality report there too, as JSON.",
)

quiet = click.option("--quiet", "-q", is_flag=True, help="Say nothing but what went wrong.")


def order(
    cells_across: int | None, cell_size: tuple[int, int] | None, look: str = looks.DEFAULT_LOOK,
    base: Mapping[str, Any] | None = None, crop: tuple[float, float, float, float] | None = None, **options: Any,
) -> MosaicOrder:  # fmt: skip
    """Return the order that a look and the options make; a flag that is off is not given.

    With `base`, the fields of an earlier order, these hold instead of the defaults.

    Raises:
        InvalidOrder: a value is outside its range, or two contradict each other.
    """
    if cells_across is None and cell_size is None and base is None:
        cells_across = DEFAULT_CELLS_ACROSS
    width, height = cell_size or (None, None)
    given = {
        name: FIELDS[name].kind(value) for name, value in options.items() if value is not None and value is not False
    }
    if crop is not None:
        given |= dict(zip(CROP, crop, strict=True))
    if base is None:
        return MosaicOrder(cells_across, width, height, **looks.fields_of(look, given))
    if cells_across is not None or cell_size is not None:
        given |= {"cells_across": cells_across, "cell_width": width, "cell_height": height}
    source = click.get_current_context().get_parameter_source("look")
    return MosaicOrder(
        **(dict(base) | (given if source is ParameterSource.DEFAULT else looks.fields_of(look, given)))
    )
