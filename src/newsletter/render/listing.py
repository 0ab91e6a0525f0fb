"""Code with its colours: each run of a kind in an element of its own, the kinds few enough for a theme to colour.

Pygments tells the kinds apart; the colours are the theme's, by day and by night, so no style sheet of Pygments is used.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from itertools import groupby
from typing import Any

LONGEST = 50_000  # characters of code beyond which it stays uncoloured: reading them takes longer than it is worth

# Kinds of Pygments, and the class of the theme for each; a kind without a row belongs to the one above it.
_CLASSES: dict[str, str] = {
    "Comment": "co",
    "Keyword": "kw",
    "Name.Tag": "kw",
    "Operator.Word": "kw",
    "String": "st",
    "Literal": "st",
    "Number": "nu",
    "Literal.Number": "nu",
    "Literal.String": "st",
    "Keyword.Constant": "nu",
    "Name.Function": "fn",
    "Name.Class": "fn",
    "Name.Decorator": "fn",
    "Name.Builtin": "fn",
    "Name.Attribute": "fn",
    "Generic.Heading": "fn",
    "Generic.Subheading": "fn",
    "Generic.Inserted": "in",
    "Generic.Deleted": "de",
    "Generic.Error": "de",
    "Generic.Prompt": "co",
    "Generic.Output": "co",
}


def coloured(code: str, language: str) -> str:
    """The code as HTML. In a language that is not known, and when it is very long, without colours."""
    if not language or len(code) > LONGEST:
        return escape(code, quote=False)
    lexer = _lexer(language)
    if lexer is None:
        return escape(code, quote=False)
    out: list[str] = []
    for name, run in groupby(lexer.get_tokens(code), key=lambda token: _class(token[0])):
        text = escape("".join(part for _, part in run), quote=False)
        # White space has no colour, and a run of one colour goes on over it.
        out.append(f'<span class="{name}">{text}</span>' if name and text.strip() else text)
    return "".join(out)


@lru_cache(maxsize=16)
def _lexer(language: str) -> Any:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=256)
def _class(kind: Any) -> str:
    while kind:
        if name := _CLASSES.get(".".join(kind)):
            return name
        kind = kind.parent
    return ""
