"""Raw HTML in an issue: kept as written, but never so that it could end the page around it."""

from __future__ import annotations

import re

_TAG = re.compile(r"""<(/?)([A-Za-z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>""")
# A conditional comment, which Outlook reads, and any other one.
_COMMENT = re.compile(r"(<!--\[if[^\]]*\]>(?:<!-->)?|<!--<!\[endif\]-->|<!\[endif\]-->)|<!--.*?-->", re.DOTALL)
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# Elements that the next one of their kind, or the end of their parent, closes.
_CLOSED_BY_OTHERS = {"p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option"}


def balanced(markup: str) -> str:
    """The markup without end tags that close nothing, and with the end tags that are missing."""
    out: list[str] = []
    stack: list[str] = []
    position = 0
    for tag in _TAG.finditer(markup):
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
    out.append(markup[position:])
    out += (f"</{name}>" for name in reversed(stack) if name not in _CLOSED_BY_OTHERS)
    return "".join(out)


def unclosed(markup: str) -> str | None:
    """The beginning of a tag or comment in the markup that has no end, if there is one."""
    rest = _TAG.sub("", _COMMENT.sub("", markup))
    found = re.search(r"<[A-Za-z/!?][^\n]{0,30}", rest)
    return found[0] if found else None


def without_comments(document: str) -> str:
    """The document without comments, except those that Outlook reads."""
    return _COMMENT.sub(lambda comment: comment[1] or "", document)
