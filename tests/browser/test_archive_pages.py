"""The archive in a browser: readable for everybody, at every width, by day and by night; and nothing in it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from newsletter import wiring
from newsletter.actions.archive import HTML, Archive
from newsletter.issue import parse_issue
from newsletter.render import read
from newsletter.render.web import WebForm, web_form
from newsletter.render.web_clean import cleaned
from newsletter.render.web_pages import Entry
from newsletter.render.web_style import Classes
from newsletter.sources.themes import read_theme, shipped_templates, theme_names
from tests.browser.conftest import Screen, expect
from tests.support.archived import BEGAN, ISSUES, Archived
from tests.support.everything import SITE, text_of
from tests.support.images import drawing, saved
from tests.support.painted import ORIGIN, paint, pictures
from tests.support.vectors import VECTORS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Route

BASE = "https://lettres.example.org"
PICTURE = saved(drawing(40, 40))


class Visit:
    """A browser whose only web is one archive, and what it noticed."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page()
        self.screen = Screen(self.page)
        self.pages: dict[str, tuple[bytes, str, str]] = {}  # path → content, type, policy
        self.origins: tuple[str, ...] = ()  # where images may come from
        self.noticed: list[str] = []
        self.page.on("console", lambda message: self.noticed.append(f"console: {message.text}"))
        self.page.on("dialog", self._close)
        self.page.on("pageerror", lambda error: self.noticed.append(f"error: {error}"))
        self.page.on("popup", lambda popup: self.noticed.append(f"popup: {popup.url}"))
        self.page.route("**/*", self._answer)

    def _close(self, dialog: Dialog) -> None:
        self.noticed.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _answer(self, route: Route) -> None:
        request = route.request
        path = unquote(request.url.removeprefix(f"{BASE}/"))
        if path in self.pages:
            content, kind, policy = self.pages[path]
            route.fulfill(body=content, headers={"Content-Type": kind, "Content-Security-Policy": policy})
        elif request.url.startswith(ORIGIN):
            route.fulfill(body=paint(request.url), content_type="image/png")
        elif request.url.startswith((f"{BASE}/", *self.origins)) and request.resource_type == "image":
            route.fulfill(body=PICTURE, content_type="image/png")
        else:
            self.noticed.append(f"{request.resource_type}: {request.url}")
            route.abort()

    def open(self, path: str, width: int = 390, scheme: str = "light") -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        self.page.goto(f"{BASE}/{path}", wait_until="load")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    made = Visit(browser)
    yield made
    made.page.close()


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The archive of four issues, as it stands."""
    with Archived(tmp_path_factory.mktemp("sent")) as archived:
        archived.three()
        name = "2026-10-ecrire-a-une-personne"
        folder = archived.config.issues / name
        folder.mkdir()
        (folder / "une-enveloppe.png").write_bytes((ISSUES / name / "une-enveloppe.png").read_bytes())
        archived.sent(name, (ISSUES / f"{name}.md").read_text("utf-8"))
        archive = archived.archive
        for path in archive.paths:
            archive.file(path)
        return archive


@pytest.fixture
def three(visit: Visit, sent: Archive) -> Visit:
    for path in sent.paths:
        file = sent.kept(path)
        assert file is not None
        visit.pages[path] = (file.content, file.type, file.policy or "default-src 'none'")
    return visit


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["archive/", "archive/2026-10-ecrire-a-une-personne/", "404.html"])
def test_nobody_stumbles_and_nobody_is_shut_out(three: Visit, path: str, scheme: str) -> None:
    for width in (320, 390, 900):
        three.open(path, width, scheme)
        assert three.screen.stumbles() == {}
        scrolls = three.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not scrolls
    assert violations(three) == []
    assert three.noticed == []


def violations(visit: Visit) -> list[str]:
    """What axe-core finds, with the rules for a whole page."""
    from axe_playwright_python.base import AXE_SCRIPT

    visit.page.evaluate(AXE_SCRIPT)
    response = visit.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {node['html'][:120]}" for each in response["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("theme", theme_names(shipped_templates()))
def test_every_theme_is_in_order_on_the_web(visit: Visit, tmp_path: Path, theme: str) -> None:
    with Archived(tmp_path, theme=theme) as archived:
        entries = tuple(Entry(web_form_of(name, theme), BEGAN) for name in ("arabic", "everything"))
        pages, journal = wiring.web_pages(archived.config), wiring.journal(archived.config, entries=entries)
        for at, entry in enumerate(entries):
            page = pages.issue(journal, at)
            visit.pages[f"archive/{entry.folder}"] = (page.content, HTML, page.policy)
            visit.origins += tuple(f"{origin}/" for origin in entry.form.origins)
    for entry in entries:
        for scheme in ("light", "dark"):
            visit.open(f"archive/{entry.folder}", 390, scheme)
            assert visit.screen.stumbles() == {}
        assert violations(visit) == []
    assert visit.noticed == []


def web_form_of(name: str, theme: str) -> WebForm:
    """An issue of this folder on the web, with its pictures painted."""
    issue, look = parse_issue(text_of(name), f"{name}.md"), read_theme(theme)
    rendering = read(issue, look, SITE, form="web")
    return web_form(issue, rendering.edition((), pictures(use.src for use in rendering.uses)), SITE, look)


def test_older_and_newer_issues_lead_through_the_archive_by_keyboard(three: Visit) -> None:
    three.open("archive/")
    three.page.keyboard.press("Tab")
    assert three.page.evaluate("document.activeElement.textContent") == "Aller au texte"
    three.page.click("text=L’été")
    expect(three.page).to_have_url(re.compile("%C3%A9t%C3%A9/$"))
    three.page.click("text=Précédent")
    expect(three.page).to_have_url(f"{BASE}/archive/2026-10-ecrire-a-une-personne/")
    three.page.click("text=Lettres & co >> nth=0")
    expect(three.page).to_have_url(f"{BASE}/archive/")
    assert three.noticed == []


@pytest.mark.parametrize("guarded", [True, False], ids=["with its policy", "without any"])
def test_no_known_attack_does_anything_in_a_real_browser(visit: Visit, tmp_path: Path, guarded: bool) -> None:
    body = "\n".join(f"<div>{cleaned(vector, BASE, f'{BASE}/archive')}</div>" for vector in VECTORS)
    assert len(VECTORS) >= 60
    whole = cleaned("\n".join(VECTORS), BASE, f"{BASE}/archive")
    with Archived(tmp_path) as archived:
        pages, classes = wiring.web_pages(archived.config), Classes()
        form = WebForm("x", VECTORS[0], "en", classes.moved(body + whole), classes.rules(), "", summary=VECTORS[3])
        page = pages.issue(wiring.journal(archived.config, entries=(Entry(form, BEGAN),)), 0)
    content = page.content if guarded else page.content.replace(b'http-equiv="Content-Security-Policy"', b'name="x"')
    visit.pages["archive/x/"] = (content, HTML, page.policy if guarded else "")
    visit.open("archive/x/")
    for link in visit.page.query_selector_all("main a[href]"):
        assert str(link.get_attribute("href")).startswith(("https:", "http:", "../", "#"))
        link.hover(force=True)
        link.focus()
    everything = "document.querySelectorAll('main *:not(a)').forEach(each => each.click())"
    visit.page.evaluate(everything)
    visit.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
    assert visit.noticed == []
    assert visit.page.url == f"{BASE}/archive/x/"
