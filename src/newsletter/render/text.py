"""The text part: made from the same blocks as the HTML, as carefully, never from the HTML.

One function a block gives its logical lines; flowed.py wraps them. Whoever reads it in a terminal finds headings
underlined, lists and quotes marked, addresses whole and beside their label, tables aligned, images by what they show.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.render import inline
from newsletter.render.flowed import WIDTH, Line, width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from markdown_it.token import Token

    from newsletter.render.blocks import Block
    from newsletter.render.holes import Holes

_UNDERLINES = {1: "=", 2: "-"}
_MARKS = {"strong_open": "*", "strong_close": "*", "em_open": "_", "em_close": "_", "s_open": "~", "s_close": "~"}
_BULLETS = "-*+"
_EMPTY = Line()


class TextPart:
    """Turns blocks into logical lines of plain text."""

    def __init__(self, holes: Holes, resolve: Callable[[str], str], words: Mapping[str, str]) -> None:
        self._holes = holes
        self._resolve = resolve
        self._words = words

    def lines(self, blocks: Iterable[Block]) -> Iterator[Line]:
        """The lines of the blocks, with an empty one after each."""
        for block in blocks:
            if block.name == "control":
                yield Line(block.data["marks"], is_mark=True)
                continue
            shown = False
            for line in _BLOCKS[block.name](self, block):
                shown = True
                yield line
            if shown:
                yield _EMPTY

    def title(self, text: str, level: int) -> Iterator[Line]:
        """A heading, underlined as far as its level asks for it."""
        yield Line(text)
        if level in _UNDERLINES:
            yield Line(self.underline(text, _UNDERLINES[level]), fixed=True)

    def underline(self, text: str, sign: str = "=") -> str:
        """A line of signs below a text, as long as the text but no longer than the page."""
        return sign * min(width(text, self._holes.mark), WIDTH)

    def paragraph(self, block: Block) -> Iterator[Line]:
        for text in self.inline(block.inline).split("\n"):
            if text.strip():
                yield Line(text.strip(" "))

    def heading(self, block: Block) -> Iterator[Line]:
        yield from self.title(" ".join(self.inline(block.inline).split("\n")), block.data["level"])

    def items(self, block: Block) -> Iterator[Line]:
        number = block.data["start"]
        for at, item in enumerate(block.children):
            if item.name == "control":
                yield Line(item.data["marks"], is_mark=True)
                continue
            bullet = f"{number}." if block.data["ordered"] else "-"
            number += 1
            if at and not block.data["tight"]:
                yield _EMPTY
            yield from self._item(item, bullet, tight=block.data["tight"])

    def _item(self, item: Block, bullet: str, *, tight: bool) -> Iterator[Line]:
        first = True
        for line in _trimmed(self.lines(item.children)):
            if line == _EMPTY and tight:
                continue
            if first and not line.is_mark:
                # What begins an item with more than text (a quote, code) stands below its bullet.
                if line.depth or line.fixed:
                    yield Line(bullet)
                    yield replace(line, text=f"  {line.text}" if line.fixed else line.text)
                else:
                    yield replace(line, text=f"{bullet} {line.text}")
                first = False
            elif line.text and not line.is_mark and not line.depth:
                yield replace(line, text=f"{' ' * (len(bullet) + 1)}{line.text}")
            else:
                yield line
        if first:
            yield Line(bullet)

    def quote(self, block: Block) -> Iterator[Line]:
        for line in _trimmed(self.lines(block.children)):
            yield line if line.is_mark else replace(line, depth=line.depth + 1)

    def code(self, block: Block) -> Iterator[Line]:
        for text in block.data["code"].rstrip("\n").split("\n"):
            yield Line(f"    {text.expandtabs(4)}", fixed=True)

    def rule(self, _: Block) -> Iterator[Line]:
        yield Line("* * *", fixed=True)

    def image(self, block: Block) -> Iterator[Line]:
        alt, caption, href = (block.data[key] for key in ("alt", "caption", "href"))
        if alt:
            yield Line(f"[{self._words['image']} {alt}]{self._address(href)}")
        elif href:
            yield Line(self._address(href).strip())
        if caption and caption != alt:
            yield Line(caption)

    def button(self, block: Block) -> Iterator[Line]:
        yield Line(f"→ {self.inline(block.inline)}{self._address(block.data['href'])}")

    def html(self, block: Block) -> Iterator[Line]:
        for text in inline.strip_tags(block.data["html"]).split("\n"):
            if text.strip():
                yield Line(" ".join(text.split()))

    def table(self, block: Block) -> Iterator[Line]:
        rows = [[self.inline(cell.inline).replace("\n", " ") for cell in row.children] for row in block.children]
        aligns = [cell.data["align"] for cell in block.children[0].children]
        heads = block.data["head_rows"]
        widths = [max(width(row[at], self._holes.mark) for row in rows) for at in range(len(aligns))]
        if sum(widths) + 3 * (len(widths) - 1) <= WIDTH:
            yield from self._aligned(rows, widths, aligns, heads)
        else:
            yield from self._listed(rows, heads)

    def _aligned(
        self, rows: Sequence[Sequence[str]], widths: Sequence[int], aligns: Sequence[str], heads: int
    ) -> Iterator[Line]:
        for at, row in enumerate(rows):
            cells = (self._padded(*cell) for cell in zip(row, widths, aligns, strict=True))
            yield Line("   ".join(cells).rstrip(), fixed=True)
            if at + 1 == heads:
                yield Line("   ".join("-" * size for size in widths), fixed=True)

    def _padded(self, text: str, columns: int, align: str) -> str:
        free = columns - width(text, self._holes.mark)
        left = {"right": free, "center": free // 2}.get(align, 0)
        return " " * left + text + " " * (free - left)

    def _listed(self, rows: Sequence[Sequence[str]], heads: int) -> Iterator[Line]:
        """A table too wide for the page: each row as lines of `head: value`."""
        names = rows[0] if heads else [""] * len(rows[0])
        for at, row in enumerate(rows[heads:]):
            if at:
                yield _EMPTY
            for name, value in zip(names, row, strict=True):
                yield Line(f"{name}: {value}" if name else value)

    def text(self, block: Block) -> Iterator[Line]:
        yield from self.paragraph(block)

    def inline(self, tokens: Sequence[Token]) -> str:
        """Running text; a line feed stands for a line break that the author asked for."""
        out: list[str] = []
        opened: list[tuple[int, str]] = []
        for token in tokens:
            match token.type:
                case "text" | "code_inline":
                    out.append(token.content)
                case "softbreak":
                    out.append(" ")
                case "hardbreak":
                    out.append("\n")
                case "image":
                    if alt := inline.text(token.children or ()):
                        out.append(f"[{alt}]")
                case "html_inline":
                    if (href := inline.address_of(token.content)) is not None:
                        opened.append((len(out), href))
                    elif token.content.casefold().startswith("</a") and opened:
                        self._end_link(out, *opened.pop())
                    else:
                        out.append(inline.strip_tags(token.content))
                case "link_open":
                    # An address that is its own label is not said twice.
                    opened.append((len(out), "" if token.info == "auto" else str(token.attrGet("href") or "")))
                case "link_close":
                    self._end_link(out, *opened.pop())
                case _:
                    out.append(_MARKS.get(token.type, "" if token.nesting else token.content))
        return "".join(out)

    def _end_link(self, out: list[str], at: int, href: str) -> None:
        label = "".join(out[at:]).strip()
        if href.removeprefix("mailto:") != label:
            out.append(self._address(href))

    def _address(self, href: str) -> str:
        """An address after its label; one within the page leads nowhere in plain text."""
        if not href or href.startswith("#"):
            return ""
        address = self._resolve(href).removeprefix("mailto:")
        return f" <{self.in_address(address)}>"

    def in_address(self, address: str) -> str:
        """The address, with its slots told to be parts of an address."""
        return self._holes.mark.sub(lambda m: m[0] if not m.start() else m[0][:-2] + "uzq", address)


def _trimmed(lines: Iterable[Line]) -> list[Line]:
    """The lines without empty ones at the end."""
    out = list(lines)
    last = next((at for at in range(len(out) - 1, -1, -1) if not out[at].is_mark), None)
    if last is not None and out[last] == _EMPTY:
        del out[last]
    return out


_BLOCKS: dict[str, Callable[[TextPart, Block], Iterator[Line]]] = {
    "paragraph": TextPart.paragraph,
    "text": TextPart.text,
    "heading": TextPart.heading,
    "list": TextPart.items,
    "quote": TextPart.quote,
    "code": TextPart.code,
    "rule": TextPart.rule,
    "table": TextPart.table,
    "image": TextPart.image,
    "button": TextPart.button,
    "html": TextPart.html,
}
