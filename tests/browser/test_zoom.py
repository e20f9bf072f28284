"""A mosaic's page in a real browser: the viewer zooms into it, down to its pixels, and then into its photos."""

import io
from collections.abc import Callable
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Made, shot

LAST_LEVEL = 11
"""Of 1,200 x 780 pixels: 2 ** 11 is the first power of two that is not less. Source: Deep Zoom."""
PLACES = [(300, 250), (600, 400), (900, 550)]
CELL, ENLARGED = 60, 5
SEEN = 150
"""Pixels of the screen that are compared, each way."""
NEAR, PHOTO_NEAR = 2.5, 6.0
"""How far colours may be off in the mean, of 255: tiles are JPEGs, and the browser enlarges by other filters."""
MOVE = """([x, y, zoom]) => new Promise((done) => {
  const viewer = OpenSeadragon.getViewer(document.querySelector(".view"));
  const { viewport } = viewer;
  const item = viewer.world.getItemAt(0);
  viewer.addOnceHandler("animation-finish", () => item.whenFullyLoaded(done));
  viewport.zoomTo(item.imageToViewportZoom(zoom));
  viewport.panTo(item.imageToViewportCoordinates(x, y));
})"""
PATIENT = (
    "() => { OpenSeadragon.getViewer(document.querySelector('.view')).innerTracker.clickTimeThreshold = 60000; }"
)
"""A click counts, however long a busy machine takes for it."""
IS_OPEN = "() => OpenSeadragon.getViewer(document.querySelector('.view'))?.world.getItemCount() === 1"
PHOTO_IS_THERE = """([x, y]) => [...document.querySelectorAll(".zoom .photo.there")].some((photo) => {
  const { left, right, top, bottom } = photo.getBoundingClientRect();
  return left < x && x < right && top < y && y < bottom;
})"""
"""Not just those of the place before, which stay for as long as they are seen."""
HIDE_MOSAIC = "() => { for (const each of document.querySelectorAll('.view canvas')) each.style.opacity = 0; }"
LOADED = "() => performance.getEntriesByType('resource').map((entry) => entry.name)"


@pytest.fixture(scope="module")
def webgl() -> bool:
    return True


@pytest.fixture
def middle(page: Page) -> Callable[[float, float, float], np.ndarray]:
    """Zoom to a place of the mosaic, so far, and return the pixels that the screen shows around it."""
    page.wait_for_function(IS_OPEN)
    page.evaluate(PATIENT)

    def seen(x: float, y: float, zoom: float) -> np.ndarray:
        page.evaluate(MOVE, [x, y, zoom])
        if zoom > 1:
            page.wait_for_function(PHOTO_IS_THERE, arg=centre(page))
            page.evaluate(HIDE_MOSAIC)
        return around(np.asarray(shot(page)), *map(round, centre(page)))

    return seen


