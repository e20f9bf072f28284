"""What goes wrong in the hands of people: each ends in a sentence in the page, and nothing is lost."""

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from cli.service import processes

PHOTOS = 20
SLOW_BYTES = 200_000
"""A second, while something is to go wrong in the middle of it."""
SOON = 30_000
MADE = re.compile("/mosaics/[0-9a-f]{8}-")
TURNED, JOINED = "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{ZERO WIDTH NON-JOINER}"
BLOCKED = """for (const kind of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, kind, { get() { throw new DOMException("It is blocked.", "SecurityError"); } });
}"""
DROP = """(place, { names, text }) => {
  const dataTransfer = new DataTransfer();
  if (text) dataTransfer.setData("text/plain", text);
  for (const name of names) dataTransfer.items.add(new File(["no picture"], name));
  place.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""
DROP_UNREADABLE = """async (place) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 90, height: 60 });
  const data = await new Promise((done) => canvas.toBlob(done));
  const failed = (done, fail) => fail(new DOMException("It is locked.", "NotReadableError"));
  const good = new File([data], "good.png", { type: "image/png" });
  const open = { name: "good.png", isFile: true, file: (done) => done(good) };
  const locked = { name: "locked.png", isFile: true, file: failed };
  const shut = { name: "Private", isDirectory: true, createReader: () => ({ readEntries: failed }) };
  const inside = [[locked, shut, open], []];
  const reader = { readEntries: (done) => done(inside.shift()) };
  const folder = { name: "Trip", isDirectory: true, createReader: () => reader };
  const dataTransfer = { types: ["Files"], files: [], items: [{ webkitGetAsEntry: () => folder }] };
  place.dispatchEvent(Object.assign(new Event("drop", { bubbles: true, cancelable: true }), { dataTransfer }));
}"""


@pytest.fixture(scope="module")
def service(new_installation: Callable[..., Any], photos: dict[str, bytes]) -> Iterator[Any]:
    with new_installation("postgresql") as installed:
        installed.tile_set(photos)
        yield installed


@pytest.fixture
def context(browser: Browser, service: Any, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """Somebody who is logged in; nothing goes wrong in the scripts of the pages."""
    width, scripts = getattr(request, "param", (1_200, True))
    size = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, java_script_enabled=scripts, reduced_motion="reduce")
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    log_in(context.new_page(), service)
    yield context
    context.close()
    assert wrong == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.pages[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dice, folder = np.random.default_rng(11), tmp_path / "Holidays"
    folder.mkdir()
    for number in range(PHOTOS):
        Image.fromarray(dice.integers(0, 256, (200, 200, 3), dtype=np.uint8)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def picture(tmp_path: Path, target: bytes) -> Path:
    path = tmp_path / "holiday.png"
    path.write_bytes(target)
    return path


@pytest.fixture
def guests(tmp_path: Path) -> list[Path]:
    """Three pictures of half a megabyte each."""
    dice, paths = np.random.default_rng(5), [tmp_path / f"guest {number}.png" for number in range(3)]
    for path in paths:
        Image.fromarray(dice.integers(0, 256, (400, 400, 3), dtype=np.uint8)).save(path)
    return paths


def log_in(page: Page, service: Any) -> None:
    page.goto(service.address)
    page.get_by_label("Token").fill(service.settings["ACCESS_TOKEN"])
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url(re.compile(rf"{service.address}/(?!login)"))


def slowed(page: Page, bytes_a_second: int = SLOW_BYTES, latency: int = 0) -> Callable[[], None]:
    """Make a page's line slow, with so many milliseconds of latency; return what makes it fast again."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")

    def at(speed: int, latency: int = 0) -> None:
        speeds = {"downloadThroughput": speed, "uploadThroughput": speed}
        line.send("Network.emulateNetworkConditions", {"offline": False, "latency": latency, **speeds})

    at(bytes_a_second, latency)
    return lambda: at(-1)


def send_slowly(page: Page, service: Any, folder: Path) -> Callable[[], None]:
    """Have some photos of a folder arrive; return what makes the line fast again."""
    page.goto(f"{service.address}/tile-sets/new")
    fast = slowed(page)
    with page.expect_file_chooser() as chosen:
        page.get_by_text("Choose a folder").click()
    chosen.value.set_files(folder)
    expect(page.locator("[data-counts]")).to_have_text(re.compile("^[2-9] of 20"), timeout=SOON)
    return fast


