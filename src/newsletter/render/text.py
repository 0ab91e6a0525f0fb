"""The text part: made from the same blocks as the HTML, as carefully, never from the HTML.

One function a block of plain Markdown gives its logical lines, and one template `blocks/<name>.txt.j2` those of a block
of the catalogue; flowed.py wraps them. Whoever reads it in a terminal finds headings underlined, lists and quotes
marked, addresses whole and beside their label, tables aligned, images by what they show.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from newsletter.render import inline, text_table
from newsletter.render.catalogue import ADDRESSES, OPTIONAL, PARTS
from newsletter.render.flowed import WIDTH, Line, width
from newsletter.render.holes import Kind
from newsletter.render.running import RunningText
from newsletter.render.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from newsletter.render.block import Block
    from newsletter.render.holes import Holes
    from newsletter.render.theme import Machine

_UNDERLINES = {1: "=", 2: "-"}
_BULLETS = "-*+"
_EMPTY = Line()


class TextPart:
    """Turns blocks into logical lines of plain text."""

    def __init__(
        self, machine: Machine, holes: Holes, variables: Mapping[str, Any], resolve: Callable[[str], str]
    ) -> None:
        self._machine = machine
        self._holes = holes
        self._variables = {**variables, **spoken(variables["language"])}
        is_numbered = machine.theme.tokens.get("text", {}).get("links") == "numbered"
        self._running = RunningText(holes, resolve, numbered=is_numbered)
        self._words: Mapping[str, str] = variables["words"]
        self._kept: list[list[Line]] = []
        self._kept_mark = re.compile(rf"{holes.nonce}t(\d+)zq")

    def body(self, blocks: Sequence[Block]) -> Iterator[Line]:
        """The lines of an issue's blocks, and behind them the addresses of links that have numbers."""
        # Notes have the first numbers.
        self._running.first_number = 1 + sum(len(block.children) for block in blocks if block.name == "footnotes")
        yield from self.lines(blocks)
        if addresses := [*map(Line, self._running.numbered())]:
            yield from (*addresses, _EMPTY)

    def lines(self, blocks: Iterable[Block]) -> Iterator[Line]:
        """The lines of the blocks, with an empty one after each."""
        for block in blocks:
            if block.name == "control":
                yield self._mark_of(block)
                continue
            shown = False
            for line in _BLOCKS.get(block.name, TextPart._by_template)(self, block):
                shown = True
                yield line
            if shown:
                yield _EMPTY

    def _mark_of(self, control: Block) -> Line:
        """The mark of a condition between blocks, items or parts."""
        return Line(self._running.passes(control.data["marks"]), is_mark=True)

    def _trimmed(self, lines: Iterable[Line]) -> list[Line]:
        """The lines without empty ones at the end, whichever branch of a condition stands there."""
        out: list[Line] = []
        is_end, ends = True, []
        for line in reversed(list(lines)):
            if line.is_mark:
                for mark in reversed(list(self._holes.mark.finditer(line.text))):
                    match self._holes[int(mark[1])].kind:
                        case Kind.ENDIF:
                            ends.append(is_end)
                        case Kind.IF:
                            is_end = not ends or (ends.pop() and is_end)
                        case _:
                            is_end = bool(ends and ends[-1])
            elif line != _EMPTY:
                is_end = False
            if line != _EMPTY or not is_end:
                out.append(line)
        return out[::-1]

    def title(self, text: str, level: int) -> Iterator[Line]:
        """A heading, underlined as far as its level asks for it."""
        yield Line(text)
        if level in _UNDERLINES:
            yield Line(self.underline(text, _UNDERLINES[level]), fixed=True)

    def underline(self, text: str, sign: str = "=") -> str:
        """A line of signs below a text, as long as the text but no longer than the page."""
        return sign * min(width(text, self._holes.mark), WIDTH)

    # ── blocks of the catalogue ──

    def _by_template(self, block: Block) -> Iterator[Line]:
        """The lines that a block's template writes; without one, the label with the address, and the body."""
        path = f"blocks/{block.name}.txt.j2"
        if not self._machine.has(path):
            label = f"{self._label(block)}{self._running.address(block.data.get('href', ''))}".strip()
            yield from map(Line, [label] if label else [])
            yield from self._trimmed(self.lines(block.children))
            return
        variables = {
            **self._variables,
            **self._content(block),
            "quoted": lambda text: self._keep([_quoted(line) for line in self._lines_of(text)]),
            "fixed": lambda text: self._keep([replace(line, fixed=True) for line in self._lines_of(text)]),
            "underline": self.underline,
            "width": lambda text: width(text, self._holes.mark),
            "widest": lambda parts: max((width(part["label"], self._holes.mark) for part in parts), default=0),
        }
        yield from self._trimmed(self._lines_of(self._machine.run(path, variables).strip("\n")))

    def _label(self, block: Block) -> str:
        return " ".join(self._running.text(block.inline).split("\n"))

    def _content(self, block: Block) -> dict[str, Any]:
        """What a block's template receives of the block."""
        found: dict[str, Any] = {**block.data, "line": block.line, "label": self._label(block)}
        for name in ADDRESSES:
            if found.get(name):
                found[name] = self._running.whole(found[name])
        if block.name in PARTS:
            found["parts"] = [self._part(part) for part in block.children]
        else:
            body = self._trimmed(self.lines(block.children))
            found["content"] = self._keep(body) if block.children else "" if block.name in OPTIONAL else found["label"]
        return found

    def _part(self, part: Block) -> dict[str, Any]:
        """A part of a block that is made of parts, or the mark of a condition between them."""
        if part.name == "control":
            return {"content": self._keep([self._mark_of(part)]), "is_mark": True}
        return {**self._content(part), "name": part.name, "is_mark": False}

    def _keep(self, lines: list[Line]) -> str:
        """A mark on a line of its own that stands for lines while a template runs."""
        self._kept.append(lines)
        return f"{self._holes.nonce}t{len(self._kept) - 1}zq"

    def _lines_of(self, text: str) -> list[Line]:
        """The logical lines of what a template wrote, with those in them that it was handed."""
        out: list[Line] = []
        for written in text.split("\n"):
            if mark := self._kept_mark.search(written):
                out += _behind(written[: mark.start()], self._kept[int(mark[1])])
            elif written.strip() or (out and out[-1] != _EMPTY):
                out.append(Line(written.rstrip()))
        return out

    # ── blocks of plain Markdown ──

    def paragraph(self, block: Block) -> Iterator[Line]:
        for text in self._running.text(block.inline).split("\n"):
            if text.strip():
                yield Line(text.strip(" "))

    def heading(self, block: Block) -> Iterator[Line]:
        yield from self.title(" ".join(self._running.text(block.inline).split("\n")), block.data["level"])

    def items(self, block: Block) -> Iterator[Line]:
        number = block.data["start"]
        for at, item in enumerate(block.children):
            if item.name == "control":
                yield self._mark_of(item)
                continue
            bullet = f"{number}." if block.data["ordered"] else "-"
            number += 1
            if at and not block.data["tight"]:
                yield _EMPTY
            yield from self._item(item, bullet, tight=block.data["tight"])

    def _item(self, item: Block, bullet: str, *, tight: bool) -> Iterator[Line]:
        first = True
        for line in self._trimmed(self.lines(item.children)):
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
            else:
                yield _indented(line, len(bullet) + 1)
        if first:
            yield Line(bullet)

    def definitions(self, block: Block) -> Iterator[Line]:
        for at, item in enumerate(block.children):
            if item.name == "term":
                yield from [_EMPTY] if at and block.children[at - 1].name != "term" else []
                yield Line(self._label(item))
            else:
                yield from (_indented(line, 2) for line in self._trimmed(self.lines(item.children)))

    def footnotes(self, block: Block) -> Iterator[Line]:
        is_long = False
        for note in block.children:
            yield from [_EMPTY] if is_long else []
            is_long = len(note.children) > 1
            yield from self._item(note, f"[{note.data['number']}]", tight=False)

    def quote(self, block: Block) -> Iterator[Line]:
        yield from map(_quoted, self._trimmed(self.lines(block.children)))
        if by := self._label(block):
            yield Line(f"— {by}", depth=1)

    def code(self, block: Block) -> Iterator[Line]:
        for text in block.data["code"].rstrip("\n").split("\n"):
            yield Line(f"    {text.expandtabs(4)}", fixed=True)

    def rule(self, _: Block) -> Iterator[Line]:
        yield Line("* * *", fixed=True)

    def image(self, block: Block) -> Iterator[Line]:
        alt, caption, href = (block.data[key] for key in ("alt", "caption", "href"))
        if alt:
            yield Line(f"[{self._words['image']} {alt}]{self._running.address(href)}")
        elif href:
            yield Line(self._running.address(href).strip())
        if caption and caption != alt:
            yield Line(caption)

    def button(self, block: Block) -> Iterator[Line]:
        arrow = "←" if self._variables["direction"] == "rtl" else "→"
        yield Line(f"{arrow} {self._running.text(block.inline)}{self._running.address(block.data['href'])}")

    def html(self, block: Block) -> Iterator[Line]:
        for text in inline.strip_tags(block.data["html"]).split("\n"):
            if text.strip():
                yield Line(" ".join(text.split()))

    def table(self, block: Block) -> Iterator[Line]:
        if caption := block.data["caption"]:
            yield from (Line(caption), _EMPTY)
        rows = [[self._running.text(cell.inline).replace("\n", " ") for cell in row.children] for row in block.children]
        aligns = [cell.data["align"] for cell in block.children[0].children]
        yield from text_table.lines(rows, aligns, block.data["head_rows"], self._holes.mark)

    def text(self, block: Block) -> Iterator[Line]:
        yield from self.paragraph(block)


def _behind(text: str, lines: Sequence[Line]) -> Iterator[Line]:
    """Lines behind a text that stands before them; beside it, if the first of them is plain."""
    if text.strip() and lines and not (lines[0].depth or lines[0].fixed or lines[0].is_mark):
        yield replace(lines[0], text=f"{text}{lines[0].text}")
        lines = lines[1:]
    elif text.strip():
        yield Line(text.rstrip())
    yield from lines


def _indented(line: Line, columns: int) -> Line:
    return line if line.is_mark or line.depth or not line.text else replace(line, text=f"{' ' * columns}{line.text}")


def _quoted(line: Line) -> Line:
    return line if line.is_mark else replace(line, depth=line.depth + 1)


_BLOCKS: dict[str, Callable[[TextPart, Block], Iterator[Line]]] = {
    "paragraph": TextPart.paragraph,
    "text": TextPart.text,
    "heading": TextPart.heading,
    "list": TextPart.items,
    "quote": TextPart.quote,
    "code": TextPart.code,
    "definitions": TextPart.definitions,
    "footnotes": TextPart.footnotes,
    "rule": TextPart.rule,
    "table": TextPart.table,
    "image": TextPart.image,
    "button": TextPart.button,
    "html": TextPart.html,
}
