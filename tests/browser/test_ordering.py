"""The order page in a real browser: the preview, what cannot be made, and one mosaic whatever is pressed twice."""

# ruff: noqa: RUF001 - the page writes sizes with a multiplication sign

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe
import numpy as np
import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

import web

ORDER_BYTES = 250_000
LOADED = "() => performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize || 0), 0)"
MADE = re.compile("/mosaics/[0-9a-f]{8}-")
"""The address of a mosaic."""
OPTION_PICTURES = Path(web.__file__).parent / "static/options"
DROPPED = """async (place) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 90, height: 60 });
  canvas.getContext("2d").fillRect(0, 0, 40, 40);
  const data = await new Promise((done) => canvas.toBlob(done));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([data], "dropped.png", { type: "image/png" }));
  place.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""
SOON = 20_000
"""Milliseconds, on a busy machine."""


@pytest.fixture(scope="module")
def service(new_installation: Callable[..., Any], encoded: Callable[..., bytes]) -> Iterator[Any]:
    random = np.random.default_rng(7)
    photos = {
        f"{number}.png": encoded(Image.fromarray(random.integers(0, 256, (3, 4, 3), np.uint8)).resize((80, 60)))
        for number in range(60)
    }
    with new_installation("sqlite") as installed:
        installed.tile_set(photos)
        yield installed


@pytest.fixture
def picture(tmp_path: Path, target: bytes) -> Path:
    """A picture of 120 x 80 pixels."""
    path = tmp_path / "holiday.png"
    path.write_bytes(target)
    return path


@pytest.fixture
def page(browser: Browser, service: Any, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The order page; nothing goes wrong in it."""
    width, scripts = getattr(request, "param", (1440, True))
    page = browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{service.address}/mosaics/new")
    yield page
    page.close()
    assert wrong == []


def part_of(page: Page) -> list[str]:
    """What the fields say of the part of the picture."""
    return [page.locator(f"[name=crop_{name}]").input_value() for name in ("left", "top", "width", "height")]


def mosaics(service: Any) -> int:
    return len(service.get("/api/v1/mosaics?limit=100").json()["items"])


def choose(page: Page, picture: Path) -> None:
    page.get_by_label("Picture to rebuild").set_input_files(picture)
    expect(page.get_by_alt_text("Preview of the mosaic")).to_be_visible(timeout=SOON)


def test_a_picture_that_is_chosen_before_the_script_has_come_is_previewed(page: Page, picture: Path) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/ordering.js*", hold)
    page.goto(page.url, wait_until="commit")
    page.get_by_label("Picture to rebuild").set_input_files(picture)
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    expect(page.get_by_alt_text("Preview of the mosaic")).to_be_visible(timeout=SOON)


@pytest.mark.parametrize("page", [(1440, True), (375, True)], indirect=True, ids=str)
def test_a_preview_follows_the_options_and_says_when_it_is_there(page: Page, picture: Path) -> None:
    assert page.evaluate(LOADED) < ORDER_BYTES
    choose(page, picture)
    said, preview = page.locator("[data-said]"), page.get_by_alt_text("Preview of the mosaic")
    expect(said).to_have_text("Preview: 80 × 53 cells.", timeout=SOON)
    first = preview.get_attribute("src")
    page.get_by_label("Cells across").fill("30")
    expect(said).to_have_text("Preview: 30 × 20 cells.", timeout=SOON)
    assert preview.get_attribute("src") != first
    expect(page.locator("[data-plan]")).to_contain_text("30 × 20 cells · 1,500 × 1,000 pixels")
    for look in ("natural", "true", "once", "poster", "article"):
        expect(page.locator(f"img[data-look={look}]")).to_be_visible(timeout=SOON)
    page.get_by_text("Expert", exact=True).click()
    expect(page.get_by_label("Mask")).to_be_visible()
    assert axe.violations(page) == []
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("window.innerWidth")


