"""A running service with a mosaic to zoom into, and Debian's Chromium to look at it."""

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pytest
import tifffile
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

expect.set_options(timeout=20_000)  # on a busy machine, more than its 5 seconds

CHROMIUM = "/usr/bin/chromium"
ORDER = {"cells_across": "20", "tile_size": "60", "tint": "0", "turns": "yes", "flips": "yes"}


class Made(NamedTuple):
    """A mosaic with a pyramid: its page, its pixels by its TIFF, the cells of its placement, and the service."""

    page: str
    pixels: np.ndarray
    cells: dict[tuple[int, int], dict[str, Any]]
    installed: Any


@pytest.fixture(scope="module")
def webgl() -> bool:
    """Whether the viewer draws by WebGL, which takes twice the time where there is no graphics card."""
    return False


@pytest.fixture(scope="module")
def browser(webgl: bool) -> Iterator[Browser]:
    """The browser that the Makefile installs; one that is not there fails the run."""
    with sync_playwright() as playwright:
        # Chromium has no sandbox for root, as whom containers run. It opens nothing but our own pages here.
        flags = ["--no-sandbox", *([] if webgl else ["--disable-gpu", "--disable-software-rasterizer"])]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, mosaic: Made) -> Iterator[Page]:
    """The mosaic's page; in the whole test nothing goes wrong in it, and nothing comes from another host."""
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": 1_000, "height": 1_500}, reduced_motion="reduce")
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    here = urlsplit(mosaic.page).netloc
    page.on("request", lambda asked: wrong.append(asked.url) if urlsplit(asked.url).netloc != here else None)
    page.goto(mosaic.page)
    yield page
    page.close()
    assert wrong == []


@pytest.fixture(scope="module")
def mosaic(new_installation: Callable[..., Any], target: bytes, encoded: Callable[..., bytes]) -> Iterator[Made]:
    photos = {f"photo-{number:02}.png": encoded(_photo(number)) for number in range(40)}
    with new_installation("sqlite") as installed:
        ordered = installed.order(installed.tile_set(photos), target, format="pyramid", file_quality="100", **ORDER)
        address = ordered["url"]
        assert installed.final(address)["job"]["state"] == "succeeded"
        tiff = installed.post(f"{address}/renditions", json={"format": "tiff"}).json()
        file = installed.get(installed.final(tiff["url"])["file"]).content
        placed = installed.get(f"{address}/placement.json").json()["cells"]
        cells = {(cell["column"], cell["row"]): cell for cell in placed}
        page = f"{installed.address}/mosaics/{ordered['id']}"
        yield Made(page, tifffile.imread(io.BytesIO(file)), cells, installed)


def shot(page: Page, tallest: int = 0) -> Image.Image:
    """Return what a page shows. Playwright's own screenshots add a style to it, which the page's policy forbids.

    With `tallest`, so many pixels of its height are shown at most, without scrolling.
    """
    session, more = page.context.new_cdp_session(page), dict[str, Any]()
    if tallest:
        size = session.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], tallest), "scale": 1}
        more = {"captureBeyondViewport": True, "clip": clip}
    data = session.send("Page.captureScreenshot", more)["data"]
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def _photo(number: int) -> Image.Image:
    """Return a photo without fine detail that looks different however it is cropped or turned."""
    corners = np.random.default_rng(number).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize((160, 120), Image.Resampling.BICUBIC)
