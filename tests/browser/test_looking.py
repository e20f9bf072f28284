"""A finished mosaic in a real browser: by keys, by names, changed, compared and shared; on a phone and at a desk."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Made

WIDTHS = [375, 1_440]
IS_OPEN = """() => window.OpenSeadragon
  && OpenSeadragon.getViewer(document.querySelector(".view"))?.world.getItemCount() === 1"""
OVERFLOWS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALL = """() => [...document.querySelectorAll("summary, .zoom :is(button, select, input:not([type=hidden]))")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
  .map((each) => each.outerHTML)"""
BOTH_OPEN = """() => window.OpenSeadragon && [...document.querySelectorAll(".view")]
  .map((view) => OpenSeadragon.getViewer(view)).filter((viewer) => viewer?.world.getItemCount() === 1).length === 2"""
SEEN = """() => [...document.querySelectorAll(".view")].map((view) => OpenSeadragon.getViewer(view))
  .map(({ viewport, world }) => [viewport.getZoom(true), viewport.getCenter(true).x,
    viewport.getCenter(true).y - world.getItemAt(0).getBounds(true).height / 2])"""
TOGETHER = (
    f"() => {{ const [one, other] = ({SEEN})(); return one.every((each, n) => Math.abs(each - other[n]) < 1e-6) }}"
)
CLIP = "(image) => getComputedStyle(image).clipPath"
MAP = """(canvas, part) => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]
  .filter((_, number) => number % 4 === part)"""
GREEN, OPAQUE = 1, 3
CHOSEN_WHOLE = """() => {
  const { selectionStart, selectionEnd, value } = document.activeElement;
  return value && selectionStart === 0 && selectionEnd === value.length;
}"""


@pytest.fixture(scope="module")
def plain(mosaic: Made) -> str:
    """The page of a mosaic without a zoom pyramid, of the same photos."""
    made = mosaic.installed.get(f"/api/v1{urlsplit(mosaic.page).path}").json()
    order = {"cells_across": "20", "tile_size": "60", "format": "jpeg"}
    target = mosaic.installed.get(f"{urlsplit(mosaic.page).path}/target-preview").content
    ordered = mosaic.installed.order({"id": made["tile_set"]}, target, **order)
    assert mosaic.installed.final(ordered["url"])["job"]["state"] == "succeeded"
    return f"{mosaic.installed.address}/mosaics/{ordered['id']}"


@pytest.fixture(params=WIDTHS)
def seen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of a width, in which nothing goes wrong."""
    wrong: list[str] = []
    touch = request.param < 500
    context = browser.new_context(
        viewport={"width": request.param, "height": 900}, reduced_motion="reduce", has_touch=touch, is_mobile=touch
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def cells_of(mosaic: Made, page: str) -> dict[tuple[int, int], dict[str, Any]]:
    placed = mosaic.installed.get(f"/api/v1{urlsplit(page).path}/placement.json").json()["cells"]
    return {(cell["column"], cell["row"]): cell for cell in placed}


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_function(IS_OPEN)


def test_arrow_keys_go_from_cell_to_cell_and_say_what_lies_there(seen: Page, mosaic: Made, plain: str) -> None:
    cells = cells_of(mosaic, plain)
    opened(seen, plain)
    seen.locator(".openseadragon-canvas").first.focus()
    seen.keyboard.press("ArrowRight")  # the cell in the middle: column 10 of 20, row 6 of 13
    words = seen.locator("[data-told]")
    expect(words).to_contain_text(f"{cells[10, 6]['photo']} lies in this mosaic")
    for key, place in (("ArrowRight", (11, 6)), ("ArrowDown", (11, 7)), ("ArrowLeft", (10, 7)), ("ArrowUp", (10, 6))):
        seen.keyboard.press(key)
        expect(words).to_contain_text(f"{cells[place]['photo']} lies in this mosaic")
        expect(words).to_contain_text(f"(column {place[0]}, row {place[1]})")
    expect(seen.locator(".openseadragon-canvas").first).to_be_focused()
    assert not seen.evaluate(OVERFLOWS)


def test_a_photo_is_found_by_a_part_of_its_name_and_all_its_places_are_marked(
    seen: Page, mosaic: Made, plain: str
) -> None:
    cells = cells_of(mosaic, plain)
    name = cells[3, 2]["photo"]
    places = [place for place, cell in cells.items() if cell["photo"] == name]
    opened(seen, plain)
    seen.get_by_label("Part of its name").fill(name.removeprefix("photo-").upper())
    seen.keyboard.press("Enter")
    expect(seen.locator("[data-told]")).to_contain_text(f"{name} lies in this mosaic")
    expect(seen.locator("[data-told]")).to_contain_text(f"(column {places[0][0]}, row {places[0][1]})")
    expect(seen.locator(".zoom .mark")).to_have_count(len(places))
    seen.get_by_label("Part of its name").fill("nobody")
    seen.get_by_role("button", name="Find", exact=True).click()
    expect(seen.locator("[data-found]")).to_contain_text("No photo in this mosaic")


def test_a_photo_is_banned_another_put_there_the_mosaic_solved_again_and_the_difference_seen(
    seen: Page, mosaic: Made, plain: str
) -> None:
    before = cells_of(mosaic, plain)
    opened(seen, plain)
    seen.locator(".openseadragon-canvas").first.focus()
    seen.keyboard.press("ArrowRight")
    seen.get_by_role("button", name="Put another here").click()
    nearest = seen.locator(".candidates button")
    expect(nearest).to_have_count(10, timeout=60_000)
    assert nearest.first.get_attribute("aria-label") != f"Put {before[10, 6]['photo']} here"
    chosen = nearest.nth(1).inner_text()
    nearest.nth(1).click()
    expect(seen.locator("[data-changes]")).to_contain_text(f"{chosen} lies in column 10, row 6")
    if seen.viewport_size and seen.viewport_size["width"] == min(WIDTHS):
        assert seen.evaluate(SMALL) == []
        assert not seen.evaluate(OVERFLOWS)
    assert violations(seen) == []
    seen.locator(".openseadragon-canvas").first.focus()
    seen.keyboard.press("ArrowDown")
    banned = before[10, 7]["photo"]
    expect(seen.locator("[data-told]")).to_contain_text("(column 10, row 7)")
    seen.get_by_role("button", name="Ban this photo").click()
    seen.get_by_role("button", name="Keep it here").click()
    seen.get_by_role("button", name=f"Remove: {banned} stays").click()
    opened(seen, plain)
    expect(seen.locator("[data-changes] li")).to_have_count(2)
    seen.get_by_role("button", name="Solve again").click()
    seen.wait_for_url(lambda address: "/mosaics/" in address and address != plain)
    seen.wait_for_function(IS_OPEN, timeout=60_000)
    after = cells_of(mosaic, seen.url)
    assert after[10, 6]["photo"] == chosen
    assert banned not in {cell["photo"] for cell in after.values()}
    over = seen.get_by_label("Show over it")
    over.select_option("what was changed")
    looks = ("content", "window", "turn")
    changed = [any(after[each][look] != before[each][look] for look in looks) for each in sorted(after, key=by_rows)]
    strong = seen.locator("canvas.map").evaluate(MAP, OPAQUE)
    assert [each > min(strong) for each in strong] == changed
    assert 1 <= sum(changed) < len(changed)
    seen.emulate_media(forced_colors="active")
    over.select_option("nothing")
    over.select_option("what was changed")
    green = seen.locator("canvas.map").evaluate(MAP, GREEN)
    assert [each < max(green) for each in green] == changed, "a map has its own colours, since they are what it says"


def by_rows(place: tuple[int, int]) -> tuple[int, int]:
    return place[1], place[0]


def test_the_slider_goes_from_the_mosaic_to_the_picture_by_keys(seen: Page, plain: str) -> None:
    opened(seen, plain)
    place = seen.locator("#target")
    slider = place.get_by_label("From the mosaic to the picture")
    over = place.locator("[data-over]")
    assert over.evaluate(CLIP) == "inset(0px 50% 0px 0px)"
    slider.focus()
    seen.keyboard.press("Home")
    assert over.evaluate(CLIP) == "inset(0px 100% 0px 0px)"
    seen.keyboard.press("ArrowRight")
    assert over.evaluate(CLIP) == "inset(0px 99% 0px 0px)"
    blink = place.get_by_role("button", name="One after the other")
    blink.click()
    expect(slider).to_have_value("100")
    seen.emulate_media(reduced_motion="no-preference")
    blink.click()
    expect(blink).to_have_attribute("aria-pressed", "true")
    slider.fill("40")
    expect(blink).to_have_attribute("aria-pressed", "false")
    assert not seen.evaluate(OVERFLOWS)


def test_what_is_ordered_again_is_shown_side_by_side_with_the_last(seen: Page, mosaic: Made, plain: str) -> None:
    opened(seen, plain)
    seen.get_by_role("link", name="Again with other options").click()
    changes = seen.get_by_role("group", name="What is different from the last mosaic")
    expect(changes).to_have_text("Nothing is different yet.")
    expect(seen.get_by_alt_text("Preview of the mosaic")).to_be_visible(timeout=60_000)
    seen.get_by_label("Cells across").fill("32")
    seen.get_by_label("True photos").check()
    expect(changes).to_contain_text("Cells across: 20 → 32")
    expect(changes).to_contain_text("Look: Natural → True photos")
    expect(seen.get_by_text("Preview: 32 ")).to_be_visible(timeout=60_000)
    last, now = (seen.get_by_alt_text(name).bounding_box() for name in ("The last mosaic", "Preview of the mosaic"))
    assert last is not None
    assert now is not None
    assert now["width"] == pytest.approx(last["width"], abs=1)
    assert now["height"] == pytest.approx(last["height"], abs=12)  # fewer cells may show a little less of the picture
    assert now["y"] == pytest.approx(last["y"], abs=1)
    assert violations(seen) == []
    assert not seen.evaluate(OVERFLOWS)
    seen.get_by_role("button", name="Order the mosaic").click()
    seen.get_by_role("link", name="Side by side with the last").click(timeout=60_000)
    seen.wait_for_function(BOTH_OPEN)
    assert violations(seen) == []
    assert not seen.evaluate(OVERFLOWS)
    seen.get_by_role("button", name="Zoom in").click()
    seen.locator(".openseadragon-canvas").first.focus()
    for key in ("+", "d", "w"):  # in one of them: nearer, to the right, up
        seen.keyboard.press(key, delay=600)  # it moves for as long as it is held
    seen.wait_for_function(f"() => (([zoom, x, y]) => zoom > 1.7 && x > 0.5 && y < -0.01)(({SEEN})()[0])")
    seen.wait_for_function(TOGETHER)
    expect(seen.get_by_role("row", name="Cells across 20 32")).to_be_visible()
    expect(seen.get_by_role("row", name="Look Natural True photos")).to_be_visible()
    seen.emulate_media(media="print")
    expect(seen.get_by_alt_text("This one")).to_be_visible()


@pytest.fixture
def stranger(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 375, "height": 800}, is_mobile=True, has_touch=True)
    yield context
    context.close()


