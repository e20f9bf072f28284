"""The first page and lists on a phone and a screen: what they weigh, how they go on, and what can be pressed."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from models.database import Base
from models.tables import Mosaic, Rendition

STATIC = Path(__file__).parents[2] / "web/static"
WIDTHS = (375, 1440)
MANY = 50
HOME_BYTES, SCRIPT_BYTES = {1: 300_000, 2: 500_000}, 150_000
"""The first page's are by how many pixels of the screen a pixel of the page has, along a side."""
NO_VIEWER = "openseadragon"
LOADED = """() => performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize || 0), 0)"""
DONE = "() => [...document.images].every((image) => image.loading === 'lazy' || image.complete)"


@pytest.fixture(scope="module")
def service(new_installation: Callable[..., Any], photos: dict[str, bytes], target: bytes) -> Iterator[Any]:
    """A service in debug mode with a tile set and fifty mosaics of it; one was made, and the others copied."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("FLASK_DEBUG", "1")
        installed = stack.enter_context(new_installation("sqlite"))
        order = installed.order(installed.tile_set(photos), target, cells_across="40", tile_size="40")
        assert installed.final(order["url"])["job"]["state"] == "succeeded"
        with installed.services().sessions.begin() as session:
            mosaic = session.scalars(select(Mosaic)).one()
            for number in range(MANY - 1):
                copy_of(session, mosaic, f"{number}-{'a name that does not end ' * 7}.png")
        yield installed


def copy_of(session: Session, mosaic: Mosaic, name: str) -> None:
    def copy(row: Base, **changed: Any) -> Any:
        values = {column.name: getattr(row, column.name) for column in row.__table__.columns}
        table = type(row)
        return session.execute(insert(table).values(values | changed).returning(table.id)).scalar_one()

    identity, job = uuid4(), copy(mosaic.job, id=None)
    copy(mosaic, id=identity, job_id=job, target_name=name)
    rendition = session.scalars(select(Rendition).where(Rendition.mosaic_id == mosaic.id)).one()
    copy(rendition, id=uuid4(), mosaic_id=identity, job_id=job)


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = getattr(request, "param", (1440, "light"))
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    yield page
    page.close()


@pytest.mark.parametrize("page", [(width, "light") for width in WIDTHS], indirect=True, ids=str)
def test_the_first_page_stays_light_with_fifty_mosaics(page: Page, service: Any) -> None:
    page.goto(service.address)
    page.wait_for_function(DONE)
    page.wait_for_load_state("networkidle")
    assert page.locator(".cards .face img").count() >= 10
    assert page.evaluate(LOADED) < HOME_BYTES[1]


def test_thumbnails_are_larger_on_a_screen_of_fine_pixels_and_the_first_page_is_not_much_heavier(
    browser: Browser, service: Any
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=2)
    page.goto(service.address)
    page.wait_for_function(DONE)
    page.wait_for_load_state("networkidle")
    chosen = page.locator(".cards .face img[srcset]").evaluate_all(
        "(images) => images.map((each) => each.currentSrc)"
    )
    assert len(chosen) >= 10
    assert all(each.endswith("/thumbnail/large") for each in chosen)
    page.locator(".cards .face img[srcset]").first.scroll_into_view_if_needed()
    assert page.evaluate(LOADED) < HOME_BYTES[2]
    with service.services().sessions.begin() as session:
        session.execute(update(Mosaic).values(large_thumbnail_key=None))
    page.reload()
    expect(page.locator(".cards .face img").first).to_be_visible()
    assert page.locator(".cards .face img[srcset]").count() == 0
    page.close()


def test_all_scripts_are_small_but_for_the_viewer() -> None:
    scripts = [path for path in STATIC.rglob("*.js") if NO_VIEWER not in path.parts]
    assert {path.name for path in scripts} >= {"htmx.min.js", "tus.min.js", "zoom.js"}
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) < SCRIPT_BYTES


def test_a_list_goes_on_when_one_scrolls_and_by_links_without_a_script(
    page: Page, browser: Browser, service: Any
) -> None:
    page.goto(f"{service.address}/mosaics")
    cards = page.locator(".cards > .card")
    assert cards.count() < MANY
    page.mouse.wheel(0, 100_000)
    expect(cards).to_have_count(MANY)
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    plain = browser.new_page(java_script_enabled=False)
    plain.goto(f"{service.address}/mosaics")
    shown = plain.locator(".cards > .card").count()
    plain.get_by_role("link", name="Older").click()
    assert shown + plain.locator(".cards > .card").count() == MANY
    plain.close()


def test_a_cards_menu_opens_by_key_and_closes_by_escape_without_a_script(browser: Browser, service: Any) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(service.address)
    button = page.get_by_role("button", name="What to do with").first
    button.focus()
    page.keyboard.press("Enter")
    entry = page.get_by_role("link", name="Download").first
    expect(entry).to_be_visible()
    box, under = entry.bounding_box(), button.bounding_box()
    assert box is not None
    assert under is not None
    assert abs(box["y"] - under["y"]) < 200, "it opens beside its button"
    page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    page.close()


def test_the_first_page_of_a_new_installation_takes_photos(
    browser: Browser, new_installation: Callable[..., Any], photos: dict[str, bytes]
) -> None:
    with new_installation("sqlite") as installed:
        page = browser.new_page(viewport={"width": 375, "height": 812}, java_script_enabled=False)
        page.goto(installed.address)
        files = [
            {"name": name.rpartition("/")[2], "mimeType": "image/png", "buffer": data}
            for name, data in list(photos.items())[:3]
        ]
        page.get_by_label("Drop your photos here").set_input_files(files)
        page.get_by_role("button", name="Begin with these photos").click()
        page.wait_for_url("**/tile-sets/*")
        assert installed.final(f"/api/v1/tile-sets/{page.url.rpartition('/')[2]}")["tile_count"] == 3
        page.close()


def test_the_hero_is_cut_by_its_slider_and_comes_closer(page: Page, service: Any) -> None:
    page.goto(service.address)
    slider = page.get_by_role("slider", name="How much of the picture")
    slider.focus()
    page.keyboard.press("Home")
    cut = "() => getComputedStyle(document.querySelector('.hero-picture img + img')).clipPath"
    assert page.evaluate(cut) == "inset(0px 0px 0px 0%)"
    page.get_by_role("button", name="Closer").click()
    expect(page.get_by_role("button", name="Closer")).to_have_attribute("aria-pressed", "true")
    large = page.get_by_alt_text("The same portrait as a mosaic").evaluate(
        "(image) => [image.src.split('/').pop(), getComputedStyle(image).transform]"
    )
    assert large == ["hero-mosaic-large.webp", "matrix(5, 0, 0, 5, 0, 0)"]
