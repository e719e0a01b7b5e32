"""What axe-core finds on a page."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_SCRIPT = Axe().axe_script
# What was found to be in order is neither worked out in full nor sent here: most of a page is.
_ASK = """(runOnly) => axe.run({runOnly, resultTypes: ["violations"]}).then(
  ({violations}) => violations.map(({id, nodes}) => `${id}: ${nodes[0].html.slice(0, 200)}`))"""


def barriers(page: Page, *, rules: Sequence[str] = ()) -> list[str]:
    """Each rule that is broken, with the first place: of all that TAGS name, or of ``rules`` alone."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SCRIPT)
    found: list[str] = page.evaluate(_ASK, list(rules) or {"type": "tag", "values": TAGS})
    return found
