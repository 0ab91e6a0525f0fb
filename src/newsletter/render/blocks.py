"""Blocks: an issue's body as a tree of named values, from which both the HTML and the text part are made.

    paragraph  heading  list › item  quote  code  rule  table › row › cell  image  button  html  text  control
    definitions › term, definition  footnotes › footnote

and every block of the catalogue. A block's name is the name of its template.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem
from newsletter.render import almost, bounds, inline, notes, raw, recognise, shapes, tables
from newsletter.render.block import Block
from newsletter.render.holes import Kind
from newsletter.render.outline import outlined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.token import Token

    from newsletter.render.catalogue import Reader as Names
    from newsletter.render.holes import Cut, Holes


def read(tokens: Sequence[Token], cut: Cut, holes: Holes, names: Names, title: str = "") -> tuple[Block, ...]:
    """The blocks that Markdown's tokens say. A first heading that repeats the title is left out.

    Raises IssueError for what cannot be a block.
    """
    blocks = recognise.postscript(joined_lists(_Reader(tokens, cut, holes, names).until(len(tokens)), holes))
    if blocks and blocks[0].name == "heading" and inline.text(blocks[0].inline).strip() == title.strip():
        blocks = blocks[1:]
    return outlined(blocks, holes)


class _Reader:
    def __init__(self, tokens: Sequence[Token], cut: Cut, holes: Holes, names: Names) -> None:
        self._tokens = tokens
        self._cut = cut
        self._holes = holes
        self._names = names
        self._parent = ""  # the block of the catalogue that is being read
        self._at = 0
        self._line = cut.line(0)

    def until(self, end: int) -> tuple[Block, ...]:
        out: list[Block] = []
        while self._at < end:
            token = self._tokens[self._at]
            if token.map:
                self._line = self._cut.line(token.map[0])
            block = _READERS[token.type](self, token)
            if block is not None:
                out.append(_with_attributes(block, token) if token.attrs else block)
        return tuple(out)

    def _inside(self, token: Token, skip: int = 1) -> tuple[Block, ...]:
        """The children of a block that `token` opens; afterwards the reader stands behind its end.

        `skip` tokens at the beginning are none of them.
        """
        close, depth, at = token.type.removesuffix("_open") + "_close", 0, self._at
        while True:
            kind = self._tokens[at].type
            depth += (kind == token.type) - (kind == close)
            if depth == 0:
                break
            at += 1
        self._at += skip
        children = self.until(at)
        self._at = at + 1
        return joined_lists(children, self._holes)

    def _take_inline(self) -> tuple[Token, ...]:
        """The inline tokens between an opening and a closing token, ready to be shown."""
        token = self._tokens[self._at + 1]
        self._at += 3
        return self._shown(token.children or [])

    def _shown(self, tokens: Sequence[Token]) -> tuple[Token, ...]:
        line, depth = self._line, 0
        for token in tokens:
            if token.nesting:
                depth += token.nesting
                if depth > bounds.DEEPEST_MARKUP:
                    raise bounds.too_deep("emphasis and links are", self._holes, line)
            if token.type in {"softbreak", "hardbreak"}:
                line += 1
            elif token.type == "code_inline":
                token.content = self._holes.restore(token.content)
            elif token.type == "text":
                self._holes.refuse_unclosed(token.content, line)
                if almost.SIGN in token.content:
                    almost.refuse(token.content, self._holes, line)
            elif token.type == "image":
                self._shown(token.children or [])
                self._set_image(token)
            elif token.type == "footnote_missing":
                raise notes.refuse(token.meta["label"], token.meta["known"], self._holes, line)
            elif token.type == "directive_open":
                entry, data = self._names.read(token.meta["directive"], line)
                token.meta |= {"name": entry.name, "inline": entry.inline, "data": data}
                if not entry.inline and recognise.alone(tokens) is not token:
                    message = f"`:{entry.name}[…]` stands in a sentence"
                    fix = f"put it on a line of its own, between empty lines: ::{entry.name}[…]"
                    raise IssueError(Problem(message, self._holes.path, line, fix=fix))
        return tuple(tokens)

    def _set_image(self, token: Token) -> None:
        """Set what an image says, beside it and below it, in the issue's language; code in it stays as it is."""
        alt = token.children or []
        if any(child.type == "code_inline" for child in alt):
            for child in alt:
                child.content = self._names.typeset(child.content) if child.type == "text" else child.content
        elif alt:
            token.children = [alt[0].copy(type="text", content=self._names.typeset(inline.text(alt)))]
        if title := token.attrGet("title"):
            token.attrSet("title", self._names.typeset(str(title)))

    def paragraph(self, token: Token) -> Block:
        line = self._line
        content = self._take_inline()
        if token.hidden:
            return Block("text", line, inline=content)
        block = shapes.bare_video(content, line) or recognise.paragraph(content, line)
        return shapes.shaped(block, self._holes)

    def heading(self, token: Token) -> Block:
        line = self._line
        return Block("heading", line, {"level": int(token.tag[1:])}, self._take_inline())

    def list(self, token: Token) -> Block:
        line, ordered = self._line, token.type == "ordered_list_open"
        children = tuple(map(recognise.task, self._inside(token)))
        tight = not any(part.name == "paragraph" for item in children for part in item.children)
        tasks = all("task" in item.data for item in children)
        start = int(token.attrs.pop("start", 1))
        data = {"ordered": ordered, "start": start, "tight": tight, "tasks": tasks}
        return Block("list", line, data, children=children)

    def container(self, token: Token) -> Block:
        line = self._line
        return Block(_CONTAINERS[token.type], line, children=self._inside(token))

    def term(self, _: Token) -> Block:
        return Block("term", self._line, inline=self._take_inline())

    def footnote(self, token: Token) -> Block:
        line = self._line
        return Block("footnote", line, {"number": token.meta["id"] + 1}, children=self._inside(token))

    def quote(self, token: Token) -> Block:
        line = self._line
        return recognise.quote(self._inside(token), line, self._holes)

    def directive(self, token: Token) -> Block:
        line, directive, parent = self._line, token.meta["directive"], self._parent
        entry, data = self._names.read(directive, line, parent)
        label = self._shown(self._tokens[self._at + 1].children or []) if directive.has_label else ()
        self._parent = entry.name
        children = self._inside(token, 1 + directive.has_label)
        self._parent = parent
        if entry.name == "facts":
            children = recognise.facts(children, self._holes)
        elif entry.name == "pullquote":
            children, label = recognise.attributed(children)
        self._names.check_body(entry, children, line)
        return shapes.shaped(Block(entry.name, line, data, label, children), self._holes)

    def code(self, token: Token) -> Block:
        self._at += 1
        language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
        data = {"language": self._holes.restore(language), "code": self._holes.restore(token.content)}
        return Block("code", self._line, data)

    def rule(self, _: Token) -> Block:
        self._at += 1
        return Block("rule", self._line)

    def html(self, token: Token) -> Block | None:
        self._at += 1
        self._holes.refuse_unclosed(token.content, self._line)
        if raw.unclosed(token.content):
            message = f"`{raw.unclosed(self._holes.restore(token.content)) or '<'}` has no end"
            raise IssueError(Problem(message, self._holes.path, self._line, fix="close the tag or comment with `>`"))
        markup = raw.without_comments(raw.quoted(token.content)).strip("\n")
        return Block("html", self._line, {"html": markup}) if markup.strip() else None

    def table(self, token: Token) -> Block:
        line, at = self._line, self._at
        rows = self._inside(token)
        tables.refuse_parted_cells(rows, self._holes)
        tables.refuse_lost_cells(self._tokens[at : self._at], self._cut, self._holes)
        head = tuple(row for row in rows if row.children and row.children[0].data["header"])
        # Columns under a corner that is empty are told apart by their head, rows by their first cell.
        has_row_heads = bool(head) and not inline.text(head[0].children[0].inline).strip()
        data = {
            "head_rows": len(head),
            "has_row_heads": has_row_heads,
            "caption": self._names.typeset(str(token.attrs.pop("caption", ""))),
        }
        return Block("table", line, data, children=rows)

    def cell(self, token: Token) -> Block:
        style = str(token.attrs.pop("style", ""))
        data = {"header": token.type == "th_open", "align": style.removeprefix("text-align:")}
        return Block("cell", self._line, data, self._take_inline())

    def skip(self, _: Token) -> None:
        self._at += 1

    def control(self, token: Token) -> Block:
        self._at += 1
        return Block("control", self._line, {"marks": token.content})


