"""Timing: at which moment each recipient of a mailing gets it, read from what an author writes.

--at "2026-12-01 08:00"          one moment, on the clocks of the newsletter's zone
--at "2026-12-01 08:00 +01:00"   one moment, wherever
--at-local 08:00                 in waves: the next 08:00 on each recipient's own clock
--at-local "2026-12-01 08:00"    in waves: that day's 08:00 on each recipient's own clock
--spread 6h                      evenly over six hours from then, a little each minute

Twice a year an hour is left out or repeated. One moment that would fall there is refused, since only the author knows
what was meant. In a wave, 02:30 of a gap is 03:30, and of two equal hours it is the first (PEP 495).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date, tzinfo

_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:T|,? +)([0-9]{1,2})[:h]([0-9]{2})(?::00)?"
    r"(?: ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
)
_HOUR = re.compile(r"([0-9]{1,2})[:h]([0-9]{2})")
_STRETCH = re.compile(r"([0-9]{1,4}) ?(min|minutes?|m|h|hours?|d|days?)", re.IGNORECASE)
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_LONGEST_SPREAD = 7 * 86_400
_EXAMPLE = 'write it as "2026-12-01 08:00"'


class NotAMoment(ValueError):
    """A text that does not name exactly one moment, and in `fix` what to write instead."""

    def __init__(self, message: str, fix: str = _EXAMPLE) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Local:
    """An hour on everybody's own clock: on that day, or on the next one when it comes."""

    hour: time
    day: date | None = None

    def __str__(self) -> str:
        return f"{self.day} {self.hour:%H:%M}" if self.day else f"{self.hour:%H:%M}"


@dataclass(frozen=True, slots=True)
class Timing:
    """When a mailing goes out. Exactly one of `at` and `local` is there."""

    at: datetime | None = None  # aware
    local: Local | None = None
    spread: int = 0  # seconds

    def moment_for(self, zone: str, fallback: str, now: datetime) -> datetime:
        """When a recipient in this zone gets it; `fallback` is the newsletter's, for those who named none."""
        if self.at is not None:
            return self.at
        assert self.local is not None
        return local_moment(self.local, _zone(zone) or _zone(fallback) or UTC, now)


def read_moment(text: str, zone: str, now: datetime) -> datetime:
    """The moment that a text names on the clocks of `zone`, with the zone's offset.

    `now` is a moment, too. Raises NotAMoment: it is not one, does not exist, exists twice, or lies in the past.
    """
    text = " ".join(text.split())
    if text.lower() == "now":
        return now
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise NotAMoment(f"{text!r} is not a day and an hour")
    try:
        wall = datetime(*(int(part) for part in found.groups()[:5]))  # type: ignore[arg-type]
    except ValueError:
        raise NotAMoment(f"there is no {text!r} in the calendar") from None
    if offset := found[6]:
        offset = "+00:00" if offset in ("Z", "UTC") else offset
        moment = datetime.fromisoformat(f"{wall:%Y-%m-%dT%H:%M}{offset[:3]}:{offset[-2:]}")
    elif (clock := _zone(zone)) is None:
        raise NotAMoment(
            f"{text!r} is another moment in each time zone",
            f'write below [newsletter]: timezone = "Europe/Paris", or say which one: "{wall:%Y-%m-%d %H:%M} +01:00"',
        )
    else:
        moment = _on_clocks(wall, clock, zone)
    if moment < now - timedelta(minutes=1):
        raise NotAMoment(f"{text!r} is over: it is {now.astimezone(moment.tzinfo):%Y-%m-%d %H:%M} there")
    return moment


def read_local(text: str) -> Local:
    """The hour, and perhaps the day, of waves. Raises NotAMoment."""
    text = " ".join(text.split())
    try:
        if found := _HOUR.fullmatch(text):
            return Local(time(int(found[1]), int(found[2])))
        if (found := _MOMENT.fullmatch(text)) and not found[6]:
            wall = datetime(*(int(part) for part in found.groups()[:5]))  # type: ignore[arg-type]
            return Local(wall.time(), wall.date())
    except ValueError:
        pass
    raise NotAMoment(f"{text!r} is no hour that every clock has", 'write it as 08:00, or as "2026-12-01 08:00"')


def read_stretch(text: str) -> int:
    """The seconds in a text such as `6h` or `90min`. Raises NotAMoment."""
    found = _STRETCH.fullmatch(text.strip())
    seconds = int(found[1]) * _SECONDS[found[2][0].lower()] if found else 0
    if not 60 <= seconds <= _LONGEST_SPREAD:
        raise NotAMoment(f"{text!r} is no stretch of time between a minute and a week", "write it as 6h or 90min")
    return seconds


def local_moment(local: Local, clock: tzinfo, now: datetime) -> datetime:
    """When a clock next shows the hour, or shows it on the day, in UTC."""
    here = now.astimezone(clock)
    wanted = (local.day,) if local.day else (here.date(), here.date() + timedelta(days=1))
    for day in wanted:
        moment = _after_gap(datetime.combine(day, local.hour), clock)
        if moment >= now:
            break
    return moment


def _after_gap(wall: datetime, clock: tzinfo) -> datetime:
    """The moment in UTC. What falls into a gap is as long after the gap's end as it would be after its beginning."""
    return wall.replace(tzinfo=clock).astimezone(UTC)


def _on_clocks(wall: datetime, clock: tzinfo, zone: str) -> datetime:
    """The one moment at which the clocks show this. Raises NotAMoment for none, and for two."""
    first, second = wall.replace(tzinfo=clock), wall.replace(tzinfo=clock, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    # In a gap the first reading is later than the second one; in a repeated hour it is earlier.
    told = [each.astimezone(UTC).astimezone(clock) for each in (second, first)]
    if told[0].replace(tzinfo=None) != wall:
        raise NotAMoment(
            f"{wall:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks are put forward then",
            f'write "{told[0]:%Y-%m-%d %H:%M}" or "{told[1]:%Y-%m-%d %H:%M}"',
        )
    either = " or ".join(f'"{wall:%Y-%m-%d %H:%M} {_offset(each)}"' for each in (first, second))
    raise NotAMoment(f"{wall:%Y-%m-%d %H:%M} comes twice in {zone}: the clocks are put back then", f"write {either}")


def _offset(moment: datetime) -> str:
    text = f"{moment:%z}"
    return f"{text[:3]}:{text[3:5]}"


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):  # imported long ago, or from elsewhere
        return None
