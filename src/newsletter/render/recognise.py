"""What plain Markdown already gives: paragraphs and quotes that are more than that, known by their form.

a paragraph of nothing but a bold link      a button
a paragraph of nothing but an image         an image across the text, with its title as caption
a quote that begins with [!NOTE]            a callout
a paragraph of nothing but :name[…]{…}      the block of that name
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem, did_you_mean
from newsletter.render import inline
from newsletter.render.block import Block
from newsletter.render.catalogue import ALERTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

    from newsletter.render.holes import Holes

_ALERT = re.compile(r"\[!([^\W\d_]+)\][ \t]*(.*)")
_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_DASH = re.compile(r"(?:[—–―]|--?-?)[ \t\u00a0\u202f]*(?=\S|$)")
_BEGINNING = re.compile(rf"^\s*(?:{_DASH.pattern}|:)?\s*")
_COLON = re.compile(r"[ \u00a0\u202f]*:(?=[ \u00a0\u202f]|$)")
_POSTSCRIPT = re.compile(r"(?:P\.? ?-?){1,3}S\b\.?[ :–—,\u00a0\u202f]")
_NOTHING = {"classes": (), "anchor": ""}
_BREAKS = {"softbreak", "hardbreak"}


def paragraph(content: tuple[Token, ...], line: int) -> Block:
    """The block that a paragraph is."""
    # What begins with words is none of these, and most paragraphs do.
    if not content or content[0].type != "text" or not content[0].content.strip():
        for recognise in (button, image, _directive):
            if block := recognise(content, line):
                return block
    return Block("paragraph", line, inline=content)


def quote(children: tuple[Block, ...], line: int, holes: Holes) -> Block:
    """The block that a quote is. Raises IssueError for an alert that does not exist."""
    if alert := _alert(children, line, holes):
        return alert
    words, by = attributed(children)
    return Block("quote", line, inline=by, children=words)


def attributed(children: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[Token, ...]]:
    """What stands in a quote, and who said it: a last line that begins with a dash."""
    last = children[-1] if children else None
    if last is None or last.name not in {"paragraph", "text"}:
        return children, ()
    at = max((at for at, token in enumerate(last.inline) if token.type in _BREAKS), default=-1)
    beginning = last.inline[at + 1] if at + 1 < len(last.inline) else None
    found = _DASH.match(beginning.content) if beginning and beginning.type == "text" else None
    if beginning is None or found is None or (at < 0 and len(children) == 1):
        return children, ()
    by = (beginning.copy(content=beginning.content[found.end() :]), *last.inline[at + 2 :])
    rest = (replace(last, inline=last.inline[:at]),) if at > 0 else ()
    return (*children[:-1], *rest), tuple(meaningful(by))


def facts(
    children: Sequence[Block], holes: Holes, what: str = "fact", example: str = "`- Born: 1980`"
) -> tuple[Block, ...]:
    """The facts of a card: each line, item or definition is one. Raises IssueError for what is none."""
    out: list[Block] = []
    for child in children:
        match child.name:
            case "fact":
                out.append(child)
            case "definitions":
                terms = [item for item in child.children if item.name == "term"]
                for term in terms:
                    at = child.children.index(term)
                    values = takewhile(lambda item: item.name != "term", child.children[at + 1 :])
                    body = tuple(block for value in values for block in value.children)
                    out.append(Block("fact", term.line, _NOTHING, term.inline, body))
            case "list":
                items = (line for item in child.children for line in item.children)
                out += (_fact(line.inline, line.line, holes, what, example) for line in items)
            case _:
                out += (_fact(line, child.line, holes, what, example) for line in lines(child.inline))
    return tuple(out)


def _fact(content: tuple[Token, ...], line: int, holes: Holes, what: str, example: str) -> Block:
    """`Term: value`; the term may stand in emphasis."""
    for at, token in enumerate(content):
        found = _COLON.search(token.content) if token.type == "text" else None
        if found is None:
            continue
        end = at + 1
        rest = token.content[found.end() :]
        # The colon of `**Born:** 1980` stands in the emphasis of the term.
        while not rest.strip() and end < len(content) and content[end].nesting < 0:
            end += 1
        term = (*content[:at], token.copy(content=token.content[: found.start()]), *content[at + 1 : end])
        value = _stripped((token.copy(content=rest), *content[end:]))
        if sum(part.nesting for part in term) == 0 and inline.text(term).strip() and inline.text(value).strip():
            text = Block("text", line, inline=value)
            return Block("fact", line, _NOTHING, tuple(meaningful(term)), (text,))
    fix = f"write each {what} on a line of its own, as {example}; a condition stands around the whole card"
    raise IssueError(Problem(f"this is no {what}", holes.path, line, fix=fix))


def _stripped(content: Sequence[Token]) -> tuple[Token, ...]:
    """Running text without white space at its beginning."""
    tokens = meaningful(content)
    if tokens and tokens[0].type == "text":
        tokens[0] = tokens[0].copy(content=tokens[0].content.lstrip())
    return tuple(tokens)


def without_dash(content: Sequence[Token]) -> tuple[Token, ...]:
    """Running text without the break, the dash or the colon that it begins with."""
    tokens = meaningful(content)
    while tokens and tokens[0].type in _BREAKS:
        tokens = tokens[1:]
    if tokens and tokens[0].type == "text":
        said = _BEGINNING.sub("", tokens[0].content, count=1)
        tokens = [tokens[0].copy(content=said), *tokens[1:]] if said else [*without_dash(tokens[1:])]
    return tuple(tokens)


def lines(content: Sequence[Token]) -> Iterator[tuple[Token, ...]]:
    """Running text, line by line."""
    line: list[Token] = []
    for token in content:
        if token.type in _BREAKS:
            yield tuple(line)
            line.clear()
        else:
            line.append(token)
    yield tuple(line)


def postscript(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks with a paragraph that begins with `P.S.`, and those directly below it, as a postscript."""
    for at, block in enumerate(blocks):
        if block.name == "paragraph" and block.inline and _POSTSCRIPT.match(block.inline[0].content):
            body = tuple(takewhile(lambda block: block.name == "paragraph", blocks[at:]))
            return (*blocks[:at], Block("postscript", block.line, _NOTHING, children=body), *blocks[at + len(body) :])
    return blocks


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
    tokens = meaningful(content)
    if not tokens or tokens[0].type != "directive_open":
        return None
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.type == "directive_open") - (token.type == "directive_close")
        if depth == 0:
            return tokens[0] if at == len(tokens) - 1 else None
    return None


def meaningful(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without those that are only white space."""
    return [token for token in tokens if not (token.type == "text" and not token.content.strip())]


def _directive(content: Sequence[Token], line: int) -> Block | None:
    """A directive alone in its paragraph, unless it is one that stands in sentences."""
    token = alone(content)
    if token is None or token.meta["inline"]:
        return None
    return Block(token.meta["name"], line, token.meta["data"], tuple(meaningful(content)[1:-1]))


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
    label = tuple(meaningful((beginning, *first.inline[1:at])))
    text = first.inline[at + 1 :]
    body = (replace(first, inline=text), *children[1:]) if text else children[1:]
    if not body:  # a label alone is what there is to say
        label, body = (), (replace(first, inline=label),)
    return Block("callout", line, {"kind": kind, **_NOTHING}, label, body)


def button(content: Sequence[Token], line: int) -> Block | None:
    """`**[label](address)**`, or `[**label**](address)`."""
    tokens = meaningful(content)
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
    return Block("button", line, {"href": str(link.attrGet("href")), "look": "solid"}, tuple(tokens[2:-2]))


def image(content: Sequence[Token], line: int) -> Block | None:
    """`![alt](address "caption")`, perhaps with a link around it."""
    tokens = meaningful(content)
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
