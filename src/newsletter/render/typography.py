"""Typography: quotes, dashes and spaces as the language sets them.

French: a narrow no-break space before ; : ! ? and inside « », and between groups of digits; a no-break space before
units. (The Imprimerie nationale sets a wider space before the colon than before the others; on screens, where no-break
spaces stretch or not as each program likes, one narrow space for all of them reads best.) Only running text is touched:
never code, an address, an attribute or a time of day.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from newsletter.render.quotes import set_quotes
from newsletter.render.words import base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

NARROW = "\u202f"
NO_BREAK = "\u00a0"

# Opening and closing quotes, and those inside quotes. Languages without a row keep English ones.
_QUOTES: dict[str, tuple[str, str, str, str]] = {
    "en": ("“", "”", "‘", "’"),
    "fr": (f"«{NARROW}", f"{NARROW}»", "“", "”"),
    "de": ("„", "“", "‚", "‘"),
    "es": ("«", "»", "“", "”"),
    "it": ("«", "»", "“", "”"),
    "pt": ("“", "”", "‘", "’"),
    "nl": ("“", "”", "‘", "’"),
    "pl": ("„", "”", "‚", "’"),
    "cs": ("„", "“", "‚", "‘"),
    "da": ("»", "«", "›", "‹"),
    "sv": ("”", "”", "’", "’"),
    "fi": ("”", "”", "’", "’"),
    "ru": ("«", "»", "„", "“"),
    "uk": ("«", "»", "„", "“"),
    "ja": ("「", "」", "『", "』"),
    "zh": ("“", "”", "‘", "’"),
}

_ANY_SPACE = "[ \u00a0\u202f]"
# A sign ends a word or a quotation here; in `a;b`, `?x=1` or `:-)` it does not.
_ENDS = r"(?=$|[\s\u00a0\u202f)\]»”’\"*_…?!.,;:])"
_UNITS = "(?:km|cm|mm|m|kg|g|mg|l|cl|h|min|s|ans?|euros?|°C|Mo|Go|Ko)"
# Signs without one of which a row changes nothing, what it looks for, and what is set instead.
_FRENCH: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (";:!?", re.compile(rf"(?<=\S){_ANY_SPACE}+([;:!?]){_ENDS}"), rf"{NARROW}\1"),
    (";!?", re.compile(rf"(?<=[\w)\]»”’%])([;!?]){_ENDS}"), rf"{NARROW}\1"),
    (":", re.compile(rf":(?<=[^\W\d]:)(?=$|{_ANY_SPACE}|\n)"), f"{NARROW}:"),
    ("«", re.compile(rf"«{_ANY_SPACE}*(?=\S|$)"), f"«{NARROW}"),
    ("»", re.compile(rf"{_ANY_SPACE}*»"), f"{NARROW}»"),
    ("€%‰£$", re.compile(rf"(?<=\d){_ANY_SPACE}*(?=[€%‰£$](?!\w))"), NO_BREAK),
    ("0123456789", re.compile(rf"(?<=\d) (?={_UNITS}\b)"), NO_BREAK),
    ("°", re.compile(r"\b([Nn])° ?(?=\d)"), rf"\1º{NO_BREAK}"),
    ("M", re.compile(r"\b(M\.|Mme|Mlle|MM\.) (?=[A-ZÀ-Ý])"), rf"\1{NO_BREAK}"),
)


# What begins each sign that typewriters do not have, the whole of it, and what is set instead; as markdown-it has them.
# Each pattern begins with letters, for which a machine looks fast, and looks back only then.
_SIGNS: tuple[tuple[str, re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    ("+-", re.compile(r"\+-"), "±"),
    (
        "..",
        re.compile(r"\.\.(?:\.+|(?<!/\.\.)(?!/))"),
        lambda dots: ".." if dots.string[: dots.start()].endswith(("?", "!")) else "…",
    ),
    ("????", re.compile(r"\?{4,}"), "???"),
    ("!!!!", re.compile(r"!{4,}"), "!!!"),
    (",,", re.compile(r",{2,}"), ","),
    ("---", re.compile(r"---(?<!----)(?!-)"), "—"),
    ("--", re.compile(r"--(?<!\S--)(?!\S)"), "–"),
    ("--", re.compile(r"--(?<![-\s]--)(?![-\s])"), "–"),
    ("(", re.compile(r"\((c|tm|r)\)", re.IGNORECASE), lambda found: {"c": "©", "r": "®", "tm": "™"}[found[1].lower()]),
)
# A line without any of these stays as it is, in every language.
_MAY_BE_SET = re.compile(r"""[\0\r'"+.?!,(;:«»°-]|\d[ \u00a0\u202f€%‰£$]|M(?:me|lle) """)

# Quotes inside quotes, where an author wrote the outer ones and the parser made the inner ones.
_INNER_QUOTES = re.compile(rf"(«[^«»]*)«{NARROW}([^«»]*){NARROW}»")
# What some rule below could change: most pieces of text have nothing of it.
_TO_BE_SET = re.compile(r"[;:!?«»]|\d[ \u00a0\u202f€%‰£$]|°|M(?:M?\.|me|lle) ")
_THOUSANDS = re.compile(rf"(?<!\d)\d{{1,3}}(?:{_ANY_SPACE}\d{{3}})+(?!\d)")


_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"“”«»]+(?<![.,;:!?)'])")
_HELD = "\ue000"  # stands for an address while its line is set


