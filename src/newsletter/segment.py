"""The rule language of segments, read into a tree (audience.py).

    tag:volunteer and city in ("Nantes", "Rennes") and joined after 2026-01-01 and not language = fr

    rule  = both { "or" both }            test = "=" value | "!=" value | ["not"] "in" "(" value { "," value } ")"
    both  = one { "and" one }                  | ["not"] "contains" value | "before" date | "after" date
    one   = "not" one | "(" rule ")" | "all" | "tag:" value | "has" name | "received" value | name test
    name  = email | first_name | last_name | name | language | source | joined | tag | any other column of the list
    value = "in quotes" | a_word | 2026-11-21

Comparisons do not look at case. What a person's entry does not say is empty, and equals nothing but "". `after` a day
begins with the next one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from newsletter.audience import EVERYBODY, And, Between, Contains, Has, Not, OneOf, Or, Received, Rule, Tagged
from newsletter.errors import ListError, Problem, did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Collection

TEXTS = ("email", "first_name", "last_name", "name", "language", "source")
NAMES = (*TEXTS, "joined", "tag")

LONGEST = 10_000  # characters
MOST_TERMS = 500  # conditions and values in lists; SQLite's limit is a tree of depth 1,000
DEEPEST = 40

_KEYWORDS = {"and", "or", "not", "in", "contains", "before", "after", "has", "received", "all"}
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
class _Token:
    kind: str  # word, text, date, sign, end
    text: str
    start: int  # from 0

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


def parse(rule: str, fields: Collection[str] | None = None) -> Rule:
    """The tree of a rule; an empty one means everybody.

    `fields` are the names of the list's own columns, so that a misspelt one is found; with None, any name passes.

    Raises ListError, which shows the rule with a caret below the place.
    """
    rule = unicodedata.normalize("NFC", " ".join(rule.split("\n")))
    if len(rule) > LONGEST:
        raise ListError(Problem(f"this segment has {len(rule)} characters; {LONGEST} are the most"))
    reader = _Reader(rule, fields)
    if reader.next.kind == "end":
        return EVERYBODY
    found = reader.rule()
    if reader.next.kind != "end":
        raise reader.error(f"{reader.next.shown} comes unexpected", 'join two conditions with "and" or "or"')
    return found


class _Reader:
    """Recursive descent, one token ahead."""

    def __init__(self, rule: str, fields: Collection[str] | None) -> None:
        self._rule = rule
        self._fields = fields
        self._position = 0
        self._depth = 0
        self._terms = 0
        self.next = self._token()

    def error(self, message: str, fix: str | None = None, at: _Token | None = None) -> ListError:
        start = (at or self.next).start
        shown, mark = _window(self._rule, start)
        told = f"in this segment, {message}\n    {shown}\n    {' ' * mark}^"
        return ListError(Problem(told, column=start + 1, fix=fix))

    # ── tokens

    def _token(self) -> _Token:
        rest = len(self._rule) - len(self._rule[self._position :].lstrip())
        found = _TOKEN.match(self._rule, self._position)
        if found is None:
            if rest == len(self._rule):
                return _Token("end", "", len(self._rule.rstrip()))
            raise self.error(f"{self._rule[rest]!r} means nothing", "put texts in quotes", _Token("sign", "", rest))
        self._position = found.end()
        kind = found.lastgroup or ""
        start = found.start(kind)
        if kind == "quote":
            return _Token("text", self._quoted(found["quote"], start), start)
        return _Token(kind, found[kind], start)

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
        raise self.error(
            "this quotation mark is never closed", f"write {closing} at its end", _Token("text", "", start)
        )

    def _take(self) -> _Token:
        token, self.next = self.next, self._token()
        return token

    def _sees(self, *words: str) -> bool:
        return self.next.kind in ("word", "sign") and self.next.text.casefold() in words

    def _takes(self, *words: str) -> bool:
        if self._sees(*words):
            self._take()
            return True
        return False

    def _expect(self, sign: str, why: str) -> None:
        if not self._takes(sign):
            raise self.error(f"{why}, not {self.next.shown}")

    # ── rules

    def rule(self) -> Rule:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.error(f"brackets go deeper than {DEEPEST}")
        rules = [self._both()]
        while self._takes("or", "|", "||"):
            rules.append(self._both())
        self._depth -= 1
        return rules[0] if len(rules) == 1 else Or(tuple(rules))

    def _both(self) -> Rule:
        rules = [self._one()]
        while self._takes("and", "&", "&&"):
            rules.append(self._one())
        return rules[0] if len(rules) == 1 else And(tuple(rules))

    def _one(self) -> Rule:
        negated = False
        while self._takes("not", "!"):
            negated = not negated
        rule = self._positive()
        return Not(rule) if negated else rule

    def _positive(self) -> Rule:
        self._count_one()
        if self._takes("("):
            rule = self.rule()
            self._expect(")", 'a bracket is closed with ")"')
            return rule
        if self._takes("all"):
            return EVERYBODY
        if self._takes("has"):
            return Has(self._name(self._word("the name of a field")))
        if self._takes("received"):
            return Received(self._value("the name of an issue"))
        name = self._word("a condition")
        if name.text.casefold() == "tag" and self._takes(":"):
            return Tagged((self._value("a tag"),))
        if self._sees(":"):
            raise self.error('":" stands only after tag', f'write {name.text} = "…"')
        return self._test(self._name(name), name)

    def _count_one(self) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise self.error(f"there are more than {MOST_TERMS} conditions and values", "use a tag that says the same")

    def _test(self, name: str, at: _Token) -> Rule:
        negated = self._takes("not")
        if negated and not self._sees("in", "contains"):
            raise self.error(f'"in" or "contains" may follow here, not {self.next.shown}')
        sign = self._take()
        match sign.text.casefold() if sign.kind in ("word", "sign") else "":
            case "=" | "==":
                rule = self._one_of(name, (self._comparable(name),))
            case "!=" | "<>":
                rule = Not(self._one_of(name, (self._comparable(name),)))
            case "in":
                rule = self._one_of(name, self._values(name))
            case "contains" if name in ("joined", "tag"):
                raise self.error(f"{name} cannot contain a text", _ADVICE[name], sign)
            case "contains":
                rule = Contains(name, self._value("a text"))
            case "before" | "after" if name == "tag":
                raise self.error("a tag has no date", _ADVICE[name], sign)
            case "before":
                rule = Between(name, last=_neighbour(self._date(), -1))
            case "after":
                rule = Between(name, first=_neighbour(self._date(), +1))
            case "<" | ">" | "<=" | ">=":
                raise self.error(f"{sign.text!r} is not known here", "compare dates with before and after", sign)
            case _:
                near = nearest(sign.text, ("in", "contains", "before", "after")) if sign.kind == "word" else None
                told = f"after {at.text!r} a comparison is missing"
                raise self.error(told, f"did you mean {near!r}?" if near else _COMPARISONS, sign)
        return Not(rule) if negated else rule

    def _one_of(self, name: str, values: tuple[str, ...]) -> Rule:
        if name == "tag":
            return Tagged(values)
        if name == "joined":
            days = [Between(name, day, day) for day in map(date.fromisoformat, values)]
            return days[0] if len(days) == 1 else Or(tuple(days))
        return OneOf(name, values)

    # ── words and values

    def _word(self, wanted: str) -> _Token:
        if self.next.kind != "word" or self.next.text.casefold() in _KEYWORDS:
            fix = None if self.next.kind == "end" else 'such as tag:volunteer, or city = "Nantes"'
            raise self.error(f"{wanted} is missing before {self.next.shown}", fix)
        return self._take()

    def _name(self, token: _Token) -> str:
        """The name as the tree has it: one of NAMES, or a column of the list without "fields."."""
        name = token.text.casefold()
        if name == "tags":
            return "tag"
        bare = name.removeprefix("fields.")
        if name in NAMES or self._fields is None or bare in self._fields:
            return bare if bare not in NAMES or name in NAMES else f"fields.{bare}"
        raise self.error(f"nothing is called {token.text!r}", did_you_mean(name, {*NAMES, *self._fields}), token)

    def _value(self, wanted: str) -> str:
        if self.next.kind not in ("text", "word", "date"):
            raise self.error(f"{wanted} is missing before {self.next.shown}", "put it in quotes")
        if self.next.kind == "word" and self.next.text.casefold() in _KEYWORDS:
            raise self.error(f"{self.next.shown} is a word of this language", "as a text, put it in quotes")
        return self._take().text

    def _comparable(self, name: str) -> str:
        return self._date().isoformat() if name == "joined" else self._value("a value")

    def _values(self, name: str) -> tuple[str, ...]:
        self._expect("(", 'after "in" comes a list in brackets: ("Nantes", "Rennes")')
        values = [self._comparable(name)]
        while self._takes(","):
            values.append(self._comparable(name))
            self._count_one()
        self._expect(")", 'the list is closed with ")"')
        return tuple(values)

    def _date(self) -> date:
        token = self.next
        if token.kind in ("date", "text", "word"):
            try:
                day = date.fromisoformat(token.text)
            except ValueError:
                pass
            else:
                self._take()
                return day
        raise self.error(f"a date is expected, not {token.shown}", "write it as year-month-day, such as 2026-11-21")


_COMPARISONS = 'known are: =, !=, in ("…", "…"), contains, before, after'
_ADVICE = {"joined": "compare it with before and after", "tag": "write tag:volunteer, or tag in (a, b)"}


def _neighbour(day: date, step: int) -> date:
    """The day before or after; the calendar's own end when there is none."""
    if (step < 0 and day == date.min) or (step > 0 and day == date.max):
        return day
    return date.fromordinal(day.toordinal() + step)


def _window(rule: str, start: int, width: int = 90) -> tuple[str, int]:
    """The part of a rule around a place that fits on a line of a terminal, and the place in it."""
    rule = "".join(character if character.isprintable() else " " for character in rule)
    if len(rule) <= width:
        return rule, start
    first = max(0, start - width // 2)
    last = first + width
    head, tail = "…" if first else "", "…" if last < len(rule) else ""
    return f"{head}{rule[first:last]}{tail}", start - first + len(head)
