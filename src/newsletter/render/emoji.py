"""Emoji by their short names, as on GitHub: `:tada:` is 🎉.

Beside the names in words/emoji.txt, every symbol answers to its name in Unicode: `:octopus:`, `:hot_beverage:`. A name
that is none stays as it was written, for a colon is a common sign.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

_NAME = re.compile(r":([a-z0-9_+-]{2,40}):(?![0-9A-Za-z_])")
_FIRST_SYMBOL = 0x231A  # below it stand signs such as © and ™, which are text
_PICTURE = "\ufe0f"  # asks for the coloured form of what is also a sign of text
_TEXT_FIRST = range(0x2600, 0x2B00)


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """The short names that Unicode does not know, and their symbols."""
    text = Path(__file__).with_name("words").joinpath("emoji.txt").read_text("utf-8")
    return dict(line.split(" ") for line in text.splitlines())


@lru_cache(maxsize=256)
def emoji(name: str) -> str | None:
    """The symbol of a short name, or None."""
    if name in names():
        return names()[name]
    try:
        symbol = unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return None
    if len(symbol) != 1 or ord(symbol) < _FIRST_SYMBOL or unicodedata.category(symbol) != "So":
        return None
    is_text_first = ord(symbol) in _TEXT_FIRST and unicodedata.east_asian_width(symbol) != "W"
    return f"{symbol}{_PICTURE}" if is_text_first else symbol


def install(md: MarkdownIt) -> None:
    """Teach a Markdown parser the short names."""
    md.inline.ruler.before("link", "emoji", _rule)


def _rule(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != ":" or (state.pos and state.src[state.pos - 1].isalnum()):
        return False
    found = _NAME.match(state.src, state.pos, state.posMax)
    symbol = emoji(found[1]) if found else None
    if found is None or symbol is None:
        return False
    if not silent:
        state.pending += symbol
    state.pos = found.end()
    return True
