"""A newcomer's first mosaic by the pages: `first_mosaic.py [PHOTOS]` prints seconds since the photos were dropped.

A whole `tessera up` and a browser on the same machine. The photos are those of `sketches`, each a file in a folder.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import sketches
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ADDRESS = "http://127.0.0.1:18643"
PATIENCE = 300_000
"""Milliseconds."""
IS_OPEN = "() => window.OpenSeadragon?.getViewer(document.querySelector('.view'))?.world.getItemCount() === 1"
"""The viewer shows the mosaic."""


def main() -> None:
    """Print how many actions it took, and when each step was there."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        scratch = Path(folder)
        with zipfile.ZipFile(sketches.photos(count, scratch / "photos.zip")) as archive:
            archive.extractall(scratch / "Holidays")
        target = scratch / "target.jpg"
        target.write_bytes(sketches.target())
        with _up(scratch), sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1_200, "height": 900})
            page.goto(ADDRESS)
            began = time.monotonic()
            steps = [(name, round(time.monotonic() - began, 1)) for name in _walk(page, scratch / "Holidays", target)]
            browser.close()
    print(json.dumps({"photos": count, "actions": len(steps), **dict(steps)}))


def _walk(page: Page, photos: Path, target: Path) -> Iterator[str]:
    """Take one action after the other, as soon as the page offers it; each yields what was done."""
    with page.expect_file_chooser() as chosen:
        page.get_by_text("Choose a folder").click()
    chosen.value.set_files(photos)
    make = page.get_by_role("button", name="Make the tile set")
    expect(make).to_be_enabled(timeout=PATIENCE)
    yield "sent"
    make.click()
    page.wait_for_url(re.compile(r"/tile-sets/[-0-9a-f]{36}$"), timeout=PATIENCE)  # all of them are in the set
    order = page.get_by_role("link", name="Order a mosaic")
    expect(order).to_be_visible(timeout=PATIENCE)
    yield "indexed"
    order.click()
    chosen_picture = page.get_by_label("Picture to rebuild")
    expect(chosen_picture).to_be_visible(timeout=PATIENCE)
    yield "asked"
    chosen_picture.set_input_files(target)
    yield "chosen"
    page.get_by_role("button", name="Order the mosaic").click()
    page.wait_for_url(re.compile(r"/mosaics/[-0-9a-f]{36}"), timeout=PATIENCE)
    page.wait_for_function(IS_OPEN, timeout=PATIENCE)
    yield "seen"


@contextmanager
def _up(scratch: Path) -> Iterator[None]:
    """Run the service until its pages and its workers are there."""
    command = [
        Path(sys.executable).with_name("tessera"),
        "up",
        "--data",
        scratch / "data",
        "--port",
        ADDRESS.rpartition(":")[2],
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _ready():
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _ready() -> bool:
    try:
        return requests.get(f"{ADDRESS}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


if __name__ == "__main__":
    main()
