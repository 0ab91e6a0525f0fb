"""The pages in a real browser: a newcomer's walk from the form to the way out, and what every page must be."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.actions.confirm import Claim, Tokens
from newsletter.sources.themes import shipped_templates, theme_names
from tests.browser.conftest import expect
from tests.support.author import Author
from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

WEB = 'fields = ["first_name", "city"]\ntopics = ["walks", "concerts"]\nprivacy = "https://letter.example.org/data"'
LARGEST = 50_000  # bytes
WELCOME = """\
---
title: Welcome to the harbour
---

Good evening, {{ subscriber.first_name | default("you") }}.
"""


@contextmanager
def serving(author: Author) -> Iterator[tuple[str, str]]:
    """`newsletter serve` as a process; the address of its pages and the one of its mailbox."""
    with author.start("serve", "--port", "0", "--inbox") as process:
        assert process.stdout
        assert process.stderr
        told = ""
        while len(urls := re.findall(r"http://127\.0\.0\.1:\d+/", told)) < 2:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            told += line
        yield urls[0], urls[1]
        process.terminate()
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """Somebody with a phone, whose browser runs no script."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False, locale="en", color_scheme="dark"
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def opened(page: Page, inbox: str, subject: str) -> Page:
    """The message with this subject, once it is in the mailbox."""
    for _ in range(150):
        page.goto(inbox)
        if page.get_by_text(subject).count():
            break
        page.wait_for_timeout(100)
    page.get_by_text(subject).first.click()
    return page


def follow(page: Page, words: str) -> Page:
    """Where a link in the message that is open leads: the mailbox opens it beside itself."""
    with page.expect_popup() as popup:
        page.frame_locator("iframe").get_by_role("link", name=words).click()
    return popup.value


def test_a_newcomer_subscribes_confirms_reads_the_welcome_and_leaves(
    tmp_path: Path, visitor: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = Author(tmp_path / "letter", monkeypatch)
    (author.folder / "issues" / "welcome.md").write_text(WELCOME, encoding="utf-8")
    with author.config.open("a", encoding="utf-8") as settings:
        settings.write('\n[web]\nwelcome = "welcome"\nfields = ["first_name"]\n')
    author.send_to(25)  # a mail server of the author's own, which is not to be used for a try
    with serving(author) as (pages, inbox):
        visitor.goto(pages)
        visitor.get_by_label("Your email address").fill("zoe@example.org")
        visitor.get_by_label("First name").fill("Zoé")
        visitor.get_by_role("button", name="Subscribe").click()
        expect(visitor.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")

        mail = opened(visitor.context.new_page(), inbox, "Please confirm your subscription to The letter")
        confirming = follow(mail, "Yes, subscribe me")
        confirming.get_by_role("button", name="Yes, subscribe me").click()
        expect(confirming.get_by_text("You are subscribed.")).to_be_visible()

        letter = opened(mail, inbox, "Welcome to the harbour")
        expect(letter.frame_locator("iframe").get_by_text("Good evening, Zoé.")).to_be_visible()
        leaving = follow(letter, "Unsubscribe")
        expect(leaving.get_by_role("heading", level=1)).to_have_text("Unsubscribe")
        leaving.get_by_label("It comes too often").check()
        leaving.get_by_role("button", name="Unsubscribe").click()
        expect(leaving.get_by_text("You are unsubscribed").first).to_be_visible()
    with author.database() as database, database.reading() as connection:
        status = connection.execute("SELECT status FROM subscribers").fetchone()
        assert status == ("unsubscribed",)
        assert connection.execute("SELECT reason FROM departures").fetchall() == [("often",)]


def paths(served: Served) -> dict[str, str]:
    """Every page, by name, for one reader."""
    reader = served.reader(first_name="Zoé", tags=("walks",), fields={"city": "Nantes"})
    preferences = served.path("preferences", reader)
    confirm = Tokens(served.parts.keys, served.clock).token(Claim(reader.id, 1))
    return {
        "subscribe": "/subscribe",
        "embed": "/embed",
        "code": "/embed/code",
        "confirm": f"/confirm/{confirm}",
        "unsubscribe": served.path("unsubscribe", reader),
        "preferences": preferences,
        "data": served.own_data(reader),
        "forget": f"{served.own_data(reader)}/forget",
        "lost": "/nowhere",
    }


def violations(page: Page) -> list[str]:
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {node['html'][:120]}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_accessible_small_and_as_wide_as_the_screen(
    tmp_path: Path, browser: Browser, language: str, scheme: Any
) -> None:
    # axe-core is a script, which the pages' own policy forbids.
    context = browser.new_context(color_scheme=scheme, locale=language, bypass_csp=True)
    page = context.new_page()
    with Served(tmp_path, WEB) as served:
        for name, path in paths(served).items():
            for width in (320, 900):
                page.set_viewport_size({"width": width, "height": 800})
                answer = page.goto(f"{served.server.url}{path}")
                assert answer
                assert len(answer.body()) < LARGEST, name
                assert page.locator("html").get_attribute("lang") == language, name
                assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert violations(page) == [], name
        page.goto(f"{served.server.url}/subscribe")
        page.get_by_role("textbox").first.fill("zoe@localhost")
        page.get_by_role("button").click()
        expect(page.locator("[aria-invalid]")).to_have_count(1)
        assert violations(page) == []
    context.close()


@pytest.mark.parametrize("theme", [name for name in theme_names(shipped_templates()) if name != "letter"])
def test_the_pages_can_be_read_in_every_theme(tmp_path: Path, browser: Browser, theme: str) -> None:
    context = browser.new_context(bypass_csp=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    with Served(tmp_path, WEB, theme=theme) as served:
        ways = paths(served)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            for name in ("subscribe", "preferences"):
                page.goto(f"{served.server.url}{ways[name]}")
                assert violations(page) == [], (name, scheme)
    context.close()


def test_no_script_runs_and_nothing_is_loaded_from_elsewhere(tmp_path: Path, browser: Browser) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with Served(tmp_path, WEB) as served:
        for path in paths(served).values():
            page.goto(f"{served.server.url}{path}")
            assert page.evaluate("document.scripts.length") == 0
        assert {url.partition("/")[0] for url in asked} <= {"http:", "data:"}
        assert all(url.startswith((served.server.url, "data:")) for url in asked)
    page.close()
