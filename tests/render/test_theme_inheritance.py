"""Themes that go on from one another: a replaced file stays at hand below the one that replaced it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import IssueError, ThemeError
from newsletter.sources.themes import read_theme

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Any]

TEXT = "Hello.\n\n> A quote\n"
QUOTE = "blocks/quote.mjml.j2"


@pytest.fixture
def themes(tmp_path: Path) -> Callable[..., Path]:
    """themes(mine={file: text}, yours=…): an author's templates/ with these themes; `inherits` is said by name."""

    def make(**themes: dict[str, str]) -> Path:
        for name, files in themes.items():
            for file, text in files.items():
                path = tmp_path / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f'[theme]\ninherits = "{text}"\n' if file == "theme.toml" else text, "utf-8")
        return tmp_path

    return make


def test_a_style_goes_on_from_the_one_that_it_replaces(edition: Make, read: Make, themes: Make) -> None:
    style = '{% include "inherited/style.css.j2" %}\n.prose blockquote { color: #123456; }'
    own = themes(mine={"theme.toml": "letter", "style.css.j2": style})
    html = read(edition(TEXT, theme=read_theme("mine", own))).html
    assert "color: #123456" in html
    assert html.count("line-height: 1.2") >= 1


def test_a_layout_changes_one_part_of_the_one_that_it_extends(edition: Make, read: Make, themes: Make) -> None:
    layout = (
        '{% extends "inherited/layout.mjml.j2" %}\n{% block footer %}\n'
        "<mj-section><mj-column><mj-text>The end</mj-text></mj-column></mj-section>\n{% endblock %}\n"
    )
    own = themes(mine={"theme.toml": "letter", "layout.mjml.j2": layout})
    html = read(edition(TEXT, theme=read_theme("mine", own))).html
    assert "The end" in html
    assert "Unsubscribe" not in html
    assert "<h1" in html


def test_three_themes_go_on_from_one_another(edition: Make, read: Make, themes: Make) -> None:
    own = themes(
        child={"theme.toml": "parent", QUOTE: '<i>3{% include "inherited/blocks/quote.mjml.j2" %}</i>'},
        parent={"theme.toml": "letter", QUOTE: '<i>2{% include "inherited/blocks/quote.mjml.j2" %}</i>'},
    )
    body = read(edition(TEXT, theme=read_theme("child", own))).body
    assert body.index("<i>3") < body.index("<i>2") < body.index("<blockquote") < body.index("</i></i>")


def test_a_theme_between_that_replaces_nothing_is_passed_over(edition: Make, read: Make, themes: Make) -> None:
    own = themes(
        child={"theme.toml": "parent", QUOTE: '<i>3{% include "inherited/blocks/quote.mjml.j2" %}</i>'},
        parent={"theme.toml": "letter"},
    )
    assert read(edition(TEXT, theme=read_theme("child", own))).body.count("<blockquote") == 1


def test_an_own_letter_goes_on_from_the_shipped_one(edition: Make, read: Make, themes: Make) -> None:
    own = themes(
        letter={"theme.toml": "letter", QUOTE: '<i>{% include "inherited/blocks/quote.mjml.j2" %}</i>'},
        mine={"theme.toml": "letter", QUOTE: '<b>{% include "inherited/blocks/quote.mjml.j2" %}</b>'},
    )
    body = read(edition(TEXT, theme=read_theme("mine", own))).body
    assert body.index("<b>") < body.index("<i>") < body.index("<blockquote")


def test_a_block_that_goes_on_from_an_mjml_element_stands_in_the_column(
    edition: Make, read: Make, themes: Make
) -> None:
    own = themes(
        parent={"theme.toml": "letter", QUOTE: "<mj-text>Q {{ content }}</mj-text>"},
        child={"theme.toml": "parent", QUOTE: '{% include "inherited/blocks/quote.mjml.j2" %}'},
    )
    html = read(edition(TEXT, theme=read_theme("child", own))).html
    assert "mj-text" not in html
    assert html.index("Hello.") < html.index("Q <p")


def test_to_go_on_from_what_nobody_has_is_told_with_file_and_line(edition: Make, themes: Make) -> None:
    own = themes(mine={"theme.toml": "letter", QUOTE: '\n{% include "inherited/blocks/qoute.mjml.j2" %}'})
    with pytest.raises(ThemeError) as caught:
        edition(TEXT, theme=read_theme("mine", own))
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == (str(own / "mine" / QUOTE), 2)
    assert problem.fix == "did you mean 'inherited/blocks/quote.mjml.j2'?"


def test_a_mistake_in_an_inherited_file_is_told_with_its_own_path(edition: Make, themes: Make) -> None:
    own = themes(
        parent={"theme.toml": "letter", QUOTE: "a\n{{ contents }}"},
        child={"theme.toml": "parent", QUOTE: '<i>{% include "inherited/blocks/quote.mjml.j2" %}</i>'},
    )
    with pytest.raises(ThemeError) as caught:
        edition(TEXT, theme=read_theme("child", own))
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == (str(own / "parent" / QUOTE), 2)


def test_an_empty_style_takes_nothing_with_it(edition: Make, read: Make, themes: Make) -> None:
    layout = (
        read_theme("letter").files["layout.mjml.j2"].replace("<mj-style>", '<mj-style inline="inline" /><mj-style>')
    )
    own = themes(mine={"theme.toml": "letter", "layout.mjml.j2": layout})
    assert read(edition(TEXT, theme=read_theme("mine", own))).html == read(edition(TEXT)).html


def test_a_mistake_deep_inside_is_told_at_once(edition: Make, themes: Make) -> None:
    own = themes(mine={"theme.toml": "letter", "blocks/callout.mjml.j2": "<mj-text>{{ elements }}</mj-text>"})
    deep = [f"{':' * (30 - depth)}callout" for depth in range(18)]
    ends = [line.removesuffix("callout") for line in reversed(deep)]
    text = "\n".join([*deep, ":::hero", "![a](a.png)", "", "b", ":::", *ends])
    theme, steps = read_theme("mine", own), 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        with pytest.raises(IssueError, match="cannot stand inside a 'callout'"):
            edition(text, theme=theme)
    finally:
        sys.setprofile(before)
    assert steps < 1_000_000
