"""Weave: a finished text with marks becomes a pattern, each slot escaped for the place where it stands.

In HTML the place is found by walking over the tags, with their attributes; the document has been through a parser and
serialised again before, so that every attribute is quoted and every tag is whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jinja2 import TemplateError, UndefinedError

from newsletter.edition import ESCAPES, Choice, Expression, Slot, Where
from newsletter.render.expressions import (
    WrongExpression,
    check_fields,
    constant_text,
    constant_truth,
    fold,
    is_constant,
    parse,
)
from newsletter.render.holes import Kind
from newsletter.render.raw import TAG, raw_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from newsletter.edition import Pattern
    from newsletter.errors import IssueError
    from newsletter.render.holes import Hole, Holes

_ATTRIBUTE = re.compile(r"""([^\s"'>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
# A tag as in raw.TAG, without its parts: most have no mark in them.
_WHOLE_TAG = re.compile(r"""</?[A-Za-z][^\s/<>]*+[^<>"']*+(?>(?:(?:"[^"]*+"|'[^']*+')[^<>"']*+)*)>""")
_ADDRESSES = {"href", "src", "background", "action", "poster", "cite", "longdesc"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass(slots=True)
class _Frame:
    """A condition that is being read."""

    hole: Hole
    mark: re.Match[str]  # where its last branch begins
    sources: list[str]
    lines: list[int]  # where each of the sources was written
    branches: list[Pattern] = field(default_factory=list)
    parts: list[str | Slot | Choice] = field(default_factory=list)
    has_else: bool = False


class Weaver:
    """Weaves the texts of one edition and collects their expressions."""

    def __init__(
        self,
        holes: Holes,
        constants: Mapping[str, Mapping[str, object]],
        fields: Collection[str],
        language: str = "en",
    ) -> None:
        self._holes = holes
        self._constants = constants
        self._fields = fields
        self._language = language
        self._numbers: dict[tuple[tuple[str, ...], bool], int] = {}
        self.expressions: list[Expression] = []
        # Of the text that is being woven, where it is HTML: the places of marks in attributes, and their tags.
        self._places: dict[int, Where] | None = None
        self._tags: dict[int, int] = {}

    def plain(self, text: str) -> Pattern:
        """The pattern of a plain text: a subject, a preheader, the text part."""
        self._places, self._tags = None, {}
        return _without_loose_spaces(self._weave(text))

    def html(self, document: str) -> Pattern:
        """The pattern of a serialised HTML document."""
        self._refuse_in_raw_text(document)
        self._places, self._tags = {}, {}
        # All of them, because what looks like a tag can only be known to be one by those before it.
        for found in _WHOLE_TAG.finditer(document):
            if self._holes.nonce in found[0] and (tag := TAG.match(document, found.start())):
                self._read_tag(tag, self._places)
        return self._weave(document)

    def _place(self, position: int) -> Where:
        return Where.PLAIN if self._places is None else self._places.get(position, Where.HTML)

    def _refuse_in_raw_text(self, document: str) -> None:
        for name, start, end in raw_texts(document):
            if mark := self._holes.mark.search(document, start, end):
                hole = self._holes[int(mark[1])]
                raise self._holes.error(
                    hole, f"`{hole.raw}` stands in a <{name}>", "what differs between recipients can only be text"
                )

    def _read_tag(self, tag: re.Match[str], places: dict[int, Where]) -> None:
        """Note the place of every mark in a tag's attribute values. Raises IssueError for one elsewhere in the tag."""
        start = tag.start(3)
        for attribute in _ATTRIBUTE.finditer(tag[3]):
            group = 2 if attribute[2] is not None else 3
            for mark in self._holes.mark.finditer(attribute[group]):
                position = start + attribute.start(group) + mark.start()
                if attribute[1].casefold() not in _ADDRESSES:
                    places[position] = Where.ATTRIBUTE
                else:
                    places[position] = Where.URL_PART if attribute[group][: mark.start()].strip() else Where.URL
        for mark in self._holes.mark.finditer(tag[0]):
            self._tags[tag.start() + mark.start()] = tag.start()
            if tag.start() + mark.start() not in places:
                hole = self._holes[int(mark[1])]
                if hole.kind is not Kind.BRACES:
                    raise self._holes.error(
                        hole,
                        f"`{hole.raw}` stands inside a tag, but not in an attribute's value",
                        'write it as text, or as a value in quotes: <a href="{{ … }}">; in Markdown: [label]({{ … }})',
                    )
                places[tag.start() + mark.start()] = Where.ATTRIBUTE

    def _weave(self, text: str) -> Pattern:
        parts: list[str | Slot | Choice] = []
        stack: list[_Frame] = []
        position = 0
        for mark in self._holes.mark.finditer(text):
            _constant(parts, text[position : mark.start()])
            position = mark.end()
            hole = self._holes[int(mark[1])]
            match hole.kind:
                case Kind.SLOT:
                    where = self._place(mark.start())
                    self._slot(parts, hole, Where.URL_PART if mark[2] and where is Where.PLAIN else where)
                case Kind.BRACES:
                    _constant(parts, ESCAPES[self._place(mark.start())](hole.source))
                case Kind.IF:
                    frame = _Frame(hole, mark, [self._checked(hole)], [hole.line or 1])
                    stack.append(frame)
                    frame.parts, parts = parts, []
                case Kind.ELIF | Kind.ELSE:
                    frame = self._open(stack, hole, mark)
                    if frame.has_else:
                        raise self._holes.error(hole, f"`{hole.raw}` comes after `{{% else %}}`")
                    frame.branches.append(tuple(parts))
                    parts = []
                    frame.has_else = hole.kind is Kind.ELSE
                    frame.sources.append("" if frame.has_else else self._checked(hole))
                    frame.lines.append(hole.line or 1)
                case Kind.ENDIF:
                    frame = self._open(stack, hole, mark)
                    frame.branches.append(tuple(parts))
                    parts = frame.parts
                    self._choice(parts, frame)
                    stack.pop()
                case Kind.OTHER:
                    raise self._other(hole)
        if stack:
            raise self._holes.error(stack[-1].hole, f"`{stack[-1].hole.raw}` is not closed", "add {% endif %}")
        _constant(parts, text[position:])
        return tuple(parts)

    def _open(self, stack: list[_Frame], hole: Hole, mark: re.Match[str]) -> _Frame:
        if not stack:
            raise self._holes.error(hole, f"`{hole.raw}` has no `{{% if … %}}` before it")
        frame = stack[-1]
        if not self._stand_together(frame.mark, mark):
            raise self._holes.error(
                hole,
                f"`{hole.raw}` does not stand in the same paragraph, list item or emphasis as `{frame.hole.raw}`"
                f" on line {frame.hole.line}",
                "put both on lines of their own, or both within one paragraph",
            )
        frame.mark = mark
        return frame

    def _stand_together(self, one: re.Match[str], other: re.Match[str]) -> bool:
        """Whether two marks stand in the same element: what is opened between them is closed between them."""
        if self._places is None:
            return True
        tag = self._tags.get(one.start())
        if tag != self._tags.get(other.start()):
            return False
        stack: list[str] = []
        for found in TAG.finditer(one.string, one.end(), other.start()) if tag is None else ():
            if found[1]:
                if not stack or stack.pop() != found[2]:
                    return False
            elif found[2] not in _VOID and not found[3].endswith("/"):
                stack.append(found[2])
        return not stack

    def _other(self, hole: Hole) -> IssueError:
        word = hole.source.split(maxsplit=1)[0] if hole.source else ""
        fix = "an issue knows {% if … %}, {% elif … %}, {% else %}, {% endif %} and {% include … %}"
        if word in {"else", "elsif", "elseif"}:
            fix = f"write {{% elif {hole.source.split('if', 1)[-1].strip()} %}}"
        elif word == "include":
            fix = 'write {% include "name" %} on a line of its own, at the left margin'
        elif word == "end":
            fix = "write {% endif %}"
        what = "stands inside something else" if word == "include" else "is no tag"
        return self._holes.error(hole, f"`{{% {word} %}}` {what}", fix)

    def _slot(self, parts: list[str | Slot | Choice], hole: Hole, where: Where) -> None:
        source = self._checked(hole)
        if not is_constant(source):
            parts.append(Slot(self._number((source,), hole, is_choice=False), where))
            return
        try:
            _constant(parts, ESCAPES[where](constant_text(source, self._language)))
        except UndefinedError:
            raise self._holes.error(
                hole, f"`{hole.raw}`: the issue does not have it", "set it in the front matter, or give a default"
            ) from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise self._holes.error(hole, f"`{hole.raw}` has no value: {error}") from None

    def _choice(self, parts: list[str | Slot | Choice], frame: _Frame) -> None:
        """Add the choice between a condition's branches; what the issue itself decides is decided here."""
        sources: list[str] = []
        branches: list[Pattern] = []
        lines: list[int] = []
        for source, branch, line in zip(frame.sources, frame.branches, frame.lines, strict=True):
            if source and is_constant(source):
                if not constant_truth(source, self._language):
                    continue
                source = ""
            sources.append(source)
            branches.append(branch)
            lines.append(line)
            if not source:
                break
        if sources[:1] == [""]:
            for part in branches[0]:
                _constant(parts, part) if isinstance(part, str) else parts.append(part)
        elif any(branches):
            parts.append(
                Choice(self._number(tuple(sources), frame.hole, tuple(lines), is_choice=True), tuple(branches))
            )

    def _checked(self, hole: Hole) -> str:
        """The hole's expression with constants folded. Raises IssueError if it is wrong."""
        try:
            source = fold(hole.source, self._constants)
            parse(source)
            if self._fields:
                check_fields(source, self._fields)
        except WrongExpression as error:
            raise self._holes.error(hole, f"`{hole.raw}`: {error}", error.fix) from None
        return source

    def _number(self, sources: tuple[str, ...], hole: Hole, lines: tuple[int, ...] = (), *, is_choice: bool) -> int:
        key = (sources, is_choice)
        if key not in self._numbers:
            self._numbers[key] = len(self.expressions)
            self.expressions.append(Expression(sources, hole.line or 1, is_choice, lines))
        return self._numbers[key]


def _constant(parts: list[str | Slot | Choice], text: str) -> None:
    if not text:
        return
    if parts and isinstance(parts[-1], str):
        parts[-1] += text
    else:
        parts.append(text)


def _without_loose_spaces(pattern: Pattern) -> Pattern:
    """The pattern with the space before a choice at a line's end inside its branches.

    Where no branch is shown the line would end with that space, and so flow into the next one (RFC 3676).
    """
    parts = list(pattern)
    for at, part in enumerate(parts):
        before = parts[at - 1] if at else ""
        after = parts[at + 1] if at + 1 < len(parts) else "\n"
        is_end = isinstance(after, str) and after.startswith("\n")
        if isinstance(part, Choice) and is_end and isinstance(before, str) and before.endswith(" "):
            parts[at - 1] = before.rstrip(" ")
            parts[at] = Choice(part.index, tuple((" ", *branch) if branch else branch for branch in part.branches))
    return tuple(parts)
