"""Style sheets: only the rules that this document needs, because Gmail drops a style sheet of more than 16 KB whole.

A theme has rules for every block, for the dark and for small screens; an issue uses a few of them. A rule whose classes
or elements occur nowhere in the document can match nothing and is left out.
"""

from __future__ import annotations

import re
from functools import lru_cache

from newsletter.render.raw import raw_texts

_RULE = re.compile(r"([^{}@;]+)\{([^{}]*)\}")
_EMPTY_LINES = re.compile(r"\n\s*\n")
_EMPTY_BLOCK = re.compile(r"@media[^{}]*\{\s*\}")
_CLASSES = re.compile(r'class="([^"]*)"')
_ELEMENTS = re.compile(r"<([a-z][a-z0-9]*)")
# What does not name an element or a class of the document: attributes, states, what stands in parentheses.
_CONDITIONS = re.compile(r"#[\w-]+|\[[^\]]*\]|::?[a-z-]+(?:\([^)]*\))?|/\*.*?\*/", re.DOTALL)
_NAMES = re.compile(r"\.?[A-Za-z_][\w-]*")
# Classes that mail programs put around a mail, or give to its body.
_OF_PROGRAMS = {"moz-text-html", "ExternalClass", "ReadMsgBody", "yahoo", "gmail", "apple", "body", "darkmode"}
_OF_EVERY_DOCUMENT = {"html", "body", "u"}


def pruned(document: str) -> str:
    """The document without rules that can match nothing in it."""
    words = {word for found in set(_CLASSES.findall(document)) for word in found.split()}
    names = {f".{word}" for word in words | _OF_PROGRAMS} | set(_ELEMENTS.findall(document)) | _OF_EVERY_DOCUMENT

    out: list[str] = []
    position = 0
    for _, start, end in raw_texts(document, ("style",)):
        css = _only_for(names, document[start:end])
        if css.strip():
            out += (document[position:start], css)
            position = end
        else:
            out.append(document[position : document.rindex("<style", position, start)])
            position = document.index(">", end) + 1
    return "".join((*out, document[position:]))


def _only_for(names: set[str], css: str) -> str:
    """The rules of a style sheet that need nothing but these names."""
    out: list[str] = []
    for before, selectors, body in _rules(css):
        out.append(before)
        if kept := [text for text, needed in selectors if needed <= names]:
            out.append(f"{','.join(kept)}{{{body}}}")
    return _EMPTY_LINES.sub("\n", _EMPTY_BLOCK.sub("", "".join(out))).strip("\n")


@lru_cache(maxsize=64)
def _rules(css: str) -> tuple[tuple[str, tuple[tuple[str, frozenset[str]], ...], str], ...]:
    """The rules of a style sheet, the same for every issue of a theme: what stands before each, its selectors with what
    they need (classes with their dot, elements without), and its body. The last one is what stands behind them all.
    """
    out: list[tuple[str, tuple[tuple[str, frozenset[str]], ...], str]] = []
    position = 0
    for rule in _RULE.finditer(css):
        selectors = tuple((each, _needed(each)) for each in rule[1].split(","))
        out.append((css[position : rule.start()], selectors, rule[2]))
        position = rule.end()
    return (*out, (css[position:], (), ""))


def _needed(selector: str) -> frozenset[str]:
    names = _NAMES.findall(_CONDITIONS.sub(" ", selector))
    return frozenset(name if name.startswith(".") else name.lower() for name in names)
