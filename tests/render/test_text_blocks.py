"""The blocks of text: what each becomes, in HTML and in plain text, and by which form of Markdown it is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import IssueError
from newsletter.render.listing import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("markdown", "words", "by"),
    [
        ("> Words.\n>\n> — Ana Lima", "Words.", "Ana Lima"),
        ("> Words.\n> — Ana *Lima*", "Words.", "Ana <em>Lima</em>"),
        ("> Words.\n> -- Ana", "Words.", "Ana"),
        ("> Words.  \n> – Ana", "Words.", "Ana"),
        (":::pullquote\nWords.\n— Ana\n:::", "Words.", "Ana"),
    ],
)
def test_a_last_line_behind_a_dash_says_who_said_it(mail: Make, markdown: str, words: str, by: str) -> None:
    got = mail(markdown)
    assert f"<blockquote><p>{words}</p></blockquote>" in got.body
    assert f'<p class="by">— {by}</p>' in got.body
    assert got.words == f"> {words}\n> — {by.replace('<em>', '_').replace('</em>', '_')}"


@pytest.mark.parametrize("markdown", ["> — only this", "> a — b", "> a\n> b — c", "> - a\n> - b"])
def test_other_dashes_in_a_quote_are_its_own(mail: Make, markdown: str) -> None:
    assert 'class="by"' not in mail(markdown).body


@pytest.mark.parametrize("start", ["P.S.", "PS:", "P.S. :", "P.-S.", "P.P.S.", "PS –"])
def test_a_paragraph_that_begins_with_ps_opens_the_postscript(mail: Make, start: str) -> None:
    got = mail(f"a\n\n{start} b\n\nc\n\n---\n\nd")
    assert re.search(r'<p>a</p><div class="postscript"><p>.*b</p><p>c</p></div><p class="rule"', got.body)
    assert got.words.endswith("b\n\nc\n\n* * *\n\nd")


@pytest.mark.parametrize("text", ["PSG plays", "Ps. 23", "P. Smith", "PS5 is out"])
def test_other_letters_open_none(mail: Make, text: str) -> None:
    assert "postscript" not in mail(text).body


@pytest.mark.parametrize(
    "markdown",
    [
        "- Born: 1980\n- Lives in: *Nantes*",
        "Born: 1980\nLives in: *Nantes*",
        "Born\n: 1980\n\nLives in\n: *Nantes*",
        "Born : 1980\n\nLives in : *Nantes*",
        ":::fact[Born]\n1980\n:::\n- Lives in: *Nantes*",
    ],
)
def test_facts_are_written_in_many_ways(mail: Make, markdown: str) -> None:
    got = mail(f"::::facts[Ana]\n{markdown}\n::::")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td></tr>', got.body)
    assert [(term, value.removeprefix("<p>").removesuffix("</p>")) for term, value in rows] == [
        ("Born", "1980"),
        ("Lives in", "<em>Nantes</em>"),
    ]
    assert got.words == "Ana\n---\nBorn: 1980\nLives in: _Nantes_"


@pytest.mark.parametrize("term", ["**Born**: 1980", "**Born:** 1980", "*Born :* 1980", "**Born** : 1980"])
def test_the_term_of_a_fact_may_be_emphasised(mail: Make, term: str) -> None:
    body = mail(f":::facts\n- {term}\n:::", "lang: fr").body
    assert re.search(r'<th scope="row"><(strong|em)>Born</\1></th><td>1980</td>', body)


def test_a_value_holds_colons_and_links(mail: Make) -> None:
    got = mail(":::facts\n- Site: <https://example.org:8000/>\n- At: 10:30: sharp\n:::")
    assert got.words == "Site: https://example.org:8000/\nAt: 10:30: sharp"


@pytest.mark.parametrize("markdown", ["- no fact", "> quoted", "{% if subscriber.name %}\n- A: b\n{% endif %}"])
def test_what_is_no_fact_is_refused(edition: Make, markdown: str) -> None:
    with pytest.raises(IssueError, match=r"hello\.md:6: this is no fact"):
        edition(f":::facts\n{markdown}\n:::")


def test_a_question_says_who_asks_and_who_answers(mail: Make) -> None:
    got = mail(':::question[Why *now*?]{by="La lettre" to=Ana}\nBecause.\n\nReally.\n:::', "lang: fr")
    assert got.words == "La lettre\u202f: *Why _now_\u202f?*\n\nAna\u202f: Because.\n\nReally."
    assert re.search(r'<p class="who">La lettre</p><p class="ask">Why <em>now</em>.\?</p>', got.body)


def test_code_is_coloured_by_day_and_by_night(mail: Make) -> None:
    got = mail("```python\nx = '{{ a }} <b>'  # {% c %}\n```")
    assert """x = <span class="st">'{{ a }} &lt;b&gt;'</span>  <span class="co"># {% c %}</span>""" in got.body
    assert got.html.count(".listing .st{color:") == 2
    assert "     x = '{{ a }} <b>'  # {% c %}" in got.text


