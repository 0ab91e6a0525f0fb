r"""Holes: what differs between recipients, cut out of the author's text before Markdown sees it.

    Hello {{ subscriber.first_name }}   ──cut──▶   Hello zq3f9a1c0000zq   ──Markdown, templates, MJML──▶   … weave()

Each `{{ … }}` and `{% if %}`, `{% elif %}`, `{% else %}`, `{% endif %}` becomes a mark of small letters and digits,
which passes unchanged through Markdown, addresses, MJML and HTML. The mark holds a piece of a hash, chosen so that it
occurs nowhere in the issue. In code a mark becomes again what was written: code is never a slot. `\{{` is a brace, no
slot.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Kind(Enum):
    """What stood where the hole is."""

    SLOT = "{{ … }}"
    IF = "{% if … %}"
    ELIF = "{% elif … %}"
    ELSE = "{% else %}"
    ENDIF = "{% endif %}"
    OTHER = "{% … %}"  # a tag that an issue cannot have
    BRACES = "\\{{"  # braces that are text


@dataclass(frozen=True, slots=True)
class Hole:
    """One hole: its expression, and where the author wrote it."""

    kind: Kind
    source: str  # the expression or condition; for BRACES the text itself
    raw: str  # as written, with braces
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A text with marks instead of holes. A hole over several lines became a mark on one."""

    text: str
    lines: Sequence[int]  # of the author's file, for each line of the uncut text
    lost: tuple[tuple[int, int], ...]  # line of the cut text, and how many lines the hole took with it

    def line(self, number: int) -> int:
        """The line of the author's file that line `number` (from 0) of the cut text stood on."""
        uncut = number + sum(lines for at, lines in self.lost if at < number)
        return self.lines[min(uncut, len(self.lines) - 1)]


# Inside a hole: quoted text, which may hold braces, and all else up to the end; no second beginning, no empty line.
_INSIDE = r"""(?>(?:"(?>(?:\\.|[^"\\])*)"|'(?>(?:\\.|[^'\\])*)'|(?!\{\{|\{%|[%}]\}|\n[ \t]*\n)[^"'])*)"""
_HOLE = re.compile(
    rf"\\(?P<braces>\{{\{{|\{{%)|\{{\{{-?(?P<slot>{_INSIDE})\}}\}}|\{{%[-+]?(?P<tag>{_INSIDE})%\}}", re.DOTALL
)
_UNCLOSED = re.compile(r"\{\{|\{%")
_TAG = re.compile(r"\s*(?:(if|elif)\b(.*?)|(else|endif))\s*[-+]?\s*", re.DOTALL)


class Holes:
    """The holes of one rendering, numbered as they were found."""

    def __init__(self, path: str, texts: Iterable[str]) -> None:
        """Choose a mark that occurs in none of the texts; `path` is the issue's file, for messages."""
        self.path = path
        everything = "\n".join(texts)
        seed = sha256(everything.encode("utf-8", "replace")).hexdigest()
        while (nonce := f"zq{seed[:6]}") in everything.casefold():
            seed = sha256(seed.encode()).hexdigest()
        self.nonce = nonce
        self.mark = re.compile(rf"{nonce}(\d{{4,}})(u?)zq")
        self._holes: list[Hole] = []

    def __getitem__(self, number: int) -> Hole:
        return self._holes[number]

    def add(self, hole: Hole) -> str:
        """The mark that stands for the hole from now on."""
        self._holes.append(hole)
        return f"{self.nonce}{len(self._holes) - 1:04}zq"

    def slot(self, source: str) -> str:
        """The mark of an expression that no author's line holds: one that a theme wrote."""
        return self.add(Hole(Kind.SLOT, source, f"{{{{ {source} }}}}"))

    def cut(self, text: str, lines: Sequence[int] = range(1, sys.maxsize)) -> Cut:
        """The text with marks; `lines` says on which line of the author's file each of its lines was written.

        What is wrong with a hole is said later: it may still turn out to stand in code.
        """
        out: list[str] = []
        lost: list[tuple[int, int]] = []
        position, line, line_start, cut_line = 0, 0, 0, 0
        for match in _HOLE.finditer(text):
            before = text[position : match.start()]
            if newlines := before.count("\n"):
                line += newlines
                cut_line += newlines
                line_start = position + before.rindex("\n") + 1
            out += (before, self.add(self._read(match, lines[line], match.start() - line_start + 1)))
            position = match.end()
            if newlines := match[0].count("\n"):
                line += newlines
                lost.append((cut_line, newlines))
                line_start = match.start() + match[0].rindex("\n") + 1
        out.append(text[position:])
        return Cut("".join(out), lines, tuple(lost))

    def _read(self, match: re.Match[str], line: int, column: int) -> Hole:
        raw = match[0]
        if match["braces"] is not None:
            return Hole(Kind.BRACES, match["braces"], raw, line, column)
        if match["slot"] is not None:
            return Hole(Kind.SLOT, match["slot"].strip().removesuffix("-").strip(), raw, line, column)
        tag = _TAG.fullmatch(match["tag"])
        if tag is None:
            return Hole(Kind.OTHER, match["tag"].strip(" \t\n-+"), raw, line, column)
        kind = {"if": Kind.IF, "elif": Kind.ELIF, "else": Kind.ELSE, "endif": Kind.ENDIF}[tag[1] or tag[3]]
        return Hole(kind, (tag[2] or "").strip(), raw, line, column)

    def restore(self, text: str) -> str:
        """The text as the author wrote it, where it is code."""
        return self.mark.sub(lambda m: self[int(m[1])].raw, text) if self.nonce in text else text

    def reveal(self, text: str) -> str:
        """The text with escaped braces as braces. Raises IssueError for a `{{` that is never closed."""
        if self.nonce in text:
            text = self.mark.sub(
                lambda m: self[int(m[1])].source if self[int(m[1])].kind is Kind.BRACES else m[0], text
            )
        return text

    def refuse_unclosed(self, text: str, line: int | None) -> None:
        """Raise IssueError if the text, which is not code, holds the beginning of a hole that has no end."""
        if found := _UNCLOSED.search(text):
            end = "}}" if found[0] == "{{" else "%}"
            raise IssueError(
                Problem(
                    f"`{found[0]}` is not closed, or a quote inside it is not",
                    self.path,
                    line,
                    fix=f"close it with `{end}`; if the braces are text, write `\\{found[0]}`",
                )
            )

    def told(self, error: IssueError) -> IssueError:
        """The error in the author's words, where it quotes the text with marks in it."""
        return IssueError(
            *(
                replace(each, message=self.restore(each.message), fix=each.fix and self.restore(each.fix))
                for each in error.problems
            )
        )

    def control(self, text: str) -> bool:
        """Whether the text is nothing but conditions' marks, so that they enclose whole blocks."""
        rest = self.mark.sub(lambda m: "" if self[int(m[1])].kind in _CONTROL else m[0], text)
        return not rest.strip()

    def error(self, hole: Hole, message: str, fix: str | None = None) -> IssueError:
        """The error to raise for a hole, with its place."""
        return IssueError(Problem(message, self.path, hole.line, hole.column, fix))


_CONTROL = {Kind.IF, Kind.ELIF, Kind.ELSE, Kind.ENDIF}
