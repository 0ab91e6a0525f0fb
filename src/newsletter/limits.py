"""Limits: how fast and how much may be sent, in all, through one transport, and to one group of recipients.

A rate is a token bucket in whole numbers: `50/s` gives one token every 20 ms, and holds one and a tenth of a second's
worth: who comes that much too late has lost nothing. So in any stretch of t seconds, however many processes take from
it, there are at most 50·t and a burst of six. From `100/s` on, tokens are handed out in portions of half a burst: who
asks sooner is told when as many are there.
A daily cap counts what was sent on one calendar day; a warm-up is a cap that grows from day to day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

ALL = "*"  # the name of what holds for every message
# Milliseconds for which a token is good once it was taken. A process that slept longer takes new ones.
GOOD_FOR = 100
_SMALLEST_PORTION = 5
# A clock that steps back by more than this was set; less is the difference between two processes.
_STEP_BACK = 60_000

# ── Values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_UNITS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"([0-9]{1,9}) ?/ ?([a-z]+)")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages in so many seconds, evenly spread."""

    messages: int
    seconds: int

    @property
    def cost(self) -> int:
        """What a message takes from a bucket, which earns `messages` in a millisecond."""
        return self.seconds * 1000

    @property
    def most(self) -> int:
        """What a bucket holds."""
        return self.cost + self.messages * GOOD_FOR

    @property
    def burst(self) -> int:
        """How many messages may go at one moment."""
        return self.most // self.cost

    @property
    def portion(self) -> int:
        """How many are handed out together: what a twentieth of a second earns, or one by one where that is little."""
        number = self.messages * GOOD_FOR // (2 * self.cost)
        return number if number >= _SMALLEST_PORTION else 1

    def __str__(self) -> str:
        unit = next(name for name, seconds in _UNITS.items() if seconds == self.seconds)
        return f"{self.messages}/{unit}"


@dataclass(frozen=True, slots=True)
class Limit:
    """What holds for one group of recipients."""

    rate: Rate | None = None
    in_flight: int | None = None  # messages that may be under way at once
    daily: int | None = None
    domains: tuple[str, ...] = ()  # besides those that are known of the group
    mx: tuple[str, ...] = ()  # how the names of its mail servers end, besides those that are known of it


@dataclass(frozen=True, slots=True)
class Limits:
    """All that holds for one mailing. `rates` are those that every message pays: ALL, and the transport's by a name."""

    rates: Mapping[str, Rate] = field(default_factory=dict)
    daily: int | None = None
    warmup: tuple[int, ...] = ()  # messages on the first, the second, … day
    warmup_from: date | None = None
    groups: Mapping[str, Limit] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rates or self.groups or self.warmup or self.daily is not None)

    def warmup_day(self, day: date) -> int | None:
        """Which day of the warm-up it is, from 1; None once it is over. Before its first day counts as the first."""
        if not self.warmup or self.warmup_from is None:
            return None
        number = max(0, (day - self.warmup_from).days)
        return number + 1 if number < len(self.warmup) else None

    def cap(self, day: date) -> int | None:
        """How many messages may be sent on this day; None: as many as there are."""
        number = self.warmup_day(day)
        caps = [self.daily, None if number is None else self.warmup[number - 1]]
        return min((cap for cap in caps if cap is not None), default=None)

    def seconds_for(self, messages: int) -> float:
        """How long so many messages take at least, days apart."""
        return max((messages * rate.seconds / rate.messages for rate in self.rates.values()), default=0.0)

    def told(self, day: date) -> str:
        """All that holds on this day, on one line: "50/s; 200 a day (day 1 of the warm-up); orange 2/s, 2 at once"."""
        parts = [str(rate) for rate in self.rates.values()]
        if (cap := self.cap(day)) is not None:
            warm = self.warmup_day(day)
            parts.append(f"{cap:,} a day" + (f" (day {warm} of the warm-up)" if warm else ""))
        for name, limit in self.groups.items():
            caps = ((limit.rate, ""), (limit.in_flight, " at once"), (limit.daily, " a day"))
            parts.append(f"{name} " + ", ".join(f"{cap}{what}" for cap, what in caps if cap is not None))
        return "; ".join(parts)

    def domains(self, group: str) -> tuple[str, ...]:
        """The domains whose recipients are in a group that is limited here."""
        known = GROUPS[group].domains if group in GROUPS else ()
        return (*known, *self.groups[group].domains)

    def servers(self, group: str) -> tuple[str, ...]:
        """How the names of its mail servers end, each with a dot before it, for domains that are not listed."""
        known = GROUPS[group].mx if group in GROUPS else ()
        return (*known, *self.groups[group].mx)

    @property
    def asks_for_servers(self) -> bool:
        """Whether it matters where the mail of a domain goes."""
        return any(self.servers(group) for group in self.groups)

    @property
    def needs_no_asking(self) -> frozenset[str]:
        """The domains of which it is known without asking whose they are."""
        known = (group.domains for group in GROUPS.values())
        return frozenset().union(*known, *(limit.domains for limit in self.groups.values()))