def choose(page: Page, service: Any, picture: Path) -> None:
    page.goto(f"{service.address}/mosaics/new")
    page.get_by_label("Picture to rebuild").set_input_files(picture)
    expect(page.get_by_alt_text("Preview of the mosaic")).to_be_visible(timeout=SOON)


def order(page: Page) -> str:
    page.get_by_role("button", name="Order the mosaic").click()
    page.wait_for_url(MADE)
    return page.url


def finished(service: Any, target: bytes, **fields: str) -> str:
    """Return the id of a small mosaic that is made."""
    tile_set = service.get("/api/v1/tile-sets").json()["items"][-1]
    made = service.order(tile_set, target, cells_across="8", **fields)
    assert service.final(made["url"])["job"]["state"] == "succeeded"
    return str(made["id"])


def mosaics(service: Any) -> int:
    return len(service.get("/api/v1/mosaics?limit=100").json()["items"])


def test_after_a_session_that_ended_sending_goes_on_by_itself_once_somebody_logged_in_again(
    context: BrowserContext, page: Page, service: Any, folder: Path
) -> None:
    fast = send_slowly(page, service, folder)
    context.clear_cookies()
    said = page.get_by_text("Your session has ended; log in again in another tab.")
    expect(said).to_be_visible(timeout=SOON)
    fast()
    log_in(context.new_page(), service)
    expect(page.locator("[data-counts]")).to_have_text(re.compile("^20 of 20"), timeout=SOON)
    expect(said).to_be_hidden()
    page.get_by_role("button", name="Make the tile set").click()
    page.wait_for_url(re.compile(r"/tile-sets/[-0-9a-f]{36}"))
    assert service.final(f"/api/v1/tile-sets/{page.url.rpartition('/')[2]}")["tile_count"] == PHOTOS


def test_a_file_that_changes_while_it_is_sent_has_its_reason_and_the_others_arrive(
    page: Page, service: Any, folder: Path
) -> None:
    fast = send_slowly(page, service, folder)
    grown, gone = folder / "18.png", folder / "19.png"
    with grown.open("ab") as file:
        file.write(bytes(1_000))
    gone.unlink()
    fast()
    failed = page.locator("[data-failed] li")
    expect(failed).to_have_count(2, timeout=SOON)
    for name in (grown.name, gone.name):
        reason = failed.filter(has_text=name)
        expect(reason).to_contain_text("It was moved, deleted or changed while it was sent; choose it again.")
    expect(page.locator("[data-counts]")).to_have_text(re.compile("^18 of 20"), timeout=SOON)
    expect(page.get_by_role("button", name="Make the tile set")).to_be_enabled()


def test_where_the_browser_keeps_nothing_photos_are_sent_and_cells_are_changed_all_the_same(
    page: Page, service: Any, folder: Path, target: bytes
) -> None:
    page.add_init_script(BLOCKED)
    page.goto(f"{service.address}/tile-sets/new")
    with page.expect_file_chooser() as chosen:
        page.get_by_text("Choose a folder").click()
    chosen.value.set_files(folder)
    expect(page.locator("[data-counts]")).to_have_text(re.compile("^20 of 20 photos"), timeout=SOON)
    page.get_by_role("button", name="Make the tile set").click()
    expect(page.get_by_role("link", name="Order a mosaic")).to_be_visible(timeout=SOON)
    page.goto(f"{service.address}/mosaics/{finished(service, target)}")
    page.wait_for_function("() => document.querySelector('[data-zoom]')?.zoom?.open")
    page.locator(".openseadragon-canvas").first.press("ArrowRight")
    page.get_by_role("button", name="Ban this photo").click()
    expect(page.get_by_role("button", name="Solve again")).to_be_visible()


def test_a_folder_with_a_file_that_cannot_be_read_is_sent_without_it(page: Page, service: Any) -> None:
    page.goto(f"{service.address}/tile-sets/new")
    page.locator("[data-drop]").evaluate(DROP_UNREADABLE)
    expect(page.locator("[data-said]")).to_have_text(
        "2 files or folders could not be read and stay out: locked.png, Private."
    )
    expect(page.locator("[data-counts]")).to_have_text(re.compile("^1 of 1 photo"), timeout=SOON)


