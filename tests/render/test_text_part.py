"""The text part: format=flowed, whole, and pleasant in a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import ThemeError
from newsletter.sources.themes import read_theme

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.render.theme import Theme
    from newsletter.subscriber import Subscriber

    Make = Callable[..., Any]

LONG = "Lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor invidunt ut labore"


def unflowed(text: str) -> list[str]:
    """The logical lines, as a program that knows RFC 3676 (DelSp=no) shows them."""
    out: list[str] = []
    soft, depth_before = False, 0
    for line in text.split("\n"):
        quotes = re.match(r">*", line)
        depth = len(quotes[0]) if quotes else 0
        content = line[depth:].removeprefix(" ")
        if soft and depth == depth_before:
            out[-1] += content
        else:
            out.append(">" * depth + content)
        soft, depth_before = content.endswith(" ") and content != "-- ", depth
    return out


def test_a_paragraph_is_wrapped_and_flows_again(mail: Make) -> None:
    got = mail(LONG)
    assert all(len(line) <= 72 for line in got.words.split("\n"))
    assert LONG in unflowed(got.text)


def test_a_quote_flows_at_its_depth(mail: Make) -> None:
    got = mail(f"> {LONG}\n>\n> > {LONG}")
    assert f">{LONG}" in unflowed(got.text)
    assert f">>{LONG}" in unflowed(got.text)


@pytest.mark.parametrize("start", ["From me to you", "&gt; no quote", "\\> no quote"])
def test_a_line_that_could_be_misread_is_stuffed(mail: Make, start: str) -> None:
    got = mail(f"a\\\n{start}")
    shown = start.replace("&gt;", ">").replace("\\>", ">")
    assert f"\n {shown}" in got.text
    assert shown in unflowed(got.text)


def test_the_signature_is_kept_and_nothing_in_the_issue_looks_like_one(mail: Make) -> None:
    got = mail("a\n\n--\\\nb\n\n    -- \n    c")
    assert got.text.count("\n-- \n") == 1


@pytest.mark.parametrize("before", ["", "> ", "a word " * 8 + "that ends the line "])
def test_two_dashes_before_a_long_word_do_not_begin_a_signature(mail: Make, before: str) -> None:
    address = f"https://example.org/{'x' * 80}"
    got = mail(f"{before}`--` {address}")
    assert got.text.split("\n").count("-- ") == 1
    assert f"-- {address}" in "\n".join(unflowed(got.text))


def test_an_address_is_never_broken(mail: Make) -> None:
    url = "https://example.org/" + "a-very-long-path/" * 8
    got = mail(f"Some words before it, so that it does not fit, [label]({url}) and after.")
    assert f"<{url}>" in got.text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# One\n\n# Two", "One\n---\n\nTwo\n---"),
        ("[label](https://example.org/)", "label <https://example.org/>"),
        ("<https://example.org/>", "https://example.org/"),
        ("[https://example.org/](https://example.org/)", "https://example.org/"),
        ("[write](mailto:me@example.org)", "write <me@example.org>"),
        ("[nowhere]()", "nowhere"),
        ("[below](#notes)", "below"),
        ("[about](/about)", "about <https://lettre.example.org/about>"),
        ("![A cat](cat.png)", "[Image: A cat]"),
        ("![](line.png)\n\na", "a"),
        ("![A cat](cat.png 'Minou')", "[Image: A cat]\nMinou"),
        ("**[Go](https://example.org/)**", "→ Go <https://example.org/>"),
        ("1. a\n2. b", "1. a\n2. b"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- a\n- b\n  - c", "- a\n- b\n   - c"),
        ("- a\n\n- b", "- a\n\n- b"),
        ("- > q", "-\n> q"),
        ("-", "-"),
        ("a  \nb", "a\nb"),
        ("***", "* * *"),
        ("**a** _b_ ~~c~~ `d`", "*a* _b_ ~c~ d"),
        ("| a | b |\n|:--|--:|\n| 1 | 22 |", "a    b\n-   --\n1   22"),
        ("<p>One<br>two</p><p>three</p>", "One\ntwo\nthree"),
        ("<p><a href='https://example.org/'>label</a></p>", "label <https://example.org/>"),
        (
            'An <a class="x" href="https://example.org/?a=1&amp;b=2">inline</a>.',
            "An inline <https://example.org/?a=1&b=2>.",
        ),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<details><summary>More</summary>and more</details>", "More\nand more"),
        ("a[^a] b[^b]\n\n[^a]: c\n\n    d\n\n[^b]: e", "a[1] b[2]\n\n[1] c\n\n     d\n\n[2] e"),
        ("One<br>two", "One\ntwo"),
        ("&copy; &amp; &lt;b&gt;", "© & <b>"),
        ("日本語", "日本語"),
    ],
)
def test_each_block_has_its_plain_form(mail: Make, markdown: str, text: str) -> None:
    assert mail(markdown, "title: T").words == text


def test_columns_of_wide_letters_stand_below_each_other(mail: Make) -> None:
    assert mail("| a | b |\n|---|---|\n| 日本 | x |\n| e\u0301 | y |").words.split("\n")[2:] == [
        "日本   x",
        "e\u0301      y",
    ]


def test_a_table_wider_than_the_page_becomes_a_list(mail: Make) -> None:
    got = mail(f"| one | two |\n|---|---|\n| {LONG} | a |\n| b | c |")
    assert f"one: {LONG}" in unflowed(got.text)
    assert "two: a\n\none: b\ntwo: c" in got.text


def test_the_frame_names_the_newsletter_and_every_way_out(mail: Make) -> None:
    got = mail("x", "number: 3\ndate: 2026-11-21\nauthor: Ana")
    assert got.text.startswith("La lettre du jeudi\nNo.\u00a03 · November 21, 2026\n\nA title\n=======\nBy Ana\n")
    footer = got.text.partition("\n-- \n")[2]
    for said in ("/unsubscribe/", "/preferences/", "/archive/", "12 rue des Lilas\n44000 Nantes"):
        assert said in footer
    assert got.text.endswith("\n")


def test_links_have_numbers_where_a_theme_says_so(
    edition: Make, read: Make, letter: Theme, nobody: Subscriber, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    says = '[theme]\ninherits = "letter"\n[text]\nlinks = "numbered"\n'
    (tmp_path / "mine" / "theme.toml").write_text(says, "utf-8")
    numbered = read_theme("mine", tmp_path)
    text = (
        "[One](https://example.org/1) and [two](mailto:b@example.org)[^n], [one](https://example.org/1) again.\n\n"
        "{% if subscriber.first_name %}\n[For some](https://example.org/some).\n{% endif %}\n\n"
        "Hi{% if subscriber.first_name %}, [you](https://example.org/you){% endif %}: https://example.org/3, "
        "[yours](https://example.org/{{ subscriber.fields.city | default('x') }}), [here](#here).\n\n"
        "- [item](/item)\n\n**[Press](https://example.org/press)**\n\n[^n]: A note, with [more](https://example.org/4)."
    )
    got = read(edition(text, theme=numbered))
    assert "\n".join(unflowed(got.words)) == (
        "One [2] and two [3][1], one [2] again.\n\nFor some <https://example.org/some>.\n\n"
        "Hi, you <https://example.org/you>: https://example.org/3, yours [4], here.\n\n- item [5]\n\n"
        "→ Press <https://example.org/press>\n\n[1] A note, with more [6].\n\n"
        "[2] https://example.org/1\n[3] b@example.org\n[4] https://example.org/Nantes\n"
        "[5] https://lettre.example.org/item\n[6] https://example.org/4"
    )
    assert "/some" not in read(edition(text, theme=numbered), nobody).text
    assert "[2]" not in read(edition("[a](https://example.org)", theme=letter)).text
    (tmp_path / "mine" / "theme.toml").write_text(says.replace("numbered", "footnotes"), "utf-8")
    with pytest.raises(ThemeError, match=r'theme\.toml:4:.*\n.*"inline" or "numbered"'):
        read_theme("mine", tmp_path)
