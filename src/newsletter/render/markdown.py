"""Markdown: the parser, set up once for each language.

CommonMark and GFM tables, strikethrough and autolinks, attributes in braces, typography; and one block of our own: a
line with nothing but `{% if %}` and its like stands between blocks, whatever surrounds it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.render import typography

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

    from newsletter.render.holes import Holes

_MAX_NESTING = 40


@lru_cache(maxsize=16)
def parser(language: str) -> MarkdownIt:
    """The parser for issues in a language."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.attrs import attrs_plugin

    md = MarkdownIt("commonmark", {"linkify": True, "maxNesting": _MAX_NESTING})
    md.enable(["table", "strikethrough", "linkify"])
    # A word such as example.md is not an address; what begins with https:// or www. is, and so is one with an @.
    md.linkify.set({"fuzzy_link": False})  # type: ignore[union-attr]
    md.use(attrs_plugin, spans=False)
    typography.install(md, language)
    md.block.ruler.before(
        "table", "control", _control, {"alt": ["paragraph", "reference", "blockquote", "list", "table"]}
    )
    return md


def parse(text: str, language: str, holes: Holes) -> list[Token]:
    """The tokens of a text with marks; lines count from 0 in the text."""
    return parser(language).parse(text, {"holes": holes})


def _control(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """A line of nothing but conditions' marks."""
    if state.is_code_block(start):
        return False
    holes: Holes = state.env["holes"]
    text = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    if not text.startswith(holes.nonce) or not holes.control(text):
        return False
    if silent:
        return True
    token = state.push("control", "", 0)
    token.content = text.strip()
    token.map = [start, start + 1]
    state.line = start + 1
    return True
