"""Themes: found, inherited, and when one is broken, told with the template's file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import Environment

from newsletter.errors import ThemeError
from newsletter.render import render_mjml
from newsletter.render.catalogue import CATALOGUE
from newsletter.sources.themes import read_theme, shipped_templates, theme_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Any]

SHIPPED = sorted(path.parent.name for path in shipped_templates().glob("*/theme.toml"))
TEXT = "Hello.\n\n> A quote\n\n**[Go](https://example.org)**\n"


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_j2", ".mjml.j2")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """An author's templates/, with a theme that inherits and changes one block and one colour."""
    folder = tmp_path / "templates" / "mine"
    folder.mkdir(parents=True)
    (folder / "theme.toml").write_text('[theme]\ninherits = "letter"\n[light]\naccent = "#005f73"\n', "utf-8")
    (folder / "blocks").mkdir()
    (folder / "blocks" / "quote.mjml.j2").write_text('<blockquote class="mine">{{ content }}</blockquote>', "utf-8")
    return tmp_path / "templates"


def test_the_letter_ships() -> None:
    assert "letter" in SHIPPED


def test_a_theme_takes_from_its_parent_what_it_does_not_say(edition: Make, read: Make, own: Path) -> None:
    html = read(edition(TEXT, theme=read_theme("mine", own))).html
    assert '<blockquote class="mine"' in html
    assert "#005f73" in html
    assert "Unsubscribe" in html


