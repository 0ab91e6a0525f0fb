"""The words of a segment rule: cut apart, unquoted, and shown with a caret where one is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from newsletter.errors import ListError, Problem

_QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»", "‘": "’"}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<date>\d{4}-\d{2}-\d{2})(?![\w-])
      | (?P<sign>!=|<>|==|>=|<=|[=<>():,&|!])
      | (?P<word>[\w@.+/-]+)
      | (?P<quote>["'“«‘])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a rule, and where it begins."""

    kind: str  # word, text, date, sign, end
    text: str
    start: int  # from 0

    @property
    def shown(self) -> str:
        """The word as an error speaks of it."""
        return "the end" if self.kind == "end" else repr(self.text)

    def is_one_of(self, *words: str) -> bool:
        """Whether this is one of the language's own words or signs; a text in quotes never is."""
        return self.kind in ("word", "sign") and self.text.casefold() in words


class Tokens:
    """A rule's words, one after another; `next` is the one to come."""

    def __init__(self, rule: str, called: str = "") -> None:
        """`called` is the name of a named segment."""
        self._rule = rule
        self._called = f"the segment {called!r}" if called else "this segment"
        self._position = 0
        self.next = self._read()

    def error(self, message: str, fix: str | None = None, at: Token | None = None) -> ListError:
        """What is wrong, above the rule with a caret below the place."""
        start = (at or self.next).start
        shown, mark = _window(self._rule, start)
        told = f"in {self._called}, {message}\n    {shown}\n    {' ' * mark}^"
        return ListError(Problem(told, column=start + 1, fix=fix))

    def take(self) -> Token:
        """The next word, and go on behind it."""
        token, self.next = self.next, self._read()
        return token

    def takes(self, *words: str) -> bool:
        """Go on behind the next word if it is one of these."""
        if self.next.is_one_of(*words):
            self.take()
            return True
        return False

    def expect(self, sign: str, why: str) -> None:
        """Go on behind a sign. Raises ListError when something else stands there."""
        if not self.takes(sign):
            raise self.error(f"{why}, not {self.next.shown}")

    def _read(self) -> Token:
        rest = len(self._rule) - len(self._rule[self._position :].lstrip())
        found = _TOKEN.match(self._rule, self._position)
        if found is None:
            if rest == len(self._rule):
                return Token("end", "", len(self._rule.rstrip()))
            raise self.error(f"{self._rule[rest]!r} means nothing", "put texts in quotes", Token("sign", "", rest))
        self._position = found.end()
        kind = found.lastgroup or ""
        start = found.start(kind)
        if kind == "quote":
            return Token("text", self._quoted(found["quote"], start), start)
        return Token(kind, found[kind], start)

    def _quoted(self, opening: str, start: int) -> str:
        """The text up to the closing quote; a backslash keeps the next character from closing it."""
        closing = _QUOTES[opening]
        text: list[str] = []
        characters = iter(range(self._position, len(self._rule)))
        for at in characters:
            character = self._rule[at]
            if character == closing:
                self._position = at + 1
                return "".join(text).strip(" \u00a0\u202f") if opening == "«" else "".join(text)
            if character == "\\" and self._rule[at + 1 : at + 2] in ("\\", closing):
                character = self._rule[next(characters)]
            text.append(character)
        raise self.error("this quotation mark is never closed", f"write {closing} at its end", Token("text", "", start))


def _window(rule: str, start: int, width: int = 90) -> tuple[str, int]:
    """The part of a rule around a place that fits on a line of a terminal, and the place in it."""
    rule = "".join(character if character.isprintable() else " " for character in rule)
    if len(rule) <= width:
        return rule, start
    first = max(0, start - width // 2)
    last = first + width
    head, tail = "…" if first else "", "…" if last < len(rule) else ""
    return f"{head}{rule[first:last]}{tail}", start - first + len(head)