def centre(page: Page) -> tuple[float, float]:
    box = page.locator(".openseadragon-container").first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def around(pixels: np.ndarray, x: int, y: int) -> np.ndarray:
    return pixels[y - SEEN // 2 : y + SEEN // 2, x - SEEN // 2 : x + SEEN // 2].astype(int)


def off(seen: np.ndarray, pixels: np.ndarray, x: int, y: int) -> float:
    """Return how far colours are off in the mean; the screen may round a place to either side."""
    moves = [(right, down) for right in (-1, 0, 1) for down in (-1, 0, 1)]
    return min(float(np.abs(seen - around(pixels, x + right, y + down)).mean()) for right, down in moves)


def test_the_last_level_is_the_mosaic(page: Page, mosaic: Made, middle: Callable[..., np.ndarray]) -> None:
    assert [off(middle(x, y, 1), mosaic.pixels, x, y) < NEAR for x, y in PLACES] == [True] * len(PLACES)
    assert any(f"_files/{LAST_LEVEL}/" in address for address in page.evaluate(LOADED))


def test_beyond_it_the_photo_lies_over_its_cell_cropped_and_turned_as_it_is_placed(
    mosaic: Made, middle: Callable[..., np.ndarray]
) -> None:
    turned = {cell["turn"]: place for place, cell in mosaic.cells.items() if cell["window"][2:] != [2048, 2048]}
    assert {turn % 2 for turn in turned} == {0, 1}, "some lie across"
    assert {turn // 4 for turn in turned} == {0, 1}, "some are mirrored"
    for turn in sorted(turned)[1::2][:4]:
        x, y = (round((number + 0.5) * CELL) for number in turned[turn])
        large = Image.fromarray(mosaic.pixels[y - CELL // 2 : y + CELL // 2, x - CELL // 2 : x + CELL // 2])
        side = CELL * ENLARGED
        expected = np.asarray(large.resize((side, side), Image.Resampling.BICUBIC))
        found = off(middle(x, y, ENLARGED), expected, side // 2, side // 2)
        assert found < PHOTO_NEAR, (turn, turned[turn], found)


def test_a_click_tells_which_photo_it_is_and_where_else_it_lies(
    page: Page, mosaic: Made, middle: Callable[..., np.ndarray]
) -> None:
    place = 7, 5
    photo = mosaic.cells[place]["photo"]
    same = [each for each, cell in mosaic.cells.items() if cell["photo"] == photo]
    middle(*((number + 0.5) * CELL for number in place), 1)
    page.mouse.click(*centre(page))
    times = f"{len(same)} times, here and where it is marked" if len(same) > 1 else "once, here"
    expect(page.locator("[data-told]")).to_contain_text(
        f"{photo} lies in this mosaic {times} (column {place[0]}, row {place[1]})."
    )
    expect(page.locator(".zoom .mark")).to_have_count(len(same))
    expect(page.locator(".zoom .mark.here")).to_have_count(1)


def test_the_viewer_stands_in_place_of_the_picture(page: Page) -> None:
    expect(page.locator(".zoom .view")).to_be_visible()
    expect(page.get_by_alt_text("Mosaic of t.png")).to_be_hidden()
    assert page.evaluate("OpenSeadragon.getViewer(document.querySelector('.view')).drawer.getType()") == "webgl"


def test_what_a_click_tells_becomes_an_edit(page: Page, mosaic: Made, middle: Callable[..., np.ndarray]) -> None:
    place = 7, 5
    middle(*((number + 0.5) * CELL for number in place), 1)
    page.mouse.click(*centre(page))
    page.get_by_role("button", name="Ban this photo").click()
    expect(page.locator("[data-changes]")).to_contain_text(f"{mosaic.cells[place]['photo']} lies nowhere")
    page.get_by_role("button", name="Put another here").click()
    expect(page.get_by_label("Name of a photo")).to_be_focused()
    page.keyboard.type("photo-01.png")
    page.get_by_role("button", name="Put it here").click()
    page.get_by_role("button", name="Solve again").click()
    page.wait_for_url(lambda address: "/mosaics/" in address and address != mosaic.page)
    order = mosaic.installed.get(f"/api/v1{urlsplit(page.url).path}").json()
    assert order["parent"] == urlsplit(mosaic.page).path.rpartition("/")[2]


def test_without_scripts_the_picture_is_there(browser: Browser, mosaic: Made) -> None:
    page = browser.new_page(viewport={"width": 1_000, "height": 1_000}, java_script_enabled=False)
    page.goto(mosaic.page)
    expect(page.locator(".zoom .view")).to_be_hidden()
    place = page.get_by_alt_text("Mosaic of t.png").bounding_box()
    assert place is not None
    left, top, width, height = (round(place[name]) for name in ("x", "y", "width", "height"))
    seen = shot(page).crop((left, top, left + width, top + height))
    page.close()
    preview = Image.open(io.BytesIO(requests.get(f"{mosaic.page}/preview", timeout=60).content))
    expected = np.asarray(preview.resize(seen.size, Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(np.asarray(seen).astype(int) - expected).mean() < PHOTO_NEAR
