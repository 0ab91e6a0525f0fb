"""The one call of the MJML compiler: what it gets wrong is mended or refused before it happens."""

from __future__ import annotations

import pytest

from newsletter.render.mjml import MAX_DEPTH, WrongMarkup, compile_mjml


def _page(inside: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column>{inside}</mj-column></mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    "text",
    ["5\u00a0€", "quoi\u202f?", "👩\u200d💻", "e\u0301", "a\\b", "a&quot;b", "soft\u00adhyphen", "\ufe0f", "日本"],
)
def test_an_attribute_comes_out_as_it_went_in(text: str) -> None:
    from html import unescape

    html = compile_mjml(_page(f'<mj-image src="a.png" alt="{text}" />'))
    alt = html.partition('alt="')[2].partition('"')[0]
    assert unescape(alt) == unescape(text)


def test_a_style_over_several_lines_stays_a_style() -> None:
    html = compile_mjml(_page('<mj-text><p style="color: red;\n  margin: 0">x</p></mj-text>'))
    assert "\\n" not in html
    assert 'style="color: red; margin: 0"' in html


def test_named_characters_are_understood() -> None:
    assert "&#160;" in compile_mjml(_page("<mj-text>a&nbsp;b</mj-text>"))


def test_nothing_is_loaded_from_strangers() -> None:
    assert "fonts.googleapis" not in compile_mjml(_page('<mj-text font-family="Roboto, sans-serif">x</mj-text>'))


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("<mjml>\n<mj-body>\n</mjml>", 3, "mismatched tag"),
        ("<mjml>\n<mj-body\n", 2, "unclosed token"),
        ("<mjml>\n1 < 2</mjml>", 2, "not well-formed"),
        ("<mjml>\n<a b=c></a></mjml>", 2, "not well-formed"),
        ("<mjml>\n&unheard;</mjml>", 2, "undefined entity"),
        ("<mjml>\n<mj-txt>a</mj-txt></mjml>", 2, "no <mj-txt>; did you mean <mj-text>"),
        ("", 1, "no element found"),
        ("<mjml>" + "<mj-wrapper>" * 5000, 1, f"nested more than {MAX_DEPTH} deep"),
    ],
)
def test_what_is_not_well_formed_is_told_with_its_place(source: str, line: int, message: str) -> None:
    with pytest.raises(WrongMarkup, match=message) as caught:
        compile_mjml(source)
    assert caught.value.line == line


def test_what_the_compiler_refuses_is_told() -> None:
    with pytest.raises(WrongMarkup):
        compile_mjml('<mjml><mj-body><mj-include path="../../etc/passwd" /></mj-body></mjml>')
