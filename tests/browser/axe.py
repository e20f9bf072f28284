"""axe-core, which looks for what keeps people with disabilities from using a page."""

import re
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "web/node_modules/axe-core/axe.min.js").read_text()
RUN = 'async () => (await axe.run(document, { resultTypes: ["violations"], preload: false })).violations'


def violations(page: Page) -> list[str]:
    """Return what is wrong in a page as it is now, one line each: the rule and the element."""
    # As an expression it is not subject to the page's own policy.
    page.evaluate(f"() => {{ {SOURCE} }}")
    found = page.evaluate(RUN)
    return [
        f"{each['id']}: {node['html'][:160]} ({node['failureSummary']})" for each in found for node in each["nodes"]
    ]


def violations_without_scripts(page: Page, copy: Page) -> list[str]:
    """Return what is wrong in a page whose scripts are off, by a copy of it in a page in which axe's own can run."""
    still = re.sub("<script.*?</script>|<meta http-equiv[^>]*>", "", page.content(), flags=re.DOTALL)
    still = re.sub("<(/?)noscript", r"<\1div", still.replace("<noscript></noscript>", ""))
    copy.route(page.url, lambda route: route.fulfill(body=still, content_type="text/html; charset=utf-8"))
    copy.goto(page.url)
    return violations(copy)
