"""What an issue's Markdown has beside CommonMark: tables, tasks, footnotes, definitions, attributes, emoji, anchors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import IssueError
from newsletter.render.emoji import emoji, names

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

# Markdown, the HTML of it, the plain text of it.
FORMS = [
    ("~~gone~~", "<p><s>gone</s></p>", "~gone~"),
    (
        "https://example.org/a",
        '<p><a href="https://example.org/a">https://example.org/a</a></p>',
        "https://example.org/a",
    ),
    ("www.example.org", '<p><a href="https://www.example.org">www.example.org</a></p>', "www.example.org"),
    ("me@example.org", '<p><a href="mailto:me@example.org">me@example.org</a></p>', "me@example.org"),
    (
        "- [ ] open\n- [x] done\n- [X] done, too",
        (
            '<ul class="tasks">\n<li><span class="box">☐</span> open</li>\n<li><span class="box">☑</span> done</li>\n'
            '<li><span class="box">☑</span> done, too</li>\n</ul>'
        ),
        "- [ ] open\n- [x] done\n- [x] done, too",
    ),
    (
        "- [x] task\n- [] none",
        '<ul>\n<li><span class="box">☑</span> task</li>\n<li>[] none</li>\n</ul>',
        "- [x] task\n- [] none",
    ),
    (
        "Term\n: One *meaning*\n\nOther\n: A\n: B",
        "<dl>\n<dt>Term</dt>\n<dd>One <em>meaning</em></dd>\n<dt>Other</dt>\n<dd>A</dd>\n<dd>B</dd>\n</dl>",
        "Term\n   One _meaning_\n\nOther\n   A\n   B",
    ),
    ("`a`{.key}", '<p><code class="key">a</code></p>', "a"),
    ("[a](https://example.org/){.big}", '<p><a class="big" href="https://example.org/">a</a></p>', None),
    ("{.lead lang=fr}\nBonjour", '<p class="lead" lang="fr">Bonjour</p>', "Bonjour"),
    ("{.big}\n- a", '<ul class="big">\n<li>a</li>\n</ul>', "- a"),
    ("## A *b* {#here .big}", '<h2 class="big" id="here">A <em>b</em></h2>', "A _b_\n-----"),
    ("## Été à Nantes !", '<h2 id="ete-a-nantes">Été à Nantes !</h2>', "Été à Nantes !\n--------------"),
    ("## A set {1, 2}", '<h2 id="a-set-1-2">A set {1, 2}</h2>', "A set {1, 2}\n------------"),
    ("## !", '<h2 id="part">!</h2>', "!\n-"),
    ("Hooray :tada::heart: :octopus:", "<p>Hooray 🎉❤️ 🐙</p>", "Hooray 🎉❤️ 🐙"),
    ("at 10:30:15, a :nothing: b:tada:", "<p>at 10:30:15, a :nothing: b:tada:</p>", "at 10:30:15, a :nothing: b:tada:"),
    ("`:tada:`", "<p><code>:tada:</code></p>", ":tada:"),
]


@pytest.mark.parametrize(("markdown", "html", "text"), FORMS)
def test_each_addition_has_its_html_and_its_text(mail: Make, markdown: str, html: str, text: str | None) -> None:
    got = mail(markdown)
    assert got.body == html
    assert text is None or got.words == text


def test_footnotes_are_numbered_as_they_are_read_and_stand_at_the_end(mail: Make) -> None:
    got = mail("A[^b] and^[an *inline* one] and[^b].\n\n[^a]: First written.\n[^b]: Read first[^a].\n\nEnd.")
    assert got.words == ("A[1] and[2] and[1].\n\nEnd.\n\n[1] Read first[3].\n[2] an _inline_ one\n[3] First written.")
    assert 'A<sup class="mark">[1]</sup>' in got.body
    rows = re.findall(r'<td class="number">(.*?)</td><td><p>(.*?)</p></td>', got.body)
    assert rows == [
        ("[1]", 'Read first<sup class="mark">[3]</sup>.'),
        ("[2]", "an <em>inline</em> one"),
        ("[3]", "First written."),
    ]


def test_a_footnote_holds_blocks_and_slots(mail: Make) -> None:
    got = mail("A[^1].\n\n[^1]: For {{ subscriber.first_name }}:\n\n    - one\n    - two")
    assert got.words.endswith("[1] For Zoé:\n\n     - one\n     - two")


def test_headings_of_the_same_words_have_anchors_of_their_own(mail: Make) -> None:
    got = mail("## A\n\n## A\n\n## A {#a-2}\n\n## A\n\n## {{ subscriber.first_name }}, hello")
    assert re.findall(r'<h2 id="(.*?)"', got.body) == ["a", "a-2", "a-2", "a-3", "hello"]


MISTAKES = [
    ("a[^nto]\n\n[^not]: b[^not]", 5, "there is no footnote [^nto]", "did you mean 'not'?"),
    ("a\nb[^x]", 6, "there is no footnote [^x]", "[^x]: and the note"),
    ("a\n\n[^x]: b", 7, "nothing refers to the footnote [^x]", "take the note away"),
    ("a[^x]\n\n[^x]: b\n\n[^x]: c", 9, "two footnotes [^x], on lines 7 and 9", "another name"),
]


@pytest.mark.parametrize(("markdown", "line", "message", "fix"), MISTAKES)
def test_a_footnote_that_would_lose_text_is_refused(
    edition: Make, markdown: str, line: int, message: str, fix: str
) -> None:
    with pytest.raises(IssueError) as caught:
        edition(markdown)
    (problem,) = caught.value.problems
    assert problem.place == f"issues/hello.md:{line}"
    assert message in problem.message
    assert fix in (problem.fix or "")


@pytest.mark.parametrize("text", [r"\[^x]", "a [^x](https://example.org/)", "[^]", "[^a b]"])
def test_what_only_looks_like_a_footnote_is_text(mail: Make, text: str) -> None:
    assert "^" in mail(text).words


def test_every_short_name_is_one_word_and_one_symbol() -> None:
    assert len(names()) > 400
    assert all(re.fullmatch(r"[a-z0-9_+-]+", name) and not symbol.isascii() for name, symbol in names().items())
    assert [emoji(name) for name in ("degree_sign", "latin_small_letter_a", "30")] == [None, None, None]
    assert emoji("black_scissors") == "✂\ufe0f", "asks for the picture where a sign of text is the default"
