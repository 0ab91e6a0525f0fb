"""Raw HTML in an issue: kept as written, but never so that it could end the page around it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG = re.compile(r"""<(/?)([A-Za-z][^\s/<>]*+)((?>(?:[^<>"']++|"[^"]*+"|'[^']*+')*))>""")
_TAG_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*+)(?!:)")
_COMMENT_OR_TAG = re.compile(f"<!--.*?-->|{TAG.pattern}", re.DOTALL)
_LESS_THAN = re.compile(r"<|&(?:LT|lt|#0*60|#[xX]0*3[cC]);?")
# Where a conditional comment, which Outlook reads, begins or ends; and the beginning of any other one.
_CONDITIONAL = re.compile(r"<!--\[if[^\]<>]*\]>(?:<!-->)?|<!--<!\[endif\]-->|<!\[endif\]-->")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# Elements that the next one of their kind, or the end of their parent, closes.
_CLOSED_BY_OTHERS = {"p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option"}


class TooDeep(ValueError):
    """Elements that are nested deeper than `most`."""


def balanced(markup: str, most: int) -> str:
    """The markup without end tags that close nothing, and with the end tags that are missing. Raises TooDeep."""
    out: list[str] = []
    stack: list[str] = []
    position = 0
    for tag in TAG.finditer(markup):
        name = tag[2].casefold()
        if tag[1]:
            if name not in stack:
                out.append(markup[position : tag.start()])
                position = tag.end()
                continue
            while (open_name := stack.pop()) != name:
                if open_name not in _CLOSED_BY_OTHERS:
                    out.append(markup[position : tag.start()])
                    out.append(f"</{open_name}>")
                    position = tag.start()
        elif name not in _VOID and not tag[3].rstrip().endswith("/"):
            stack.append(name)
            if len(stack) > most:
                raise TooDeep
    out.append(markup[position:])
    out += (f"</{name}>" for name in reversed(stack) if name not in _CLOSED_BY_OTHERS)
    return "".join(out)


class Unbalanced(NamedTuple):
    """An element that a template's HTML does not close, or opens nowhere: what to say, and what to do."""

    name: str
    message: str
    fix: str


def unbalanced(markup: str) -> Unbalanced | None:
    """The first element that is opened and closed a different number of times, or is one of MJML. None: all is well."""
    balance: dict[str, int] = {}
    for slash, name in _TAG_NAME.findall(markup):
        balance[name] = balance.get(name, 0) + (-1 if slash else 1)
    for name, more in balance.items():
        if name.startswith("mj-"):
            return Unbalanced(name, f"begins as HTML, where no <{name}> can stand", "begin with an mj- element")
        if more and name not in _VOID and name not in _CLOSED_BY_OTHERS:
            if more > 0:
                return Unbalanced(name, f"leaves <{name}> open", f"close it: </{name}>")
            return Unbalanced(name, f"closes a <{name}> that is not open", f"take </{name}> away, or open it")
    return None


def quoted(markup: str) -> str:
    """The markup with each `<` in an attribute's value as `&lt;`, so that it cannot be taken for the start of a tag."""
    return _COMMENT_OR_TAG.sub(_quoted, markup) if "=" in markup else markup


def _quoted(found: re.Match[str]) -> str:
    return found[0] if found[3] is None else f"<{found[1]}{found[2]}{_LESS_THAN.sub('&lt;', found[3])}>"


def raw_texts(document: str, names: tuple[str, ...] = ("style", "script")) -> Iterator[tuple[str, int, int]]:
    """Where the texts of elements that hold no markup stand in a document: the element's name, beginning and end."""
    for name in names:
        position = 0
        while (tag := document.find(f"<{name}", position)) >= 0:
            start = document.find(">", tag) + 1
            if start and document[start - 2] == "/":  # it holds nothing
                position = start
                continue
            end = document.find(f"</{name}", start)
            if not start or end < 0:
                break
            yield name, start, end
            position = end


def unclosed(markup: str) -> str | None:
    """The beginning of a tag or comment in the markup that has no end, if there is one."""
    rest = TAG.sub("", _CONDITIONAL.sub("", without_comments(markup)))
    found = re.search(r"<[A-Za-z/!?][^\n]{0,30}", rest)
    return found[0] if found else None


def without_comments(markup: str) -> str:
    """The markup without comments, except those that Outlook reads. One that has no end is left as it is."""
    out: list[str] = []
    position = 0
    while (start := markup.find("<!--", position)) >= 0:
        if kept := _CONDITIONAL.match(markup, start):
            out.append(markup[position : kept.end()])
            position = kept.end()
            continue
        end = markup.find("-->", start + 4)
        if end < 0:
            break
        out.append(markup[position:start])
        position = end + 3
    out.append(markup[position:])
    return "".join(out)
