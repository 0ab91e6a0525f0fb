"""When somebody joined, as lists write it: ISO 8601, a time stamp, or day, month and year in the order of the file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.dates import NotADate, read_date

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMERIC = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})"
    r"(?:,? +(?:à +)?(\d{1,2})[:h](\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?)?",
    re.ASCII,
)
# Go writes as many digits of a second as it has, and a space before the zone.
_ZONE_NAME = re.compile(r"(?<=[+-]\d{4}) [A-Z]{3,5}$| UTC$", re.ASCII)  # behind an offset, which says as much
_FRACTION = re.compile(r"(?<=:\d\d)[.,]\d+ ?", re.ASCII)
_STAMP = re.compile(r"\d{10}|\d{13}", re.ASCII)  # seconds, milliseconds


def day_comes_first(texts: Iterable[str]) -> bool:
    """Whether 03/04/2026 is in April: decided by the first date of the file that can be read in one way only.

    Without any, it is: only in the United States and a few other places it is not. A file that does not begin with
    such dates is not searched to its end.
    """
    begins_otherwise = 0
    for text in texts:
        begins_otherwise += bool(text) and not _NUMERIC.fullmatch(text.strip())
        if begins_otherwise > 100:
            break
        if (found := _NUMERIC.fullmatch(text.strip())) and found[2] != ".":
            first, second = int(found[1]), int(found[3])
            if first > 12 >= second:
                return True
            if second > 12 >= first:
                return False
    return True


@lru_cache(10_000)
def seconds(text: str, day_first: bool) -> int:
    """The moment in UTC seconds since 1970; a time without a zone is taken as UTC, a day as its first moment.

    Raises ValueError, saying what is wrong.
    """
    moment = _moment(_ZONE_NAME.sub("", text), day_first)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _moment(text: str, day_first: bool) -> datetime:
    if _STAMP.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    if found := _NUMERIC.fullmatch(text):
        one, sign, two, year, hour, minute, second, half = found.groups()
        day, month = (one, two) if day_first or sign == "." else (two, one)
        hours = int(hour or 0) % 12 + 12 * (half in "Pp") if half else int(hour or 0)
        years = int(year) + (2000 if len(year) == 2 else 0)
        return datetime(years, int(month), int(day), hours, int(minute or 0), int(second or 0), tzinfo=UTC)
    if text[:4].isdecimal() and not text.isdecimal():
        try:
            return datetime.fromisoformat(_FRACTION.sub("", text))
        except ValueError:
            pass
    try:
        day_only = read_date(text)
    except NotADate as error:
        raise ValueError(f"{error} ({error.fix})") from None
    return datetime(day_only.year, day_only.month, day_only.day, tzinfo=UTC)
