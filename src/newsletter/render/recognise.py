"""What plain Markdown already gives: paragraphs and quotes that are more than that, known by their form.

a paragraph of nothing but a bold link      a button
a paragraph of nothing but an image         an image across the text, with its title as caption
a quote that begins with [!NOTE]            a callout
a paragraph of nothing but :name[…]{…}      the block of that name
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem, did_you_mean
from newsletter.render import inline
from newsletter.render.block import Block
from newsletter.render.catalogue import ALERTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from newsletter.render.holes import Holes

_ALERT = re.compile(r"\[!([^\W\d_]+)\][ \t]*(.*)")
_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_BREAKS = {"softbreak", "hardbreak"}


def paragraph(content: tuple[Token, ...], line: int) -> Block:
    """The block that a paragraph is."""
    for recognise in (_button, _image, _directive):
        if block := recognise(content, line):
            return block
    return Block("paragraph", line, inline=content)


def quote(children: tuple[Block, ...], line: int, holes: Holes) -> Block:
    """The block that a quote is. Raises IssueError for an alert that does not exist."""
    return _alert(children, line, holes) or Block("quote", line, children=children)


def task(item: Block) -> Block:
    """An item of a list, as a task when it begins with `[ ]` or `[x]`."""
    first = item.children[0] if item.children else None
    if first is None or first.name not in {"paragraph", "text"} or not first.inline:
        return item
    beginning = first.inline[0]
    found = _TASK.match(beginning.content) if beginning.type == "text" else None
    if found is None:
        return item
    box = beginning.copy(type="task", content=found[1].strip().lower())
    rest = (box, beginning.copy(content=beginning.content[found.end() :]), *first.inline[1:])
    return replace(item, data={"task": True}, children=(replace(first, inline=rest), *item.children[1:]))


def alone(content: Sequence[Token]) -> Token | None:
    """The directive that a paragraph consists of, if there is nothing beside it."""
    tokens = _meaningful(content)
    if not tokens or tokens[0].type != "directive_open":
        return None
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.type == "directive_open") - (token.type == "directive_close")
        if depth == 0:
            return tokens[0] if at == len(tokens) - 1 else None
    return None


def _meaningful(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if not (token.type == "text" and not token.content.strip())]


def _directive(content: Sequence[Token], line: int) -> Block | None:
    """A directive alone in its paragraph, unless it is one that stands in sentences."""
    token = alone(content)
    if token is None or token.meta["inline"]:
        return None
    return Block(token.meta["name"], line, token.meta["data"], tuple(_meaningful(content)[1:-1]))


def _alert(children: tuple[Block, ...], line: int, holes: Holes) -> Block | None:
    """`> [!NOTE]`, with a label on the same line or without one."""
    first = children[0] if children else None
    if first is None or first.name not in {"paragraph", "text"} or not first.inline or first.inline[0].type != "text":
        return None
    found = _ALERT.fullmatch(first.inline[0].content)
    if found is None:
        return None
    kind = ALERTS.get(found[1].upper())
    if kind is None:
        fix = f"{did_you_mean(found[1].upper(), ALERTS)} To begin a quote with these signs, write \\[!{found[1]}]"
        raise IssueError(Problem(f"there is no callout [!{found[1]}]", holes.path, line, fix=fix))
    at = next((at for at, token in enumerate(first.inline) if token.type in _BREAKS), len(first.inline))
    beginning = first.inline[0].copy(content=found[2])
    label = tuple(_meaningful((beginning, *first.inline[1:at])))
    text = first.inline[at + 1 :]
    body = (replace(first, inline=text), *children[1:]) if text else children[1:]
    if not body:  # a label alone is what there is to say
        label, body = (), (replace(first, inline=label),)
    return Block("callout", line, {"kind": kind, "classes": (), "anchor": ""}, label, body)


def _button(content: Sequence[Token], line: int) -> Block | None:
    """`**[label](address)**`, or `[**label**](address)`."""
    tokens = _meaningful(content)
    outer = [token.type for token in (*tokens[:2], *tokens[-2:])]
    if len(tokens) < 5 or sum(token.type == "link_open" for token in tokens) != 1:
        return None
    if sum(token.type == "strong_open" for token in tokens) != 1:
        return None
    if outer == ["strong_open", "link_open", "link_close", "strong_close"]:
        link = tokens[1]
    elif outer == ["link_open", "strong_open", "strong_close", "link_close"]:
        link = tokens[0]
    else:
        return None
    if not link.attrGet("href"):
        return None
    return Block("button", line, {"href": str(link.attrGet("href"))}, tuple(tokens[2:-2]))


def _image(content: Sequence[Token], line: int) -> Block | None:
    """`![alt](address "caption")`, perhaps with a link around it."""
    tokens = _meaningful(content)
    href = ""
    if len(tokens) == 3 and tokens[0].type == "link_open" and tokens[2].type == "link_close":
        href = str(tokens[0].attrGet("href") or "")
        tokens = tokens[1:2]
    if len(tokens) != 1 or tokens[0].type != "image":
        return None
    image = tokens[0]
    width = str(image.attrGet("width") or "")
    data = {
        "src": str(image.attrGet("src") or ""),
        "alt": inline.text(image.children or ()),
        "caption": str(image.attrGet("title") or ""),
        "href": href,
        "width": int(width) if width.isdecimal() else 0,
    }
    return Block("image", line, data)
