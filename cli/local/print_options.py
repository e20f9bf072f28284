"""The options of a print: a size on paper instead of cells and pixels."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from cli.local import order_options
from models.errors import InvalidOrder
from models.rules import paper, print_planning
from models.rules.formats import DEFAULT_DPI, Format
from models.rules.order_words import Shape
from models.rules.orders import FIELDS, MosaicOrder, foreign_to
from models.rules.print_planning import Print

AGAINST = {"cell_size": "--cell-size", "tile_size": "--tile-size"}
"""Options that a print has no use for."""
LENGTHS = [name for name, about in FIELDS.items() if about.length]

options = order_options.together(
    click.option(
        "--print",
        "size",
        metavar="SIZE",
        help="Size on paper, such as 60x40cm, 24x16in or A3; it lies as TARGET does. Instead of --tile-size.",
    ),
    click.option(
        "--tile",
        metavar="LENGTH",
        help=f"Width of a tile on paper, or give --cells.  [default: {print_planning.DEFAULT_TILE}]",
    ),
    click.option(
        "--bleed", metavar="LENGTH", help="Let the picture be larger than --print on every side.  [default: 0]"
    ),
    click.option(
        "--pages",
        type=click.Choice(FIELDS["pages"].words, case_sensitive=False),
        metavar="PAPER",
        help="For a PDF: split the print into pages of a paper, such as A4, with marks where to cut them.",
    ),
    click.option(
        "--overlap",
        metavar="LENGTH",
        help=f"How much pages repeat of their neighbours.  [default: {FIELDS['overlap'].default}]",
    ),
)


def taken(options: dict[str, Any]) -> Print | None:
    """Take the size and the tile of a print out of all options, and read its lengths; None if no print is asked.

    Raises:
        InvalidOrder: they contradict others, or belong to a print that is not asked.
    """
    size, tile = options.pop("size"), options.pop("tile")
    for name in LENGTHS:
        if options[name] is not None:
            options[name] = paper.millimetres(options[name], name, name)
    if size is None:
        if tile is not None:
            raise InvalidOrder("print", "--tile belongs to --print, which is not given.")
        return None
    for name, flag in AGAINST.items():
        if options[name] is not None:
            raise InvalidOrder("print", f"--print and {flag} contradict each other; say --tile or --cells instead.")
    if options["cells_across"] is not None and tile is not None:
        raise InvalidOrder("print", "--cells and --tile both say how many cells there are; give one of the two.")
    dpi = DEFAULT_DPI if options["dpi"] is None else options["dpi"]
    return Print(size, dpi, tile, options["bleed"] or 0, options["cells_across"])


def order(asked: Print | None, form: Format, options: dict[str, Any], base: Mapping[str, Any] | None) -> MosaicOrder:
    """Return the order that the options make, as a print if one is asked.

    Args:
        asked: The print.
        form: The format of the file.
        options: All other options.
        base: The order that they change; None for the usual one.

    Raises:
        InvalidOrder: a value is outside its range, or two contradict each other.
    """
    if asked is not None:
        shape = options["shape"] or (base or {}).get("shape") or Shape.RECTANGLE
        options = options | print_planning.plan(replace(asked, shape=Shape(shape)), form).order_fields
    if base is not None:
        base = {name: value for name, value in base.items() if name not in foreign_to(form)}
    return order_options.order(format=form, base=base, **options)
