"""A window of the browser that notes what a page must not do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SERIOUS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(found => ["serious", "critical"].includes(found.impact))
  .flatMap(found => found.nodes.map(node => `${found.id}: ${node.failureSummary} ${node.html.slice(0, 200)}`))"""
DEAD_LINKS = """() => [...document.querySelectorAll('a[href^="#"]')].map(link => link.hash.slice(1))
  .filter(id => document.querySelectorAll(`[id="${id}"]`).length !== 1)"""
BACKGROUND = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"


@contextmanager
def window(browser: Browser, file: Path, *, width: int = 1280, theme: str = "light") -> Iterator[Page]:
    """Opens a file, and closes the window in the end.

    Args:
        browser: Chromium.
        file: an HTML file.
        width: of the window, px.
        theme: "light" or "dark".

    Raises:
        AssertionError: the page asked for something that is no file, wrote an error to the console, threw, or opened a dialog.
    """
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)

    def asked(request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            complaints.append(f"asked for {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"wrote to the console: {message.text}")

    def asks(dialog: Dialog) -> None:
        complaints.append(f"opened a dialog: {dialog.message}")
        dialog.dismiss()

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(f"threw {error}"))
    page.on("dialog", asks)
    try:
        page.goto(file.as_uri())
        yield page
        assert not complaints, f"{file}: {complaints}"
    finally:
        page.close()


def violations(page: Page) -> list[str]:
    """What axe-core calls serious or critical, each with the rule's name first."""
    page.evaluate(AXE)
    return page.evaluate(SERIOUS)


def examine(page: Page, theme: str) -> None:
    """Raises AssertionError unless the page fits the window, is light or dark as asked, links right and shuts nobody out."""
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    brightness = sum(page.evaluate(BACKGROUND)) / 3
    assert brightness > 200 if theme == "light" else brightness < 60
    assert page.evaluate(DEAD_LINKS) == []
    assert violations(page) == []