@pytest.mark.parametrize("language", ["", "nolanguage", "text"])
def test_code_in_no_known_language_has_no_colours(mail: Make, language: str) -> None:
    assert "<code>if x:\n</code>" in mail(f"```{language}\nif x:\n```").body


def test_code_that_is_very_long_has_no_colours(mail: Make) -> None:
    assert "<span" not in mail(f"```python\n{'if x: pass  # c' * (LONGEST // 10)}\n```").body


def test_a_table_tells_its_heads_from_its_cells(mail: Make) -> None:
    body = mail('{caption="Readers"}\n|   | May | June |\n|---|----:|:----:|\n| A | 1 | 2 |').body
    assert "<caption>Readers</caption>" in body
    assert '<th class="right" scope="col">May</th><th class="center" scope="col">June</th>' in body
    assert '<th scope="row">A</th><td class="right">1</td><td class="center">2</td>' in body


def test_a_wide_table_names_the_columns_in_each_cell_for_small_screens(mail: Make) -> None:
    wide = mail("| Communication | Representation | Organisation |\n|---|---|---|\n| a | b | c |")
    assert '<td><span class="column">Representation: </span>b</td>' in wide.body
    assert re.search(r'<span class="column" style="display: none;', wide.html)
    assert "Representation: " not in wide.text
    assert "stacked" not in mail("| A | B | C |\n|---|---|---|\n| a | b | c |").html


def test_the_shared_line_carries_the_title_and_the_address_of_the_page(mail: Make) -> None:
    got = mail("::share", "title: R&D, à la carte")
    address = (
        "mailto:?subject=R%26D%2C%20%C3%A0%20la%20carte&amp;body=https%3A%2F%2Flettre.example.org%2Farchive%2Fhello"
    )
    assert f'<a href="{address}">' in got.body
    assert got.words.endswith("<https://lettre.example.org/archive/hello>")


def test_a_reader_to_whom_it_was_forwarded_is_told_where_to_subscribe(mail: Make) -> None:
    assert '<a href="https://lettre.example.org/subscribe">' in mail("::subscribe").body
    got = mail("::subscribe[You, there?]{href=https://example.org/in}")
    assert got.words == "You, there?\nGet the next one yourself: https://example.org/in"


def test_what_is_for_the_web_alone_is_not_in_the_mail(mail: Make) -> None:
    got = mail(":::web-only\na\n\n## A\n:::\n\n:::email-only\n## B\n:::\n\n:::note\n:::web-only\nc\n:::\n:::\n\nd")
    assert got.words == "B\n-\n\nd"
    assert got.body == '<h2 id="b">B</h2><p>d</p>'


def test_the_form_for_the_web_has_what_is_for_the_web_alone() -> None:
    from newsletter.issue import parse_issue
    from newsletter.render.pipeline import Rendering
    from newsletter.sources.themes import read_theme
    from tests.render.conftest import SITE, read_as

    issue = parse_issue("# T\n\n:::web-only\na\n:::\n:::email-only\nb\n:::\n", "a.md")
    assert read_as(Rendering(issue, read_theme("letter"), SITE, form="web").edition()).words == "a"


def test_space_is_for_the_eye_alone(mail: Make) -> None:
    assert mail("a\n\n::spacer{height=40}\n\nb").words == "a\n\nb"


def test_the_arrow_before_a_button_points_where_the_text_goes(mail: Make) -> None:
    text = "**[عربي](https://example.org/a)**\n\n:::buttons\n**[عربي](https://example.org/a)**\n:::"
    assert mail(text, "lang: ar").words.count("← عربي") == 2
    assert mail(text).words.count("→ عربي") == 2
