"""The web form of an issue: the mail's blocks and theme as a page, for nobody in particular."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import html5lib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.errors import IssueError
from newsletter.render.web import WebForm
from newsletter.sources.themes import shipped_templates, theme_names
from tests.support.archived import FRENCH, Archived
from tests.support.harmless import PIECES, harmless

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def archived(tmp_path: Path) -> Iterator[Archived]:
    with Archived(tmp_path) as made:
        yield made


def words_of(form: WebForm) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", form.feed).split())


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Hello {{ subscriber.first_name }}!", "Hello!"),
        ("Hello {{ subscriber.first_name | default('you') }}!", "Hello you!"),
        ("Bonjour {{ subscriber.first_name }} !", "Bonjour\u202f!"),
        ("{{ subscriber.first_name }}, here is the letter.", "Here is the letter."),
        ("**{{ subscriber.first_name }}**, here is the letter.", "<strong></strong>Here is the letter."),
        ("Dear {{ subscriber.first_name }} of Nantes.", "Dear of Nantes."),
        ("Dear **{{ subscriber.first_name }}**, hello.", "Dear<strong></strong>, hello."),
        ("Dear reader ({{ subscriber.email }}), hello.", "Dear reader, hello."),
        ("You are {{ subscriber.first_name }} {{ subscriber.last_name }}.", "You are."),
        ("{% if subscriber.first_name %}A{% else %}B{% endif %}", "B"),
        ("{% if subscriber.first_name %}A{% elif subscriber.fields.city == 'Nantes' %}B{% endif %}C", "C"),
        ("{% if subscriber.fields.age | int > 3 %}A{% else %}B{% endif %}", "B"),
        ("{% if subscriber.language == 'fr' %}A{% else %}B{% endif %}", "A"),
        ("{% if unsubscribe_url %}A{% else %}B{% endif %}", "B"),
        ("{{ subscriber.first_name | upper }} and {{ issue.title }}", "And T"),
        ("[go]({{ unsubscribe_url }})", "go"),
        ("[go](https://example.org/?who={{ subscriber.email }})", '<a href="https://example.org/?who=">go</a>'),
        ("[go]({{ archive_url }})", '<a href="../hello/">go</a>'),
        ("[go](https://lettres.example.org/archive/other)", '<a href="../other/">go</a>'),
        ("[go](/about)", '<a href="https://lettres.example.org/about">go</a>'),
        ("`{{ subscriber.first_name }}`", "<code>{{ subscriber.first_name }}</code>"),
    ],
)
def test_it_is_readable_for_somebody_of_whom_nothing_is_known(archived: Archived, written: str, shown: str) -> None:
    language = "fr" if "Bonjour" in written or "'fr'" in written else "en"
    form = archived.form(f"---\ntitle: T\nlang: {language}\n---\n{written}")
    assert form.feed.removeprefix("<p>").removesuffix("</p>") == shown


def test_a_thousand_slots_without_a_value_take_no_time_that_anybody_would_notice(archived: Archived) -> None:
    form = archived.form("---\ntitle: T\nlang: en\n---\n" + "Hello {{ subscriber.first_name }}, you.\n\n" * 1000)
    assert form.feed.count("Hello, you.") == 1000


def test_web_only_regions_are_shown_and_email_only_ones_are_not(archived: Archived) -> None:
    words = words_of(archived.form(FRENCH))
    assert "pour tout le monde" in words
    assert "Répondez" not in words


def test_nothing_in_it_is_a_persons(archived: Archived) -> None:
    form = archived.form(FRENCH)
    everything = form.to_json()
    for wrong in ("unsubscribe", "/preferences/", "{{", "Vous recevez", "cid:", "\x00"):
        assert wrong not in everything.replace("Se désabonner", "")
    assert "Bonjour," in words_of(form)
    assert "va partout" in words_of(form)


@pytest.mark.parametrize("theme", theme_names(shipped_templates()))
def test_it_has_the_blocks_of_every_theme_without_a_style_attribute_and_is_well_formed(
    tmp_path: Path, theme: str
) -> None:
    with Archived(tmp_path, theme=theme) as archived:
        form = archived.form(FRENCH)
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    parser.parseFragment(form.body)
    assert " style=" not in form.body
    assert "<!--" not in form.body
    assert form.body.count("<h1") == 1
    assert "12 rue des Lilas" in form.body
    used = set(re.findall(r"\bs\d+\b", " ".join(re.findall(r'class="([^"]*)"', form.body))))
    assert used == set(re.findall(r"#_ \.(s\d+)\{", form.style))
    assert "prefers-color-scheme" in form.style
    assert "!important" in form.style
    assert "url(" not in form.style


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join))
def test_whatever_an_author_writes_nothing_of_it_runs(archived: Archived, written: str) -> None:
    try:
        form = archived.form(f"---\ntitle: T\nlang: en\n---\nText {written}\n\n{written}")
    except IssueError:  # refused, with its line: a slot that is not closed, a control character
        return
    assert harmless(form.body) == []
    assert harmless(form.feed) == []
    assert "<" not in form.style


def test_it_comes_back_from_the_store_as_it_was(archived: Archived) -> None:
    form = archived.form(FRENCH)
    again = WebForm.from_json(form.to_json())
    assert again == form
    assert again.fingerprint == form.fingerprint


def test_the_same_issue_gives_the_same_form(archived: Archived) -> None:
    assert archived.form(FRENCH).to_json() == archived.form(FRENCH).to_json()


def test_images_of_the_mail_and_calendars_lie_beside_the_pages_and_others_are_named(archived: Archived) -> None:
    form = archived.form(FRENCH)
    assert len(form.files) == 2
    assert re.search(r'<img [^>]*src="\.\./-/files/[0-9a-f]{32}\.png"', form.body)
    assert re.search(r'href="\.\./-/files/[0-9a-f]{32}\.ics"', form.body)
    assert form.origins == ()
    assert (form.image[:12], form.image_alt) == ("../-/files/", "Des enveloppes") or form.image.startswith(
        "../-/files/"
    )


def test_a_feed_carries_the_text_without_the_layout(archived: Archived) -> None:
    feed = archived.form(
        "---\ntitle: T\nlang: en\n---\n> Said.\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n"
        "::::columns\n:::column\nLeft\n:::\n:::column\nRight\n:::\n::::"
    ).feed
    assert feed.count("<table") == 1
    assert "class=" not in feed
    assert "<blockquote><p>Said.</p></blockquote>" in feed
    assert "<p>Left</p>" in feed
    assert "rue des Lilas" not in feed


@pytest.mark.parametrize(("said", "there"), [("", True), ("archive: false\n", False), ("archive: yes\n", True)])
def test_a_mail_leads_to_the_archive_only_if_the_issue_will_be_there(
    archived: Archived, said: str, there: bool
) -> None:
    from newsletter.edition import fill
    from newsletter.links import Links, Signer
    from newsletter.render.slots import evaluator
    from newsletter.subscriber import Subscriber
    from newsletter.wiring.editions import rendered

    issue = archived.issue("hello", f"---\ntitle: T\nlang: en\n{said}---\nText.")
    edition = rendered(archived.config, issue)
    values = evaluator(edition)(
        Subscriber("zoe@example.org"), Links(Signer({1: b"x"}), "https://lettres.example.org", "hello", 1, 1)
    )
    for pattern in (edition.html, edition.text):
        assert ("/archive/hello" in fill(pattern, values)) is there
