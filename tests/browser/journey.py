"""One whole journey through the pages: photos, an order, the wait, a look, a change, a link, and away with it.

The test of it runs it in both modes; `make screenshots` takes the pictures of the tutorial on the way.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, expect

SOON = 60_000
IS_OPEN = """() => window.OpenSeadragon
  && OpenSeadragon.getViewer(document.querySelector(".view"))?.world.getItemCount() === 1"""
PHOTOS_ARE_THERE = "() => document.querySelectorAll('.zoom .photo.there').length > 3"
MOSAIC, TILE_SET = re.compile(r"/mosaics/[-0-9a-f]{36}"), re.compile(r"/tile-sets/[-0-9a-f]{36}")


class Journey(NamedTuple):
    """What is taken along: the first page's address, a folder of photos, a picture, and on a server the token."""

    address: str
    photos: Path
    picture: Path
    token: str = ""


def walk(page: Page, browser: Browser, take: Journey, seen: Callable[[Page, str], None]) -> None:
    """Walk through it all; `seen` is called with the page and the name of each step that there is to see."""
    page.goto(take.address)
    if take.token:
        page.get_by_label("Token").fill(take.token)
        page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("Choose a folder")).to_be_visible()  # a click does not wait for the page after it
    seen(page, "begin")
    _send_photos(page, take.photos, seen)
    _order(page, take.picture, seen)
    banned = _look(page, seen)
    _change(page, banned, seen)
    _share(page, browser, seen)
    _delete(page, take.address, seen)


def _send_photos(page: Page, photos: Path, seen: Callable[[Page, str], None]) -> None:
    with page.expect_file_chooser() as chosen:
        page.get_by_text("Choose a folder").click()
    chosen.value.set_files(photos)
    make = page.get_by_role("button", name="Make the tile set")
    expect(make).to_be_enabled(timeout=SOON)
    seen(page, "photos")
    make.click()
    page.wait_for_url(TILE_SET)
    order = page.get_by_role("link", name="Order a mosaic")
    expect(order).to_be_visible(timeout=SOON)
    seen(page, "set")
    order.click()


def _order(page: Page, picture: Path, seen: Callable[[Page, str], None]) -> None:
    page.get_by_label("Picture to rebuild").set_input_files(picture)
    expect(page.get_by_alt_text("Preview of the mosaic")).to_be_visible(timeout=SOON)
    seen(page, "order")
    page.get_by_role("button", name="Order the mosaic").click()
    page.wait_for_url(MOSAIC)
    page.wait_for_function(IS_OPEN, timeout=SOON)
    seen(page, "mosaic")


def _look(page: Page, seen: Callable[[Page, str], None]) -> str:
    """Zoom in, tell which photo lies in the middle, and find all places of it; return its name."""
    view = page.locator(".openseadragon-canvas").first
    view.focus()
    for _ in range(6):
        page.get_by_role("button", name="Zoom in").click()
    view.focus()
    page.keyboard.press("ArrowRight")
    told = page.locator("[data-told]")
    expect(told).to_contain_text("lies in this mosaic")
    page.wait_for_function(PHOTOS_ARE_THERE, timeout=SOON)
    seen(page, "closer")
    name = (told.text_content() or "").partition(" lies in this mosaic")[0].strip()
    page.get_by_label("Part of its name").fill(name)
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("[data-found]")).to_contain_text(name)
    expect(page.locator(".zoom .mark").first).to_be_attached()
    page.locator("h1").scroll_into_view_if_needed()
    seen(page, "found")
    return name


def _change(page: Page, banned: str, seen: Callable[[Page, str], None]) -> None:
    page.get_by_role("button", name="Ban this photo").click()
    before = page.url
    page.get_by_role("button", name="Solve again").click()
    page.wait_for_url(lambda address: MOSAIC.search(address) is not None and address != before)
    page.wait_for_function(IS_OPEN, timeout=SOON)
    page.get_by_label("Show over it").select_option("what was changed")
    page.get_by_label("Part of its name").fill(banned)
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("[data-found]")).to_contain_text("No photo in this mosaic has that in its name.")
    page.locator("h1").scroll_into_view_if_needed()
    seen(page, "changed")


def _share(page: Page, browser: Browser, seen: Callable[[Page, str], None]) -> None:
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Whoever has this link").input_value()
    seen(page, "share")
    stranger = browser.new_page(viewport=page.viewport_size, reduced_motion="reduce")
    stranger.goto(link)
    stranger.wait_for_function(IS_OPEN)
    expect(stranger.get_by_role("link", name="Mosaics")).to_have_count(0)
    seen(stranger, "shared")
    stranger.close()


def _delete(page: Page, address: str, seen: Callable[[Page, str], None]) -> None:
    page.get_by_text("Rename or delete").click()
    page.get_by_role("button", name="Delete this mosaic").click()
    expect(page.get_by_text("was deleted")).to_be_visible()
    seen(page, "deleted")
    page.get_by_role("button", name="Undo").first.click()
    page.goto(f"{address}/mosaics")
    expect(page.locator(".cards > .card")).to_have_count(2)