_CONTAINERS = {
    "list_item_open": "item",
    "tr_open": "row",
    "dl_open": "definitions",
    "dd_open": "definition",
    "footnote_block_open": "footnotes",
}

_READERS: dict[str, Callable[[_Reader, Token], Block | None]] = {
    "paragraph_open": _Reader.paragraph,
    "heading_open": _Reader.heading,
    "bullet_list_open": _Reader.list,
    "ordered_list_open": _Reader.list,
    "list_item_open": _Reader.container,
    "blockquote_open": _Reader.quote,
    "fence": _Reader.code,
    "code_block": _Reader.code,
    "hr": _Reader.rule,
    "html_block": _Reader.html,
    "table_open": _Reader.table,
    "thead_open": _Reader.skip,
    "thead_close": _Reader.skip,
    "tbody_open": _Reader.skip,
    "tbody_close": _Reader.skip,
    "tr_open": _Reader.container,
    "th_open": _Reader.cell,
    "td_open": _Reader.cell,
    "dl_open": _Reader.container,
    "dt_open": _Reader.term,
    "dd_open": _Reader.container,
    "footnote_block_open": _Reader.container,
    "footnote_open": _Reader.footnote,
    "control": _Reader.control,
    "directive_open": _Reader.directive,
}


def joined_lists(blocks: tuple[Block, ...], holes: Holes) -> tuple[Block, ...]:
    """The blocks with lists as one that a condition around some items has cut into several."""
    if not any(block.name == "control" for block in blocks):
        return blocks
    tables.refuse_parted_rows(blocks, holes)
    out: list[Block] = []
    at = 0
    while at < len(blocks):
        end = _end_of_joined(blocks, at, holes) if blocks[at].name == "list" else at
        if end > at:
            parts = blocks[at : end + 1]
            items = tuple(item for part in parts for item in ((part,) if part.name == "control" else part.children))
            tight = all(part.data["tight"] for part in parts if part.name == "list")
            out.append(replace(blocks[at], data={**blocks[at].data, "tight": tight}, children=items))
        else:
            out.append(blocks[at])
        at = end + 1
    return tuple(out)


def _end_of_joined(blocks: Sequence[Block], start: int, holes: Holes) -> int:
    """The last block that belongs to the list at `start`: a list, or the end of a condition around lists only."""
    depth, end = 0, start
    for at in range(start, len(blocks)):
        block = blocks[at]
        if block.name == "control":
            for mark in holes.mark.finditer(block.data["marks"]):
                kind = holes[int(mark[1])].kind
                if depth == 0 and kind is not Kind.IF:  # it belongs to a condition around the whole list
                    return end
                depth += (kind is Kind.IF) - (kind is Kind.ENDIF)
        elif block.name != "list" or block.data["ordered"] != blocks[start].data["ordered"]:
            break
        if depth == 0:
            end = at
    return end


def _with_attributes(block: Block, token: Token) -> Block:
    """The block with what an author wrote in braces above it, or behind a heading."""
    others = {name: str(value) for name, value in token.attrs.items() if name not in {"class", "id"}}
    classes, anchor = str(token.attrs.get("class", "")).split(), str(token.attrs.get("id", ""))
    return replace(block, data={**block.data, "classes": tuple(classes), "anchor": anchor, "attributes": others})
