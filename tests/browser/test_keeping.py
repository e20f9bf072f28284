"""Mosaics and a batch in a real browser: tried again, deleted and taken back, with scripts and without."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

SECONDS = 1_000
PATIENCE = 60 * SECONDS
MARK = "() => { window.stayed = document.querySelector('h1'); }"
STAYED = "() => window.stayed?.isConnected === true"


@pytest.fixture(scope="module")
def service(
    new_installation: Callable[..., Any], photos: dict[str, bytes], target: bytes, zipped: Callable[..., bytes]
) -> Iterator[Any]:
    """A service with a tile set, and the zip of a batch of which the second target is no picture."""
    with new_installation("sqlite") as installed:
        installed.set_id = installed.tile_set(photos)["id"]
        installed.guests = zipped({"anna.png": target, "broken.png": b"no picture", "clara.png": target})
        yield installed


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a phone, in which nothing goes wrong."""
    wrong: list[str] = []
    page = browser.new_page(
        viewport={"width": 375, "height": 812}, java_script_enabled=request.param, reduced_motion="reduce"
    )
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    page.close()
    assert wrong == []


def batch(service: Any) -> str:
    """Order the batch and return the address of its page."""
    order = {"tile_set": service.set_id, "name": "Guests", "cells_across": "8", "tile_size": "20"}
    made = service.post("/api/v1/batches", data=order, files={"archive": ("guests.zip", service.guests)})
    assert made.status_code == 202, made.text
    return f"{service.address}/batches/{made.json()['id']}"


def mosaics(service: Any, page: str) -> list[dict[str, Any]]:
    """Return the mosaics of a batch, as the API shows them."""
    return list(service.get(f"/api/v1/batches/{page.rpartition('/')[2]}/mosaics").json()["items"])


def test_a_batch_is_watched_and_what_failed_tried_again(
    page: Page, service: Any, request: pytest.FixtureRequest
) -> None:
    scripts = "with scripts" in request.node.name
    address = batch(service)
    page.goto(address)
    if scripts:
        page.evaluate(MARK)
    expect(page.get_by_text("2 made")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".cards .face img")).to_have_count(2)
    first = page.locator("main :is(.failures, .cards) > li").first
    expect(first).to_contain_text("broken.png")
    expect(first).to_contain_text("is not a picture")
    expect(page.get_by_role("link", name="Download all as a zip")).to_be_visible()
    if scripts:
        assert page.evaluate(STAYED), "nothing was loaded anew"
        expect(page.locator("[hx-get]")).to_have_count(0)
    before = mosaics(service, address)[1]["job"]["created_at"]
    page.get_by_role("button", name="Try again: broken.png").click()
    expect(page.get_by_text("1 failed")).to_be_visible(timeout=PATIENCE)
    assert mosaics(service, address)[1]["job"]["created_at"] > before
    assert page.url == address


def test_a_mosaic_and_a_batch_are_deleted_and_taken_back(page: Page, service: Any) -> None:
    address = batch(service)
    page.goto(address)
    expect(page.get_by_role("link", name="Download all as a zip")).to_be_visible(timeout=PATIENCE)
    card = page.locator(".cards strong", has_text="anna.png")
    card.click()
    page.get_by_text("Rename or delete").click()
    page.get_by_label("Name", exact=True).fill("Anna")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna")
    page.get_by_text("Rename or delete").click()
    page.get_by_role("button", name="Delete this mosaic").click()
    page.wait_for_url(address)
    expect(page.get_by_text("“Anna” was deleted.")).to_be_visible()
    expect(page.locator(".cards > .card")).to_have_count(1)
    page.get_by_role("button", name="Undo: take back Anna").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna")
    page.goto(address)
    expect(page.locator(".cards > .card")).to_have_count(2)
    page.get_by_text("Rename or delete").click()
    page.get_by_role("button", name="Delete this batch").click()
    page.wait_for_url("**/batches")
    page.get_by_role("button", name="Undo: take back Guests").click()
    page.wait_for_url(address)
    assert [each["target_name"] for each in mosaics(service, address)] == ["Anna", "broken.png", "clara.png"]