@pytest.mark.parametrize("pyramid", [True, False])
def test_a_link_shows_the_viewer_alone_and_nothing_once_it_is_taken_back(
    seen: Page, stranger: BrowserContext, mosaic: Made, plain: str, pyramid: bool
) -> None:
    opened(seen, mosaic.page if pyramid else plain)
    seen.get_by_label("For how long").select_option("1 day")
    seen.get_by_role("button", name="Make a link").click()
    made = seen.get_by_label("Whoever has this link")
    expect(made).to_be_focused()
    expect(made).to_be_in_viewport()
    seen.wait_for_function(CHOSEN_WHOLE)
    seen.get_by_role("button", name="Copy").click()
    expect(seen.get_by_text("Copied.")).to_be_visible()
    link = seen.evaluate("navigator.clipboard.readText()")
    page = stranger.new_page()
    opened(page, link)
    expect(page.locator("a")).to_have_count(0)
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.get_by_role("button", name="Zoom in").click()
    assert violations(page) == []
    assert not page.evaluate(OVERFLOWS)
    seen.get_by_role("button", name="Take all links back").click()
    expect(seen.get_by_label("Whoever has this link")).to_have_count(0)
    answer = page.goto(link)
    assert answer is not None
    assert answer.status == 410
    expect(page.locator("main")).to_contain_text("This link was taken back")


