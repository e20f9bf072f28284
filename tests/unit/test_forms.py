"""From the fields of a form to a checked order."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from jinja2 import Environment, FileSystemLoader

from models.errors import InvalidOrder, NotFound
from models.rules.formats import Format
from models.rules.looks import SET_BY_LOOKS
from models.rules.order_words import Crops, Fit, LossName
from models.rules.orders import FIELDS, MosaicOrder
from web import forms
from web.views import redisplay


def test_an_empty_form_is_eighty_cells_of_fifty_pixels_as_a_cropped_png():
    assert forms.mosaic_order({}) == MosaicOrder(80, None, None, 50, Fit.CROP, Format.PNG)


def test_every_field_is_read():
    form = {"cell_width": "12", "cell_height": " 8 ", "tile_size": "30", "fit": "resize", "format": "JPEG"}
    assert forms.mosaic_order(form) == MosaicOrder(None, 12, 8, 30, Fit.RESIZE, Format.JPEG)


def test_empty_fields_mean_their_defaults():
    form = dict.fromkeys(("cells_across", "cell_width", "cell_height", "tile_size", "fit", "format"), " ")
    assert forms.mosaic_order(form) == forms.mosaic_order({})


def test_cells_across_are_read():
    assert forms.mosaic_order({"cells_across": "75"}).cells_across == 75


@pytest.mark.parametrize("field", ["cells_across", "cell_width", "cell_height", "tile_size"])
@pytest.mark.parametrize(
    "text", ["many", "1.5", "1e3", "0x10", "+5", "--5", "-", "5 5", "\u00b2", "7_5", "\u0663", "9" * 5_000]
)
def test_what_is_no_whole_number_is_refused_at_its_field(field, text):
    with pytest.raises(InvalidOrder, match="must be a whole number") as refused:
        forms.mosaic_order({field: text})
    assert refused.value.field == field


@pytest.mark.parametrize("text", ["0", "-1", "1001", "999999999999"])
def test_a_whole_number_out_of_range_is_refused_at_its_field(text):
    with pytest.raises(InvalidOrder, match="must be from 1 to 1,000") as refused:
        forms.mosaic_order({"cells_across": text})
    assert refused.value.field == "cells_across"


def test_a_tile_size_of_nought_is_not_the_default():
    with pytest.raises(InvalidOrder, match="tile size must be from 1"):
        forms.mosaic_order({"tile_size": "0"})


def test_what_makes_the_mosaic_is_read():
    form = {
        "loss": "Grid-Oklab", "subcells": "8", "flips": "yes", "turns": "on", "max_uses": "3", "no_repeats": "no",
        "min_distance": "2.5", "tint": ".25", "blend": "0.1", "crops": "Slide",
        "keep": "0.5", "far": "1", "spread": "0",
    }  # fmt: skip
    assert forms.mosaic_order(form) == MosaicOrder(
        80, loss=LossName.GRID_OKLAB, subcells=8, flips=True, turns=True, max_uses=3, min_distance=2.5, tint=0.25,
        blend=0.1, crops=Crops.SLIDE, keep=0.5, far=1.0, spread=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("field", ["detail", "keep", "far", "min_distance", "spread", "tint", "blend"])
@pytest.mark.parametrize("text", ["much", "1e", "e5", "nan", "inf", "0,5", "--1", ".", "0x1", "\u0661"])
def test_what_is_no_number_is_refused_at_its_field(field, text):
    with pytest.raises(InvalidOrder, match=r"must be a number such as 0\.5") as refused:
        forms.mosaic_order({field: text})
    assert refused.value.field == field


@pytest.mark.parametrize("field", ["flips", "turns", "no_repeats"])
def test_what_is_neither_yes_nor_no_is_refused_at_its_field(field):
    with pytest.raises(InvalidOrder, match="must be yes or no, not 'perhaps'") as refused:
        forms.mosaic_order({field: "perhaps"})
    assert refused.value.field == field


def test_a_page_drops_the_detail_and_the_sub_cells_that_its_loss_does_not_know():
    assert forms.page_order({"loss": "mean-lab", "detail": "0.2", "subcells": "4"}) == MosaicOrder(
        80, loss=LossName.MEAN_LAB
    )


def test_a_program_is_told_that_its_loss_does_not_know_detail():
    with pytest.raises(InvalidOrder, match="Detail belongs to the loss balanced, not to mean-lab"):
        forms.mosaic_order({"loss": "mean-lab", "detail": "0.2"})


@pytest.mark.parametrize(
    "order",
    [
        MosaicOrder(80),
        MosaicOrder(None, 12, 8, 30, Fit.RESIZE, Format.JPEG, detail=0.75, flips=True, turns=True, max_uses=4),
        MosaicOrder(9, loss=LossName.GRID_RGB, subcells=2, min_distance=1.5, tint=0.5, blend=0.25),
        MosaicOrder(9, detail=0.0, tint=0.123456789),
        MosaicOrder(9, crops=Crops.NONE, keep=0.1, far=0.0, spread=0.0, min_uses=2, max_uses=2),
    ],
)
def test_a_form_filled_in_with_an_order_orders_the_same_again(order):
    assert forms.page_order(forms.fields_of(order)) == order


def test_a_number_of_many_digits_is_told_what_is_possible():
    with pytest.raises(InvalidOrder, match=r"must be from 1 to 1,000,000, not 999,999,999,999,999\.$"):
        forms.mosaic_order({"min_uses": "9" * 15})


def test_of_a_form_filled_in_with_the_defaults_no_field_is_changed():
    filled = forms.fields_of(MosaicOrder(80))
    assert [name for name in FIELDS if redisplay.is_changed(filled, name)] == []
    assert redisplay.is_changed(forms.fields_of(MosaicOrder(80, tint=0.5)), "tint")


def test_no_repeats_is_one_use_when_it_is_ordered_again():
    assert forms.page_order(forms.fields_of(MosaicOrder(9, no_repeats=True))).uses == 1


def test_on_a_page_that_is_not_filled_in_each_list_is_at_its_default_or_leaves_it_to_the_look():
    shown = page_of({})
    for name, about in FIELDS.items():
        if about.words:
            options = shown.split(f'<select name="{name}">')[1].split("</select>")[0]
            chosen = re.findall(r'value="([^"]*)" selected', options) or re.findall(r'value="([^"]*)"', options)[:1]
            assert chosen == ["" if name in SET_BY_LOOKS else getattr(MosaicOrder, name) or ""]


def test_a_page_shows_the_look_and_the_crops_that_were_chosen():
    shown = page_of({"look": "once", "crops": "slide"})
    assert re.findall(r'value="(\w+)" (?:selected|checked)', shown) == ["once", "rectangle", "png", "crop", "slide"]


@pytest.mark.parametrize(
    ("field", "words"),
    [("fit", "crop, resize"), ("format", "png, jpeg, webp, avif, tiff, pyramid-tiff, pyramid, pdf")],
)
def test_an_unknown_word_is_answered_with_the_known_ones(field, words):
    with pytest.raises(InvalidOrder, match=f"must be one of {words}, not 'gif'") as refused:
        forms.mosaic_order({field: "gif"})
    assert refused.value.field == field


@pytest.mark.parametrize(("form", "quality"), [("jpeg", 70), ("avif", 70), ("png", None), ("tiff", None), ("", None)])
def test_a_page_asks_for_a_quality_only_where_something_is_lost(form, quality):
    order = forms.page_order({"format": form, "file_quality": "70", "dpi": "150"})
    assert (order.file_quality, order.dpi) == (quality, 150)


def test_a_program_that_asks_for_a_quality_where_nothing_is_lost_is_told_so():
    said = "A quality belongs to JPEG, WebP, AVIF, zoom pyramid or PDF; nothing is lost in TIFF."
    with pytest.raises(InvalidOrder, match=said) as refused:
        forms.mosaic_order({"format": "tiff", "file_quality": "70"})
    assert refused.value.field == "file_quality"


def test_a_page_names_the_formats_as_people_do():
    options = page_of({}).split('<select name="format">')[1].split("</select>")[0]
    assert re.findall(r">(\w+)</option>", options) == ["PNG", "JPEG", "WebP", "AVIF", "TIFF", "PDF"]


def test_a_long_wrong_value_is_not_repeated_whole():
    with pytest.raises(InvalidOrder) as refused:
        forms.mosaic_order({"fit": "x" * 10_000})
    assert len(str(refused.value)) < 200


def test_cells_across_and_a_cells_size_at_once_are_refused():
    with pytest.raises(InvalidOrder, match="either"):
        forms.mosaic_order({"cells_across": "60", "cell_width": "5", "cell_height": "5"})


@pytest.mark.parametrize(("given", "missing"), [("cell_height", "cell_width"), ("cell_width", "cell_height")])
@pytest.mark.parametrize("read", [forms.mosaic_order, forms.page_order])
def test_one_side_of_a_cell_alone_is_refused_at_the_other(read, given, missing):
    with pytest.raises(InvalidOrder, match="not nothing") as refused:
        read({given: "20"})
    assert refused.value.field == missing


def test_on_a_page_a_cells_height_alone_wins_over_the_cells_across():
    with pytest.raises(InvalidOrder) as refused:
        forms.page_order({"cell_height": "20", "cells_across": "60"})
    assert refused.value.field == "cell_width"


def page_of(form):
    pages = Environment(loader=FileSystemLoader(Path(forms.__file__).parent / "templates"), autoescape=True)
    pages.globals.update(changed=set(), url_for=lambda _, filename: f"/static/{filename}", **redisplay.CHOICES)
    return pages.get_template("parts/orders.html").module.order_fields(form, [])


def test_every_field_is_on_the_page_but_no_repeats_which_are_one_use():
    shown = page_of({})
    others = {"tile_set", "look", "print", "tile", "sized"}
    assert set(re.findall(r'name="(\w+)"', shown)) == {*FIELDS, *others} - {"no_repeats"}


@pytest.mark.parametrize("read", [forms.mosaic_order, forms.page_order])
def test_a_size_on_paper_says_the_cells_and_the_pixels(read):
    # A3 is 297 x 420 mm: 297 / 15 = 19.8; 420 x 20 / 297 = 28.3. At 254 dpi a millimetre is 10 pixels.
    order = read({"print": "A3", "tile": "15mm", "dpi": "254", "format": "jpeg"})
    assert order == MosaicOrder(
        20, tile_size=149, format=Format.JPEG, mosaic_width=2_970, mosaic_height=4_200, dpi=254
    )  # fmt: skip


def test_cells_across_go_with_a_print_and_so_does_a_bleed():
    order = forms.mosaic_order({"print": "100x50mm", "bleed": "5 mm", "cells_across": "11", "dpi": "254"})
    assert (order.cells_across, order.mosaic_width, order.mosaic_height, order.bleed) == (11, 1_100, 600, 5)


@pytest.mark.parametrize("sizes", [
    {"cells_across": "60", "tile_size": "50"}, {"mosaic_width": "7"}, {"cell_width": "9"},
])  # fmt: skip
def test_on_a_page_a_print_wins_over_the_sizes_that_are_filled_in_beforehand(sizes):
    assert forms.page_order({"print": "60x40cm", **sizes}) == forms.mosaic_order({"print": "60x40cm"})


@pytest.mark.parametrize(("form", "field", "sentence"), [
    ({"print": "60x40"}, "print", "has no unit"),
    ({"print": "A4", "tile_size": "50"}, "print", "A print and a tile size contradict each other"),
    ({"print": "A4", "cell_width": "5", "cell_height": "5"}, "print", "A print and a cell width contradict"),
    ({"print": "A4", "mosaic_width": "5", "mosaic_height": "5"}, "print", "A print and a mosaic width contradict"),
    ({"print": "A4", "cells_across": "9", "tile": "12mm"}, "tile", "A tile and the cells across both say"),
    ({"print": "A4", "tile": "9"}, "tile", "is no size of the tile"),
    ({"print": "A4", "dpi": "0"}, "dpi", "The dots per inch must be from 1 to 2,400, not 0."),
    ({"tile": "12mm"}, "print", "The tile belongs to a print; give its size on paper, too."),
    ({"bleed": "3mm"}, "print", "A bleed belongs to a print; give its size on paper, too."),
])  # fmt: skip
def test_a_print_that_cannot_be_is_refused_at_its_field(form, field, sentence):
    with pytest.raises(InvalidOrder, match=re.escape(sentence)) as refused:
        forms.mosaic_order(form)
    assert refused.value.field == field


def test_a_print_can_be_ordered_again():
    asked = {
        "print": "60x40cm",
        "dpi": "150",
        "format": "pdf",
        "bleed": "2.5mm",
        "pages": "A4",
        "overlap": "0.33333in",
    }
    order = forms.mosaic_order(asked)
    assert (order.bleed, order.pages, order.overlap) == (2.5, "a4", 8.4666)
    assert forms.page_order(forms.fields_of(order)) == order


def test_on_a_page_pages_and_their_overlap_count_for_a_pdf_alone():
    filled = {"print": "60x40cm", "pages": "a4", "overlap": "5mm"}
    assert forms.page_order({**filled, "format": "png"}) == forms.mosaic_order({"print": "60x40cm"})
    alone = forms.page_order({**filled, "format": "pdf", "pages": ""})
    assert alone == forms.mosaic_order({"print": "60x40cm", "format": "pdf"})


def test_an_id_is_read():
    text = "12345678-1234-5678-1234-567812345678"
    assert forms.identity(text, "mosaic") == UUID(text)


@pytest.mark.parametrize("text", ["", "17", "../../etc/passwd", "12345678-1234-5678-1234-56781234567g"])
def test_what_is_no_id_names_nothing(text):
    with pytest.raises(NotFound, match="no such mosaic"):
        forms.identity(text, "mosaic")