def quotes(language: str) -> tuple[str, str, str, str]:
    """The language's quotes: opening and closing, and those inside quotes."""
    return _QUOTES.get(base(language), _QUOTES["en"])


def french(text: str) -> str:
    """The text with French spaces."""
    if not _TO_BE_SET.search(text):
        return text
    for signs, pattern, replacement in _FRENCH:
        if any(map(text.__contains__, signs)):
            text = pattern.sub(replacement, text)
    text = _INNER_QUOTES.sub(r"\1“\2”", text)
    return _THOUSANDS.sub(lambda number: re.sub(_ANY_SPACE, NARROW, number[0]), text)


def install(md: MarkdownIt, language: str) -> None:
    """Let a Markdown parser set its text in the language."""
    md.options["typographer"] = True
    md.core.ruler.at("replacements", _signs_rule)
    md.core.ruler.at("smartquotes", partial(_quotes_rule, language))
    md.enable(["replacements", "smartquotes"])
    md.core.ruler.push("french", partial(_french_rule, language))


def _paragraphs(state: StateCore, language: str) -> Iterator[tuple[Token, str]]:
    """What holds text, and its language: that which the nearest block around it names, else the issue's."""
    languages = [language]
    for block in state.tokens:
        if block.nesting > 0:
            languages.append(str(block.attrs.get("lang") or languages[-1]))
        elif block.nesting < 0:
            languages.pop()
        elif block.type == "inline" and block.children:
            yield block, languages[-1]


def _settable(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens that are text to be set: not the address that is the label of its own link."""
    is_address = False
    for token in tokens:
        if token.type == "text" and not is_address:
            yield token
        elif token.info == "auto":
            is_address = token.nesting > 0


def _signs_rule(state: StateCore) -> None:
    rows = [row for row in _SIGNS if row[0] in state.src]
    for block in state.tokens:
        for beginning, pattern, sign in rows if block.children else ():
            if beginning in block.content:
                for token in _settable(block.children or ()):
                    if beginning in token.content:
                        token.content = pattern.sub(sign, token.content)


def _quotes_rule(language: str, state: StateCore) -> None:
    for block, its_language in _paragraphs(state, language):
        if "'" in block.content or '"' in block.content:
            tokens = block.children or ()
            set_quotes(tokens, quotes(its_language), {id(token) for token in _settable(tokens)})


def _french_rule(language: str, state: StateCore) -> None:
    for block, its_language in _paragraphs(state, language):
        if base(its_language) != "fr":
            continue
        tokens = block.children or ()
        settable = {id(token) for token in _settable(tokens)}
        follows = False
        for token in tokens:
            if id(token) in settable:
                # What stands before, in emphasis or code, counts as a letter.
                token.content = french(f"x{token.content}")[1:] if follows else french(token.content)
            follows = token.type not in {"softbreak", "hardbreak"}


@lru_cache(maxsize=16)
def _line_parser(language: str) -> MarkdownIt:
    from markdown_it import MarkdownIt

    md = MarkdownIt("zero")
    install(md, language)
    return md


def typeset(text: str, language: str) -> str:
    """A single line, such as a title, a subject or a caption, set in the language, but for the addresses in it."""
    if not _MAY_BE_SET.search(text):
        return text
    addresses = _ADDRESS.findall(text) if _HELD not in text else []
    tokens = _line_parser(language).parseInline(_ADDRESS.sub(_HELD, text) if addresses else text)
    line = "".join(child.content for token in tokens for child in token.children or ())
    for address in addresses:
        line = line.replace(_HELD, address, 1)
    return line
