"""Pages of unfinished work in a real browser: they change without being loaded again, and lose nothing typed."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import axe
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import update

from models import database, jobs
from models.errors import StorageFull
from models.rules.lifecycle import JobKind, Lane
from models.tables import Job, TileSet

SLOW = {"cells_across": "250", "tile_size": "60", "blend": "0.2"}
"""Of 150 megapixels: they are laid for some seconds."""
WATCH = """() => {
  window.moved = [];
  const seen = (node) => (node?.outerHTML ?? node?.textContent ?? "nothing").slice(0, 80);
  new PerformanceObserver((list) => list.getEntries().forEach(({ sources }) => sources.forEach((source) => {
    const [before, after] = [source.previousRect, source.currentRect];
    window.moved.push(`${seen(source.node)} from ${before.x},${before.y} to ${after.x},${after.y}`);
  }))).observe({ type: "layout-shift", buffered: true });
}"""
SAYS_THAT_IT_IS_DONE = """() => new MutationObserver(() => {
  const link = document.querySelector("[data-far] .button");
  if (link) console.log(link.textContent);
}).observe(document.querySelector("[data-far]"), { childList: true })"""
IS_LAID = "() => Number(document.querySelector('svg image')?.getAttribute('height')) > 0"
LAID = "() => Number(document.querySelector('svg image').getAttribute('height'))"
MINUTES = 90_000


@pytest.fixture(scope="module")
def service(new_installation: Callable[..., Any]) -> Iterator[Any]:
    with new_installation("sqlite") as installed:
        yield installed


@pytest.fixture(scope="module")
def tile_set(service: Any, photos: dict[str, bytes]) -> dict[str, Any]:
    return service.tile_set(photos)


@pytest.fixture(scope="module")
def wide() -> bytes:
    """A target of 1,200 x 800 pixels."""
    pixels = np.random.default_rng(3).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((1_200, 800), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(params=[(375, "light"), (1_440, "dark")], ids=str)
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in which nothing goes wrong during the test."""
    width, scheme = request.param
    wrong: list[str] = []
    size = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def address(service: Any, order: dict[str, Any]) -> str:
    return f"{service.address}/mosaics/{order['id']}"


def test_a_mosaic_fills_in_without_a_load_and_without_anything_moving(
    page: Page, service: Any, tile_set: dict[str, Any], wide: bytes
) -> None:
    page.goto(address(service, service.order(tile_set, wide, **SLOW)))
    page.evaluate(WATCH)
    expect(page).to_have_title(re.compile(r"^[1-9]\d? % · t\.png · Tessera$"), timeout=MINUTES)
    page.wait_for_function(IS_LAID, timeout=MINUTES)
    first = page.evaluate(LAID)
    assert axe.violations(page) == []
    page.wait_for_function(f"() => {LAID[6:]} > {first}", timeout=MINUTES)
    expect(page.locator("[data-far]")).to_contain_text(re.compile(r"[\d,]+ of [\d,]+ cells"))
    said = page.locator(".aside[data-said]")
    assert said.get_attribute("aria-live") == "polite"
    expect(said).to_have_text(re.compile("^(Laying the photos|Writing the file|Putting the file away), \\d+ %$"))
    assert page.evaluate("window.moved") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    # It is loaded once, when it is made.
    expect(page.get_by_role("application", name="Mosaic of t.png")).to_be_visible(timeout=MINUTES)
    assert page.evaluate("window.moved") is None


@pytest.fixture
def unfinished(service: Any, photos: dict[str, bytes]) -> Iterator[tuple[str, Callable[[], None]]]:
    """An indexed set with a job that only the test is at: the set's page, and what ends the job."""
    tile_set = service.tile_set(photos)
    services = service.services()
    with services.sessions.begin() as session:
        now = database.now(session)
        job = jobs.add(session, JobKind.INDEX, Lane.INDEXING, now, timedelta(hours=1))
        jobs.claim(session, job.id, now, timedelta(hours=1))
        row = session.get_one(TileSet, UUID(tile_set["id"]))
        row.job_id = job.id
        job_id = job.id

    def end() -> None:
        with services.sessions.begin() as session:
            jobs.cancel(session, [job_id], database.now(session))

    yield f"{service.address}/tile-sets/{tile_set['id']}", end
    end()


def test_what_is_typed_stays_when_the_work_is_done(page: Page, unfinished: tuple[str, Callable[[], None]]) -> None:
    address, end = unfinished
    page.goto(address)
    expect(page.locator("[data-far]")).to_be_visible()
    page.get_by_text("Name, and how to delete the set").click()
    name = page.locator("form[action$=rename]").get_by_role("textbox", name="Name")
    name.fill("A name that is not sent yet")
    end()
    show = page.get_by_role("link", name="Show it")
    expect(show).to_be_visible()
    expect(name).to_be_focused()
    expect(name).to_have_value("A name that is not sent yet")
    expect(page.locator(".aside[data-said]")).to_have_text("Cancelled.")
    assert axe.violations(page) == []
    show.click()
    expect(page.locator("[data-far]")).to_have_count(0)


