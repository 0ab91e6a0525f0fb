"""Style sheets: only the rules that this document needs, because Gmail drops a style sheet of more than 16 KB whole.

A theme has rules for every block, for the dark and for small screens; an issue uses a few of them. A rule whose classes
or elements occur nowhere in the document can match nothing and is left out.
"""

from __future__ import annotations

import re

_SHEET = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.DOTALL | re.IGNORECASE)
_RULE = re.compile(r"([^{}@;]+)\{([^{}]*)\}")
_EMPTY_BLOCK = re.compile(r"@media[^{}]*\{\s*\}")
_CLASSES = re.compile(r'\sclass="([^"]*)"')
_ELEMENTS = re.compile(r"<([a-z][a-z0-9]*)")
# What does not name an element or a class of the document: attributes, states, what stands in parentheses.
_CONDITIONS = re.compile(r"#[\w-]+|\[[^\]]*\]|::?[a-z-]+(?:\([^)]*\))?|/\*.*?\*/", re.DOTALL)
_NAMES = re.compile(r"(\.?)([A-Za-z_][\w-]*)")
# Classes that mail programs put around a mail, or give to its body.
_OF_PROGRAMS = {"moz-text-html", "ExternalClass", "ReadMsgBody", "yahoo", "gmail", "apple", "body", "darkmode"}


def pruned(document: str) -> str:
    """The document without rules that can match nothing in it."""
    classes = {name for found in _CLASSES.findall(document) for name in found.split()} | _OF_PROGRAMS
    elements = {*_ELEMENTS.findall(document), "html", "body", "u"}

    def matches(selector: str) -> bool:
        names = _NAMES.findall(_CONDITIONS.sub(" ", selector))
        return all(name in classes if dot else name.lower() in elements for dot, name in names)

    def rule(found: re.Match[str]) -> str:
        kept = [selector for selector in found[1].split(",") if matches(selector)]
        return f"{','.join(kept)}{{{found[2]}}}" if kept else ""

    def sheet(found: re.Match[str]) -> str:
        css = _EMPTY_BLOCK.sub("", _RULE.sub(rule, found[2]))
        css = "\n".join(line for line in css.split("\n") if line.strip())
        return f"{found[1]}{css}{found[3]}" if css else ""

    return _SHEET.sub(sheet, document)
