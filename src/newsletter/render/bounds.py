"""Bounds: what no letter has, and what would take a machine long to find out. Each is refused at once, with its line.

Within them an issue is answered in about a second, however odd it is; nothing is left out without a word, and nothing
that encloses something else gets so deep that a parser written in another language runs out of stack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

    from newsletter.render.holes import Cut, Holes

LONGEST_TEXT = 1_000_000  # characters of an issue with its snippets
MOST_LINES = 20_000
LONGEST_PARAGRAPH = 40_000  # characters of one paragraph, heading or cell
LONGEST_LABEL = 1_000  # characters of a note or of a block's label within a sentence
DEEPEST_BLOCKS = 38  # quotes, lists and blocks in one another
DEEPEST_MARKUP = 100  # emphasis and links, or the author's own HTML elements, in one another

_BRACKETS = re.compile(r"\\.|(?P<note>\^)\[|(?P<word>:[A-Za-z][A-Za-z0-9_-]*)\[|\[|\]", re.DOTALL)


def refuse_size(cut: Cut, holes: Holes) -> None:
    """Raise IssueError for a text that is longer than any letter."""
    if len(cut.text) > LONGEST_TEXT:
        raise IssueError(
            Problem(
                f"the issue has {len(cut.text):,} characters; {LONGEST_TEXT:,} are the most",
                holes.path,
                cut.line(0),
                fix="mail programs cut off at a tenth of that: publish the whole as a page, and link to it",
            )
        )
    if (lines := cut.text.count("\n")) > MOST_LINES:
        message = f"the issue has {lines:,} lines; {MOST_LINES:,} are the most"
        raise IssueError(Problem(message, holes.path, cut.line(MOST_LINES), fix="send it in parts"))


def refuse_long_paragraphs(state: StateCore) -> None:
    """A rule of the parser, before running text is read."""
    if len(state.src) <= LONGEST_LABEL or "holes" not in state.env:
        return
    for token in state.tokens:
        if len(token.content) <= LONGEST_LABEL or token.type != "inline":
            continue
        line = token.map[0] if token.map else 0
        if len(token.content) > LONGEST_PARAGRAPH:
            message = f"a paragraph has {len(token.content):,} characters; {LONGEST_PARAGRAPH:,} are the most"
            raise _too_long(message, "part it with empty lines", state, line)
        if "^[" in token.content or ":" in token.content:
            _refuse_long_labels(token.content, state, line)


def _refuse_long_labels(text: str, state: StateCore, line: int) -> None:
    """Refuse a label whose end the parser does not look for, because it would look for each of many that have none."""
    opened: list[re.Match[str]] = []
    for bracket in _BRACKETS.finditer(text):
        if bracket[0].endswith("["):
            opened.append(bracket)
        elif bracket[0] == "]" and opened:
            start = opened.pop()
            if bracket.start() - start.end() > LONGEST_LABEL and (start["note"] or start["word"]):
                what, fix = "a note", "write [^name] in its place, and below the paragraph [^name]: and the note"
                if start["word"]:
                    what, fix = f"`{start['word']}[…]`", "in a sentence, only a few words can stand in it"
                message = f"{what} is longer than {LONGEST_LABEL:,} characters"
                raise _too_long(message, fix, state, line + text.count("\n", 0, start.start()))


def _too_long(message: str, fix: str, state: StateCore, line: int) -> IssueError:
    return IssueError(Problem(message, state.env["holes"].path, state.env["cut"].line(line), fix=fix))


def refuse_deep_blocks(tokens: Sequence[Token], cut: Cut, holes: Holes) -> None:
    """Raise IssueError for blocks that are nested deeper than the parser goes: it leaves out what is below."""
    for token in tokens:
        if token.level > DEEPEST_BLOCKS:
            message = f"quotes, lists and blocks are nested more than {DEEPEST_BLOCKS} deep"
            raise IssueError(Problem(message, holes.path, cut.line(token.map[0]) if token.map else None))


def too_deep(what: str, holes: Holes, line: int) -> IssueError:
    """The error to raise for markup that is nested deeper than any program shows."""
    return IssueError(
        Problem(f"{what} nested more than {DEEPEST_MARKUP} deep", holes.path, line, fix="close some of it")
    )
