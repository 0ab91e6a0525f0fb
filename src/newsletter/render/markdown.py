"""Markdown: the parser, set up once for each language.

CommonMark and GFM tables, strikethrough and autolinks, footnotes, definition lists, attributes in braces, directives,
emoji, typography; and two rules of our own: a line with nothing but `{% if %}` and its like stands between blocks,
whatever surrounds it; and a sign-off keeps its line break. Task lists are seen later, by whoever reads the tokens.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from newsletter.render import bounds, by_character, directives, emoji, notes, typography

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

    from newsletter.render.holes import Cut, Holes

_BRACES_AT_END = re.compile(r"(.*?)[ \t]*\{([^{}]+)\}", re.DOTALL)
_SIGN_OFF_LINES = (2, 3)
_SIGN_OFF_WIDTH = 36


@lru_cache(maxsize=16)
def parser(language: str, *, typeset: bool = True) -> MarkdownIt:
    """The parser for issues in a language; without `typeset`, signs stay as they were typed."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.attrs import attrs_block_plugin, attrs_plugin
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

    md = MarkdownIt("commonmark", {"maxNesting": bounds.DEEPEST_BLOCKS + 2})
    md.enable(["table", "strikethrough"])
    md.use(gfm_autolink_plugin)
    md.use(attrs_plugin, spans=False)
    md.use(attrs_block_plugin)
    md.use(deflist_plugin)
    notes.install(md)
    directives.install(md)
    md.core.ruler.after("block", "heading_attributes", _heading_attributes)
    md.core.ruler.after("block", "bounds", bounds.refuse_long_paragraphs)
    md.core.ruler.push("https", _https)
    md.core.ruler.push("sign_off", _sign_off)
    if typeset:
        emoji.install(md)
        typography.install(md, language)
    md.block.ruler.before(
        "table", "control", _control, {"alt": ["paragraph", "reference", "blockquote", "list", "table"]}
    )
    by_character.install(md)
    md.core.ruler.at("normalize", _normalize)
    return md


def parse(cut: Cut, language: str, holes: Holes) -> list[Token]:
    """The tokens of a text with marks. Raises IssueError for one that is too long or too deep."""
    bounds.refuse_size(cut, holes)
    tokens = parser(language).parse(cut.text, {"holes": holes, "cut": cut})
    bounds.refuse_deep_blocks(tokens, cut, holes)
    # Links back from a note to its place, which a mail does not have.
    return [token for token in tokens if token.type != "footnote_anchor"]


def _control(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """A line of nothing but conditions' marks."""
    if "holes" not in state.env or state.is_code_block(start):
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


def _normalize(state: StateCore) -> None:
    """Line ends as line feeds; there are hardly ever others, and whoever looks for them reads every character."""
    if "\r" in state.src:
        state.src = state.src.replace("\r\n", "\n").replace("\r", "\n")
    state.src = state.src.replace("\0", "\ufffd")


def _heading_attributes(state: StateCore) -> None:
    """`## Heading {.class #anchor}`: braces at a heading's end belong to the heading."""
    if "}" not in state.src:
        return
    for opening, content in pairwise(state.tokens):
        if opening.type != "heading_open" or not content.content.endswith("}"):
            continue
        found = _BRACES_AT_END.fullmatch(content.content)
        if found is None:
            continue
        try:
            keys, classes, anchor = directives.read_braces(found[2])
        except ValueError:
            continue
        if classes or anchor or all(value is not None for value in keys.values()):
            content.content = found[1]
            opening.attrs |= {name: value or "" for name, value in keys.items()}
            opening.attrs |= {"class": " ".join(classes)} if classes else {}
            opening.attrs |= {"id": anchor} if anchor else {}


def _https(state: StateCore) -> None:
    """An address written as `www.example.org` is one of today's web."""
    if "www." not in state.src:
        return
    for block in state.tokens:
        for token, following in pairwise(block.children or ()):
            if token.info == "auto" and token.type == "link_open" and following.content.startswith("www."):
                href = str(token.attrGet("href") or "")
                if href.startswith("http://www."):
                    token.attrSet("href", f"https{href[4:]}")


def _sign_off(state: StateCore) -> None:
    """`Until next month,` and `Camille` below it: the lines of a letter's end stay lines."""
    for before, block in pairwise(state.tokens):
        if "\n" not in block.content:
            continue
        children = block.children or []
        if before.type != "paragraph_open" or before.level or children[:1] == [] or children[-1].type != "text":
            continue
        lines = block.content.split("\n")
        if len(lines) not in _SIGN_OFF_LINES or any(len(line) > _SIGN_OFF_WIDTH for line in lines):
            continue
        if lines[0].endswith(",") and lines[-1][-1:].isalpha():
            for token in children:
                if token.type == "softbreak":
                    token.type, token.tag = "hardbreak", "br"
