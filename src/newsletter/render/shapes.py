"""Shapes: what a block of layout or media is made of, read from the plain Markdown that stands in it.

    beside, hero, person    an image first, then text              → the image's address beside the text
    gallery                 an image a line                        → image …
    cards, social           a list of items that begin with a link → card …, profile …
    buttons                 buttons                                → button …
    chart                   a list of `name: number`               → bar …
    columns                 two or three                           → column …
    video                   an address                             → its service, and a picture of it

So an issue that is read as Markdown elsewhere still shows its images and its links.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from newsletter.errors import IssueError, Problem
from newsletter.render import inline, recognise, videos
from newsletter.render.block import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markdown_it.token import Token

    from newsletter.render.holes import Holes

_BESIDE, _PORTRAIT, _THUMBNAIL = 200, 96, 88  # CSS pixels, when the author gave no width
_GALLERY = 640  # CSS pixels across all columns; no theme is wider
_MOST_COLUMNS = 3
_NUMBER = re.compile(r"(?P<number>\d{1,3}(?:[ '’\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)(?P<unit>.*)")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_NOTHING = {"classes": (), "anchor": ""}


def shaped(block: Block, holes: Holes) -> Block:
    """The block with what it is made of. Raises IssueError when something else stands in it."""
    shape = _SHAPES.get(block.name)
    return shape(block, holes) if shape else block


def _refuse(message: str, fix: str, line: int, holes: Holes) -> IssueError:
    return IssueError(Problem(holes.restore(message), holes.path, line, fix=fix))


def _pictured(width: int, *, needed: bool = True) -> Callable[[Block, Holes], Block]:
    """A block that begins with an image, shown as wide as the author says, or else as wide as this."""

    def shape(block: Block, holes: Holes) -> Block:
        image, rest = _first_image(block.children)
        if image is None and needed:
            fix = "write ![what it shows](address) on its first line"
            raise _refuse(f"`:::{block.name}` does not begin with an image", fix, block.line, holes)
        data = {"src": "", "alt": "", "href": "", "caption": "", **(image.data if image else {}), **block.data}
        return replace(block, data={**data, "width": data.get("width") or width}, children=rest)

    return shape


def _first_image(children: tuple[Block, ...]) -> tuple[Block | None, tuple[Block, ...]]:
    first = children[0] if children else None
    if first is not None and first.name == "image":
        return first, children[1:]
    if first is None or first.name not in {"paragraph", "text"}:
        return None, children
    line = next(recognise.lines(first.inline))
    image = recognise.image(line, first.line)
    if image is None:
        return None, children
    return image, (replace(first, inline=first.inline[len(line) + 1 :]), *children[1:])


def _gallery(block: Block, holes: Holes) -> Block:
    columns = int(block.data["columns"])
    parts: list[Block] = []
    for child in block.children:
        lines = recognise.lines(child.inline) if child.name == "paragraph" else ()
        found = [child] if child.name == "image" else [recognise.image(line, child.line) for line in lines]
        if not found or None in found:
            fix = "write an image on each line: ![what it shows](address); a condition stands around the whole gallery"
            raise _refuse("in `gallery` stands something that is no image", fix, child.line, holes)
        parts += (image for image in found if image)
    sized = (replace(part, data={**part.data, "width": part.data["width"] or _GALLERY // columns}) for part in parts)
    return replace(block, data={**block.data, "columns": columns}, children=tuple(sized))


def _cards(block: Block, holes: Holes) -> Block:
    return replace(block, children=tuple(_linked(item, "card", holes) for item in _items(block, holes)))


def _social(block: Block, holes: Holes) -> Block:
    parts = tuple(_linked(item, "profile", holes) for item in _items(block, holes))
    if long := next((part for part in parts if part.children), None):
        raise _refuse("in `social` an item is a link alone", "write - [Mastodon](address)", long.line, holes)
    return replace(block, children=parts)


def _items(block: Block, holes: Holes) -> tuple[Block, ...]:
    out: list[Block] = []
    for child in block.children:
        if child.name not in {"list", "control"}:
            fix = "write a list: - [Title](address)"
            raise _refuse(f"in `{block.name}` stands something that is no list", fix, child.line, holes)
        out += child.children if child.name == "list" else (child,)
    return tuple(out)


def _linked(item: Block, name: str, holes: Holes) -> Block:
    """`[label](address)`, perhaps behind an image, and what is said of it."""
    if item.name == "control":
        return item
    image, rest = _first_image(item.children)
    first = rest[0] if rest else None
    tokens = recognise.meaningful(first.inline) if first else []
    if image is None and tokens and tokens[0].type == "image":  # on the line of the link
        image, tokens = recognise.image(tokens[:1], item.line), tokens[1:]
    at = 1 if tokens and tokens[0].type == "strong_open" else 0
    if first is None or len(tokens) <= at or tokens[at].type != "link_open" or not tokens[at].attrGet("href"):
        fix = "write - [Title](address), and behind it what it is about"
        raise _refuse(f"an item of `{'social' if name == 'profile' else 'cards'}` is no link", fix, item.line, holes)
    end = next(i for i, token in enumerate(tokens) if token.type == "link_close")
    said = recognise.without_dash(tokens[end + 1 + at :])
    body = (*((Block("paragraph", first.line, inline=said),) if said else ()), *rest[1:])
    picture = {"src": "", "alt": "", **({key: image.data[key] for key in ("src", "alt")} if image else {})}
    data = {**_NOTHING, **picture, "width": _THUMBNAIL, "href": str(tokens[at].attrGet("href"))}
    return Block(name, item.line, data, tuple(tokens[at + 1 : end]), body)


def _buttons(block: Block, holes: Holes) -> Block:
    parts: list[Block] = []
    for child in block.children:
        lines = recognise.lines(child.inline) if child.name == "paragraph" else ()
        found = [child] if not lines else [recognise.button(line, child.line) for line in lines]
        if any(each is None or each.name not in {"button", "control"} for each in found):
            fix = "write **[Label](address)** or ::button[Label]{href=…}, each on a line of its own"
            raise _refuse("in `buttons` stands something that is no button", fix, child.line, holes)
        parts += (each for each in found if each)
    return replace(block, children=tuple(parts))


def _columns(block: Block, holes: Holes) -> Block:
    count = sum(child.name == "column" for child in block.children)
    if not 2 <= count <= _MOST_COLUMNS:
        fix = "write two or three; with one, the text itself is the column"
        raise _refuse(f"`columns` has {count} column{'s' * (count != 1)}", fix, block.line, holes)
    return block


def _chart(block: Block, holes: Holes) -> Block:
    facts = recognise.facts(block.children, holes, "number of a chart", "`- May: 120`")
    found = [(fact, _number(fact, holes)) for fact in facts]
    most = max((number for _, (number, _) in found), default=0) or 1
    bars = (
        Block(
            "bar",
            fact.line,
            {**_NOTHING, "value": number, "unit": unit, "share": round(100 * number / most)},
            fact.inline,
        )
        for fact, (number, unit) in found
    )
    return replace(block, children=tuple(bars))


def _number(fact: Block, holes: Holes) -> tuple[float, str]:
    """A number as it is written, and what stands behind it."""
    text = " ".join(inline.text(child.inline) for child in fact.children).strip()
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise _refuse(f"`{text}` begins with no number", "write it in digits: - May: 120", fact.line, holes)
    if _THOUSANDS.fullmatch(found["number"]):
        digits = re.sub(r"\D", "", found["number"])
        fix = f"write {digits}, and it is set in the issue's language, or {found['number']}0 for the decimals"
        raise _refuse(
            f"`{found['number']}` is thousands in some languages and decimals in others", fix, fact.line, holes
        )
    number = float(re.sub(r"[ '’\u00a0\u202f]", "", found["number"]).replace(",", "."))
    return number, found["unit"].rstrip()


def _event(block: Block, holes: Holes) -> Block:
    first, last, begin, end = (block.data[key] for key in ("date", "until", "time", "end"))
    days = bool(last) and last != first
    if (last and last < first) or (end and begin and end < begin and not days):
        fix = "let `until` and `end` come later; an event that goes on after midnight has both"
        raise _refuse("an event ends before it begins", fix, block.line, holes)
    if end and not begin:
        raise _refuse("an event has an `end` and no `time`", "say when it begins: {time=18:30}", block.line, holes)
    has_file = block.data["ics"] != "no"
    said = {"ics": block.data["ics"] if has_file else "", "has_file": has_file, "attached": ""}
    return replace(block, data={**block.data, **said})


def _video(block: Block, _: Holes) -> Block:
    data: dict[str, Any] = dict(block.data)
    poster = data.pop("poster", "")
    video = videos.known(data["href"])
    guess = video.poster if video and not poster else ""
    said = {"src": poster or guess, "is_guessed": bool(guess), "service": video.service if video else ""}
    said["lookup"] = video.lookup if video and not poster else ""
    return replace(block, data={**data, **said})


def bare_video(content: Sequence[Token], line: int) -> Block | None:
    """A paragraph of nothing but the address of a video."""
    tokens = recognise.meaningful(content)
    if len(tokens) != len(("link_open", "text", "link_close")) or tokens[0].info != "auto":
        return None
    href = str(tokens[0].attrGet("href") or "")
    return Block("video", line, {**_NOTHING, "href": href, "poster": ""}) if videos.known(href) else None


_SHAPES: Mapping[str, Callable[[Block, Holes], Block]] = {
    "beside": _pictured(_BESIDE),
    "hero": _pictured(0),
    "person": _pictured(_PORTRAIT, needed=False),
    "gallery": _gallery,
    "cards": _cards,
    "social": _social,
    "buttons": _buttons,
    "columns": _columns,
    "chart": _chart,
    "event": _event,
    "video": _video,
}
