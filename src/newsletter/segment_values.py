"""The names and values of a segment rule, each read as what it is: a column, a date, a number, one of some choices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.audience import STATES, Between, Rule
from newsletter.errors import did_you_mean, nearest
from newsletter.field import Field, Kind, WrongValue

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from newsletter.segment_tokens import Token, Tokens

TEXTS = ("email", "first_name", "last_name", "name", "language", "time_zone", "source")
DATES = ("joined", "last_active")
NAMES = (*TEXTS, *DATES, "tag", "status")


KEYWORDS = frozenset(
    {"and", "or", "not", "in", "is", "contains", "before", "after", "has", "received", "bounced", "all", "segment"}
)
_UNITS = {"day": 1, "week": 7, "month": 1, "year": 12}  # days, days, months, months
SIGNS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
COMPARISONS = 'known are: =, !=, in ("…", "…"), contains, before, after, is empty'
ADVICE = {
    "joined": "compare it with before and after",
    "last_active": "compare it with before and after",
    "tag": "write tag:volunteer, or tag in (a, b)",
    "status": f"write status = {STATES[0]}",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a rule can speak of. None: anything passes, because it is not known here."""

    fields: Mapping[str, Field] | None = None  # the list's own columns
    segments: Mapping[str, str] = field(default_factory=dict)  # named rules
    issues: Collection[str] | None = None  # those that were sent
    now: int = 0  # UTC seconds, for "the last 90 days", and who is paused


ANYTHING = Vocabulary()


class Values:
    """Reads names and values where a rule has come to them."""

    def __init__(self, tokens: Tokens, vocabulary: Vocabulary) -> None:
        self.tokens = tokens
        self.known = vocabulary

    def stands_alone(self) -> bool:
        return self.tokens.next.kind == "end" or self.tokens.next.is_one_of(")", "and", "or", "&", "&&", "|", "||")

    def sees_value(self) -> bool:
        return self.tokens.next.kind == "word" and self.tokens.next.text.casefold() not in KEYWORDS

    def kind(self, name: str) -> Kind | None:
        """The type of a field; None when it is not known, and for what is no field."""
        found = (self.known.fields or {}).get(name.removeprefix("fields."))
        return found.kind if found and name not in NAMES else None

    def check_date(self, name: str, at: Token) -> None:
        kind = self.kind(name)
        if name in TEXTS or name in ("tag", "status") or kind not in (None, Kind.TEXT, Kind.DATE):
            what = "a tag has no date" if name == "tag" else f"{name} is no date"
            raise self.tokens.error(what, ADVICE.get(name), at)

    def word(self, wanted: str) -> Token:
        token = self.tokens.next
        if token.kind != "word" or token.text.casefold() in KEYWORDS:
            fix = None if token.kind == "end" else 'such as tag:volunteer, or city = "Nantes"'
            raise self.tokens.error(f"{wanted} is missing before {token.shown}", fix)
        return self.tokens.take()

    def name(self, token: Token) -> str:
        """The name as the tree has it: one of NAMES, or a column of the list without "fields."."""
        name = token.text.casefold()
        if name == "tags":
            return "tag"
        bare = name.removeprefix("fields.")
        fields = self.known.fields
        if name in NAMES or fields is None or bare in fields:
            return bare if bare not in NAMES or name in NAMES else f"fields.{bare}"
        fix = did_you_mean(name, {*NAMES, *fields, *(STATES if self.stands_alone() else ())})
        if meant := nearest(token.text, self.known.segments) if self.stands_alone() else None:
            fix = f"did you mean segment:{meant}?"
        raise self.tokens.error(f"nothing is called {token.text!r}", fix, token)

    def value(self, wanted: str) -> str:
        token = self.tokens.next
        if token.kind not in ("text", "word", "date"):
            fix = "write one, in quotes if it has several words" if token.kind == "end" else "put it in quotes"
            raise self.tokens.error(f"{wanted} is missing before {token.shown}", fix)
        if token.kind == "word" and token.text.casefold() in KEYWORDS:
            raise self.tokens.error(f"{token.shown} is a word of this language", "as a text, put it in quotes")
        return self.tokens.take().text

    def issue(self) -> str:
        at = self.tokens.next
        issue = self.value("the name of an issue")
        if self.known.issues is not None and issue not in self.known.issues:
            known = did_you_mean(issue, self.known.issues) if self.known.issues else "none was sent yet"
            raise self.tokens.error(f"no issue {issue!r} was sent", known, at)
        return issue

    def read(self, name: str) -> str:
        """The next value, as a field of its type keeps it."""
        at = self.tokens.next
        text = self.value("a value")
        try:
            return (self.known.fields or {})[name.removeprefix("fields.")].read(text)
        except WrongValue as error:
            raise self.tokens.error(str(error), error.fix, at) from None

    def number(self, name: str) -> float:
        at = self.tokens.next
        text = self.value("a number")
        try:
            return float(Field(name, Kind.NUMBER).read(text) or "x")
        except ValueError:
            raise self.tokens.error(
                f"a number is expected, not {at.shown}", "write digits, as in 42 or 3.5", at
            ) from None

    def day(self) -> date:
        token = self.tokens.next
        if token.kind in ("date", "text", "word"):
            try:
                day = date.fromisoformat(token.text)
            except ValueError:
                pass
            else:
                self.tokens.take()
                return day
        raise self.tokens.error(
            f"a date is expected, not {token.shown}", "write it as year-month-day, such as 2026-11-21"
        )

    def lately(self, name: str, at: Token) -> Rule:
        tokens = self.tokens
        self.check_date(name, at)
        tokens.takes("the")
        tokens.expect("last", '"last" and a time follow here, as in "in the last 90 days"')
        number = tokens.next
        if number.kind != "word" or not (number.text.isascii() and number.text.isdigit() and int(number.text) < 10**5):
            raise tokens.error(f"a number is expected, not {number.shown}", "write it as in: in the last 90 days")
        tokens.take()
        unit = tokens.next.text.casefold().removesuffix("s")
        if tokens.next.kind != "word" or unit not in _UNITS:
            raise tokens.error(f"a time is expected, not {tokens.next.shown}", did_you_mean(unit, [*_UNITS]))
        tokens.take()
        today = datetime.fromtimestamp(self.known.now, UTC).date()
        return Between(name, _ago(today, int(number.text), unit), today)


def neighbour(day: date, step: int) -> date:
    """The day before or after; the calendar's own end when there is none."""
    if (step < 0 and day == date.min) or (step > 0 and day == date.max):
        return day
    return date.fromordinal(day.toordinal() + step)


def _ago(today: date, number: int, unit: str) -> date:
    """So many days, weeks, months or years before today; the calendar's beginning when that lies before it."""
    if unit in ("day", "week"):
        return today - timedelta(days=min(number * _UNITS[unit], today.toordinal() - 1))
    months = today.year * 12 + today.month - 1 - number * _UNITS[unit]
    if months < 12:
        return date.min
    year, month = divmod(months, 12)
    first = date(year, month + 1, 1)
    return min(first + timedelta(days=today.day - 1), _next_month(first) - timedelta(days=1))


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