@pytest.mark.parametrize("path", ["/batches/new", "/mosaics/{}"])
def test_a_button_that_is_pressed_twice_on_a_slow_line_orders_once(
    page: Page, service: Any, picture: Path, target: bytes, path: str
) -> None:
    page.goto(service.address + path.format(finished(service, target)))
    if path == "/batches/new":
        page.get_by_label("Pictures to rebuild").set_input_files(picture)
        button = page.get_by_role("button", name="Order them all")
    else:
        page.wait_for_function("() => document.querySelector('[data-zoom]')?.zoom?.open")
        page.locator(".openseadragon-canvas").first.press("ArrowRight")
        page.get_by_role("button", name="Ban this photo").click()
        button = page.get_by_role("button", name="Solve again")
    slowed(page, -1, latency=2_000)
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    button.click(click_count=2, delay=50, no_wait_after=True)
    page.wait_for_url(re.compile("/(batches|mosaics)/[-0-9a-f]{36}$"))
    page.get_by_role("heading", level=1).wait_for()
    assert len(sent) == 1


def test_what_is_dropped_and_is_no_picture_is_said_so(page: Page, service: Any) -> None:
    def dropped(place: Locator, *names: str, text: str = "") -> None:
        place.evaluate(DROP, {"names": names, "text": text})

    page.goto(f"{service.address}/tile-sets/new")
    photos = page.locator("[data-drop]")
    dropped(photos, text="only words")
    expect(page.get_by_text("No files came with that")).to_be_visible()
    dropped(photos, "notes.txt", "list.csv")
    expect(page.get_by_text("None of these files is a picture.")).to_be_visible()
    expect(page.locator("[data-counts]")).to_have_text("2 files that are no pictures were passed over.")
    page.goto(f"{service.address}/mosaics/new")
    dropped(page.locator(".drop"), text="only words")
    expect(page.get_by_text("No file came with that")).to_be_visible()
    dropped(page.locator("h1"), "beside.png")
    dropped(page.locator(".drop"), "notes.pdf")
    expect(page.locator("[data-said]")).to_contain_text("notes.pdf is not a picture")