@pytest.mark.parametrize("page", [(1440, True), (375, True)], indirect=True, ids=str)
def test_expert_options_have_pictures_which_are_loaded_once_they_are_looked_at(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/static/options/" in request.url else None)
    page.reload(wait_until="networkidle")
    assert asked == []
    page.get_by_text("Expert", exact=True).click()
    pictures = page.locator("img.shows")
    assert pictures.count() == len(list(OPTION_PICTURES.iterdir()))
    for number in range(pictures.count()):
        pictures.nth(number).scroll_into_view_if_needed()
        page.wait_for_function("image => image.naturalWidth > 0", arg=pictures.nth(number).element_handle())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_what_cannot_be_made_is_explained_as_it_is_typed_and_a_button_makes_it_possible(
    page: Page, picture: Path
) -> None:
    choose(page, picture)
    page.get_by_label("Every photo once").check()
    refusal = page.locator("[data-refusal]")
    # 80 x 53 = 4,240 cells for 60 photos: 71 of each; and 10 x 6 = 60 cells are not too many.
    expect(refusal).to_contain_text("4,240 cells, 60 tiles", timeout=SOON)
    expect(page.get_by_role("button", name="Allow 71 uses of a photo")).to_be_visible()
    assert axe.violations(page) == []
    page.get_by_role("button", name="Order the mosaic").click()
    told = page.get_by_text("4,240 cells, 60 tiles").filter(visible=True)
    page.wait_for_function("() => document.querySelector('main > .error')")
    expect(refusal).to_be_visible(timeout=SOON)
    expect(told).to_have_count(1)  # it is not told twice
    expect(page.get_by_role("img", name="The picture with its cells")).to_be_visible()
    page.get_by_role("button", name="Take 10 cells across").click()
    expect(refusal).to_be_hidden(timeout=SOON)
    expect(page.get_by_label("Cells across")).to_have_value("10")
    expect(page.locator("[data-said]")).to_have_text("Preview: 10 × 6 cells.", timeout=SOON)


def test_the_size_on_paper_and_in_pixels_are_filled_in_by_the_cells(page: Page, picture: Path) -> None:
    choose(page, picture)
    page.get_by_label("Cells across").fill("60")
    expect(page.locator("[data-plan]")).to_contain_text("3,000 × 2,000 pixels", timeout=SOON)
    page.get_by_role("radio", name="On paper").check()
    # 3,000 pixels at 300 dpi are 10 inches, or 254 mm; a sixtieth of it is 4.2 mm.
    expect(page.get_by_label("Size on paper")).to_have_value("254x169mm")
    expect(page.get_by_label("Width of a photo on paper")).to_have_value("4.2mm")
    page.get_by_label("Size on paper").fill("30x20cm")
    expect(page.locator("[data-plan]")).to_contain_text("300.0 × 200.0 mm at 300 dpi", timeout=SOON)
    page.get_by_role("radio", name="In pixels").check()
    expect(page.get_by_label("Mosaic width")).to_be_visible()
    expect(page.get_by_label("Size on paper")).to_be_hidden()


def test_pressed_twice_and_after_going_back_it_is_one_mosaic(page: Page, service: Any, picture: Path) -> None:
    choose(page, picture)
    before = mosaics(service)
    page.get_by_role("button", name="Order the mosaic").dblclick()
    page.wait_for_url(MADE)
    made = page.url
    page.go_back()
    page.get_by_role("button", name="Order the mosaic").click()
    page.wait_for_url(made)
    assert mosaics(service) == before + 1


def test_a_picture_survives_leaving_the_page_and_the_end_of_the_session(
    page: Page, service: Any, picture: Path
) -> None:
    choose(page, picture)
    page.reload()
    expect(page.get_by_alt_text("Preview of the mosaic")).to_be_visible(timeout=SOON)
    page.context.clear_cookies()
    before = mosaics(service)
    page.get_by_label("Cells across").fill("31")
    page.get_by_role("button", name="Order the mosaic").click()
    expect(page.get_by_role("alert").first).to_contain_text("Your session has ended")
    expect(page.get_by_label("Cells across")).to_have_value("31")
    page.get_by_role("button", name="Order the mosaic").click()
    page.wait_for_url(MADE)
    assert mosaics(service) == before + 1


def test_the_answer_about_a_picture_counts_no_more_once_another_was_chosen(
    page: Page, picture: Path, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.png"
    Image.new("RGB", (90, 90), "navy").save(slow)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        held.append(route)
        if len(held) > 1:
            route.continue_()

    page.route("**/mosaics/drafts", hold_the_first)
    page.get_by_label("Picture to rebuild").set_input_files(slow)
    page.wait_for_function("() => document.querySelector('[data-said]').textContent.startsWith('Sending')")
    choose(page, picture)
    with page.expect_response("**/mosaics/drafts"):
        held[0].continue_()
    page.get_by_label("Cells across").fill("12")
    expect(page.locator("[data-said]")).to_have_text("Preview: 12 × 8 cells.", timeout=SOON)
    expect(page.get_by_text("holiday.png is kept")).to_be_visible()
    page.get_by_role("button", name="Order the mosaic").click()
    expect(page.get_by_role("heading", name="holiday.png")).to_be_visible()


def test_a_picture_that_is_dropped_is_ordered_though_it_is_not_kept_yet(page: Page, picture: Path) -> None:
    choose(page, picture)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/mosaics/drafts", hold)
    page.locator(".drop").evaluate(DROPPED)
    expect(page.locator("[data-said]")).to_have_text("Sending the picture …")
    expect(page.get_by_alt_text("Preview of the mosaic")).to_be_hidden()
    page.get_by_role("button", name="Order the mosaic").click()
    expect(page.get_by_role("heading", name="dropped.png")).to_be_visible()


def test_going_back_finds_the_size_as_it_was_said_and_the_plan_of_it(page: Page, picture: Path) -> None:
    choose(page, picture)
    page.get_by_role("radio", name="On paper").check()
    page.get_by_label("Size on paper").fill("30x20cm")
    page.get_by_label("Width of a photo on paper").fill("20mm")
    page.get_by_role("radio", name="True photos").check()
    expect(page.locator("[data-said]")).to_have_text("Preview: 15 × 10 cells.", timeout=SOON)
    page.get_by_role("button", name="Order the mosaic").click()
    page.wait_for_url(MADE)
    page.go_back()
    expect(page.get_by_role("radio", name="On paper")).to_be_checked()
    expect(page.get_by_label("Size on paper")).to_have_value("30x20cm")
    expect(page.get_by_role("radio", name="True photos")).to_be_checked()
    expect(page.locator("[data-plan]")).to_contain_text("15 × 10 cells", timeout=SOON)


def test_the_plan_of_a_picture_whose_shape_its_header_does_not_tell_is_told_with_the_preview(
    page: Page, tmp_path: Path
) -> None:
    square = tmp_path / "square.heic"
    pillow_heif.from_pillow(Image.new("RGB", (96, 96), "teal")).save(square)
    page.get_by_label("Cells across").fill("20")
    choose(page, square)
    expect(page.locator("[data-said]")).to_have_text("Preview: 20 × 20 cells.", timeout=SOON)
    expect(page.locator("[data-plan]")).to_contain_text("20 × 20 cells")


def test_a_broken_file_is_a_sentence_and_another_one_can_be_chosen(page: Page, picture: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    page.get_by_label("Picture to rebuild").set_input_files(broken)
    expect(page.locator("[data-said]")).to_contain_text("broken.png")
    choose(page, picture)
    page.get_by_label("Picture to rebuild").set_input_files(broken)
    expect(page.locator("[data-said]")).to_contain_text("broken.png")
    expect(page.get_by_alt_text("Preview of the mosaic")).to_be_visible(timeout=SOON)


@pytest.mark.parametrize("page", [(375, False)], indirect=True, ids=str)
def test_without_scripts_an_error_keeps_the_picture_and_it_is_ordered(
    page: Page, service: Any, picture: Path
) -> None:
    before = mosaics(service)
    page.get_by_label("Picture to rebuild").set_input_files(picture)
    page.get_by_label("Cells across").fill("0")
    page.get_by_role("button", name="Order the mosaic").click()
    expect(page.get_by_role("alert").first).to_contain_text("The cells across must be from 1")
    expect(page.get_by_text("holiday.png is kept")).to_be_visible()
    page.get_by_label("Cells across").fill("12")
    page.get_by_role("button", name="Order the mosaic").dblclick()
    page.wait_for_url(MADE, wait_until="commit")  # the page may be loading itself again
    assert mosaics(service) == before + 1


@pytest.mark.parametrize("page", [(1440, True), (375, True)], indirect=True, ids=str)
def test_a_part_of_the_picture_is_dragged_and_moved_by_keys_and_ordered(
    page: Page, service: Any, picture: Path
) -> None:
    choose(page, picture)
    page.get_by_label("Cells across").fill("20")
    page.get_by_role("button", name="Choose a part").click()
    page.locator(".order-stack").scroll_into_view_if_needed()
    canvas, mouse = page.locator(".order-stack canvas").bounding_box(), page.mouse
    assert canvas is not None
    left, top, width, height = canvas["x"], canvas["y"], canvas["width"], canvas["height"]
    mouse.move(left + 0.25 * width, top + 0.2 * height)
    mouse.down()
    mouse.move(left + 0.5 * width, top + 0.5 * height)
    mouse.move(left + 0.75 * width, top + 0.8 * height, steps=3)
    mouse.up()
    part = page.get_by_role("status").filter(has_text="of the picture")
    # 60 of 120 pixels across, and 48 of 80 down.
    expect(part).to_have_text("30 % of the picture, 5 : 4")
    expect(page.locator("[data-said]")).to_have_text("Preview: 20 × 16 cells.", timeout=SOON)
    frame = page.get_by_role("application", name="Part of the picture")
    expect(frame).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft", "Shift+ArrowDown"):
        frame.press(key)
    assert axe.violations(page) == []
    page.get_by_text("Part of the picture", exact=True).click()
    values = part_of(page)
    assert [float(value) for value in values] == pytest.approx([0.27, 0.19, 0.49, 0.61], abs=0.01)
    page.reload()
    assert part_of(page) == values
    page.get_by_label("Cells across").fill("20")
    page.get_by_role("button", name="Order the mosaic").click()
    page.wait_for_url(MADE)
    made = service.final(f"/api/v1/mosaics/{page.url.rsplit('/', 1)[-1]}")
    assert (made["columns"], made["rows"]) == (20, 16)  # 59 x 49 pixels: 49 / (59 / 20) is 16.6; of the whole, 13
    page.goto(f"{service.address}/mosaics/new?again={made['id']}")
    assert [float(value) for value in part_of(page)] == [float(value) for value in values]
    page.get_by_role("button", name="Whole picture").click(timeout=SOON)
    assert part_of(page) == [""] * 4
