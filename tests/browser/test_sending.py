"""Photos are sent by the page, over a line that is cut, in two sittings, and without a script."""

import io
import os
import re
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import axe
import numpy as np
import psutil
import pytest
from cut_line import Line, line_to
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

FILES = int(os.environ.get("TESSERA_SENT_FILES", "150"))
"""`make load` sends 3,000, and says what share was sent twice."""
CUTS = 10
AT_ONCE = 4
TWICE = 0.03 + CUTS * AT_ONCE * (1 / FILES - 1 / 3_000)
"""Share of the bytes that may be sent a second time, of 3,000 files 3 %: of fewer files, those that are under way at
each cut are a larger share."""
GROWTH = 100 << 20
SIDE = 96


@pytest.fixture(scope="module")
def service(new_installation: Callable[..., Any]) -> Iterator[Any]:
    with new_installation("sqlite", MAX_PHOTOS="5000") as installed:
        yield installed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photos in folders, with a file that is none, one that is hidden, and one that is a text."""
    folder = tmp_path_factory.mktemp("pictures") / "Holidays"
    dice = np.random.default_rng(5)
    for number in range(FILES):
        path = folder / f"day-{number % 5}" / f"photo-{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dice.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(path)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"hidden")
    return folder


@pytest.fixture
def line(service: Any) -> Iterator[Line]:
    with line_to(service.port) as line:
        yield line


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 375, "height": 812}, reduced_motion="reduce")
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    page.close()


def choose(page: Page, folder: Path) -> None:
    with page.expect_file_chooser() as chosen:
        page.get_by_text("Choose a folder").click()
    chosen.value.set_files(folder)


def made(page: Page, service: Any) -> dict[str, Any]:
    page.get_by_role("button", name="Make the tile set").click()
    return shown_set(page, service)


def shown_set(page: Page, service: Any) -> dict[str, Any]:
    """Return the tile set whose page is shown once its photos are in it."""
    page.wait_for_url(re.compile(r"/tile-sets/[-0-9a-f]{36}"), timeout=600_000)
    return dict(service.final(f"/api/v1/tile-sets/{page.url.rpartition('/')[2]}"))


def wait_until_sent(page: Page, count: int) -> None:
    page.wait_for_function(
        "(count) => parseInt((document.querySelector('[data-counts]').textContent.match(/^[\\d,]+/) || ['0'])[0]"
        ".replace(',', '')) >= count",
        arg=count, timeout=600_000,
    )  # fmt: skip


def test_every_photo_of_a_folder_arrives_over_a_line_that_is_cut_ten_times(
    page: Page, service: Any, line: Line, folder: Path
) -> None:
    page.goto(f"http://127.0.0.1:{line.port}/tile-sets/new")
    with little_is_sent_twice(service, line, folder, "all sent first"):
        choose(page, folder)
        send_over_a_line_that_is_cut(page, line)
        wait_until_sent(page, FILES)
    expect(page.get_by_role("button", name="Make the tile set")).to_be_enabled()
    assert axe.violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    expect(page.locator("[data-counts]")).to_contain_text("2 files that are no pictures were passed over")
    tile_set = made(page, service)
    assert (tile_set["name"], tile_set["tile_count"]) == ("Holidays", FILES)


def test_every_photo_arrives_over_such_a_line_while_others_are_indexed(
    page: Page, service: Any, line: Line, folder: Path
) -> None:
    page.goto(f"http://127.0.0.1:{line.port}/tile-sets/new")
    with little_is_sent_twice(service, line, folder, "indexed meanwhile"):
        choose(page, folder)
        wait_until_sent(page, 1)
        page.get_by_role("button", name="Make the tile set").click()
        send_over_a_line_that_is_cut(page, line)
        tile_set = shown_set(page, service)
    assert (tile_set["name"], tile_set["tile_count"], tile_set["skipped"]) == ("Holidays", FILES, [])


@contextmanager
def little_is_sent_twice(service: Any, line: Line, folder: Path, how: str) -> Iterator[None]:
    """Fail when too much of the photos went over the line a second time, or the web process grew."""
    web = psutil.Process(service.processes["web"].pid).children()[0]
    before, memory = line.sent, web.memory_info().rss
    yield
    files = [path.stat().st_size for path in folder.rglob("photo-*.png")]
    twice = (line.sent - before) / sum(files) - 1
    grown = web.memory_info().rss - memory
    print(f"{FILES:,} files, {how}: {twice:.1%} sent twice, the web process grew by {grown / 1e6:.0f} MB")
    assert twice < TWICE
    assert grown < GROWTH


def send_over_a_line_that_is_cut(page: Page, line: Line) -> None:
    for number in range(1, CUTS + 1):
        wait_until_sent(page, FILES * number // (CUTS + 1))
        line.cut()


def test_a_page_that_is_closed_half_way_goes_on_when_it_is_opened_again(
    browser: Browser, service: Any, line: Line, folder: Path
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"http://127.0.0.1:{line.port}/tile-sets/new")
    choose(page, folder)
    wait_until_sent(page, FILES // 2)
    page.close(run_before_unload=False)
    again = context.new_page()
    again.on("dialog", lambda dialog: dialog.accept())
    again.goto(f"http://127.0.0.1:{line.port}/tile-sets/new")
    expect(again.locator("[data-said]")).to_contain_text("were sent before")
    before = line.sent
    choose(again, folder)
    wait_until_sent(again, FILES)
    assert line.sent - before < 0.7 * sum(path.stat().st_size for path in folder.rglob("photo-*.png"))
    expect(again.locator("[data-counts]")).to_contain_text("were there already")
    assert made(again, service)["tile_count"] == FILES
    context.close()


def test_photos_that_a_set_has_are_not_sent_again_and_a_refused_file_has_its_reason(
    page: Page, service: Any, photos: dict[str, bytes], tmp_path: Path
) -> None:
    have = dict(list(photos.items())[:20])
    tile_set = service.tile_set(have)
    folder = tmp_path / "again"
    for name, data in list(photos.items())[:22]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "empty.png").write_bytes(b"")
    (folder / "مرحبا 🎉.png").write_bytes(list(photos.values())[30])
    page.goto(f"{service.address}/tile-sets/{tile_set['id']}")
    choose(page, folder)
    expect(page.get_by_role("button", name="Add them").first).to_be_enabled()
    expect(page.locator("[data-counts]")).to_contain_text("20 were there already")
    page.get_by_text("1 file could not be sent").click()
    expect(page.locator("[data-failed] li")).to_contain_text("empty.png")
    with page.expect_navigation():
        page.get_by_role("button", name="Add them").first.click()
    assert service.final(tile_set["url"])["tile_count"] == 23


def test_what_another_page_has_ended_goes_on_and_is_not_offered_again(
    page: Page, service: Any, photos: dict[str, bytes], tmp_path: Path
) -> None:
    some = list(photos.values())
    tile_set = service.tile_set(dict(list(photos.items())[:20]))
    folder = tmp_path / "more"
    folder.mkdir()
    for number in (20, 21):
        (folder / f"{number}.png").write_bytes(some[number])
    waiting: list[Route] = []
    page.route("**/uploads", lambda route: waiting.append(route) if len(waiting) < 2 else route.continue_())
    page.goto(f"{service.address}/tile-sets/{tile_set['id']}")
    choose(page, folder)
    expect(page.locator(".bars li")).to_have_count(2)
    waiting[0].continue_()
    wait_until_sent(page, 1)
    intake = page.evaluate(f"localStorage.getItem('tessera-intake-{tile_set['id']}')")
    assert service.post(f"/api/v1/intakes/{intake}/finish", json={}).status_code == 202
    service.final(tile_set["url"])
    waiting[1].continue_()
    expect(page.locator("[data-counts]")).to_have_text(re.compile("^2 of 2 photos"))
    expect(page.locator("[data-failed]")).to_be_hidden()
    with page.expect_navigation():
        page.get_by_role("button", name="Add them").first.click()
    expect(page.get_by_text("22 photos are used in mosaics.")).to_be_visible()  # so it loads itself no more
    page.evaluate(f"localStorage.setItem('tessera-intake-{tile_set['id']}', '{intake}')")
    with page.expect_response(f"**/intakes/{intake}"):
        page.reload()
    page.wait_for_function(f"() => localStorage.getItem('tessera-intake-{tile_set['id']}') === null")
    expect(page.locator("[data-going]")).to_be_hidden()


def test_a_mosaic_can_be_ordered_while_photos_are_still_being_sent(
    page: Page, service: Any, photos: dict[str, bytes], tmp_path: Path
) -> None:
    some, held = list(photos.values()), threading.Event()
    folder = tmp_path / "Summer"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.png").write_bytes(some[number])
    (folder / "zz-last.png").write_bytes(some[20])
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("00.png", some[30])
        archive.writestr("deep/00.png", some[31])
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        name = b64encode(b"zz-last.png").decode()
        last = name in (route.request.headers.get("upload-metadata") or "")
        waiting.append(route) if last and not held.is_set() else route.continue_()

    page.route("**/uploads", hold)
    page.goto(f"{service.address}/tile-sets/new")
    choose(page, folder)
    wait_until_sent(page, 13)
    page.get_by_role("button", name="Make the tile set").click()
    order = page.get_by_role("link", name="Order a mosaic")
    expect(order).to_be_visible(timeout=60_000)
    expect(page.locator("[data-standing]")).to_contain_text("14 photos can be in a mosaic already.")
    expect(page.locator("[data-thumbs] img")).to_have_count(14)
    expect(page.locator("[data-failed]")).to_be_visible()
    page.get_by_text("1 file could not be sent").click()
    expect(page.locator("[data-failed] li")).to_contain_text("broken.zip: The zip's end is missing")
    assert axe.violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    with page.context.expect_page() as opened:
        order.click()
    expect(opened.value.get_by_label("Picture to rebuild")).to_be_attached()
    opened.value.close()
    held.set()
    for route in waiting:
        route.continue_()
    expect(page.locator("[data-said]")).to_contain_text("All others are in the tile set.", timeout=60_000)
    expect(page.locator("[data-failed] li")).to_be_visible()
    page.get_by_role("button", name="Show the tile set").click()
    page.wait_for_url(re.compile(r"/tile-sets/[-0-9a-f]{36}"))
    made = service.final(f"/api/v1/tile-sets/{page.url.rpartition('/')[2]}")
    assert (made["name"], made["tile_count"], made["version"]) == ("Summer", 15, 2)


def test_a_set_is_named_after_a_folder_or_a_zip_or_the_day_unless_somebody_names_it(
    page: Page, service: Any, photos: dict[str, bytes]
) -> None:
    def chosen(name: str, data: bytes) -> None:
        page.locator("label.button", has_text="Choose photos").locator("input").set_input_files(
            {"name": name, "mimeType": "application/zip" if name.endswith("zip") else "image/png", "buffer": data}
        )

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("1.png", next(iter(photos.values())))
    page.clock.set_fixed_time(datetime(2026, 2, 3, 12, tzinfo=UTC))
    page.goto(f"{service.address}/tile-sets/new")
    chosen("first.png", next(iter(photos.values())))
    field = page.locator("[data-finish]").get_by_label("Name")
    expect(field).to_have_value("Photos of 3 February 2026")
    chosen(f"{'Sea' * 80}.zip", packed.getvalue())
    expect(field).to_have_value(("Sea" * 80)[:200])
    field.fill("At the sea")
    chosen("more.zip", packed.getvalue())
    page.clock.resume()
    expect(page.get_by_role("button", name="Make the tile set")).to_be_enabled()
    expect(field).to_have_value("At the sea")


def test_without_a_script_there_is_a_form(browser: Browser, service: Any, photos: dict[str, bytes]) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{service.address}/tile-sets/new")
    expect(page.get_by_text("Drop photos, whole folders or zips here")).to_be_hidden()
    name, data = next(iter(photos.items()))
    page.get_by_label("Photos", exact=True).set_input_files(
        {"name": name[7:], "mimeType": "image/png", "buffer": data}
    )
    assert made(page, service)["tile_count"] == 1
    page.close()