def test_what_was_pressed_is_not_called_off_when_the_work_is_done(
    page: Page, unfinished: tuple[str, Callable[[], None]]
) -> None:
    address, end = unfinished
    held: list[Route] = []
    page.goto(address)
    expect(page.locator("[data-far]")).to_be_visible()
    page.evaluate(SAYS_THAT_IT_IS_DONE)
    page.route("**/mosaics/new*", lambda asked: held.append(asked))  # noqa: PLW0108 - no builtin may be given
    page.get_by_role("link", name="Order a mosaic").click(no_wait_after=True)
    # Nothing can be asked of a page that is being left, so it tells by itself.
    with page.expect_console_message(lambda said: said.text == "Show it"):
        end()
    held[0].continue_()
    expect(page.get_by_label("Picture to rebuild")).to_be_visible()


def test_links_to_what_is_at_work_keep_the_focus_and_may_be_pressed_slowly_while_the_page_keeps_up(
    page: Page, service: Any, unfinished: tuple[str, Callable[[], None]]
) -> None:
    address, _ = unfinished
    page.goto(f"{service.address}/service")
    link = page.locator(f"a[href='{urlsplit(address).path}']")
    link.focus()
    shown = page.locator("[data-far] > div").element_handle()
    page.wait_for_function("shown => !shown.isConnected", arg=shown)
    expect(link).to_be_focused()
    link.hover()
    page.mouse.down()
    with page.expect_response("**/service/now"):
        pass
    page.mouse.up()
    page.wait_for_url(address)


def test_the_service_at_a_glance_is_for_everybody_and_keeps_up(page: Page, service: Any) -> None:
    page.goto(f"{service.address}/service")
    assert axe.violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    expect(page.get_by_text("The disk is full of cats.")).to_have_count(0)
    services = service.services()
    with services.sessions.begin() as session:
        now = database.now(session)
        job = jobs.add(session, JobKind.RENDER, Lane.BULK, now, timedelta(hours=1))
        lease = jobs.claim(session, job.id, now, timedelta(hours=1))
        assert lease is not None
        jobs.fail(session, lease, now, StorageFull("The disk is full of cats."))
    expect(page.get_by_text("The disk is full of cats.")).to_be_visible(timeout=MINUTES)
    with services.sessions.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(error_sentence="It was something else."))


def test_times_are_in_the_readers_own_zone(browser: Browser, service: Any, tile_set: dict[str, Any]) -> None:
    shown = {}
    for zone in ("UTC", "Asia/Tokyo"):
        context = browser.new_context(timezone_id=zone, locale="en-GB")
        page = context.new_page()
        page.goto(f"{service.address}/tile-sets/{tile_set['id']}")
        time = page.locator("time").first
        expect(time).to_have_attribute("title", re.compile(r" UTC$"))
        shown[zone] = time.text_content()
        context.close()
    assert shown["UTC"] != shown["Asia/Tokyo"]


def test_without_scripts_a_page_is_loaded_again_until_the_mosaic_is_there(
    browser: Browser, service: Any, tile_set: dict[str, Any], wide: bytes
) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(address(service, service.order(tile_set, wide, **SLOW)))
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="Tell me")).to_be_hidden()
    expect(page.get_by_alt_text("Mosaic of t.png")).to_be_visible(timeout=MINUTES)
    page.close()


@pytest.mark.parametrize("page", [(1_440, "light")], indirect=True, ids=str)
def test_an_order_that_waits_says_its_place_and_can_be_cancelled_and_tells_of_it(
    page: Page, service: Any, tile_set: dict[str, Any], target: bytes
) -> None:
    worker = service.processes["interactive-worker"]
    worker.terminate()
    worker.wait()
    first, second = (address(service, service.order(tile_set, target)) for _ in range(2))
    page.context.grant_permissions(["notifications"], origin=service.address)
    page.add_init_script(
        "class Told { static permission = 'granted'; static async requestPermission() { return 'granted'; }"
        " constructor(words) { localStorage.setItem('told', words); } } window.Notification = Told;"
    )
    page.goto(second)
    expect(page.locator("[data-far]")).to_contain_text("Waiting for a worker: 1 order before it")
    tell = page.get_by_role("button", name="Tell me when it is done")
    tell.click()
    page.reload()
    expect(page.get_by_role("button", name="You will be told when it is done")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert axe.violations(page) == []
    other = page.context.new_page()
    other.goto(first)
    other.get_by_role("button", name="Cancel").click()
    expect(other.get_by_text("Cancelled.", exact=True)).to_be_visible()
    other.close()
    expect(page.locator("[data-far]")).to_contain_text("it is next")
    page.evaluate(WATCH)
    service.post(f"/api/v1/mosaics/{second.rpartition('/')[2]}/cancel")
    expect(page.get_by_text("Cancelled.", exact=True)).to_be_visible()
    assert page.evaluate("localStorage.getItem('told')") == "Cancelled: t.png · Tessera"
