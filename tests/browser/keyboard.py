"""Goes through a page by Tab alone, and says what is not reached that way, or where one does not see where one is."""

from playwright.sync_api import Page

MOST = 400
BEGIN = """() => {
  const things = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']");
  window.unreached = new Set([...things].filter((each) => each.checkVisibility({ visibilityProperty: true })
    && !each.disabled && each.tabIndex >= 0 && !(each.type === "radio" && !each.checked)));
  document.activeElement.blur();
  window.scrollTo(0, 0);
}"""
HERE = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return null;
  window.unreached.delete(here);
  const outlined = (each) => {
    const style = each && getComputedStyle(each);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  };
  const stays = window.last === here && here.tagName !== "INPUT";
  window.last = here;
  const box = here.getBoundingClientRect();
  return {
    stays,
    words: here.outerHTML.slice(0, 150),
    outlined: [here, here.closest("label"), here.parentElement].some(outlined),
    inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


def wrong(page: Page) -> list[str]:
    """Return what is wrong with a page for somebody who uses keys, a line each."""
    page.evaluate(BEGIN)
    found, ends = list[str](), 0
    for _ in range(MOST):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        if here is None:
            # The browser begins where one was last; after the end it begins at the first.
            ends += 1
            if ends == 2:
                break
            continue
        if not here["outlined"]:
            found.append(f"no outline: {here['words']}")
        if not here["inView"]:
            found.append(f"out of sight: {here['words']}")
        if here["stays"]:
            found.append(f"Tab stays at: {here['words']}")
    else:
        found.append(f"after {MOST} times Tab there is no end")
    return found + [
        f"not reached: {each}" for each in page.evaluate("[...unreached].map((each) => each.outerHTML.slice(0, 150))")
    ]
