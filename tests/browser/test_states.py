"""Every page in every state: axe finds nothing, nothing is wider than the screen, the console has no errors.

    make states

also takes a picture of each, on a phone and a screen, light and dark, and puts them side by side in build/states.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from models.tables import Mosaic
from tests.browser import axe, contact_sheet, keyboard
from tests.browser.conftest import shot
from tests.browser.states import NO_PAGES, STATES, State
from tests.browser.world import World, built
from web.app import assemble

PICTURES = os.environ.get("TESSERA_STATES_FOLDER", "")
"""Where pictures are put; none are taken without it."""
ONLY = re.compile(os.environ.get("TESSERA_STATES_ONLY", ""))
TRIES = 3
TALLEST, SETTLED = 3_000, 3_000
"""Pixels of a picture's height at most, and milliseconds until it is taken of a page that never ceases to load."""
BY_KEYS = (
    "home, empty", "mosaics, a menu", "order, a picture", "mosaic, running", "mosaic, candidates", "mosaic, unfolded",
    "set, sent", "photo", "batch, half", "trash", "service", "login",
)  # fmt: skip
"""States with every kind of thing to press."""
EXPECTED = re.compile("the server responded with a status of")
"""What the console says of a page that is an error."""


class Look(NamedTuple):
    """A width and colours, with scripts or without, on a screen, in forced colours or on paper."""

    width: int
    colours: str
    scripts: bool
    medium: str = "screen"

    @property
    def name(self) -> str:
        medium = "" if self.medium == "screen" else f"-{self.medium}"
        return f"{self.width}-{self.colours}{'' if self.scripts else '-plain'}{medium}"


QUICK = [Look(375, "dark", True), Look(1_440, "light", False)]
EVERY = [Look(width, colours, scripts) for scripts in (True, False) for width in (375, 1_440)
         for colours in ("light", "dark")]  # fmt: skip
EVERY += [Look(1_440, "light", scripts=True, medium=medium) for medium in ("forced", "print")]


@pytest.fixture(scope="module")
def world(new_installation: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with built(new_installation, tmp_path_factory.mktemp("world")) as world:
        yield world
    if PICTURES:
        contact_sheet.write(Path(PICTURES), [state.name for state in STATES], [look.name for look in EVERY])


@pytest.mark.parametrize("look", EVERY if PICTURES else QUICK, ids=lambda look: look.name)
def test_nothing_is_wrong_with_any_page_in_any_state(browser: Browser, world: World, look: Look) -> None:
    wrong: list[str] = []
    for state in STATES:
        if (look.scripts or not state.scripts) and ONLY.search(state.name):
            began = time.monotonic()
            try:
                wrong += [f"{state.name}: {each}" for each in _looked_at(browser, world, state, look)]
            except (AssertionError, Error) as error:
                wrong.append(f"{state.name} does not come about: {error}")
            print(f"{look.name} {state.name}: {time.monotonic() - began:.1f} s")
    assert not wrong, "\n".join(wrong)


def _looked_at(browser: Browser, world: World, state: State, look: Look) -> list[str]:
    """Return what is wrong with a page in a state, and take its picture where pictures are asked for."""
    said: list[str] = []
    seen_by: dict[str, Any] = {
        "viewport": {"width": look.width, "height": 900}, "color_scheme": look.colours, "reduced_motion": "reduce",
        "locale": "en-GB", "timezone_id": "Europe/Rome",
        "forced_colors": "active" if look.medium == "forced" else "none",
    }  # fmt: skip
    with closing(browser.new_context(**seen_by, java_script_enabled=look.scripts)) as context:
        page = context.new_page()
        page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        state.bring(world, page)
        if look.medium == "print":
            page.emulate_media(media="print")
        if PICTURES:
            _settled(lambda: _picture(page, Path(PICTURES) / f"{state.name} {look.name}.webp"))
        page.wait_for_load_state()  # before its styles have come, a page is wider
        wide = _settled(lambda: page.evaluate("document.documentElement.scrollWidth"))
        if look.scripts:
            wrong = axe.violations(page)
        else:
            with closing(browser.new_context(**seen_by)) as other:
                wrong = _settled(lambda: axe.violations_without_scripts(page, other.new_page()))
    if look.medium == "forced":
        # The browser chooses the colours of text, of which axe sees those that the page would have.
        wrong = [each for each in wrong if not each.startswith("color-contrast:")]
    said = [line for line in said if not EXPECTED.search(line)]
    return [*wrong, *said, *([f"{wide} pixels wide"] if wide > look.width else [])]


def _settled(read: Callable[[], Any]) -> Any:
    """Return what is read of a page; without scripts one of unfinished work is loaded again now and then."""
    for _ in range(TRIES):
        with suppress(Error):
            return read()
    return read()


def _picture(page: Page, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(Error):
        page.wait_for_load_state("networkidle", timeout=SETTLED)
    page.evaluate("window.scrollTo(0, 0)")
    shot(page, TALLEST).save(path, quality=80)


@pytest.mark.parametrize("name", BY_KEYS)
def test_every_action_is_reached_by_tab_and_one_sees_where_one_is(browser: Browser, world: World, name: str) -> None:
    with closing(browser.new_page(viewport={"width": 1_440, "height": 900}, reduced_motion="reduce")) as page:
        next(state for state in STATES if state.name == name).bring(world, page)
        wrong = keyboard.wrong(page)
    assert not wrong, "\n".join(wrong)


def test_a_page_that_waits_keeps_the_focus_as_it_changes(browser: Browser, world: World) -> None:
    with closing(browser.new_page()) as page:
        page.goto(f"{world.full.address}/mosaics/{world.ids['running']}")
        page.get_by_role("button", name="Cancel").focus()
        with world.full.services().sessions.begin() as session:
            job = session.get_one(Mosaic, world.ids["running"]).job
            job.progress, before = 0.77, job.progress
        expect(page.locator("[data-far]")).to_contain_text("77 %", timeout=60_000)
        expect(page.get_by_role("button", name="Cancel")).to_be_focused()
        with world.full.services().sessions.begin() as session:
            session.get_one(Mosaic, world.ids["running"]).job.progress = before


def test_every_page_has_a_state(world: World) -> None:
    app = assemble(world.full.services())
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/") and rule.endpoint not in NO_PAGES
    }
    assert pages - {state.endpoint for state in STATES} == set()


def test_what_is_no_page_is_an_address_that_there_is(world: World) -> None:
    assert {rule.endpoint for rule in assemble(world.full.services()).url_map.iter_rules()} >= NO_PAGES
