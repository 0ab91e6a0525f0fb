"""Places: where in a mail's HTML stands what the author wrote in a line, and how that is marked for the eye.

HTML knows nothing of lines. What the survey knows of a line, its words, its link or its image, is looked for in the
HTML in the author's order; what is not found (a branch that this reader does not get) has no place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.finding import Spot
    from newsletter.manuscript import Survey

_TOKEN = re.compile(
    r"<!--.*?-->|<(style|title|script)\b.*?</\1\s*>|<(/?)([a-zA-Z][\w:-]*)((?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>",
    re.DOTALL,
)
_BLOCKS = frozenset(
    ("p", "td", "th", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "div", "a", "dt", "dd", "summary")
)
_SLOT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_UNSEEN = re.compile(r"[\s\u00ad\u034f\u200b-\u200f\u2007\u2060\ufeff]+")
_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
MARK = "newsletter-mark"
_SHEET = (
    f"<style>#{MARK}{{outline:3px solid #c2410c !important;outline-offset:3px !important;"
    "box-shadow:0 0 0 8px rgba(194,65,12,.18) !important;border-radius:2px}</style>"
)


@dataclass(frozen=True, slots=True)
class Place:
    """An element of the HTML that shows what was written at `spot`."""

    kind: str  # heading, paragraph, image, link, button …
    words: str
    spot: Spot
    start: int  # where its tag begins
    name_end: int  # where attributes may be added


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    start: int
    name_end: int
    attributes: str
    at: int  # in the text

    def said(self) -> dict[str, str]:
        return {name.lower(): unescape(a or b) for name, a, b in _ATTRIBUTE.findall(self.attributes)}


class _Read:
    """A document's text without spaces, the tags, and for each run of text the block that it stands in."""

    def __init__(self, html: str) -> None:
        pieces: list[str] = []
        self.tags: list[_Tag] = []
        self.begins: list[int] = []  # of runs, in the text
        self.blocks: list[_Tag | None] = []
        opened: list[_Tag] = []
        body = html.find("<body")
        position, length = max(0, body), 0
        for token in _TOKEN.finditer(html, position):
            if words := _bare(html[position : token.start()]):
                self.begins.append(length)
                self.blocks.append(opened[-1] if opened else None)
                pieces.append(words)
                length += len(words)
            position = token.end()
            name = (token[3] or "").lower()
            if not name:
                continue
            if token[2]:
                if any(each.name == name for each in opened):
                    while opened.pop().name != name:
                        pass
                continue
            tag = _Tag(name, token.start(), token.start() + 1 + len(name), token[4] or "", length)
            self.tags.append(tag)
            if name in _BLOCKS:
                opened.append(tag)
        self.text = "".join(pieces)

    def block_at(self, position: int) -> _Tag | None:
        return self.blocks[bisect_right(self.begins, position) - 1] if self.begins else None


def places(html: str, survey: Survey) -> tuple[Place, ...]:
    """What of the survey is found in the HTML, by its order there."""
    read = _Read(html)
    found = [*_passages(read, survey), *_links(read, survey), *_images(read, survey)]
    return tuple(sorted(found, key=lambda place: place.start))


def nearest(known: tuple[Place, ...], path: str, line: int, column: int = 0) -> Place | None:
    """The place that shows this line: the one written at this very column, else the first of the line, else before."""
    here = [place for place in known if place.spot.path == path and 0 < place.spot.line <= line]
    if not here:
        return None
    last = max(place.spot.line for place in here)
    in_line = [place for place in here if place.spot.line == last]
    if last == line and column:
        exact = [place for place in here if (place.spot.line, place.spot.column) == (line, column)]
        return (exact or in_line)[0]
    return in_line[0]


def marked(html: str, place: Place | None) -> str:
    """The HTML with the place outlined, so that a frame in which no script runs can be scrolled to it."""
    if place is None:
        return html
    html = f'{html[: place.name_end]} id="{MARK}"{html[place.name_end :]}'
    return html.replace("</head>", f"{_SHEET}</head>", 1)


def _bare(html: str) -> str:
    return _UNSEEN.sub("", unescape(html))


def _key(words: str) -> str:
    """What of an author's words is the same for everybody: the longest piece between slots."""
    return max((_UNSEEN.sub("", piece) for piece in _SLOT.split(words)), key=len, default="")


def _passages(read: _Read, survey: Survey) -> Iterator[Place]:
    cursor = 0
    for passage in survey.passages:
        if not (key := _key(passage.text)):
            continue
        at = read.text.find(key, cursor)
        if at < 0:
            at = read.text.find(key)
        else:
            cursor = at
        tag = read.block_at(at) if at >= 0 else None
        if tag is not None:
            yield Place(passage.block, passage.text, passage.spot, tag.start, tag.name_end)


def _links(read: _Read, survey: Survey) -> Iterator[Place]:
    waiting = [(tag, tag.said().get("href", "")) for tag in read.tags if tag.name == "a"]
    for link in survey.links:
        label = _key(link.text)
        for number, (tag, href) in enumerate(waiting):
            same = href == link.href or (link.href and href.endswith(link.href))
            if (same or not href) and read.text.startswith(label, tag.at):
                yield Place("link" if link.block == "paragraph" else link.block, link.text, link.spot,
                            tag.start, tag.name_end)  # fmt: skip
                del waiting[: number + 1]
                break
        else:
            # A link that leads nowhere is no link any more: its words are there.
            at = read.text.find(label) if len(label) > 1 else -1
            if at >= 0 and (block := read.block_at(at)) is not None:
                yield Place("link", link.text, link.spot, block.start, block.name_end)


def _images(read: _Read, survey: Survey) -> Iterator[Place]:
    waiting = [(tag, tag.said()) for tag in read.tags if tag.name == "img"]
    for image in survey.images:
        for number, (tag, said) in enumerate(waiting):
            same = said.get("src") == image.src or (
                image.alt and _UNSEEN.sub("", said.get("alt", "")) == _key(image.alt)
            )
            if same or (not image.alt and said.get("src", "").startswith(("cid:", "/"))):
                yield Place("image", image.alt or image.src, image.spot, tag.start, tag.name_end)
                del waiting[: number + 1]
                break
