"""What may be written below [limits] and [retry]: the functions that read a value, and what follows from several."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from newsletter.errors import ConfigError, Problem, did_you_mean
from newsletter.limits import GROUPS, Limit, Rate, parse_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_DOMAIN = re.compile(r"(?!-)[^\s@/,;\"']{1,63}(?:\.[^\s@/,;\"'.]{1,63})+")
MOST = 1_000_000_000  # messages


def _wrong(message: str, fix: str) -> ConfigError:
    return ConfigError(Problem(message, fix=fix))


def rate(value: Any) -> Rate | None:
    """So many messages in a unit of time: `50/s`, `3000/h`, `20000/day`; an empty text is no limit."""
    if value == "":
        return None
    found = parse_rate(value) if isinstance(value, str) else None
    if found is None:
        example = f'"{value}/s", "{value}/h"' if type(value) is int and value > 0 else '"50/s", "3000/h"'
        raise _wrong(
            f"is no rate: {value!r}", f'write a number of messages and a unit: {example} or "20000/day"; also "/min"'
        )
    return found


def numbers(highest: int) -> Callable[[Any], tuple[int, ...]]:
    """A list of whole numbers from 1 on."""

    def read(value: Any) -> tuple[int, ...]:
        if not isinstance(value, list) or not value:
            raise _wrong("must be a list of whole numbers", "write them in brackets: [5, 15, 30]")
        for each in value:
            if type(each) is not int or not 1 <= each <= highest:
                raise _wrong(f"holds {each!r}", f"take whole numbers from 1 to {highest:,}, without quotes")
        return tuple(value)

    return read


def day(value: Any) -> date:
    """A calendar day."""
    if isinstance(value, datetime):
        return value.date()
    if not isinstance(value, date):
        raise _wrong("must be a day", "write it without quotes, year first: 2026-11-21")
    return value


def domains(value: Any) -> tuple[str, ...]:
    """A list of domains, as they stand behind the @ of addresses."""
    if not isinstance(value, list):
        raise _wrong("must be a list", 'write them in brackets: ["example.org", "example.com"]')
    names = []
    for each in value:
        name = each.strip().casefold().removeprefix("@") if isinstance(each, str) else ""
        if not _DOMAIN.fullmatch(name):
            raise _wrong(f"holds no domain: {each!r}", 'write what stands behind the @, in quotes: "example.org"')
        names.append(name)
    return tuple(dict.fromkeys(names))


def mail_servers(value: Any) -> tuple[str, ...]:
    """A list of names with which those of mail servers end; each comes back with a dot before it."""
    if not isinstance(value, list):
        raise _wrong("must be a list", 'write it in brackets: ["mail.example.net"]')
    names = []
    for each in value:
        name = each.strip().casefold().removeprefix("*").strip(".") if isinstance(each, str) else ""
        if not _DOMAIN.fullmatch(name):
            raise _wrong(f"holds no name: {each!r}", 'write how the servers\' names end, in quotes: "mail.example.net"')
        names.append(f".{name}")
    return tuple(dict.fromkeys(names))


def mistakes_in_limits(
    written: Mapping[str, Any], groups: Mapping[str, Limit]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What no single value shows: the key, what is wrong with it, and a fix."""
    for key, other, example in (
        ("warmup", "warmup_from", "its first day: warmup_from = 2026-11-21"),
        ("warmup_from", "warmup", "how many messages on each day: warmup = [200, 500, 1000, 2000, 5000]"),
    ):
        if key in written and other not in written:
            yield (key,), f"{key} needs {other}", f"write {example}"
    home = {each: name for name, group in GROUPS.items() for each in (*group.domains, *group.mx)}
    for name, group in groups.items():
        if name not in GROUPS and not written[name].get("domains") and not written[name].get("mx"):
            fix = f"{did_you_mean(name, GROUPS)} (a group of your own has domains = […] or mx = […])"
            yield (name,), f"there is no group of recipients {name!r}", fix
        for domain in group.domains:
            if home.setdefault(domain, name) != name:
                yield (name, "domains"), f"{domain} is in the group {home[domain]!r} already", "take it out of one"
        for ending in group.mx:
            if home.setdefault(ending, name) != name:
                yield (name, "mx"), f"{ending[1:]} is in the group {home[ending]!r} already", "take it out of one"
