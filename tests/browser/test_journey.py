"""A newcomer's whole way, in the embedded mode and on a server with its access token."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe
import pytest
from journey import Journey, walk
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def folder(photos: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journey") / "Holidays"
    for name, data in photos.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"], ids=["embedded", "server"])
def test_photos_become_a_mosaic_that_is_looked_at_changed_shared_and_deleted(
    kind: str, browser: Browser, new_installation: Callable[..., Any], folder: Path, target: bytes, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(target)
    wrong: list[str] = []
    steps: list[str] = []

    def seen(page: Page, name: str) -> None:
        steps.append(name)
        wrong.extend(f"{name}: {each}" for each in axe.violations(page))

    with new_installation(kind) as installed:
        context = browser.new_context(viewport={"width": 1_200, "height": 900}, reduced_motion="reduce")
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        token = installed.settings["ACCESS_TOKEN"] if installed.mode == "server" else ""
        walk(page, browser, Journey(installed.address, folder, picture, token), seen)
        context.close()
    assert steps == [
        "begin", "photos", "set", "order", "mosaic", "closer", "found", "changed", "share", "shared", "deleted",
    ]  # fmt: skip
    assert wrong == []
