"""The page: blocks through the theme's templates into MJML, and MJML into HTML.

    blocks ──templates──▶ pieces ──group──▶ sections ──layout──▶ MJML ──compile──▶ HTML ──text put in──▶ styles inlined

The compiler never sees the author's text: a mark stands for each run of it, and the text is put in afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from newsletter.errors import IssueError, Problem
from newsletter.render import inline, mjml, raw
from newsletter.render.catalogue import ADDRESSES
from newsletter.render.holes import Kind
from newsletter.render.theme import LAYOUT, PROSE, STYLE, made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from css_inline import CSSInliner
    from markdown_it.token import Token

    from newsletter.render.block import Block
    from newsletter.render.holes import Holes
    from newsletter.render.theme import Machine

_SECTIONS = ("<mj-section", "<mj-wrapper", "<mj-hero", "<mj-raw")
# White space between tags shrinks to a line feed, except in code.
_BETWEEN_TAGS = re.compile(r"(<pre\b.*?</pre>)|>\s*\n\s*<", re.DOTALL)


class Level(IntEnum):
    """Where a block's output can stand; a greater one encloses a smaller one."""

    TEXT = 0
    COLUMN = 1
    PAGE = 2


@dataclass(slots=True)
class _Piece:
    """A block's output. A condition's mark stands where the widest block between it and its partner does."""

    level: Level
    markup: str
    block: Block


class Page:
    """One issue's HTML, on its way through a theme."""

    def __init__(
        self,
        machine: Machine,
        holes: Holes,
        variables: Mapping[str, Any],
        resolve: Callable[[str], str],
    ) -> None:
        self._machine = machine
        self._holes = holes
        self._variables = variables
        self._resolve = resolve
        self._kept: list[str] = []
        self._kept_mark = re.compile(rf"{holes.nonce}k(\d+)zq")
        self._owners: list[tuple[str, str]] = []  # MJML of a block, and its template

    def html(self, blocks: Sequence[Block]) -> str:
        """The document for the blocks, serialised, with marks for slots. Raises IssueError and ThemeError."""
        source = self._source(blocks)
        try:
            document = mjml.compile_mjml(source)
        except mjml.WrongMarkup as error:
            raise self._layout_error(error, source) from None
        return self._finish(self._with_text(document))

    def source(self, blocks: Sequence[Block]) -> str:
        """The MJML for the blocks, with all text in it: to be read."""
        return self._with_text(self._source(blocks))

    def _source(self, blocks: Sequence[Block]) -> str:
        body = self._sections(self._pieces(blocks))
        variables = {name: self._kept_if_markup(value) for name, value in self._variables.items()}
        return self._machine.run(LAYOUT, {**variables, "keep": self._keep, "body": made(body)})

    def _with_text(self, document: str) -> str:
        return self._kept_mark.sub(lambda mark: self._kept[int(mark[1])], document)

    def _kept_if_markup(self, value: Any) -> Any:
        return self._keep(value) if isinstance(value, Markup) else value

    def _keep(self, markup: str) -> Markup:
        """A mark that takes the markup's place while MJML is compiled."""
        self._kept.append(str(Markup.escape(markup)))
        return made(f"{self._holes.nonce}k{len(self._kept) - 1}zq")

    # ── blocks to pieces ──

    def _pieces(self, blocks: Iterable[Block]) -> list[_Piece]:
        pieces = [self._piece(block) for block in blocks]
        _widen_conditions(pieces, self._holes)
        return pieces

    def _piece(self, block: Block) -> _Piece:
        if block.name == "control":
            return _Piece(Level.TEXT, block.data["marks"], block)
        if block.name == "html":
            return _Piece(Level.TEXT, block.data["html"], block)
        path = self._template(block.name)
        variables = {**self._variables, **self._content(block)}
        if not self._machine.is_mjml(path):
            return _Piece(Level.TEXT, _named(self._machine.run(path, variables), block.data), block)
        kept = {name: self._kept_if_markup(value) for name, value in variables.items()}
        markup = _named(self._machine.run(path, kept).strip(), block.data)
        self._owners.append((markup, path))
        return _Piece(Level.PAGE if markup.startswith(_SECTIONS) else Level.COLUMN, markup, block)

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
        for name in ADDRESSES:
            if found.get(name):
                found[name] = self._resolve(found[name])
        return found

    def _content(self, block: Block) -> dict[str, Any]:
        """What a block's template receives of the block."""
        found = {**self._resolved(block.data), "line": block.line}
        if block.name == "list":
            found["items"] = [self._item(item) for item in block.children]
        elif block.name == "table":
            rows = [[self._cell(cell) for cell in row.children] for row in block.children]
            found["head"], found["rows"] = rows[: block.data["head_rows"]], rows[block.data["head_rows"] :]
        elif block.children:
            found["content"] = made(self._nested(block.children))
            found["title"] = self._inline(block.inline)
        else:
            found["content"] = self._inline(block.inline)
        found["label"] = inline.text(block.inline)
        return found

    def _item(self, item: Block) -> dict[str, Any]:
        """An item, or the mark of a condition between items, which stands for itself."""
        is_mark = item.name == "control"
        return {"content": made(item.data["marks"] if is_mark else self._nested(item.children)), "is_mark": is_mark}

    def _cell(self, cell: Block) -> dict[str, Any]:
        return {"content": self._inline(cell.inline), **cell.data}

    def _nested(self, blocks: Iterable[Block]) -> str:
        """Blocks inside another one, where only running text can stand."""
        out: list[str] = []
        for block in blocks:
            piece = self._piece(block)
            if piece.level is not Level.TEXT:
                raise IssueError(
                    Problem(
                        f"a block of the kind {block.name!r} cannot stand inside a list or a quote in the theme"
                        f" {self._machine.theme.name!r}",
                        self._holes.path,
                        block.line,
                        fix="move it out, to the left margin",
                    )
                )
            out.append(piece.markup)
        return "".join(out)

    # ── pieces to sections ──

    def _sections(self, pieces: Sequence[_Piece]) -> str:
        """Runs of text as one element, runs of elements as one section: a section costs more than a kilobyte."""
        out: list[str] = []
        column: list[str] = []
        text: list[_Piece] = []

        def end_text() -> None:
            if text:
                markup = "".join(piece.markup for piece in text)
                has_raw = any(_has_raw(piece.block) for piece in text)
                column.append(f"<mj-text>{self._keep(made(raw.balanced(markup) if has_raw else markup))}</mj-text>")
                text.clear()

        def end_column() -> None:
            end_text()
            if column:
                markup = self._machine.run(PROSE, {**self._variables, "content": made("".join(column))})
                self._owners.append((markup, PROSE))
                out.append(markup)
                column.clear()

        for piece in pieces:
            if piece.level is Level.TEXT:
                text.append(piece)
            elif piece.level is Level.COLUMN:
                end_text()
                column.append(piece.markup)
            else:
                end_column()
                is_control = piece.block.name == "control"
                out.append(f"<mj-raw>{piece.markup}</mj-raw>" if is_control else piece.markup)
        end_column()
        return "\n".join(out)

    # ── the finished document ──

    def _finish(self, document: str) -> str:
        from css_inline import InlineError

        css = self._machine.run(STYLE, self._variables)
        try:
            document = _inliner(css).inline(document)
        except InlineError as error:
            raise self._style_error(error) from None
        document = raw.without_comments(document)
        return _BETWEEN_TAGS.sub(lambda found: found[1] or ">\n<", document).strip() + "\n"

    def _style_error(self, error: Exception) -> Exception:
        """A style attribute in the author's HTML may be at fault, or the theme."""
        return self._machine.error(STYLE, f"a style cannot be read: {error}", fix="look at style attributes, too")

    def _layout_error(self, error: mjml.WrongMarkup, source: str) -> Exception:
        """Find the template whose output is at fault."""
        for markup, path in self._owners:
            try:
                mjml.check_markup(f"<mjml>{mjml.numeric_entities(markup)}</mjml>")
            except mjml.WrongMarkup as found:
                return self._template_error(path, markup, found)
        return self._template_error(LAYOUT, source, error)

    def _template_error(self, path: str, output: str, error: mjml.WrongMarkup) -> Exception:
        """The error with the template's line, found by the text of the output's line."""
        line = None
        if error.line is not None:
            lines = output.split("\n")
            wrong = lines[error.line - 1].strip() if error.line <= len(lines) else ""
            templates = [text.strip() for text in self._machine.theme.files[path].split("\n")]
            line = templates.index(wrong) + 1 if wrong in templates else min(error.line, len(templates))
        return self._machine.error(
            path,
            f"what it writes is not well-formed MJML: {error}",
            line,
            "close every element, quote every attribute, write < as &lt;",
        )


