"""Quotation marks: straight ones become the pairs of the language, and the others apostrophes.

The rules are those of markdown-it's smartquotes: a mark can open behind space or punctuation, and close before it; a
pair stands at one level of emphasis; in the middle of a word a single one is an apostrophe.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from markdown_it.token import Token

_QUOTE = re.compile("['\"]")
_IN_A_WORD = re.compile(r"'(?<=[^\W_]')(?=[^\W_])")
_BREAKS = {"softbreak", "hardbreak"}


class _Open(NamedTuple):
    """A mark that may open a quotation: the token that it stands in, and where."""

    token: int
    position: int
    is_single: bool
    level: int


def set_quotes(tokens: Sequence[Token], marks: Sequence[str], texts: Collection[int]) -> None:
    """Set the marks in the tokens of a paragraph, in those whose `id` is in `texts`.

    `marks` are those that open and close, then those of inner quotes.
    """
    stack: list[_Open] = []
    for at, token in enumerate(tokens):
        while stack and stack[-1].level > token.level:
            stack.pop()
        if token.type != "text" or ("'" not in token.content and '"' not in token.content) or id(token) not in texts:
            continue
        # Most are this, and need no partner.
        token.content = _IN_A_WORD.sub("’", token.content)
        position = 0
        while found := _QUOTE.search(token.content, position):
            start, position, is_single = found.start(), found.end(), found[0] == "'"
            before = token.content[start - 1] if start else _neighbour(tokens, at, -1)
            after = token.content[position] if position < len(token.content) else _neighbour(tokens, at, 1)
            can_open, can_close = _roles(before, found[0], after)
            if not can_open and not can_close:
                if is_single:
                    _set(token, start, "’")
                continue
            partner = _partner(stack, token.level, is_single=is_single) if can_close else None
            if partner is not None:
                opening, closing = marks[2:4] if is_single else marks[:2]
                opener = stack[partner]
                del stack[partner:]
                _set(token, start, closing)
                _set(tokens[opener.token], opener.position, opening)
                position += len(closing) - 1 + (len(opening) - 1 if opener.token == at else 0)
            elif can_open:
                stack.append(_Open(at, start, is_single, token.level))
            elif is_single:
                _set(token, start, "’")


def _set(token: Token, position: int, mark: str) -> None:
    token.content = f"{token.content[:position]}{mark}{token.content[position + 1 :]}"


def _neighbour(tokens: Sequence[Token], at: int, step: int) -> str:
    """The character that stands before or behind a token; a space at the ends of a line."""
    at += step
    while 0 <= at < len(tokens) and tokens[at].type not in _BREAKS:
        if content := tokens[at].content:
            return content[0 if step > 0 else -1]
        at += step
    return " "


def _partner(stack: Sequence[_Open], level: int, *, is_single: bool) -> int | None:
    """The mark that was opened last at this level, if it is of the same kind."""
    for at in range(len(stack) - 1, -1, -1):
        if stack[at].level < level:
            return None
        if stack[at].is_single == is_single:
            return at
    return None


@lru_cache(maxsize=512)
def _roles(before: str, mark: str, after: str) -> tuple[bool, bool]:
    """Whether a mark between these two can open, and whether it can close."""
    is_space_before, is_space_after = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
    is_sign_before, is_sign_after = _is_sign(before), _is_sign(after)
    can_open = not is_space_after and not (is_sign_after and not (is_space_before or is_sign_before))
    can_close = not is_space_before and not (is_sign_before and not (is_space_after or is_sign_after))
    if mark == after == '"' and before in "0123456789":
        return False, False  # inches
    if can_open and can_close:
        # Between signs, but not in the middle of a word.
        return is_sign_before, is_sign_after
    return can_open, can_close


def _is_sign(character: str) -> bool:
    return isMdAsciiPunct(ord(character)) or isPunctChar(character)
