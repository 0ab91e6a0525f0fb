"""Segment: a rule that says who gets an issue, as a tree. Audience: the people it meant on that day, in numbers.

`segment.py` reads the rule that an author writes, `store/segments.py` says the tree in SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date


@dataclass(frozen=True, slots=True)
class Everybody:
    """`all`, and the empty rule."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """`tag:volunteer`, `tag in (a, b)`: has one of these tags."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """`city = Nantes`, `city in (Nantes, Rennes)`: the text is one of these."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """`email contains "@example.org"`: the text has this in it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Between:
    """`joined before 2026-01-01`: the day is known, not before `first` and not after `last`, where these are given."""

    name: str
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """`children >= 2`: the number is known, and so compared. The sign is one of = < <= > >=."""

    name: str
    sign: str
    number: float


@dataclass(frozen=True, slots=True)
class InState:
    """`pending`, `status = suppressed`: one of STATES. `now`, in UTC seconds, decides who is paused."""

    state: str
    now: int = 0


@dataclass(frozen=True, slots=True)
class Has:
    """`has city`: something is known there."""

    name: str


@dataclass(frozen=True, slots=True)
class Received:
    """`received "2026-10-hello"`: that issue was accepted for this person."""

    issue: str


@dataclass(frozen=True, slots=True)
class Bounced:
    """`bounced`, `bounced "2026-10-hello"`: a message, or that issue, came back because of the address."""

    issue: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    """Everybody but these."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class And:
    """All of these at once."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these."""

    rules: tuple[Rule, ...]


Rule = Everybody | Tagged | OneOf | Contains | Between | Amount | InState | Has | Received | Bounced | Not | And | Or

# A status of an entry, then what keeps messages from somebody whatever their status.
STATES = ("active", "pending", "unsubscribed", "suppressed", "paused")

EVERYBODY = Everybody()


@dataclass(frozen=True, slots=True)
class Audience:
    """How many a segment meant on that day, and why the others were left out; together, everybody on the list."""

    recipients: int = 0
    pending: int = 0  # have not confirmed yet
    unsubscribed: int = 0
    suppressed: int = 0  # active, and their address bounces or was blocked
    outside: int = 0  # active, and not in the segment
    paused: int = 0  # in the segment, and asked for a pause that has not ended

    @property
    def total(self) -> int:
        """Everybody on the list."""
        return self.recipients + self.pending + self.unsubscribed + self.suppressed + self.outside + self.paused


def tags_in(rule: object) -> Iterator[str]:
    """The tags that a rule, or a part of one, asks for."""
    if isinstance(rule, Tagged):
        yield from rule.tags
    elif is_dataclass(rule):
        for each in fields(rule):
            yield from tags_in(getattr(rule, each.name))
    elif isinstance(rule, tuple):
        for part in rule:
            yield from tags_in(part)
