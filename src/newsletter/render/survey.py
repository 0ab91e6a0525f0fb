"""The survey: links, images, headings and running text of a body, each with the place where it was written.

Blocks know the line that they begin on. Where exactly in the author's file something stands is found by looking for it
there: an address or a label is nearly always written as it is read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from newsletter.finding import Spot
from newsletter.manuscript import Heading, Image, Link, Passage, Survey
from newsletter.render import inline
from newsletter.render.catalogue import ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from newsletter.render.block import Block
    from newsletter.render.holes import Holes
    from newsletter.render.snippets import Expanded

_FAR = 60  # lines that a block is looked through for something of it
_TEXTS = ("caption", "title", "label", "by", "to", "role", "place")  # in a block's data
_WORDED = {"video", "subscribe"}  # where the author writes no words, the theme has some


def surveyed(body: Sequence[Block], written: Expanded, holes: Holes) -> Survey:
    """What stands in the blocks."""
    surveyor = _Surveyor(_Finder(written), holes)
    surveyor.blocks(body)
    return Survey(
        tuple(surveyor.links),
        tuple(surveyor.images),
        tuple(surveyor.headings),
        tuple(surveyor.passages),
        tuple(surveyor.markup),
    )


class _Finder:
    """Finds where in the author's files something is written."""

    def __init__(self, written: Expanded) -> None:
        self._written = written
        self._lines = written.text.split("\n")
        self._index = {number: at for at, number in zip(range(len(self._lines)), written.lines, strict=False)}
        self._seen: Counter[tuple[int, str]] = Counter()  # of a line and a text, the column to look behind

    def spot(self, line: int, *wanted: str) -> Spot:
        """The place of the first of the texts that is found from `line` on, each time the next one of its kind."""
        start = self._index.get(line, 0)
        for text in filter(None, wanted):
            for at in range(start, min(start + _FAR, len(self._lines))):
                column = self._lines[at].find(text, self._seen[at, text])
                if column >= 0:
                    self._seen[at, text] = column + len(text)
                    path, number = self._written.place(self._written.lines[at])
                    return Spot(path, number, column + 1)
        return Spot(*self._written.place(line))


@dataclass(slots=True)
class _Surveyor:
    finder: _Finder
    holes: Holes
    links: list[Link] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    markup: list[Passage] = field(default_factory=list)

    def blocks(self, blocks: Sequence[Block], language: str = "") -> None:
        for block in blocks:
            spoken = str(block.data.get("attributes", {}).get("lang", "")) or language
            self._block(block, spoken)
            self.blocks(block.children, spoken)

    def _block(self, block: Block, language: str) -> None:
        data, text = block.data, self._text(block.inline)
        if block.name == "heading":
            self.headings.append(
                Heading(data.get("written", data["level"]), text, self.finder.spot(block.line, text, "#"))
            )
        elif block.name == "html":
            self._raw(data["html"], block.line)
        read = self._text([token for token in block.inline if token.type != "code_inline"])
        if read.strip():
            self.passages.append(Passage(read, Spot(*self._place(block.line)), _plain(block.name), language))
        for name in _TEXTS:
            said = data.get(name)
            if isinstance(said, str) and said.strip():
                self.passages.append(Passage(self._written(said), Spot(*self._place(block.line)), name, language))
        self._addresses(block, text)
        self._inline(block.inline, block.line, block.name)

    def _addresses(self, block: Block, text: str) -> None:
        """What a block's own data leads to and shows."""
        data = block.data
        if block.name in _WORDED and not text.strip():
            text = str(data.get("service") or block.name)  # stands for the words of the theme
        for name in sorted(ADDRESSES & data.keys()):
            address = self._written(str(data[name] or ""))
            if name in {"src", "poster"}:
                if address:
                    alt = data.get("alt", text if block.name in _WORDED else None)
                    told = None if alt is None and block.name == "image" else self._written(str(alt or ""))
                    width = _pixels(data.get("width"))
                    spot = self._found(block.line, address, told or "", "!")
                    self.images.append(Image(address, told, spot, width, block.name))
            elif address or (name == "href" and block.name == "button"):
                label = text or self._written(str(data.get("alt") or data.get("label") or ""))
                self.links.append(Link(address, label, self._found(block.line, address, label), block.name))

    def _inline(self, tokens: Sequence[Token], line: int, block: str) -> None:
        opened: list[tuple[str, int, int]] = []
        for at, token in enumerate(tokens):
            match token.type:
                case "softbreak" | "hardbreak":
                    line += 1
                case "link_open":
                    opened.append((self._written(str(token.attrGet("href") or "")), at, line))
                case "link_close" if opened:
                    self._close(opened, tokens[:at], block)
                case "image":
                    src, alt = self._written(str(token.attrGet("src") or "")), self._text(token.children or ())
                    width = _pixels(token.attrGet("width"))
                    self.images.append(Image(src, alt, self._found(line, src, alt, "!"), width, _plain(block)))
                case "html_inline" if (address := inline.address_of(token.content)) is not None:
                    opened.append((self._written(address), at, line))
                case "html_inline" if token.content.lower().startswith("</a") and opened:
                    self._close(opened, tokens[:at], block)
                case "html_inline":
                    self._raw(token.content, line)

    def _close(self, opened: list[tuple[str, int, int]], before: Sequence[Token], block: str) -> None:
        href, start, line = opened.pop()
        label = self._text(before[start + 1 :])
        self.links.append(Link(href, label, self._found(line, href, label), _plain(block)))

    def _raw(self, html: str, line: int) -> None:
        """What the author wrote as HTML."""
        self.markup.append(Passage(self._written(html), Spot(*self._place(line)), "html"))
        reader = _Markup()
        reader.feed(html)
        reader.close()
        for address, text in reader.links:
            href = self._written(address)
            self.links.append(Link(href, self._written(text).strip(), self._found(line, href), "html"))
        for address, alt in reader.images:
            src = self._written(address)
            self.images.append(Image(src, alt, self._found(line, src), block="html"))

    def _found(self, line: int, address: str, label: str = "", mark: str = "") -> Spot:
        forms = dict.fromkeys((address, unquote(address)))
        labelled = (f"{mark}[{label}]({form}" for form in forms)
        return self.finder.spot(line, *labelled, *(f"]({form}" for form in forms if form), *forms, label)

    def _place(self, line: int) -> tuple[str, int]:
        spot = self.finder.spot(line)
        return spot.path, spot.line

    def _text(self, tokens: Sequence[Token]) -> str:
        return self._written(inline.text(tokens))

    def _written(self, text: Any) -> str:
        return self.holes.restore(str(text))


class _Markup(HTMLParser):
    """The links and images of HTML that an author wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.images: list[tuple[str, str | None]] = []
        self._open: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(reversed(attrs))  # of two with one name, the first counts
        if tag == "a" and "href" in told:
            self._open.append(len(self.links))
            self.links.append((told["href"] or "", ""))
        elif tag == "img":
            self.images.append((told.get("src") or "", None if "alt" not in told else told["alt"] or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            href, text = self.links[self._open[-1]]
            self.links[self._open[-1]] = (href, text + data)


def _pixels(written: object) -> int:
    text = str(written or "").removesuffix("px")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def _plain(block: str) -> str:
    return "paragraph" if block == "text" else block
