"""newsletter preview in a real browser: an author writes, and looks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import expect
from tests.browser.test_pictures import small
from tests.browser.test_web_walk import violations
from tests.support.author import HELLO, Author
from tests.support.images import drawing, saved
from tests.support.previewed import EVENING, HEAD, previewed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page

    from newsletter.preview.server import Preview

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "preview.png"


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Author:
    author = Author(tmp_path / "letter", monkeypatch)
    author.issue(EVENING, head=HEAD)
    return author


@pytest.fixture
def opened(author: Author, browser: Browser) -> Iterator[Callable[..., Page]]:
    """opened("?view=text"): the page of a preview at this place, shown."""
    contexts: list[BrowserContext] = []
    previews: list[tuple[AbstractContextManager[Preview], Preview]] = []

    def at(place: str = "", scheme: Any = "light", **settings: Any) -> Page:
        if not previews:
            preview = previewed(author)
            previews.append((preview, preview.__enter__()))
        context = browser.new_context(
            color_scheme=scheme,
            reduced_motion="reduce",
            viewport={"width": 1280, "height": 860},
            **{"bypass_csp": False, **settings},
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{previews[0][1].url}{place}")
        page.wait_for_selector("html[data-shown]")
        return page

    yield at
    for context in contexts:
        context.close()
    for preview, _ in previews:
        preview.__exit__(None, None, None)


def mail(page: Page) -> FrameLocator:
    return page.frame_locator("#frame").frame_locator("iframe:not(.coming)")


def test_what_is_saved_is_on_the_page_and_the_scroll_position_stays(
    author: Author, opened: Callable[..., Page]
) -> None:
    author.issue(EVENING + "\nOne more thing.\n" * 60, head=HEAD)
    page = opened()
    before = page.evaluate("document.getElementById('desk').scrollTop = 400")
    author.issue(EVENING + "\nOne more thing.\n" * 60 + "\nGood night, Zoé.\n", head=HEAD)
    mail(page).get_by_text("Good night, Zoé.").wait_for()
    assert page.evaluate("document.getElementById('desk').scrollTop") == before == 400


@pytest.mark.parametrize("file", ["issues/choir.png", "templates/snippets/bye.md", "newsletter.toml"])
def test_images_snippets_and_settings_are_watched_like_the_issue(
    author: Author, opened: Callable[..., Page], file: str
) -> None:
    path = author.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    (author.folder / "templates" / "snippets").mkdir(parents=True, exist_ok=True)
    (author.folder / "templates" / "snippets" / "bye.md").write_text("Goodbye.\n", "utf-8")
    (author.folder / "issues" / "choir.png").write_bytes(saved(drawing(400, 100), "PNG"))
    author.issue('![The choir](choir.png)\n\n{% include "bye" %}\n', head=HEAD)
    page = opened()
    version = page.locator("html").get_attribute("data-shown")
    match path.suffix:
        case ".png":
            path.write_bytes(saved(drawing(400, 300), "PNG"))
        case ".md":
            path.write_text("See you in June.\n", "utf-8")
        case _:
            author.settings("The letter", "Another name")
    page.wait_for_selector(f'html:not([data-shown="{version}"])')
    expect(page.locator(".problem")).to_have_count(0)
    if path.suffix == ".md":
        mail(page).get_by_text("See you in June.").wait_for()


def test_a_mistake_is_told_with_its_line_and_the_last_good_mail_is_grey_behind_it(
    author: Author, opened: Callable[..., Page]
) -> None:
    page = opened()
    author.issue(EVENING + "\n{{ subscriber.frist_name }}\n", head=HEAD)
    problem = page.locator(".problem")
    problem.wait_for()
    assert f"issues/{HELLO}.md:22" in problem.inner_text()
    assert "did you mean `subscriber.first_name`?" in problem.inner_text()
    assert page.evaluate("getComputedStyle(document.getElementById('paper')).filter") == "grayscale(1)"
    expect(mail(page).get_by_text("It was a long evening")).to_be_visible()
    page.get_by_role("button", name="Dark").click()  # also what is old can be looked at otherwise
    page.wait_for_selector(".paper")
    author.issue(EVENING + "\nAll is well.\n", head=HEAD)
    mail(page).get_by_text("All is well.").wait_for()
    expect(page.locator(".problem")).to_have_count(0)


def test_a_template_that_fails_is_told_in_the_same_way(author: Author, opened: Callable[..., Page]) -> None:
    theme = author.folder / "templates" / "mine"
    (theme / "blocks").mkdir(parents=True)
    (theme / "theme.toml").write_text('[theme]\ninherits = "letter"\n', "utf-8")
    author.issue(EVENING, head=f"{HEAD}\ntheme: mine")
    page = opened()
    (theme / "blocks" / "paragraph.mjml.j2").write_text("<mj-text>{{ nothing.at.all }}</mj-text>\n{% if %}\n", "utf-8")
    problem = page.locator(".problem")
    problem.wait_for()
    assert "paragraph.mjml.j2:2" in problem.inner_text()
    assert "{% if %}" in problem.locator(".written").inner_text()
    (theme / "blocks" / "paragraph.mjml.j2").unlink()
    page.wait_for_selector(".problem", state="detached")


FRAME = "document.getElementById('frame').getBoundingClientRect().width"
VIEWS: dict[str, Callable[[Page], object]] = {
    "": lambda page: page.wait_for_function(f"{FRAME} == 390"),
    "?width=320": lambda page: page.wait_for_function(f"{FRAME} == 320"),
    "?width=desktop": lambda page: page.wait_for_function(f"{FRAME} > 700"),
    "?view=text": lambda page: expect(page.locator("#sheet")).to_contain_text("https://example.org/all"),
    "?view=inbox": lambda page: expect(page.locator("#sheet .line")).to_have_count(4),
    "?view=source": lambda page: expect(page.locator("#sheet pre")).to_contain_text("Content-Transfer-Encoding"),
    "?view=headers": lambda page: expect(page.locator("#sheet")).to_contain_text("List-Unsubscribe"),
    "?view=web": lambda page: expect(mail(page).get_by_text("Subscribe").first).to_be_visible(),
    "?program=gmail": lambda page: expect(page.get_by_text("A simulation: what Gmail")).to_be_visible(),
    "?program=outlook": lambda page: expect(page.get_by_text("A simulation: what Outlook")).to_be_visible(),
    "?as=longest": lambda page: expect(mail(page).get_by_text("Maximiliane")).to_be_visible(),
    "?as=branch-1-0": lambda page: expect(mail(page).get_by_text("Members get the minutes.")).to_be_visible(),
}


@pytest.mark.parametrize("place", VIEWS)
def test_each_view_shows_what_it_promises(opened: Callable[..., Page], place: str) -> None:
    VIEWS[place](opened(place))


def background(page: Page) -> str:
    colour: str = mail(page).locator("body").evaluate("element => getComputedStyle(element).backgroundColor")
    return colour


def test_the_dark_is_dark_whatever_the_screen_is_set_to(opened: Callable[..., Page]) -> None:
    by_day, by_night = opened("?colours=light", "dark"), opened("?colours=dark", "light")
    assert background(by_day) != background(by_night)


def test_without_images_there_are_only_their_texts(author: Author, opened: Callable[..., Page]) -> None:
    (author.folder / "issues" / "choir.png").write_bytes(saved(drawing(400, 100), "PNG"))
    author.issue("![The choir on the stairs](choir.png)\n", head=HEAD)
    widths = [
        mail(opened(place)).get_by_alt_text("The choir").evaluate("image => image.naturalWidth")
        for place in ("", "?images=off")
    ]
    assert widths[0] > 0
    assert widths[1] == 0


def test_a_finding_that_is_clicked_leads_to_the_element_and_to_the_line(opened: Callable[..., Page]) -> None:
    page = opened()
    finding = page.locator(".findings li", has_text="“here” does not say")
    assert finding.locator(".written").inner_text().startswith("We met at [ESTIM]()")
    assert f"issues/{HELLO}.md:8:" in finding.inner_text()
    finding.locator("button").click()
    mark = mail(page).locator("#newsletter-mark")
    mark.wait_for()
    expect(mark).to_have_text("here")
    expect(page).to_have_url(re.compile(r"mark=8%3A\d+"))
    page.keyboard.press("j")
    mail(page).locator("#newsletter-mark", has_text="TODO: the names").wait_for()


def test_the_address_holds_what_was_chosen(opened: Callable[..., Page]) -> None:
    page = opened()
    page.keyboard.press("1")
    page.keyboard.press("d")
    page.keyboard.press("i")
    expect(page).to_have_url(re.compile(r"\?width=320&colours=dark&images=off$"))
    page.reload()
    for choice in ("320", "Dark", "No images"):
        expect(page.locator("[aria-pressed=true]").get_by_text(choice, exact=True)).to_be_visible()


def test_the_keys_are_told(opened: Callable[..., Page]) -> None:
    page = opened()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Next finding")).to_be_visible()


def test_somebody_of_the_list_is_found_by_a_part_of_the_name(author: Author, opened: Callable[..., Page]) -> None:
    author.reader("zoe@example.org", first_name="Zoé", tags=("member",))
    page = opened()
    page.keyboard.press("/")
    page.get_by_label("A part of the name").fill("zo")
    page.get_by_role("button", name="Zoé").click()
    mail(page).get_by_text("Hello Zoé,").wait_for()
    mail(page).get_by_text("Members get the minutes.").wait_for()
    expect(page).to_have_url(re.compile(r"\?as=zoe%40example\.org$"))


def test_a_test_is_sent_from_the_page(author: Author, opened: Callable[..., Page]) -> None:
    with author.inbox() as inbox:
        page = opened()
        page.keyboard.press("e")
        page.get_by_label("To", exact=True).fill("me@example.org")
        page.get_by_role("button", name="Send", exact=True).click()
        page.get_by_text("Sent to me@example.org.").wait_for()
        (message,) = inbox.wait(1)
    assert message.recipients == ("me@example.org",)
    assert message.parsed["Subject"] == "[Test] An evening in Metz"


def test_the_mail_runs_no_script_and_loads_nothing_from_elsewhere(author: Author, opened: Callable[..., Page]) -> None:
    author.settings("[transport]", '[images]\nplace = "link"\n\n[transport]')
    author.issue("![A hall](https://images.example.org/hall.png)\n", head=HEAD)
    page = opened()
    frame = next(each for each in page.frames if "/mail" in each.url)
    assert frame.evaluate("document.images.length") >= 1
    assert not frame.evaluate("performance.getEntriesByType('resource').some(each => each.responseStatus === 200)")
    frame.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.ran = true">');
    }""")
    assert frame.evaluate("window.ran === undefined")
    expect(page.get_by_text("One image lies on the web.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(opened: Callable[..., Page], scheme: str) -> None:
    for place in ("", "?view=source", "?view=inbox", "?mark=10:1&program=outlook"):
        assert violations(opened(place, scheme, bypass_csp=True)) == [], place


def test_the_page_is_accessible_with_a_mistake_and_with_its_dialogs(
    author: Author, opened: Callable[..., Page]
) -> None:
    page = opened("", "light", bypass_csp=True)
    author.issue(EVENING + "\n{{ subscriber.frist_name }}\n", head=HEAD)
    page.locator(".problem").wait_for()
    assert violations(page) == []
    for key in ("?", "/", "e"):
        page.keyboard.press(key)
        assert violations(page) == [], key
        page.keyboard.press("Escape")


def test_on_a_telephone_the_mail_is_there_alone_and_follows_each_save(author: Author, browser: Browser) -> None:
    with previewed(author, lan=True) as preview:
        context = browser.new_context(viewport={"width": 390, "height": 800})
        page = context.new_page()
        page.goto(re.sub(r"//[^:]+:", "//127.0.0.1:", preview.phone))
        inside = page.frame_locator("iframe:not(.coming)")
        inside.get_by_text("It was a long evening").wait_for()
        author.issue("Good night.\n", head=HEAD)
        inside.get_by_text("Good night.").wait_for()
        context.close()


def test_the_documentation_shows_the_page_as_it_is(
    author: Author, opened: Callable[..., Page], request: pytest.FixtureRequest
) -> None:
    from io import BytesIO

    from PIL import Image

    page = opened("?mark=12:24")
    page.wait_for_timeout(400)  # until it has scrolled there
    taken = small(page.screenshot(), 64)
    if request.config.getoption("--pictures"):
        PICTURE.write_bytes(taken)
    with Image.open(PICTURE) as kept, Image.open(BytesIO(taken)) as now:
        assert kept.size == now.size
        assert kept.convert("RGB").getpixel((4, 4)) == pytest.approx(now.convert("RGB").getpixel((4, 4)), abs=6)
