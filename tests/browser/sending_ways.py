"""How a browser brings the page from which photos are sent into its states."""

import io
import zipfile
from base64 import b64encode
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.ways import SOON, inside, of_empty, of_full, opened, seen
from tests.browser.world import World

HELD_FROM = 12
"""So many files are let through, and the rest held back."""


def sending(world: World, page: Page) -> None:
    """Choose a folder whose files the service takes slowly."""

    def hold(route: Route) -> None:
        if len(held) < HELD_FROM:
            held.append(route)
            route.continue_()

    held: list[Route] = []
    page.route("**/intakes/*/uploads", hold)
    of_full("/tile-sets/new")(world, page)
    with page.expect_file_chooser() as chosen:
        page.get_by_text("Choose a folder").click()
    chosen.value.set_files(world.photos)
    expect(page.locator("[data-counts]")).to_contain_text(f"{HELD_FROM} of ", timeout=SOON)


def sent(world: World, page: Page) -> None:
    of_full("/tile-sets/{few}")(world, page)
    photos = [{"name": path.name, "mimeType": "image/jpeg", "buffer": path.read_bytes()}
              for path in sorted(world.photos.iterdir())[20:26]]  # fmt: skip
    with page.expect_file_chooser() as chosen:
        page.locator("label.button", has_text="Choose photos").click()
    chosen.value.set_files([*photos, {"name": "empty.jpg", "mimeType": "image/jpeg", "buffer": b""}])
    expect(page.get_by_role("button", name="Add them").first).to_be_enabled(timeout=SOON)
    opened("could not be sent")(page)


def too_many_at_once(world: World, page: Page) -> None:
    made = world.empty.session.post(f"{world.empty.address}/api/v1/intakes", json={}, timeout=60)
    assert made.status_code in {201, 429}
    of_empty("/tile-sets/new")(world, page)
    with page.expect_file_chooser() as chosen:
        page.get_by_text("Choose a folder").click()
    chosen.value.set_files(world.photos)
    expect(page.locator("[data-said]")).to_be_visible(timeout=SOON)


def choose(page: Page, button: str, files: Any) -> None:
    with page.expect_file_chooser() as chosen:
        page.locator("label.button", has_text=button).click()
    chosen.value.set_files(files)


def no_picture(world: World, page: Page) -> None:
    of_full("/tile-sets/new")(world, page)
    choose(page, "Choose photos", [_file("notes.txt", b"nothing to see"), _file("list.csv", b"1,2")])
    seen("None of these files is a picture")(page)


def refused_zip(world: World, page: Page) -> None:
    of_full("/tile-sets/new")(world, page)
    photo = next(world.photos.iterdir())
    choose(page, "Choose photos", [_file("holidays.zip", b"PK\x03\x04 and then nothing"), _photo(photo)])
    opened("could not be sent")(page)
    seen("The zip")(page)


def indexed_meanwhile(world: World, page: Page) -> None:
    """Send a zip of photos and one photo, which does not arrive; what was in the zip is indexed meanwhile."""

    def hold(route: Route) -> None:
        name = b64encode(last.name.encode()).decode()
        if name not in (route.request.headers.get("upload-metadata") or ""):
            route.continue_()

    *some, last = sorted(world.photos.iterdir())[40:64]
    page.route("**/intakes/*/uploads", hold)
    of_full("/tile-sets/new")(world, page)
    choose(page, "Choose photos", [_zip("Summer.zip", some), _photo(last)])
    expect(page.locator("[data-counts]")).to_contain_text("1 of 2", timeout=SOON)
    page.get_by_label("Name").first.fill("Summer")
    page.get_by_role("button", name="Make the tile set").click()
    expect(page.get_by_role("link", name="Order a mosaic")).to_be_visible(timeout=SOON)
    expect(page.locator("[data-thumbs] img").first).to_be_visible(timeout=SOON)


def ended_meanwhile(world: World, page: Page) -> None:
    """Send photos, and log out in another tab."""
    inside(world, page)
    page.goto(f"{world.locked.address}/tile-sets/new")
    page.context.clear_cookies()
    choose(page, "Choose a folder", world.photos)
    seen("Your session has ended; log in again in another tab")(page)


def ordering_many(world: World, page: Page) -> None:
    """Order many at once, of which nothing arrives."""
    page.route("**/batches", lambda _: None)
    of_full("/batches/new")(world, page)
    photos = [_photo(path) for path in sorted(world.photos.iterdir())[:3]]
    page.get_by_label("Pictures to rebuild").set_input_files(photos)
    page.get_by_role("button", name="Order them all").click()
    seen("The pictures are being sent.")(page)


def _photo(path: Path) -> Any:
    return _file(path.name, path.read_bytes(), "image/jpeg")


def _zip(name: str, paths: list[Path]) -> Any:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path in paths:
            archive.writestr(path.name, path.read_bytes())
    return _file(name, made.getvalue(), "application/zip")


def _file(name: str, data: bytes, kind: str = "") -> Any:
    return {"name": name, "mimeType": kind or "application/octet-stream", "buffer": data}


def too_large(world: World, page: Page) -> None:
    of_empty("/tile-sets/new")(world, page)
    opened("A zip of photos")(page)
    page.get_by_label("Or a zip of photos").set_input_files(
        {"name": "photos.zip", "mimeType": "application/zip", "buffer": bytes(300_000)}
    )
    page.locator("form[enctype] button").click()
    seen("larger")(page)


def refused_set(world: World, page: Page) -> None:
    of_full("/tile-sets/new")(world, page)
    opened("A zip of photos")(page)
    page.locator("form[enctype]").get_by_label("Name").fill("Holidays that I will not type again")
    page.locator("form[enctype] button").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=SOON)
