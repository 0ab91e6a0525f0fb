"""Pieces: each block through its template, and what comes out put together into the sections of a page.

    block ──template──▶ HTML            stands in the running text, which becomes one <mj-text> with its neighbours
                        <mj-…>          stands in a column, between runs of text
                        <mj-section>    stands across the page

A block that holds others receives them as `content`, running text, and an MJML template also as `elements`, what can
stand in a column. One that is made of parts (`columns` of `column`) receives `parts`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from newsletter.errors import IssueError, Problem
from newsletter.render import bounds, inline, raw
from newsletter.render.catalogue import ADDRESSES, ATTRIBUTED, OPTIONAL, PARTS
from newsletter.render.levels import Level, Piece, widen_conditions
from newsletter.render.listing import coloured
from newsletter.render.spoken import spoken
from newsletter.render.theme import PROSE, made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from markdown_it.token import Token

    from newsletter.errors import ThemeError
    from newsletter.render.block import Block
    from newsletter.render.holes import Holes
    from newsletter.render.kept import Kept
    from newsletter.render.theme import Machine

GAP = 24  # CSS pixels between two columns
_DEEPEST_OF_OURS = 100  # elements that blocks may open around the author's own
_SECTIONS = ("<mj-section", "<mj-wrapper", "<mj-hero", "<mj-raw")


class _Later:
    """Markup that is only made when a template asks for it."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def __html__(self) -> str:
        return self._make()


