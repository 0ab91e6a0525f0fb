"""The rule language of segments, read into a tree (audience.py).

    tag:volunteer and city in ("Nantes", "Rennes") and joined in the last 90 days and not received "2026-10-hello"

    rule  = both { "or" both }            both = one { "and" one }
    one   = "not" one | "(" rule ")" | "all" | "tag:" value | "segment:" name | "has" name | "received" value
          | "bounced" [value] | state | name test | name of a boolean
    test  = "=" value | "!=" value | "<" "<=" ">" ">=" number or date | "before" date | "after" date
          | ["not"] "in" ( list | ["the"] "last" number unit ) | ["not"] "contains" value | "is" ["not"] "empty"
    list  = "(" value { "," value } ")"   unit  = days | weeks | months | years
    name  = TEXTS | DATES | tag | status | any other column of the list
    state = active | pending | unsubscribed | suppressed | paused
    value = "in quotes" | a_word | 2026-11-21 | 3.5

Comparisons do not look at case. What a person's entry does not say is empty, and equals nothing but "". `after` a day
begins with the next one. What a field of a type is compared with is read as that type.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date

from newsletter.audience import (
    EVERYBODY,
    STATES,
    Amount,
    And,
    Between,
    Bounced,
    Contains,
    Has,
    InState,
    Not,
    OneOf,
    Or,
    Received,
    Rule,
    Tagged,
)
from newsletter.errors import ListError, Problem, did_you_mean, nearest
from newsletter.field import YES, Kind
from newsletter.segment_tokens import Token, Tokens
from newsletter.segment_values import ADVICE, ANYTHING, COMPARISONS, DATES, NAMES, SIGNS, Values, Vocabulary, neighbour

LONGEST = 10_000  # characters
MOST_TERMS = 500  # conditions and values in lists; SQLite's limit is a tree of depth 1,000
DEEPEST = 40


def parse(rule: str, vocabulary: Vocabulary = ANYTHING) -> Rule:
    """The tree of a rule; an empty one means everybody, and the name of a named segment alone means that.

    Raises ListError, which shows the rule with a caret below the place.
    """
    rule = unicodedata.normalize("NFC", " ".join(rule.split("\n")))
    if len(rule) > LONGEST:
        raise ListError(Problem(f"this segment has {len(rule)} characters; {LONGEST} are the most"))
    if rule.strip() in vocabulary.segments:
        rule = f"segment:{rule.strip()}"
    return _Reader(Tokens(rule), vocabulary, _Size(), ()).whole()


@dataclass(slots=True)
class _Size:
    """Of a rule with all the named ones in it."""

    terms: int = 0
    depth: int = 0


class _Reader(Values):
    """Recursive descent, one token ahead. `inside` are the named segments on the way here."""

    def __init__(self, tokens: Tokens, vocabulary: Vocabulary, size: _Size, inside: tuple[str, ...]) -> None:
        super().__init__(tokens, vocabulary)
        self._size = size
        self._inside = inside

    # ── rules

    def whole(self) -> Rule:
        if self.tokens.next.kind == "end":
            return EVERYBODY
        found = self.rule()
        if self.tokens.next.kind != "end":
            raise self.tokens.error(
                f"{self.tokens.next.shown} comes unexpected", 'join two conditions with "and" or "or"'
            )
        return found

    def rule(self) -> Rule:
        self._size.depth += 1
        if self._size.depth > DEEPEST:
            raise self.tokens.error(f"brackets go deeper than {DEEPEST}")
        rules = [self._both()]
        while self.tokens.takes("or", "|", "||"):
            rules.append(self._both())
        self._size.depth -= 1
        return rules[0] if len(rules) == 1 else Or(tuple(rules))

    def _both(self) -> Rule:
        rules = [self._one()]
        while self.tokens.takes("and", "&", "&&"):
            rules.append(self._one())
        return rules[0] if len(rules) == 1 else And(tuple(rules))

    def _one(self) -> Rule:
        negated = False
        while self.tokens.takes("not", "!"):
            negated = not negated
        rule = self._positive()
        return Not(rule) if negated else rule

    def _positive(self) -> Rule:
        self._count()
        tokens = self.tokens
        if tokens.takes("("):
            rule = self.rule()
            tokens.expect(")", 'a bracket is closed with ")"')
            return rule
        if tokens.takes("all"):
            return EVERYBODY
        if tokens.takes("segment"):
            return self._segment()
        if tokens.takes("has"):
            return self._has(self.name(self.word("the name of a field")))
        if tokens.takes("received"):
            return Received(self.issue())
        if tokens.takes("bounced"):
            return Bounced(self.issue() if tokens.next.kind in ("text", "date") or self.sees_value() else "")
        name = self.word("a condition")
        if name.text.casefold() in ("tag", "tags") and tokens.takes(":"):
            return Tagged((self.value("a tag"),))
        if tokens.next.is_one_of(":"):
            raise tokens.error('":" stands only after tag and segment', f'write {name.text} = "…"')
        if name.text.casefold() in STATES and self.stands_alone():
            return InState(name.text.casefold(), self.known.now)
        return self._test(self.name(name), name)

    def _count(self) -> None:
        self._size.terms += 1
        if self._size.terms > MOST_TERMS:
            raise self.tokens.error(
                f"there are more than {MOST_TERMS} conditions and values", "use a tag that says the same"
            )

    def _segment(self) -> Rule:
        tokens = self.tokens
        tokens.expect(":", 'after "segment" comes ":" and a name')
        at = tokens.next
        name = self.value("the name of a segment")
        if name not in self.known.segments:
            known = did_you_mean(name, self.known.segments) if self.known.segments else "none is in newsletter.toml"
            raise tokens.error(f"there is no segment {name!r}", known, at)
        if name in self._inside:
            way = " → ".join((*self._inside[self._inside.index(name) :], name))
            raise tokens.error(f"the segment {name!r} means itself: {way}", "take one of these steps away", at)
        rule = " ".join(unicodedata.normalize("NFC", self.known.segments[name]).split("\n"))
        inner = _Reader(Tokens(rule, name), self.known, self._size, (*self._inside, name))
        return inner.whole()

    # ── tests

    def _has(self, name: str) -> Rule:
        if name == "status":
            raise self.tokens.error("everybody has a status", ADVICE[name])
        return Has(name)

    def _test(self, name: str, at: Token) -> Rule:
        tokens = self.tokens
        if self.kind(name) is Kind.BOOLEAN and self.stands_alone():
            return OneOf(name, (YES,))
        if tokens.takes("is"):
            empty = tokens.takes("not")
            if not tokens.takes("empty"):
                raise tokens.error(f'"empty" or "not empty" follows here, not {tokens.next.shown}', "or write =")
            return self._has(name) if empty else Not(self._has(name))
        negated = tokens.takes("not")
        if negated and not tokens.next.is_one_of("in", "contains"):
            raise tokens.error(f'"in" or "contains" may follow here, not {tokens.next.shown}')
        sign = tokens.take()
        word = sign.text.casefold() if sign.kind in ("word", "sign") else ""
        if word in SIGNS:
            rule = self._compared(name, SIGNS[word], sign)
        elif word == "in" and tokens.next.is_one_of("the", "last"):
            rule = self.lately(name, sign)
        elif word == "in":
            values = self._values(name)
            rule = values[0] if len(values) == 1 else self._together(values)
        elif word == "contains":
            if name in ADVICE:
                raise tokens.error(f"{name} cannot contain a text", ADVICE[name], sign)
            rule = Contains(name, self.value("a text"))
        elif word in ("before", "after"):
            self.check_date(name, sign)
            day = self.day()
            rule = (
                Between(name, last=neighbour(day, -1)) if word == "before" else Between(name, first=neighbour(day, +1))
            )
        else:
            near = nearest(sign.text, ("in", "contains", "before", "after")) if sign.kind == "word" else None
            told = f"after {at.text!r} a comparison is missing"
            raise tokens.error(told, f"did you mean {near!r}?" if near else COMPARISONS, sign)
        return Not(rule) if negated else rule

    def _together(self, rules: list[Rule]) -> Rule:
        """Or, as one condition where there is one for several values."""
        if all(isinstance(rule, OneOf) for rule in rules):
            found = [rule for rule in rules if isinstance(rule, OneOf)]
            return OneOf(found[0].name, tuple(value for rule in found for value in rule.values))
        if all(isinstance(rule, Tagged) for rule in rules):
            return Tagged(tuple(tag for rule in rules if isinstance(rule, Tagged) for tag in rule.tags))
        return Or(tuple(rules))

    def _values(self, name: str) -> list[Rule]:
        self.tokens.expect("(", 'after "in" comes a list in brackets: ("Nantes", "Rennes")')
        rules = [self._equal(name)]
        while self.tokens.takes(","):
            rules.append(self._equal(name))
            self._count()
        self.tokens.expect(")", 'the list is closed with ")"')
        return rules

    def _compared(self, name: str, sign: str, at: Token) -> Rule:
        if sign in ("=", "!="):
            rule = self._equal(name)
            return Not(rule) if sign == "!=" else rule
        kind = self.kind(name)
        is_text = kind is Kind.TEXT or (kind is None and name not in NAMES)
        if name in DATES or kind is Kind.DATE or (is_text and self.tokens.next.kind == "date"):
            day = self.day()
            edge = neighbour(day, {"<": -1, ">": +1}.get(sign, 0))
            return Between(name, last=edge) if sign in ("<", "<=") else Between(name, first=edge)
        if name in NAMES or kind not in (None, Kind.NUMBER):
            fix = ADVICE.get(name) or f'where they are, write below [fields] in newsletter.toml: {name} = "number"'
            raise self.tokens.error(f"{at.text!r} compares numbers and dates, and {name} holds none", fix, at)
        return Amount(name, sign, self.number(name))

    def _equal(self, name: str) -> Rule:
        """The name has the value that comes next."""
        at = self.tokens.next
        if name in DATES:
            day = self.day()
            return Between(name, day, day)
        if name == "tag":
            return Tagged((self.value("a value"),))
        if name == "status":
            state = self.value("a status").casefold()
            if state not in STATES:
                raise self.tokens.error(f"there is no status {state!r}", did_you_mean(state, STATES), at)
            return InState(state, self.known.now)
        kind = self.kind(name)
        if kind is None or kind is Kind.TEXT:
            return OneOf(name, (self.value("a value"),))
        value = self.read(name)
        if not value:
            return Not(OneOf(name, (YES,))) if kind is Kind.BOOLEAN else OneOf(name, ("",))
        if kind is Kind.NUMBER:
            return Amount(name, "=", float(value))
        if kind is Kind.DATE:
            return Between(name, date.fromisoformat(value), date.fromisoformat(value))
        return OneOf(name, (value,))