def test_after_a_save_of_one_file_that_one_alone_is_compiled(
    edition: Make, read: Make, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition(TEXT, theme=read_theme("mine", own))
    compiled: list[str | None] = []
    whole = Environment.compile

    def noted(self: Environment, source: Any, name: str | None = None, *rest: Any) -> Any:
        compiled.append(name)
        return whole(self, source, name, *rest)

    monkeypatch.setattr(Environment, "compile", noted)
    (own / "mine" / "blocks" / "quote.mjml.j2").write_text(
        '<blockquote class="new">{{ content }}</blockquote>', "utf-8"
    )
    assert '<blockquote class="new"' in read(edition(TEXT, theme=read_theme("mine", own))).html
    assert [name for name in compiled if name] == ["blocks/quote.mjml.j2"]


def test_an_own_theme_may_change_the_shipped_one_of_its_name(own: Path) -> None:
    (own / "mine").rename(own / "letter")
    theme = read_theme("letter", own)
    assert theme.tokens["light"]["accent"] == "#005f73"
    assert "layout.mjml.j2" in theme.files


def test_own_themes_are_listed_with_the_shipped_ones(own: Path) -> None:
    assert theme_names(own, shipped_templates()) == tuple(sorted({*SHIPPED, "mine"}))


def test_an_unknown_theme_is_told_with_the_nearest_one(own: Path) -> None:
    with pytest.raises(ThemeError) as caught:
        read_theme("leter", own)
    assert caught.value.problems[0].fix == "did you mean 'letter'?"


def test_a_theme_cannot_inherit_from_itself(own: Path) -> None:
    for name, parent in (("mine", "yours"), ("yours", "mine")):
        (own / name).mkdir(exist_ok=True)
        (own / name / "theme.toml").write_text(f'[theme]\ninherits = "{parent}"\n', "utf-8")
    with pytest.raises(ThemeError, match="inherits from itself: mine → yours → mine"):
        read_theme("mine", own)


def test_a_parent_that_does_not_exist_is_told_with_the_file_that_names_it(own: Path) -> None:
    (own / "mine" / "theme.toml").write_text('[theme]\ninherits = "lettre"\n', "utf-8")
    with pytest.raises(ThemeError) as caught:
        read_theme("mine", own)
    (problem,) = caught.value.problems
    assert problem.path is not None
    assert problem.path.endswith("theme.toml")
    assert problem.fix == "did you mean 'letter'?"


def test_tokens_that_are_no_toml_are_told_with_their_line(own: Path) -> None:
    (own / "mine" / "theme.toml").write_text("[theme]\ninherits = \n", "utf-8")
    with pytest.raises(ThemeError, match=r"theme\.toml:2:12: "):
        read_theme("mine", own)


# file of the theme, its text, the line that is told, a part of the message
BROKEN = [
    ("blocks/quote.mjml.j2", "<blockquote>\n{{ content }\n</blockquote>", 2, "unexpected '}'"),
    ("blocks/quote.mjml.j2", "<blockquote>\n{% if content %}\n", 2, "Unexpected end of template"),
    ("blocks/quote.mjml.j2", "<blockquote>\n{{ contents }}\n</blockquote>", 2, "'contents' is undefined"),
    ("blocks/quote.mjml.j2", "a\nb\n{{ theme.light.acent }}", 3, "acent"),
    ("blocks/quote.mjml.j2", "a\n{{ 1 / 0 }}", 2, "division by zero"),
    ("blocks/quote.mjml.j2", "a\n{% include 'blocks/qoute.mjml.j2' %}", 2, "no file blocks/qoute.mjml.j2"),
    ("blocks/quote.mjml.j2", "{{ ''.__class__.__mro__ }}", 1, "unsafe"),
    ("blocks/quote.mjml.j2", "<mj-section>\n<mj-column>\n</mj-section>", 3, "mismatched tag"),
    ("blocks/quote.mjml.j2", "<mj-text>\n<b title=x>{{ content }}</b></mj-text>", 2, "not well-formed"),
    ("blocks/prose.mjml.j2", "<mj-section>\n<mj-column>{{ content }}\n</mj-section>", 3, "mismatched tag"),
    ("blocks/quote.mjml.j2", "<div>\n<b>{{ content }}\n</div>", 2, "leaves <b> open"),
    ("blocks/paragraph.mjml.j2", "<p>\n{{ content }}</b></p>", 2, "closes a <b> that is not open"),
    ("blocks/paragraph.mjml.j2", "<p>{{ content }}</p>\n<mj-text>x</mj-text>", 2, "no <mj-text> can stand"),
    ("layout.mjml.j2", "<mjml>\n<mj-body>\n{{ body }}\n</mj-bdy>\n</mjml>", 4, "mismatched tag"),
    ("layout.mjml.j2", "<mjml>\n<mj-body>\n{{ bdy }}\n</mj-body>\n</mjml>", 3, "'bdy' is undefined"),
    ("style.css.j2", "a { color: {{ theme.light.nope }} }", 1, "nope"),
    ("text.j2", "{{ body }}\n{{ say('whay') }}", 2, "whay"),
]


@pytest.mark.parametrize(("file", "text", "line", "message"), BROKEN)
def test_a_broken_template_is_told_with_its_file_and_line(
    edition: Make, own: Path, file: str, text: str, line: int, message: str
) -> None:
    (own / "mine" / file).write_text(text, "utf-8")
    with pytest.raises(ThemeError) as caught:
        edition(TEXT, theme=read_theme("mine", own))
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == (str(own / "mine" / file), line)
    assert message in problem.message


def test_layout_blocks_stand_across_the_page_and_text_goes_on_below(edition: Make, read: Make, own: Path) -> None:
    (own / "mine" / "blocks" / "quote.mjml.j2").write_text(
        '<mj-section css-class="wide"><mj-column><mj-text>{{ content }}</mj-text></mj-column></mj-section>', "utf-8"
    )
    html = read(edition("Before\n\n> quoted & \u202fsaid\n\nAfter", theme=read_theme("mine", own))).html
    assert (
        html.index("Before") < html.index('class="wide"') < html.index("quoted &amp; \u202fsaid") < html.index("After")
    )


def test_a_condition_around_a_layout_block_leaves_no_trace_when_it_is_false(
    edition: Make, read: Make, own: Path, nobody: Any
) -> None:
    (own / "mine" / "blocks" / "quote.mjml.j2").write_text(
        '<mj-section css-class="wide"><mj-column><mj-text>{{ content }}</mj-text></mj-column></mj-section>', "utf-8"
    )
    made = edition(
        "A\n\n{% if subscriber.first_name %}\nB\n\n> C\n{% else %}\nD\n{% endif %}\n\nE", theme=read_theme("mine", own)
    )
    assert 'class="wide"' in read(made).html
    html = read(made, nobody).html
    assert 'class="wide"' not in html
    assert html.count("<table") == html.count("</table>")
    assert html.index(">A<") < html.index(">D<") < html.index(">E<")


def test_a_layout_block_inside_a_list_is_refused_with_its_line(edition: Make, own: Path) -> None:
    (own / "mine" / "blocks" / "quote.mjml.j2").write_text("<mj-section></mj-section>", "utf-8")
    with pytest.raises(Exception, match=r"issues/hello.md:7: .*'quote' cannot stand inside"):
        edition("a\n\n- > quote", theme=read_theme("mine", own))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_theme_shows_its_mjml(name: str) -> None:
    from newsletter.issue import parse_issue
    from newsletter.render import Site

    text = render_mjml(
        parse_issue("# T\n\nHi {{ subscriber.email }} & co.", "a.md"), read_theme(name), Site("La lettre")
    )
    assert text.startswith("<mjml")
    assert "Hi {{ subscriber.email }} &amp; co." in text


def test_the_readme_names_every_block_and_everything_that_templates_receive(letter: Any) -> None:
    from newsletter.issue import parse_issue
    from newsletter.render import Site
    from newsletter.render.pipeline import Rendering

    readme = (shipped_templates() / "README.md").read_text("utf-8")
    blocks = {path.removeprefix("blocks/").split(".")[0] for path in letter.files if path.startswith("blocks/")}
    received = Rendering(parse_issue("# T\n", "a.md"), letter, Site("N"))._variables
    for name in (*blocks - set(CATALOGUE), *received, *received["newsletter"]):
        assert f"`{name}" in readme or f".{name}`" in readme, f"templates/README.md does not name {name}"