class Pieces:
    """Turns blocks into pieces, and pieces into sections."""

    def __init__(
        self,
        machine: Machine,
        holes: Holes,
        variables: Mapping[str, Any],
        resolve: Callable[[str], str],
        kept: Kept,
    ) -> None:
        self._machine = machine
        self._holes = holes
        self._variables = {**variables, **spoken(variables["language"])}
        self._room = machine.theme.text_width
        self._resolve = resolve
        self._kept = kept
        self.owners: list[tuple[str, str]] = []  # MJML of a block, and the template that wrote it

    def _pieces(self, blocks: Iterable[Block]) -> list[Piece]:
        pieces = [self._piece(block) for block in blocks]
        widen_conditions(pieces, self._holes)
        return pieces

    def _piece(self, block: Block) -> Piece:
        if block.name == "control":
            return Piece(Level.TEXT, block.data["marks"], block)
        if block.name == "html":
            return Piece(Level.TEXT, block.data["html"], block)
        path = self._template(block.name)
        is_mjml = self._machine.is_mjml(path)
        variables = {**self._variables, **self._content(block, is_mjml=is_mjml), "room": self._room}
        if not is_mjml:
            return Piece(Level.TEXT, _named(self._machine.run(path, variables), block.data), block)
        markup = _named(self._machine.run(path, self._kept.markup_of(variables)).strip(), block.data)
        self.owners.append((markup, path))
        return Piece(Level.PAGE if markup.startswith(_SECTIONS) else Level.COLUMN, markup, block)

    def _template(self, name: str) -> str:
        path = f"blocks/{name}.mjml.j2"
        if not self._machine.has(path):
            raise self._machine.error(path, f"the theme has no template for the block {name!r}")
        return path

    def _inline(self, tokens: Sequence[Token]) -> Markup:
        """Running text, with the blocks that stand in its sentences."""
        return made(inline.html(tokens, self._resolve, self._in_sentence))

    def _in_sentence(self, name: str, data: Mapping[str, Any], content: str, label: str) -> str:
        variables = {**self._variables, **self._resolved(data), "content": made(content), "label": label}
        return _named(self._machine.run(self._template(name), variables).strip(), data)

    def _resolved(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """A block's data with its addresses made whole."""
        found = dict(data)
        if "src" in found:
            found.setdefault("picture", None)  # what was prepared for it, if anything was
        for name in ADDRESSES:
            if found.get(name):
                found[name] = self._resolve(found[name])
        return found

    def _content(self, block: Block, *, is_mjml: bool) -> dict[str, Any]:
        """What a block's template receives of the block."""
        found = {**self._resolved(block.data), "line": block.line}
        if block.name == "list":
            found["items"] = [self._item(item) for item in block.children]
        elif block.name == "code":
            found["code"] = made(coloured(block.data["code"], block.data["language"]))
        elif block.name == "definitions":
            found["items"] = [self._definition(item) for item in block.children]
        elif block.name == "footnotes":
            found["notes"] = [{**note.data, "content": made(self._nested(note))} for note in block.children]
        elif block.name == "table":
            rows = [[self._cell(cell) for cell in row.children] for row in block.children]
            found["head"], found["rows"] = rows[: block.data["head_rows"]], rows[block.data["head_rows"] :]
            found["least"] = sum(max(map(_longest_word, column)) for column in zip(*_texts(block), strict=True))
        elif block.name in PARTS:
            found["parts"] = self._parts(block, is_mjml=is_mjml)
            found["title"] = self._inline(block.inline)
        elif block.children or block.name in OPTIONAL:
            if is_mjml:
                found["content"] = _Later(lambda: self._kept.keep(made(self._nested(block))))
                found["elements"] = _Later(lambda: self._elements(block))
            else:
                found["content"] = made(self._nested(block))
            found["title"] = self._inline(block.inline)
        else:
            found["content"] = self._inline(block.inline)
        if block.name in ATTRIBUTED:
            found["by"] = self._inline(block.inline)
        found["label"] = inline.text(block.inline)
        return found

    def _parts(self, block: Block, *, is_mjml: bool) -> list[dict[str, Any]]:
        """What a block is made of; columns share the room that there is."""
        room = self._room
        if block.name == "columns":
            count = sum(part.name == "column" for part in block.children)
            self._room = (room - GAP * (count - 1)) // count
        parts = [self._part(part, is_mjml=is_mjml) for part in block.children]
        self._room = room
        return parts

    def _part(self, part: Block, *, is_mjml: bool) -> dict[str, Any]:
        """A part of a block that is made of parts, or the mark of a condition between them, which stands for itself."""
        if part.name == "control":
            return {"content": made(part.data["marks"]), "is_mark": True}
        content = self._content(part, is_mjml=is_mjml)
        return {**(self._kept.markup_of(content) if is_mjml else content), "name": part.name, "is_mark": False}

    def _item(self, item: Block) -> dict[str, Any]:
        """An item, or the mark of a condition between items, which stands for itself."""
        is_mark = item.name == "control"
        return {"content": made(item.data["marks"] if is_mark else self._nested(item)), "is_mark": is_mark}

    def _definition(self, item: Block) -> dict[str, Any]:
        is_term = item.name == "term"
        return {"content": self._inline(item.inline) if is_term else made(self._nested(item)), "is_term": is_term}

    def _cell(self, cell: Block) -> dict[str, Any]:
        return {"content": self._inline(cell.inline), **cell.data}

    def _nested(self, block: Block) -> str:
        """What stands in a block, where only running text can stand."""
        pieces = [self._piece(child) for child in block.children]
        self._refuse_wider(pieces, Level.TEXT, block)
        return "".join(piece.markup for piece in pieces)

    def _elements(self, block: Block) -> str:
        """What stands in a block, as the elements of a column."""
        pieces = self._pieces(block.children)
        self._refuse_wider(pieces, Level.COLUMN, block)
        return "".join(self._column(pieces))

    def _refuse_wider(self, pieces: Iterable[Piece], most: Level, block: Block) -> None:
        for piece in pieces:
            if piece.level > most:
                inside = {"item": "list"}.get(block.name, block.name)
                message = (
                    f"a block of the kind {piece.block.name!r} cannot stand inside a {inside!r} in the theme"
                    f" {self._machine.theme.name!r}"
                )
                fix = "move it out, to the left margin"
                raise IssueError(Problem(message, self._holes.path, piece.block.line, fix=fix))

    def sections(self, blocks: Iterable[Block]) -> str:
        """The blocks as MJML: runs of them in one section each, because a section costs more than a kilobyte."""
        out: list[str] = []
        run: list[Piece] = []

        def end_run() -> None:
            if run:
                content = made("".join(self._column(run)))
                markup = self._machine.run(PROSE, {**self._variables, "content": content})
                self.owners.append((markup, PROSE))
                out.append(markup)
                run.clear()

        for piece in self._pieces(blocks):
            if piece.level is not Level.PAGE:
                run.append(piece)
            else:
                end_run()
                is_control = piece.block.name == "control"
                out.append(f"<mj-raw>{piece.markup}</mj-raw>" if is_control else piece.markup)
        end_run()
        return "\n".join(out)

    def _column(self, pieces: Iterable[Piece]) -> Iterator[str]:
        """The elements of a column: runs of text as one of them."""
        text: list[Piece] = []
        for piece in pieces:
            if piece.level is Level.TEXT:
                text.append(piece)
                continue
            if text:
                yield self._text(text)
                text.clear()
            yield piece.markup
        if text:
            yield self._text(text)

    def _text(self, pieces: Sequence[Piece]) -> str:
        markup = "".join(piece.markup for piece in pieces)
        has_raw = any(_has_raw(piece.block) for piece in pieces)
        if has_raw:
            try:
                markup = raw.balanced(markup, bounds.DEEPEST_MARKUP + _DEEPEST_OF_OURS)
            except raw.TooDeep:
                raise bounds.too_deep("HTML elements are", self._holes, pieces[0].block.line) from None
        elif wrong := raw.unbalanced(markup):
            raise self._unbalanced(pieces, wrong)
        return f"<mj-text>{self._kept.keep(made(markup))}</mj-text>"

    def _unbalanced(self, pieces: Iterable[Piece], wrong: raw.Unbalanced) -> ThemeError:
        """The error for a template whose HTML leaves an element open, or closes one too many."""
        path, inside = PROSE, pieces
        while found := next(((piece, each) for piece in inside if (each := raw.unbalanced(piece.markup))), None):
            piece, wrong = found
            path = self._template(piece.block.name)
            inside = map(self._piece, self._within(piece.block))  # the innermost block is at fault
        lines = enumerate(self._machine.theme.files.get(path, "").split("\n"), 1)
        places = [number for number, text in lines if re.search(rf"</?{wrong.name}\b", text)]
        return self._machine.error(path, f"what it writes {wrong.message}", places[-1] if places else None, wrong.fix)

    def _within(self, block: Block) -> Iterator[Block]:
        """The blocks with a template of their own that a block holds."""
        for child in block.children:
            if self._machine.has(f"blocks/{child.name}.mjml.j2"):
                yield child
            else:
                yield from self._within(child)


def _named(markup: str, data: Mapping[str, Any]) -> str:
    """A block's output, its first element with the classes and the anchor that the author gave the block."""
    classes, anchor, others = " ".join(data.get("classes", ())), data.get("anchor", ""), data.get("attributes")
    tag = raw.TAG.search(markup) if classes or anchor or others else None
    if tag is None:
        return markup
    attributes, name = tag[3], "css-class" if tag[2].startswith("mj-") else "class"
    if others and name == "class":
        attributes += "".join(f' {key}="{escape(value)}"' for key, value in others.items())
    if classes:
        before = attributes
        attributes = re.sub(rf'(\s{name}=")', rf"\g<1>{classes} ", attributes, count=1)
        attributes = f' {name}="{classes}"{attributes}' if attributes == before else attributes
    if anchor and name == "class":
        attributes = f' id="{anchor}"{attributes}'
    return f"{markup[: tag.start()]}<{tag[2]}{attributes}>{markup[tag.end() :]}"


def _texts(table: Block) -> list[list[str]]:
    return [[inline.text(cell.inline) for cell in row.children] for row in table.children]


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _has_raw(block: Block) -> bool:
    return (
        block.name == "html"
        or any(token.type == "html_inline" for token in block.inline)
        or any(map(_has_raw, block.children))
    )
