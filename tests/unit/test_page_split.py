"""A poster in pages: how many, how they lie, and which part each has."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.errors import InvalidOrder
from models.rules import page_split
from models.rules.formats import Format
from models.rules.orders import MosaicOrder
from models.rules.page_split import split
from models.rules.paper import PAPERS, Sheet

MM = 254
"""Dots per inch by which a millimetre is ten pixels."""


def test_every_paper_is_a_sheet():
    assert {*Sheet} == {*PAPERS}


@pytest.mark.parametrize(("millimetres", "sheet", "overlap", "columns", "rows", "lying"), [
    # A4 without margins is 190 x 277: with 10 mm less, 180 and 267 from page to page.
    # Upright 590 / 180 = 3.3 and 390 / 267 = 1.5; lying 590 / 267 = 2.2 and 390 / 180 = 2.2.
    ((600, 400), "a4", 10, 4, 2, False),
    # Upright 840 / 180 = 4.7 and 584 / 267 = 2.2; lying 840 / 267 = 3.1 and 584 / 180 = 3.2.
    ((850, 594), "a4", 10, 5, 3, False),
    # Lying 267 + 10 = 277 wide: one page; upright it would be two.
    ((277, 190), "a4", 10, 1, 1, True),
    ((278, 190), "a4", 10, 2, 1, False),
    # Without overlap, 3 x 190 = 570.
    ((570, 277), "a4", 0, 3, 1, False),
    # Letter is 215.9 x 279.4: 195.9 and 259.4 without margins, 250 / 185.9 = 1.3, 250 / 249.4 = 1.002.
    ((260, 260), "letter", 10, 2, 2, False),
])  # fmt: skip
def test_pages_lie_so_that_fewer_are_needed(millimetres, sheet, overlap, columns, rows, lying):
    made = split((millimetres[0] * 10, millimetres[1] * 10), MM, Sheet(sheet), overlap)
    assert (made.columns, made.rows, made.count, made.sheet[0] > made.sheet[1]) == (
        columns, rows, columns * rows, lying,
    )  # fmt: skip


def test_a_page_repeats_of_its_neighbours_as_much_as_was_asked():
    made = split((6_000, 4_000), MM, Sheet.A4, 10)
    assert made.part(0, 0) == (0, 0, 1_900, 2_770)
    assert made.part(0, 1) == (1_800, 0, 3_700, 2_770)
    assert made.part(1, 3) == (5_400, 2_670, 6_000, 4_000)
    assert (made.cut(0, 0), made.cut(1, 3)) == ((0, 0, 1_800, 2_670), (5_400, 2_670, 6_000, 4_000))


@given(
    st.tuples(st.integers(1, 9_000), st.integers(1, 9_000)), st.integers(20, 2_400), st.sampled_from(Sheet),
    st.floats(0, 60),
)  # fmt: skip
def test_what_is_cut_out_of_the_pages_is_the_poster_and_each_page_has_room_for_its_part(size, dpi, sheet, overlap):
    try:
        made = split(size, dpi, sheet, overlap)
    except InvalidOrder:
        assume(False)
    places = [(row, column) for row in range(made.rows) for column in range(made.columns)]
    assert sum((r - x) * (b - y) for x, y, r, b in (made.cut(*place) for place in places)) == size[0] * size[1]
    for row, column in places:
        left, top, right, bottom = made.cut(row, column)
        assert left < right <= size[0]
        assert top < bottom <= size[1]
        part = made.part(row, column)
        assert part[:2] == (left, top)
        assert part[2] >= right
        assert part[3] >= bottom
        # Nothing wider than its sheet without two margins, to which a pixel or two of rounding are no exception.
        for low, high, side in zip(part[:2], part[2:], made.sheet, strict=True):
            assert (high - low) / dpi * 25.4 <= side - 20
        if column < made.columns - 1:
            assert abs((part[2] - right) / dpi * 25.4 - overlap) <= 25.4 / dpi
        if row < made.rows - 1:
            assert abs((part[3] - bottom) / dpi * 25.4 - overlap) <= 25.4 / dpi


@pytest.mark.parametrize(("change", "field", "sentence"), [
    # A4 is 210 wide: 190 without margins, of which 10 are to be left.
    ({"overlap": 181}, "overlap", "An overlap of 181 mm leaves too little of A4"),
    ({"overlap": 181}, "overlap", "190 mm between its margins; take at most 180 mm."),
    ({"size": (100_000, 100_000)}, "pages", "pages of A4; the limit is 300. Take larger pages"),
    ({"dpi": 1, "sheet": Sheet.R2, "overlap": 30}, "dpi", "At 1 dpi a page has less than a pixel; take more."),
])  # fmt: skip
def test_what_no_pages_can_be_is_refused(change, field, sentence):
    asked = {"size": (6_000, 4_000), "dpi": MM, "sheet": Sheet.A4, "overlap": 10} | change
    with pytest.raises(InvalidOrder, match=re.escape(sentence)) as refusal:
        split(**asked)
    assert refusal.value.field == field


A_PRINT = {"cells_across": 10, "mosaic_width": 600, "mosaic_height": 400, "dpi": 100, "format": Format.PDF}


@pytest.mark.parametrize(("fields", "field", "sentence"), [
    ({"cells_across": 10, "format": Format.PDF, "pages": Sheet.A4}, "print", "Pages belong to a print; give its"),
    ({"cells_across": 10, "bleed": 1}, "print", "A bleed belongs to a print; give its size on paper, too."),
    ({**A_PRINT, "format": Format.JPEG, "pages": Sheet.A4}, "pages", "Pages belong to PDF; take that as the format."),
    ({**A_PRINT, "overlap": 5}, "overlap", "An overlap belongs to pages; say on which paper they are."),
    ({**A_PRINT, "pages": Sheet.A4, "overlap": 501}, "overlap", "The overlap must be from 0 to 500 mm, not 501 mm."),
    ({**A_PRINT, "pages": Sheet.A4, "overlap": -1}, "overlap", "The overlap must be from 0 to 500 mm, not -1 mm."),
    ({**A_PRINT, "pages": Sheet.A6, "overlap": 100}, "overlap", "leaves too little"),
    # 400 pixels at 100 dpi are 101.6 mm.
    ({**A_PRINT, "mosaic_height": 200, "bleed": 26}, "bleed", "leaves nothing of the mosaic."),
])  # fmt: skip
def test_an_order_whose_pages_cannot_be_is_refused_at_its_field(fields, field, sentence):
    with pytest.raises(InvalidOrder, match=re.escape(sentence)) as refusal:
        MosaicOrder(**fields)
    assert refusal.value.field == field


def test_without_an_overlap_it_is_ten_millimetres():
    order = MosaicOrder(**A_PRINT, pages=Sheet.A6)
    assert order.split((600, 400)) == split((600, 400), 100, Sheet.A6, page_split.DEFAULT_OVERLAP)
    assert "overlapping by 10 mm" in order.split((600, 400)).described