def test_a_picture_that_is_too_large_is_refused_before_it_is_sent(page: Page, service: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(1 << 30)  # of which nothing is on the disk
    page.goto(f"{service.address}/mosaics/new")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    page.get_by_label("Picture to rebuild").set_input_files(large)
    expect(page.get_by_text("large.png has 1,074 MB; a picture may have 268 MB.")).to_be_visible()
    assert sent == []


def test_one_sees_how_far_a_picture_is_sent(page: Page, service: Any, guests: list[Path]) -> None:
    page.goto(f"{service.address}/mosaics/new")
    fast = slowed(page)
    page.get_by_label("Picture to rebuild").set_input_files(guests[0])
    said = page.locator("[data-said]")
    expect(said).to_have_text(re.compile("^Sending the picture: [257][05] %$"), timeout=SOON)
    fast()
    expect(said).to_have_text(re.compile("^Preview: "), timeout=SOON)


def test_an_order_that_was_changed_and_is_sent_twice_is_one_mosaic_and_one_in_the_trash_is_made_anew(
    page: Page, service: Any, picture: Path
) -> None:
    choose(page, service, picture)
    page.get_by_label("Cells across").fill("9")
    first = order(page)
    page.go_back()
    expect(page.get_by_label("Cells across")).to_have_value("9")
    page.get_by_label("Cells across").fill("10")
    before = mosaics(service)
    both = page.evaluate("""() => {
      const form = document.querySelector("form.order");
      const send = () => fetch(form.action, { method: "POST", body: new FormData(form) }).then(({ url }) => url);
      return Promise.all([send(), send()]);
    }""")
    assert both[0] == both[1] != first
    assert mosaics(service) == before + 1
    assert service.session.delete(f"{service.address}/api/v1/mosaics/{both[0][-36:]}", timeout=60).status_code < 300
    assert order(page) not in (first, both[0])


def order_after_the_session(context: BrowserContext, page: Page, service: Any) -> None:
    context.clear_cookies()
    page.get_by_role("button", name="Order the mosaic").click()
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended, and what you sent was not taken.")
    page.get_by_label("Token").fill(service.settings["ACCESS_TOKEN"])
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url(re.compile("/mosaics/new"))
    expect(page.get_by_label("Cells across")).to_have_value("11")


def test_an_order_of_a_session_that_ended_comes_back_with_its_picture_after_the_login(
    context: BrowserContext, page: Page, service: Any, picture: Path
) -> None:
    choose(page, service, picture)
    page.get_by_label("Cells across").fill("11")
    order_after_the_session(context, page, service)
    order(page)


@pytest.mark.parametrize("context", [(375, False)], indirect=True, ids=str)
def test_without_scripts_it_comes_back_with_what_was_typed(
    context: BrowserContext, page: Page, service: Any, picture: Path
) -> None:
    page.goto(f"{service.address}/mosaics/new")
    page.get_by_label("Picture to rebuild").set_input_files(picture)
    page.get_by_label("Cells across").fill("11")
    order_after_the_session(context, page, service)


def test_the_open_page_of_a_mosaic_that_is_deleted_says_so_and_its_link_tells_strangers_no_name(
    browser: Browser, page: Page, service: Any, target: bytes
) -> None:
    mosaic = finished(service, target)
    page.goto(f"{service.address}/mosaics/{mosaic}")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Whoever has this link").input_value()
    page.wait_for_function("() => document.querySelector('[data-zoom]')?.zoom?.open")
    assert service.session.delete(f"{service.address}/api/v1/mosaics/{mosaic}", timeout=60).status_code < 300
    page.locator(".openseadragon-canvas").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-told]")).to_contain_text("This cannot be told: the mosaic was deleted")
    page.get_by_label("Part of its name").fill("photo")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("[data-found]")).to_contain_text("This cannot be told: the mosaic was deleted")
    page.get_by_label("Show over it").select_option("uses")
    expect(page.locator("#map-words")).to_contain_text("This cannot be told: the mosaic was deleted")
    stranger = browser.new_page(java_script_enabled=False)
    stranger.goto(link)
    expect(stranger.locator("main")).to_contain_text("The mosaic that this link led to is not there any more.")
    expect(stranger.locator("main")).not_to_contain_text("t.png")
    stranger.close()