def test_a_file_that_cannot_be_made_is_told_on_the_page_which_keeps_what_was_typed(
    browser: Browser, plain: str
) -> None:
    page = browser.new_page()
    page.goto(plain)
    page.get_by_label("Another format").select_option("JPEG")
    page.get_by_label("Quality of the file").fill("101")
    page.get_by_label("Dots per inch").fill("150")
    page.get_by_role("button", name="Make this file").click()
    expect(page.get_by_role("alert")).to_contain_text("101")
    expect(page.locator("#edit[open]")).to_have_count(0)
    expect(page.get_by_label("Another format")).to_have_value("jpeg")
    expect(page.get_by_label("Quality of the file")).to_have_value("101")
    expect(page.get_by_label("Dots per inch")).to_have_value("150")
    page.close()


def test_without_scripts_a_photo_is_found_the_picture_compared_and_a_link_made(
    browser: Browser, mosaic: Made, plain: str
) -> None:
    name = cells_of(mosaic, plain)[3, 2]["photo"]
    context = browser.new_context(viewport={"width": 375, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    page.goto(plain)
    expect(page.get_by_alt_text("The picture", exact=True)).to_be_visible()
    expect(page.locator("#target input")).to_be_hidden()
    page.get_by_label("Part of its name").fill(name)
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("[data-found]")).to_contain_text(f"{name}: ")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Whoever has this link").input_value()
    page.goto(link)
    expect(page.get_by_alt_text("A photographic mosaic")).to_be_visible()
    page.goto(f"{plain}/beside{urlsplit(plain).path.removeprefix('/mosaics')}")
    expect(page.get_by_alt_text("This one")).to_be_visible()
    expect(page.get_by_text("Nothing: both were ordered alike.")).to_be_visible()
    context.close()
