"""Parsing by character gives the tokens that markdown-it gives when it tries every rule everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import IssueError
from newsletter.render.by_character import BlocksByCharacter, InlineByCharacter
from newsletter.render.holes import Holes
from newsletter.render.markdown import parser

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

PIECES = [
    "a", "word ", " ", "\n", "\n\n", "    ", "\t", "*", "**", "_", "__", "~~", "`", "```\n", "> ", "- ", "1. ", "# ",
    "---\n", "===\n", "![", "[", "](", "](/u)", "]", "[^n]", "[^n]: ", "^[", ")", "{", "}", "{.c}", "\\", "<", ">",
    "<b>", "</b>", "<!-- ", " -->", "&amp;", "&", "!", ":", ":tada:", ":mark[", "www.", "www.a.b", "WWW.A.B",
    "HTTP://a.b", "https://a.b/c",
    "mailto:", "xmpp:", "a@b.cd", "@", "|", "|-|-|\n", "\n: ", '"', "'", "--", "...", "[u]: /u\n", "é", "\u202f",
]  # fmt: skip
ROUGH = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def _everywhere(language: str) -> MarkdownIt:
    """The same parser, trying its rules everywhere."""
    from markdown_it.parser_block import ParserBlock
    from markdown_it.parser_inline import ParserInline

    md = parser.__wrapped__(language)
    assert isinstance(md.inline, InlineByCharacter)
    assert isinstance(md.block.ruler, BlocksByCharacter)
    inline, blocks = ParserInline(), ParserBlock()
    inline.add_terminator_char("w")
    inline.ruler, inline.ruler2 = md.inline.ruler, md.inline.ruler2
    blocks.ruler.__rules__ = md.block.ruler.__rules__
    md.inline, md.block = inline, blocks
    return md


EVERYWHERE = {language: _everywhere(language) for language in ("en", "fr")}
TESTS = Path(__file__).parents[1]
COMMONMARK = [each["markdown"] for each in json.loads((TESTS / "render/commonmark/examples.json").read_text("utf-8"))]
ISSUES = [
    path.read_text("utf-8")
    for folder in ("browser/issues", "render/fixtures")
    for path in (TESTS / folder).glob("*.md")
]


@given(ROUGH, st.sampled_from(sorted(EVERYWHERE)))
@settings(max_examples=500)
def test_the_tokens_are_the_same(text: str, language: str) -> None:
    assert _tokens(parser(language), text) == _tokens(EVERYWHERE[language], text)


@pytest.mark.parametrize("language", sorted(EVERYWHERE))
def test_the_tokens_of_the_specification_and_of_whole_issues_are_the_same(language: str) -> None:
    assert len(ISSUES) > 10
    for text in (*COMMONMARK, *ISSUES, "\n\n".join(COMMONMARK[:200])):
        assert _tokens(parser(language), text) == _tokens(EVERYWHERE[language], text)


def _tokens(md: MarkdownIt, text: str) -> list[Any] | str:
    holes = Holes("a.md", (text,))
    try:
        return [token.as_dict() for token in md.parse(text, {"holes": holes, "cut": holes.cut(text)})]
    except IssueError as error:
        return str(error)
