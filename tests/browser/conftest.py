"""A real browser, one for each process that runs tests, and what it is shown: issues in every theme."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.everything import shown
from tests.support.painted import ORIGIN, paint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page, Route

CHROMIUM = Path("/usr/bin/chromium")
LOOK = (Path(__file__).parent / "look.js").read_text("utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="take the pictures of themes that the documentation shows")


def expect(what: Any) -> Any:
    """What is expected of a page or of a part of it, once it has come to that: nothing on a page is there at once."""
    from playwright.sync_api import expect

    expect.set_options(timeout=15_000)
    return expect(what)


@dataclass
class Screen:
    """What a reader looks at, with a width, a scheme, and images or without."""

    page: Page

    def show(self, html: str, width: int = 390, scheme: str = "light", *, images: bool = True) -> Screen:
        """Open a message."""
        # An address that was never asked for: the browser keeps what it has seen.
        html = html if images else html.replace(ORIGIN, "https://nowhere.example.org/")
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        self.page.set_content(html, wait_until="load")
        return self

    def stumbles(self) -> dict[str, list[str]]:
        """What a reader would stumble over, by kind."""
        found: dict[str, list[str]] = self.page.evaluate(LOOK)
        return {kind: what for kind, what in found.items() if what}

    def violations(self, *, contrast: bool = True) -> list[str]:
        """What axe-core finds; its own look at contrast takes as long as all the rest."""
        if not self.page.evaluate("'axe' in window"):
            from axe_playwright_python.base import AXE_SCRIPT

            self.page.evaluate(AXE_SCRIPT)
        # A mail program's page has the landmarks; a message is an article inside of it.
        without = ["region", "landmark-one-main", *([] if contrast else ["color-contrast"])]
        options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
        response = self.page.evaluate("(options) => axe.run(document, options)", options)
        return [
            f"{violation['id']}: {node['html'][:120]} {node['failureSummary']}"
            for violation in response["violations"]
            for node in violation["nodes"]
        ]


def answer(route: Route) -> None:
    """Bring a painted picture; nothing else is reached."""
    if route.request.url.startswith(ORIGIN):
        route.fulfill(body=paint(route.request.url), content_type="image/png")
    else:
        route.abort()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"THE BROWSER TESTS ARE LEFT OUT: there is no {CHROMIUM} (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screen(browser: Browser) -> Iterator[Screen]:
    """One page for all tests of a process: to open a new one takes longer than to look at it."""
    page = browser.new_page()
    page.route("**/*", answer)
    yield Screen(page)
    page.close()


@pytest.fixture
def show(screen: Screen) -> Callable[..., Screen]:
    """show(issue, theme, width, scheme, images=…): an issue of this folder on the screen."""

    def open_issue(name: str, theme: str, width: int = 390, scheme: str = "light", *, images: bool = True) -> Screen:
        return screen.show(shown(name, theme), width, scheme, images=images)

    return open_issue
