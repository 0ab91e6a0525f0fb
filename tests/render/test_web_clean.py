"""What a browser may show of an issue: nothing in it runs, sends, embeds or reaches out, whatever was written."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.render.web_clean import TAGS, cleaned, readable
from newsletter.render.web_style import Classes, declarations, sheet
from tests.support.harmless import PIECES, harmless
from tests.support.vectors import VECTORS

BASE, ARCHIVE = "https://letter.example.org", "https://letter.example.org/archive"


class Tags(HTMLParser):
    """A third reading, which is none of the WHATWG's: what looks like a tag to a simple mind."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_of_a_known_attack_is_left(vector: str) -> None:
    body = cleaned(vector, BASE, ARCHIVE)
    assert harmless(body) == []
    assert harmless(readable(body)) == []
    assert harmless(Classes().moved(body)) == []
    for tag, attributes in Tags(body).found:
        assert tag in TAGS
        assert not [name for name, _ in attributes if name.startswith("on")]


@given(st.lists(PIECES | st.text(max_size=6), max_size=40).map("".join))
def test_nothing_that_can_be_written_runs_and_cleaning_again_changes_nothing(written: str) -> None:
    body = cleaned(written, BASE, ARCHIVE)
    assert harmless(body) == []
    assert harmless(Classes().moved(body)) == []
    assert harmless(readable(body)) == []
    assert cleaned(body, BASE, ARCHIVE) == body


@given(st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join))
def test_a_style_sheet_reaches_nothing_and_ends_no_element(written: str) -> None:
    css = sheet(f"<style>{written}</style><style>p{{{written}}}</style><body>")
    assert not re.search(r"<|@import|@font-face|url\s*\(|\\", css, re.IGNORECASE)
    for _, value in declarations(written):
        assert not re.search(r"[<>{}@\\]|url\s*\(", value, re.IGNORECASE)


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color: red; position: fixed; top: 0", [("color", "red")]),
        ("background: url(https://example.org/x.png)", []),
        ("background: u\\72l(x)", []),
        ("background-image: image-set('x' 1x)", []),
        ("color: red; color: blue", [("color", "blue")]),
        ("color: red !important", [("color", "red !important")]),
        ("width: expression(alert(1))", []),
        ("font-family: 'Segoe UI', \"a;b\"", [("font-family", "'Segoe UI', \"a;b\"")]),
        ("mso-hide: all; margin: 0 /* x */ 2px", [("margin", "0 2px")]),
        ("-moz-binding: x; behavior: y; z-index: 9", []),
    ],
)
def test_an_element_keeps_its_look_and_stays_in_its_place(style: str, kept: list[tuple[str, str]]) -> None:
    assert declarations(style) == kept


def test_what_is_harmless_stays_as_it_is() -> None:
    link = '<a href="https://example.org/?a=1&amp;b=2" title="x">b</a>'
    body = f'<p class="lead" lang="fr">A {link} <code>style="c"</code></p>'
    assert cleaned(body, BASE, ARCHIVE) == body


def test_equal_styles_become_one_class_and_text_that_looks_like_one_stays() -> None:
    classes = Classes()
    moved = classes.moved('<p style="color:red">style="a"</p><p class="x" style="color:red" title="style=b">y</p>')
    assert moved == '<p class="s0">style="a"</p><p class="s0 x" title="style=b">y</p>'
    assert classes.rules() == "#_ .s0{color:red}"
