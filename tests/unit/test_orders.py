"""Checked orders. The limits here are the promises of the order's docstring, written out."""

import re

import pytest
from sqlalchemy import Enum

from cli.local.render import render
from models.errors import InvalidOrder
from models.rules.formats import Format
from models.rules.order_words import Fit, LossName
from models.rules.orders import FIELDS, MosaicOrder
from models.tables import Mosaic


def test_an_order_by_count_needs_no_more_than_the_count():
    order = MosaicOrder(cells_across=60)
    assert (order.tile_size, order.fit, order.format) == (50, Fit.CROP, Format.PNG)


@pytest.mark.parametrize(
    "values",
    [
        {"cells_across": 1},
        {"cells_across": 1_000},
        {"cell_width": 1, "cell_height": 1},
        {"cell_width": 4_096, "cell_height": 4_096},
        {"cells_across": 9, "tile_size": 1},
        {"cells_across": 9, "tile_size": 1_024},
        {"cells_across": 9, "loss": LossName.GRID_RGB, "subcells": 2},
        {"cells_across": 9, "loss": LossName.GRID_OKLAB, "subcells": 16},
        {"cells_across": 9, "detail": 0, "tint": 0, "blend": 0, "min_distance": 0, "max_uses": 1},
        {"cells_across": 9, "detail": 1, "tint": 1, "blend": 1, "min_distance": 1_000, "max_uses": 250_000},
        {"cells_across": 9, "no_repeats": True, "max_uses": 1},
        {"cells_across": 9, "keep": 0.1, "far": 0, "spread": 0, "min_uses": 1},
        {"cells_across": 9, "keep": 1, "far": 1, "spread": 1, "min_uses": 250_000},
        {"cells_across": 9, "min_uses": 1, "no_repeats": True},
        {"cells_across": 9, "min_uses": 2, "max_uses": 2, "min_distance": 1},
    ],
)
def test_both_ends_of_every_range_are_accepted(values):
    order = MosaicOrder(**values)
    assert {name: getattr(order, name) for name in values} == values


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"cells_across": 0}, "cells_across", "The cells across must be from 1 to 1,000, not 0."),
        ({"cells_across": 1_001}, "cells_across", "The cells across must be from 1 to 1,000, not 1,001."),
        ({"cells_across": -5}, "cells_across", "The cells across must be from 1 to 1,000, not -5."),
        ({"cell_width": 0, "cell_height": 5}, "cell_width", "The cell width must be from 1 to 4,096, not 0."),
        (
            {"cell_width": 5, "cell_height": 4_097},
            "cell_height",
            "The cell height must be from 1 to 4,096, not 4,097.",
        ),
        ({"cell_width": 0}, "cell_width", "The cell width must be from 1 to 4,096, not 0."),
        ({"cell_width": 5}, "cell_height", "The cell height must be from 1 to 4,096, not nothing."),
        ({"cell_height": 5}, "cell_width", "The cell width must be from 1 to 4,096, not nothing."),
        ({"cells_across": 9, "tile_size": 0}, "tile_size", "The tile size must be from 1 to 1,024, not 0."),
        ({"cells_across": 9, "tile_size": 1_025}, "tile_size", "The tile size must be from 1 to 1,024, not 1,025."),
        ({"cells_across": 9, "keep": 0.09}, "keep", "The share kept must be from 0.1 to 1, not 0.09."),
        ({"cells_across": 9, "far": 4.5}, "far", "The view from afar must be from 0 to 4, not 4.5."),
        ({"cells_across": 9, "spread": -1}, "spread", "The spread must be from 0 to 1, not -1."),
        (
            {"cells_across": 9, "min_uses": 0},
            "min_uses",
            "The least uses of a tile must be from 1 to 1,000,000, not 0.",
        ),
    ],
)
def test_a_value_outside_its_range_is_named_with_its_limits(values, field, sentence):
    with pytest.raises(InvalidOrder) as refused:
        MosaicOrder(**values)
    assert (refused.value.field, str(refused.value)) == (field, sentence)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"min_uses": 3, "max_uses": 2},
            "A tile cannot lie in at least 3 cells and in at most 2; ask for fewer, or allow more.",
        ),
        (
            {"min_uses": 2, "no_repeats": True},
            "A tile cannot lie in at least 2 cells and in at most 1; ask for fewer, or allow more.",
        ),
        (
            {"min_uses": 1, "min_distance": 1.5},
            (
                "Least uses do not go with a distance of equal tiles, here 1.5; "
                "give one of the two, or a spread instead of the distance."
            ),
        ),
    ],
)
def test_least_uses_that_contradict_another_rule_are_refused(values, sentence):
    with pytest.raises(InvalidOrder) as refused:
        MosaicOrder(cells_across=9, **values)
    assert (refused.value.field, str(refused.value)) == ("min_uses", sentence)


@pytest.mark.parametrize(
    "values", [{}, {"cells_across": 9, "cell_width": 5, "cell_height": 5}, {"cells_across": 9, "cell_height": 5}]
)
def test_neither_way_of_cutting_and_both_are_refused(values):
    with pytest.raises(InvalidOrder, match="either the cells across or a cell's width and height"):
        MosaicOrder(**values)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_has_a_column_of_its_kind(name):
    column, about = Mosaic.__table__.columns[name], FIELDS[name]
    kind = column.type.enum_class if isinstance(column.type, Enum) else column.type.python_type
    assert (kind, column.nullable) == (about.kind, getattr(MosaicOrder, name) is None)


def test_every_field_is_an_option_of_render():
    given = {option.name for option in render.params}
    elsewhere = {"cell_width": "cell_size", "cell_height": "cell_size", "format": "form"}
    elsewhere |= {"mosaic_width": "size", "mosaic_height": "size"}
    elsewhere |= dict.fromkeys(("crop_left", "crop_top", "crop_width", "crop_height"), "crop")
    assert {elsewhere.get(name, name) for name in FIELDS} <= given


def test_an_order_cannot_be_changed():
    with pytest.raises(AttributeError):
        MosaicOrder(cells_across=9).cells_across = 0


@pytest.mark.parametrize("name", FIELDS)
def test_every_number_in_the_help_of_a_field_is_one_of_its_limits(name):
    about = FIELDS[name]
    numbers = re.findall(r"\d[\d,.]*\d|\d", f"{about.meaning} {about.option} {about.hint}")
    assert set(numbers) <= {f"{about.least:,}", f"{about.most:,}"}