def _named(markup: str, data: Mapping[str, Any]) -> str:
    """A block's output, its first element with the classes and the anchor that the author gave the block."""
    classes, anchor = " ".join(data.get("classes", ())), data.get("anchor", "")
    tag = raw.TAG.search(markup) if classes or anchor else None
    if tag is None:
        return markup
    attributes, name = tag[3], "css-class" if tag[2].startswith("mj-") else "class"
    if classes:
        before = attributes
        attributes = re.sub(rf'(\s{name}=")', rf"\g<1>{classes} ", attributes, count=1)
        attributes = f' {name}="{classes}"{attributes}' if attributes == before else attributes
    if anchor and name == "class":
        attributes = f' id="{anchor}"{attributes}'
    return f"{markup[: tag.start()]}<{tag[2]}{attributes}>{markup[tag.end() :]}"


def _has_raw(block: Block) -> bool:
    return (
        block.name == "html"
        or any(token.type == "html_inline" for token in block.inline)
        or any(map(_has_raw, block.children))
    )


def _widen_conditions(pieces: Sequence[_Piece], holes: Holes) -> None:
    """Move a condition's marks out to where the widest block between them stands."""
    stack: list[tuple[list[_Piece], Level]] = []
    for piece in pieces:
        if piece.block.name != "control":
            if stack:
                stack[-1] = (stack[-1][0], max(stack[-1][1], piece.level))
            continue
        for mark in holes.mark.finditer(piece.markup):
            kind = holes[int(mark[1])].kind
            if kind is Kind.IF:
                stack.append(([piece], Level.TEXT))
            elif stack:
                stack[-1][0].append(piece)
                if kind is Kind.ENDIF:
                    marks, level = stack.pop()
                    # Between the elements of a column stands a table's row, where no text may be.
                    level = Level.PAGE if level else level
                    for one in marks:
                        one.level = max(one.level, level)
                    if stack:
                        stack[-1] = (stack[-1][0], max(stack[-1][1], level))


@lru_cache(maxsize=8)
def _inliner(css: str) -> CSSInliner:
    from css_inline import CSSInliner

    return CSSInliner(inline_style_tags=False, keep_style_tags=True, load_remote_stylesheets=False, extra_css=css)
