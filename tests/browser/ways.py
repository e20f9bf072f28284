"""How a browser brings a page into a state: by an address, and by what is pressed, typed and chosen there."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.world import World, thrown_before, thrown_now

SOON = 60_000
IS_OPEN = """() => window.OpenSeadragon
  && OpenSeadragon.getViewer(document.querySelector(".view"))?.world.getItemCount() === 1"""
Way = Callable[[World, Page], object]


def of_full(path: str) -> Way:
    """Return a way to a page of the full service; names in braces stand for ids."""

    def bring(world: World, page: Page) -> None:
        page.goto(world.full.address + re.sub(r"{(.+?)}", lambda found: str(world.ids[found[1]]), path))

    return bring


def of_empty(path: str) -> Way:
    return lambda world, page: page.goto(world.empty.address + path)


def after(first: Way, *then: Callable[[Page], object]) -> Way:
    """Return a way that goes on in the page."""

    def bring(world: World, page: Page) -> None:
        first(world, page)
        for each in then:
            each(page)

    return bring


def opened(words: str) -> Callable[[Page], None]:
    """Unfold what has these words on it; without scripts, what is folded by scripts is open already."""

    def unfold(page: Page) -> None:
        details = page.locator("details", has=page.locator("summary", has_text=words)).first
        if details.get_attribute("open") is None:
            page.locator("summary", has_text=words).first.click()

    return unfold


def pressed(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name).first.click()


def seen(text: str) -> Callable[[Page], None]:
    return lambda page: expect(page.get_by_text(text).first).to_be_visible(timeout=SOON)


def refused(page: Page) -> None:
    expect(page.get_by_role("alert")).to_be_visible(timeout=SOON)


def zoomed(page: Page) -> None:
    page.wait_for_function(IS_OPEN, timeout=SOON)


def cell(page: Page) -> None:
    page.locator(".openseadragon-canvas").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-told]")).to_contain_text("lies in this mosaic", timeout=SOON)


def candidates(page: Page) -> None:
    pressed("Put another here")(page)
    expect(page.locator(".candidates button").first).to_be_visible(timeout=SOON)


def changed(page: Page) -> None:
    page.locator(".candidates button").nth(1).click()
    expect(page.locator("[data-changes] li").first).to_be_visible(timeout=SOON)


def over(kind: str) -> Callable[[Page], None]:
    def choose(page: Page) -> None:
        page.get_by_label("Show over it").select_option(kind)
        expect(page.locator("canvas.map")).to_be_visible(timeout=SOON)

    return choose


def shared(token: str) -> Way:
    return lambda world, page: page.goto(f"{world.full.address}/shared/{world.links[token]}")


def ordering(world: World, page: Page) -> None:
    of_full("/mosaics/new?tile_set={set}")(world, page)
    page.get_by_label("Picture to rebuild").set_input_files(world.picture)
    expect(page.get_by_alt_text("Preview of the mosaic")).to_be_visible(timeout=SOON)
    expect(page.locator("[data-plan]")).to_be_visible(timeout=SOON)


def pictured(page: Page) -> None:
    """Wait until every look has its picture."""
    expect(page.locator("img[data-look=article]")).to_be_visible(timeout=SOON)


def looked(look: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("radio", name=look).check()


def pictures_loaded(page: Page) -> None:
    """Look at every picture of an option, which is when browsers load it."""
    for picture in page.locator("img.shows").all():
        picture.scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('img.shows')].every(({ naturalWidth }) => naturalWidth > 0)"
    )


def choosing(page: Page) -> None:
    """Draw a frame around a part of the picture."""
    pressed("Choose a part")(page)
    frame = page.get_by_role("application", name="Part of the picture")
    for _ in range(30):
        frame.press("Shift+ArrowLeft")
        frame.press("Shift+ArrowUp")
    for _ in range(15):
        frame.press("ArrowRight")
    seen("49 % of the picture")(page)


def ordered_again(world: World, page: Page) -> None:
    """Order what was ordered once more, with other cells and another look."""
    of_full("/mosaics/new?again={mosaic}")(world, page)
    expect(page.locator("[data-plan]")).to_have_text(re.compile("^40 . 40 cells"), timeout=SOON)
    page.get_by_label("Cells across").fill("30")
    looked("True photos")(page)
    expect(page.locator("[data-changes]")).to_be_visible(timeout=SOON)


def impossible(page: Page) -> None:
    page.get_by_label("Every photo once").check()
    expect(page.locator("[data-refusal]")).to_be_visible(timeout=SOON)


def refused_order(world: World, page: Page) -> None:
    of_full("/mosaics/new?tile_set={set}")(world, page)
    page.get_by_label("Picture to rebuild").set_input_files(world.picture)
    page.get_by_label("Cells across").fill("0")
    page.get_by_role("button", name="Order the mosaic").click()
    seen("is kept")(page)
    expect(page.get_by_role("alert").first).to_be_visible(timeout=SOON)


def undo_bar(path: str) -> Way:
    def bring(world: World, page: Page) -> None:
        thrown_now(world)
        of_full(path)(world, page)
        expect(page.locator(".undo").first).to_be_visible()
        thrown_before(world)

    return bring


def refused_token(page: Page) -> None:
    page.get_by_label("Token").fill("not the token")
    page.get_by_role("button", name="Enter").click()
    seen("That is not the access token")(page)


def inside(world: World, page: Page) -> None:
    page.goto(f"{world.locked.address}/login")
    page.get_by_label("Token").fill(world.locked.settings["ACCESS_TOKEN"])
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url(f"{world.locked.address}/")


def session_ended(world: World, page: Page) -> None:
    inside(world, page)
    page.goto(f"{world.locked.address}/tile-sets/new")
    page.context.clear_cookies()
    opened("A zip of photos")(page)
    page.locator("form[enctype] button").click()
    expect(page.get_by_label("Token")).to_be_visible(timeout=SOON)


def form_expired(world: World, page: Page) -> None:
    of_full("/tile-sets/{few}/delete")(world, page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Delete the tile set").click()
    seen("has expired")(page)


def one_photo(world: World, page: Page) -> None:
    of_full("/tile-sets/{few}/photos")(world, page)
    page.locator(".sheet a").first.click()
    page.wait_for_url("**/photos/*")


def thrown_photo(world: World, page: Page) -> None:
    of_full("/trash")(world, page)
    page.locator(".photos a", has_text="Delete for good").first.click()
    page.wait_for_url("**/delete")


def chosen(page: Page) -> None:
    for number in (0, 1, 4):
        page.locator("input[name=content]").nth(number).check()


def card_menu(page: Page) -> None:
    page.locator(".dots").first.click()
    expect(page.locator(".menu").first).to_be_visible()


def refused_name(page: Page) -> None:
    opened("Name, and how to delete the set")(page)
    page.locator("form[action$=rename]").get_by_label("Name").fill("   ")
    page.locator("form[action$=rename] button").click()
    expect(page.get_by_role("alert")).to_be_visible()


def link(page: Page) -> None:
    pressed("Make a link")(page)
    expect(page.get_by_label("Whoever has this link")).to_be_visible(timeout=SOON)


def older(page: Page) -> None:
    """Go on by the link, before it is seen and a script does so."""
    page.get_by_role("link", name="Older").first.evaluate("(link) => link.click()")


def on_paper(page: Page) -> None:
    page.get_by_label("On paper", exact=True).check()