@pytest.mark.parametrize("context", [(375, True)], indirect=True, ids=str)
def test_a_name_of_any_kind_is_kept_readable_and_never_wider_than_the_page(
    page: Page, service: Any, target: bytes
) -> None:
    mosaic = finished(service, target)
    spelled = f"می{JOINED}خواهم"
    for name, shown in (("n" * 4_000, "n" * 200), (f"a{TURNED}gnp.exe", "agnp.exe"), (spelled, spelled)):
        page.goto(f"{service.address}/mosaics/{mosaic}")
        page.get_by_text("Rename or delete").click()
        field = page.locator("#keep").get_by_label("Name")
        field.evaluate("(field, name) => { field.removeAttribute('maxlength'); field.value = name; }", name)
        page.get_by_role("button", name="Rename").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(shown, use_inner_text=True)
        for path in (f"/mosaics/{mosaic}", "/mosaics", f"/mosaics/new?again={mosaic}", f"/mosaics?name={name[:900]}"):
            page.goto(f"{service.address}{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 375, (path, name[:20])


def test_two_tabs_that_change_the_same_photos_each_say_what_came_of_it(
    context: BrowserContext, page: Page, service: Any
) -> None:
    tile_set = service.get("/api/v1/tile-sets").json()["items"][-1]["id"]
    tabs = [page, context.new_page()]
    for tab in tabs:
        tab.goto(f"{service.address}/tile-sets/{tile_set}")
        tab.get_by_role("checkbox", name="Choose folder/photo-000.png").check()
    tabs[0].get_by_role("button", name="Remove", exact=True).click()
    expect(tabs[0].get_by_text("“folder/photo-000.png” was removed.")).to_be_visible()
    tabs[1].get_by_role("button", name="Ban", exact=True).click()
    expect(tabs[1].get_by_text("1 of the photos was no longer there")).to_be_visible()
    for tab in tabs:
        tab.get_by_role("button", name=re.compile("^Undo")).first.click()
        expect(tab.get_by_text("“folder/photo-000.png” was taken back.")).to_be_visible()


def test_a_page_that_waits_says_that_the_service_does_not_answer_and_goes_on(
    page: Page, service: Any, target: bytes
) -> None:
    """It is the last test, since it starts the web server again."""
    worker = service.children("interactive-worker")
    for process in worker:
        process.suspend()
    tile_set = service.get("/api/v1/tile-sets").json()["items"][-1]
    page.goto(f"{service.address}/mosaics/{service.order(tile_set, target, cells_across='8')['id']}")
    expect(page.locator("[data-far]")).to_contain_text("Waiting for a worker")
    service.processes["web"].send_signal(signal.SIGINT)  # it waits for nobody
    service.processes["web"].wait()
    expect(page.get_by_text("The service does not answer; this page goes on asking.")).to_be_visible(timeout=SOON)
    service.start_one("web", processes.gunicorn(f"127.0.0.1:{service.port}", 1, 8))
    for process in worker:
        process.resume()
    expect(page.get_by_role("application", name="Mosaic of t.png")).to_be_visible(timeout=60_000)


# Many at once


def order_all(page: Page) -> None:
    page.get_by_role("button", name="Order them all").click()


def chosen_files(page: Page) -> int:
    return int(page.get_by_label("Pictures to rebuild").evaluate("(field) => field.files.length"))


def test_no_error_loses_the_files_of_many_that_are_ordered_at_once(
    context: BrowserContext, page: Page, service: Any, guests: list[Path], tmp_path: Path
) -> None:
    before = len(service.get("/api/v1/batches").json()["items"])
    page.goto(f"{service.address}/batches/new")
    refusal = page.get_by_role("alert")
    field = page.get_by_label("Pictures to rebuild")
    (tmp_path / "list.png").write_text("no picture")
    field.set_input_files([*guests, tmp_path / "list.png"])
    order_all(page)
    expect(refusal).to_contain_text("list.png")
    assert chosen_files(page) == 4
    field.set_input_files(guests)
    page.get_by_label("Cells across").fill("0")
    order_all(page)
    expect(refusal).to_contain_text("The cells across must be from 1")
    assert chosen_files(page) == 3
    page.get_by_label("Cells across").fill("8")
    context.clear_cookies()
    order_all(page)
    expect(refusal).to_contain_text("Your session has ended, or the server does not answer: log in again")
    log_in(context.new_page(), service)
    page.get_by_role("button", name="Order them all").dblclick()
    page.wait_for_url(re.compile("/batches/[0-9a-f]{8}-"))
    expect(page.get_by_text("3 mosaics")).to_be_visible()
    assert len(service.get("/api/v1/batches").json()["items"]) == before + 1


def test_one_sees_how_far_many_pictures_are_sent_and_may_stop_that(
    page: Page, service: Any, guests: list[Path]
) -> None:
    before = len(service.get("/api/v1/batches").json()["items"])
    page.goto(f"{service.address}/batches/new")
    page.get_by_label("Pictures to rebuild").set_input_files(guests)
    slowed(page)
    order_all(page)
    expect(page.get_by_role("button", name="Order them all")).to_be_focused()
    expect(page.locator("[data-counts]")).to_have_text(re.compile(r"^0\.[1-9] MB of 1\.4 MB$"), timeout=SOON)
    expect(page.get_by_role("status").filter(has_text="The pictures are being sent.")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_have_text("Stopped; nothing was ordered.")
    expect(page.get_by_role("button", name="Order them all")).to_be_focused()
    assert chosen_files(page) == 3
    assert len(service.get("/api/v1/batches").json()["items"]) == before


def test_too_many_pictures_are_refused_before_any_is_sent(page: Page, service: Any) -> None:
    page.goto(f"{service.address}/batches/new")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/batches" in request.url else None)
    name = {"mimeType": "image/png", "buffer": b"1"}
    page.get_by_label("Pictures to rebuild").set_input_files(
        [{"name": f"{number}.png"} | name for number in range(31)]
    )
    order_all(page)
    expect(page.get_by_role("alert")).to_have_text("These are 31 pictures; 30 may be ordered at once.")
    assert asked == []
