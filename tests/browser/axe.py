"""axe-core, which looks for what keeps people with disabilities from using a page."""

from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "web/node_modules/axe-core/axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """Return what is wrong in a page as it is now, one line each: the rule and the element."""
    # As an expression it is not subject to the page's own policy.
    page.evaluate(f"() => {{ {SOURCE} }}")
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{each['id']}: {node['html'][:160]} ({node['failureSummary']})"
        for each in found["violations"]
        for node in each["nodes"]
    ]
