"""Takes the pictures of the tutorial: starts Tessera in a folder of its own, and walks through the pages.

    make screenshots

The photos are the crops of scikit-image's photographs of which `tessera up --demo` makes its tile set.
"""

import base64
import io
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from journey import Journey, walk
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from cli.service import demo

CHROMIUM = "/usr/bin/chromium"
IMAGES = Path(__file__).parents[2] / "docs/images"
SIZE = {"width": 1_120, "height": 800}
PATIENCE = 60


def main() -> None:
    """Write docs/images/way-NUMBER-STEP.webp for each step."""
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder, _service(Path(folder)) as address:
        photos = Path(folder) / "Holidays"
        photos.mkdir()
        paths = demo.photographs()
        for name, data in demo.crops(paths):
            (photos / name).write_bytes(data)
        picture = next(path for path in paths if path.name == demo.TARGET)
        for old in IMAGES.glob("way-*.webp"):
            old.unlink()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, reduced_motion="reduce", color_scheme="light")
            page.on("dialog", lambda dialog: dialog.accept())
            walk(page, browser, Journey(address, photos, picture), Camera().take)


class Camera:
    """Takes a numbered picture of each step."""

    def __init__(self) -> None:
        self.number = 0

    def take(self, page: Page, name: str) -> None:
        """Write what a page shows. Playwright's own screenshots add a style, which the page's policy forbids."""
        page.wait_for_load_state("networkidle")
        data = page.context.new_cdp_session(page).send("Page.captureScreenshot")["data"]
        self.number += 1
        path = IMAGES / f"way-{self.number:02}-{name}.webp"
        Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB").save(path, quality=70, method=6)
        print(path.relative_to(IMAGES.parents[1]), f"{path.stat().st_size / 1e3:.0f} kB")


@contextmanager
def _service(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tessera = Path(sys.executable).with_name("tessera")
    command = [tessera, "up", "--data", folder / "data", "--port", str(port)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(PATIENCE):
            try:
                requests.get(f"{address}/livez", timeout=5)
                break
            except requests.RequestException:
                time.sleep(1)
        yield address
    finally:
        running.terminate()
        running.wait()


if __name__ == "__main__":
    main()
