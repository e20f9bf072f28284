"""The contact sheet of a tile set in a real browser: choose, ban, undo; ten thousand photos; without scripts."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert, select, update

from models.rules import blob_keys
from models.tables import Tile, TileSet, Version
from tests.browser.axe import violations

MANY = 10_000
PAGE_LENGTH = 120
FEW = 12
"""Photos of the small set, whose names have what may break a page."""
NAMES = ["שלום.png", "🦝 😀.png", "x" * 300 + ".png", "<b>&amp;.png"]
WIDTHS = (375, 1_440)
MOST_ELEMENTS = 12_000
"""In the page, however many photos were scrolled past: ten thousand of them would be 60,000."""
NEXT_PAINT = """(box) => new Promise((done) => {
  const began = performance.now();
  box.click();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})"""
ELEMENTS = "() => document.getElementsByTagName('*').length"
TO_THE_END = "() => window.scrollTo(0, document.documentElement.scrollHeight)"
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Sets(NamedTuple):
    """A service with a set of a few photos, which it indexed, and one of ten thousand rows."""

    address: str
    few: str
    many: str
    installed: Any


@pytest.fixture(scope="module")
def sets(new_installation: Callable[..., Any], encoded: Callable[..., bytes]) -> Iterator[Sets]:
    photos = {
        (NAMES[number] if number < len(NAMES) else f"photo-{number:02}.png"): encoded(
            Image.new("RGB", (60, 40), (20 * number, 200, 255 - 20 * number))
        )
        for number in range(FEW)
    }
    with new_installation("sqlite") as installed:
        few, many = installed.tile_set(photos), installed.tile_set({"a.png": photos["photo-09.png"]})
        _fill(installed.services(), UUID(many["id"]))
        yield Sets(installed.address, few["id"], many["id"], installed)


def _fill(services: Any, tile_set: UUID) -> None:
    """Give a set ten thousand photos more, which all look the same."""
    with services.sessions.begin() as session:
        first = session.scalars(select(Tile).where(Tile.tile_set_id == tile_set)).one()
        preview = services.store.get(blob_keys.preview_of_tile(tile_set, first.content))
        rows = [
            {"tile_set_id": tile_set, "content": f"{number:064x}", "name": f"{number:05}.png", "since": 1, "uses": 0}
            for number in range(MANY)
        ]
        session.execute(insert(Tile), [row | {"linked": False} for row in rows])
        session.execute(update(Version).where(Version.tile_set_id == tile_set).values(tile_count=MANY + 1))
        assert session.get(TileSet, tile_set) is not None
    for row in rows:
        services.store.put(blob_keys.preview_of_tile(tile_set, str(row["content"])), preview)
    for row in rows[7_777:7_779]:
        services.store.put(blob_keys.tile(tile_set, str(row["content"])), preview)


@pytest.fixture
def opened(browser: Browser, sets: Sets) -> Iterator[Callable[..., Page]]:
    """Open a page of the service; nothing goes wrong in it, and nothing comes from another host."""
    wrong, pages = list[str](), list[Page]()
    here = urlsplit(sets.address).netloc

    def open_page(path: str, width: int = 1_440, **more: Any) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce", **more)
        pages.append(page)
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: wrong.append(asked.url) if urlsplit(asked.url).netloc != here else None)
        page.goto(f"{sets.address}{path}")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert wrong == []


def boxes(page: Page) -> Any:
    return page.locator("input[name=content]")


@pytest.mark.parametrize("width", WIDTHS)
def test_photos_are_chosen_banned_and_used_again_by_one_press(
    opened: Callable[..., Page], sets: Sets, width: int
) -> None:
    page = opened(f"/tile-sets/{sets.few}", width)
    expect(page.get_by_text(f"{FEW} photos are few")).to_be_visible()
    expect(boxes(page)).to_have_count(FEW)
    assert page.evaluate(SIDEWAYS) <= 0
    assert violations(page) == []
    expect(page.get_by_role("button", name="Ban", exact=True)).to_be_disabled()
    boxes(page).nth(1).check()
    boxes(page).nth(4).click(modifiers=["Shift"])
    expect(page.locator("[data-count]")).to_have_text("4 chosen")
    page.get_by_role("button", name="Ban", exact=True).click()
    expect(page.get_by_text("4 photos were banned.")).to_be_visible()
    expect(page.locator(".sheet .out")).to_have_count(4)
    assert violations(page) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("4 photos are used again.")).to_be_visible()
    expect(page.locator(".sheet .out")).to_have_count(0)
    assert urlsplit(page.url).path == f"/tile-sets/{sets.few}"
    page.emulate_media(media="print")
    expect(page.locator(".sheet img").first).to_be_visible()
    expect(boxes(page).first).to_be_hidden()


def test_the_keyboard_reaches_every_photo(opened: Callable[..., Page], sets: Sets) -> None:
    page = opened(f"/tile-sets/{sets.few}/photos?sort=name")
    boxes(page).first.focus()
    for key in ("ArrowRight", "ArrowRight", "Space", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    expect(page.locator("[data-count]")).to_have_text("2 chosen")
    expect(boxes(page).nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(boxes(page).nth(11)).to_be_focused()


def test_a_photo_that_another_tab_removed_is_told_and_the_others_are_removed(
    opened: Callable[..., Page], sets: Sets
) -> None:
    one, other = (opened(f"/tile-sets/{sets.few}/photos") for _ in range(2))
    boxes(one).nth(0).check()
    one.get_by_role("button", name="Remove").click()
    expect(one.get_by_text("was removed.")).to_be_visible()
    boxes(other).nth(0).check()
    boxes(other).nth(1).check()
    other.get_by_role("button", name="Remove").click()
    expect(other.get_by_text("1 of the photos was no longer there")).to_be_visible()
    expect(boxes(other)).to_have_count(FEW - 2)
    other.get_by_label("Which photos").select_option("removed")
    other.get_by_role("button", name="Show", exact=True).click()
    other.get_by_role("button", name="All shown").click()
    other.get_by_role("button", name="Take back").click()
    expect(other.get_by_text("2 photos were taken back.")).to_be_visible()


def test_ten_thousand_photos_are_scrolled_through_in_a_page_that_stays_small(
    opened: Callable[..., Page], sets: Sets
) -> None:
    page = opened(f"/tile-sets/{sets.many}")
    groups = page.locator("ul.sheet")
    for number in range(1, 13):
        page.evaluate(TO_THE_END)
        expect(groups).not_to_have_count(number)
    assert page.evaluate(ELEMENTS) < MOST_ELEMENTS
    assert groups.first.locator("li").count() == 0, "what is far away is out of the page"
    page.get_by_role("button", name="All shown").click()
    expect(page.locator("[data-count]")).to_have_text(re.compile("chosen: at most 800 can be changed at once"))
    page.get_by_role("button", name="None").click()
    page.evaluate("() => window.scrollTo(0, 0)")
    expect(groups.first.locator("li")).to_have_count(PAGE_LENGTH)
    box = boxes(page).nth(3)
    times = [box.evaluate(NEXT_PAINT) for _ in range(5)]
    print(
        "from a click on a photo to the second frame after it, in milliseconds:", *(f"{each:.0f}" for each in times)
    )
    expect(page.locator("[data-count]")).to_have_text("1 chosen")
    page.evaluate(TO_THE_END)
    expect(groups.first.locator("li")).to_have_count(0)
    page.get_by_role("button", name="Ban", exact=True).click()
    expect(page.get_by_text("“00002.png” was banned.")).to_be_visible()


def test_without_scripts_forms_and_links_do_the_same(opened: Callable[..., Page], sets: Sets) -> None:
    page = opened(f"/tile-sets/{sets.many}", 375, java_script_enabled=False)
    page.get_by_role("link", name="More photos").click()
    expect(page.get_by_text("00119.png")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("0777")
    page.get_by_label("Order").select_option("newest")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".sheet bdi")).to_have_text(
        ["07779.png", "07778.png", "07777.png", "07776.png", "07775.png", "07774.png", "07773.png", "07772.png",
         "07771.png", "07770.png", "00777.png"]
    )  # fmt: skip
    page.get_by_label("Choose 07779.png").check()
    page.get_by_label("Choose 00777.png").check()
    page.get_by_role("button", name="Ban", exact=True).click()
    expect(page.get_by_text("2 photos were banned.")).to_be_visible()
    expect(page.locator(".sheet .out")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".sheet .out")).to_have_count(0)
    page.locator(".sheet a").nth(1).click()
    expect(page.get_by_role("heading", name="07778.png")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("heading", name="07777.png")).to_be_visible()
