"""A picture on paper: how large it is, the smallest sheet that it fits on, and how many pages it makes."""

import pytest

from models.rules import print_card


@pytest.mark.parametrize(
    ("pixels", "sheet"),
    [
        ((2_480, 3_508), "A4"),  # what A4 is at 300 dpi, by any table: 209.97 x 297.01 mm
        ((3_508, 2_480), "A4"),
        ((2_482, 3_508), "A3"),
        ((1_240, 1_748), "A6"),
        ((9_933, 14_043), "A0"),
        ((9_933, 14_050), None),
    ],
)
def test_it_fits_on_the_smallest_sheet_that_is_no_smaller_whichever_way_it_lies(
    pixels: tuple[int, int], sheet: str | None
) -> None:
    assert print_card.card(pixels)[0].sheet == sheet


def test_twice_the_dots_make_it_half_as_large() -> None:
    fine, coarse = print_card.card((3_000, 1_500))
    assert [(each.dpi, each.size) for each in (fine, coarse)] == [(300, "25.4 x 12.7 cm"), (150, "50.8 x 25.4 cm")]


def test_what_fits_on_a4_has_no_pages_and_what_would_make_too_many_neither() -> None:
    assert print_card.card((2_000, 1_000))[0].pages is None
    assert print_card.card((200_000, 200_000))[1].pages is None
    # 600 x 400 mm on A4, 190 x 277 mm of which are printed on, overlapping by 10 mm: 4 of 180, and 2 of 267, see
    # `page_split.split`.
    assert print_card.card((7_087, 4_724))[0].pages == "8 (4 across, 2 down)"
