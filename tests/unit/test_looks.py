"""Looks: what each sets, and that what a person gives counts instead."""

import json

import pytest
from click.testing import CliRunner

from cli.local import order_options
from cli.main import tessera
from models.errors import InvalidOrder
from models.rules.looks import LOOKS, SET_BY_LOOKS, fields_of
from models.rules.order_words import Crops, LossName
from models.rules.orders import FIELDS, MosaicOrder
from web import forms


def by_command(look, **given):
    flags = dict.fromkeys(("flips", "turns", "no_repeats"), False)
    return order_options.order(80, None, look, **(dict.fromkeys(FIELDS.keys() - {*flags, *CUT}) | flags | given))


def by_form(look, **given):
    return forms.mosaic_order({"look": look} | {name: str(value) for name, value in given.items()})


def by_page(look, **given):
    empty = dict.fromkeys(FIELDS.keys() - {"flips", "turns", "no_repeats"}, "")
    return forms.page_order(empty | {"look": look} | {name: str(value) for name, value in given.items()})


CUT = ("cells_across", "cell_width", "cell_height")
WAYS = pytest.mark.parametrize("ordered", [by_command, by_form, by_page])


@WAYS
@pytest.mark.parametrize(
    ("look", "order"),
    [
        ("natural", MosaicOrder(80)),
        ("true", MosaicOrder(80, tint=0.0)),
        ("once", MosaicOrder(80, no_repeats=True)),
        ("poster", MosaicOrder(80, far=4.0, keep=0.2, spread=0.25)),
        (
            "article",
            MosaicOrder(80, loss=LossName.MEAN_RGB, crops=Crops.NONE, far=0.0, spread=0.0, tint=0.0),
        ),
    ],
)
def test_a_look_is_a_set_of_fields(ordered, look, order):
    assert ordered(look) == order


@WAYS
@pytest.mark.parametrize(
    ("look", "given", "order"),
    [
        ("true", {"tint": 0.5}, MosaicOrder(80, tint=0.5)),
        ("poster", {"far": 1, "spread": 0}, MosaicOrder(80, far=1.0, keep=0.2, spread=0.0)),
        ("once", {"max_uses": 3}, MosaicOrder(80, max_uses=3)),
        ("once", {"min_uses": 2}, MosaicOrder(80, min_uses=2)),
        ("once", {"min_uses": 1}, MosaicOrder(80, no_repeats=True, min_uses=1)),
        ("once", {"max_uses": 1}, MosaicOrder(80, no_repeats=True, max_uses=1)),
        (
            "article",
            {"loss": "balanced", "detail": 0.25, "far": 1, "crops": "zoom"},
            MosaicOrder(80, detail=0.25, far=1.0, spread=0.0, tint=0.0),
        ),
    ],
)
def test_what_is_given_counts_instead_of_what_the_look_says(ordered, look, given, order):
    assert ordered(look, **given) == order


def test_a_program_may_say_that_photos_repeat_after_all():
    assert forms.mosaic_order({"look": "once", "no_repeats": "no"}) == MosaicOrder(80)


def test_a_page_drops_the_detail_that_the_loss_of_its_look_does_not_know():
    assert by_page("article", detail=0.2) == by_page("article")


def test_a_look_in_capitals_is_the_same_look():
    assert by_form(" Article ") == by_form("article")


def test_an_unknown_look_is_answered_with_the_known_ones():
    with pytest.raises(InvalidOrder, match="one of natural, true, once, poster, article, not 'best'") as refused:
        by_form("best")
    assert refused.value.field == "look"


def test_an_unknown_look_on_the_command_line_is_answered_with_the_known_ones():
    done = CliRunner().invoke(tessera, ["render", "a.png", "--tiles", ".", "--out", "b.png", "--look", "best"])
    assert (done.exit_code, "'natural', 'true', 'once', 'poster', 'article'" in done.stderr) == (2, True)


def test_the_report_of_a_mosaic_says_the_options_of_its_look(tmp_path, folder, photographs):
    words = ["--tiles", str(folder), "--out", str(tmp_path / "m.png"), "--report", str(tmp_path / "m.json")]
    words += ["--cells", "8", "--tile-size", "8", "--look", "article", "--far", "1"]
    assert CliRunner().invoke(tessera, ["render", str(photographs / "coffee.png"), *words]).exit_code == 0
    order = json.loads((tmp_path / "m.json").read_text())["order"]
    assert (order["loss"], order["crops"], order["far"], "look" in order) == ("mean-rgb", "none", 1.0, False)


@pytest.mark.parametrize("look", LOOKS)
def test_a_mosaic_of_any_look_is_ordered_again_as_it_was(look):
    order = by_form(look, cells_across=9)
    again = forms.page_order(forms.fields_of(order))
    assert (again, again.uses) == (
        MosaicOrder(**(vars(order) | {"max_uses": order.uses, "no_repeats": False})),
        order.uses,
    )


def test_a_natural_mosaic_is_ordered_again_by_another_look():
    again = forms.fields_of(MosaicOrder(80))
    assert forms.page_order(again | {"look": "article"}) == by_form("article")


def test_a_look_sets_known_fields_only():
    assert FIELDS.keys() >= SET_BY_LOOKS
    for look in LOOKS:
        said = fields_of(look, {})
        order = MosaicOrder(9, **said)
        assert {name: getattr(order, name) for name in said} == said
