"""A calendar day as authors write it, in any form that Astro, Hugo, Jekyll and Buttondown take; never by guessing.

2022-07-15 · 2022-07-15T10:00:00Z · 2022-07-15 10:00:00 +0200      ISO 8601, RFC 3339, Jekyll
Jul 15 2022 · July 15, 2022 · 15 July 2022 · 15 juillet 2022       names of months, English and French
Fri, 15 Jul 2022 10:00:00 GMT                                      RFC 5322
07/15/2022 · 15/07/2022 · 15.07.2022                               read, because only one reading is a date
03/04/2022 · July 2022 · Jul 15 22 · next tuesday                  refused: two readings, or a part is missing
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime
from itertools import product

_EXAMPLE = "write it as year-month-day, such as 2026-11-21"

# The tools that this reads for know no French; its authors do.
_FRENCH_MONTHS = ("janv", "fevr", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "dec")
# Year, month, day: nobody writes year, day, month, though dateutil would read it. A time and a zone may follow.
_YEAR_FIRST = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:(?:T|,? )(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?"
    r"(?: ?[AaPp][Mm])?(?: ?(?:Z|[A-Z]{2,5}|[+-][0-9]{2}(?::?[0-9]{2})?)){0,2})?"
)
# Of these dateutil would make a date, and forget a part of the text.
_OUT_OF_REACH = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]|[^A-Za-z0-9]|$")
_LONGEST = 80
_FRENCH = re.compile(
    r"(?:(?:lun|mar|mercre|jeu|vendre|same)di\s+|dimanche\s+)?(?:le\s+)?([0-9]{1,2})(?:er)?\s+"
    r"(janv(?:ier)?|f[ée]vr(?:ier)?|mars|avr(?:il)?|mai|juin|juil(?:let)?|ao[ûu]t|sept(?:embre)?|oct(?:obre)?"
    r"|nov(?:embre)?|d[ée]c(?:embre)?)\.?\s+([0-9]{4})",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*\b", re.IGNORECASE)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# dateutil fills what a text does not say from a default: two that differ in every part show what was not said. The days
# are more than a week apart, because from `Friday` it makes the first Friday after the default.
_DEFAULTS = (datetime(2000, 1, 1), datetime(2001, 2, 20))


class NotADate(ValueError):
    """A text that does not name exactly one day, and in `fix` what to write instead."""

    def __init__(self, message: str, fix: str = _EXAMPLE) -> None:
        super().__init__(message)
        self.fix = fix


def read_date(text: str) -> date:
    """The day that `text` names, as written: a time of day and a time zone may follow and do not move it.

    Raises NotADate when a part is missing, when two readings are possible, or when there is no such day.
    """
    text = " ".join(text.split())
    if numbers := _YEAR_FIRST.fullmatch(text):
        return _day(text, *map(int, numbers.groups()))
    if french := _FRENCH.fullmatch(text):
        plain = french[2].casefold().replace("é", "e").replace("û", "u")
        month = next(number for number, stem in enumerate(_FRENCH_MONTHS, start=1) if plain.startswith(stem))
        return _day(text, int(french[3]), month, int(french[1]))
    if len(text) > _LONGEST or not text.isascii() or _OUT_OF_REACH.match(text):
        raise NotADate(f"{text[:_LONGEST]!r} is not a date")
    readings = _readings(text)
    if len(days := set(readings.values())) > 1:
        raise _doubt(text, readings)
    (day_found,) = days
    # What dateutil makes of '22 depends on today's date.
    if not _says_year(text, day_found):
        raise NotADate(f"{text!r} does not give the year in four digits")
    said = _WEEKDAY.match(text)
    if said and not (right := _WEEKDAYS[day_found.weekday()]).casefold().startswith(said[1].casefold()):
        raise NotADate(
            f"{text!r} contradicts itself: {day_found.isoformat()} is a {right}",
            "correct the day of the week or the date, or write only the date",
        )
    return day_found


def _day(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        pass
    if year < 1:
        raise NotADate(f"{text!r} is not a date: the calendar begins with the year 1")
    if not 1 <= month <= 12:
        raise NotADate(f"{text!r} is not a date: there is no month {month}")
    raise NotADate(f"{text!r} is not a date: {year:04}-{month:02} has {monthrange(year, month)[1]} days")


def _says_year(text: str, day: date) -> bool:
    return re.search(rf"(?<![0-9]){day.year:04}", text) is not None


def _readings(text: str) -> dict[tuple[datetime, bool, bool], date]:
    """What dateutil reads with each default and each order of day, month and year."""
    from dateutil import parser

    found = {}
    for default, day_first, year_first in product(_DEFAULTS, (False, True), (False, True)):
        try:
            # Time zones are left out: dateutil warns about the names of those that it does not know.
            moment = parser.parse(text, default=default, dayfirst=day_first, yearfirst=year_first, ignoretz=True)
        except (ValueError, OverflowError, ArithmeticError, TypeError, AttributeError, LookupError):
            raise NotADate(f"{text!r} is not a date") from None
        found[default, day_first, year_first] = moment.date()
    return found


def _doubt(text: str, readings: dict[tuple[datetime, bool, bool], date]) -> NotADate:
    one, other = (readings[default, False, False] for default in _DEFAULTS)
    missing = [part for part in ("year", "month", "day") if getattr(one, part) != getattr(other, part)]
    if len(missing) == 3:
        return NotADate(f"{text!r} is not a date")
    if missing:
        return NotADate(f"{text!r} is not a whole date: it lacks the {' and the '.join(missing)}")
    if not any(_says_year(text, day) for day in readings.values()):
        return NotADate(f"{text!r} does not give the year in four digits")
    choices = " or ".join(sorted({day.isoformat() for day in readings.values()}))
    return NotADate(f"{text!r} can be read in more than one way", f"write {choices}")
