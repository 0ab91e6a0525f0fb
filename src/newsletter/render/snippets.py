"""Snippets: `{% include "name" %}` on a line of its own is that snippet's Markdown, as if it stood there.

A snippet's footnotes, slots and conditions are thus the issue's. What is wrong in it is told with its own file and
line: its lines are numbered far beyond those of any issue, until a problem is told.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from newsletter.errors import IssueError, Problem, did_you_mean
from newsletter.render.words import base

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEEPEST = 10  # snippets in snippets
LARGEST = 4_000_000  # characters of the whole
_APART = 10**9  # between the numbers of one snippet's lines and of the next one's
_INCLUDE = re.compile(r"""[ ]{0,3}\{%[-+]?\s*include\s+(?:"([^"]*)"|'([^']*)'|([^\s"'%}]+))\s*[-+]?%\}[ \t]*""")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_VIRTUAL = re.compile(r"\b\d{10,}\b")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A snippet's text, and the path to show for it."""

    path: str
    text: str


class Expanded:
    """An issue's body with its snippets in their places, and where each of its lines was written."""

    def __init__(
        self, body: str, first_line: int, path: str, snippets: Mapping[str, Snippet], language: str = "en"
    ) -> None:
        """Put the snippets in. Raises IssueError for one that does not exist, includes itself, or is too much."""
        self._path = path
        self._snippets = snippets
        self._language = base(language)
        self._origins: list[tuple[str, int]] = []  # of each snippet that was put in: its file, and the line that asked
        self._size = len(body)
        self.text, self.lines = body, range(first_line, sys.maxsize)
        if "include" in body:
            text: list[str] = []
            lines: list[int] = []
            self._expand(body, self.lines, path, (), text, lines)
            if self._origins:
                self.text, self.lines = "\n".join(text), lines

    lines: Sequence[int]

    def _expand(
        self, body: str, numbers: Sequence[int], path: str, within: tuple[str, ...], text: list[str], lines: list[int]
    ) -> None:
        fence = ""
        for number, line in zip(numbers, body.split("\n"), strict=False):
            if mark := _FENCE.match(line):
                if not fence:
                    fence = mark[1]
                elif mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                    fence = ""
            include = None if fence else _INCLUDE.fullmatch(line)
            if include is None:
                text.append(line)
                lines.append(number)
                continue
            name = next(written for written in include.groups() if written is not None).removesuffix(".md")
            snippet = self._snippet(name, within, path, number % _APART)
            self._origins.append((snippet.path, number))
            start = len(self._origins) * _APART + 1
            # Set apart from its neighbours, however it begins and ends.
            text.append("")
            lines.append(number)
            inside = snippet.text.rstrip("\n")
            self._expand(inside, range(start, start + _APART), snippet.path, (*within, name), text, lines)
            text.append("")
            lines.append(number)

    def _snippet(self, name: str, within: tuple[str, ...], path: str, line: int) -> Snippet:
        def refuse(message: str, fix: str) -> NoReturn:
            raise IssueError(Problem(message, path, line, fix=fix))

        if name in within:
            ring = " → ".join([*within[within.index(name) :], name])
            refuse(f"the snippet includes itself: {ring}", "take one of them out")
        if len(within) >= DEEPEST:
            refuse(f"snippets include each other more than {DEEPEST} deep: {' → '.join(within)}", "write it in one")
        snippet = self._snippets.get(f"{name}.{self._language}") or self._snippets.get(name)
        if snippet is None:
            fix = did_you_mean(name, self._snippets) if self._snippets else f"write it to templates/snippets/{name}.md"
            refuse(f"there is no snippet {name!r}", fix)
        self._size += len(snippet.text)
        if self._size > LARGEST:
            refuse(f"with its snippets the issue is longer than {LARGEST:,} characters", "include less")
        return snippet

    def in_issue(self, line: int) -> int:
        """The line of the issue's file that a line came with."""
        while line >= _APART:
            line = self._origins[line // _APART - 1][1]
        return line

    def place(self, line: int) -> tuple[str, int]:
        """The file that a line was written in, and its number there."""
        return (self._path, line) if line < _APART else (self._origins[line // _APART - 1][0], line % _APART)

    def told(self, error: IssueError) -> IssueError:
        """The error with the files and lines that authors know."""
        return IssueError(*map(self._told, error.problems)) if self._origins else error

    def _told(self, problem: Problem) -> Problem:
        message = _VIRTUAL.sub(lambda number: self._place(int(number[0])), problem.message)
        if problem.line is None or problem.line < _APART:
            return replace(problem, message=message)
        path, line = self.place(problem.line)
        return replace(problem, message=message, path=path, line=line)

    def _place(self, line: int) -> str:
        path, number = self.place(line)
        return f"{number} of {path}"