def parse_rate(text: str) -> Rate | None:
    """The rate in a text such as `50/s`, `3000/h` or `20000/day`; None when it is none."""
    found = _RATE.fullmatch(text.strip().lower())
    unit = found[2].removesuffix("s") or "s" if found else ""
    if found is None or unit not in _UNITS or not int(found[1]):
        return None
    return Rate(int(found[1]), _UNITS[unit])


# ── The bucket ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Bucket(NamedTuple):
    """What is left of a rate, and when that was reckoned, in milliseconds since 1970."""

    credit: int
    at: int


def refilled(bucket: Bucket | None, rate: Rate, now: int) -> Bucket:
    """The bucket as it is now. A new one is full."""
    if bucket is None:
        return Bucket(rate.most, now)
    if now < bucket.at - _STEP_BACK:
        return Bucket(bucket.credit, now)
    earned = max(0, now - bucket.at) * rate.messages
    return Bucket(min(bucket.credit + earned, rate.most), max(now, bucket.at))


def tokens_in(bucket: Bucket, rate: Rate) -> int:
    """How many messages a refilled bucket lets go; none as long as there is a debt."""
    return max(0, bucket.credit // rate.cost)


def spent(bucket: Bucket, rate: Rate, tokens: int) -> Bucket:
    """The bucket without so many tokens; with a debt, if it has fewer."""
    return bucket._replace(credit=bucket.credit - tokens * rate.cost)


def ready_at(bucket: Bucket, rate: Rate, tokens: int = 1) -> int:
    """When the bucket has so many tokens, in milliseconds since 1970."""
    return bucket.at + max(0, -((bucket.credit - tokens * rate.cost) // rate.messages))


# ── Groups of recipients ─────────────────────────────────────────────────────────────────────────────────────────────


class Group(NamedTuple):
    """Domains that are kept by one provider, who counts what we send to all of them."""

    domains: tuple[str, ...]
    mx: tuple[str, ...]  # how the names of its mail servers end, for domains that are not listed


def _endings(name: str, endings: str) -> tuple[str, ...]:
    return tuple(f"{name}.{ending}" for ending in endings.split())


GROUPS: Mapping[str, Group] = MappingProxyType(
    {
        "google": Group(("gmail.com", "googlemail.com"), (".google.com", ".googlemail.com")),
        "microsoft": Group(
            (
                *_endings("outlook", "com fr be de es it pt dk ie com.br com.au jp"),
                *_endings("hotmail", "com fr be ch de es it nl co.uk ca com.br dk no se"),
                *_endings("live", "com fr be de it nl ie co.uk ca dk no se com.pt"),
                "msn.com",
                "windowslive.com",
                "passport.com",
            ),
            (".outlook.com", ".hotmail.com", ".mx.microsoft"),
        ),
        "yahoo": Group(
            (
                *_endings("yahoo", "com fr be de es it ie gr ca co.uk co.in co.id com.au com.br com.mx com.ar"),
                *_endings("aol", "com fr de it es co.uk"),
                "ymail.com",
                "rocketmail.com",
                "myyahoo.com",
                "aim.com",
            ),
            (".yahoodns.net",),
        ),
        "apple": Group(("icloud.com", "me.com", "mac.com"), (".icloud.com",)),
        "orange": Group(("orange.fr", "wanadoo.fr", "voila.fr"), (".orange.fr", ".wanadoo.fr")),
        "laposte": Group(("laposte.net",), (".laposte.net",)),
        "free": Group(("free.fr", "aliceadsl.fr", "libertysurf.fr", "freesbee.fr"), (".free.fr",)),
        "sfr": Group(("sfr.fr", "neuf.fr", "club-internet.fr", "cegetel.net", "numericable.fr"), (".sfr.fr",)),
    }
)
